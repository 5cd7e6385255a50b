#include "fake_code.h"
#include "stack/stacks.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *stacks_suite(void);

static struct fake_world world;
static uint64_t *stack_words;
static struct tasks tasks;
static struct unwinder unwinder;
static struct stacks stacks;
static int32_t num_threads;

static bool is_arm64;

static void setup(void)
{
	fake_world_init(&world);
	stack_words = calloc(FAKE_STACK_WORDS, 8);
	stack_words[FAKE_STACK_WORDS - 1] = 1;
	num_threads = 0;
}

static void teardown(void)
{
	is_arm64 = false;
	unwinder_deinit(&unwinder);
	fake_world_deinit(&world);
	free(stack_words);
}

static uint64_t at(uint64_t word)
{
	return FAKE_STACK + word * 8;
}

static void add_thread(const char *label, uint64_t sp_word)
{
	fake_running_thread(&world.core, ++num_threads, fake_code(label), at(sp_word), 0);
}

/* frameless_at <- frameless_ret <- last, with its stack pointer at that word. */
static void add_usual_thread(uint64_t word, const char *last)
{
	stack_words[word + 5] = fake_code("frameless_ret");
	stack_words[word + 11] = fake_code(last);
	add_thread("frameless_at", word);
}

static const struct go_tables no_go;
static const struct goroutines no_goroutines;

static void build_with(uint64_t dumped_size, uint32_t max_frames)
{
	fake_segment(&world.core, FAKE_STACK, stack_words, dumped_size, FAKE_STACK_WORDS * 8,
		     PF_R | PF_W);
	fake_world_open_image(&world);
	tasks_build(&tasks, &world.arena, &world.gaps, &world.notes, world.image);
	unwinder_init(&unwinder, &world.arena, &world.gaps, world.image, &world.modules,
		      &world.files, max_frames);
	world.dump.is_arm64 = is_arm64;
	stacks_build(&stacks, &world.arena, &world.gaps, &world.progress, &unwinder, &world.modules,
		     &world.files, &tasks, &no_go, &no_goroutines, &(struct stacks_wishes){0});
	for (uint32_t i = 0; i < tasks.list.num; i++)
		ck_assert_uint_lt(stacks.by_task[i], stacks.list.num);
	for (uint32_t i = 0; i < stacks.list.num; i++)
		ck_assert_uint_ge(stacks.list.items[i].num_frames, 1);
}

static void build(void)
{
	fake_code_map(&world.core);
	build_with(FAKE_STACK_WORDS * 8, 64);
}

START_TEST(equal_stacks_are_one)
{
	add_usual_thread(100, "start_ret");
	add_usual_thread(200, "noreturn_ret");
	add_usual_thread(300, "start_ret");
	add_usual_thread(400, "start_ret");
	stack_words[200 + 12 + 3] = fake_code("start_ret");
	build();
	ck_assert_uint_eq(stacks.list.num, 2);
	ck_assert_uint_eq(stacks.by_task[0], 0);
	ck_assert_uint_eq(stacks.by_task[1], 1);
	ck_assert_uint_eq(stacks.by_task[2], 0);
	ck_assert_uint_eq(stacks.by_task[3], 0);
	const struct coreleaks_stack *stack = &stacks.list.items[0];
	ck_assert_uint_eq(stack->num_frames, 3);
	ck_assert_int_eq(stack->end, CORELEAKS_STACK_COMPLETE);
	ck_assert_ptr_null(stack->missing);
	/* Addresses are the first task's. */
	ck_assert_uint_eq(stack->frames[0].sp, at(100));
	ck_assert_uint_eq(stack->frames[0].cfa, at(106));
	ck_assert_uint_eq(stack->frames[1].sp, at(106));
	ck_assert_uint_eq(stacks.list.items[1].num_frames, 4);
	fake_world_expect_no_gaps(&world);
}
END_TEST

