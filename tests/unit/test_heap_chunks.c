#include "task/heap_chunks.h"

#include <check.h>
#include <string.h>

Suite *heap_chunks_suite(void);

#define HEAP  UINT64_C(0x555500000000)
#define ARENA UINT64_C(0x7f1000000000) /* aligned to 64 MiB */
#define OTHER UINT64_C(0x7f2000000000)
#define DATA  UINT64_C(0x7f3000000000)

enum {
	SIZE = 0x21000,
	DATA_SIZE = 0x2000,
	MAIN_ARENA = 0x100, /* in DATA */
	TOP_OFF = 96,
	NEXT_OFF = 2160,
	MALLOC_PAR = 0x1000,
	IN_USE = 1,
	MMAPPED = 2,
	NON_MAIN = 4,
	FIRST_IN_ARENA = 0x8d0,
};

static struct arena arena;
static struct heaps heaps;
static unsigned char heap[SIZE], arena_heap[SIZE], other[SIZE], data[DATA_SIZE];
static struct heap_piece pieces[3];
static uint32_t num_pieces;
static struct heap_piece data_piece;

static void put(unsigned char *bytes, uint64_t off, uint64_t word)
{
	memcpy(bytes + off, &word, sizeof(word));
}

/* Chunks of these sizes (0: as large as is left), one behind the other. */
static void put_chunks(unsigned char *bytes, uint64_t off, const uint64_t *raws, uint32_t num)
{
	for (uint32_t i = 0; i < num; i++) {
		uint64_t raw = raws[i] < 8 ? ((SIZE - off) | raws[i]) : raws[i];
		put(bytes, off + 8, raw);
		off += raw & ~UINT64_C(7);
	}
}

static void add_piece(uint64_t addr, unsigned char *bytes, uint64_t size)
{
	pieces[num_pieces++] = (struct heap_piece){{addr, addr + size}, bytes};
}

static void put_main_arena(uint64_t top_addr)
{
	put(data, MAIN_ARENA + TOP_OFF, top_addr);
	for (uint64_t i = 0; i < 127; i++) {
		uint64_t bin_addr = DATA + MAIN_ARENA + TOP_OFF + 16 * i;
		put(data, MAIN_ARENA + TOP_OFF + 16 + 16 * i, bin_addr);
		put(data, MAIN_ARENA + TOP_OFF + 24 + 16 * i, bin_addr);
	}
}

static void put_mapped_size(uint64_t size)
{
	put(data, MALLOC_PAR, size);
	put(data, MALLOC_PAR + 8, size);
	put(data, MALLOC_PAR + 16, HEAP);
}

/* 0x290 in use, 0x40 in use, 0x60 free, 0x30 in use, the top. */
static void setup(void)
{
	const uint64_t raws[] = {0x290 | IN_USE, 0x40 | IN_USE, 0x60 | IN_USE, 0x30, 0 | IN_USE};
	arena_init(&arena, 0);
	memset(heap, 0, sizeof(heap));
	memset(arena_heap, 0, sizeof(arena_heap));
	memset(other, 0, sizeof(other));
	memset(data, 0, sizeof(data));
	num_pieces = 0;
	put_chunks(heap, 0, raws, 5);
	put(heap, 0x290 + 0x40 + 0x60, 0x60);
	put_main_arena(HEAP + 0x290 + 0x40 + 0x60 + 0x30);
	put_mapped_size(0);
	add_piece(HEAP, heap, SIZE);
	data_piece = (struct heap_piece){{DATA, DATA + DATA_SIZE}, data};
}

static void teardown(void)
{
	arena_deinit(&arena);
}

static void build(void)
{
	heaps_build(&heaps, &arena, pieces, num_pieces, &data_piece, 1);
}

