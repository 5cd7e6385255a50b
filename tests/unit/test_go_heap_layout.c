/* What Go's sources say of each version's structs, beyond the numbers themselves: these are held to
 * real programs by the proofs of tests/go. */
#include "task/go_heap_layout.h"

#include <check.h>

Suite *go_heap_layout_suite(void);

enum { OLDEST = 19, NEWEST = 27 };

static struct go_heap_layout layout_of(int minor)
{
	return go_heap_layout_for(minor);
}

/* Where a version has no row of its own the next newer one's is right. */
START_TEST(each_version_has_a_row)
{
	ck_assert_int_eq(layout_of(_i).minor, _i == 20 ? 21 : _i);
}
END_TEST

START_TEST(unknown_versions_take_the_newest)
{
	static const int minors[] = {-1, NEWEST + 1, 99, INT32_MAX, GO_NONE};
	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++)
		ck_assert_int_eq(layout_of(minors[i]).minor, NEWEST);
	ck_assert_int_eq(layout_of(0).minor, OLDEST);
	ck_assert_int_eq(layout_of(OLDEST - 1).minor, OLDEST);
}
END_TEST

/* runtime/mheap.go: struct special is {next *special; offset; kind byte}, and what an embedding
 * struct adds begins at the next word. The offset is uint16 before 1.24, uintptr from then on. */
START_TEST(specials)
{
	struct go_heap_layout layout = layout_of(_i);
	ck_assert_int_eq(layout.special_offset_size, _i < 24 ? 2 : 8);
	ck_assert_int_eq(layout.special_kind, 8 + layout.special_offset_size);
	ck_assert_int_eq(layout.special_data, (layout.special_kind + 1 + 7) / 8 * 8);
}
END_TEST

/* The kinds in order of their appearance: weak pointers (package unique) since 1.23, cleanups
 * since 1.24. */
START_TEST(kinds_of_specials)
{
	struct go_heap_layout layout = layout_of(_i);
	ck_assert_int_gt(layout.kind_finalizer, 0);
	ck_assert_int_eq(layout.kind_weak != GO_NONE, _i >= 23);
	ck_assert_int_eq(layout.kind_cleanup != GO_NONE, _i >= 24);
	if (_i >= 23)
		ck_assert_int_eq(layout.kind_weak, layout.kind_finalizer + 1);
	if (_i >= 24)
		ck_assert_int_gt(layout.kind_cleanup, layout.kind_weak);
}
END_TEST

/* runtime/symtab.go: gcdatamask and gcbssmask are bitvectors {n int32; bytedata *uint8} beside
 * each other; what is read are the addresses. */
START_TEST(masks_of_variables)
{
	struct go_heap_layout layout = layout_of(_i);
	ck_assert_int_eq(layout.module_bss_mask - layout.module_data_mask, 16);
	ck_assert_int_eq(layout.module_data_mask % 8, 0);
}
END_TEST

/* Since 1.22 the heap tells where its pointers are (allocation headers), mspan.nelems is uint16,
 * and no P holds pointers that were overwritten. */
START_TEST(the_precise_heap)
{
	struct go_heap_layout layout = layout_of(_i);
	ck_assert_int_eq(layout.precise_heap, _i >= 22);
	ck_assert_int_eq(layout.span_num_size, _i >= 22 ? 2 : 8);
	ck_assert_int_eq(layout.span_large_type != GO_NONE, _i >= 22);
	ck_assert_int_eq(layout.p_overwritten == GO_NONE, _i >= 22);
	ck_assert_int_eq(layout.inline_marks, _i >= 25);
}
END_TEST

/* internal/abi/type.go: until 1.23 a bit of the kind says that the mask is a program, since 1.24 a
 * flag that it is made on demand. */
START_TEST(masks_of_types)
{
	struct go_heap_layout layout = layout_of(_i);
	ck_assert_int_eq(layout.type_program_kind != 0, _i < 24);
	ck_assert_int_eq(layout.type_on_demand_flag != 0, _i >= 24);
	/* The kind's own bits are others. */
	ck_assert_int_eq(layout.type_program_kind & GO_KIND_MASK, 0);
}
END_TEST

/* What is read of an mspan or a g lies in what is read of it. */
START_TEST(fields_lie_in_their_structs)
{
	enum { SPAN_SIZE = 160 };
	struct go_heap_layout layout = layout_of(_i);
	const int16_t spans[] = {layout.span_num, layout.span_large_type, layout.span_specials,
				 layout.span_user_arena};
	const int16_t gs[] = {layout.g_param, layout.g_bubble, layout.g_vectors};
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		ck_assert(spans[i] == GO_NONE || (spans[i] > 0 && spans[i] <= SPAN_SIZE - 8));
	for (size_t i = 0; i < sizeof(gs) / sizeof(gs[0]); i++)
		ck_assert(gs[i] == GO_NONE || (gs[i] % 8 == 0 && gs[i] <= GO_MAX_G_SIZE - 8));
	/* testing/synctest's bubbles came with 1.24, g.xRegs with 1.26 */
	ck_assert_int_eq(layout.g_bubble != GO_NONE, _i >= 24);
	ck_assert_int_eq(layout.g_vectors != GO_NONE, _i >= 26);
}
END_TEST

Suite *go_heap_layout_suite(void)
{
	Suite *suite = suite_create("go_heap_layout");
	TCase *tests = tcase_create("go_heap_layout");
	tcase_add_loop_test(tests, each_version_has_a_row, OLDEST, NEWEST + 1);
	tcase_add_test(tests, unknown_versions_take_the_newest);
	tcase_add_loop_test(tests, specials, OLDEST, NEWEST + 1);
	tcase_add_loop_test(tests, kinds_of_specials, OLDEST, NEWEST + 1);
	tcase_add_loop_test(tests, masks_of_variables, OLDEST, NEWEST + 1);
	tcase_add_loop_test(tests, the_precise_heap, OLDEST, NEWEST + 1);
	tcase_add_loop_test(tests, masks_of_types, OLDEST, NEWEST + 1);
	tcase_add_loop_test(tests, fields_lie_in_their_structs, OLDEST, NEWEST + 1);
	suite_add_tcase(suite, tests);
	return suite;
}
