#include "group/groups.h"

#include "base/intern.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *groups_suite(void);

enum { MAX_TASKS = 64, MAX_STACKS = 16, MAX_FRAMES = 4 };

static struct arena arena;
static struct coreleaks_options options;
static struct coreleaks_task tasks[MAX_TASKS];
static struct coreleaks_wait waits[MAX_TASKS];
static const struct coreleaks_wait *wait_addrs[MAX_TASKS];
static struct coreleaks_stack stacks[MAX_STACKS];
static struct coreleaks_frame frames[MAX_STACKS][MAX_FRAMES];
static struct groups_input input;
static struct groups groups;

static void setup(void)
{
	arena_init(&arena, 0);
	coreleaks_options_init(&options);
	memset(tasks, 0, sizeof(tasks));
	memset(waits, 0, sizeof(waits));
	for (uint32_t i = 0; i < MAX_TASKS; i++)
		wait_addrs[i] = &waits[i];
	memset(stacks, 0, sizeof(stacks));
	memset(frames, 0, sizeof(frames));
	input = (struct groups_input){
		.tasks = tasks, .waits = wait_addrs, .stacks = stacks, .options = &options};
	groups = (struct groups){0};
}

static void teardown(void)
{
	arena_deinit(&arena);
}

/* A stack of two frames: FUNCTION at worker.c:LINE, called by main at worker.c:90. */
static struct coreleaks_frame *add_stack(const char *function, uint32_t line)
{
	uint32_t id = input.num_stacks++;
	frames[id][0] = (struct coreleaks_frame){
		.pc = 0x5000 + line,
		.function = function,
		.function_offset = line,
		.file = "worker.c",
		.line = line,
		.module = "worker",
		.module_offset = 0x1000 + line,
		.build_id = "ab12",
	};
	frames[id][1] = (struct coreleaks_frame){
		.pc = 0x6000,
		.function = "main",
		.file = "worker.c",
		.line = 90,
		.module = "worker",
		.module_offset = 0x2000,
		.build_id = "ab12",
	};
	stacks[id] = (struct coreleaks_stack){.frames = frames[id], .num_frames = 2};
	return frames[id];
}

static struct coreleaks_task *add_task(int64_t id, uint32_t stack_id)
{
	waits[input.num_tasks].holder_task = -1;
	tasks[input.num_tasks] = (struct coreleaks_task){
		.id = id,
		.state = CORELEAKS_STATE_WAITING,
		.stack_id = stack_id,
		.reason = "futex",
	};
	return &tasks[input.num_tasks++];
}

static uint32_t build(void)
{
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	return groups.list.num;
}

static const struct group *group(uint32_t index)
{
	ck_assert_uint_lt(index, groups.list.num);
	return &groups.list.items[index];
}

START_TEST(nothing_gives_nothing)
{
	ck_assert_uint_eq(build(), 0);
	ck_assert_uint_eq(groups.num_deselected, 0);
}
END_TEST

START_TEST(equal_stacks_are_one_group_in_order)
{
	add_stack("idle", 10);
	add_stack("consume", 20);
	add_task(9, 0);
	add_task(7, 1);
	add_task(5, 1);
	add_task(7, 1);
	ck_assert_uint_eq(build(), 2);
	ck_assert_uint_eq(group(0)->num_tasks, 3);
	ck_assert_uint_eq(group(0)->stack_id, 1);
	/* By id, then by index. */
	ck_assert_uint_eq(group(0)->tasks[0], 2);
	ck_assert_uint_eq(group(0)->tasks[1], 1);
	ck_assert_uint_eq(group(0)->tasks[2], 3);
	ck_assert_uint_eq(group(1)->num_tasks, 1);
	ck_assert_uint_eq(group(1)->tasks[0], 0);
	ck_assert(group(0)->share > 0.7499 && group(0)->share < 0.7501);
}
END_TEST

START_TEST(kind_state_and_reason_keep_apart)
{
	add_stack("wait", 10);
	add_task(1, 0);
	add_task(2, 0)->kind = CORELEAKS_KIND_GOROUTINE;
	add_task(3, 0)->state = CORELEAKS_STATE_RUNNING;
	add_task(4, 0)->reason = "read";
	add_task(5, 0)->reason = NULL;
	/* Equal by content, not by address. */
	char reason[] = "futex";
	add_task(6, 0)->reason = reason;
	ck_assert_uint_eq(build(), 5);
	ck_assert_uint_eq(group(0)->num_tasks, 2);
	for (uint32_t i = 0; i < 5; i++) {
		for (uint32_t j = 0; j < i; j++)
			ck_assert_str_ne(group(i)->signature, group(j)->signature);
		bool goroutine = group(i)->kind == CORELEAKS_KIND_GOROUTINE;
		ck_assert_int_eq(group(i)->signature[0], goroutine ? 'g' : 't');
		/* The only goroutine is all of its kind. */
		ck_assert(!goroutine || group(i)->share == 1.0);
	}
}
END_TEST

