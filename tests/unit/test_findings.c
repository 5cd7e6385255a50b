#include "proof/findings.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *findings_suite(void);

enum { MAX_TASKS = 20000, MAX_STACKS = 8 };

static struct arena arena;
static struct coreleaks_options options;
static struct coreleaks_task *tasks;
static const struct coreleaks_wait **waits; /* all tasks share one */
static struct coreleaks_stack stacks[MAX_STACKS];
static struct coreleaks_frame frames[MAX_STACKS][2];
static struct groups_input input;
static struct groups groups;
static struct findings findings;

static void setup(void)
{
	arena_init(&arena, 0);
	coreleaks_options_init(&options);
	tasks = calloc(MAX_TASKS, sizeof(*tasks));
	static const struct coreleaks_wait no_wait;
	waits = calloc(MAX_TASKS, sizeof(*waits));
	for (uint32_t i = 0; i < MAX_TASKS; i++)
		waits[i] = &no_wait;
	memset(stacks, 0, sizeof(stacks));
	memset(frames, 0, sizeof(frames));
	input = (struct groups_input){
		.tasks = tasks, .waits = waits, .stacks = stacks, .options = &options};
}

static void teardown(void)
{
	free(tasks);
	free(waits);
	arena_deinit(&arena);
}

/* num threads in pthread_cond_wait() of libc, called by FUNCTION at queue.c:42. */
static uint32_t add_threads(uint32_t num, const char *function)
{
	uint32_t id = input.num_stacks++;
	frames[id][0] = (struct coreleaks_frame){
		.function = "pthread_cond_wait", .module = "libc.so.6", .module_offset = 0x8000};
	frames[id][1] = (struct coreleaks_frame){
		.function = function,
		.file = "/src/queue.c",
		.line = 42,
		.module = "worker",
		.module_offset = 0x1234 + id,
	};
	stacks[id] = (struct coreleaks_stack){.frames = frames[id], .num_frames = 2};
	for (uint32_t i = 0; i < num; i++) {
		tasks[input.num_tasks] = (struct coreleaks_task){
			.id = input.num_tasks + 1,
			.state = CORELEAKS_STATE_WAITING,
			.stack_id = id,
			.reason = "futex",
		};
		input.num_tasks++;
	}
	return id;
}

static uint32_t build(void)
{
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	findings_build(&findings, &arena, &groups, &input);
	return findings.list.num;
}

static const struct coreleaks_finding *finding(uint32_t index)
{
	ck_assert_uint_lt(index, findings.list.num);
	return &findings.list.items[index];
}

START_TEST(nothing_gives_nothing)
{
	ck_assert_uint_eq(build(), 0);
}
END_TEST

START_TEST(threshold_is_the_first_suspicious_count)
{
	add_threads(99, "consume");
	ck_assert_uint_eq(build(), 0);
	ck_assert_int_eq(findings.verdict_by_group[0], CORELEAKS_VERDICT_UNKNOWN);
	options.threshold = 99;
	ck_assert_uint_eq(build(), 1);
	ck_assert_int_eq(findings.verdict_by_group[0], CORELEAKS_VERDICT_SUSPECT);
	options.threshold = 0; /* off */
	ck_assert_uint_eq(build(), 0);
}
END_TEST

/* A large machine has large pools. */
START_TEST(idle_pools_are_no_duplicates)
{
	uint32_t id = add_threads(500, "gomp_thread_start");
	ck_assert_uint_eq(build(), 1);
	frames[id][1].module = "libgomp.so.1";
	ck_assert_uint_eq(build(), 0);
}
END_TEST

START_TEST(duplicates_say_who_where_and_how_many)
{
	add_threads(1, "main");
	add_threads(2000, "consume");
	ck_assert_uint_eq(build(), 1);
	ck_assert_str_eq(finding(0)->rule, "runaway-duplicates");
	ck_assert_int_eq(finding(0)->certainty, CORELEAKS_VERDICT_SUSPECT);
	ck_assert_str_eq(finding(0)->title, "2,000 threads share one stack: consume (queue.c:42)");
	ck_assert_uint_eq(finding(0)->num_groups, 1);
	ck_assert_uint_eq(finding(0)->groups[0], 0);
	ck_assert_uint_eq(finding(0)->num_tasks, 2000);
	ck_assert_uint_eq(finding(0)->tasks[0], 1);
	ck_assert_uint_eq(finding(0)->num_evidence, 2);
	/* 99.95 % is not all of them. */
	ck_assert_str_eq(finding(0)->evidence[0].what,
			 "2,000 of 2,001 threads (99.9 %) have the same stack, state and reason");
	ck_assert_str_eq(finding(0)->evidence[1].what, "the threshold is 100");
	ck_assert_int_eq(findings.verdict_by_group[1], CORELEAKS_VERDICT_UNKNOWN);
}
END_TEST

START_TEST(place_is_told_as_well_as_it_is_known)
{
	uint32_t id = add_threads(100, "consume");
	frames[id][1].file = NULL;
	frames[id][1].line = 0;
	build();
	ck_assert_str_eq(finding(0)->title, "100 threads share one stack: consume (worker)");
	frames[id][1].function = NULL;
	build();
	ck_assert_str_eq(finding(0)->title, "100 threads share one stack: worker+0x1234");
	frames[id][1] = (struct coreleaks_frame){.pc = 0xabc};
	build();
	ck_assert_str_eq(finding(0)->title, "100 threads share one stack: 0xabc");
}
END_TEST

