#include "fake_code.h"
#include "reason/holders.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

Suite *holders_suite(void);

#define LOCK UINT64_C(0x600000)

enum {
	MAX_TASKS = 24,
	TASK_WORDS = 64, /* of the stack, a task */
	SP_WORD = 16,	 /* where a task's live part begins */
	PROGRAM_WORD = SP_WORD + 6,
	START_WORD = SP_WORD + 12,
	FIRST_ID = 4711,
};

static struct fake_world world;
static uint64_t *stack_words;
static struct unwinder unwinder;
static struct task task_items[MAX_TASKS];
static struct wait wait_items[MAX_TASKS];
static struct wait *wait_addrs[MAX_TASKS];
static struct registers register_items[MAX_TASKS];
static struct wait_hint hints[MAX_TASKS];
static struct tasks tasks;
static struct waits waits;
static struct stacks stacks;
static uint32_t stack_by_task[MAX_TASKS];
static struct coreleaks_frame frames[3];
static struct coreleaks_stack names;
static struct holders holders;

static uint64_t *word(uint32_t task, uint32_t index)
{
	return &stack_words[task * TASK_WORDS + index];
}

static uint64_t word_addr(uint32_t task, uint32_t index)
{
	return FAKE_STACK + (task * TASK_WORDS + index) * 8;
}

/* Sleeps in a function of libc that one of the program called, which a start routine of libc did.
 */
static uint32_t add_task(void)
{
	uint32_t index = tasks.list.num++;
	struct task *task = &task_items[index];
	*task = (struct task){
		.kind = CORELEAKS_KIND_THREAD,
		.state = CORELEAKS_STATE_WAITING,
		.id = FIRST_ID + index,
		.stack_size = (TASK_WORDS - SP_WORD) * 8,
		.sp = word_addr(index, SP_WORD),
		.registers = &register_items[index],
		.hint = &hints[index],
	};
	register_items[index] = (struct registers){.known = (1u << NUM_REGISTERS) - 1};
	hints[index] = (struct wait_hint){.syscall_nr = SYS_pause, .blocked = true};
	register_items[index].values[REGISTER_RIP] = fake_code("frameless_at");
	register_items[index].values[REGISTER_RSP] = word_addr(index, SP_WORD);
	*word(index, PROGRAM_WORD - 1) = fake_code("frameless_ret");
	*word(index, START_WORD - 1) = fake_code("start_ret");
	wait_addrs[index] = &wait_items[index];
	wait_items[index] = (struct wait){.holder = -1};
	return index;
}

static void setup(void)
{
	fake_world_init(&world);
	stack_words = calloc(FAKE_STACK_WORDS, 8);
	tasks = (struct tasks){.list = {task_items, 0, MAX_TASKS}};
	waits = (struct waits){.by_task = wait_addrs};
	frames[0] = (struct coreleaks_frame){.function = "pause", .module = "libc.so.6"};
	frames[1] = (struct coreleaks_frame){.function = "reader", .module = "worker"};
	frames[2] = (struct coreleaks_frame){.function = "start_thread", .module = "libc.so.6"};
	names = (struct coreleaks_stack){.frames = frames, .num_frames = 3};
	stacks = (struct stacks){.list = {&names, 1, 1}, .by_task = stack_by_task};
	unwinder.arena = NULL;
	/* The first one wants to write. */
	wait_items[add_task()] = (struct wait){
		.reason = "rwlock-write",
		.object = WAIT_RWLOCK,
		.addr = LOCK,
		.holder = -1,
	};
	wait_items[0].rwlock.known = true;
}

static void teardown(void)
{
	if (unwinder.arena != NULL)
		unwinder_deinit(&unwinder);
	fake_world_deinit(&world);
	free(stack_words);
}

