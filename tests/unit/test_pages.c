/* Both ways of reading: _i 0 through the cache, 1 from the mapped core. */
#include "core/pages.h"
#include "fake_world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *pages_suite(void);

#define LOW UINT64_C(0xc000000000)   /* two segments beside each other … */
#define FAR UINT64_C(0x7f0000000000) /* … and one by itself, whose end was not dumped */

enum {
	CACHE_PAGE = 16384,
	FIRST_SIZE = 5 * FAKE_PAGE, /* ends within a page of the cache */
	SECOND_SIZE = 3 * CACHE_PAGE,
	FAR_SIZE = 2 * FAKE_PAGE,
	FAR_MEMORY = 4 * FAKE_PAGE,
	NUM_SPREAD = 3000, /* more pages than the cache has places */
};

static struct fake_world world;
static struct pages pages;
static unsigned char pattern[FIRST_SIZE + SECOND_SIZE];

static void setup(void)
{
	fake_world_init(&world);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i * 7 + i / 251 + i / FAKE_PAGE + 1);
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static void begin(bool mapped)
{
	if (mapped)
		ck_assert_ptr_nonnull(dump_map(&world.dump));
	pages_init(&pages, &world.arena, &world.dump);
}

static void open_core(bool mapped)
{
	fake_segment(&world.core, LOW, pattern, FIRST_SIZE, FIRST_SIZE, PF_R | PF_W);
	fake_segment(&world.core, LOW + FIRST_SIZE, pattern + FIRST_SIZE, SECOND_SIZE, SECOND_SIZE,
		     PF_R | PF_W);
	fake_segment(&world.core, FAR, pattern, FAR_SIZE, FAR_MEMORY, PF_R | PF_W);
	fake_world_open_dump(&world);
	begin(mapped);
}

static void expect_bytes(uint64_t addr, size_t from, size_t size)
{
	unsigned char bytes[sizeof(pattern)];
	ck_assert(pages_read(&pages, addr, bytes, size));
	ck_assert(memcmp(bytes, pattern + from, size) == 0);
}

START_TEST(all_of_it)
{
	open_core(_i == 1);
	expect_bytes(LOW, 0, sizeof(pattern));
	expect_bytes(FAR, 0, FAR_SIZE);
	/* Again, and backwards. */
	for (size_t at = sizeof(pattern) - 8; at > 0; at -= 8)
		expect_bytes(LOW + at, at, 8);
}
END_TEST

START_TEST(across_the_border_of_segments)
{
	open_core(_i == 1);
	for (uint64_t before = 1; before < 16; before++) {
		expect_bytes(LOW + FIRST_SIZE - before, FIRST_SIZE - before, 16);
		/* A piece is of one segment. */
		size_t size;
		const unsigned char *bytes = pages_at(&pages, LOW + FIRST_SIZE - before, 16, &size);
		ck_assert_ptr_nonnull(bytes);
		ck_assert_uint_eq(size, before);
		ck_assert(memcmp(bytes, pattern + FIRST_SIZE - before, size) == 0);
	}
}
END_TEST

START_TEST(at_most_what_is_wanted)
{
	size_t size;
	open_core(_i == 1);
	ck_assert_ptr_nonnull(pages_at(&pages, LOW + 8, 3, &size));
	ck_assert_uint_eq(size, 3);
}
END_TEST

START_TEST(where_nothing_is)
{
	static const uint64_t addrs[] = {
		0,
		LOW - 1,
		LOW + FIRST_SIZE + SECOND_SIZE,
		FAR - 8,
		FAR + FAR_MEMORY,
		UINT64_MAX,
		UINT64_MAX - 7,
	};
	unsigned char bytes[16];
	size_t size;
	open_core(_i == 1);
	for (int twice = 0; twice < 2; twice++)
		for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
			ck_assert_ptr_null(pages_at(&pages, addrs[i], 8, &size));
			ck_assert(!pages_read(&pages, addrs[i], bytes, sizeof(bytes)));
			expect_bytes(LOW + 8, 8, 8);
		}
}
END_TEST

/* What was not dumped is not read as zeros. */
START_TEST(where_nothing_was_dumped)
{
	unsigned char bytes[8];
	size_t size;
	open_core(_i == 1);
	expect_bytes(FAR + FAR_SIZE - 8, FAR_SIZE - 8, 8);
	ck_assert(!pages_read(&pages, FAR + FAR_SIZE - 4, bytes, sizeof(bytes)));
	ck_assert_ptr_null(pages_at(&pages, FAR + FAR_SIZE, 8, &size));
	ck_assert_ptr_nonnull(pages_at(&pages, FAR + FAR_SIZE - 4, 8, &size));
	ck_assert_uint_eq(size, 4);
}
END_TEST

