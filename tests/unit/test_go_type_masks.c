/* Types as Go writes them down, laid out here by internal/abi/type.go: which of their words are
 * pointers. A pointer that is missed would be a false proof. */
#include "fake_world.h"
#include "proof/go_type_masks.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *go_type_masks_suite(void);

#define TYPES UINT64_C(0x500000)
#define AREA  UINT64_C(0x4000)

/* abi.Type: Size_ 0, PtrBytes 8, TFlag 20, Kind_ 23, GCData 32, 48 bytes in all. ArrayType: Elem
 * 48, Len 64. StructType: Fields (a slice) 56, of {Name, Typ, Offset}. TFlagGCMaskOnDemand
 * (since 1.24) is 1<<4; until then kindGCProg is 1<<6. */
enum { STRUCT = 25, ARRAY = 17, ON_DEMAND = 16, PROGRAM = 64, PAIR_SIZE = 16 };

static struct fake_world world;
static struct go_heap_layout layout;
static struct go_type_masks types;
static unsigned char memory[AREA];
static uint64_t next;

static uint64_t take(uint64_t size)
{
	uint64_t addr = TYPES + next;
	next += (size + 7) & ~UINT64_C(7);
	ck_assert_uint_le(next, AREA);
	return addr;
}

static void put(uint64_t addr, uint64_t value)
{
	memcpy(memory + (addr - TYPES), &value, sizeof(value));
}

static uint64_t type(uint8_t kind, uint64_t size, uint64_t pointers_size)
{
	uint64_t addr = take(72);
	put(addr, size);
	put(addr + 8, pointers_size);
	memory[addr - TYPES + 23] = kind;
	return addr;
}

/* One whose mask the compiler wrote down. */
static uint64_t ready(uint64_t size, uint64_t pointers_size, uint64_t mask)
{
	uint64_t addr = type(STRUCT, size, pointers_size), bits = take(8);
	put(bits, mask);
	put(addr + 32, bits);
	return addr;
}

/* One whose mask has to be put together. */
static void on_demand(uint64_t addr)
{
	memory[addr - TYPES + (layout.minor < 24 ? 23 : 20)] |=
		layout.minor < 24 ? PROGRAM : ON_DEMAND;
}

static uint64_t array(uint64_t element, uint64_t num, uint64_t size)
{
	uint64_t addr = type(ARRAY, size, size);
	put(addr + 48, element);
	put(addr + 64, num);
	on_demand(addr);
	return addr;
}

struct member {
	uint64_t type, off;
};

static uint64_t structure(const struct member *members, uint64_t num, uint64_t size,
			  uint64_t pointers_size)
{
	uint64_t addr = type(STRUCT, size, pointers_size), fields = take(num * 24);
	for (uint64_t i = 0; i < num; i++) {
		put(fields + i * 24 + 8, members[i].type);
		put(fields + i * 24 + 16, members[i].off);
	}
	put(addr + 56, fields);
	put(addr + 64, num);
	on_demand(addr);
	return addr;
}

/* Each test runs for both ways to say that there is no mask. */
static void begin(int i)
{
	fake_world_init(&world);
	memset(memory, 0, sizeof(memory));
	next = 0;
	layout = go_heap_layout_for(i == 0 ? 19 : 27);
	ck_assert_int_eq(layout.minor, i == 0 ? 19 : 27);
}

