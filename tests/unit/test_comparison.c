#include "compare/check.h"
#include "compare/comparison.h"
#include "report/many.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *comparison_suite(void);

enum { MAX_DUMPS = 8, MAX_TEXT = 8192 };

static struct coreleaks_summary *dumps[MAX_DUMPS];
static uint32_t num_dumps;
static char text[MAX_TEXT];
static struct coreleaks_check_options check_options;
static struct coreleaks_compare_options compare_options;
static struct coreleaks_check *check;
static struct coreleaks_comparison *comparison;

static void setup(void)
{
	num_dumps = 0;
	check = NULL;
	comparison = NULL;
	coreleaks_check_options_init(&check_options);
	coreleaks_compare_options_init(&compare_options);
}

static void teardown(void)
{
	coreleaks_check_free(check);
	coreleaks_comparison_free(comparison);
	for (uint32_t i = 0; i < num_dumps; i++)
		coreleaks_summary_free(dumps[i]);
}

static void begin(bool complete, const char *build_id, uint32_t num_threads)
{
	snprintf(
		text, sizeof(text),
		"{\"schema\":\"coreleaks/1\",\"core\":{\"path\":\"c\",\"pid\":7,\"command\":\"p\","
		"\"complete\":%s,\"captured_at\":\"2026-11-20T20:%02u:00Z\",\"executable\":{"
		"\"build_id\":\"%s\"}},\"go\":null,\"summary\":{\"threads\":%u,\"stack_bytes\":%u},"
		"\"groups\":[",
		complete ? "true" : "false", num_dumps * 2, build_id, num_threads,
		num_threads * 10);
}

static void add(const char *more)
{
	ck_assert_uint_lt(strlen(text) + strlen(more), sizeof(text));
	strcat(text, more);
}

/* A group whose signature and function are that letter; its loose signature is l. */
static void add_part(const char *id, char letter, uint32_t count, const char *verdict,
		     const char *more)
{
	char group[512];
	snprintf(group, sizeof(group),
		 "%s{\"id\":\"%s\",\"signature\":\"%c\",\"loose_signature\":\"l%c\",\"kind\":"
		 "\"thread\","
		 "\"count\":%u,\"state\":\"waiting\",\"reason\":\"mutex\",\"verdict\":\"%s\","
		 "\"stack_bytes\":%u,\"frames\":[{\"function\":\"%c\"}]%s}",
		 text[strlen(text) - 1] == '}' ? "," : "", id, letter, letter, count, verdict,
		 count * 10, letter, more);
	add(group);
}

static void add_group(char letter, uint32_t count, const char *verdict, const char *more)
{
	const char id[] = {letter, '\0'};
	add_part(id, letter, count, verdict, more);
}

static void end(const char *findings)
{
	add("],\"findings\":[");
	add(findings);
	add("]}");
	ck_assert_ptr_null(coreleaks_summary_read("c", 0, text, strlen(text), &dumps[num_dumps]));
	num_dumps++;
}

static const struct coreleaks_summary *const *all(void)
{
	return (const struct coreleaks_summary *const *)dumps;
}

static enum coreleaks_outcome judge(void)
{
	coreleaks_check_free(check);
	check = NULL;
	ck_assert_ptr_null(coreleaks_check_new(all(), num_dumps, &check_options, &check));
	return coreleaks_check_info(check)->outcome;
}

static enum coreleaks_outcome compare(void)
{
	coreleaks_comparison_free(comparison);
	comparison = NULL;
	ck_assert_ptr_null(
		coreleaks_comparison_new(all(), num_dumps, &compare_options, &comparison));
	return coreleaks_comparison_info(comparison)->outcome;
}

static const struct comparison_row *row(const char *signature)
{
	for (uint32_t i = 0; i < comparison->rows.num; i++)
		if (strcmp(comparison->rows.items[i].group->signature, signature) == 0)
			return &comparison->rows.items[i];
	ck_abort_msg("no row %s", signature);
}

