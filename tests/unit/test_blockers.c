#include "proof/blockers.h"

#include <check.h>

Suite *blockers_suite(void);

enum { NUM = 12, MANY = 100000 };

static struct arena arena;
static struct tasks tasks;
static struct wait_graph graph;
static struct blockers blockers;

static void add_tasks(uint32_t num)
{
	graph.edges = arena_alloc_array(&arena, num, sizeof(*graph.edges));
	for (uint32_t i = 0; i < num; i++) {
		array_add(&arena, &tasks.list)->id = 100 + i;
		graph.edges[i] = (struct wait_edge){.to = -1, .blocked_by = -1};
	}
}

static void setup(void)
{
	arena_init(&arena, 0);
	tasks = (struct tasks){0};
	graph = (struct wait_graph){.has_edges = true};
}

static void teardown(void)
{
	arena_deinit(&arena);
}

/* A wait that only the other task can end. */
static void wait_for(uint32_t task, uint32_t other)
{
	graph.edges[task].to = graph.edges[task].blocked_by = (int32_t)other;
}

/* One that a time limit may end, too. */
static void wait_a_while(uint32_t task, uint32_t other)
{
	graph.edges[task].to = -1;
	graph.edges[task].blocked_by = (int32_t)other;
}

static uint32_t *copy(const uint32_t *items, uint32_t num)
{
	return (uint32_t *)(void *)arena_copy_bytes(&arena, items, num * sizeof(*items));
}

static void add_root(const uint32_t *members, uint32_t num, const uint32_t *behind,
		     uint32_t num_behind)
{
	*array_add(&arena, &graph.roots) = (struct wait_root){
		.tasks = copy(members, num),
		.num_tasks = num,
		.behind = copy(behind, num_behind),
		.num_behind = num_behind,
	};
}

static void build(uint32_t num_blockers)
{
	blockers_build(&blockers, &arena, &graph, &tasks);
	ck_assert_uint_eq(blockers.num, num_blockers);
}

static void expect_tasks(const uint32_t *found, uint32_t num_found, const uint32_t *wanted,
			 uint32_t num_wanted)
{
	ck_assert_uint_eq(num_found, num_wanted);
	for (uint32_t i = 0; i < num_found; i++)
		ck_assert_uint_eq(found[i], wanted[i]);
}

#define TASKS(...) (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static void expect_direct(uint32_t index, const uint32_t *wanted, uint32_t num)
{
	expect_tasks(blockers.items[index].direct, blockers.items[index].num_direct, wanted, num);
}

static void expect_blocked(uint32_t index, uint32_t task, const uint32_t *wanted, uint32_t num)
{
	ck_assert_uint_eq(blockers.items[index].task, task);
	expect_tasks(blockers.items[index].blocked, blockers.items[index].num_blocked, wanted, num);
}

START_TEST(nobody_waits)
{
	build(0);
	add_tasks(NUM);
	build(0);
}
END_TEST

START_TEST(chains_end_at_one_task)
{
	add_tasks(NUM);
	wait_for(1, 0);
	wait_for(2, 1);
	wait_for(3, 2);
	wait_for(4, 2);
	wait_for(5, 0);
	build(1);
	expect_blocked(0, 0, TASKS(1, 2, 3, 4, 5));
	expect_direct(0, TASKS(1, 5));
}
END_TEST

/* The one in the middle may give up; those behind it wait for the same end all the while. */
START_TEST(time_limits_are_seen_through)
{
	add_tasks(NUM);
	wait_a_while(1, 0);
	for (uint32_t i = 2; i < 6; i++)
		wait_for(i, 1);
	wait_a_while(6, 5);
	build(1);
	expect_blocked(0, 0, TASKS(1, 2, 3, 4, 5, 6));
	expect_direct(0, TASKS(1));
}
END_TEST

START_TEST(most_blocked_first)
{
	add_tasks(NUM);
	wait_for(11, 0);
	wait_for(10, 1);
	wait_for(9, 1);
	wait_for(8, 2);
	wait_for(7, 3);
	wait_for(6, 7);
	build(4);
	expect_blocked(0, 1, TASKS(9, 10));
	expect_blocked(1, 3, TASKS(6, 7));
	expect_blocked(2, 0, TASKS(11));
	expect_blocked(3, 2, TASKS(8));
	expect_direct(1, TASKS(7));
}
END_TEST

