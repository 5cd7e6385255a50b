#include "base/arena.h"

#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Large allocations can be given back in any order, and their room is there again. */
START_TEST(dropping)
{
	enum { SIZE = 100000, NUM = 4 };
	static const int orders[][NUM] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}};
	struct arena arena;
	arena_init(&arena, 5 * SIZE);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		char *blocks[NUM];
		for (int k = 0; k < NUM; k++)
			memset(blocks[k] = arena_alloc(&arena, SIZE), 'a' + k, SIZE);
		arena_drop(&arena, blocks[orders[i][0]], SIZE);
		ck_assert_int_eq(blocks[orders[i][1]][SIZE - 1], 'a' + orders[i][1]);
		for (int k = 1; k < NUM; k++)
			arena_drop(&arena, blocks[orders[i][k]], SIZE);
		ck_assert_uint_eq(arena.used_size, 0);
	}
	arena_drop(&arena, NULL, 0);
	char *small = arena_copy_text(&arena, "small ones stay");
	arena_drop(&arena, small, 16);
	ck_assert_str_eq(small, "small ones stay");
	arena_deinit(&arena);
}
END_TEST

Suite *arena_suite(void);

static bool all_bytes(const void *bytes, size_t size, unsigned char value)
{
	for (size_t i = 0; i < size; i++)
		if (((const unsigned char *)bytes)[i] != value)
			return false;
	return true;
}

START_TEST(memory_is_zeroed_aligned_and_separate)
{
	static const size_t sizes[] = {0, 1, 7, 16, 100, 4096, 32767, 32768, 300000, 3, 262144, 1};
	enum { NUM = sizeof(sizes) / sizeof(sizes[0]), ROUNDS = 50 };
	unsigned char *blocks[NUM * ROUNDS];
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < NUM * ROUNDS; i++) {
		size_t size = sizes[i % NUM];
		blocks[i] = arena_alloc(&arena, size);
		ck_assert_ptr_nonnull(blocks[i]);
		ck_assert_uint_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
		ck_assert(all_bytes(blocks[i], size, 0));
		memset(blocks[i], (int)(i % 251) + 1, size);
	}
	for (size_t i = 0; i < NUM * ROUNDS; i++)
		ck_assert(all_bytes(blocks[i], sizes[i % NUM], (unsigned char)(i % 251 + 1)));
	arena_deinit(&arena);
	ck_assert_ptr_null(arena.blocks);
}
END_TEST

/* Sizes on both sides of the point from which allocations live in blocks of their own. */
START_TEST(grow_keeps_the_old_and_zeroes_the_new)
{
	static const size_t sizes[] = {1, 10, 1000, 32767, 32768, 40000, 100000, 300000};
	enum { NUM = sizeof(sizes) / sizeof(sizes[0]) };
	for (size_t from = 0; from < NUM; from++) {
		for (size_t to = from; to < NUM; to++) {
			struct arena arena;
			arena_init(&arena, 0);
			unsigned char *older = arena_alloc(&arena, 50000);
			memset(older, 0x77, 50000);
			unsigned char *old = arena_alloc(&arena, sizes[from]);
			memset(old, 0xab, sizes[from]);
			unsigned char *newer = arena_alloc(&arena, 60000);
			memset(newer, 0xcd, 60000);
			unsigned char *grown = arena_grow(&arena, old, sizes[from], sizes[to]);
			ck_assert(all_bytes(grown, sizes[from], 0xab));
			ck_assert(all_bytes(grown + sizes[from], sizes[to] - sizes[from], 0));
			memset(grown, 0xef, sizes[to]);
			ck_assert(all_bytes(newer, 60000, 0xcd));
			/* Links of the moved block: growing its neighbours and freeing follow them.
			 */
			newer = arena_grow(&arena, newer, 60000, 200000);
			ck_assert(all_bytes(newer, 60000, 0xcd));
			ck_assert(all_bytes(grown, sizes[to], 0xef));
			older = arena_grow(&arena, older, 50000, 150000);
			ck_assert(all_bytes(older, 50000, 0x77));
			ck_assert(all_bytes(grown, sizes[to], 0xef));
			arena_deinit(&arena);
		}
	}
}
END_TEST

START_TEST(grow_from_nothing)
{
	struct arena arena;
	arena_init(&arena, 0);
	ck_assert(all_bytes(arena_grow(&arena, NULL, 0, 1000), 1000, 0));
	ck_assert(all_bytes(arena_grow(&arena, NULL, 0, 100000), 100000, 0));
	arena_deinit(&arena);
}
END_TEST

/* Runs until the limit bites; the bytes taken never pass it. */
static bool traps_at_limit(uint64_t limit, size_t size)
{
	struct arena arena;
	jmp_buf trap;
	arena_init(&arena, limit);
	arena.trap = &trap;
	volatile bool trapped = true;
	if (setjmp(trap) == 0) {
		for (uint64_t i = 0; i < limit / size + 2; i++) {
			arena_alloc(&arena, size);
			ck_assert_uint_le(arena.used_size, limit);
		}
		trapped = false;
	}
	ck_assert_uint_le(arena.used_size, limit);
	arena_deinit(&arena);
	return trapped;
}

START_TEST(limit_traps)
{
	ck_assert(traps_at_limit(1000000, 100));
	ck_assert(traps_at_limit(1000000, 50000));
	ck_assert(traps_at_limit(1000000, 2000000));
	ck_assert(traps_at_limit(1, 1));
}
END_TEST

