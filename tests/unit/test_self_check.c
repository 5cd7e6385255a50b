#include "fake_code.h"
#include "stack/self_check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *self_check_suite(void);

enum { MAX_FRAMES = 64, MAX_TASKS = 1000, ALL_REGISTERS = (1 << NUM_REGISTERS) - 1 };

static struct fake_world world;
static uint64_t *stack_words;
static struct unwinder unwinder;
static bool unwinder_ready;
static struct registers registers[MAX_TASKS];
static struct task task_list[MAX_TASKS];
static uint32_t stack_ids[MAX_TASKS];
static struct tasks tasks;
static struct stacks stacks;
static const struct coreleaks_self_check *result;

static void setup(void)
{
	fake_world_init(&world);
	stack_words = calloc(FAKE_STACK_WORDS, 8);
	stack_words[FAKE_STACK_WORDS - 1] = 1;
	unwinder_ready = false;
	tasks = (struct tasks){.list = {.items = task_list}};
	stacks = (struct stacks){.by_task = stack_ids};
	memset(stack_ids, 0, sizeof(stack_ids));
}

static void teardown(void)
{
	if (unwinder_ready)
		unwinder_deinit(&unwinder);
	fake_world_deinit(&world);
	free(stack_words);
}

static uint64_t at(uint64_t word)
{
	return FAKE_STACK + word * 8;
}

static void put_code(uint64_t word, const char *label)
{
	stack_words[word] = fake_code(label);
}

/* A thread that stands there, with a stack of its own. */
static struct registers *add_thread(const char *label, uint64_t sp_word)
{
	uint32_t i = tasks.list.num++;
	registers[i] = (struct registers){.known = ALL_REGISTERS};
	registers[i].values[REGISTER_RIP] = fake_code(label);
	registers[i].values[REGISTER_RSP] = at(sp_word);
	task_list[i] = (struct task){
		.kind = CORELEAKS_KIND_THREAD, .id = 4700 + (int64_t)i, .registers = &registers[i]};
	stack_ids[i] = stacks.list.num++;
	return &registers[i];
}

/* frameless_at, frameless_ret, framed_ret, start_ret */
static void add_sound_thread(uint64_t word)
{
	add_thread("frameless_at", word)->values[REGISTER_RBP] = at(word + 50);
	put_code(word + 5, "frameless_ret");
	put_code(word + 11, "framed_ret");
	put_code(word + 51, "start_ret");
}

static void open_world(const char *path)
{
	fake_map(&world.core, fake_code_file(), path, FAKE_CODE_BASE, 0);
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
		     FAKE_STACK_WORDS * 8, PF_R | PF_W);
	fake_world_open_image(&world);
	unwinder_init(&unwinder, &world.arena, &world.gaps, world.image, &world.modules,
		      &world.files, MAX_FRAMES);
	unwinder_ready = true;
}

static void check(void)
{
	if (!unwinder_ready)
		open_world(fake_code_file());
	result = self_check_build(&world.arena, &world.gaps, &world.progress, &tasks, &stacks,
				  &unwinder);
}

/* As if that rule had been compiled wrongly: it is in the cache, and libdwfl has its own. */
static struct cfi_rule *spoil_rule(const char *label, uint64_t before)
{
	open_world(fake_code_file());
	uint64_t lookup = fake_code(label) - before;
	return (struct cfi_rule *)(uintptr_t)cfi_rule_for(&unwinder.cfi, lookup);
}

static void expect_one(uint32_t task, uint32_t frame, uint64_t pc, uint64_t other_pc)
{
	ck_assert_uint_eq(result->num_disagreements, 1);
	const struct coreleaks_disagreement *found = &result->disagreements[0];
	ck_assert_int_eq(found->kind, CORELEAKS_KIND_THREAD);
	ck_assert_int_eq(found->id, 4700 + (int64_t)task);
	ck_assert_uint_eq(found->task, task);
	ck_assert_uint_eq(found->frame, frame);
	ck_assert_uint_eq(found->pc, pc);
	ck_assert_uint_eq(found->other_pc, other_pc);
	ck_assert_uint_eq(fake_world_num_gaps(&world, "self-check"), 1);
	fake_world_expect_gap(&world, "self-check", true);
}

static const char *gap_detail(void)
{
	return world.gaps.list.items[world.gaps.list.num - 1].detail;
}

/* ---- Both agree ---- */