START_TEST(how_a_stack_ended_keeps_apart)
{
	for (int end = CORELEAKS_STACK_COMPLETE; end <= CORELEAKS_STACK_UNREADABLE; end++) {
		add_stack("wait", 10);
		stacks[end].end = (enum coreleaks_stack_end)end;
		add_task(end, (uint32_t)end);
	}
	add_task(100, 1234); /* was never unwound */
	ck_assert_uint_eq(build(), 5);
	for (uint32_t i = 1; i < 5; i++)
		ck_assert_str_ne(group(i)->signature, group(i - 1)->signature);
}
END_TEST

START_TEST(lines_group_what_pcs_do_not)
{
	add_stack("wait", 10);
	add_stack("wait", 10)->module_offset++;
	add_stack("wait", 20);
	for (uint32_t i = 0; i < 3; i++)
		add_task(i, i);
	ck_assert_uint_eq(build(), 2);
	ck_assert_uint_eq(group(0)->num_tasks, 2);
	ck_assert_str_ne(group(0)->signature, group(1)->signature);
	ck_assert_str_eq(group(0)->loose_signature, group(1)->loose_signature);
	options.group_by = CORELEAKS_GROUP_BY_FUNCTION;
	ck_assert_uint_eq(build(), 1);
	options.group_by = CORELEAKS_GROUP_BY_PC;
	ck_assert_uint_eq(build(), 3);
}
END_TEST

START_TEST(without_a_line_the_offset_counts)
{
	for (int i = 0; i < 2; i++) {
		add_stack("wait", 10);
		frames[i][0].line = 0;
		frames[i][0].file = NULL;
		add_task(i, (uint32_t)i);
	}
	ck_assert_uint_eq(build(), 1);
	frames[1][0].function_offset++;
	ck_assert_uint_eq(build(), 2);
	ck_assert_str_eq(group(0)->loose_signature, group(1)->loose_signature);
}
END_TEST

START_TEST(without_a_name_the_module_counts)
{
	for (int i = 0; i < 2; i++) {
		add_stack(NULL, 0);
		frames[i][0].file = NULL;
		frames[i][0].pc += (uint64_t)i * 0x1000; /* loaded elsewhere */
		add_task(i, (uint32_t)i);
	}
	ck_assert_uint_eq(build(), 1);
	const char *with_id = group(0)->signature;
	frames[1][0].build_id = "ab13";
	ck_assert_uint_eq(build(), 2);
	frames[0][0].build_id = frames[1][0].build_id = NULL;
	ck_assert_uint_eq(build(), 1);
	ck_assert_str_ne(group(0)->signature, with_id);
	frames[1][0].module_offset++;
	ck_assert_uint_eq(build(), 2);
	ck_assert_str_eq(group(0)->loose_signature, group(1)->loose_signature);
	frames[0][0].module = frames[1][0].module = NULL;
	ck_assert_uint_eq(build(), 2); /* by pc */
	frames[1][0].pc = frames[0][0].pc;
	ck_assert_uint_eq(build(), 1);
}
END_TEST

START_TEST(by_pc_inlined_functions_count)
{
	for (int i = 0; i < 2; i++) {
		add_stack("small", 10)->inlined = true;
		add_task(i, (uint32_t)i);
	}
	options.group_by = CORELEAKS_GROUP_BY_PC;
	ck_assert_uint_eq(build(), 1);
	frames[1][0].function = "other";
	ck_assert_uint_eq(build(), 2);
	/* The same code whatever its name: an alias is no other place. */
	frames[0][0].inlined = frames[1][0].inlined = false;
	ck_assert_uint_eq(build(), 1);
}
END_TEST

START_TEST(frames_cannot_be_forged_by_names)
{
	/* One frame whose name looks like two. */
	add_stack("a", 10);
	add_stack("a@worker.c:10main", 90);
	stacks[1].frames = &frames[1][0];
	stacks[1].num_frames = 1;
	add_task(1, 0);
	add_task(2, 1);
	ck_assert_uint_eq(build(), 2);
}
END_TEST

START_TEST(signature_is_what_its_header_says)
{
	static const char line[] = "1\0thread\0waiting\0mutex\0mutex\0timed\0stack\0complete\0"
				   "wait@worker.c:10\0main@worker.c:90\0";
	static const char loose[] =
		"1\0thread\0waiting\0mutex\0mutex\0timed\0stack\0complete\0wait\0main\0";
	char expected[32];
	add_stack("wait", 10);
	*add_task(1, 0) = (struct coreleaks_task){
		.id = 1,
		.state = CORELEAKS_STATE_WAITING,
		.reason = "mutex",
		.object = "mutex",
		.timed = true,
	};
	build();
	snprintf(expected, sizeof(expected), "t-%012llx",
		 (unsigned long long)(intern_hash(line, sizeof(line) - 1) >> 16));
	ck_assert_str_eq(group(0)->signature, expected);
	snprintf(expected, sizeof(expected), "t-%012llx",
		 (unsigned long long)(intern_hash(loose, sizeof(loose) - 1) >> 16));
	ck_assert_str_eq(group(0)->loose_signature, expected);
}
END_TEST

