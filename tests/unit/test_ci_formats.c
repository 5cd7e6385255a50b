/* What the formats of pipelines do with what real cores seldom have. */
#include "fake_view.h"

#include "report/words.h"

#include <check.h>
#include <jansson.h>
#include <string.h>

Suite *ci_formats_suite(void);

static struct fake_view fake;

static void setup(void)
{
	fake_view_init(&fake);
}

static void teardown(void)
{
	fake_view_deinit(&fake);
}

/* num groups with a finding each: of equal loose signatures. */
static void fill(uint32_t num, enum coreleaks_verdict certainty)
{
	for (uint32_t i = 0; i < num; i++) {
		const struct coreleaks_frame frames[] = {fake_libc_frame("futex_wait"),
							 fake_frame("work", 10 + i)};
		fake_view_group(&fake, arena_format(&fake.arena, "t-%012x", (unsigned)i), 2,
				fake_view_stack(&fake, frames, 2));
	}
	for (uint32_t i = 0; i < num; i++)
		fake_view_lock_finding(&fake, "deadlock-cycle",
				       arena_format(&fake.arena, "circle %u", (unsigned)i), i,
				       certainty);
}

static const char *make(enum coreleaks_format format)
{
	return fake_view_format(&fake, format).bytes;
}

static uint32_t count(const char *text, const char *part)
{
	uint32_t num = 0;
	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		num++;
	return num;
}

START_TEST(test_github_has_ten_of_a_kind)
{
	static const struct {
		uint32_t findings, lines;
		const char *last;
	} rows[] = {
		{9, 9, NULL},
		{10, 10, NULL},
		{11, 10, "::error title=coreleaks::2 more like these\n"},
		{1234, 10, "::error title=coreleaks::1,225 more like these\n"},
	};
	fill(rows[_i].findings, CORELEAKS_VERDICT_PROVED);
	const char *text = make(CORELEAKS_FORMAT_GITHUB);
	ck_assert_uint_eq(count(text, "\n"), rows[_i].lines);
	ck_assert_uint_eq(count(text, "::error "), rows[_i].lines);
	if (rows[_i].last != NULL)
		ck_assert_str_eq(text + strlen(text) - strlen(rows[_i].last), rows[_i].last);
	else
		ck_assert_ptr_null(strstr(text, "more like these"));
}
END_TEST

START_TEST(test_levels_follow_the_certainty)
{
	static const struct {
		enum coreleaks_verdict certainty;
		const char *github, *gitlab, *sarif, *junit;
	} rows[] = {
		{CORELEAKS_VERDICT_PROVED, "::error ", "\"critical\"", "\"level\":\"error\"",
		 "<failure "},
		{CORELEAKS_VERDICT_LIKELY, "::error ", "\"major\"", "\"level\":\"error\"",
		 "<failure "},
		{CORELEAKS_VERDICT_SUSPECT, "::warning ", "\"minor\"", "\"level\":\"warning\"",
		 "failures=\"0\""},
	};
	fill(1, rows[_i].certainty);
	ck_assert_ptr_nonnull(strstr(make(CORELEAKS_FORMAT_GITHUB), rows[_i].github));
	ck_assert_ptr_nonnull(strstr(make(CORELEAKS_FORMAT_GITLAB), rows[_i].gitlab));
	ck_assert_ptr_nonnull(strstr(make(CORELEAKS_FORMAT_SARIF), rows[_i].sarif));
	ck_assert_ptr_nonnull(strstr(make(CORELEAKS_FORMAT_JUNIT), rows[_i].junit));
}
END_TEST

/* What the baseline accepts is told, and is no failure. */
START_TEST(test_allowed)
{
	fill(1, CORELEAKS_VERDICT_PROVED);
	((struct coreleaks_finding *)(uintptr_t)fake.view.findings[0])->allowed = true;
	const char *junit = make(CORELEAKS_FORMAT_JUNIT);
	ck_assert_ptr_null(strstr(junit, "<failure"));
	ck_assert_ptr_nonnull(strstr(junit, "circle 0"));
	ck_assert_ptr_nonnull(
		strstr(make(CORELEAKS_FORMAT_GITHUB), "::notice title=PROVED%3A deadlock-cycle::"));
	ck_assert_str_eq(make(CORELEAKS_FORMAT_GITLAB), "[]\n");
	ck_assert_ptr_nonnull(strstr(make(CORELEAKS_FORMAT_SARIF), "\"suppressions\":["));
	ck_assert_ptr_nonnull(strstr(make(CORELEAKS_FORMAT_HTML), "circle 0 (in the baseline)"));
	ck_assert_ptr_nonnull(strstr(make(CORELEAKS_FORMAT_MARKDOWN), "in the baseline"));
}
END_TEST

/* GitLab drops findings with a fingerprint that it has seen; lines must not matter. */
START_TEST(test_fingerprints)
{
	json_error_t error;
	const char *before[3];
	fill(3, CORELEAKS_VERDICT_PROVED);
	json_t *json = json_loads(make(CORELEAKS_FORMAT_GITLAB), 0, &error);
	ck_assert_uint_eq(json_array_size(json), 3);
	for (size_t i = 0; i < 3; i++) {
		const json_t *value = json_object_get(json_array_get(json, i), "fingerprint");
		before[i] = arena_copy_text(&fake.arena, json_string_value(value));
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(before[i], before[k]);
	}
	json_decref(json);
	for (uint32_t i = 0; i < fake.view.num_stacks; i++) {
		struct coreleaks_frame *frame =
			(struct coreleaks_frame *)(uintptr_t)&fake.view.stacks[i]->frames[1];
		frame->line += 100;
	}
	json = json_loads(make(CORELEAKS_FORMAT_GITLAB), 0, &error);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(
			json_string_value(json_object_get(json_array_get(json, i), "fingerprint")),
			before[i]);
	json_decref(json);
}
END_TEST

