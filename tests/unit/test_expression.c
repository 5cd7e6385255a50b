/* DWARF 5, 2.5.1: what each operation leaves on the stack. */
#include "fake_world.h"
#include "stack/expression.h"

#include <check.h>
#include <dwarf.h>
#include <string.h>

Suite *expression_suite(void);

#define MEMORY	      UINT64_C(0x7000)
#define CFA	      UINT64_C(0x7ffc00001000)
#define MINUS(number) ((uint64_t) - (int64_t)(number))

static struct fake_world world;
static struct registers registers;

static void setup(void)
{
	static const uint64_t words[] = {UINT64_C(0x8877665544332211), 0x99};
	fake_world_init(&world);
	fake_segment(&world.core, MEMORY, words, sizeof(words), FAKE_PAGE, PF_R | PF_W);
	fake_world_open_image(&world);
	registers = (struct registers){.known = 1u << REGISTER_RBX | 1u << REGISTER_RSP};
	registers.values[REGISTER_RBX] = 0x100;
	registers.values[REGISTER_RSP] = MEMORY;
	registers.values[REGISTER_RBP] = 1; /* not known */
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

/* Pushes the numbers, then does op: what is then on top; false: it cannot be done. */
static bool after(const uint64_t *pushed, uint32_t num, Dwarf_Op op, uint64_t *ret)
{
	Dwarf_Op ops[8];
	for (uint32_t i = 0; i < num; i++)
		ops[i] = (Dwarf_Op){.atom = DW_OP_constu, .number = pushed[i]};
	ops[num] = op;
	const struct cfi_expression expression = {ops, num + 1};
	return expression_evaluate(&expression, &registers, world.image, NULL, ret);
}

/* x was pushed before y. */
START_TEST(two_operands)
{
	static const struct {
		uint8_t atom;
		uint64_t x, y, want;
	} rows[] = {
		{DW_OP_plus, 7, 5, 12},
		{DW_OP_plus, UINT64_MAX, 2, 1},
		{DW_OP_minus, 7, 5, 2},
		{DW_OP_minus, 5, 7, MINUS(2)},
		{DW_OP_mul, 6, 7, 42},
		{DW_OP_and, 12, 10, 8},
		{DW_OP_or, 12, 10, 14},
		{DW_OP_xor, 12, 10, 6},
		{DW_OP_shl, 3, 4, 48},
		{DW_OP_shl, 1, 63, UINT64_C(1) << 63},
		{DW_OP_shl, 3, 64, 0},
		{DW_OP_shr, 48, 4, 3},
		{DW_OP_shr, MINUS(1), 63, 1},
		{DW_OP_shr, 48, 64, 0},
		{DW_OP_shra, 48, 4, 3},
		{DW_OP_shra, MINUS(16), 2, MINUS(4)},
		{DW_OP_shra, MINUS(16), 1000, MINUS(1)},
		{DW_OP_eq, 5, 5, 1},
		{DW_OP_eq, 5, 7, 0},
		{DW_OP_ne, 5, 5, 0},
		{DW_OP_ne, 5, 7, 1},
		/* Of signed numbers. */
		{DW_OP_lt, MINUS(1), 1, 1},
		{DW_OP_lt, 1, MINUS(1), 0},
		{DW_OP_lt, 1, 1, 0},
		{DW_OP_le, MINUS(1), 1, 1},
		{DW_OP_le, 1, 1, 1},
		{DW_OP_le, 2, 1, 0},
		{DW_OP_gt, 1, MINUS(1), 1},
		{DW_OP_gt, 1, 1, 0},
		{DW_OP_ge, 1, 1, 1},
		{DW_OP_ge, MINUS(1), 1, 0},
	};
	uint64_t got = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const Dwarf_Op op = {.atom = rows[i].atom};
		const uint64_t both[] = {rows[i].x, rows[i].y};
		ck_assert_msg(after(both, 2, op, &got) && got == rows[i].want, "row %zu: 0x%llx", i,
			      (unsigned long long)got);
		ck_assert_msg(!after(both, 1, op, &got), "row %zu: of one operand", i);
	}
}
END_TEST