/* Two threads in one stack are not alike when only one of them wakes up by itself. */
START_TEST(object_and_timeout_keep_apart)
{
	add_stack("wait", 10);
	add_task(1, 0)->object = "mutex";
	add_task(2, 0)->object = "futex";
	add_task(3, 0)->object = "mutex";
	add_task(4, 0)->object = "mutex";
	tasks[3].timed = true;
	ck_assert_uint_eq(build(), 3);
	ck_assert_uint_eq(group(0)->num_tasks, 2);
	ck_assert_str_eq(group(0)->object, "mutex");
	ck_assert(!group(0)->timed);
}
END_TEST

START_TEST(by_reason_stacks_do_not_count)
{
	add_stack("a", 10);
	add_stack("b", 20);
	add_task(1, 0)->reason = "mutex";
	add_task(2, 1)->reason = "mutex";
	add_task(3, 1)->reason = NULL;
	add_task(4, 1)->reason = "sleep";
	tasks[0].object = "mutex";
	tasks[1].object = "futex";
	tasks[0].timed = true;
	tasks[3].timed = true;
	options.group_by = CORELEAKS_GROUP_BY_REASON;
	ck_assert_uint_eq(build(), 3);
	ck_assert_str_eq(group(0)->reason, "mutex");
	ck_assert_uint_eq(group(0)->num_tasks, 2);
	ck_assert_ptr_null(group(0)->object);
	ck_assert(!group(0)->timed);
	const char *signature = group(0)->signature;
	ck_assert_str_eq(signature, group(0)->loose_signature);
	frames[0][0].line = 99;
	tasks[0].timed = false;
	build();
	ck_assert_str_eq(group(0)->signature, signature);
	options.group_by = CORELEAKS_GROUP_BY_LINE;
	ck_assert_uint_eq(build(), 4);
	ck_assert_str_ne(group(0)->signature, signature);
}
END_TEST

static void add_wait(int64_t id, const char *reason, const char *object, uint64_t addr,
		     const char *symbol)
{
	struct coreleaks_task *task = add_task(id, 0);
	task->reason = reason;
	task->object = object;
	waits[task - tasks] = (struct coreleaks_wait){
		.object = object, .addr = addr, .symbol = symbol, .holder_task = -1};
}

/* The same handler on the same stack: what it interrupted is another kind of wait. */
START_TEST(interrupted_waits_keep_apart)
{
	static const struct coreleaks_wait mutex = {.reason = "mutex"},
					   running = {.reason = "running"}, unknown = {0};
	static const struct coreleaks_wait *const interrupted[] = {NULL,     &mutex,   &mutex,
								   &running, &unknown, &unknown};
	add_stack("on_alarm", 10);
	for (int i = 0; i < 6; i++) {
		add_wait(i + 1, "pause", NULL, 0, NULL);
		waits[i].interrupted = interrupted[i];
	}
	ck_assert_uint_eq(build(), 4);
	ck_assert_uint_eq(group(0)->num_tasks, 2);
	ck_assert_uint_eq(group(1)->num_tasks, 2);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t k = 0; k < i; k++)
			ck_assert_str_ne(group(i)->signature, group(k)->signature);
	options.group_by = CORELEAKS_GROUP_BY_REASON;
	ck_assert_uint_eq(build(), 1);
	const char *signature = group(0)->signature;
	waits[0].interrupted = &mutex;
	build();
	ck_assert_str_eq(group(0)->signature, signature);
}
END_TEST

START_TEST(by_object_the_address_counts)
{
	add_stack("a", 10);
	add_wait(1, "rwlock-read", "rwlock", 0x1000, "table");
	add_wait(2, "rwlock-write", "rwlock", 0x1000, "table");
	add_wait(3, "rwlock-read", "rwlock", 0x1000, "table");
	add_wait(4, "rwlock-read", "rwlock", 0x2000, NULL);
	add_wait(5, "rwlock-read", "rwlock", 0x2000, NULL);
	add_wait(6, "sleep", NULL, 0, NULL);
	add_wait(7, "pause", NULL, 0, NULL);
	options.group_by = CORELEAKS_GROUP_BY_OBJECT;
	ck_assert_uint_eq(build(), 4);
	ck_assert_uint_eq(group(0)->num_tasks, 3);
	ck_assert_str_eq(group(0)->reason, "rwlock");
	ck_assert_str_eq(group(1)->reason, "rwlock-read");
	const char *named = group(0)->signature, *nameless = group(1)->signature;
	for (int i = 0; i < 5; i++)
		waits[i].addr += 0x7000;
	ck_assert_uint_eq(build(), 4);
	ck_assert_str_eq(group(0)->signature, named);
	ck_assert_str_ne(group(1)->signature, nameless);
}
END_TEST