/* The same functions, another instruction in one of them. */
START_TEST(any_other_address_is_another_stack)
{
	add_usual_thread(100, "start_ret");
	add_usual_thread(200, "start_ret");
	stack_words[200 + 5]++;
	add_thread("frameless_ret", 100);
	build();
	ck_assert_uint_eq(stacks.list.num, 3);
}
END_TEST

START_TEST(names)
{
	add_usual_thread(100, "noreturn_ret");
	stack_words[100 + 12 + 3] = fake_code("start_ret");
	build();
	const struct coreleaks_frame *frames = stacks.list.items[0].frames;
	ck_assert_str_eq(frames[0].function, "frameless");
	ck_assert_uint_eq(frames[0].pc, fake_code("frameless_at"));
	ck_assert_uint_eq(frames[0].function_offset,
			  fake_code("frameless_at") - fake_code("frameless"));
	ck_assert_uint_eq(frames[0].module_offset, fake_code("frameless_at") - FAKE_CODE_BASE);
	ck_assert_str_eq(frames[0].module, "libcode.so");
	ck_assert_str_eq(frames[0].module_path, fake_code_file());
	ck_assert_uint_eq(strlen(frames[0].build_id), 40);
	/* The byte before the return address decides: not the function that follows. */
	ck_assert_str_eq(frames[2].function, "noreturn");
	ck_assert_uint_eq(frames[2].function_offset,
			  fake_code("noreturn_ret") - fake_code("noreturn"));
	ck_assert_str_eq(frames[3].function, "start");
	ck_assert(!frames[0].inlined && !frames[0].signal);
	ck_assert_int_eq(frames[0].trust, CORELEAKS_TRUST_CONTEXT);
	ck_assert_int_eq(frames[1].trust, CORELEAKS_TRUST_CFI);
}
END_TEST

/* Equal stacks; what each task did is its own. */
START_TEST(interrupted_tasks)
{
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t word = 100 + i * 1000;
		stack_words[word] = fake_code("sigreturn");
		stack_words[word + 1 + 0xa8 / 8] = fake_code("waiter_back");
		stack_words[word + 1 + 0xa0 / 8] = at(word + 300);
		stack_words[word + 1 + 0x90 / 8] = i == 0 ? (uint64_t)-4 : 1;
		stack_words[word + 300] = fake_code("start_ret");
		add_thread("leaf_at", word);
	}
	add_usual_thread(3000, "start_ret");
	build();
	ck_assert_uint_eq(stacks.by_task[0], stacks.by_task[1]);
	ck_assert_uint_eq(stacks.interrupted.num, 2);
	ck_assert_int_eq(stacks.interrupted_by_task[0], 0);
	ck_assert_int_eq(stacks.interrupted_by_task[1], 1);
	ck_assert_int_eq(stacks.interrupted_by_task[2], -1);
	for (uint32_t i = 0; i < 2; i++) {
		const struct interruption *is = &stacks.interrupted.items[i].interruption;
		ck_assert(is->known && is->depth == 1 && is->hint.blocked == (i == 0));
		ck_assert_uint_eq(is->registers.values[REGISTER_RSP], at(100 + i * 1000 + 300));
	}
}
END_TEST

START_TEST(beyond_signals)
{
	static const struct coreleaks_frame frames[] = {
		{.function = "pause"}, {.function = "inner", .signal = true, .inlined = true},
		{.signal = true},      {.function = "on_reload"},
		{.signal = true},      {.function = "read"},
	};
	const struct coreleaks_stack stack = {
		.frames = frames, .num_frames = 6, .end = CORELEAKS_STACK_LIMIT};
	struct coreleaks_stack beyond = stack_beyond_signal(&stack, 1);
	ck_assert_uint_eq(beyond.num_frames, 3);
	ck_assert_str_eq(beyond.frames[0].function, "on_reload");
	ck_assert_int_eq(beyond.end, CORELEAKS_STACK_LIMIT);
	beyond = stack_beyond_signal(&stack, 2);
	ck_assert_uint_eq(beyond.num_frames, 1);
	ck_assert_str_eq(beyond.frames[0].function, "read");
	ck_assert_uint_eq(stack_beyond_signal(&stack, 3).num_frames, 0);
	ck_assert_uint_eq(stack_beyond_signal(&stack, UINT32_MAX).num_frames, 0);
	ck_assert_uint_eq(stack_beyond_signal(&stack, 0).num_frames, 6);
}
END_TEST