/* 17, 29 and 1000 stand on the stack, as in DWARF 5, D.1.2; 17 is on top. */
START_TEST(stack_operations)
{
	static const struct {
		Dwarf_Op op;
		uint64_t want, below; /* what is on top then, and what below it */
	} rows[] = {
		{{.atom = DW_OP_nop}, 17, 29},
		{{.atom = DW_OP_dup}, 17, 17},
		{{.atom = DW_OP_drop}, 29, 1000},
		{{.atom = DW_OP_over}, 29, 17},
		{{.atom = DW_OP_pick, .number = 0}, 17, 17},
		{{.atom = DW_OP_pick, .number = 2}, 1000, 17},
		{{.atom = DW_OP_swap}, 29, 17},
		{{.atom = DW_OP_neg}, MINUS(17), 29},
		{{.atom = DW_OP_not}, MINUS(18), 29},
		{{.atom = DW_OP_plus_uconst, .number = 3}, 20, 29},
		{{.atom = DW_OP_lit0}, 0, 17},
		{{.atom = DW_OP_lit31}, 31, 17},
		{{.atom = DW_OP_addr, .number = 0x1234}, 0x1234, 17},
		{{.atom = DW_OP_const8s, .number = MINUS(9)}, MINUS(9), 17},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint32_t dropped = 0; dropped < 2; dropped++) {
			const Dwarf_Op ops[] = {
				{.atom = DW_OP_const2u, .number = 1000},
				{.atom = DW_OP_const1u, .number = 29},
				{.atom = DW_OP_const1s, .number = 17},
				rows[i].op,
				{.atom = DW_OP_drop},
			};
			const struct cfi_expression expression = {ops, 4 + dropped};
			uint64_t got = 0, want = dropped ? rows[i].below : rows[i].want;
			ck_assert_msg(expression_evaluate(&expression, &registers, world.image,
							  NULL, &got) &&
					      got == want,
				      "row %zu: %llu", i, (unsigned long long)got);
		}
	}
}
END_TEST

START_TEST(too_few_operands)
{
	static const uint8_t one[] = {DW_OP_dup, DW_OP_drop,  DW_OP_neg,
				      DW_OP_not, DW_OP_deref, DW_OP_plus_uconst};
	static const uint8_t two[] = {DW_OP_over, DW_OP_swap};
	const uint64_t pushed[] = {1, 2};
	uint64_t got = 42;
	for (size_t i = 0; i < sizeof(one); i++)
		ck_assert_msg(!after(pushed, 0, (Dwarf_Op){.atom = one[i]}, &got), "row %zu", i);
	for (size_t i = 0; i < sizeof(two); i++) {
		ck_assert_msg(!after(pushed, 1, (Dwarf_Op){.atom = two[i]}, &got), "row %zu", i);
		ck_assert_msg(after(pushed, 2, (Dwarf_Op){.atom = two[i]}, &got), "row %zu", i);
		got = 42;
	}
	ck_assert(!after(pushed, 2, (Dwarf_Op){.atom = DW_OP_pick, .number = 2}, &got));
	/* Nothing is left that could be the result. */
	ck_assert(!after(pushed, 1, (Dwarf_Op){.atom = DW_OP_drop}, &got));
	ck_assert(!after(pushed, 0, (Dwarf_Op){.atom = DW_OP_bra}, &got));
	/* Untouched on failure. */
	ck_assert_uint_eq(got, 42);
}
END_TEST

START_TEST(registers_and_memory)
{
	const uint64_t none[] = {0}, at[] = {MEMORY}, beyond[] = {UINT64_C(0x10000)};
	uint64_t got = 0;
	ck_assert(after(none, 0, (Dwarf_Op){.atom = DW_OP_breg3, .number = MINUS(8)}, &got));
	ck_assert_uint_eq(got, 0xf8);
	ck_assert(after(none, 0, (Dwarf_Op){.atom = DW_OP_bregx, .number = 3, .number2 = 8}, &got));
	ck_assert_uint_eq(got, 0x108);
	/* One whose value is not known, one that we do not have at all. */
	ck_assert(!after(none, 0, (Dwarf_Op){.atom = DW_OP_breg6}, &got));
	ck_assert(!after(none, 0, (Dwarf_Op){.atom = DW_OP_bregx, .number = NUM_REGISTERS}, &got));
	ck_assert(!after(none, 0, (Dwarf_Op){.atom = DW_OP_bregx, .number = UINT64_MAX}, &got));

	ck_assert(after(at, 1, (Dwarf_Op){.atom = DW_OP_deref}, &got));
	ck_assert_uint_eq(got, UINT64_C(0x8877665544332211));
	ck_assert(after(at, 1, (Dwarf_Op){.atom = DW_OP_deref_size, .number = 2}, &got));
	ck_assert_uint_eq(got, 0x2211);
	ck_assert(!after(at, 1, (Dwarf_Op){.atom = DW_OP_deref_size, .number = 0}, &got));
	ck_assert(!after(at, 1, (Dwarf_Op){.atom = DW_OP_deref_size, .number = 9}, &got));
	ck_assert(!after(beyond, 1, (Dwarf_Op){.atom = DW_OP_deref}, &got));
	/* Known operations that nobody uses there, and none at all. */
	ck_assert(!after(at, 1, (Dwarf_Op){.atom = DW_OP_push_object_address}, &got));
	ck_assert(!after(at, 1, (Dwarf_Op){.atom = DW_OP_call_frame_cfa}, &got));
	ck_assert(!after(at, 1, (Dwarf_Op){.atom = 0xff}, &got));
}
END_TEST

