#include "fake_view.h"

#include "report/blocking.h"

#include <check.h>
#include <string.h>

Suite *blocking_suite(void);

static struct fake_view fake;

static void setup(void)
{
	fake_view_init(&fake);
}

static void teardown(void)
{
	fake_view_deinit(&fake);
}

static void expect_text(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

static void expect_no_text(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "'%s' in:\n%s", part, text);
}

static uint32_t stack_of(const char *function)
{
	const struct coreleaks_frame frame = fake_frame(function, 7);
	return fake_view_stack(&fake, &frame, 1);
}

static struct coreleaks_task *task_of(int64_t id)
{
	for (uint32_t i = 0; i < fake.view.num_tasks; i++)
		if (fake.view.tasks[i]->id == id)
			return (struct coreleaks_task *)(uintptr_t)fake.view.tasks[i];
	return NULL;
}

/* 4711 stands alone in the first group, as many others as asked for in the second. */
static void two_groups(uint32_t num_others)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, stack_of("trace_rays"));
	fake_view_group(&fake, "t-000000000001", num_others, stack_of("render"));
	task_of(4711)->state = CORELEAKS_STATE_RUNNING;
	task_of(4711)->reason = "running";
}

static void all_wait_for(int64_t first, int64_t last, uint64_t addr, int64_t holder)
{
	for (int64_t id = first; id <= last; id++)
		fake_view_mutex(&fake, id, addr, holder);
}

/* What stands between the verdict and the line about the core. */
static const char *section(void)
{
	const char *text = fake_view_text(&fake);
	const char *first = strchr(text, '\n') + 1, *end = strstr(first, "core.4711 ");
	return arena_copy_bytes(&fake.arena, first, (size_t)(end - first));
}

static void hide(uint32_t group)
{
	struct coreleaks_group *copy = arena_alloc(&fake.arena, sizeof(*copy));
	*copy = *fake.view.groups[group];
	copy->hidden_by = "--ignore";
	fake.view.groups[group] = copy;
}

START_TEST(worst_blocker_stands_below_the_verdict)
{
	two_groups(31);
	ck_assert_str_eq(section(), "");
	all_wait_for(4712, 4742, 0x1000, 4711);
	fake_view_wait(&fake, 4712)->symbol = "scene";
	fake_view_blocker(&fake, 4711);
	ck_assert_str_eq(section(), "thread 4711 (running in trace_rays) holds mutex 0x1000 (scene)"
				    " and blocks 31 others\n");
	/* It is no finding. */
	ck_assert(strncmp(fake_view_text(&fake), "nothing suspicious", 18) == 0);
	expect_no_text(fake_view_text(&fake), "SUSPECT");
}
END_TEST

/* Through others, and several objects. */
START_TEST(what_it_holds)
{
	two_groups(4);
	fake_view_mutex(&fake, 4712, 0x1000, 4711);
	fake_view_mutex(&fake, 4713, 0x2000, 4712);
	fake_view_wait(&fake, 4712)->certain = false;
	fake_view_blocker(&fake, 4711);
	ck_assert_str_eq(section(), "thread 4711 (running in trace_rays) holds what looks like a "
				    "mutex at 0x1000 and blocks 2 others\n");
	fake_view_mutex(&fake, 4712, 0x1000, 4711);
	fake_view_mutex(&fake, 4714, 0x3000, 4711);
	fake.view.num_blockers = 0;
	fake_view_blocker(&fake, 4711);
	ck_assert_str_eq(section(), "thread 4711 (running in trace_rays) holds mutex 0x1000 and 1 "
				    "more, and blocks 3 others\n");
	fake_view_mutex(&fake, 4715, 0x7f00, 4711);
	fake_view_wait(&fake, 4715)->object = "thread";
	fake.view.num_blockers = 0;
	fake_view_blocker(&fake, 4711);
	ck_assert_str_eq(section(), "thread 4711 (running in trace_rays) holds mutex 0x1000 and 1 "
				    "more, is joined and blocks 4 others\n");
	fake_view_mutex(&fake, 4714, 0x1000, 4711);
	fake.view.num_blockers = 0;
	fake_view_blocker(&fake, 4711);
	expect_text(section(), "holds mutex 0x1000, is joined and blocks 4 others\n");
	fake_view_wait(&fake, 4712)->holder_task = fake_view_wait(&fake, 4714)->holder_task = -1;
	fake.view.num_blockers = 0;
	fake_view_blocker(&fake, 4711);
	expect_text(section(), "1 thread blocks 1 other; -v lists it\n");
	fake.options.verbose = 1;
	ck_assert_str_eq(section(),
			 "thread 4711 (running in trace_rays) is joined and blocks 1 other\n");
}
END_TEST

