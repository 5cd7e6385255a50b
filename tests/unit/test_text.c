#include "base/text.h"

#include <check.h>
#include <stdbool.h>
#include <string.h>

Suite *text_suite(void);

static struct arena arena;
static struct text text;

static void setup(void)
{
	arena_init(&arena, 0);
	text_init(&text, &arena);
}

static void teardown(void)
{
	arena_deinit(&arena);
}

START_TEST(starts_empty)
{
	ck_assert_ptr_null(text.bytes);
	ck_assert_uint_eq(text.size, 0);
	text_clear(&text);
	ck_assert_uint_eq(text.size, 0);
}
END_TEST

START_TEST(adds_at_the_end)
{
	text_add(&text, "ab");
	text_add(&text, "");
	text_add_bytes(&text, "c\0d", 3);
	text_addf(&text, "-%d%s", 12, "!");
	ck_assert_uint_eq(text.size, 9);
	ck_assert_mem_eq(text.bytes, "abc\0d-12!", 10);
}
END_TEST

START_TEST(empty_additions_leave_a_string)
{
	text_add(&text, "");
	ck_assert_str_eq(text.bytes, "");
	text_add_bytes(&text, NULL, 0);
	text_addf(&text, "%s", "");
	ck_assert_uint_eq(text.size, 0);
	ck_assert_str_eq(text.bytes, "");
}
END_TEST

START_TEST(clear_keeps_the_memory)
{
	text_add(&text, "something");
	char *bytes = text.bytes;
	text_clear(&text);
	ck_assert_uint_eq(text.size, 0);
	ck_assert_str_eq(text.bytes, "");
	text_add(&text, "new");
	ck_assert_ptr_eq(text.bytes, bytes);
	ck_assert_str_eq(text.bytes, "new");
}
END_TEST

/* Every length around a doubling must keep room for the NUL. */
START_TEST(grows_by_single_bytes)
{
	enum { NUM = 70000 };
	for (int i = 0; i < NUM; i++) {
		text_add_bytes(&text, &(char){(char)('a' + i % 26)}, 1);
		ck_assert_int_eq(text.bytes[text.size], 0);
		ck_assert_uint_lt(text.size, text.capacity);
	}
	ck_assert_uint_eq(strlen(text.bytes), NUM);
	bool right = true;
	for (int i = 0; i < NUM; i++)
		right = right && text.bytes[i] == 'a' + i % 26;
	ck_assert(right);
}
END_TEST

START_TEST(long_formats)
{
	text_add(&text, "x");
	text_addf(&text, "%0*d", 1000000, 5);
	ck_assert_uint_eq(text.size, 1000001);
	ck_assert_int_eq(text.bytes[1000000], '5');
	ck_assert_int_eq(text.bytes[1000001], 0);
	text_clear(&text);
	/* Exactly the capacity: the NUL needs one more. */
	size_t capacity = text.capacity;
	text_addf(&text, "%0*d", (int)capacity, 7);
	ck_assert_uint_eq(strlen(text.bytes), capacity);
}
END_TEST

Suite *text_suite(void)
{
	Suite *suite = suite_create("text");
	TCase *tests = tcase_create("text");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, starts_empty);
	tcase_add_test(tests, adds_at_the_end);
	tcase_add_test(tests, empty_additions_leave_a_string);
	tcase_add_test(tests, clear_keeps_the_memory);
	tcase_add_test(tests, grows_by_single_bytes);
	tcase_add_test(tests, long_formats);
	suite_add_tcase(suite, tests);
	return suite;
}
