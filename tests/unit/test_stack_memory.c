#include "fake_world.h"
#include "task/stack_memory.h"

#include <check.h>
#include <string.h>

Suite *stack_memory_suite(void);

#define BLOCK	   UINT64_C(0x7f0000000000)
#define MAIN_STACK UINT64_C(0x7ffd00000000)

enum { PAGE = FAKE_PAGE, BLOCK_SIZE = 8 * PAGE, MAIN_SIZE = 4 * PAGE };

static struct fake_world world;
static struct nptl_thread threads[3];
static struct nptl nptl;

/* A guard page, five pages never used, two used; the main thread has used one of four. */
static void setup(void)
{
	static unsigned char bytes[BLOCK_SIZE], main_bytes[MAIN_SIZE];
	const Elf64_auxv_t auxv[] = {{AT_RANDOM, {MAIN_STACK + 3 * PAGE + 16}}, {AT_NULL, {0}}};
	memset(bytes + 6 * PAGE, 1, 2 * PAGE);
	memset(main_bytes + 3 * PAGE, 1, PAGE);
	fake_world_init(&world);
	fake_auxv(&world.core, auxv, 2);
	fake_segment(&world.core, BLOCK, NULL, 0, PAGE, 0);
	fake_segment(&world.core, BLOCK + PAGE, bytes + PAGE, BLOCK_SIZE - PAGE, BLOCK_SIZE - PAGE,
		     PF_R | PF_W);
	fake_segment(&world.core, MAIN_STACK, main_bytes, MAIN_SIZE, MAIN_SIZE, PF_R | PF_W);
	fake_world_open_notes(&world);
	threads[0] = (struct nptl_thread){
		.pd_addr = BLOCK + BLOCK_SIZE - 2368,
		.start_addr = 0x1000,
		.stack_addr = BLOCK,
		.stack_size = BLOCK_SIZE,
	};
	threads[1] = (struct nptl_thread){.pd_addr = 0x7f1000000000};
	nptl = (struct nptl){.present = true, .threads = {threads, 2, 2}};
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static const struct stack_memory *build(void)
{
	return stack_memory_build(&world.arena, &world.dump, &world.notes, &nptl);
}

START_TEST(guard_counts_as_reserved_only)
{
	const struct stack_memory *memory = build();
	ck_assert_uint_eq(memory[0].reserved_size, BLOCK_SIZE);
	ck_assert_uint_eq(memory[0].resident_size, 2 * PAGE);
}
END_TEST

START_TEST(the_main_thread_has_the_kernels_mapping)
{
	const struct stack_memory *memory = build();
	ck_assert_uint_eq(memory[1].reserved_size, MAIN_SIZE);
	ck_assert_uint_eq(memory[1].resident_size, PAGE);
}
END_TEST

START_TEST(a_block_that_cannot_be_is_unknown)
{
	static const struct {
		uint64_t addr, size;
	} rows[] = {
		{0, 0},
		{0, BLOCK_SIZE},
		{BLOCK, PAGE},		      /* ends below the descriptor */
		{BLOCK + BLOCK_SIZE, 1 << 30} /* begins above it */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		threads[0].stack_addr = rows[i].addr;
		threads[0].stack_size = rows[i].size;
		const struct stack_memory *memory = build();
		ck_assert_uint_eq(memory[0].reserved_size, 0);
		ck_assert_uint_eq(memory[0].resident_size, 0);
		ck_assert_uint_eq(memory[1].resident_size, PAGE);
	}
}
END_TEST

Suite *stack_memory_suite(void)
{
	Suite *suite = suite_create("stack_memory");
	TCase *tests = tcase_create("stack_memory");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, guard_counts_as_reserved_only);
	tcase_add_test(tests, the_main_thread_has_the_kernels_mapping);
	tcase_add_test(tests, a_block_that_cannot_be_is_unknown);
	suite_add_tcase(suite, tests);
	return suite;
}