/* Whatever makes tasks equal: what is hidden must not take others with it. */
START_TEST(helpers_are_kept_apart)
{
	static const enum coreleaks_group_by bys[] = {CORELEAKS_GROUP_BY_REASON,
						      CORELEAKS_GROUP_BY_KEY};
	add_stack("a", 10);
	add_stack("b", 20);
	for (int i = 0; i < 2; i++)
		frames[1][i].module = "libgomp.so.1";
	for (int i = 0; i < 5; i++)
		add_task(i, i < 2);
	for (size_t i = 0; i < sizeof(bys) / sizeof(bys[0]); i++) {
		options.group_by = bys[i];
		ck_assert_uint_eq(build(), 2);
		ck_assert_uint_eq(group(0)->num_tasks, 3);
		ck_assert_ptr_null(group(0)->system);
		ck_assert_str_eq(group(1)->system, "OpenMP");
		ck_assert_str_ne(group(0)->signature, group(1)->signature);
	}
}
END_TEST

START_TEST(by_creator_the_place_counts)
{
	/* The same call at two addresses (two loads of one library), another line, and neither. */
	struct coreleaks_frame places[] = {
		{.pc = 1, .function = "start", .file = "a.c", .line = 7},
		{.pc = 2, .function = "start", .file = "a.c", .line = 7},
		{.pc = 3, .function = "start", .file = "a.c", .line = 8},
	};
	const struct coreleaks_creation creations[] = {
		{.frame = &places[0], .num_places = 1},
		{.frame = &places[1], .num_places = 1},
		{.frame = &places[2], .num_places = 1},
		{.num_places = 2},
	};
	add_stack("a", 10);
	add_stack("b", 20);
	for (int64_t id = 0; id < 6; id++)
		add_task(id, (uint32_t)id % 2)->creation = id < 4 ? &creations[id] : NULL;
	tasks[0].reason = "mutex";
	tasks[0].object = "mutex";
	tasks[1].timed = true;
	options.group_by = CORELEAKS_GROUP_BY_CREATOR;
	ck_assert_uint_eq(build(), 4);
	const struct group *both = group(0)->creation != NULL ? group(0) : group(1);
	const struct group *none = group(0)->creation != NULL ? group(1) : group(0);
	ck_assert_uint_eq(both->num_tasks, 2);
	ck_assert_ptr_null(both->reason);
	ck_assert_ptr_null(both->object);
	ck_assert(!both->timed);
	ck_assert_ptr_eq(both->creation, &creations[0]);
	ck_assert_uint_eq(none->num_tasks, 2);
	ck_assert_ptr_null(none->creation);
	const char *signature = both->signature;
	ck_assert_str_ne(signature, both->loose_signature);
	/* Neither stacks nor addresses count. */
	frames[0][0].line = 99;
	places[0].pc = 0x7000;
	tasks[0].reason = "futex";
	build();
	both = group(0)->creation != NULL ? group(0) : group(1);
	ck_assert_str_eq(both->signature, signature);
}
END_TEST

START_TEST(members_may_differ_in_creator)
{
	const struct coreleaks_creation first = {.num_places = 2}, second = {.num_places = 3};
	add_stack("a", 10);
	add_task(1, 0)->creation = &first;
	add_task(2, 0)->creation = &first;
	ck_assert_uint_eq(build(), 1);
	ck_assert_ptr_eq(group(0)->creation, &first);
	add_task(3, 0)->creation = &second;
	ck_assert_uint_eq(build(), 1);
	ck_assert_ptr_null(group(0)->creation);
	tasks[2].creation = NULL;
	build();
	ck_assert_ptr_null(group(0)->creation);
}
END_TEST