/* A dump with so many tasks in group a. */
static void dump_of(uint32_t count, bool complete)
{
	begin(complete, "ab", count);
	if (count > 0)
		add_group('a', count, "unknown", "");
	end("");
}

/* ---- Check --------------------------------------------------------------------------------- */

static const char finding_a[] =
	"{\"rule\":\"r\",\"title\":\"t\",\"certainty\":\"%s\",\"hidden\":%s,\"allowed\":%s,"
	"\"groups\":[\"a\"]}";

static void dump_with(const char *certainty, bool hidden, bool allowed, uint32_t count)
{
	char finding[256];
	begin(true, "ab", count + 1);
	add_group('a', count, certainty, allowed ? ",\"allowed_by\":\"allow a\"" : "");
	add_group('b', 1, "unknown", "");
	snprintf(finding, sizeof(finding), finding_a, certainty, hidden ? "true" : "false",
		 allowed ? "true" : "false");
	end(finding);
}

static const struct {
	const char *certainty;
	bool hidden, allowed;
	int32_t fail_on;
	bool red;
} levels[] = {
	{"proved", false, false, CORELEAKS_VERDICT_PROVED, true},
	{"likely", false, false, CORELEAKS_VERDICT_PROVED, false},
	{"likely", false, false, CORELEAKS_VERDICT_LIKELY, true},
	{"suspect", false, false, CORELEAKS_VERDICT_LIKELY, false},
	{"suspect", false, false, CORELEAKS_VERDICT_SUSPECT, true},
	{"proved", true, false, CORELEAKS_VERDICT_LIKELY, false},
	{"proved", false, true, CORELEAKS_VERDICT_LIKELY, false},
	{"proved", false, false, -1, false},
};

START_TEST(levels_decide)
{
	check_options.fail_on = levels[_i].fail_on;
	dump_with(levels[_i].certainty, levels[_i].hidden, levels[_i].allowed, 2);
	ck_assert_int_eq(judge(),
			 levels[_i].red ? CORELEAKS_OUTCOME_FINDINGS : CORELEAKS_OUTCOME_CLEAN);
	ck_assert_uint_eq(coreleaks_check_info(check)->num_red, levels[_i].red);
}
END_TEST

START_TEST(slack_is_a_number_of_tasks)
{
	dump_with("proved", false, false, 3);
	check_options.slack = 3;
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_CLEAN);
	ck_assert(check->dumps[0].forgiven);
	check_options.slack = 2;
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_FINDINGS);
}
END_TEST

START_TEST(groups_merge_by_signature)
{
	dump_with("proved", false, false, 3);
	dump_with("suspect", false, false, 4);
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_FINDINGS);
	ck_assert_uint_eq(check->groups.num, 2);
	const struct check_group *merged = &check->groups.items[0];
	ck_assert_str_eq(merged->group->signature, "a");
	ck_assert_uint_eq(merged->count, 7);
	ck_assert_uint_eq(merged->parts.num, 2);
	ck_assert_int_eq(merged->verdict, CORELEAKS_VERDICT_PROVED);
	ck_assert_uint_eq(merged->num_judged, 3);
	ck_assert_int_eq(merged->group->verdict, CORELEAKS_VERDICT_PROVED);
	ck_assert_uint_eq(check_most_of(check, "la"), 4);
	ck_assert_uint_eq(coreleaks_check_info(check)->num_by_outcome[0], 1);
}
END_TEST