/* Who may hold what the first task waits for; NULL: was not searched for. */
static const struct holders_of *search(void)
{
	const struct holders_input input = {&tasks, &waits, &stacks, &unwinder};
	fake_code_map(&world.core);
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
		     FAKE_STACK_WORDS * 8, PF_R | PF_W);
	fake_world_open_image(&world);
	unwinder_init(&unwinder, &world.arena, &world.gaps, world.image, &world.modules,
		      &world.files, 64);
	holders_build(&holders, &world.arena, &world.gaps, &world.progress, &input);
	fake_world_expect_no_gaps(&world);
	return holders.by_task[0];
}

static void expect_one(uint32_t task, const struct coreleaks_frame *frame)
{
	const struct holders_of *found = search();
	ck_assert_ptr_nonnull(found);
	ck_assert_uint_eq(found->num, 1);
	ck_assert_uint_eq(found->num_all, 1);
	ck_assert_uint_eq(found->candidates[0].task, task);
	ck_assert_ptr_eq(found->candidates[0].frame, frame);
}

static void expect_none(void)
{
	const struct holders_of *found = search();
	ck_assert_ptr_nonnull(found);
	ck_assert_uint_eq(found->num, 0);
	ck_assert_uint_eq(found->num_all, 0);
}

START_TEST(in_a_frame_of_the_program)
{
	uint32_t task = add_task();
	*word(task, PROGRAM_WORD) = LOCK;
	*word(task, PROGRAM_WORD + 3) = LOCK;
	expect_one(task, &frames[1]);
}
END_TEST

/* Left by calls that have returned, a library's own, near but not it, or of who made the thread. */
START_TEST(not_in_use)
{
	uint32_t task = add_task();
	for (uint32_t i = 0; i < PROGRAM_WORD - 1; i++)
		*word(task, i) = LOCK;
	*word(task, PROGRAM_WORD) = LOCK + 1;
	*word(task, PROGRAM_WORD + 1) = LOCK - 8;
	*word(task, START_WORD) = LOCK;
	*word(task, START_WORD + 1) = LOCK;
	expect_none();
}
END_TEST

START_TEST(who_waits_is_no_candidate)
{
	*word(0, PROGRAM_WORD) = LOCK;
	uint32_t task = add_task();
	wait_items[task] = wait_items[0];
	*word(task, PROGRAM_WORD) = LOCK;
	expect_none();
	ck_assert_ptr_eq(holders.by_task[task], holders.by_task[0]);
}
END_TEST

/* A register that the library's function kept for its caller. */
START_TEST(in_a_register)
{
	uint32_t task = add_task();
	register_items[task].values[REGISTER_RBX] = LOCK;
	expect_one(task, &frames[1]);
}
END_TEST

START_TEST(leftovers_of_a_system_call)
{
	uint32_t task = add_task();
	register_items[task].values[REGISTER_RAX] = LOCK;
	register_items[task].values[8] = LOCK;
	expect_none();
}
END_TEST

START_TEST(running_with_it_in_a_register)
{
	uint32_t task = add_task();
	hints[task] = (struct wait_hint){.syscall_nr = -1};
	task_items[task].state = CORELEAKS_STATE_RUNNING;
	register_items[task].values[8] = LOCK;
	expect_one(task, &frames[1]);
}
END_TEST

/* libc's function has saved rbx and uses it for something else. */
START_TEST(saved_for_the_caller)
{
	uint32_t task = add_task();
	struct registers *registers = &register_items[task];
	registers->values[REGISTER_RIP] = fake_code("framed_at");
	registers->values[REGISTER_RBP] = word_addr(task, PROGRAM_WORD - 2);
	*word(task, PROGRAM_WORD - 1) = fake_code("frameless_ret");
	*word(task, PROGRAM_WORD - 3) = LOCK;
	expect_one(task, &frames[1]);
}
END_TEST

/* As above, and it has not used it yet: still that of reader, through a function that does not
 * touch it. What is inlined has its function's frame. */