START_TEST(what_it_does_itself)
{
	two_groups(2);
	all_wait_for(4712, 4713, 0x1000, 4711);
	fake_view_blocker(&fake, 4711);
	struct coreleaks_task *task = task_of(4711);
	struct coreleaks_wait *wait = fake_view_wait(&fake, 4711);
	task->state = CORELEAKS_STATE_WAITING;
	task->reason = "sleep";
	wait->timeout_kind = "remaining";
	wait->timeout_ns = 3200000000;
	expect_text(section(), "thread 4711 (sleep, for at most 3.2 s more) holds ");
	task->reason = "read";
	wait->timeout_kind = NULL;
	wait->object = "fd";
	wait->addr = 5;
	expect_text(section(), "thread 4711 (read, fd 5) holds ");
	task->reason = wait->object = "condition";
	wait->certain = true;
	wait->addr = 0x5000;
	wait->symbol = "queue+40";
	expect_text(section(), "thread 4711 (condition 0x5000 (queue+40)) holds ");
	wait->certain = false;
	expect_text(section(), "thread 4711 (looks like a condition at 0x5000 (queue+40)) holds ");
	wait->waking = true;
	expect_text(section(), "(queue+40), waking) holds ");
	*wait = (struct coreleaks_wait){.holder_task = -1};
	task->reason = "pause";
	expect_text(section(), "thread 4711 (pause) holds ");
	task->reason = NULL;
	expect_text(section(), "thread 4711 (waiting, unknown for what) holds ");
	task->reason = "join";
	*wait = (struct coreleaks_wait){
		.object = "thread", .addr = 0x7f01, .holder_id = 9, .holder_task = -1};
	expect_text(section(), "thread 4711 (joins thread 9) holds ");
	task->reason = "rwlock-write";
	*wait = (struct coreleaks_wait){.object = "rwlock",
					.addr = 0x77,
					.certain = true,
					.holder_id = 9,
					.holder_task = -1,
					.timeout_kind = "remaining"};
	expect_text(section(), "thread 4711 (rwlock-write, rwlock 0x77, held by thread 9, which "
			       "the core does not have, with a time\n  limit) holds ");
}
END_TEST

/* Contention of two is no news, but nobody is left out without a word. */
START_TEST(the_least_are_counted)
{
	two_groups(20);
	for (int64_t id = 4711; id < 4714; id++)
		fake_view_mutex(&fake, id + 10, (uint64_t)id, id);
	for (int64_t id = 4711; id < 4713; id++)
		fake_view_blocker(&fake, id);
	ck_assert_str_eq(section(), "2 threads block 2 others; -v lists them\n");
	fake_view_mutex(&fake, 4729, 4713, 4713);
	fake.view.num_blockers = 0;
	for (int64_t id = 4713; id > 4710; id--)
		fake_view_blocker(&fake, id);
	ck_assert_str_eq(section(), "thread 4713 (futex) holds mutex 0x1269 and blocks 2 others\n"
				    "2 more threads block 2 others; -v lists them\n");
}
END_TEST

START_TEST(only_the_worst_few_are_named)
{
	two_groups(40);
	for (int64_t id = 4711; id < 4716; id++)
		for (int64_t i = 0; i < 4; i++)
			fake_view_mutex(&fake, 4721 + (id - 4711) * 4 + i, (uint64_t)id, id);
	for (int64_t id = 4711; id < 4716; id++)
		fake_view_blocker(&fake, id);
	expect_text(section(), "thread 4713 (futex) holds mutex 0x1269 and blocks 4 others\n"
			       "2 more threads block 8 others; -v lists them\n");
	expect_no_text(section(), "thread 4714");
	fake.options.verbose = 1;
	expect_text(section(), "thread 4715 (futex) holds mutex 0x126b and blocks 4 others\n");
	expect_no_text(section(), "more threads");
}
END_TEST