START_TEST(brk_heap)
{
	build();
	ck_assert_uint_eq(heaps.list.num, 1);
	ck_assert_int_eq(heaps.list.items[0].kind, HEAP_MAIN);
	ck_assert_uint_eq(heaps.num_chunks, 5);
	const struct heap *found = heaps_find(&heaps, HEAP + 0x300);
	ck_assert_ptr_nonnull(found);
	ck_assert_ptr_null(heaps_find(&heaps, HEAP + SIZE));
	static const struct {
		uint64_t off, chunk_off, size;
		bool is_free;
	} rows[] = {
		{0, 0, 0x290, false},
		{0x28f, 0, 0x290, false},
		{0x290, 0x290, 0x40, false},
		{0x2cf, 0x290, 0x40, false},
		{0x2d0, 0x2d0, 0x60, true},
		{0x330, 0x330, 0x30, false},
		{0x360, 0x360, SIZE - 0x360, true},
		{SIZE - 1, 0x360, SIZE - 0x360, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct heap_chunk chunk = heap_chunk_at(found, HEAP + rows[i].off);
		ck_assert_uint_eq(chunk.addr, HEAP + rows[i].chunk_off);
		ck_assert_uint_eq(chunk.size, rows[i].size);
		ck_assert_int_eq(heap_chunk_is_free(found, chunk), rows[i].is_free);
	}
	struct range payload = heap_chunk_payload(found, heap_chunk_at(found, HEAP + 0x290));
	ck_assert_uint_eq(payload.low, HEAP + 0x290 + 16);
	ck_assert_uint_eq(payload.high, HEAP + 0x290 + 0x40 + 8);
}
END_TEST

/* Each makes the chain lie; then it is no heap at all. */
static const struct {
	const char *name;
	uint64_t off, word;
} damages[] = {
	{"a size that is too large", 0x290 + 8, 0x30000 | IN_USE},
	{"a size that is no multiple of 16", 0x290 + 8, 0x48 | IN_USE},
	{"a size of 0", 0x290 + 8, 0 | IN_USE},
	{"a chunk that leads into the middle of another", 0x290 + 8, 0x50 | IN_USE},
	{"the first chunk says that a free one is before it", 8, 0x290},
	{"a mapped chunk's bit", 0x290 + 8, 0x40 | IN_USE | MMAPPED},
	{"another arena's bit", 0x290 + 8, 0x40 | IN_USE | NON_MAIN},
	{"a free chunk's size is not repeated", 0x330, 0x50},
	{"two free chunks side by side", 0x2d0 + 8, 0x60},
	{"a top that ends early", 0x360 + 8, 0x1000 | IN_USE},
};

START_TEST(damaged_chain)
{
	put(heap, damages[_i].off, damages[_i].word);
	build();
	ck_assert_msg(heaps.list.num == 0, "%s", damages[_i].name);
}
END_TEST

START_TEST(top_that_glibc_does_not_name)
{
	put_main_arena(HEAP + 0x330);
	build();
	ck_assert_uint_eq(heaps.list.num, 0);
}
END_TEST

START_TEST(one_chunk_is_no_heap)
{
	put(heap, 8, SIZE | IN_USE);
	put_main_arena(HEAP);
	build();
	ck_assert_uint_eq(heaps.list.num, 0);
}
END_TEST

/* Every chunk of a large heap is found from every place in it. */
START_TEST(chunks_across_blocks)
{
	const uint64_t raws[] = {0x290 | IN_USE, 0x18000 | IN_USE, 0x20 | IN_USE, 0 | IN_USE};
	memset(heap, 0, sizeof(heap));
	put_chunks(heap, 0, raws, 4);
	put_main_arena(HEAP + 0x290 + 0x18000 + 0x20);
	build();
	ck_assert_uint_eq(heaps.list.num, 1);
	for (uint64_t off = 0; off < SIZE; off += 8) {
		uint64_t expected = off < 0x290		   ? 0
				    : off < 0x18290	   ? 0x290
				    : off < 0x18290 + 0x20 ? 0x18290
							   : 0x18290 + 0x20;
		ck_assert_uint_eq(heap_chunk_at(&heaps.list.items[0], HEAP + off).addr,
				  HEAP + expected);
	}
}
END_TEST

static void put_arena(void)
{
	const uint64_t raws[] = {0x290 | IN_USE | NON_MAIN, 0x50 | IN_USE | NON_MAIN, 0 | IN_USE};
	put(arena_heap, 0, ARENA + 0x30);
	put(arena_heap, 16, SIZE);
	put(arena_heap, 24, SIZE);
	put_chunks(arena_heap, FIRST_IN_ARENA, raws, 3);
	put(arena_heap, 0x30 + TOP_OFF, ARENA + FIRST_IN_ARENA + 0x290 + 0x50);
	put(data, MAIN_ARENA + NEXT_OFF, ARENA + 0x30);
	add_piece(ARENA, arena_heap, SIZE);
}

START_TEST(heap_of_an_arena)
{
	put_arena();
	build();
	ck_assert_uint_eq(heaps.list.num, 2);
	ck_assert_int_eq(heaps.list.items[1].kind, HEAP_ARENA);
	ck_assert_uint_eq(heaps.list.items[1].range.low, ARENA + FIRST_IN_ARENA);
	ck_assert_uint_eq(heaps.states.num, 2);
}
END_TEST

START_TEST(arena_that_is_not_listed)
{
	put_arena();
	put(data, MAIN_ARENA + NEXT_OFF, 0);
	build();
	ck_assert_uint_eq(heaps.list.num, 1);
}
END_TEST

START_TEST(arena_with_another_top)
{
	put_arena();
	put(arena_heap, 0x30 + TOP_OFF, ARENA + FIRST_IN_ARENA);
	build();
	ck_assert_uint_eq(heaps.list.num, 1);
}
END_TEST

/* A heap that another one follows ends with a fence of 16 bytes and one of the size 0. */
START_TEST(arena_heap_that_is_full)
{
	put_arena();
	uint64_t last = FIRST_IN_ARENA + 0x290 + 0x50, size = SIZE - last - 32;
	put(arena_heap, last + 8, size | IN_USE | NON_MAIN);
	put(arena_heap, last + size + 8, 16 | IN_USE);
	put(arena_heap, SIZE - 8, 0 | IN_USE);
	build();
	ck_assert_uint_eq(heaps.list.num, 2);
	struct heap_chunk fence = heap_chunk_at(&heaps.list.items[1], ARENA + SIZE - 1);
	ck_assert_uint_eq(fence.addr, ARENA + SIZE - 16);
	ck_assert(heap_chunk_is_free(&heaps.list.items[1], fence));
}
END_TEST

static void put_mapped(void)
{
	put(other, 8, 0x20000 | MMAPPED);
	put(other, 0x20000 + 8, 0x1000 | MMAPPED);
	add_piece(OTHER, other, SIZE);
}

START_TEST(mapped_chunks)
{
	put_mapped();
	put_mapped_size(0x21000);
	build();
	ck_assert_uint_eq(heaps.list.num, 3);
	ck_assert_int_eq(heaps.list.items[1].kind, HEAP_MAPPED);
	struct heap_chunk chunk = heap_chunk_at(&heaps.list.items[1], OTHER + 0x1ffff);
	ck_assert_uint_eq(chunk.addr, OTHER);
	ck_assert_uint_eq(chunk.size, 0x20000);
	ck_assert(!heap_chunk_is_free(&heaps.list.items[1], chunk));
}
END_TEST

/* What glibc does not count is not its own, however it looks. */
START_TEST(mapped_chunks_that_are_not_counted)
{
	put_mapped();
	put_mapped_size(0x20000);
	build();
	ck_assert_uint_eq(heaps.list.num, 1);
}
END_TEST

START_TEST(mapped_chunk_with_a_rest)
{
	put_mapped();
	put(other, 0x20000 + 8, 0);
	put_mapped_size(0x20000);
	build();
	ck_assert_uint_eq(heaps.list.num, 1);
}
END_TEST

Suite *heap_chunks_suite(void)
{
	Suite *suite = suite_create("heap_chunks");
	TCase *tcase = tcase_create("heap_chunks");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, brk_heap);
	tcase_add_loop_test(tcase, damaged_chain, 0, sizeof(damages) / sizeof(damages[0]));
	tcase_add_test(tcase, top_that_glibc_does_not_name);
	tcase_add_test(tcase, one_chunk_is_no_heap);
	tcase_add_test(tcase, chunks_across_blocks);
	tcase_add_test(tcase, heap_of_an_arena);
	tcase_add_test(tcase, arena_that_is_not_listed);
	tcase_add_test(tcase, arena_with_another_top);
	tcase_add_test(tcase, arena_heap_that_is_full);
	tcase_add_test(tcase, mapped_chunks);
	tcase_add_test(tcase, mapped_chunks_that_are_not_counted);
	tcase_add_test(tcase, mapped_chunk_with_a_rest);
	suite_add_tcase(suite, tcase);
	return suite;
}