/* An interrupted function's first instruction is looked up itself: not the function before. */
START_TEST(interrupted_at_the_first_byte)
{
	stack_words[100] = fake_code("trampoline_ret");
	stack_words[101 + 0xa8 / 8] = fake_code("leaf");
	stack_words[101 + 0xa0 / 8] = at(300);
	stack_words[300] = fake_code("start_ret");
	add_thread("leaf_at", 100);
	build();
	const struct coreleaks_stack *stack = &stacks.list.items[0];
	ck_assert_uint_eq(stack->num_frames, 4);
	ck_assert(stack->frames[1].signal);
	ck_assert_str_eq(stack->frames[2].function, "leaf");
	ck_assert_uint_eq(stack->frames[2].function_offset, 0);
}
END_TEST

/* The same addresses, ended by a different cause. */
START_TEST(different_endings_are_different_stacks)
{
	add_usual_thread(100, "start_ret");
	add_thread("frameless_at", FAKE_STACK_WORDS - 8);
	stack_words[FAKE_STACK_WORDS - 8 + 5] = fake_code("frameless_ret");
	add_thread("frameless_at", 503);
	stack_words[508] = fake_code("frameless_ret");
	fake_code_map(&world.core);
	uint64_t half = FAKE_STACK_WORDS * 4;
	fake_segment(&world.core, FAKE_STACK + half, (char *)stack_words + half, half, half,
		     PF_R | PF_W);
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_PAGE, half, PF_R | PF_W);
	fake_world_open_image(&world);
	tasks_build(&tasks, &world.arena, &world.gaps, &world.notes, world.image);
	unwinder_init(&unwinder, &world.arena, &world.gaps, world.image, &world.modules,
		      &world.files, 64);
	stacks_build(&stacks, &world.arena, &world.gaps, &world.progress, &unwinder, &world.modules,
		     &world.files, &tasks, &no_go, &no_goroutines, &(struct stacks_wishes){0});
	ck_assert_uint_eq(stacks.list.num, 3);
	const struct coreleaks_stack *list = stacks.list.items;
	ck_assert_int_eq(list[0].end, CORELEAKS_STACK_COMPLETE);
	ck_assert_int_eq(list[1].end, CORELEAKS_STACK_BROKEN);
	ck_assert_int_eq(list[2].end, CORELEAKS_STACK_UNREADABLE);
	ck_assert_uint_eq(list[1].num_frames, 2);
	ck_assert_uint_eq(list[2].num_frames, 2);
	ck_assert_uint_eq(list[1].frames[1].pc, list[2].frames[1].pc);
	ck_assert_ptr_nonnull(list[1].missing);
	ck_assert_str_ne(list[1].missing, list[2].missing);
}
END_TEST

START_TEST(unreadable_stacks_are_gaps)
{
	for (int i = 0; i < 5; i++)
		add_thread("frameless_at", 100);
	fake_code_map(&world.core);
	build_with(0, 64);
	fake_world_expect_gap(&world, "stack-unreadable", true);
	ck_assert_uint_eq(fake_world_num_gaps(&world, "stack-unreadable"), 5);
	ck_assert_uint_eq(stacks.list.num, 1);
	ck_assert_int_eq(stacks.list.items[0].end, CORELEAKS_STACK_UNREADABLE);
}
END_TEST

/* A thread in C of AArch64: where it stands is all that is told, not that this is its stack. */
START_TEST(arm64_frames_of_c_are_a_gap)
{
	add_usual_thread(100, "start_ret");
	fake_code_map(&world.core);
	is_arm64 = true;
	build_with(FAKE_STACK_WORDS * 8, 64);
	fake_world_expect_gap(&world, "stack-unreadable", true);
	const struct coreleaks_stack *only = &stacks.list.items[0];
	ck_assert_uint_eq(only->num_frames, 1);
	ck_assert_uint_eq(only->frames[0].pc, fake_code("frameless_at"));
	ck_assert_int_eq(only->end, CORELEAKS_STACK_UNREADABLE);
	ck_assert_str_eq(only->missing, "on AArch64 only Go's frames are unwound, not those of C");
}
END_TEST