START_TEST(where_the_core_was_cut)
{
	enum { MISSING = 100 };
	unsigned char bytes[8];
	size_t size;
	fake_segment(&world.core, LOW, pattern, FIRST_SIZE, FIRST_SIZE, PF_R | PF_W);
	fake_build(&world.core);
	fake_world_open_dump_at(&world, fake_path_cut(&world.core, world.core.file.size - MISSING));
	begin(_i == 1);
	expect_bytes(LOW + FIRST_SIZE - MISSING - 8, FIRST_SIZE - MISSING - 8, 8);
	ck_assert(!pages_read(&pages, LOW + FIRST_SIZE - MISSING - 7, bytes, sizeof(bytes)));
	ck_assert_ptr_null(pages_at(&pages, LOW + FIRST_SIZE - MISSING, 1, &size));
	ck_assert_ptr_null(pages_at(&pages, LOW + FIRST_SIZE - 1, 1, &size));
}
END_TEST

/* Pages that share a place drive each other out, and are never taken for each other. */
START_TEST(more_pages_than_places)
{
	uint64_t *words = calloc(NUM_SPREAD, CACHE_PAGE), value, state = 4711;
	ck_assert_ptr_nonnull(words);
	for (size_t i = 0; i < NUM_SPREAD; i++)
		words[i * (CACHE_PAGE / 8) + i % 2048] = i + 1;
	fake_segment(&world.core, LOW, words, (uint64_t)NUM_SPREAD * CACHE_PAGE,
		     (uint64_t)NUM_SPREAD * CACHE_PAGE, PF_R | PF_W);
	free(words);
	fake_world_open_dump(&world);
	begin(_i == 1);
	for (int round = 0; round < 20000; round++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		uint64_t page = (state >> 33) % NUM_SPREAD;
		ck_assert(pages_read(&pages, LOW + page * CACHE_PAGE + page % 2048 * 8, &value, 8));
		ck_assert_uint_eq(value, page + 1);
	}
	ck_assert_uint_eq(pages.num_misses == 0, _i == 1);
}
END_TEST

/* A page is read once as long as nothing drives it out. */
START_TEST(what_is_there_is_not_read_again)
{
	open_core(false);
	for (int round = 0; round < 3; round++)
		for (size_t at = 0; at < SECOND_SIZE - CACHE_PAGE; at += 64)
			expect_bytes(LOW + FIRST_SIZE + CACHE_PAGE - FIRST_SIZE % CACHE_PAGE + at,
				     FIRST_SIZE + CACHE_PAGE - FIRST_SIZE % CACHE_PAGE + at, 64);
	ck_assert_uint_eq(pages.num_misses, SECOND_SIZE / CACHE_PAGE - 1);
}
END_TEST

/* It is a wish, whatever the place. */
START_TEST(prefetching_harms_nothing)
{
	static const uint64_t addrs[] = {
		0, LOW, LOW - 64, LOW + FIRST_SIZE - 8, FAR + FAR_SIZE, UINT64_MAX - 8};
	open_core(_i == 1);
	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		pages_prefetch(&pages, addrs[i], 4096);
		pages_prefetch(&pages, addrs[i], UINT64_MAX);
		expect_bytes(LOW + 16, 16, 8);
	}
}
END_TEST

Suite *pages_suite(void)
{
	Suite *suite = suite_create("pages");
	TCase *tests = tcase_create("pages");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, all_of_it, 0, 2);
	tcase_add_loop_test(tests, across_the_border_of_segments, 0, 2);
	tcase_add_loop_test(tests, at_most_what_is_wanted, 0, 2);
	tcase_add_loop_test(tests, where_nothing_is, 0, 2);
	tcase_add_loop_test(tests, where_nothing_was_dumped, 0, 2);
	tcase_add_loop_test(tests, where_the_core_was_cut, 0, 2);
	tcase_add_loop_test(tests, more_pages_than_places, 0, 2);
	tcase_add_test(tests, what_is_there_is_not_read_again);
	tcase_add_loop_test(tests, prefetching_harms_nothing, 0, 2);
	suite_add_tcase(suite, tests);
	return suite;
}
