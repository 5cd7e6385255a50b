#include "compare/summary.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *summary_suite(void);

static struct coreleaks_summary *summary;

static void setup(void)
{
	summary = NULL;
}

static void teardown(void)
{
	coreleaks_summary_free(summary);
}

/* A copy that ends where the input does: ASan sees a byte too many. */
static struct coreleaks_error *read_bytes(const char *bytes, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	if (size > 0)
		memcpy(copy, bytes, size);
	coreleaks_summary_free(summary);
	summary = NULL;
	struct coreleaks_error *error = coreleaks_summary_read("x", 77, copy, size, &summary);
	free(copy);
	return error;
}

static void read_text(const char *text)
{
	struct coreleaks_error *error = read_bytes(text, strlen(text));
	ck_assert_msg(error == NULL, "%s", error != NULL ? error->message : "");
}

static const struct summary_group *group(uint32_t index)
{
	ck_assert_uint_lt(index, summary->groups.num);
	return &summary->groups.items[index];
}

static const char report[] =
	"{\"schema\":\"coreleaks/1\",\"core\":{\"path\":\"c\",\"pid\":7,\"command\":\"shop\","
	"\"complete\":true,\"captured_at\":\"2026-11-20T20:20:00Z\",\"executable\":{\"path\":\"/"
	"s\","
	"\"build_id\":\"ab\"}},\"go\":{\"num_goroutine\":3,\"created_goroutines\":9,"
	"\"heap_bytes\":100,\"gc_cycles\":2},\"summary\":{\"verdict\":\"proved\",\"threads\":4,"
	"\"goroutines\":5,\"hidden\":2,\"stack_bytes\":64},\"groups\":[{\"id\":\"g-1.proved\","
	"\"signature\":\"g-1\",\"loose_signature\":\"g-2\",\"kind\":\"goroutine\",\"count\":3,"
	"\"state\":\"waiting\",\"reason\":\"chan receive\",\"verdict\":\"proved\",\"rules\":[\"a\","
	"\"b\"],\"wait_ns\":{\"min\":1,\"max\":5},\"stack_bytes\":48,\"members\":[4,5,6],"
	"\"frames\":[{\"function\":\"runtime.gopark\",\"runtime\":true},{\"function\":\"main.f\","
	"\"file\":\"f.go\",\"line\":3},{\"function\":\"main.f.wrap\",\"wrapper\":true},"
	"{\"function\":\"runtime.goexit\",\"runtime\":true}],\"created_by\":{\"function\":"
	"\"main.g\"}}],\"findings\":[{\"rule\":\"a\",\"title\":\"t\",\"certainty\":\"proved\","
	"\"hidden\":false,\"allowed\":true,\"groups\":[\"g-1.proved\",\"g-9\"]}],\"rules\":[{"
	"\"rule\":\"ignore x\",\"builtin\":false,\"line\":2,\"max\":null,\"matched\":0},{\"rule\":"
	"\"ignore y\",\"builtin\":true}],\"gaps\":[{\"kind\":\"k\",\"detail\":\"d\","
	"\"incomplete\":true}]}";

START_TEST(our_report)
{
	read_text(report);
	ck_assert_int_eq(summary->source, SUMMARY_REPORT);
	ck_assert_str_eq(summary->name, "x");
	ck_assert_int_eq(summary->pid, 7);
	ck_assert_int_eq(summary->time, 1795206000);
	ck_assert_str_eq(summary->build_id, "ab");
	ck_assert(summary->complete && summary->is_go);
	/* Go's own number is without its own goroutines. */
	ck_assert_int_eq(summary->num_goroutines, 3);
	ck_assert_int_eq(summary->num_threads, 4);
	ck_assert_int_eq(summary->num_created, 9);
	ck_assert_uint_eq(summary->groups.num, 1);
	ck_assert_str_eq(group(0)->loose, "g-2");
	ck_assert_str_eq(group(0)->rules, "a, b");
	ck_assert_int_eq(group(0)->max_wait_ns, 5);
	ck_assert_uint_eq(group(0)->num_ids, 3);
	ck_assert_int_eq(group(0)->ids[2], 6);
	ck_assert_str_eq(group(0)->functions, "g\nmain.f");
	ck_assert_str_eq(group(0)->functions_of, "g\nmain.f\n\nmain.g\nchan receive");
	ck_assert_uint_eq(summary->findings.num, 1);
	ck_assert(summary->findings.items[0].allowed);
	ck_assert_uint_eq(summary->findings.items[0].num_groups, 1);
	ck_assert_uint_eq(summary->rules.num, 1);
	ck_assert_uint_eq(summary->gaps.num, 1);
	ck_assert_uint_eq(summary_num_waiting(summary), 3);
}
END_TEST