/* The exit code hangs on it: broken for want of a module is incomplete. */
START_TEST(missing_modules_are_incomplete)
{
	add_usual_thread(100, "start_ret");
	fake_map(&world.core, fake_code_file(), "/no/such/libgone.so", FAKE_CODE_BASE, 0);
	build_with(FAKE_STACK_WORDS * 8, 64);
	fake_world_expect_gap(&world, "stack-broken", true);
	ck_assert_ptr_nonnull(strstr(stacks.list.items[0].missing, "libgone.so"));
	ck_assert_str_eq(stacks.list.items[0].frames[0].module, "libgone.so");
	ck_assert_ptr_null(stacks.list.items[0].frames[0].function);
}
END_TEST

START_TEST(frame_limit_is_no_loss)
{
	add_usual_thread(100, "frameless_ret");
	fake_code_map(&world.core);
	build_with(FAKE_STACK_WORDS * 8, 2);
	ck_assert_int_eq(stacks.list.items[0].end, CORELEAKS_STACK_LIMIT);
	ck_assert_uint_eq(stacks.list.items[0].num_frames, 2);
	fake_world_expect_gap(&world, "frame-limit", false);
	ck_assert(!gaps_incomplete(&world.gaps));
}
END_TEST

static bool refuse(void *data, const char *phase, uint64_t done, uint64_t total)
{
	(void)data;
	(void)phase;
	(void)total;
	return done == 0;
}

/* Stopped after the first 256: the rest still has a stack each, and says why it is short. */
START_TEST(stopped_amid)
{
	enum { NUM = 600 };
	add_usual_thread(100, "start_ret");
	for (int i = 1; i < NUM; i++)
		add_thread("frameless_at", 100);
	world.progress.callback = refuse;
	build();
	ck_assert_uint_eq(tasks.list.num, NUM);
	const struct coreleaks_stack *first = &stacks.list.items[stacks.by_task[0]];
	const struct coreleaks_stack *last = &stacks.list.items[stacks.by_task[NUM - 1]];
	ck_assert_uint_eq(first->num_frames, 3);
	ck_assert_uint_eq(last->num_frames, 1);
	ck_assert_uint_eq(last->frames[0].pc, fake_code("frameless_at"));
	ck_assert_ptr_nonnull(last->missing);
	ck_assert_int_ne(last->end, CORELEAKS_STACK_COMPLETE);
	ck_assert(gaps_incomplete(&world.gaps));
}
END_TEST

START_TEST(no_tasks)
{
	build();
	ck_assert_uint_eq(stacks.list.num, 0);
}
END_TEST

Suite *stacks_suite(void)
{
	Suite *suite = suite_create("stacks");
	TCase *tests = tcase_create("stacks");
	tcase_add_unchecked_fixture(tests, fake_code_setup, fake_code_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, equal_stacks_are_one);
	tcase_add_test(tests, any_other_address_is_another_stack);
	tcase_add_test(tests, names);
	tcase_add_test(tests, interrupted_at_the_first_byte);
	tcase_add_test(tests, interrupted_tasks);
	tcase_add_test(tests, beyond_signals);
	tcase_add_test(tests, different_endings_are_different_stacks);
	tcase_add_test(tests, unreadable_stacks_are_gaps);
	tcase_add_test(tests, arm64_frames_of_c_are_a_gap);
	tcase_add_test(tests, missing_modules_are_incomplete);
	tcase_add_test(tests, frame_limit_is_no_loss);
	tcase_add_test(tests, stopped_amid);
	tcase_add_test(tests, no_tasks);
	suite_add_tcase(suite, tests);
	return suite;
}
