#include "proof/publish_tasks.h"

#include <check.h>

enum { NUM_THREADS = 2, NUM_GOROUTINES = 50, NUM = NUM_THREADS + NUM_GOROUTINES };

static struct arena arena;
static struct task task_items[NUM];
static struct goroutine goroutine_items[NUM_GOROUTINES];
static struct go_origin origin_items[2];
static struct go_common common_items[2];
static struct go_origin_names origin_names[2];
static bool system_column[NUM_GOROUTINES];
static int32_t m_of_thread[NUM_THREADS];
static uint32_t stack_column[NUM];
static int32_t nptl_column[NUM];
static struct c_call c_call;
static struct coreleaks_wait wait_items[NUM];
static const struct coreleaks_wait *wait_column[NUM];
static struct wait_hint hint;
static struct tasks tasks;
static struct goroutines goroutines;
static struct go_origins origins;
static struct go_facts facts;
static struct stacks stacks;
static struct nptl nptl;
static struct public_tasks made;

static void setup(void)
{
	arena_init(&arena, 0);
	hint = (struct wait_hint){.syscall_nr = -1, .reason = "chan receive"};
	for (uint32_t i = 0; i < NUM; i++) {
		task_items[i] = (struct task){
			.kind = i < NUM_THREADS ? CORELEAKS_KIND_THREAD : CORELEAKS_KIND_GOROUTINE,
			.state = CORELEAKS_STATE_WAITING,
			.id = 1000 + (int64_t)i,
			.pc = 0x401000,
			.sp = 0xc000000000 + 0x800 * (uint64_t)i,
			.bp = 0xc000000040 + 0x800 * (uint64_t)i,
			.stack_size = 0x200,
			.hint = &hint,
		};
		stack_column[i] = 0;
		nptl_column[i] = -1;
		wait_items[i] = (struct coreleaks_wait){
			.reason = hint.reason, .object = "channel", .holder_task = -1};
		wait_column[i] = &wait_items[i];
	}
	for (uint32_t i = 0; i < NUM_GOROUTINES; i++)
		goroutine_items[i] = (struct goroutine){
			.addr = 0xc100000000 + 0x200 * (uint64_t)i,
			.stack = {0x1000, 0x1800},
			.parent_id = 500 + (int64_t)i,
			.thread = -1,
		};
	memset(system_column, 0, sizeof(system_column));
	memset(origin_names, 0, sizeof(origin_names));
	origin_names[0].creator.function = "main.start";
	origin_names[1].creator.function = "main.other";
	m_of_thread[0] = 0;
	m_of_thread[1] = -1;
	tasks = (struct tasks){.list = {task_items, NUM, NUM}};
	goroutines = (struct goroutines){
		.first_task = NUM_THREADS,
		.list = {goroutine_items, NUM_GOROUTINES, NUM_GOROUTINES},
		.origins = {origin_items, 2, 2},
		.commons = {common_items, 2, 2},
		.m_of_thread = m_of_thread,
		.num_threads = NUM_THREADS,
	};
	origins = (struct go_origins){.items = origin_names, .system = system_column};
	facts = (struct go_facts){0};
	stacks = (struct stacks){.by_task = stack_column};
	nptl = (struct nptl){.by_task = nptl_column};
}

static void teardown(void)
{
	arena_deinit(&arena);
}

static void publish(void)
{
	static struct go_runtime runtime;
	const struct publish_go_input go = {
		.runtime = &runtime,
		.goroutines = &goroutines,
		.facts = &facts,
		.origins = &origins,
		.tasks = &tasks,
	};
	const struct publish_tasks_input input = {
		.tasks = &tasks,
		.stacks = &stacks,
		.nptl = &nptl,
		.waits = wait_column,
		.go = &go,
	};
	publish_tasks(&made, &arena, &input);
}

/* Every task as its columns have it, whatever it shares with others. */
static void check_all(void)
{
	for (uint32_t i = NUM; i-- > 0;) {
		const struct coreleaks_task *task = public_tasks_get(&made, &arena, i);
		ck_assert_int_eq(task->kind, task_items[i].kind);
		ck_assert_int_eq(task->id, task_items[i].id);
		ck_assert_uint_eq(task->pc, task_items[i].pc);
		ck_assert_uint_eq(task->sp, task_items[i].sp);
		ck_assert_uint_eq(task->bp, task_items[i].bp);
		ck_assert_uint_eq(task->stack_size, task_items[i].stack_size);
		ck_assert_uint_eq(task->stack_id, stack_column[i]);
		ck_assert_int_eq(task->state, task_items[i].state);
		ck_assert_str_eq(task->object, wait_items[i].object);
		ck_assert_int_eq(task->timed, wait_items[i].timeout_kind != NULL);
		ck_assert_ptr_eq(public_tasks_get(&made, &arena, i), task);
		if (i < NUM_THREADS)
			continue;
		const struct goroutine *goroutine = &goroutine_items[i - NUM_THREADS];
		ck_assert_uint_eq(task->g_addr, goroutine->addr);
		ck_assert_int_eq(task->creator_id, goroutine->parent_id);
		ck_assert_int_eq(task->marked_leaked, goroutine->leaked);
		ck_assert_int_eq(task->locked_to_thread, goroutine->locked);
		ck_assert_uint_eq(task->stack_reserved_size,
				  goroutine->stack.high - goroutine->stack.low);
		ck_assert_int_eq(task->system != NULL, system_column[i - NUM_THREADS]);
		ck_assert_int_eq(task->thread_id, goroutine->thread >= 0 ? 1000 : 0);
		ck_assert_str_eq(task->creation->frame->function,
				 origin_names[goroutine->origin].creator.function);
	}
}