/* Where options have left tasks out, the others are all that is counted. */
START_TEST(filtered_report)
{
	static const struct {
		const char *hidden_by;
		uint64_t num_filtered, num_threads, num_goroutines, stack_size;
	} cases[] = {
		{"{\"native\":2}", 0, 4, 5, 64},
		{"{\"--focus\":0}", 0, 4, 5, 64},
		{"{\"--focus\":2,\"native\":1,\"--ancestor\":3}", 5, 2, 3, 40},
		{"[1]", 0, 4, 5, 64},
	};
	char text[1024];
	snprintf(text, sizeof(text),
		 "{\"schema\":\"coreleaks/1\",\"core\":{},\"summary\":{\"threads\":4,"
		 "\"goroutines\":5,\"hidden\":6,\"stack_bytes\":64,\"hidden_by\":%s},"
		 "\"groups\":[{\"kind\":\"thread\",\"count\":2,\"stack_bytes\":30},"
		 "{\"kind\":\"goroutine\",\"count\":3,\"stack_bytes\":10},"
		 "{\"kind\":\"goroutine\",\"count\":1,\"stack_bytes\":7,\"system\":\"Go\"}]}",
		 cases[_i].hidden_by);
	read_text(text);
	ck_assert_uint_eq(summary->num_filtered, cases[_i].num_filtered);
	ck_assert_uint_eq(summary_num_of(summary, CORELEAKS_KIND_THREAD), cases[_i].num_threads);
	ck_assert_uint_eq(summary_num_of(summary, CORELEAKS_KIND_GOROUTINE),
			  cases[_i].num_goroutines);
	ck_assert_uint_eq(summary_num_tasks(summary),
			  cases[_i].num_threads + cases[_i].num_goroutines);
	ck_assert_uint_eq(summary->stack_size, cases[_i].stack_size);
}
END_TEST

START_TEST(cut_reports_are_refused)
{
	for (size_t size = 0; size < sizeof(report) - 2; size++) {
		struct coreleaks_error *error = read_bytes(report, size);
		ck_assert_msg(error != NULL, "%zu", size);
		coreleaks_error_free(error);
	}
}
END_TEST

static const char debug2[] =
	"goroutine 1 [running]:\nmain.main()\n\t/s/main.go:9 +0x1d\n\n"
	"goroutine 7 gp=0xc0001 m=nil [chan receive, 5 minutes, locked to thread]:\n"
	"main.(*T).take(0xc000012345, {0x1, 0x2})\n\t/s/t.go:4 +0x20\n"
	"created by main.serve in goroutine 1\n\t/s/main.go:7 +0x3\n\n"
	"goroutine 9 [chan receive, 2 minutes]:\n"
	"main.(*T).take(...)\n\t/s/t.go:4 +0x20\n"
	"created by main.serve\n\t/s/main.go:7 +0x3\n\n"
	"goroutine 10 [select (no cases) (leaked)]:\nmain.hang[...]()\n\t/s/t.go:8\n";

START_TEST(go_text)
{
	read_text(debug2);
	ck_assert_int_eq(summary->source, SUMMARY_DEBUG2);
	ck_assert_int_eq(summary->num_goroutines, 4);
	ck_assert_uint_eq(summary->groups.num, 3);
	ck_assert_str_eq(group(0)->state, "running");
	ck_assert_uint_eq(group(1)->count, 2);
	ck_assert_str_eq(group(1)->reason, "chan receive");
	ck_assert_str_eq(group(1)->state, "waiting");
	ck_assert_int_eq(group(1)->max_wait_ns, 5 * INT64_C(60000000000));
	ck_assert_str_eq(group(1)->frames[0].function, "main.(*T).take");
	ck_assert_str_eq(group(1)->frames[0].file, "/s/t.go");
	ck_assert_uint_eq(group(1)->frames[0].line, 4);
	ck_assert_str_eq(group(1)->creator->function, "main.serve");
	ck_assert_uint_eq(group(1)->num_ids, 2);
	ck_assert_int_eq(group(1)->ids[1], 9);
	ck_assert_str_eq(group(2)->reason, "select (no cases)");
	ck_assert_str_eq(group(2)->frames[0].function, "main.hang[...]");
}
END_TEST

