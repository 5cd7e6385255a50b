#include "base/addresses.h"

#include <check.h>

Suite *addresses_suite(void);

/* In order, far apart, all in one place of the table, and again. */
START_TEST(numbers)
{
	enum { NUM = 3000 };
	static const uint64_t steps[] = {16, 112, 4096, UINT64_C(1) << 40, 3};
	struct arena arena;
	struct addresses addresses;
	arena_init(&arena, 0);
	addresses_init(&addresses, &arena);
	ck_assert_uint_eq(addresses_find(&addresses, 0), UINT32_MAX);
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < NUM; i++) {
			bool is_new;
			uint64_t addr = UINT64_C(0xc000000000) + i * steps[_i];
			ck_assert_uint_eq(addresses_add(&addresses, addr, &is_new), i);
			ck_assert_int_eq(is_new, pass == 0);
			ck_assert_uint_eq(addresses_find(&addresses, addr), i);
			ck_assert_uint_eq(addresses.list.items[i], addr);
			ck_assert_uint_eq(addresses_find(&addresses, ~addr), UINT32_MAX);
		}
	arena_deinit(&arena);
}
END_TEST

Suite *addresses_suite(void)
{
	Suite *suite = suite_create("addresses");
	TCase *tcase = tcase_create("addresses");
	tcase_add_loop_test(tcase, numbers, 0, 5);
	suite_add_tcase(suite, tcase);
	return suite;
}
