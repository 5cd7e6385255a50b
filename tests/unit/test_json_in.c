#include "compare/json_in.h"

#include <check.h>
#include <string.h>

Suite *json_in_suite(void);

static struct arena arena;
static const char *problem;

static void setup(void)
{
	arena_init(&arena, 0);
}

static void teardown(void)
{
	arena_deinit(&arena);
}

static const struct json *read(const char *text)
{
	return json_in_read(&arena, text, strlen(text), &problem);
}

START_TEST(values_and_nesting)
{
	const struct json *json = read(" {\"a\": [1, -2, 3.5, true, null], \"b\": {\"c\": \"x\"},"
				       "\"a\": 7}\n");
	ck_assert_ptr_nonnull(json);
	const struct json *at = json_first(json, "a");
	ck_assert_uint_eq(json_get(json, "a")->num, 5);
	ck_assert_int_eq(at->number, 1);
	ck_assert_int_eq(at->next->number, -2);
	ck_assert_int_eq(at->next->next->number, 3);
	ck_assert(at->next->next->next->boolean);
	ck_assert_int_eq(at->next->next->next->next->type, JSON_NULL);
	ck_assert_str_eq(json_text(json_get(json, "b"), "c"), "x");
	ck_assert_ptr_null(json_text(json, "b"));
	ck_assert_int_eq(json_int(json, "missing", 5), 5);
	ck_assert_uint_eq(json_count(json_get(json, "b"), "c"), 0);
	ck_assert_ptr_null(json_first(NULL, "a"));
}
END_TEST

static const struct {
	const char *in, *out;
} texts[] = {
	{"\"a\\n\\t\\\"\\\\\\/\"", "a\n\t\"\\/"},
	{"\"\\u00e4\\u20ac\\ud83d\\ude00\"", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	{"\"\\ud83d\"", "\xef\xbf\xbd"},
	{"\"\\ude00\"", "\xef\xbf\xbd"},
	{"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"},
	/* A NUL would end the text. */
	{"\"a\\u0000b\"", "a\xef\xbf\xbd"
			  "b"},
	{"\"\"", ""},
};

START_TEST(texts_are_unescaped)
{
	const struct json *json = read(texts[_i].in);
	ck_assert_msg(json != NULL, "%s: %s", texts[_i].in, problem);
	ck_assert_str_eq(json->text, texts[_i].out);
}
END_TEST

static const char *const bad[] = {
	"",	 " ",	 "{",	      "[1,",	    "[1 2]",	"{\"a\"}", "{\"a\":}",	"{1:2}",
	"\"a",	 "\"\\", "\"\\u12\"", "\"\\x\"",    "\"a\nb\"", "nul",	   "truefalse", "[1]]",
	"{} {}", "-",	 "+",	      "{\"a\":1,}", "[,]",	"'a'",
};

START_TEST(what_is_no_json_is_refused)
{
	problem = NULL;
	ck_assert_msg(read(bad[_i]) == NULL, "%s", bad[_i]);
	ck_assert_ptr_nonnull(problem);
}
END_TEST

START_TEST(depth_is_limited)
{
	char deep[1000];
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	ck_assert_ptr_null(read(deep));
	ck_assert_ptr_nonnull(strstr(problem, "too deep"));
}
END_TEST

/* Every cut of a good text, in memory that ends where the text does: ASan sees a byte too many. */
START_TEST(cut_texts_are_refused)
{
	static const char text[] =
		"{\"a\":[1,\"x\\u00e4\\ud83d\\ude00\",{\"b\":null}],\"c\":-1.5e3}";
	for (size_t size = 0; size < sizeof(text) - 1; size++) {
		char *copy = arena_copy_bytes(&arena, text, size);
		ck_assert_msg(json_in_read(&arena, copy, size, &problem) == NULL, "%zu", size);
	}
	ck_assert_ptr_nonnull(read(text));
}
END_TEST

START_TEST(a_nul_is_no_space)
{
	ck_assert_ptr_null(json_in_read(&arena, "1\0", 2, &problem));
	ck_assert_ptr_null(json_in_read(&arena, "\0", 1, &problem));
}
END_TEST

Suite *json_in_suite(void)
{
	Suite *suite = suite_create("json_in");
	TCase *tcase = tcase_create("json_in");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, values_and_nesting);
	tcase_add_loop_test(tcase, texts_are_unescaped, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_loop_test(tcase, what_is_no_json_is_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, depth_is_limited);
	tcase_add_test(tcase, cut_texts_are_refused);
	tcase_add_test(tcase, a_nul_is_no_space);
	suite_add_tcase(suite, tcase);
	return suite;
}