/* Longer than 292 years: no time that can be told. Found by fuzzing. */
START_TEST(go_text_that_waits_for_ever)
{
	static const struct {
		const char *text;
		int64_t wait_ns;
	} rows[] = {
		{"goroutine 7 [select, 153722867 minutes]:\nmain.f()\n\t/s/t.go:8\n",
		 INT64_C(153722867) * 60000000000},
		{"goroutine 7 [select, 153722868 minutes]:\nmain.f()\n\t/s/t.go:8\n", -1},
		{"goroutine 7 [select, 99999999999999999999 minutes]:\nmain.f()\n\t/s/t.go:8\n",
		 -1},
		{"goroutine 7 [select, -5 minutes]:\nmain.f()\n\t/s/t.go:8\n", -1},
	};
	read_text(rows[_i].text);
	ck_assert_str_eq(group(0)->reason, "select");
	ck_assert_int_eq(group(0)->max_wait_ns, rows[_i].wait_ns);
}
END_TEST

static const char debug1[] =
	"goroutine profile: total 12\n"
	"7 @ 0x1 0x2 0x3\n#\t0x46aeb8\tmain.receive+0x18\t/s/main.go:11\n"
	"#\t0x46ae00\tmain.main.func1+0x8\t\t/s/main.go:20\n\n"
	"5 @ 0x9\n# labels: {\"a\":\"b\"}\n#\t0x1\tmain.send+0x2\t/s/main.go:12\n\n";

START_TEST(go_profile_as_text)
{
	read_text(debug1);
	ck_assert_int_eq(summary->source, SUMMARY_FRAMES);
	ck_assert_int_eq(summary->num_goroutines, 12);
	ck_assert_uint_eq(summary->groups.num, 2);
	ck_assert_str_eq(group(0)->functions, "g\nmain.receive\nmain.main.func1");
	ck_assert_uint_eq(group(0)->count, 7);
	ck_assert_uint_eq(group(0)->frames[1].line, 20);
	ck_assert_str_eq(group(1)->functions, "g\nmain.send");
}
END_TEST

/* sample_type goroutine/count; a sample of 3 at location 1: main.f inlined into main.g, line 5. */
static const char pprof[] = "\x0a\x04\x08\x01\x10\x02"
			    "\x12\x05\x0a\x01\x01\x12\x00"
			    "\x12\x06\x0a\x01\x01\x12\x01\x03"
			    "\x22\x0c\x08\x01\x22\x04\x08\x01\x10\x05\x22\x02\x08\x02"
			    "\x2a\x04\x08\x01\x10\x03"
			    "\x2a\x04\x08\x02\x10\x04"
			    "\x32\x00\x32\x09goroutine\x32\x05"
			    "count\x32\x06main.f\x32\x06main.g"
			    "\x48\x80\xa8\xd6\xb9\x07";

START_TEST(profiles_are_not_judged)
{
	static const char profile[] = "goroutine profile: total 2\n"
				      "2 @ 0x1001\n#\t0x1001\tmain.worker+0x1d\t/src/main.go:12\n";
	struct coreleaks_check_options options;
	struct coreleaks_check *check = NULL;
	coreleaks_check_options_init(&options);
	ck_assert_ptr_null(read_bytes(profile, strlen(profile)));
	const struct coreleaks_summary *const dumps[] = {summary};
	struct coreleaks_error *error = coreleaks_check_new(dumps, 1, &options, &check);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_USAGE);
	ck_assert_ptr_null(check);
	coreleaks_error_free(error);
}
END_TEST

