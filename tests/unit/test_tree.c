#include "fake_view.h"

#include "group/tree.h"

#include <check.h>
#include <string.h>

Suite *tree_suite(void);

static struct fake_view fake;
static const struct coreleaks_frame main_place = {
	.function = "main.main", .file = "/s/main.go", .line = 9};
static const struct coreleaks_frame handle_place = {
	.function = "main.handle", .file = "/s/main.go", .line = 27};
static const struct coreleaks_creation by_main = {&main_place, 1, false, true, 0};
static const struct coreleaks_creation by_handle = {&handle_place, 1, false, true, 0};

static void setup(void)
{
	fake_view_init(&fake);
}

static void teardown(void)
{
	fake_view_deinit(&fake);
}

/* num goroutines of that function whose ids begin at the fake's next one. */
static int64_t goroutines_of(const char *function, uint32_t num)
{
	const struct coreleaks_frame frame = fake_frame(function, 7);
	int64_t first = fake.next_id;
	uint32_t before = fake.view.num_tasks;
	fake_view_goroutines(&fake, "g-5f0a3b9c1d2e", num, fake_view_stack(&fake, &frame, 1),
			     "chan receive");
	for (uint32_t i = before; i < fake.view.num_tasks; i++)
		((struct coreleaks_task *)fake.view.tasks[i])->creation = &by_handle;
	return first;
}

static int64_t goroutines(uint32_t num)
{
	return goroutines_of("main.consume", num);
}

static const char *show(bool json)
{
	const char *shown = fake_view_show(&fake, "tree", json, NULL);
	ck_assert_ptr_nonnull(shown);
	return shown;
}

