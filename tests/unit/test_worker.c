#include "base/worker.h"

#include <check.h>
#include <signal.h>
#include <string.h>

Suite *worker_suite(void);

enum { NUM = 1000 };

static struct arena arena;
static struct worker worker;

static void setup(void)
{
	arena_init(&arena, 0);
	worker = (struct worker){0};
}

static void teardown(void)
{
	worker_deinit(&worker);
	arena_deinit(&arena);
}

struct piece {
	uint32_t *numbers;
	pthread_t thread;
	sigset_t signals;
	size_t size; /* to ask for */
};

static void count(struct arena *own, void *data)
{
	struct piece *piece = data;
	piece->numbers = arena_alloc_array(own, NUM, sizeof(*piece->numbers));
	for (uint32_t i = 0; i < NUM; i++)
		piece->numbers[i] = i;
	piece->thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &piece->signals);
	arena_alloc(own, piece->size);
}

static void check_numbers(const struct piece *piece)
{
	for (uint32_t i = 0; i < NUM; i++)
		ck_assert_uint_eq(piece->numbers[i], i);
}

/* Results live until the worker is released, and the signals are not the thread's. */
START_TEST(in_the_background)
{
	struct piece piece = {0};
	sigset_t before, after;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	worker_start(&worker, &arena, true, count, &piece);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	worker_finish(&worker, &arena);
	check_numbers(&piece);
	for (int i = 1; i < NSIG; i++)
		ck_assert_int_eq(sigismember(&before, i), sigismember(&after, i));
	ck_assert_uint_ge(arena.used_size, NUM * sizeof(uint32_t));
	if (worker_num_processors() < 2)
		return;
	ck_assert(!pthread_equal(piece.thread, pthread_self()));
	ck_assert_int_eq(sigismember(&piece.signals, SIGINT), 1);
	ck_assert_int_eq(sigismember(&piece.signals, SIGBUS), 0);
}
END_TEST

START_TEST(when_it_is_asked_for)
{
	struct piece piece = {0};
	worker_start(&worker, &arena, false, count, &piece);
	ck_assert_ptr_null(piece.numbers);
	worker_finish(&worker, &arena);
	check_numbers(&piece);
	ck_assert(pthread_equal(piece.thread, pthread_self()));
}
END_TEST

/* A limit is for both together, so that nothing is done side by side. */
START_TEST(within_a_limit)
{
	enum { LIMIT = 1 << 22 };
	struct piece piece = {.size = LIMIT / 2};
	jmp_buf trap;
	arena_init(&arena, LIMIT);
	worker_start(&worker, &arena, true, count, &piece);
	ck_assert_ptr_null(piece.numbers);
	arena.trap = &trap;
	ck_assert_int_eq(setjmp(trap), 0);
	worker_finish(&worker, &arena);
	ck_assert(pthread_equal(piece.thread, pthread_self()));
	ck_assert_uint_ge(arena.used_size, LIMIT / 2);
	ck_assert_uint_le(arena.used_size, LIMIT);
}
END_TEST

static void check_trapped(bool background, uint64_t limit, size_t size)
{
	struct piece piece = {.size = size};
	jmp_buf trap;
	arena_init(&arena, limit);
	worker_start(&worker, &arena, background, count, &piece);
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		worker_finish(&worker, &arena);
		ck_abort_msg("it had the memory");
	}
}

START_TEST(too_little_memory)
{
	check_trapped(false, 1 << 20, 1 << 20);
}
END_TEST

START_TEST(too_little_memory_in_the_background)
{
	check_trapped(true, 0, SIZE_MAX / 2 + 1);
}
END_TEST

/* The analysis gave up meanwhile. */
START_TEST(released_while_it_runs)
{
	struct piece piece = {.size = 1 << 24};
	worker_start(&worker, &arena, true, count, &piece);
	worker_deinit(&worker);
	ck_assert_uint_eq(worker.arena.used_size, 0);
	ck_assert(worker_num_processors() < 2 || piece.numbers != NULL);
}
END_TEST

START_TEST(counted_in_the_limit)
{
	jmp_buf trap;
	arena_init(&arena, 1000);
	arena_charge(&arena, 1000);
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		arena_charge(&arena, 1);
		ck_abort_msg("it is more than allowed");
	}
	ck_assert_uint_eq(arena.used_size, 1000);
}
END_TEST

/* It changes nothing, wherever it begins and ends. */
START_TEST(expected_memory)
{
	enum { SIZE = 1 << 20 };
	char *memory = arena_alloc(&arena, SIZE);
	memset(memory, 'x', SIZE);
	arena_expect(memory + 1, SIZE - 2);
	arena_expect(memory + 1, 1);
	arena_expect(memory, 0);
	size_t num_kept = 0;
	for (size_t i = 0; i < SIZE; i++)
		num_kept += memory[i] == 'x';
	ck_assert_uint_eq(num_kept, SIZE);
}
END_TEST

Suite *worker_suite(void)
{
	Suite *suite = suite_create("worker");
	TCase *tests = tcase_create("worker");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, in_the_background);
	tcase_add_test(tests, when_it_is_asked_for);
	tcase_add_test(tests, within_a_limit);
	tcase_add_test(tests, too_little_memory);
	tcase_add_test(tests, too_little_memory_in_the_background);
	tcase_add_test(tests, released_while_it_runs);
	tcase_add_test(tests, counted_in_the_limit);
	tcase_add_test(tests, expected_memory);
	suite_add_tcase(suite, tests);
	return suite;
}
