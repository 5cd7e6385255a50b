#include "base/gaps.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *gaps_suite(void);

static struct arena arena;
static struct gaps gaps;

static void setup(void)
{
	arena_init(&arena, 0);
	gaps_init(&gaps, &arena);
}

static void teardown(void)
{
	arena_deinit(&arena);
}

START_TEST(equal_ones_are_counted)
{
	for (int i = 0; i < 1000; i++) {
		gaps_add(&gaps, "a", false, "page %d", 1);
		gaps_add(&gaps, "a", false, "page %d", i % 2 + 1);
		gaps_add(&gaps, "b", false, "page 1");
	}
	ck_assert_uint_eq(gaps.list.num, 3);
	ck_assert_str_eq(gaps.list.items[0].kind, "a");
	ck_assert_str_eq(gaps.list.items[0].detail, "page 1");
	ck_assert_uint_eq(gaps.list.items[0].count, 1500);
	ck_assert_str_eq(gaps.list.items[1].kind, "b");
	ck_assert_uint_eq(gaps.list.items[1].count, 1000);
	ck_assert_str_eq(gaps.list.items[2].detail, "page 2");
	ck_assert_uint_eq(gaps.list.items[2].count, 500);
}
END_TEST

START_TEST(incomplete_when_any_is)
{
	ck_assert(!gaps_incomplete(&gaps));
	gaps_add(&gaps, "a", false, "x");
	ck_assert(!gaps_incomplete(&gaps));
	gaps_add(&gaps, "b", true, "x");
	gaps_add(&gaps, "c", false, "x");
	ck_assert(gaps_incomplete(&gaps));
	ck_assert(!gaps.list.items[0].incomplete);
	ck_assert(gaps.list.items[1].incomplete);
}
END_TEST

START_TEST(incomplete_sticks_to_a_counted_gap)
{
	gaps_add(&gaps, "a", false, "x");
	gaps_add(&gaps, "a", true, "x");
	gaps_add(&gaps, "a", false, "x");
	ck_assert_uint_eq(gaps.list.num, 1);
	ck_assert(gaps.list.items[0].incomplete);
	ck_assert_uint_eq(gaps.list.items[0].count, 3);
}
END_TEST

START_TEST(another_list_is_added_in_its_order)
{
	struct gaps others;
	gaps_init(&others, &arena);
	gaps_add(&gaps, "a", false, "x");
	gaps_add(&others, "b", true, "y");
	gaps_add(&others, "a", true, "x");
	gaps_add(&others, "a", true, "x");
	gaps_add_all(&gaps, &others);
	ck_assert_uint_eq(gaps.list.num, 2);
	ck_assert_uint_eq(gaps.list.items[0].count, 3);
	ck_assert(gaps.list.items[0].incomplete);
	ck_assert_str_eq(gaps.list.items[1].kind, "b");
	ck_assert_str_eq(gaps.list.items[1].detail, "y");
	ck_assert_uint_eq(gaps.list.items[1].count, 1);
}
END_TEST

START_TEST(huge_details_are_bounded)
{
	size_t size = 1 << 20;
	char *name = malloc(size + 1);
	memset(name, 'n', size);
	name[size] = '\0';
	for (int i = 0; i < 100; i++)
		gaps_add(&gaps, "a", false, "%s", name);
	ck_assert_uint_eq(gaps.list.num, 1);
	ck_assert_uint_eq(gaps.list.items[0].count, 100);
	ck_assert_uint_le(strlen(gaps.list.items[0].detail), 65536);
	free(name);
}
END_TEST

Suite *gaps_suite(void)
{
	Suite *suite = suite_create("gaps");
	TCase *tests = tcase_create("gaps");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, equal_ones_are_counted);
	tcase_add_test(tests, incomplete_when_any_is);
	tcase_add_test(tests, incomplete_sticks_to_a_counted_gap);
	tcase_add_test(tests, another_list_is_added_in_its_order);
	tcase_add_test(tests, huge_details_are_bounded);
	suite_add_tcase(suite, tests);
	return suite;
}
