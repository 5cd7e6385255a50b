#include "stack/instructions.h"

#include <check.h>
#include <string.h>

Suite *instructions_suite(void);

#define BYTES(text) ((struct bytes){(const unsigned char *)(text), sizeof(text) - 1})

/* As objdump of binutils 2.40 decodes them. */
START_TEST(sizes)
{
	static const struct {
		struct bytes code;
		uint32_t size;
	} rows[] = {
		{BYTES("\xc3"), 1},			       /* ret */
		{BYTES("\x0f\x05"), 2},			       /* syscall */
		{BYTES("\xf3\x0f\x1e\xfa"), 4},		       /* endbr64 */
		{BYTES("\x55"), 1},			       /* push %rbp */
		{BYTES("\x41\x57"), 2},			       /* push %r15 */
		{BYTES("\xb8\xca\0\0\0"), 5},		       /* mov $202,%eax */
		{BYTES("\x48\xb8\1\2\3\4\5\6\7\10"), 10},      /* movabs */
		{BYTES("\x66\xb8\1\2"), 4},		       /* mov $..,%ax */
		{BYTES("\x66\x81\x3c\x24\1\2"), 6},	       /* cmpw, SIB */
		{BYTES("\x48\x8d\x05\1\2\3\4"), 7},	       /* lea x(%rip) */
		{BYTES("\x48\x8b\x04\x25\1\2\3\4"), 8},	       /* mov 0x..,%rax */
		{BYTES("\x8b\x44\x24\x08"), 4},		       /* mov 8(%rsp) */
		{BYTES("\x8b\x84\x24\x08\1\0\0"), 7},	       /* disp32, SIB */
		{BYTES("\xf6\x45\xf8\x01"), 4},		       /* testb */
		{BYTES("\xf7\x45\xf8\1\2\3\4"), 7},	       /* testl */
		{BYTES("\xf7\xd8"), 2},			       /* neg */
		{BYTES("\xe8\1\2\3\4"), 5},		       /* call */
		{BYTES("\x0f\x84\1\2\3\4"), 6},		       /* je */
		{BYTES("\x66\x0f\x3a\x0f\xc1\x08"), 6},	       /* palignr */
		{BYTES("\x66\x0f\x38\x00\xc1"), 5},	       /* pshufb */
		{BYTES("\xc5\xf8\x77"), 3},		       /* vzeroupper */
		{BYTES("\xc5\xfd\x6f\x06"), 4},		       /* vmovdqa */
		{BYTES("\xc4\xe3\x7d\x39\xc1\x01"), 6},	       /* vextracti128 */
		{BYTES("\x62\xf1\xfd\x48\x6f\x47\x01"), 7},    /* vmovdqa64 */
		{BYTES("\x66\x2e\x0f\x1f\x84\0\0\0\0\0"), 10}, /* nopw */
		{BYTES("\xc8\x10\0\0"), 4},		       /* enter */
		{BYTES("\x06"), 0},			       /* none */
		{BYTES("\xb8\xca\0\0"), 0},		       /* cut */
		{BYTES("\x0f"), 0},			       /* cut */
		{BYTES("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90"), 0},
		{BYTES(""), 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(instruction_size(rows[i].code, 0) == rows[i].size, "row %zu: %u", i,
			      instruction_size(rows[i].code, 0));
}
END_TEST

/* 0f 05 in an immediate, in a displacement, and as what it looks like. */
START_TEST(calls_among_instructions)
{
	static const unsigned char filling[] = "\x55\x48\x89\xe5\x8b\x45\xfc\x83\xc0\x01\x5d";
	static const struct {
		struct bytes middle;
		bool enters;
	} rows[] = {
		{BYTES("\xb8\xca\0\0\0\x0f\x05"), true}, {BYTES("\x0f\x05"), true},
		{BYTES("\xb8\x0f\x05\0\0"), false},	 {BYTES("\x48\x8d\x05\x0f\x05\0\0"), false},
		{BYTES("\xe8\0\0\x0f\x05"), false},	 {BYTES("\x0f\x06"), false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned char code[512];
		size_t used = 0;
		for (int k = 0; k < 20; k++, used += sizeof(filling) - 1)
			memcpy(code + used, filling, sizeof(filling) - 1);
		memcpy(code + used, rows[i].middle.data, rows[i].middle.size);
		used += rows[i].middle.size;
		memcpy(code + used, filling, sizeof(filling) - 1);
		used += sizeof(filling) - 1;
		ck_assert_msg(instructions_enter_kernel((struct bytes){code, used}) ==
				      rows[i].enters,
			      "row %zu", i);
	}
	/* Where code begins, where it ends, and where there is none. */
	ck_assert(instructions_enter_kernel(BYTES("\x0f\x05\xc3")));
	ck_assert(instructions_enter_kernel(BYTES("\xc3\x0f\x05")));
	ck_assert(!instructions_enter_kernel(BYTES("\xc3\x0f")));
	ck_assert(!instructions_enter_kernel(BYTES("\x0f")));
	ck_assert(!instructions_enter_kernel(BYTES("")));
}
END_TEST

Suite *instructions_suite(void)
{
	Suite *suite = suite_create("instructions");
	TCase *tests = tcase_create("x86-64");
	tcase_add_test(tests, sizes);
	tcase_add_test(tests, calls_among_instructions);
	suite_add_tcase(suite, tests);
	return suite;
}