/* Of one stack some are proved and others are not: no word says that all are. */
START_TEST(only_those_that_are_proved_are_called_so)
{
	struct text out;
	begin(true, "ab", 8);
	add_part("a.unknown", 'a', 5, "unknown", ",\"members\":[1]");
	add_part("a.proved", 'a', 3, "proved", ",\"members\":[2]");
	end("{\"rule\":\"r\",\"title\":\"t\",\"certainty\":\"proved\","
	    "\"groups\":[\"a.proved\"]}");
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_FINDINGS);
	ck_assert_uint_eq(check->groups.num, 1);
	ck_assert_uint_eq(check->groups.items[0].count, 8);
	ck_assert_uint_eq(check->groups.items[0].num_judged, 3);
	ck_assert_int_eq(check->groups.items[0].group->verdict, CORELEAKS_VERDICT_PROVED);
	text_init(&out, &check->arena);
	struct coreleaks_write_options options;
	coreleaks_write_options_init(&options);
	check_text(&out, check, &options);
	ck_assert_ptr_nonnull(strstr(out.bytes, "Thread 2 in state mutex"));
	ck_assert_ptr_nonnull(strstr(out.bytes, ", 3 of 8 threads in 1 of 1 dump: c (8)"));
	check_html(&out, check);
	ck_assert_ptr_nonnull(strstr(out.bytes, ">3 of 8 threads<"));
	check_dot(&out, check);
	ck_assert_ptr_nonnull(strstr(out.bytes, "\\n3 of 8 threads, "));
}
END_TEST

/* A picture of 100 dumps and 60 groups is all that anybody can look at; the rest is counted. */
START_TEST(large_pictures)
{
	enum { NUM_DUMPS = 103, NUM_GROUPS = 64 };
	static struct check_dump many[NUM_DUMPS];
	static struct check_group merged[NUM_GROUPS];
	struct text out;
	begin(true, "ab", 8);
	add_group('a', 2, "likely", "");
	end("");
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_CLEAN);
	ck_assert_uint_eq(check->groups.num, 1);
	for (uint32_t i = 0; i < NUM_DUMPS; i++)
		many[i] = check->dumps[0];
	for (uint32_t i = 0; i < NUM_GROUPS; i++)
		merged[i] = check->groups.items[0];
	/* The last dump has the group too, but is left out. */
	struct check_part parts[] = {{.dump = 3, .count = 2}, {.dump = 102, .count = 5}};
	merged[7].parts.items = parts;
	merged[7].parts.num = 2;
	check->dumps = many;
	check->num_dumps = NUM_DUMPS;
	check->groups.items = merged;
	check->groups.num = NUM_GROUPS;
	text_init(&out, &check->arena);
	check_dot(&out, check);
	ck_assert_ptr_nonnull(strstr(out.bytes, "  d99 [shape=box"));
	ck_assert_ptr_null(strstr(out.bytes, "  d100 "));
	ck_assert_ptr_nonnull(strstr(out.bytes, "\"… and 3 dumps more, left out\""));
	ck_assert_ptr_nonnull(strstr(out.bytes, "  g59 [shape=ellipse"));
	ck_assert_ptr_null(strstr(out.bytes, "  g60 "));
	ck_assert_ptr_nonnull(strstr(out.bytes, "\"… and 4 groups more, left out\""));
	ck_assert_ptr_nonnull(strstr(out.bytes, "  d3 -> g7 [label=\"2\"]"));
	ck_assert_ptr_null(strstr(out.bytes, "d102"));
}
END_TEST

START_TEST(never_clean_when_incomplete_or_failed)
{
	dump_of(2, true);
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_CLEAN);
	dump_of(2, false);
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_INCOMPLETE);
	ck_assert_ptr_null(coreleaks_summary_failed("d", "no core", &dumps[num_dumps++]));
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_FAILED);
	dump_with("proved", false, false, 1);
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_FINDINGS);
	ck_assert_uint_eq(coreleaks_check_info(check)->num_incomplete, 1);
}
END_TEST

START_TEST(new_is_what_the_baseline_does_not_name)
{
	check_options.fail_on_new = true;
	dump_with("suspect", false, true, 2);
	ck_assert_int_eq(judge(), CORELEAKS_OUTCOME_FINDINGS);
	ck_assert_str_eq(check->groups.items[0].group->signature, "b");
	ck_assert(check->groups.items[0].is_red && !check->groups.items[1].is_red);
}
END_TEST

