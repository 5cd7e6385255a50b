#include "fake_view.h"

#include "report/redact.h"

#include <check.h>
#include <string.h>

Suite *redact_suite(void);

START_TEST(test_path)
{
	static const struct {
		const char *path, *prefix, *want;
	} rows[] = {
		{"/src/a.c", "/src", "a.c"},	  {"/src/a.c", "/src/", "a.c"},
		{"/src//a/b.c", "/src", "a/b.c"}, {"/src2/a.c", "/src", "/src2/a.c"},
		{"/src", "/src", "/src"},	  {"/src/", "/src", "/"},
		{"a.c", "/src", "a.c"},		  {"example.com/m/a.go", "example.com/m", "a.go"},
		{"/src/a.c", "", "/src/a.c"},	  {"/src/a.c", "/", "/src/a.c"},
		{"/src/a.c", NULL, "/src/a.c"},	  {"", "/src", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(coreleaks_strip_prefix(rows[i].path, rows[i].prefix),
				 rows[i].want);
	ck_assert_ptr_null(coreleaks_strip_prefix(NULL, "/src"));
}
END_TEST

static struct fake_view fake;
static struct coreleaks_frame creator;
static const struct coreleaks_creation creation = {.frame = &creator, .num_places = 1};
static const struct coreleaks_ancestor ancestors[] = {{3, &creation}, {1, NULL}};
static const struct coreleaks_label labels[] = {{"user", "SECRET-label"}};

/* Two threads with all that can hold a path or what the process has written. */
static void fill(void)
{
	fake_view_init(&fake);
	creator = fake_frame("spawn", 9);
	creator.file = "/src/spawn.c";
	const struct coreleaks_frame frames[] = {fake_libc_frame("pause"), fake_frame("work", 7)};
	struct coreleaks_group *group =
		fake_view_group(&fake, "t-1", 2, fake_view_stack(&fake, frames, 2));
	group->creation = &creation;
	group->labels = labels;
	group->num_labels = 1;
	group->key = "SECRET-key";
	for (int64_t id = 4711; id <= 4712; id++) {
		struct coreleaks_task *task = fake_view_task(&fake, id);
		struct coreleaks_candidate *candidate =
			arena_alloc(&fake.arena, sizeof(*candidate));
		candidate->frame = &fake.view.stacks[0]->frames[1];
		task->creation = &creation;
		task->ancestors = ancestors;
		task->num_ancestors = 2;
		task->labels = labels;
		task->num_labels = 1;
		task->bp = 0x5ec4e7;
		fake_view_mutex(&fake, id, 0x1000, 0);
		fake_view_wait(&fake, id)->candidates_known = true;
		fake_view_wait(&fake, id)->candidates = candidate;
		fake_view_wait(&fake, id)->num_candidates = 1;
		fake_view_wait(&fake, id)->num_all_candidates = 1;
	}
	fake_view_objects(&fake);
	fake.core.command = "SECRET-command";
	fake.core.executable = "/src/bin/worker";
	fake_view_module(&fake, "/src/bin/worker", "/src/bin/worker", NULL);
}

START_TEST(test_privacy)
{
	fill();
	ck_assert_ptr_nonnull(strstr(fake_view_json(&fake), "SECRET-label"));
	ck_assert_ptr_nonnull(strstr(fake_view_text(&fake), "SECRET-key"));
	ck_assert_ptr_nonnull(strstr(fake_view_show(&fake, "thread:4711", true, NULL), "0x5ec4e7"));
	fake.options.privacy = true;
	for (int i = 0; format_find((enum coreleaks_format)i) != NULL; i++)
		ck_assert_ptr_null(
			strstr(fake_view_format(&fake, (enum coreleaks_format)i).bytes, "SECRET"));
	for (int json = 0; json <= 1; json++) {
		const char *task = fake_view_show(&fake, "thread:4711", json, NULL);
		ck_assert_ptr_null(strstr(task, "5ec4e7"));
		ck_assert_ptr_null(strstr(task, "SECRET"));
		ck_assert_ptr_null(strstr(fake_view_show(&fake, "1", json, NULL), "SECRET"));
	}
	ck_assert_ptr_nonnull(strstr(fake_view_json(&fake), "\"function\":\"work\""));
	fake_view_deinit(&fake);
}
END_TEST

START_TEST(test_strip_prefix)
{
	fill();
	fake.core.path = "/src/dumps/core.1";
	fake_view_gap(
		&fake, "file-missing", false,
		"/src/bin/worker: not read (see /src/a/b and '/src/c', not /srcs/d or x/src/e)", 1);
	ck_assert_ptr_nonnull(strstr(fake_view_json(&fake), "\"/src/worker.c\""));
	fake.options.strip_prefix = "/src";
	const char *json = fake_view_json(&fake);
	ck_assert_ptr_nonnull(strstr(json, "\"dumps/core.1\""));
	ck_assert_ptr_nonnull(
		strstr(json, "\"bin/worker: not read (see a/b and 'c', not /srcs/d or x/src/e)\""));
	fake.view.num_gaps = 0;
	json = fake_view_json(&fake);
	ck_assert_ptr_null(strstr(json, "/src/"));
	/* The stack, the creator, the candidate. */
	ck_assert_ptr_nonnull(strstr(json, "\"file\":\"worker.c\""));
	ck_assert_ptr_nonnull(strstr(json, "\"file\":\"spawn.c\""));
	ck_assert_ptr_nonnull(strstr(json, "\"bin/worker\""));
	for (int i = 0; format_find((enum coreleaks_format)i) != NULL; i++)
		ck_assert_ptr_null(
			strstr(fake_view_format(&fake, (enum coreleaks_format)i).bytes, "/src/"));
	ck_assert_ptr_null(strstr(fake_view_show(&fake, "thread:4711", true, NULL), "/src/"));
	struct report_view view = fake.view;
	view.tasks = arena_alloc_array(&fake.arena, view.num_tasks, sizeof(*view.tasks));
	memcpy(view.tasks, fake.view.tasks, (size_t)view.num_tasks * sizeof(*view.tasks));
	view.waits = arena_alloc_array(&fake.arena, view.num_tasks, sizeof(*view.waits));
	for (uint32_t i = 0; i < view.num_tasks; i++)
		view.waits[i] = &fake.task_waits[i];
	redact_view(&view, &fake.arena, &fake.options);
	ck_assert_str_eq(view.tasks[0]->ancestors[0].creation->frame->file, "spawn.c");
	ck_assert_ptr_null(view.tasks[0]->ancestors[1].creation);
	/* What the view was made from is not touched. */
	ck_assert_str_eq(creator.file, "/src/spawn.c");
	fake_view_deinit(&fake);
}
END_TEST

Suite *redact_suite(void)
{
	Suite *suite = suite_create("redact");
	TCase *tcase = tcase_create("redact");
	tcase_add_test(tcase, test_path);
	tcase_add_test(tcase, test_privacy);
	tcase_add_test(tcase, test_strip_prefix);
	suite_add_tcase(suite, tcase);
	return suite;
}