START_TEST(saved_and_still_there)
{
	enum { FIRST_RBP = SP_WORD + 2, READER_RBP = SP_WORD + 14 };
	uint32_t task = add_task();
	struct registers *registers = &register_items[task];
	struct coreleaks_frame five[] = {frames[0], frames[1], frames[1], frames[1], frames[2]};
	struct coreleaks_stack with_rest = {.frames = five, .num_frames = 5};
	five[1].function = "rest";
	five[2].function = "inlined into reader";
	five[2].inlined = true;
	stacks.list.items = &with_rest;
	registers->values[REGISTER_RIP] = fake_code("framed_at");
	registers->values[REGISTER_RBP] = word_addr(task, FIRST_RBP);
	registers->values[REGISTER_RBX] = LOCK;
	*word(task, FIRST_RBP - 1) = LOCK;
	*word(task, FIRST_RBP) = word_addr(task, READER_RBP);
	*word(task, FIRST_RBP + 1) = fake_code("frameless_ret");
	*word(task, FIRST_RBP + 7) = fake_code("framed_ret");
	*word(task, READER_RBP + 1) = fake_code("start_ret");
	expect_one(task, &five[3]);
}
END_TEST

/* What the program's function saved was its caller's, which starts threads. */
START_TEST(left_by_who_started_it)
{
	uint32_t task = add_task();
	*word(task, PROGRAM_WORD - 1) = fake_code("framed_ret");
	register_items[task].values[REGISTER_RBP] = word_addr(task, START_WORD - 2);
	*word(task, START_WORD - 3) = LOCK;
	expect_none();
}
END_TEST

/* The kernel put the registers of what it interrupted behind the handler's frame. */
START_TEST(interrupted_with_it_in_a_register)
{
	enum { UCONTEXT = SP_WORD + 6, INTERRUPTED = UCONTEXT + 24 };
	uint32_t task = add_task();
	static struct coreleaks_frame four[4];
	static struct coreleaks_stack with_signal;
	four[0] = (struct coreleaks_frame){.function = "handler", .module = "worker"};
	four[1] = (struct coreleaks_frame){.signal = true, .module = "libc.so.6"};
	four[2] = frames[1];
	four[3] = frames[2];
	with_signal = (struct coreleaks_stack){.frames = four, .num_frames = 4};
	stacks.list.items = &with_signal;
	*word(task, UCONTEXT - 1) = fake_code("trampoline_ret");
	*word(task, UCONTEXT + 16) = LOCK;
	*word(task, UCONTEXT + 20) = word_addr(task, INTERRUPTED);
	*word(task, UCONTEXT + 21) = fake_code("frameless_at");
	*word(task, INTERRUPTED + 5) = fake_code("start_ret");
	expect_one(task, &four[2]);
}
END_TEST

/* The stack leads nowhere: what lies beyond the last frame may be of a frame. */
START_TEST(beyond_what_was_unwound)
{
	uint32_t task = add_task(), named = add_task();
	register_items[task].values[REGISTER_RIP] = 0x1234;
	*word(task, SP_WORD) = 0x1234;
	*word(task, START_WORD + 2) = LOCK;
	*word(task, SP_WORD - 1) = LOCK;
	*word(named, PROGRAM_WORD) = LOCK;
	const struct holders_of *found = search();
	ck_assert_uint_eq(found->num, 2);
	ck_assert_uint_eq(found->candidates[0].task, named);
	ck_assert_uint_eq(found->candidates[1].task, task);
	ck_assert_ptr_null(found->candidates[1].frame);
}
END_TEST

START_TEST(many)
{
	while (tasks.list.num < MAX_TASKS)
		*word(add_task(), PROGRAM_WORD) = LOCK;
	/* Later in the core, earlier by id. */
	task_items[MAX_TASKS - 1].id = 1;
	const struct holders_of *found = search();
	ck_assert_uint_eq(found->num, HOLDERS_MAX_CANDIDATES);
	ck_assert_uint_eq(found->num_all, MAX_TASKS - 1);
	ck_assert_uint_eq(found->candidates[0].task, MAX_TASKS - 1);
	for (uint32_t i = 1; i < HOLDERS_MAX_CANDIDATES; i++)
		ck_assert_uint_eq(found->candidates[i].task, i);
}
END_TEST