START_TEST(goroutines_that_are_alike_share_a_row)
{
	publish();
	ck_assert_uint_eq(made.rows.num, NUM_THREADS + 1);
	const struct coreleaks_task *row = public_tasks_row(&made, NUM_THREADS);
	ck_assert_ptr_eq(row, public_tasks_row(&made, NUM - 1));
	ck_assert_int_eq(row->id, 0);
	ck_assert_uint_eq(row->sp | row->bp | row->g_addr, 0);
	ck_assert_int_eq(row->creator_id, 0);
	ck_assert_int_eq(public_tasks_row(&made, 1)->id, 1001);
	ck_assert_uint_eq(public_tasks_row(&made, 1)->sp, task_items[1].sp);
	ck_assert_str_eq(public_tasks_row(&made, 0)->system, "Go runtime");
	ck_assert_ptr_null(public_tasks_row(&made, 1)->system);
	check_all();
}
END_TEST

/* Whatever two differ in keeps them apart. */
START_TEST(what_differs_is_kept_apart)
{
	static struct wait_hint other_hint = {.syscall_nr = -1, .reason = "select"};
	struct task *task = &task_items[NUM_THREADS];
	struct goroutine *goroutine = goroutine_items;
	struct coreleaks_wait *wait = &wait_items[NUM_THREADS];
	task[1].pc++;
	task[2].stack_size++;
	task[3].state = CORELEAKS_STATE_RUNNABLE;
	task[4].hint = &other_hint;
	stack_column[NUM_THREADS + 5] = 1;
	goroutine[6].origin = 1;
	goroutine[7].leaked = true;
	goroutine[8].locked = true;
	goroutine[9].thread = 0;
	goroutine[10].stack.high += 0x800;
	goroutine[11].common = 1;
	system_column[12] = true;
	wait[13].timeout_kind = "remaining";
	wait[14].object = "timer";
	wait[15].reason = "sleep";
	c_call = (struct c_call){NUM_THREADS + 16, 0x42, 0x43};
	stacks.c_calls.items = &c_call;
	stacks.c_calls.num = 1;
	publish();
	ck_assert_uint_eq(made.rows.num, NUM_THREADS + 17);
	for (uint32_t i = 1; i < 17; i++)
		ck_assert_ptr_ne(public_tasks_row(&made, NUM_THREADS + i),
				 public_tasks_row(&made, NUM_THREADS));
	for (uint32_t i = 17; i < NUM_GOROUTINES; i++)
		ck_assert_ptr_eq(public_tasks_row(&made, NUM_THREADS + i),
				 public_tasks_row(&made, NUM_THREADS));
	check_all();
	ck_assert_str_eq(public_tasks_get(&made, &arena, NUM_THREADS + 15)->reason, "sleep");
	ck_assert_uint_eq(public_tasks_get(&made, &arena, NUM_THREADS + 16)->c_call_pc, 0x42);
	ck_assert_uint_eq(public_tasks_get(&made, &arena, NUM_THREADS + 16)->c_call_sp, 0x43);
	ck_assert_uint_eq(public_tasks_get(&made, &arena, NUM_THREADS + 17)->c_call_pc, 0);
}
END_TEST

/* Tasks that were asked for before, and rows that are held, stay where they are. */
START_TEST(keepers_are_told_later)
{
	static const char *const keepers[] = {NULL, "timer", NULL, "variable"};
	unsigned char kept[NUM_GOROUTINES];
	publish();
	const struct coreleaks_task *early = public_tasks_get(&made, &arena, NUM_THREADS + 1);
	const struct coreleaks_task *row = public_tasks_row(&made, NUM_THREADS + 1);
	ck_assert_ptr_null(early->keeper);
	for (uint32_t i = 0; i < NUM_GOROUTINES; i++)
		kept[i] = (unsigned char)(i % 5);
	public_tasks_set_keepers(&made, &arena, kept, keepers, 4);
	ck_assert_uint_eq(made.rows.num, NUM_THREADS + 3);
	for (uint32_t i = 0; i < NUM_GOROUTINES; i++) {
		const char *want = i % 5 < 4 ? keepers[i % 5] : NULL;
		const struct coreleaks_task *task =
			public_tasks_get(&made, &arena, NUM_THREADS + i);
		ck_assert_ptr_eq(task->keeper, want);
		ck_assert_ptr_eq(public_tasks_row(&made, NUM_THREADS + i)->keeper, want);
	}
	ck_assert_ptr_eq(public_tasks_get(&made, &arena, NUM_THREADS + 1), early);
	ck_assert_ptr_null(row->keeper);
	check_all();
}
END_TEST

/* Whoever asks after the analysis gets no task, and the program goes on. */
START_TEST(no_memory_is_no_task)
{
	publish();
	while (arena.next != arena.end)
		arena_alloc(&arena, 16);
	arena.max_size = arena.used_size;
	ck_assert_ptr_null(public_tasks_get(&made, &arena, 3));
	ck_assert_ptr_null(arena.trap);
	arena.max_size = 0;
	ck_assert_int_eq(public_tasks_get(&made, &arena, 3)->id, 1003);
}
END_TEST

Suite *publish_tasks_suite(void);
Suite *publish_tasks_suite(void)
{
	Suite *suite = suite_create("publish_tasks");
	TCase *cases = tcase_create("publish_tasks");
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, goroutines_that_are_alike_share_a_row);
	tcase_add_test(cases, what_differs_is_kept_apart);
	tcase_add_test(cases, keepers_are_told_later);
	tcase_add_test(cases, no_memory_is_no_task);
	suite_add_tcase(suite, cases);
	return suite;
}