static void open_types(void)
{
	fake_segment(&world.core, TYPES, memory, AREA, AREA, PF_R);
	fake_world_open_image(&world);
	go_type_masks_init(&types, &world.arena, world.image, &layout);
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

/* The mask of a type of at most 64 words. */
static void expect(uint64_t addr, uint64_t size, uint64_t words, uint64_t mask)
{
	const struct go_type_mask *got = go_type_masks_at(&types, addr);
	uint64_t bits = 0;
	ck_assert(got->valid && got->words != NULL);
	ck_assert_uint_eq(got->size, size);
	ck_assert_uint_eq(got->num_words, words);
	memcpy(&bits, got->words, (words + 7) / 8);
	ck_assert_msg(bits == mask, "0x%llx", (unsigned long long)bits);
}

/* Any word may be a pointer. */
static void expect_unknown(uint64_t addr)
{
	const struct go_type_mask *got = go_type_masks_at(&types, addr);
	ck_assert(got->valid && got->words == NULL && got->num_words > 0);
}

static void expect_no_type(uint64_t addr)
{
	ck_assert(!go_type_masks_at(&types, addr)->valid);
}

START_TEST(written_down)
{
	begin(_i);
	/* {*T, int, *T, int}; its last word is beyond the mask. */
	uint64_t first = ready(32, 24, 5), second = ready(8, 8, 1), plain = type(2, 8, 0);
	open_types();
	expect(first, 32, 3, 5);
	expect(second, 8, 1, 1);
	expect(first, 32, 3, 5);
	const struct go_type_mask *none = go_type_masks_at(&types, plain);
	ck_assert(none->valid && none->num_words == 0);
	ck_assert_ptr_eq(none, go_type_masks_at(&types, plain));
}
END_TEST

/* More words than are read at once: 2,100, of which the first, two in the middle and the last. */
START_TEST(long_masks)
{
	begin(_i);
	static const uint64_t pointers[] = {0, 2047, 2048, 2099};
	uint64_t addr = type(STRUCT, 2100 * 8, 2100 * 8), bits = take(264);
	for (size_t i = 0; i < 4; i++)
		memory[bits - TYPES + pointers[i] / 8] |= (unsigned char)(1u << pointers[i] % 8);
	put(addr + 32, bits);
	open_types();
	const struct go_type_mask *mask = go_type_masks_at(&types, addr);
	ck_assert(mask->valid && mask->words != NULL);
	for (uint64_t i = 0, k = 0; i < 2100; i++) {
		bool want = k < 4 && pointers[k] == i;
		k += want;
		ck_assert_msg((mask->words[i / 8] >> (i % 8) & 1) == want, "word %llu",
			      (unsigned long long)i);
	}
}
END_TEST

START_TEST(put_together)
{
	begin(_i);
	uint64_t number = type(2, 8, 0), pair = ready(PAIR_SIZE, 16, 2); /* {int, *T} */
	uint64_t three = array(pair, 3, 48), nine = array(three, 3, 144);
	uint64_t mixed =
		structure((const struct member[]){{number, 0}, {pair, 8}, {three, 24}}, 3, 80, 72);
	open_types();
	expect(three, 48, 6, 0x2a);
	expect(nine, 144, 18, 0x2aaaa);
	/* int; int, *T; int, *T, int, *T, int, *T */
	expect(mixed, 80, 9, 0x154);
}
END_TEST

/* What can be nobody's type. */
START_TEST(no_types)
{
	begin(_i);
	uint64_t more = ready(16, 24, 7), odd = ready(24, 20, 7), kindless = type(0, 8, 8);
	uint64_t sizeless = type(STRUCT, 0, 0);
	open_types();
	expect_no_type(more);
	expect_no_type(odd);
	expect_no_type(kindless);
	expect_no_type(sizeless);
	expect_no_type(0);
	expect_no_type(more + 4);
	expect_no_type(TYPES + AREA - 40);
	expect_no_type(UINT64_MAX & ~UINT64_C(7));
	expect_no_type(UINT64_C(0x900000));
}
END_TEST

/* Hostile or unreadable: nothing is known, so that any word may be a pointer. */
START_TEST(unknown_masks)
{
	begin(_i);
	uint64_t pair = ready(PAIR_SIZE, 16, 2), wide = ready(64, 64, 255);
	uint64_t no_mask = type(STRUCT, 16, 16), far_mask = type(STRUCT, 16, 16);
	put(far_mask + 32, UINT64_C(0x900000));
	uint64_t huge = type(STRUCT, UINT64_C(1) << 40, UINT64_C(1) << 40);
	uint64_t itself = array(0, 1, 16), too_many = array(pair, 4, 48);
	put(itself + 48, itself);
	uint64_t lost = array(UINT64_C(0x900000), 2, 16);
	uint64_t wider = structure((const struct member[]){{wide, 0}}, 1, 64, 16);
	uint64_t odd = structure((const struct member[]){{pair, 4}}, 1, 32, 24);
	uint64_t outside = structure((const struct member[]){{pair, 4096}}, 1, 32, 24);
	uint64_t endless = structure((const struct member[]){{pair, 0}}, 1, 32, 24);
	put(endless + 64, UINT64_C(1) << 60);
	/* Of another kind than those that are put together: a channel. */
	uint64_t channel = type(18, 8, 8);
	on_demand(channel);
	/* An array of an array that cannot be known. */
	uint64_t around = array(lost, 1, 16);
	open_types();
	for (size_t i = 0; i < 12; i++)
		expect_unknown((const uint64_t[]){no_mask, far_mask, huge, itself, too_many, lost,
						  wider, odd, outside, endless, channel,
						  around}[i]);
}
END_TEST

/* The last of the bytes that a type says have pointers is a pointer's, always: one whose mask has
 * none there contradicts itself, and may have any. */
START_TEST(contradictions)
{
	begin(_i);
	uint64_t number = type(2, 8, 0), pair = ready(PAIR_SIZE, 16, 2);
	uint64_t empty_mask = ready(16, 16, 0), short_mask = ready(24, 24, 3);
	uint64_t numbers = array(number, 4, 32), none = array(pair, 0, 8);
	uint64_t no_fields = structure(NULL, 0, 32, 32);
	uint64_t early = structure((const struct member[]){{pair, 0}}, 1, 32, 32);
	open_types();
	for (size_t i = 0; i < 6; i++)
		expect_unknown((const uint64_t[]){empty_mask, short_mask, numbers, none, no_fields,
						  early}[i]);
}
END_TEST

/* As deep as nobody nests: 2 to the 40th fields, of 8 bytes each step. */
START_TEST(deep_types)
{
	begin(_i);
	uint64_t inner = ready(8, 8, 1);
	for (int i = 0; i < 40; i++)
		inner = structure((const struct member[]){{inner, 0}, {inner, 0}}, 2, 8, 8);
	open_types();
	expect_unknown(inner);
}
END_TEST

Suite *go_type_masks_suite(void)
{
	Suite *suite = suite_create("go_type_masks");
	TCase *tests = tcase_create("go_type_masks");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_loop_test(tests, written_down, 0, 2);
	tcase_add_loop_test(tests, long_masks, 0, 2);
	tcase_add_loop_test(tests, put_together, 0, 2);
	tcase_add_loop_test(tests, no_types, 0, 2);
	tcase_add_loop_test(tests, unknown_masks, 0, 2);
	tcase_add_loop_test(tests, contradictions, 0, 2);
	tcase_add_loop_test(tests, deep_types, 0, 2);
	suite_add_tcase(suite, tests);
	return suite;
}