START_TEST(pprof_profile)
{
	struct coreleaks_summary own = {.num_threads = -1, .num_goroutines = -1};
	arena_init(&own.arena, 0);
	/* The first sample has no value: the profile is damaged. */
	ck_assert(!summary_from_pprof(&own, pprof, sizeof(pprof) - 1));
	char good[sizeof(pprof)];
	memcpy(good, pprof, 6);
	memcpy(good + 6, pprof + 13, sizeof(pprof) - 1 - 13);
	size_t size = sizeof(pprof) - 1 - 7;
	own.groups.num = 0;
	ck_assert(summary_from_pprof(&own, good, size));
	ck_assert_int_eq(own.num_goroutines, 3);
	ck_assert_uint_eq(own.groups.num, 1);
	ck_assert_str_eq(own.groups.items[0].functions, "g\nmain.f\nmain.g");
	ck_assert_uint_eq(own.groups.items[0].frames[0].line, 5);
	ck_assert_int_eq(own.time, 2);
	for (size_t cut = 0; cut < size; cut++) {
		char *copy = malloc(cut + 1);
		memcpy(copy, good, cut);
		summary_from_pprof(&own, copy, cut);
		free(copy);
	}
	arena_deinit(&own.arena);
}
END_TEST

static const char *const foreign[] = {
	"",
	"{}",
	"[]",
	"{\"schema\":\"coreleaks/1\"}",
	"{\"schema\":\"coreleaks-check/1\",\"core\":{},\"summary\":{}}",
	"goroutine",
	"goroutine x [y]:\nmain.f()\n",
	"\x1f\x8b",
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03 0123456789\xff\xff\xff\x7f",
	"hello\n",
};

START_TEST(what_is_no_report_is_refused)
{
	struct coreleaks_error *error = read_bytes(foreign[_i], strlen(foreign[_i]));
	ck_assert_msg(error != NULL, "%s", foreign[_i]);
	ck_assert_int_eq(strncmp(error->message, "x: ", 3), 0);
	coreleaks_error_free(error);
}
END_TEST

START_TEST(odd_types_do_no_harm)
{
	read_text("{\"schema\":\"coreleaks/"
		  "1\",\"core\":7,\"summary\":[],\"groups\":[{\"signature\":3,"
		  "\"frames\":{\"a\":1},\"members\":{\"a\":[]},\"count\":-4,\"rules\":\"x\"},1,[],"
		  "null],\"findings\":[{},1,{\"rule\":\"a\",\"title\":\"b\",\"groups\":[1,{}]}]}");
	ck_assert_uint_eq(summary->groups.num, 4);
	ck_assert_uint_eq(group(0)->count, 0);
	ck_assert_uint_eq(summary->findings.num, 1);
	ck_assert_uint_eq(summary->findings.items[0].num_groups, 0);
}
END_TEST

START_TEST(times)
{
	ck_assert_int_eq(summary_time("1970-01-01T00:01:00Z"), 60);
	ck_assert_int_eq(summary_time("1970-01-01T00:01:00"), INT64_MIN);
	ck_assert_int_eq(summary_time("yesterday"), INT64_MIN);
	ck_assert_int_eq(summary_time(NULL), INT64_MIN);
}
END_TEST

START_TEST(a_failed_dump)
{
	ck_assert_ptr_null(coreleaks_summary_failed("core.7", "no core", &summary));
	ck_assert_str_eq(coreleaks_summary_failure(summary), "no core");
	ck_assert(!summary->complete);
	ck_assert_uint_eq(summary_num_tasks(summary), 0);
}
END_TEST

Suite *summary_suite(void)
{
	Suite *suite = suite_create("summary");
	TCase *tcase = tcase_create("summary");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, our_report);
	tcase_add_loop_test(tcase, filtered_report, 0, 4);
	tcase_add_test(tcase, cut_reports_are_refused);
	tcase_add_test(tcase, go_text);
	tcase_add_loop_test(tcase, go_text_that_waits_for_ever, 0, 4);
	tcase_add_test(tcase, go_profile_as_text);
	tcase_add_test(tcase, profiles_are_not_judged);
	tcase_add_test(tcase, pprof_profile);
	tcase_add_loop_test(tcase, what_is_no_report_is_refused, 0,
			    sizeof(foreign) / sizeof(foreign[0]));
	tcase_add_test(tcase, odd_types_do_no_harm);
	tcase_add_test(tcase, times);
	tcase_add_test(tcase, a_failed_dump);
	suite_add_tcase(suite, tcase);
	return suite;
}