START_TEST(limit_counts_growth)
{
	struct arena arena;
	jmp_buf trap;
	arena_init(&arena, 1 << 20);
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		void *memory = arena_alloc(&arena, 500000);
		memory = arena_grow(&arena, memory, 500000, 1000000);
		arena_grow(&arena, memory, 1000000, 1500000);
		ck_abort_msg("grew beyond the limit");
	}
	ck_assert_uint_le(arena.used_size, 1 << 20);
	arena_deinit(&arena);
}
END_TEST

START_TEST(growing_an_array_counts_its_present_size)
{
	struct {
		uint64_t *items;
		uint32_t num, capacity;
	} numbers = {0};
	struct arena arena;
	arena_init(&arena, 0);
	for (uint32_t i = 0; i < 1000000; i++)
		*array_add(&arena, &numbers) = i;
	ck_assert_uint_eq(numbers.num, 1000000);
	bool right = true;
	for (uint32_t i = 0; i < numbers.num; i++)
		right = right && numbers.items[i] == i;
	ck_assert(right);
	/* Old copies of large arrays are given back, so that n items do not cost 2n. */
	ck_assert_uint_le(arena.used_size, (uint64_t)numbers.capacity * 8 + 1000000);
	arena_deinit(&arena);
}
END_TEST

START_TEST(array_add_zeroes_items)
{
	struct item {
		char bytes[24];
	};
	struct {
		struct item *items;
		uint32_t num, capacity;
	} list = {0};
	struct arena arena;
	arena_init(&arena, 0);
	for (int i = 0; i < 10000; i++) {
		struct item *item = array_add(&arena, &list);
		ck_assert(all_bytes(item, sizeof(*item), 0));
		memset(item, 0xff, sizeof(*item));
	}
	arena_deinit(&arena);
}
END_TEST

static bool traps(void (*act)(struct arena *arena))
{
	struct arena arena;
	jmp_buf trap;
	volatile bool trapped = true;
	arena_init(&arena, 1 << 30);
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		act(&arena);
		trapped = false;
	}
	arena_deinit(&arena);
	return trapped;
}

static void act_array(struct arena *arena)
{
	arena_alloc_array(arena, SIZE_MAX / 4, 8);
}

static void act_array_wrap(struct arena *arena)
{
	arena_alloc_array(arena, ((size_t)1 << 61) + 1, 8);
}

static void act_huge(struct arena *arena)
{
	arena_alloc(arena, SIZE_MAX);
}

static void act_almost_huge(struct arena *arena)
{
	arena_alloc(arena, SIZE_MAX - 8);
}

static void act_copy(struct arena *arena)
{
	arena_copy_bytes(arena, "", SIZE_MAX);
}

static void act_grow(struct arena *arena)
{
	arena_grow(arena, arena_alloc(arena, 100000), 100000, SIZE_MAX - 1);
}

static void act_capacity(struct arena *arena)
{
	uint32_t capacity = UINT32_MAX / 2 + 1;
	array_reserve(arena, NULL, &capacity, 1);
}

START_TEST(overflow_traps)
{
	ck_assert(traps(act_array));
	ck_assert(traps(act_array_wrap));
	ck_assert(traps(act_huge));
	ck_assert(traps(act_almost_huge));
	ck_assert(traps(act_copy));
	ck_assert(traps(act_grow));
	ck_assert(traps(act_capacity));
}
END_TEST

START_TEST(without_a_trap_it_aborts)
{
	struct arena arena;
	arena_init(&arena, 10);
	arena_alloc(&arena, 1000);
}
END_TEST

START_TEST(copies)
{
	struct arena arena;
	arena_init(&arena, 0);
	char text[] = "abc";
	char *copy = arena_copy_text(&arena, text);
	text[0] = 'x';
	ck_assert_str_eq(copy, "abc");
	copy = arena_copy_bytes(&arena, "a\0b", 3);
	ck_assert_mem_eq(copy, "a\0b", 4);
	ck_assert_str_eq(arena_copy_bytes(&arena, NULL, 0), "");
	ck_assert_str_eq(arena_format(&arena, "%d-%s", 7, "x"), "7-x");
	ck_assert_str_eq(arena_format(&arena, "%s", ""), "");
	char *lengthy = arena_format(&arena, "%0100000d", 1);
	ck_assert_uint_eq(strlen(lengthy), 100000);
	arena_deinit(&arena);
}
END_TEST

Suite *arena_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *tests = tcase_create("arena");
	tcase_add_test(tests, memory_is_zeroed_aligned_and_separate);
	tcase_add_test(tests, grow_keeps_the_old_and_zeroes_the_new);
	tcase_add_test(tests, grow_from_nothing);
	tcase_add_test(tests, limit_traps);
	tcase_add_test(tests, limit_counts_growth);
	tcase_add_test(tests, growing_an_array_counts_its_present_size);
	tcase_add_test(tests, array_add_zeroes_items);
	tcase_add_test(tests, overflow_traps);
	tcase_add_test_raise_signal(tests, without_a_trap_it_aborts, SIGABRT);
	tcase_add_test(tests, copies);
	tcase_add_test(tests, dropping);
	suite_add_tcase(suite, tests);
	return suite;
}