/* Of the stuck there are findings. Who only waits for them for a while is where a chain ends. */
START_TEST(the_stuck_are_left_out)
{
	add_tasks(NUM);
	wait_for(0, 1);
	wait_for(1, 0);
	wait_for(2, 0);
	add_root(TASKS(0, 1), TASKS(2));
	wait_a_while(3, 2);
	build(0);
	wait_for(4, 3);
	wait_for(5, 4);
	wait_for(7, 6);
	build(2);
	expect_blocked(0, 3, TASKS(4, 5));
	expect_direct(0, TASKS(4));
	expect_blocked(1, 6, TASKS(7));
}
END_TEST

START_TEST(all_roots_are_left_out)
{
	add_tasks(NUM);
	wait_for(0, 0);
	add_root(TASKS(0), TASKS(4));
	wait_for(4, 0);
	add_root(TASKS(1, 2), TASKS(5));
	wait_for(5, 1);
	wait_for(6, 3);
	build(1);
	expect_blocked(0, 3, TASKS(6));
}
END_TEST

/* The member that has a time limit is the one that will open the circle. */
START_TEST(a_circle_ends_where_it_may_open)
{
	add_tasks(NUM);
	wait_for(0, 1);
	wait_for(1, 2);
	wait_a_while(2, 3);
	wait_for(3, 0);
	wait_for(4, 0);
	build(1);
	expect_blocked(0, 2, TASKS(0, 1, 3, 4));
	expect_direct(0, TASKS(1));
	/* Of several it is always the same. */
	wait_a_while(3, 0);
	wait_a_while(1, 2);
	build(1);
	expect_blocked(0, 1, TASKS(0, 2, 3, 4));
	expect_direct(0, TASKS(0));
}
END_TEST

START_TEST(nobody_blocks_itself)
{
	add_tasks(NUM);
	wait_a_while(0, 0);
	build(0);
	wait_for(1, 0);
	build(1);
	expect_blocked(0, 0, TASKS(1));
}
END_TEST

START_TEST(order_is_by_id)
{
	add_tasks(6);
	for (uint32_t i = 0; i < 6; i++)
		tasks.list.items[i].id = 1000 - i;
	wait_for(0, 5);
	wait_for(1, 5);
	wait_for(2, 4);
	wait_for(3, 4);
	build(2);
	expect_blocked(0, 5, TASKS(1, 0));
	expect_direct(0, TASKS(1, 0));
	expect_blocked(1, 4, TASKS(3, 2));
	wait_a_while(4, 5);
	wait_a_while(5, 4);
	build(1);
	expect_blocked(0, 5, TASKS(4, 3, 2, 1, 0));
	expect_direct(0, TASKS(4, 1, 0));
	/* A damaged core gives two threads one id. */
	for (uint32_t i = 0; i < 6; i++)
		tasks.list.items[i].id = 7;
	build(1);
	expect_blocked(0, 4, TASKS(0, 1, 2, 3, 5));
}
END_TEST

START_TEST(many_in_a_row)
{
	add_tasks(MANY);
	for (int backwards = 0; backwards < 2; backwards++) {
		for (uint32_t i = 0; i < MANY; i++)
			wait_a_while(i, (i + (backwards ? 1 : MANY - 1)) % MANY);
		graph.edges[backwards ? MANY - 1 : 0].blocked_by = -1;
		build(1);
		ck_assert_uint_eq(blockers.items[0].task, backwards ? MANY - 1 : 0);
		ck_assert_uint_eq(blockers.items[0].num_blocked, MANY - 1);
		ck_assert_uint_eq(blockers.items[0].num_direct, 1);
	}
}
END_TEST

START_TEST(many_circles)
{
	add_tasks(MANY);
	for (uint32_t i = 0; i < MANY; i += 4) {
		wait_for(i, i + 1);
		wait_a_while(i + 1, i);
		wait_for(i + 2, i);
	}
	build(MANY / 4);
	for (uint32_t i = 0; i < MANY / 4; i++)
		expect_blocked(i, 4 * i + 1, TASKS(4 * i, 4 * i + 2));
}
END_TEST

Suite *blockers_suite(void)
{
	Suite *suite = suite_create("blockers");
	TCase *tests = tcase_create("blockers");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 10); /* far below what quadratic time would take */
	tcase_add_test(tests, nobody_waits);
	tcase_add_test(tests, chains_end_at_one_task);
	tcase_add_test(tests, time_limits_are_seen_through);
	tcase_add_test(tests, most_blocked_first);
	tcase_add_test(tests, the_stuck_are_left_out);
	tcase_add_test(tests, all_roots_are_left_out);
	tcase_add_test(tests, a_circle_ends_where_it_may_open);
	tcase_add_test(tests, nobody_blocks_itself);
	tcase_add_test(tests, order_is_by_id);
	tcase_add_test(tests, many_in_a_row);
	tcase_add_test(tests, many_circles);
	suite_add_tcase(suite, tests);
	return suite;
}