START_TEST(stacks_memory_adds_up)
{
	static const uint64_t pthreads[] = {0x7f01};
	const struct finished_threads finished = {
		.pthreads = (uint64_t *)pthreads,
		.num = 1,
		.stack_reserved_size = 70,
		.stack_resident_size = 7,
	};
	const enum coreleaks_verdict verdicts[] = {
		CORELEAKS_VERDICT_PROVED, CORELEAKS_VERDICT_UNKNOWN, CORELEAKS_VERDICT_UNKNOWN};
	add_stack("a", 10);
	for (int64_t id = 0; id < 3; id++) {
		struct coreleaks_task *task = add_task(id, 0);
		task->stack_reserved_size = 100;
		task->stack_resident_size = 10;
	}
	input.finished = &finished;
	input.num_finished = 1;
	ck_assert_uint_eq(build(), 2);
	ck_assert_uint_eq(group(0)->stack_reserved_size, 300);
	ck_assert_uint_eq(group(0)->stack_resident_size, 30);
	ck_assert_uint_eq(group(1)->stack_reserved_size, 70);
	ck_assert_uint_eq(group(1)->stack_resident_size, 7);
	groups_split(&groups, &arena, &input, verdicts);
	uint64_t reserved_size = 0, resident_size = 0;
	for (uint32_t i = 0; i < groups.list.num; i++) {
		ck_assert_uint_ne(group(i)->stack_resident_size, 30);
		reserved_size += group(i)->stack_reserved_size;
		resident_size += group(i)->stack_resident_size;
	}
	ck_assert_uint_eq(reserved_size, 370);
	ck_assert_uint_eq(resident_size, 37);
	tasks[0].stack_reserved_size = tasks[0].stack_resident_size = UINT64_MAX;
	build();
	ck_assert_uint_eq(group(0)->stack_reserved_size, UINT64_MAX);
	ck_assert_uint_eq(group(0)->stack_resident_size, UINT64_MAX);
}
END_TEST

START_TEST(finished_threads_are_groups)
{
	static uint64_t pthreads[] = {0x7f01, 0x7f02};
	const struct finished_threads finished = {.pthreads = pthreads, .num = 2};
	add_stack("worker_main", 10);
	add_task(1, 0);
	input.finished = &finished;
	input.num_finished = 1;
	ck_assert_uint_eq(build(), 2);
	ck_assert_int_eq(group(0)->state, CORELEAKS_STATE_EXITED);
	ck_assert_uint_eq(group(0)->num_tasks, 0);
	ck_assert_uint_eq(group_count(group(0)), 2);
	ck_assert_uint_eq(group_count(group(1)), 1);
	ck_assert_str_ne(group(0)->signature, group(1)->signature);
}
END_TEST

START_TEST(verdicts_split_groups)
{
	enum coreleaks_verdict verdicts[] = {
		CORELEAKS_VERDICT_PROVED,
		CORELEAKS_VERDICT_UNKNOWN,
		CORELEAKS_VERDICT_PROVED,
		CORELEAKS_VERDICT_UNKNOWN,
	};
	add_stack("a", 10);
	add_stack("b", 10);
	for (int i = 0; i < 3; i++)
		add_task(i + 1, 0)->stack_size = 100;
	add_task(4, 1);
	ck_assert_uint_eq(build(), 2);
	const char *signature = group(0)->signature;
	groups_split(&groups, &arena, &input, verdicts);
	ck_assert_uint_eq(groups.list.num, 3);
	ck_assert_str_eq(group(0)->split, "proved");
	ck_assert_uint_eq(group(0)->num_tasks, 2);
	ck_assert_uint_eq(group(0)->stack_size, 200);
	ck_assert(group(0)->share > 0.499 && group(0)->share < 0.501);
	ck_assert_ptr_null(group(1)->split);
	ck_assert_str_eq(group(2)->split, "unknown");
	ck_assert_uint_eq(group(2)->num_tasks, 1);
	ck_assert_uint_eq(group(2)->tasks[0], 1);
	ck_assert_str_eq(group(2)->signature, signature);
}
END_TEST

START_TEST(signature_does_not_know_the_run)
{
	add_stack("wait", 10);
	add_task(1, 0);
	build();
	const char *signature = group(0)->signature;
	for (int i = 0; i < 2; i++) {
		frames[0][i].pc += 0x7f0000000000;
		frames[0][i].sp = 0x1234;
		frames[0][i].cfa = 0x5678;
		frames[0][i].trust = CORELEAKS_TRUST_SCAN;
	}
	tasks[0].id = 99;
	tasks[0].sp = 1;
	build();
	ck_assert_str_eq(group(0)->signature, signature);
}
END_TEST

START_TEST(most_frequent_stack_stands_for_the_group)
{
	for (int i = 0; i < 3; i++)
		add_stack("wait", 10)->module_offset += (uint64_t)i;
	add_task(1, 0);
	add_task(2, 2);
	add_task(3, 1);
	add_task(4, 2);
	add_task(5, 1);
	ck_assert_uint_eq(build(), 1);
	ck_assert_uint_eq(group(0)->stack_id, 1);
}
END_TEST

START_TEST(equal_counts_are_ordered_by_signature)
{
	for (uint32_t i = 0; i < 10; i++) {
		add_stack("wait", 10 + i);
		add_task(i, i);
	}
	build();
	for (uint32_t i = 1; i < 10; i++)
		ck_assert_int_lt(strcmp(group(i - 1)->signature, group(i)->signature), 0);
}
END_TEST

