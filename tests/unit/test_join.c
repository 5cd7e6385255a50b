/* Documents of many dumps, joined from what each one wrote. */
#include "coreleaks.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *join_suite(void);

enum { MAX_PARTS = 8, MAX_OUT = 3 << 20 };

static struct coreleaks_part parts[MAX_PARTS];
static uint32_t num_parts;
static char *out;
static size_t out_size;

static void setup(void)
{
	num_parts = 0;
	out_size = 0;
	out = calloc(1, MAX_OUT);
	ck_assert_ptr_nonnull(out);
}

static void teardown(void)
{
	free(out);
}

static bool take(void *data, const char *bytes, size_t size)
{
	ck_assert_ptr_eq(data, &num_parts);
	ck_assert_uint_lt(out_size + size, MAX_OUT);
	memcpy(out + out_size, bytes, size);
	out_size += size;
	return true;
}

static bool refuse(void *data, const char *bytes, size_t size)
{
	(void)data;
	(void)bytes;
	(void)size;
	return false;
}

static void add(const char *bytes)
{
	parts[num_parts++] =
		(struct coreleaks_part){.name = "core", .bytes = bytes, .size = strlen(bytes)};
}

static void add_failure(const char *name, const char *why)
{
	parts[num_parts++] = (struct coreleaks_part){.name = name, .failure = why};
}

static void join(enum coreleaks_format format)
{
	out_size = 0;
	memset(out, 0, MAX_OUT);
	ck_assert_ptr_null(coreleaks_join(format, parts, num_parts, take, &num_parts));
}

#define NOTE(text) "::error title=coreleaks%3A rule::" text "\n"
#define NINE                                                                                       \
	NOTE("1") NOTE("2") NOTE("3") NOTE("4") NOTE("5") NOTE("6") NOTE("7") NOTE("8") NOTE("9")

/* GitHub shows ten of a level: the tenth is a note, or says how many there would be. */
START_TEST(ten_notes)
{
	add(NINE);
	add(NOTE("10") "::warning title=coreleaks%3A rule::w\n");
	join(CORELEAKS_FORMAT_GITHUB);
	ck_assert_str_eq(out, NINE "::warning title=coreleaks%3A rule::w\n" NOTE("10"));
}
END_TEST

START_TEST(more_notes)
{
	add(NINE);
	add(NOTE("10") NOTE("11"));
	join(CORELEAKS_FORMAT_GITHUB);
	ck_assert_str_eq(out, NINE "::error title=coreleaks::2 more like these\n");
}
END_TEST

/* What a part itself left out counts: 9 and 5, then 2. */
START_TEST(notes_that_parts_left_out)
{
	add(NINE "::error title=coreleaks::5 more like these\n");
	add(NOTE("a") NOTE("b"));
	join(CORELEAKS_FORMAT_GITHUB);
	ck_assert_str_eq(out, NINE "::error title=coreleaks::7 more like these\n");
	num_parts = 0;
	add(NINE "::error title=coreleaks::12,345 more like these\n");
	join(CORELEAKS_FORMAT_GITHUB);
	ck_assert_str_eq(out, NINE "::error title=coreleaks::12345 more like these\n");
}
END_TEST

/* A dump may have any name; that it failed is told all the same. */
START_TEST(names_like_our_words)
{
	add_failure("7 more like these", "no core");
	add_failure("core.5 more like these", "no core");
	add_failure("a\nb%c", "1\r2");
	join(CORELEAKS_FORMAT_GITHUB);
	ck_assert_str_eq(out, "::error title=coreleaks::7 more like these: no core\n"
			      "::error title=coreleaks::core.5 more like these: no core\n"
			      "::error title=coreleaks::a\\x0ab\\x25c: 1\\x0d2\n");
}
END_TEST

/* GitHub takes 1 MiB: what is left out is counted. */
START_TEST(long_summaries)
{
	enum { SIZE = 600 << 10 };
	char *large = malloc(SIZE + 1);
	ck_assert_ptr_nonnull(large);
	memset(large, 'x', SIZE);
	large[SIZE] = '\0';
	add(large);
	add(large);
	add("small\n");
	join(CORELEAKS_FORMAT_MARKDOWN);
	ck_assert_uint_lt(out_size, 1 << 20);
	ck_assert_ptr_nonnull(strstr(out, "xsmall\n\n1 more dump\n"));
	add(large);
	join(CORELEAKS_FORMAT_MARKDOWN);
	ck_assert_ptr_nonnull(strstr(out, "xsmall\n\n2 more dumps\n"));
	free(large);
}
END_TEST

START_TEST(failures)
{
	add_failure("c<1>", "no & core");
	join(CORELEAKS_FORMAT_MARKDOWN);
	ck_assert_ptr_nonnull(strstr(out, "### ERROR: c"));
	ck_assert_ptr_null(strstr(out, "<1>"));
	join(CORELEAKS_FORMAT_JUNIT);
	ck_assert_ptr_nonnull(strstr(out, "<testsuite name=\"c&#60;1&#62;\""));
	ck_assert_ptr_nonnull(strstr(out, ">no &#38; core</error>"));
	join(CORELEAKS_FORMAT_NDJSON);
	ck_assert_ptr_nonnull(strstr(out, "\"no & core\""));
}
END_TEST

START_TEST(errors)
{
	ck_assert(coreleaks_format_joins(CORELEAKS_FORMAT_GITHUB));
	ck_assert(!coreleaks_format_joins(CORELEAKS_FORMAT_TEXT));
	struct coreleaks_error *error =
		coreleaks_join(CORELEAKS_FORMAT_TEXT, parts, 0, take, &num_parts);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_USAGE);
	coreleaks_error_free(error);
	add(NINE);
	error = coreleaks_join(CORELEAKS_FORMAT_GITHUB, parts, num_parts, refuse, NULL);
	ck_assert_ptr_nonnull(error);
	ck_assert_str_eq(error->message, "the report could not be written");
	coreleaks_error_free(error);
}
END_TEST

Suite *join_suite(void)
{
	Suite *suite = suite_create("join");
	TCase *tests = tcase_create("join");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, ten_notes);
	tcase_add_test(tests, more_notes);
	tcase_add_test(tests, notes_that_parts_left_out);
	tcase_add_test(tests, names_like_our_words);
	tcase_add_test(tests, long_summaries);
	tcase_add_test(tests, failures);
	tcase_add_test(tests, errors);
	suite_add_tcase(suite, tests);
	return suite;
}