/* Of a register's rule: the CFA is there from the beginning. */
START_TEST(frame_address)
{
	const Dwarf_Op ops[] = {{.atom = DW_OP_lit8},
				{.atom = DW_OP_minus},
				{.atom = DW_OP_call_frame_cfa},
				{.atom = DW_OP_minus}};
	const struct cfi_expression expression = {ops, 4};
	uint64_t cfa = CFA, got = 0;
	ck_assert(expression_evaluate(&expression, &registers, world.image, &cfa, &got));
	ck_assert_uint_eq(got, MINUS(8));
	/* Without it nothing is there to subtract from. */
	ck_assert(!expression_evaluate(&expression, &registers, world.image, NULL, &got));
	const struct cfi_expression empty = {NULL, 0};
	ck_assert(expression_evaluate(&empty, &registers, world.image, &cfa, &got));
	ck_assert_uint_eq(got, CFA);
	ck_assert(!expression_evaluate(&empty, &registers, world.image, NULL, &got));
}
END_TEST

/* lit5; <flag>; bra over the next two; lit7; plus: 5 where the flag is set, otherwise 12. */
START_TEST(branches)
{
	for (uint64_t flag = 0; flag < 3; flag++) {
		const Dwarf_Op ops[] = {
			{.atom = DW_OP_lit5, .offset = 0},
			{.atom = (uint8_t)(DW_OP_lit0 + flag), .offset = 1},
			{.atom = DW_OP_bra, .number = 2, .offset = 2},
			{.atom = DW_OP_lit7, .offset = 5},
			{.atom = DW_OP_plus, .offset = 6},
			{.atom = DW_OP_nop, .offset = 7},
		};
		const struct cfi_expression expression = {ops, 6};
		uint64_t got = 0;
		ck_assert(expression_evaluate(&expression, &registers, world.image, NULL, &got));
		ck_assert_uint_eq(got, flag != 0 ? 5 : 12);
	}
}
END_TEST

/* lit0; skip to the end of the loop; lit3, plus; …: each round adds, until it is 9 or more. */
START_TEST(loops)
{
	Dwarf_Op ops[] = {
		{.atom = DW_OP_lit0, .offset = 0},
		{.atom = DW_OP_lit3, .offset = 1},
		{.atom = DW_OP_plus, .offset = 2},
		{.atom = DW_OP_dup, .offset = 3},
		{.atom = DW_OP_lit9, .offset = 4},
		{.atom = DW_OP_lt, .offset = 5},
		{.atom = DW_OP_bra, .number = (uint64_t)(uint16_t)-8, .offset = 6}, /* to 1 */
	};
	const struct cfi_expression expression = {ops, 7};
	uint64_t got = 0;
	ck_assert(expression_evaluate(&expression, &registers, world.image, NULL, &got));
	ck_assert_uint_eq(got, 9);
	/* Always smaller: it never ends. */
	ops[4].atom = DW_OP_constu;
	ops[4].number = INT64_MAX;
	ck_assert(!expression_evaluate(&expression, &registers, world.image, NULL, &got));
}
END_TEST

START_TEST(at_most_64_values)
{
	Dwarf_Op ops[65];
	uint64_t got = 0, cfa = CFA;
	for (uint32_t i = 0; i < 65; i++)
		ops[i] = (Dwarf_Op){.atom = DW_OP_lit1};
	const struct cfi_expression fits = {ops, 64}, too_many = {ops, 65};
	ck_assert(expression_evaluate(&fits, &registers, world.image, NULL, &got));
	ck_assert(!expression_evaluate(&too_many, &registers, world.image, NULL, &got));
	ck_assert(!expression_evaluate(&fits, &registers, world.image, &cfa, &got));
	ops[63].atom = DW_OP_call_frame_cfa;
	ck_assert(!expression_evaluate(&fits, &registers, world.image, &cfa, &got));
}
END_TEST

Suite *expression_suite(void)
{
	Suite *suite = suite_create("expression");
	TCase *tests = tcase_create("expression");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, two_operands);
	tcase_add_test(tests, stack_operations);
	tcase_add_test(tests, too_few_operands);
	tcase_add_test(tests, registers_and_memory);
	tcase_add_test(tests, frame_address);
	tcase_add_test(tests, branches);
	tcase_add_test(tests, loops);
	tcase_add_test(tests, at_most_64_values);
	suite_add_tcase(suite, tests);
	return suite;
}