START_TEST(stack_sizes_add_up_and_do_not_wrap)
{
	add_stack("wait", 10);
	add_task(1, 0)->stack_size = 4096;
	add_task(2, 0)->stack_size = 100;
	build();
	ck_assert_uint_eq(group(0)->stack_size, 4196);
	tasks[1].stack_size = UINT64_MAX;
	build();
	ck_assert_uint_eq(group(0)->stack_size, UINT64_MAX);
}
END_TEST

static const char *odd_or_even(void *data, const struct coreleaks_analysis *analysis, uint32_t task)
{
	ck_assert_ptr_eq(data, &options);
	ck_assert_ptr_eq((const void *)analysis, (const void *)&arena);
	return task == 6 ? NULL : task % 2 == 1 ? "odd" : "even";
}

START_TEST(user_key_replaces_the_stack)
{
	for (uint32_t i = 0; i < 7; i++) {
		add_stack("wait", 10 + i);
		add_task(i, i);
	}
	options.group_by = CORELEAKS_GROUP_BY_KEY;
	options.group_key = odd_or_even;
	options.group_key_data = &options;
	input.analysis = (const struct coreleaks_analysis *)&arena;
	ck_assert_uint_eq(build(), 3);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(group(i)->num_tasks, *group(i)->key == '\0' ? 1 : 3);
		ck_assert_str_eq(group(i)->signature, group(i)->loose_signature);
	}
	tasks[1].reason = "read";
	ck_assert_uint_eq(build(), 4);
	options.group_key = NULL;
	ck_assert_uint_eq(build(), 2);
	ck_assert_str_eq(group(0)->key, "");
}
END_TEST

static bool take_odd(void *data, const struct coreleaks_analysis *analysis, uint32_t task)
{
	(void)analysis;
	++*(int *)data;
	return task % 2 == 1;
}

START_TEST(user_can_leave_tasks_out)
{
	int num_calls = 0;
	add_stack("wait", 10);
	for (uint32_t i = 0; i < 5; i++)
		add_task(i, 0);
	options.select_task = take_odd;
	options.select_task_data = &num_calls;
	ck_assert_uint_eq(build(), 1);
	ck_assert_int_eq(num_calls, 5);
	ck_assert_uint_eq(groups.num_deselected, 3);
	ck_assert_uint_eq(group(0)->num_tasks, 2);
	ck_assert_uint_eq(group(0)->tasks[0], 1);
	/* Of all threads of the core. */
	ck_assert(group(0)->share > 0.3999 && group(0)->share < 0.4001);
}
END_TEST

/* Two threads in consume() that wait for a futex, one in serve() that runs. */
static void two_groups(void)
{
	add_stack("consume", 10);
	add_stack("serve<int>", 20)->module = "libserve.so.1";
	add_task(1, 0);
	add_task(2, 0);
	struct coreleaks_task *task = add_task(3, 1);
	task->state = CORELEAKS_STATE_RUNNING;
	task->reason = NULL;
}

/* The options that hide the first and the second group; NULL: shown. */
static void expect_hidden(const char *first, const char *second)
{
	ck_assert_uint_eq(build(), 2);
	ck_assert_pstr_eq(group(0)->hidden_by, first);
	ck_assert_pstr_eq(group(1)->hidden_by, second);
}

START_TEST(filters_by_what_a_group_is)
{
	two_groups();
	expect_hidden(NULL, NULL);
	options.kind = CORELEAKS_KIND_GOROUTINE;
	expect_hidden("--kind", "--kind");
	options.kind = CORELEAKS_KIND_THREAD;
	options.state = CORELEAKS_STATE_RUNNING;
	expect_hidden("--state", NULL);
	options.state = -1;
	options.reason = "futex";
	expect_hidden(NULL, "--reason");
	options.reason = "unknown";
	expect_hidden("--reason", NULL);
	options.reason = NULL;
	options.min_count = 2;
	expect_hidden(NULL, "--min-count");
	options.min_count = 3;
	expect_hidden("--min-count", "--min-count");
}
END_TEST

static const struct coreleaks_label blue[] = {{"tenant", "blue"}, {"url", "/?a=b"}},
				    empty[] = {{"tenant", ""}}, other[] = {{"tenants", "blue"}};

static void give_labels(struct coreleaks_task *task, const struct coreleaks_label *labels,
			uint32_t num)
{
	task->labels = labels;
	task->num_labels = num;
}

/* One stack: blue, blue, the empty value, a longer key, no label. */
static void labelled_tasks(void)
{
	add_stack("serve", 10);
	for (int i = 0; i < 5; i++)
		add_task(i + 1, 0)->kind = CORELEAKS_KIND_GOROUTINE;
	give_labels(&tasks[0], blue, 2);
	give_labels(&tasks[1], blue, 2);
	give_labels(&tasks[2], empty, 1);
	give_labels(&tasks[3], other, 1);
}