/* GitHub drops a summary of more than 1 MiB altogether. */
START_TEST(test_markdown_is_cut)
{
	fill(3000, CORELEAKS_VERDICT_PROVED);
	const char *text = make(CORELEAKS_FORMAT_MARKDOWN);
	ck_assert_uint_lt(strlen(text), 1024 * 1024);
	ck_assert_uint_gt(strlen(text), 1000 * 1024);
	ck_assert_ptr_nonnull(strstr(text, " more stacks\n"));
	ck_assert_uint_eq(count(text, "<details>"), count(text, "</details>"));
	ck_assert_uint_eq(count(text, "<pre>"), count(text, "</pre>"));
}
END_TEST

START_TEST(test_html_stays_small)
{
	fill(5000, CORELEAKS_VERDICT_SUSPECT);
	const char *text = make(CORELEAKS_FORMAT_HTML);
	ck_assert_uint_lt(strlen(text), 2 * 1000 * 1000);
	ck_assert_ptr_nonnull(strstr(text, " more groups</strong> are left out"));
	ck_assert_ptr_nonnull(strstr(text, " more findings</strong> are left out"));
}
END_TEST

/* Many that wait alike are one node; what does not fit is counted. */
START_TEST(test_dot_is_readable)
{
	fill(900, CORELEAKS_VERDICT_SUSPECT);
	for (uint32_t i = 0; i < fake.view.num_findings; i++) /* of no circle */
		((struct coreleaks_finding *)(uintptr_t)fake.view.findings[i])->rule =
			"runaway-duplicates";
	for (uint32_t i = 0; i < fake.view.num_tasks; i++)
		fake_view_mutex(&fake, fake.view.tasks[i]->id, 0x1000 + i, 0);
	const char *text = make(CORELEAKS_FORMAT_DOT);
	ck_assert_uint_eq(count(text, "shape=ellipse") + count(text, "shape=box"), 400);
	ck_assert_uint_eq(count(text, "2 × mutex"), count(text, "shape=ellipse"));
	ck_assert_ptr_nonnull(strstr(text, "… and 1,400 threads more that wait, left out"));
}
END_TEST

/* Pictures have little room: the package's path is left out, whatever the language. */
START_TEST(test_short_names)
{
	static const char *const rows[][2] = {
		{"github.com/a/b.(*T).F", "b.(*T).F"},
		{"example.com/a/v2.F.func1", "v2.F.func1"},
		{"main.main", "main.main"},
		{"operator/", "operator/"},
		{"std::map<a/b.c>::at", "std::map<a/b.c>::at"},
		{"a.F[example.com/x.T]", "a.F[example.com/x.T]"},
		{"", ""},
	};
	ck_assert_str_eq(words_short_name(rows[_i][0]), rows[_i][1]);
}
END_TEST

START_TEST(test_source_links)
{
	static const struct {
		const char *file, *prefix, *want; /* NULL: no link */
	} rows[] = {
		{"/src/a b.c", "/src", "https://h/a%20b.c?l=7"},
		{"/src/a.c", NULL, "https://h//src/a.c?l=7"},
		{"/elsewhere/a.c", "/src", NULL},
		{"a.c", "/src", "https://h/a.c?l=7"},
		{"../a.c", "/src", NULL},
		{"x/../../a.c", NULL, NULL},
		{"a\"><b>.c", NULL, "https://h/a%22%3E%3Cb%3E.c?l=7"},
		{"", NULL, NULL},
	};
	struct coreleaks_frame frame = fake_frame("work", 7);
	frame.file = rows[_i].file;
	fake_view_group(&fake, "t-1", 1, fake_view_stack(&fake, &frame, 1));
	fake.options.source_url = "https://h/{file}?l={line}";
	fake.options.strip_prefix = rows[_i].prefix;
	const char *text = make(CORELEAKS_FORMAT_HTML);
	if (rows[_i].want != NULL)
		ck_assert_ptr_nonnull(
			strstr(text, arena_format(&fake.arena, "href=\"%s\"", rows[_i].want)));
	else
		ck_assert_ptr_null(strstr(text, "https://h/"));
}
END_TEST

Suite *ci_formats_suite(void)
{
	Suite *suite = suite_create("ci_formats");
	TCase *tcase = tcase_create("ci_formats");
	tcase_set_timeout(tcase, 60); /* thousands of groups, under sanitizers */
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_github_has_ten_of_a_kind, 0, 4);
	tcase_add_loop_test(tcase, test_levels_follow_the_certainty, 0, 3);
	tcase_add_test(tcase, test_allowed);
	tcase_add_test(tcase, test_fingerprints);
	tcase_add_test(tcase, test_markdown_is_cut);
	tcase_add_test(tcase, test_html_stays_small);
	tcase_add_test(tcase, test_dot_is_readable);
	tcase_add_loop_test(tcase, test_short_names, 0, 7);
	tcase_add_loop_test(tcase, test_source_links, 0, 8);
	suite_add_tcase(suite, tcase);
	return suite;
}
