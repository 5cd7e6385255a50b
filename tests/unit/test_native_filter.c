#include "proof/native_filter.h"

#include <check.h>

Suite *native_filter_suite(void);

enum { SHIFT = 17, NUM_RANGES = 3 };

static const uint64_t guard = UINT64_C(0x5f3759df9b2c41e7);
/* A heap of brk's, an arena, a stack: two values of the sixth byte. */
static const struct range ranges[NUM_RANGES] = {
	{UINT64_C(0x561234559000), UINT64_C(0x5612a4559000)},
	{UINT64_C(0x7f12f0000000), UINT64_C(0x7f12f4000000)},
	{UINT64_C(0x7f12f7000000), UINT64_C(0x7f12f7900000)},
};

static struct native_filter filter;
static unsigned char bytes[32];

static void begin(bool every_byte)
{
	native_filter_init(&filter, ranges, NUM_RANGES, every_byte, guard, SHIFT);
	memset(bytes, 0, sizeof(bytes));
}

static void put(uint32_t off, uint64_t word)
{
	memcpy(bytes + off, &word, sizeof(word));
}

static uint64_t encode(uint64_t addr)
{
	uint64_t word = addr ^ guard;
	return word << SHIFT | word >> (64 - SHIFT);
}

static uint64_t address(uint32_t i)
{
	return i % 2 == 0 ? ranges[i / 2].low : ranges[i / 2].high - 1;
}

/* Wherever an address begins, among zeros or not. */
START_TEST(every_place)
{
	for (uint32_t off = 0; off < NATIVE_FILTER_SIZE; off++) {
		for (uint32_t i = 0; i < 2 * NUM_RANGES; i++) {
			begin(true);
			memset(bytes, 0x11 * (int)(off % 2), sizeof(bytes));
			put(off, address(i));
			ck_assert_msg(native_filter_maybe(&filter, bytes), "%u, address %u", off,
				      i);
			begin(false);
			put(off, address(i));
			ck_assert(native_filter_maybe(&filter, bytes) == (off % 8 == 0));
		}
	}
}
END_TEST

START_TEST(with_a_tag)
{
	for (uint32_t i = 0; i < 2 * NUM_RANGES; i++) {
		for (int every_byte = 0; every_byte < 2; every_byte++) {
			begin(every_byte != 0);
			put(8, address(i) | UINT64_C(0x8123) << 48);
			ck_assert(native_filter_maybe(&filter, bytes));
		}
		/* A tag is only looked for in words at their places. */
		begin(true);
		put(3, address(i) | UINT64_C(0x8123) << 48);
		ck_assert(!native_filter_maybe(&filter, bytes));
	}
}
END_TEST

START_TEST(above_a_counter)
{
	for (uint32_t i = 0; i < 2 * NUM_RANGES; i++) {
		for (int off = 0; off < NATIVE_FILTER_SIZE; off += 8) {
			begin(true);
			memset(bytes, 0x11, sizeof(bytes));
			put((uint32_t)off, address(i) << 16 | 0x1234);
			ck_assert(native_filter_maybe(&filter, bytes));
			begin(false);
			put((uint32_t)off, address(i) << 16 | 0x1234);
			ck_assert(!native_filter_maybe(&filter, bytes));
		}
	}
}
END_TEST

START_TEST(encoded)
{
	for (uint32_t i = 0; i < 2 * NUM_RANGES; i++) {
		for (uint32_t off = 0; off < NATIVE_FILTER_SIZE; off += 8) {
			begin(true);
			put(off, encode(address(i)));
			ck_assert(native_filter_maybe(&filter, bytes));
			begin(false);
			put(off, encode(address(i)));
			ck_assert(!native_filter_maybe(&filter, bytes));
		}
	}
}
END_TEST

/* What it is for. */
START_TEST(nothing)
{
	for (int value = 0; value < 256; value++) {
		begin(true);
		memset(bytes, value, sizeof(bytes));
		ck_assert_msg(native_filter_maybe(&filter, bytes) ==
				      (value == 0x56 || value == 0x7f),
			      "%d", value);
	}
}
END_TEST

/* So many values: it never says no. With as many as it knows it still does. */
START_TEST(many_ranges)
{
	struct range many[NATIVE_FILTER_MAX + 1];
	for (uint64_t i = 0; i < NATIVE_FILTER_MAX + 1; i++)
		many[i] = range_from_size((i + 2) << 44, 4096);
	for (uint32_t num = 1; num <= NATIVE_FILTER_MAX + 1; num++) {
		native_filter_init(&filter, many, num, true, guard, SHIFT);
		memset(bytes, 0, sizeof(bytes));
		ck_assert(native_filter_maybe(&filter, bytes) == (num > NATIVE_FILTER_MAX));
		for (uint32_t i = 0; i < num; i++) {
			put(8, many[i].low);
			ck_assert(native_filter_maybe(&filter, bytes));
			put(8, encode(many[i].low));
			ck_assert(native_filter_maybe(&filter, bytes));
		}
	}
}
END_TEST

/* One range may have several values. */
START_TEST(long_range)
{
	const struct range range = {UINT64_C(0x7effffff0000), UINT64_C(0x7f0000010000)};
	native_filter_init(&filter, &range, 1, true, guard, SHIFT);
	memset(bytes, 0, sizeof(bytes));
	put(0, range.low);
	ck_assert(native_filter_maybe(&filter, bytes));
	put(0, range.high - 1);
	ck_assert(native_filter_maybe(&filter, bytes));
	/* A damaged one must not take for ever. */
	const struct range all = {0, UINT64_MAX};
	native_filter_init(&filter, &all, 1, true, guard, SHIFT);
	ck_assert(filter.useless);
}
END_TEST

Suite *native_filter_suite(void)
{
	Suite *suite = suite_create("native_filter");
	TCase *tcase = tcase_create("native_filter");
	tcase_add_test(tcase, every_place);
	tcase_add_test(tcase, with_a_tag);
	tcase_add_test(tcase, above_a_counter);
	tcase_add_test(tcase, encoded);
	tcase_add_test(tcase, nothing);
	tcase_add_test(tcase, many_ranges);
	tcase_add_test(tcase, long_range);
	suite_add_tcase(suite, tcase);
	return suite;
}
