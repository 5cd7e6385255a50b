#include "proof/resources.h"

#include <check.h>

Suite *resources_suite(void);

enum { NUM = 6 };

static struct arena arena;
static struct coreleaks_task tasks[NUM];
static struct coreleaks_wait waits[NUM];
static const struct coreleaks_wait *wait_of[NUM];
static struct coreleaks_group groups[2];
static uint32_t members[NUM];

/* Goroutines 0 to 2 are one group, 3 and 4 the other; 5 is in none. */
static void setup(void)
{
	arena_init(&arena, 0);
	for (uint32_t i = 0; i < NUM; i++) {
		tasks[i] = (struct coreleaks_task){.kind = CORELEAKS_KIND_GOROUTINE, .id = 10 + i};
		waits[i] = (struct coreleaks_wait){.holder_task = -1};
		wait_of[i] = &waits[i];
		members[i] = i;
	}
	groups[0] = (struct coreleaks_group){.tasks = members, .num_tasks = 3};
	groups[1] = (struct coreleaks_group){.tasks = members + 3, .num_tasks = 2};
}

static void teardown(void)
{
	arena_deinit(&arena);
}

static void add_up(void)
{
	const struct groups_input input = {.tasks = tasks, .waits = wait_of, .num_tasks = NUM};
	resources_add(groups, 2, &arena, &input);
}

START_TEST(nothing)
{
	wait_of[1] = NULL;
	add_up();
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(groups[i].num_fds + groups[i].num_timers + groups[i].num_threads,
				  0);
		ck_assert_uint_eq(
			groups[i].num_locked + groups[i].num_locks + groups[i].num_maybe_locks, 0);
	}
}
END_TEST

/* The same descriptor counts once a group; one of the same number is none of the timers. */
START_TEST(descriptors)
{
	for (uint32_t i = 0; i < NUM; i++) {
		waits[i].object = "fd";
		waits[i].addr = i == 2 ? 8 : 7;
	}
	waits[4].object = "eventfd";
	add_up();
	ck_assert_uint_eq(groups[0].num_fds, 2);
	ck_assert_uint_eq(groups[1].num_fds, 1);
}
END_TEST

/* A select on a ticker and a deadline has two; a channel of both is shared. */
START_TEST(timers)
{
	const struct coreleaks_context contexts[] = {{.addr = 0x10},
						     {.addr = 0x20, .timed = true, .when_ns = 5}};
	const struct coreleaks_go_object ticker = {
		.kind = "timer", .timed = true, .owner_addr = 0x30, .addr = 0x31};
	const struct coreleaks_go_object deadline = {.kind = "context",
						     .timed = true,
						     .when_ns = 5,
						     .addr = 0x41,
						     .owner_addr = 0x10,
						     .contexts = contexts,
						     .num_contexts = 2};
	const struct coreleaks_go_object derived = {.kind = "context",
						    .timed = true,
						    .when_ns = 5,
						    .addr = 0x51,
						    .owner_addr = 0x20,
						    .contexts = contexts + 1,
						    .num_contexts = 1};
	const struct coreleaks_case cases[] = {{.channel = &ticker},
					       {.channel = NULL},
					       {.channel = &deadline},
					       {.channel = &derived}};
	for (uint32_t i = 0; i < 3; i++)
		waits[i].timeout_kind = "remaining";
	waits[0].cases = waits[1].cases = cases;
	waits[0].num_cases = 3;
	waits[1].num_cases = 4;
	/* 2 sleeps; a time limit of a thread is the kernel's. */
	waits[3].timeout_kind = "remaining";
	tasks[3].kind = CORELEAKS_KIND_THREAD;
	add_up();
	ck_assert_uint_eq(groups[0].num_timers, 3);
	ck_assert_uint_eq(groups[1].num_timers, 0);
}
END_TEST

START_TEST(threads)
{
	tasks[0].thread_id = 100;
	tasks[1].thread_id = 101;
	tasks[1].locked_to_thread = true;
	add_up();
	ck_assert_uint_eq(groups[0].num_threads, 2);
	ck_assert_uint_eq(groups[0].num_locked, 1);
}
END_TEST

/* Two wait for a lock of the thread in which goroutine 0 runs: it counts once for each. */
START_TEST(recorded_holder)
{
	tasks[3].kind = CORELEAKS_KIND_THREAD;
	tasks[0].thread_id = tasks[3].id;
	for (uint32_t i = 1; i < 3; i++)
		waits[i] =
			(struct coreleaks_wait){.object = "mutex", .addr = 0x60, .holder_task = 3};
	add_up();
	ck_assert_uint_eq(groups[0].num_locks, 1);
	ck_assert_uint_eq(groups[1].num_locks, 1);
	ck_assert_uint_eq(groups[0].num_maybe_locks + groups[1].num_maybe_locks, 0);
}
END_TEST

/* A lock that is free is nobody's, nor is a channel; who is in no group is not counted. */
START_TEST(candidates)
{
	const struct coreleaks_candidate users[] = {{.task = 3}, {.task = 4}, {.task = 5}};
	struct coreleaks_go_object lock = {.kind = "go-mutex", .known = true, .locked = true};
	struct coreleaks_go_object channel = {.kind = "channel", .known = true, .is_channel = true};
	for (uint32_t i = 0; i < 3; i++)
		waits[i] = (struct coreleaks_wait){.object = "go-mutex",
						   .addr = 0x70 + i,
						   .holder_task = -1,
						   .go = &lock,
						   .candidates = users,
						   .num_candidates = 3};
	waits[1].go = &channel;
	add_up();
	ck_assert_uint_eq(groups[1].num_maybe_locks, 2);
	ck_assert_uint_eq(groups[0].num_maybe_locks, 0);
	lock.locked = false;
	groups[1].num_maybe_locks = 0;
	add_up();
	ck_assert_uint_eq(groups[1].num_maybe_locks, 0);
	ck_assert_uint_eq(groups[1].num_locks, 0);
}
END_TEST

Suite *resources_suite(void)
{
	Suite *suite = suite_create("resources");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing);
	tcase_add_test(tests, descriptors);
	tcase_add_test(tests, timers);
	tcase_add_test(tests, threads);
	tcase_add_test(tests, recorded_holder);
	tcase_add_test(tests, candidates);
	suite_add_tcase(suite, tests);
	return suite;
}
