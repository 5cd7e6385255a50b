#include "group/task_order.h"

#include <check.h>
#include <stdlib.h>

Suite *task_order_suite(void);

enum { MAX = 5000 };

static struct arena arena;
static struct coreleaks_task tasks[MAX];

static void setup(void)
{
	arena_init(&arena, 0);
}

static void teardown(void)
{
	arena_deinit(&arena);
}

/* Every task once, ascending by id, then by index. */
static void check(uint32_t num)
{
	const struct groups_input input = {.tasks = tasks, .num_tasks = num};
	const struct task_order *order = task_order_build(&arena, &input);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < num; i++) {
		ck_assert_uint_lt(order[i].index, num);
		ck_assert_int_eq(order[i].id, tasks[order[i].index].id);
		sum += order[i].index;
		if (i == 0)
			continue;
		ck_assert_int_le(order[i - 1].id, order[i].id);
		if (order[i - 1].id == order[i].id)
			ck_assert_uint_lt(order[i - 1].index, order[i].index);
	}
	ck_assert_uint_eq(sum, (uint64_t)num * (num - (num > 0)) / 2);
	task_order_drop(&arena, order, num);
}

START_TEST(shapes)
{
	static const int64_t extremes[] = {INT64_MIN, -1, 0, 1, 255, 256, 65536, INT64_MAX};
	check(0);
	tasks[0].id = 7;
	check(1);
	for (uint32_t i = 0; i < MAX; i++)
		tasks[i].id = i;
	check(MAX);
	for (uint32_t i = 0; i < MAX; i++)
		tasks[i].id = MAX - i;
	check(MAX);
	for (uint32_t i = 0; i < MAX; i++)
		tasks[i].id = extremes[i * 5 % (sizeof(extremes) / sizeof(extremes[0]))];
	check(MAX);
	/* Handed out in batches, as the Go runtime does. */
	for (uint32_t i = 0; i < MAX; i++)
		tasks[i].id = (i / 16 ^ 1) * 16 + i % 16;
	check(MAX);
}
END_TEST

START_TEST(random_ids)
{
	uint64_t state = 42;
	for (uint32_t i = 0; i < MAX; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		tasks[i].id = (int64_t)(state >> (_i * 7));
	}
	check(MAX);
}
END_TEST

Suite *task_order_suite(void)
{
	Suite *suite = suite_create("task_order");
	TCase *tests = tcase_create("task_order");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, shapes);
	tcase_add_loop_test(tests, random_ids, 0, 8);
	suite_add_tcase(suite, tests);
	return suite;
}