/* Locks that name their holder, and what nobody holds. */
START_TEST(not_searched_for)
{
	static const struct wait rows[] = {
		{.object = WAIT_RWLOCK, .addr = LOCK, .holder = -1, .holder_tid = 77},
		{.object = WAIT_MUTEX, .addr = LOCK, .holder = 0},
		{.object = WAIT_CONDITION, .addr = LOCK, .holder = -1},
		{.object = WAIT_BARRIER, .addr = LOCK, .holder = -1},
		{.object = WAIT_FUTEX, .reason = "park", .addr = LOCK, .holder = -1},
		{.object = WAIT_FUTEX, .reason = "atomic", .addr = LOCK, .holder = -1},
		{.object = WAIT_FUTEX, .addr = LOCK, .holder = -1},
		{.object = WAIT_FD, .addr = 5, .holder = -1},
		{.object = WAIT_THREAD, .addr = LOCK, .holder = -1},
		{.object = WAIT_RWLOCK, .holder = -1},
		{.holder = -1},
	};
	*word(add_task(), PROGRAM_WORD) = LOCK;
	wait_items[0] = rows[_i];
	ck_assert_ptr_null(search());
}
END_TEST

START_TEST(searched_for)
{
	static const struct wait rows[] = {
		{.object = WAIT_MUTEX, .addr = LOCK, .holder = -1},
		{.object = WAIT_SEMAPHORE, .addr = LOCK, .holder = -1},
		{.object = WAIT_ONCE, .addr = LOCK, .holder = -1},
		{.object = WAIT_FUTEX, .reason = "futex", .addr = LOCK, .holder = -1},
	};
	uint32_t task = add_task();
	*word(task, PROGRAM_WORD) = LOCK;
	wait_items[0] = rows[_i];
	expect_one(task, &frames[1]);
}
END_TEST

/* Go's stacks move; what calls C stands on a thread's. */
START_TEST(goroutines)
{
	uint32_t task = add_task();
	*word(task, PROGRAM_WORD) = LOCK;
	task_items[task].kind = CORELEAKS_KIND_GOROUTINE;
	expect_none();
}
END_TEST

/* Any registers, any stack: nothing is read out of bounds. */
START_TEST(hostile_registers)
{
	static const uint64_t values[] = {0, 1, LOCK, UINT64_MAX, UINT64_MAX - 7, FAKE_STACK - 8};
	enum { NUM = sizeof(values) / sizeof(values[0]) };
	for (int i = 0; i < NUM * 2; i++) {
		uint32_t task = add_task();
		uint64_t *registers = register_items[task].values;
		registers[REGISTER_RSP] = registers[REGISTER_RBP] = values[i % NUM];
		task_items[task].sp = values[i % NUM];
		task_items[task].stack_size = values[(i + 1) % NUM];
		if (i >= NUM)
			registers[REGISTER_RIP] = fake_code("framed_at");
	}
	search();
}
END_TEST

Suite *holders_suite(void)
{
	Suite *suite = suite_create("holders");
	TCase *tests = tcase_create("holders");
	tcase_add_unchecked_fixture(tests, fake_code_setup, fake_code_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, in_a_frame_of_the_program);
	tcase_add_test(tests, not_in_use);
	tcase_add_test(tests, who_waits_is_no_candidate);
	tcase_add_test(tests, in_a_register);
	tcase_add_test(tests, leftovers_of_a_system_call);
	tcase_add_test(tests, running_with_it_in_a_register);
	tcase_add_test(tests, saved_for_the_caller);
	tcase_add_test(tests, saved_and_still_there);
	tcase_add_test(tests, left_by_who_started_it);
	tcase_add_test(tests, interrupted_with_it_in_a_register);
	tcase_add_test(tests, beyond_what_was_unwound);
	tcase_add_test(tests, many);
	tcase_add_loop_test(tests, not_searched_for, 0, 11);
	tcase_add_loop_test(tests, searched_for, 0, 4);
	tcase_add_test(tests, goroutines);
	tcase_add_test(tests, hostile_registers);
	suite_add_tcase(suite, tests);
	return suite;
}
