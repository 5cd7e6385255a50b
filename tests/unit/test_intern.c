#include "base/intern.h"

#include <check.h>
#include <string.h>

Suite *intern_suite(void);

static struct arena arena;
static struct intern intern;

static void setup(void)
{
	arena_init(&arena, 0);
	intern_init(&intern, &arena);
}

static void teardown(void)
{
	arena_deinit(&arena);
}

START_TEST(ids_count_up_in_order_of_arrival)
{
	bool is_new = false;
	ck_assert_uint_eq(intern_add(&intern, "b", 1, &is_new), 0);
	ck_assert(is_new);
	ck_assert_uint_eq(intern_add(&intern, "a", 1, &is_new), 1);
	ck_assert(is_new);
	ck_assert_uint_eq(intern_add(&intern, "b", 1, &is_new), 0);
	ck_assert(!is_new);
	ck_assert_uint_eq(intern_add(&intern, "a", 1, NULL), 1);
	ck_assert_uint_eq(intern.keys.num, 2);
}
END_TEST

START_TEST(size_and_every_byte_count)
{
	uint32_t empty = intern_add(&intern, "", 0, NULL);
	uint32_t zero = intern_add(&intern, "\0", 1, NULL);
	uint32_t two = intern_add(&intern, "\0\0", 2, NULL);
	uint32_t other = intern_add(&intern, "\0x", 2, NULL);
	ck_assert_uint_eq(empty, 0);
	ck_assert_uint_eq(zero, 1);
	ck_assert_uint_eq(two, 2);
	ck_assert_uint_eq(other, 3);
	ck_assert_uint_eq(intern_find(&intern, NULL, 0), empty);
}
END_TEST

START_TEST(find_never_adds)
{
	ck_assert_uint_eq(intern_find(&intern, "x", 1), UINT32_MAX);
	ck_assert_uint_eq(intern_find(&intern, "", 0), UINT32_MAX);
	intern_add(&intern, "y", 1, NULL);
	ck_assert_uint_eq(intern_find(&intern, "x", 1), UINT32_MAX);
	ck_assert_uint_eq(intern_find(&intern, "y", 1), 0);
	ck_assert_uint_eq(intern.keys.num, 1);
}
END_TEST

START_TEST(bytes_are_copied)
{
	char text[] = "text";
	uint32_t id = intern_add_text(&intern, text);
	memset(text, 'x', 4);
	ck_assert_str_eq(intern_text(&intern, id), "text");
	ck_assert_uint_eq(intern_add_text(&intern, "text"), id);
	ck_assert_uint_ne(intern_add_text(&intern, text), id);
}
END_TEST

START_TEST(one_pointer_per_text)
{
	char text[] = "same";
	const char *first = intern_copy(&intern, text);
	ck_assert_ptr_ne(first, text);
	ck_assert_ptr_eq(intern_copy(&intern, "same"), first);
	ck_assert_ptr_ne(intern_copy(&intern, "other"), first);
	ck_assert_str_eq(first, "same");
}
END_TEST

START_TEST(many_keys)
{
	enum { NUM = 50000 };
	const char *early = intern_copy(&intern, "early");
	for (uint32_t i = 0; i < NUM; i++)
		ck_assert_uint_eq(intern_add(&intern, &i, sizeof(i), NULL), i + 1);
	for (uint32_t i = 0; i < NUM; i++) {
		ck_assert_uint_eq(intern_find(&intern, &i, sizeof(i)), i + 1);
		ck_assert_mem_eq(intern.keys.items[i + 1].bytes, &i, sizeof(i));
	}
	uint32_t absent = NUM;
	ck_assert_uint_eq(intern_find(&intern, &absent, sizeof(absent)), UINT32_MAX);
	ck_assert_ptr_eq(intern_copy(&intern, "early"), early);
}
END_TEST

/* Signatures in users' baselines hang on these: published values of XXH3 with seed 0. */
START_TEST(hash_is_the_same_everywhere)
{
	ck_assert_uint_eq(intern_hash("", 0), 0x2d06800538d394c2u);
	uint64_t once = intern_hash("coreleaks", 9);
	char moved[] = "xcoreleaks";
	ck_assert_uint_eq(intern_hash(moved + 1, 9), once);
	ck_assert_uint_ne(intern_hash("coreleakt", 9), once);
}
END_TEST

Suite *intern_suite(void)
{
	Suite *suite = suite_create("intern");
	TCase *tests = tcase_create("intern");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, ids_count_up_in_order_of_arrival);
	tcase_add_test(tests, size_and_every_byte_count);
	tcase_add_test(tests, find_never_adds);
	tcase_add_test(tests, bytes_are_copied);
	tcase_add_test(tests, one_pointer_per_text);
	tcase_add_test(tests, many_keys);
	tcase_add_test(tests, hash_is_the_same_everywhere);
	suite_add_tcase(suite, tests);
	return suite;
}