START_TEST(sound_stacks)
{
	add_sound_thread(100);
	add_sound_thread(300);
	struct registers *handler = add_thread("leaf_at", 500);
	handler->values[REGISTER_RBP] = 3;
	put_code(500, "trampoline_ret");
	put_code(501 + 0xa8 / 8, "frameless_entry");
	stack_words[501 + 0xa0 / 8] = at(800);
	put_code(800, "start_ret");
	check();
	ck_assert_uint_eq(result->num_threads, 3);
	ck_assert_uint_eq(result->num_stacks, 3);
	ck_assert_uint_eq(result->num_frames, 4 + 4 + 4);
	ck_assert_uint_eq(result->num_unsure, 0);
	ck_assert_uint_eq(result->num_disagreements, 0);
	fake_world_expect_no_gaps(&world);
}
END_TEST

START_TEST(frame_limit)
{
	add_thread("frameless_at", 100);
	for (uint64_t word = 105; word < FAKE_STACK_WORDS; word += 6)
		put_code(word, "frameless_ret");
	check();
	ck_assert_uint_eq(result->num_frames, MAX_FRAMES);
	ck_assert_uint_eq(result->num_unsure, 0);
	ck_assert_uint_eq(result->num_disagreements, 0);
}
END_TEST

/* ---- What libdwfl cannot know ---- */

/* We go on to the caller. */
START_TEST(call_through_null)
{
	add_thread("leaf_at", 100)->values[REGISTER_RIP] = 0;
	put_code(100, "frameless_ret");
	put_code(106, "start_ret");
	check();
	ck_assert_uint_eq(result->num_frames, 1);
	ck_assert_uint_eq(result->num_unsure, 1);
	ck_assert_uint_eq(result->num_disagreements, 0);
	fake_world_expect_no_gaps(&world);
}
END_TEST

/* The C library's clone() has no rules, and libdwfl follows whatever rbp points to. */
START_TEST(frame_pointer_by_chance)
{
	struct registers *clone = add_thread("cloner_back", 100);
	clone->values[REGISTER_RAX] = 4711;
	clone->values[REGISTER_RBP] = at(300);
	put_code(100, "start_ret");
	put_code(301, "frameless_ret");
	check();
	ck_assert_uint_eq(result->num_stacks, 1);
	ck_assert_uint_eq(result->num_frames, 1);
	ck_assert_uint_eq(result->num_unsure, 1);
	ck_assert_uint_eq(result->num_disagreements, 0);
}
END_TEST

/* It takes any word for a caller, even one that is no code. */
START_TEST(damaged_stack)
{
	add_thread("frameless_at", 100);
	stack_words[105] = 0x4141414141414141;
	check();
	ck_assert_uint_eq(result->num_stacks, 1);
	ck_assert_uint_eq(result->num_disagreements, 0);
}
END_TEST

/* It goes round for ever. */
START_TEST(circle)
{
	add_thread("framed_at", 100)->values[REGISTER_RBP] = at(300);
	stack_words[300] = at(300);
	put_code(301, "framed_ret");
	check();
	ck_assert_uint_eq(result->num_stacks, 1);
	ck_assert_uint_eq(result->num_unsure, 1);
	ck_assert_uint_eq(result->num_disagreements, 0);
}
END_TEST

/* ---- They disagree ---- */

START_TEST(another_caller)
{
	struct registers *sound = add_thread("frameless_at", 700);
	sound->values[REGISTER_RBP] = 0;
	put_code(705, "start_ret");
	add_sound_thread(100);
	put_code(100 + 12, "leaf_at");
	spoil_rule("frameless_ret", 1)->cfa_offset += 8;
	check();
	ck_assert_uint_eq(result->num_stacks, 2);
	ck_assert_uint_eq(result->num_frames, 2 + 2);
	expect_one(1, 2, fake_code("leaf_at"), fake_code("framed_ret"));
	ck_assert_ptr_nonnull(strstr(gap_detail(), "thread 4701, frame 2: 0x7f00"));
	ck_assert_ptr_nonnull(strstr(gap_detail(), "; by libdwfl 0x7f00"));
}
END_TEST

START_TEST(ours_ends_before)
{
	add_sound_thread(100);
	spoil_rule("framed_ret", 1)->registers[REGISTER_RIP].how = CFI_UNDEFINED;
	check();
	expect_one(0, 3, 0, fake_code("start_ret"));
	ck_assert_ptr_nonnull(strstr(gap_detail(), "frame 3: the end of the stack; by libdwfl 0x"));
}
END_TEST

START_TEST(ours_is_broken)
{
	add_sound_thread(100);
	spoil_rule("frameless_ret", 1)->cfa_is_expression = true;
	check();
	expect_one(0, 2, 0, fake_code("framed_ret"));
}
END_TEST