/* How many tasks are shown, and the option that hides all others. */
static void expect_shown(uint32_t num, const char *option)
{
	uint32_t num_shown = 0, num_hidden = 0;
	build();
	for (uint32_t i = 0; i < groups.list.num; i++) {
		if (group(i)->hidden_by == NULL) {
			num_shown += group(i)->num_tasks;
			continue;
		}
		ck_assert_str_eq(group(i)->hidden_by, option);
		num_hidden += group(i)->num_tasks;
	}
	ck_assert_uint_eq(num_shown, num);
	ck_assert_uint_eq(num_shown + num_hidden, input.num_tasks);
}

START_TEST(labels_choose_tasks)
{
	labelled_tasks();
	options.label = "tenant";
	expect_shown(3, "--label");
	options.label = "tenant=";
	expect_shown(1, "--label");
	options.label = "tenant=blue";
	expect_shown(2, "--label");
	options.label = "tenant=blu";
	expect_shown(0, "--label");
	options.label = "url=/?a=b";
	expect_shown(2, "--label");
	options.label = "ten";
	expect_shown(0, "--label");
	/* Of two options, one that hides whole groups is named. */
	options.kind = CORELEAKS_KIND_THREAD;
	expect_shown(0, "--kind");
}
END_TEST

START_TEST(chosen_tasks_are_a_group_of_their_own)
{
	labelled_tasks();
	options.label = "tenant=blue";
	ck_assert_uint_eq(build(), 2);
	ck_assert_uint_eq(group(0)->num_tasks, 3);
	ck_assert_str_eq(group(0)->hidden_by, "--label");
	ck_assert_uint_eq(group(1)->num_tasks, 2);
	ck_assert_uint_eq(group(1)->tasks[0], 0);
	const char *signature = group(1)->signature;
	ck_assert_str_eq(signature, group(0)->signature);
	options.label = NULL;
	ck_assert_uint_eq(build(), 1);
	ck_assert_str_eq(group(0)->signature, signature);
}
END_TEST

START_TEST(unknown_waits_have_no_age)
{
	static const int64_t waits_ns[] = {-1, 0, 59999999999, 60000000000, INT64_MAX};
	add_stack("serve", 10);
	for (int i = 0; i < 5; i++)
		add_task(i + 1, 0)->wait_ns = waits_ns[i];
	options.min_age_ns = 60000000000;
	expect_shown(2, "--min-age");
	options.min_age_ns = 1;
	expect_shown(3, "--min-age");
	options.min_age_ns = UINT64_MAX;
	expect_shown(0, "--min-age");
	options.min_age_ns = 0;
	expect_shown(5, NULL);
}
END_TEST

START_TEST(finished_threads_have_neither_label_nor_age)
{
	static uint64_t pthreads[] = {0x1000, 0x2000};
	static const struct finished_threads finished = {.pthreads = pthreads, .num = 2};
	add_stack("start", 10);
	input.finished = &finished;
	input.num_finished = 1;
	ck_assert_uint_eq(build(), 1);
	ck_assert_ptr_null(group(0)->hidden_by);
	options.min_age_ns = 1;
	build();
	ck_assert_str_eq(group(0)->hidden_by, "--min-age");
	options.label = "tenant";
	build();
	ck_assert_str_eq(group(0)->hidden_by, "--label");
}
END_TEST

START_TEST(by_label_its_value_counts)
{
	labelled_tasks();
	add_stack("other", 20);
	tasks[1].stack_id = 1;
	tasks[1].reason = "select";
	options.group_by = CORELEAKS_GROUP_BY_LABEL;
	options.group_label = "tenant";
	ck_assert_uint_eq(build(), 3);
	uint32_t num_found = 0;
	for (uint32_t i = 0; i < 3; i++) {
		const struct group *found = group(i);
		bool is_blue = strcmp(found->key, "tenant=blue") == 0;
		bool is_none = strcmp(found->key, "no label tenant") == 0;
		num_found += is_blue || is_none || strcmp(found->key, "tenant=") == 0;
		ck_assert_uint_eq(found->num_tasks, is_blue || is_none ? 2 : 1);
		ck_assert(found->has_label != is_none);
		ck_assert_str_eq(found->signature, found->loose_signature);
		for (uint32_t k = 0; k < i; k++)
			ck_assert_str_ne(found->signature, group(k)->signature);
		if (is_blue)
			ck_assert_ptr_null(found->reason);
	}
	ck_assert_uint_eq(num_found, 3);
}
END_TEST

START_TEST(filters_by_frames)
{
	two_groups();
	options.focus = "^consume$";
	expect_hidden(NULL, "--focus");
	options.focus = "serve<(int|long)>";
	expect_hidden("--focus", NULL);
	options.focus = "worker\\.c:20$";
	expect_hidden("--focus", NULL);
	options.focus = "libserve";
	expect_hidden("--focus", NULL);
	options.focus = "^main$"; /* not only the innermost frame */
	expect_hidden(NULL, NULL);
	options.focus = "nothing like it";
	expect_hidden("--focus", "--focus");
	options.focus = NULL;
	options.ignore = "consume";
	expect_hidden("--ignore", NULL);
	options.focus = "libserve";
	options.ignore = "main";
	expect_hidden("--focus", "--ignore");
}
END_TEST