static void expect(const char *part)
{
	const char *text = show(false);
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

static void expect_json(const char *part)
{
	const char *text = show(true);
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

START_TEST(equal_children_of_the_dead_are_one_line)
{
	int64_t first = goroutines(40);
	for (uint32_t i = 0; i < 40; i++)
		fake_view_task(&fake, first + i)->creator_id = 17;
	expect("40 goroutines, under those that made them\n"
	       "goroutine 17 (ended), which ran main.handle, 40 in all\n"
	       "  40 x main.consume [chan receive] created by main.handle (main.go:27)\n");
	expect("of 1 goroutine that has ended nothing tells who made them");
	expect_json("\"ended\":1");
	for (uint32_t i = 0; i < 40; i++)
		fake_view_task(&fake, first + i)->creator_id = 17 + i;
	expect("40 x goroutines (ended), which ran main.handle, 40 in all\n"
	       "  40 x main.consume [chan receive] created by main.handle (main.go:27)\n");
	/* One subtree that differs is a line of its own. */
	fake_view_task(&fake, first)->creator_id = 18;
	expect("38 x goroutines (ended), which ran main.handle, 38 in all\n");
	expect("goroutine 18 (ended), which ran main.handle, 2 in all\n");
}
END_TEST

START_TEST(recorded_ancestors_link_through_the_dead)
{
	const struct coreleaks_ancestor ancestors[] = {{.id = 17, .creation = &by_main},
						       {.id = 16}};
	int64_t first = goroutines(2);
	/* Before Go 1.21 they alone say who made it. */
	fake_view_task(&fake, first)->ancestors = ancestors;
	fake_view_task(&fake, first)->num_ancestors = 2;
	fake_view_task(&fake, first + 1)->creator_id = 17;
	expect("goroutine 16 (ended), which ran main.main, 2 in all\n"
	       "  goroutine 17 (ended), which ran main.handle created by main.main (main.go:9), 2 "
	       "in "
	       "all\n    2 x main.consume [chan receive]");
}
END_TEST

START_TEST(circles_are_cut)
{
	int64_t first = goroutines(3);
	for (uint32_t i = 0; i < 3; i++)
		fake_view_task(&fake, first + i)->creator_id = first + (i + 1) % 3;
	expect("the core is damaged: 1 goroutine made each other in a circle");
	expect_json("\"circles\":1");
	expect_json("\"tasks\":3,");
	fake_view_task(&fake, first)->creator_id = first;
	expect_json("\"circles\":1");
	/* The dead of hostile records. */
	const struct coreleaks_ancestor ancestors[] = {{.id = 8}, {.id = 9}, {.id = 8}};
	fake_view_task(&fake, first)->creator_id = 0;
	fake_view_task(&fake, first)->ancestors = ancestors;
	fake_view_task(&fake, first)->num_ancestors = 3;
	expect_json("\"circles\":1");
	expect_json("\"tasks\":3,");
}
END_TEST

START_TEST(goroutines_of_one_id_are_told)
{
	int64_t first = goroutines(2);
	fake_view_task(&fake, first + 1)->id = first;
	expect("0 goroutines made each other in a circle, 1 has an id");
}
END_TEST

START_TEST(functions_stand_for_unknown_creators)
{
	int64_t first = goroutines(1), other = goroutines_of("main.other", 2);
	/* What main.consume makes comes from where main.consume was made. */
	static const struct coreleaks_frame place = {.function = "main.consume", .line = 1};
	static const struct coreleaks_creation by_consume = {&place, 1, false, true, 0};
	fake_view_task(&fake, other)->creation = &by_consume;
	fake_view_task(&fake, other + 1)->creation = &by_consume;
	fake_view_task(&fake, first)->creation = &by_main;
	expect("function main.main, 3 in all\n  function main.consume, 2 in all\n"
	       "    2 x main.other [chan receive] created by main.consume\n");
	expect("of 3 goroutines the core tells only the function that made them");
}
END_TEST

START_TEST(what_is_hidden_is_shown_for_its_children_alone)
{
	int64_t parent = goroutines(1), child = goroutines(2);
	fake_view_task(&fake, child)->creator_id = parent;
	fake_view_task(&fake, child + 1)->creator_id = parent;
	((struct coreleaks_group *)fake.view.groups[0])->hidden_by = "--focus";
	const struct coreleaks_group *hidden = fake.view.groups[0];
	fake.view.groups[0] = fake.view.groups[1];
	fake.view.groups[1] = hidden;
	expect("2 goroutines, under those that made them\n");
	expect("main.consume [chan receive] (hidden) created by main.handle (main.go:27), 2 in "
	       "all");
	expect("hidden: 1 by --focus\n");
}
END_TEST

START_TEST(depth_and_length_are_bounded)
{
	enum { NUM = 2000 };
	int64_t first = goroutines(NUM);
	struct coreleaks_task *tasks = fake_view_task(&fake, first);
	for (uint32_t i = 1; i < NUM; i++)
		((struct coreleaks_task *)fake.view.tasks[i])->creator_id = first + i - 1;
	tasks->creator_id = 0;
	fake.options.limit = 30;
	expect("\n1,971 lines more; --limit shows more\n");
	expect("(level 30) goroutine");
}
END_TEST

START_TEST(threads_are_shown_when_asked_for)
{
	const struct coreleaks_frame frame = fake_frame("work", 7);
	goroutines(2);
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 3, fake_view_stack(&fake, &frame, 1));
	expect("2 goroutines, under");
	fake.options.kind = CORELEAKS_KIND_THREAD;
	expect("3 threads, under those that made them\n3 x work [");
}
END_TEST

Suite *tree_suite(void)
{
	Suite *suite = suite_create("tree");
	TCase *tests = tcase_create("tree");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, equal_children_of_the_dead_are_one_line);
	tcase_add_test(tests, recorded_ancestors_link_through_the_dead);
	tcase_add_test(tests, circles_are_cut);
	tcase_add_test(tests, goroutines_of_one_id_are_told);
	tcase_add_test(tests, functions_stand_for_unknown_creators);
	tcase_add_test(tests, what_is_hidden_is_shown_for_its_children_alone);
	tcase_add_test(tests, depth_and_length_are_bounded);
	tcase_add_test(tests, threads_are_shown_when_asked_for);
	suite_add_tcase(suite, tests);
	return suite;
}
