#include "base/work_pool.h"

#include <check.h>
#include <string.h>

Suite *work_pool_suite(void);

/* A tree of numbers: n leads to 2 n + 1 and 2 n + 2. Only the first thread begins with one. */
enum { NUM = 200000, MAX_OWN = NUM, MIN_SHARED = 8 };

static struct arena arena;

static void setup(void)
{
	arena_init(&arena, 0);
}

static void teardown(void)
{
	arena_deinit(&arena);
}

struct walk {
	atomic_uchar *times; /* that each number was come to */
	atomic_uint num_given, num_calls;
	unsigned indexes; /* a bit each, under the lock */
	uint64_t stop_at; /* UINT64_MAX never */
	size_t size;	  /* to ask for at that one, rather than to stop */
	bool lists;	  /* n leads to n + 1 alone: nobody can help */
};

static void give_half(struct work_pool *pool, struct walk *walk, uint64_t *own, uint32_t *num)
{
	uint32_t half = *num / 2;
	if (half > WORK_POOL_MAX_PIECES)
		half = WORK_POOL_MAX_PIECES;
	if (!work_pool_give(pool, own, half))
		return;
	atomic_fetch_add(&walk->num_given, half);
	*num -= half;
	memmove(own, own + half, *num * sizeof(*own));
}

/* False: stop. */
static bool come_to(struct walk *walk, struct arena *own, uint64_t number)
{
	atomic_fetch_add(&walk->times[number], 1);
	if (number != walk->stop_at)
		return true;
	if (walk->size != 0)
		arena_alloc(own, walk->size);
	return false;
}

static void follow(struct work_pool *pool, struct arena *arena_own, void *data, unsigned index)
{
	struct walk *walk = data;
	uint64_t *own = arena_alloc_array(arena_own, MAX_OWN, sizeof(*own));
	uint32_t num = index == 0, taken = 0;
	pthread_mutex_lock(&pool->lock);
	walk->indexes |= 1u << index;
	pthread_mutex_unlock(&pool->lock);
	atomic_fetch_add(&walk->num_calls, 1);
	do {
		num += taken;
		while (num > 0) {
			uint64_t number = own[--num];
			if (!come_to(walk, arena_own, number))
				return;
			uint64_t first = walk->lists ? number + 1 : 2 * number + 1;
			for (uint64_t i = first; i < first + (walk->lists ? 1 : 2) && i < NUM; i++)
				own[num++] = i;
			if (num >= MIN_SHARED && work_pool_is_hungry(pool))
				give_half(pool, walk, own, &num);
		}
	} while (work_pool_take(pool, own, &taken));
}

static struct walk make_walk(void)
{
	return (struct walk){
		.times = arena_alloc_array(&arena, NUM, sizeof(atomic_uchar)),
		.stop_at = UINT64_MAX,
	};
}

static void check_all_once(const struct walk *walk)
{
	for (uint32_t i = 0; i < NUM; i++)
		ck_assert_uint_eq(walk->times[i], 1);
}

START_TEST(each_piece_once)
{
	unsigned num_threads = (unsigned)_i + 1;
	struct walk walk = make_walk();
	work_pool_run(&arena, num_threads, follow, &walk);
	check_all_once(&walk);
	unsigned most = num_threads < WORK_POOL_MAX_THREADS ? num_threads : WORK_POOL_MAX_THREADS;
	/* On one processor there are no others. */
	if (worker_num_processors() < 2)
		most = 1;
	ck_assert_uint_eq(walk.num_calls, most);
	ck_assert_uint_eq(walk.indexes, (1u << most) - 1);
	if (most == 1)
		ck_assert_uint_eq(walk.num_given, 0);
}
END_TEST

START_TEST(nobody_can_help)
{
	struct walk walk = make_walk();
	walk.lists = true;
	work_pool_run(&arena, 3, follow, &walk);
	check_all_once(&walk);
	ck_assert_uint_eq(walk.num_given, 0);
}
END_TEST

/* Also once the others wait for more. */
START_TEST(one_stops)
{
	struct walk walk = make_walk();
	walk.stop_at = (uint64_t[]){0, 1, 1000, NUM - 1}[_i];
	work_pool_run(&arena, 4, follow, &walk);
	ck_assert_uint_eq(walk.times[walk.stop_at], 1);
	for (uint32_t i = 0; i < NUM; i++)
		ck_assert_uint_le(walk.times[i], 1);
}
END_TEST

START_TEST(memory_runs_out_in_one)
{
	struct walk walk = make_walk();
	jmp_buf trap;
	walk.stop_at = (uint64_t[]){0, 5, NUM - 1}[_i];
	walk.size = SIZE_MAX / 2 + 1;
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		work_pool_run(&arena, 4, follow, &walk);
		ck_abort_msg("it had the memory");
	}
	ck_assert_uint_eq(walk.times[walk.stop_at], 1);
}
END_TEST

/* It is for all together. */
START_TEST(alone_within_a_limit)
{
	enum { LIMIT = 64 << 20 };
	arena_init(&arena, LIMIT);
	struct walk walk = make_walk();
	ck_assert_uint_eq(work_pool_num_threads(&arena), 1);
	work_pool_run(&arena, 4, follow, &walk);
	check_all_once(&walk);
	ck_assert_uint_eq(walk.num_calls, 1);
}
END_TEST

START_TEST(too_little_within_a_limit)
{
	enum { LIMIT = NUM + MAX_OWN * 4 };
	jmp_buf trap;
	arena_init(&arena, LIMIT);
	struct walk walk = make_walk();
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		work_pool_run(&arena, 1, follow, &walk);
		ck_abort_msg("it had the memory");
	}
	ck_assert_uint_eq(walk.times[0], 0);
}
END_TEST

START_TEST(as_many_as_processors)
{
	unsigned num = work_pool_num_threads(&arena);
	ck_assert_uint_ge(num, 1);
	ck_assert_uint_le(num, WORK_POOL_MAX_THREADS);
	ck_assert_uint_le(num, worker_num_processors());
}
END_TEST

Suite *work_pool_suite(void)
{
	Suite *suite = suite_create("work_pool");
	TCase *tcase = tcase_create("work_pool");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_piece_once, 0, WORK_POOL_MAX_THREADS + 2);
	tcase_add_test(tcase, nobody_can_help);
	tcase_add_loop_test(tcase, one_stops, 0, 4);
	tcase_add_loop_test(tcase, memory_runs_out_in_one, 0, 3);
	tcase_add_test(tcase, alone_within_a_limit);
	tcase_add_test(tcase, too_little_within_a_limit);
	tcase_add_test(tcase, as_many_as_processors);
	suite_add_tcase(suite, tcase);
	return suite;
}