START_TEST(hidden_groups_are_whole)
{
	two_groups();
	options.ignore = ".";
	expect_hidden("--ignore", "--ignore");
	ck_assert_uint_eq(group(0)->num_tasks, 2);
	ck_assert_uint_eq(groups.num_deselected, 0);
}
END_TEST

static void expect_bad_regex(const char *option, const char *pattern)
{
	struct coreleaks_error *error = groups_build(&groups, &arena, &input);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_USAGE);
	ck_assert_ptr_nonnull(strstr(error->message, option));
	ck_assert_ptr_nonnull(strstr(error->message, pattern));
	ck_assert_ptr_null(strchr(error->message, '\n'));
	coreleaks_error_free(error);
	ck_assert_uint_eq(groups.list.num, 0);
}

START_TEST(bad_expressions_are_errors_even_without_tasks)
{
	options.focus = "serve(";
	expect_bad_regex("--focus", "serve(");
	two_groups();
	expect_bad_regex("--focus", "serve(");
	options.focus = "serve";
	options.ignore = "[a";
	expect_bad_regex("--ignore", "[a");
}
END_TEST

/* Compiled they would fill the memory. */
START_TEST(expressions_that_grow_are_refused)
{
	static const char *const large[] = {
		"a+++++++++++++++++++++++++++++++++++++++++",
		"(((a{1,200}){1,200}){1,200}){1,200}",
		"((a+b+)+c+){500,}{90}",
		"[[:alpha:]]]{30000}{30000}",
	};
	static const char *const fine[] = {"(a+b+c+){2,40}x+", "a{2}{3}", "[]{9999}]\\{99999}"};
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		options.focus = large[i];
		expect_bad_regex("--focus", large[i]);
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		options.focus = fine[i];
		struct coreleaks_error *error = groups_build(&groups, &arena, &input);
		ck_assert_msg(error == NULL, "%s", fine[i]);
	}
}
END_TEST

Suite *groups_suite(void)
{
	Suite *suite = suite_create("groups");
	TCase *tests = tcase_create("groups");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_gives_nothing);
	tcase_add_test(tests, expressions_that_grow_are_refused);
	tcase_add_test(tests, equal_stacks_are_one_group_in_order);
	tcase_add_test(tests, kind_state_and_reason_keep_apart);
	tcase_add_test(tests, how_a_stack_ended_keeps_apart);
	tcase_add_test(tests, lines_group_what_pcs_do_not);
	tcase_add_test(tests, without_a_line_the_offset_counts);
	tcase_add_test(tests, without_a_name_the_module_counts);
	tcase_add_test(tests, by_pc_inlined_functions_count);
	tcase_add_test(tests, frames_cannot_be_forged_by_names);
	tcase_add_test(tests, signature_is_what_its_header_says);
	tcase_add_test(tests, object_and_timeout_keep_apart);
	tcase_add_test(tests, by_reason_stacks_do_not_count);
	tcase_add_test(tests, interrupted_waits_keep_apart);
	tcase_add_test(tests, by_object_the_address_counts);
	tcase_add_test(tests, helpers_are_kept_apart);
	tcase_add_test(tests, by_creator_the_place_counts);
	tcase_add_test(tests, members_may_differ_in_creator);
	tcase_add_test(tests, stacks_memory_adds_up);
	tcase_add_test(tests, finished_threads_are_groups);
	tcase_add_test(tests, verdicts_split_groups);
	tcase_add_test(tests, signature_does_not_know_the_run);
	tcase_add_test(tests, most_frequent_stack_stands_for_the_group);
	tcase_add_test(tests, equal_counts_are_ordered_by_signature);
	tcase_add_test(tests, stack_sizes_add_up_and_do_not_wrap);
	tcase_add_test(tests, user_key_replaces_the_stack);
	tcase_add_test(tests, user_can_leave_tasks_out);
	tcase_add_test(tests, filters_by_what_a_group_is);
	tcase_add_test(tests, labels_choose_tasks);
	tcase_add_test(tests, chosen_tasks_are_a_group_of_their_own);
	tcase_add_test(tests, unknown_waits_have_no_age);
	tcase_add_test(tests, finished_threads_have_neither_label_nor_age);
	tcase_add_test(tests, by_label_its_value_counts);
	tcase_add_test(tests, filters_by_frames);
	tcase_add_test(tests, hidden_groups_are_whole);
	tcase_add_test(tests, bad_expressions_are_errors_even_without_tasks);
	suite_add_tcase(suite, tests);
	return suite;
}