/* ---- Comparison ---------------------------------------------------------------------------- */

static const struct {
	uint32_t counts[4], num;
	enum comparison_change change;
	bool grows;
} series[] = {
	{{5, 6}, 2, CHANGE_GROWN, false},	{{5, 6, 7}, 3, CHANGE_GROWN, true},
	{{5, 7, 7}, 3, CHANGE_GROWN, false},	{{5, 9, 6, 10}, 4, CHANGE_GROWN, false},
	{{0, 1, 2, 3}, 4, CHANGE_NEW, true},	{{7, 5}, 2, CHANGE_SHRUNK, false},
	{{7, 0}, 2, CHANGE_RESOLVED, false},	{{5, 9, 5}, 3, CHANGE_SAME, false},
	{{0, 9, 0}, 3, CHANGE_RESOLVED, false},
};

START_TEST(growth_is_a_rise_in_every_interval)
{
	for (uint32_t i = 0; i < series[_i].num; i++)
		dump_of(series[_i].counts[i], true);
	enum coreleaks_outcome outcome = compare();
	ck_assert_int_eq(row("a")->change, series[_i].change);
	ck_assert_int_eq(row("a")->grows, series[_i].grows);
	ck_assert_int_eq(outcome,
			 series[_i].grows ? CORELEAKS_OUTCOME_FINDINGS : CORELEAKS_OUTCOME_CLEAN);
}
END_TEST

START_TEST(slack_is_no_growth)
{
	dump_of(5, true);
	dump_of(6, true);
	dump_of(8, true);
	compare_options.slack = 3;
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_CLEAN);
	compare_options.slack = 2;
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_FINDINGS);
}
END_TEST

/* A dump that was cut may have had more tasks. */
START_TEST(no_growth_from_incomplete_dumps)
{
	dump_of(5, true);
	dump_of(6, false);
	dump_of(8, true);
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_INCOMPLETE);
	ck_assert_uint_eq(comparison->findings.num, 0);
}
END_TEST

START_TEST(the_last_dump_may_be_incomplete)
{
	dump_of(5, true);
	dump_of(6, true);
	dump_of(8, false);
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_FINDINGS);
}
END_TEST

START_TEST(max_delta_is_of_all_tasks)
{
	compare_options.max_delta = 10;
	dump_of(5, true);
	dump_of(15, true);
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_CLEAN);
	compare_options.max_delta = 9;
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_FINDINGS);
	ck_assert_str_eq(comparison->findings.items[0].rule, "over-baseline");
	compare_options.fail_on_growth = false;
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_CLEAN);
	compare_options.fail_on = CORELEAKS_VERDICT_SUSPECT;
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_FINDINGS);
}
END_TEST

START_TEST(a_new_proved_group_is_red)
{
	dump_of(5, true);
	begin(true, "ab", 6);
	add_group('a', 5, "unknown", "");
	add_group('d', 1, "proved", "");
	end("");
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_FINDINGS);
	compare_options.fail_on = -1;
	compare_options.fail_on_growth = false;
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_CLEAN);
}
END_TEST

/* It was proved before, and is so no more than before. */
START_TEST(an_old_proved_group_is_not)
{
	for (int i = 0; i < 2; i++) {
		begin(true, "ab", 1);
		add_group('d', 1, "proved", "");
		end("");
	}
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_CLEAN);
}
END_TEST

START_TEST(builds_are_compared_by_loose_signatures)
{
	dump_of(5, true);
	begin(true, "cd", 6);
	add_group('b', 6, "unknown", "");
	end("");
	compare();
	ck_assert_int_eq(comparison->key, KEY_LOOSE);
	ck_assert_uint_eq(comparison->rows.num, 2);
	ck_assert(!comparison->is_one_process);
	dump_of(5, true);
	compare();
	ck_assert_uint_eq(comparison->rows.num, 2);
}
END_TEST