/* As findings: left out once all that it is about is hidden. */
START_TEST(hidden_blockers_are_left_out)
{
	two_groups(2);
	all_wait_for(4712, 4713, 0x1000, 4711);
	fake_view_blocker(&fake, 4711);
	hide(0);
	expect_text(section(), "thread 4711 (running");
	expect_text(fake_view_json(&fake), "blocks 2 others\",\n   \"hidden\":false,");
	struct coreleaks_group *own = arena_alloc(&fake.arena, sizeof(*own));
	*own = *fake.view.groups[0];
	hide(1);
	own->hidden_by = NULL;
	fake.view.groups[0] = own;
	expect_text(section(), "thread 4711 (running");
	hide(0);
	ck_assert_str_eq(section(), "");
	expect_text(fake_view_text(&fake), "\n1 blocker is about hidden groups only\n");
	expect_text(fake_view_json(&fake), "blocks 2 others\",\n   \"hidden\":true,");
}
END_TEST

START_TEST(show_says_whom_it_blocks)
{
	const char *error;
	two_groups(20);
	all_wait_for(4712, 4713, 0x1000, 4711);
	all_wait_for(4714, 4714, 0x2000, 4713);
	fake_view_blocker(&fake, 4711);
	const char *shown = fake_view_show(&fake, "thread:4711", false, &error);
	expect_text(shown, "\n2 threads wait for it: 4712 4713\n"
			   "it blocks 3 others, 2 of them directly: 4712 4713 4714\n");
	expect_no_text(fake_view_show(&fake, "thread:4713", false, &error), "it blocks");
	expect_text(fake_view_show(&fake, "thread:4711", true, &error),
		    "\"blocks\":{\"direct\":2,\"total\":3,"
		    "\"members\":[4712,4713,4714],\"members_truncated\":false}");
	expect_text(fake_view_show(&fake, "thread:4713", true, &error), "\"blocks\":null");
	all_wait_for(4712, 4731, 0x1000, 4711);
	fake.view.num_blockers = 0;
	fake_view_blocker(&fake, 4711);
	expect_text(fake_view_show(&fake, "thread:4711", false, &error),
		    "\nit blocks 20 others, all of them directly: "
		    "4712 4713 4714 4715 4716 4717 4718 4719 and 12 more\n");
}
END_TEST

START_TEST(json_has_all)
{
	two_groups(3);
	all_wait_for(4712, 4713, 0x1000, 4711);
	all_wait_for(4714, 4714, 0x2000, 4713);
	fake_view_wait(&fake, 4712)->symbol = "scene";
	expect_text(fake_view_json(&fake), "\"blockers\":[],");
	fake_view_blocker(&fake, 4711);
	fake.options.members = 1;
	expect_text(fake_view_json(&fake),
		    "\"blockers\":[\n"
		    "  {\n"
		    "   \"title\":\"thread 4711 (running in trace_rays) holds mutex 0x1000 "
		    "(scene) and blocks 3 others\",\n"
		    "   \"hidden\":false,\n"
		    "   \"kind\":\"thread\",\n"
		    "   \"id\":4711,\n"
		    "   \"group\":\"t-5f0a3b9c1d2e\",\n"
		    "   \"state\":\"running\",\n"
		    "   \"reason\":\"running\",\n"
		    "   \"objects\":[\n"
		    "    {\"kind\":\"mutex\",\"address\":\"0x1000\","
		    "\"symbol\":\"scene\",\"type\":null,\"certain\":true,"
		    "\"waiters\":2,\"holder\":{\"kind\":\"thread\",\"id\":4711,"
		    "\"state\":\"alive\"},\"holders_candidate\":null,"
		    "\"holders_candidate_count\":null,\"detail\":{}}\n"
		    "   ],\n"
		    "   \"blocks\":{\"direct\":2,\"total\":3,\"members\":[4712],"
		    "\"members_truncated\":true}\n"
		    "  }\n"
		    " ],\n");
}
END_TEST

Suite *blocking_suite(void)
{
	Suite *suite = suite_create("blocking");
	TCase *tests = tcase_create("blocking");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, worst_blocker_stands_below_the_verdict);
	tcase_add_test(tests, what_it_holds);
	tcase_add_test(tests, what_it_does_itself);
	tcase_add_test(tests, the_least_are_counted);
	tcase_add_test(tests, only_the_worst_few_are_named);
	tcase_add_test(tests, hidden_blockers_are_left_out);
	tcase_add_test(tests, show_says_whom_it_blocks);
	tcase_add_test(tests, json_has_all);
	suite_add_tcase(suite, tests);
	return suite;
}