START_TEST(runtime_alone_names_its_outermost_frame)
{
	uint32_t id = add_threads(100, "start_thread");
	frames[id][1].module = "libc.so.6";
	build();
	ck_assert_str_eq(finding(0)->title,
			 "100 threads share one stack: start_thread (queue.c:42)");
}
END_TEST

START_TEST(unreadable_stacks_are_no_evidence)
{
	uint32_t id = add_threads(1000, "consume");
	stacks[id].end = CORELEAKS_STACK_UNREADABLE;
	stacks[id].num_frames = 1; /* libc's frame alone */
	ck_assert_uint_eq(build(), 0);
	stacks[id].num_frames = 0;
	ck_assert_uint_eq(build(), 0);
	stacks[id].num_frames = 2;
	ck_assert_uint_eq(build(), 1);
	ck_assert_str_eq(finding(0)->title,
			 "1,000 threads share what is readable of their stacks: consume "
			 "(queue.c:42)");
	stacks[id].end = CORELEAKS_STACK_LIMIT;
	build();
	ck_assert_ptr_nonnull(strstr(finding(0)->title, "share one stack"));
}
END_TEST

START_TEST(largest_comes_first)
{
	add_threads(150, "a");
	add_threads(300, "b");
	add_threads(99, "c");
	add_threads(200, "d");
	ck_assert_uint_eq(build(), 3);
	ck_assert_uint_eq(finding(0)->num_tasks, 300);
	ck_assert_uint_eq(finding(1)->num_tasks, 200);
	ck_assert_uint_eq(finding(2)->num_tasks, 150);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(groups.list.items[finding(i)->groups[0]].num_tasks,
				  finding(i)->num_tasks);
}
END_TEST

START_TEST(hidden_groups_are_judged_too)
{
	add_threads(500, "consume");
	options.ignore = "consume";
	ck_assert_uint_eq(build(), 1);
	ck_assert_str_eq(groups.list.items[0].hidden_by, "--ignore");
	ck_assert_int_eq(findings.verdict_by_group[0], CORELEAKS_VERDICT_SUSPECT);
}
END_TEST

START_TEST(population_is_about_the_process)
{
	add_threads(50, "a");
	options.max_total = 50;
	ck_assert_uint_eq(build(), 0);
	options.max_total = 49;
	ck_assert_uint_eq(build(), 1);
	ck_assert_str_eq(finding(0)->rule, "population");
	ck_assert_str_eq(finding(0)->title, "50 threads in one process, more than 49");
	ck_assert_uint_eq(finding(0)->num_groups, 0);
	ck_assert_int_eq(findings.verdict_by_group[0], CORELEAKS_VERDICT_UNKNOWN);
}
END_TEST

START_TEST(population_follows_the_groups)
{
	for (int i = 0; i < 6; i++)
		add_threads(2000, i % 2 == 0 ? "a" : "b");
	ck_assert_uint_eq(build(), 3);
	ck_assert_str_eq(finding(0)->rule, "runaway-duplicates");
	ck_assert_str_eq(finding(2)->rule, "population");
	ck_assert_str_eq(finding(2)->title, "12,000 threads in one process, more than 10,000");
}
END_TEST

static const char *one_key(void *data, const struct coreleaks_analysis *analysis, uint32_t task)
{
	(void)data;
	(void)analysis;
	(void)task;
	return "tenant 7";
}

START_TEST(user_key_is_named)
{
	add_threads(60, "a");
	add_threads(60, "b");
	options.group_by = CORELEAKS_GROUP_BY_KEY;
	options.group_key = one_key;
	ck_assert_uint_eq(build(), 1);
	ck_assert_str_eq(finding(0)->title, "120 threads share the key 'tenant 7'");
}
END_TEST

/* Whatever their stacks; those without the label share nothing. Under --privacy the title is
 * written too: no value stands in it. */
START_TEST(label_is_named_without_its_value)
{
	static const struct coreleaks_label label = {"tenant", "secret"};
	add_threads(60, "a");
	add_threads(60, "b");
	add_threads(120, "c");
	for (int i = 0; i < 120; i++) {
		tasks[i].labels = &label;
		tasks[i].num_labels = 1;
	}
	options.group_by = CORELEAKS_GROUP_BY_LABEL;
	options.group_label = "tenant";
	ck_assert_uint_eq(build(), 1);
	ck_assert_str_eq(finding(0)->title, "120 threads have the same label 'tenant'");
	ck_assert_str_eq(finding(0)->evidence[0].what,
			 "120 of 240 threads (50.0 %) have the same label");
}
END_TEST

Suite *findings_suite(void)
{
	Suite *suite = suite_create("findings");
	TCase *tests = tcase_create("findings");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_gives_nothing);
	tcase_add_test(tests, threshold_is_the_first_suspicious_count);
	tcase_add_test(tests, idle_pools_are_no_duplicates);
	tcase_add_test(tests, duplicates_say_who_where_and_how_many);
	tcase_add_test(tests, place_is_told_as_well_as_it_is_known);
	tcase_add_test(tests, runtime_alone_names_its_outermost_frame);
	tcase_add_test(tests, unreadable_stacks_are_no_evidence);
	tcase_add_test(tests, largest_comes_first);
	tcase_add_test(tests, hidden_groups_are_judged_too);
	tcase_add_test(tests, population_is_about_the_process);
	tcase_add_test(tests, population_follows_the_groups);
	tcase_add_test(tests, user_key_is_named);
	tcase_add_test(tests, label_is_named_without_its_value);
	suite_add_tcase(suite, tests);
	return suite;
}