START_TEST(tasks_are_followed_by_id_in_one_process)
{
	begin(true, "ab", 3);
	add_group('a', 3, "unknown", ",\"members\":[1,4,9]");
	end("");
	begin(true, "ab", 3);
	add_group('a', 3, "unknown", ",\"members\":[4,5,9]");
	end("");
	compare();
	ck_assert(comparison->is_one_process);
	ck_assert_uint_eq(row("a")->num_stuck, 2);
}
END_TEST

START_TEST(parts_of_a_split_group_are_one)
{
	dump_of(5, true);
	begin(true, "ab", 5);
	add_group('a', 2, "proved", "");
	add_group('a', 3, "unknown", "");
	end("");
	compare();
	ck_assert_uint_eq(row("a")->counts[1], 5);
	ck_assert_int_eq(row("a")->change, CHANGE_SAME);
	ck_assert_int_eq(row("a")->verdict, CORELEAKS_VERDICT_PROVED);
}
END_TEST

START_TEST(at_rest_the_number_falls)
{
	dump_of(5, true);
	dump_of(5, true);
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_CLEAN);
	compare_options.idle = true;
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_FINDINGS);
	dump_of(4, true);
	ck_assert_int_eq(compare(), CORELEAKS_OUTCOME_CLEAN);
}
END_TEST

START_TEST(minutes_need_times_in_order)
{
	dump_of(5, true);
	dump_of(6, true);
	compare();
	ck_assert_double_eq(comparison_minutes(comparison, 0, 1), 2);
	struct coreleaks_summary *first = dumps[0];
	dumps[0] = dumps[1];
	dumps[1] = first;
	compare();
	ck_assert_double_eq(comparison_minutes(comparison, 0, 1), 0);
}
END_TEST

START_TEST(two_dumps_are_needed)
{
	dump_of(5, true);
	ck_assert_ptr_null(coreleaks_summary_failed("d", "no core", &dumps[num_dumps++]));
	struct coreleaks_error *error =
		coreleaks_comparison_new(all(), num_dumps, &compare_options, &comparison);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_NOT_FOUND);
	coreleaks_error_free(error);
}
END_TEST

Suite *comparison_suite(void)
{
	Suite *suite = suite_create("comparison");
	TCase *tcase = tcase_create("comparison");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, levels_decide, 0, sizeof(levels) / sizeof(levels[0]));
	tcase_add_test(tcase, slack_is_a_number_of_tasks);
	tcase_add_test(tcase, groups_merge_by_signature);
	tcase_add_test(tcase, only_those_that_are_proved_are_called_so);
	tcase_add_test(tcase, large_pictures);
	tcase_add_test(tcase, never_clean_when_incomplete_or_failed);
	tcase_add_test(tcase, new_is_what_the_baseline_does_not_name);
	tcase_add_loop_test(tcase, growth_is_a_rise_in_every_interval, 0,
			    sizeof(series) / sizeof(series[0]));
	tcase_add_test(tcase, slack_is_no_growth);
	tcase_add_test(tcase, no_growth_from_incomplete_dumps);
	tcase_add_test(tcase, the_last_dump_may_be_incomplete);
	tcase_add_test(tcase, max_delta_is_of_all_tasks);
	tcase_add_test(tcase, a_new_proved_group_is_red);
	tcase_add_test(tcase, an_old_proved_group_is_not);
	tcase_add_test(tcase, builds_are_compared_by_loose_signatures);
	tcase_add_test(tcase, tasks_are_followed_by_id_in_one_process);
	tcase_add_test(tcase, parts_of_a_split_group_are_one);
	tcase_add_test(tcase, at_rest_the_number_falls);
	tcase_add_test(tcase, minutes_need_times_in_order);
	tcase_add_test(tcase, two_dumps_are_needed);
	suite_add_tcase(suite, tcase);
	return suite;
}