START_TEST(theirs_ends_before)
{
	add_sound_thread(100);
	put_code(52 + 100, "leaf_at");
	spoil_rule("start_ret", 1)->registers[REGISTER_RIP] =
		(struct cfi_register_rule){.how = CFI_AT_CFA, .offset = -8};
	check();
	expect_one(0, 4, fake_code("leaf_at"), 0);
	ck_assert_ptr_nonnull(strstr(gap_detail(), "; by libdwfl the end of the stack"));
}
END_TEST

/* ---- The sample ---- */

/* One thread has another stack than all others: it is taken, wherever it stands. */
START_TEST(distinct_stacks_come_first)
{
	for (uint32_t i = 0; i < MAX_TASKS; i++) {
		add_thread(i == (uint32_t)_i ? "framed_at" : "frameless_at", 100);
		registers[i].values[REGISTER_RBP] = at(200);
		stack_ids[i] = i == (uint32_t)_i;
	}
	stacks.list.num = 2;
	put_code(105, "start_ret");
	put_code(201, "frameless_ret");
	put_code(202 + 5, "start_ret");
	spoil_rule("frameless_ret", 1)->registers[REGISTER_RIP].how = CFI_UNDEFINED;
	check();
	ck_assert_uint_eq(result->num_threads, MAX_TASKS);
	ck_assert_uint_eq(result->num_stacks, SELF_CHECK_MAX_STACKS);
	expect_one((uint32_t)_i, 2, 0, fake_code("start_ret"));
}
END_TEST

/* Each of the sample is another thread. */
START_TEST(no_thread_twice)
{
	enum { NUM = 300 };
	for (uint32_t i = 0; i < NUM; i++) {
		add_thread("frameless_at", 100);
		stack_ids[i] = i % 200;
	}
	stacks.list.num = 200;
	put_code(105, "start_ret");
	spoil_rule("frameless_at", 0)->registers[REGISTER_RIP].how = CFI_UNDEFINED;
	check();
	ck_assert_uint_eq(result->num_disagreements, SELF_CHECK_MAX_STACKS);
	bool seen[NUM] = {false};
	for (uint32_t i = 0; i < result->num_disagreements; i++) {
		ck_assert(!seen[result->disagreements[i].task]);
		seen[result->disagreements[i].task] = true;
	}
	for (uint32_t i = 0; i < 200; i++)
		ck_assert(seen[i]);
}
END_TEST

/* Goroutines, and threads of which registers are lost, are none of its. */
START_TEST(tasks_without_registers)
{
	add_sound_thread(100);
	add_sound_thread(300);
	add_sound_thread(500);
	task_list[0].registers = NULL;
	registers[1].known = 1u << REGISTER_RIP;
	check();
	ck_assert_uint_eq(result->num_threads, 1);
	ck_assert_uint_eq(result->num_stacks, 1);
}
END_TEST

START_TEST(no_tasks)
{
	check();
	ck_assert_uint_eq(result->num_stacks, 0);
	fake_world_expect_no_gaps(&world);
}
END_TEST

START_TEST(stopped)
{
	add_sound_thread(100);
	world.progress.cancelled = true;
	check();
	ck_assert_uint_eq(result->num_threads, 1);
	ck_assert_uint_eq(result->num_stacks, 0);
	ck_assert_uint_eq(result->num_disagreements, 0);
}
END_TEST

/* libdwfl learns from the files what machine it is. */
START_TEST(no_file)
{
	add_sound_thread(100);
	open_world("/nowhere/libgone.so");
	check();
	ck_assert_uint_eq(result->num_stacks, 0);
	fake_world_expect_gap(&world, "self-check", true);
}
END_TEST

Suite *self_check_suite(void)
{
	Suite *suite = suite_create("self_check");
	TCase *tests = tcase_create("self_check");
	tcase_add_unchecked_fixture(tests, fake_code_setup, fake_code_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sound_stacks);
	tcase_add_test(tests, frame_limit);
	tcase_add_test(tests, call_through_null);
	tcase_add_test(tests, frame_pointer_by_chance);
	tcase_add_test(tests, damaged_stack);
	tcase_add_test(tests, circle);
	tcase_add_test(tests, another_caller);
	tcase_add_test(tests, ours_ends_before);
	tcase_add_test(tests, ours_is_broken);
	tcase_add_test(tests, theirs_ends_before);
	tcase_add_loop_test(tests, distinct_stacks_come_first, 997, 1000);
	tcase_add_test(tests, no_thread_twice);
	tcase_add_test(tests, tasks_without_registers);
	tcase_add_test(tests, no_tasks);
	tcase_add_test(tests, stopped);
	tcase_add_test(tests, no_file);
	suite_add_tcase(suite, tests);
	return suite;
}
