#include "fake_world.h"
#include "task/calls.h"

#include <check.h>
#include <errno.h>
#include <sys/syscall.h>

Suite *calls_suite(void);

enum { CODE = 0x10000, UNMAPPED = 0x900000, NOT_DUMPED = 0x20000 };

static struct fake_world world;
static struct registers registers;
static struct wait_hint hint;

static void setup(void)
{
	fake_world_init(&world);
	memset(&registers, 0, sizeof(registers));
	registers.known = (1u << NUM_REGISTERS) - 1;
	registers.values[REGISTER_RIP] = CODE;
	memset(&hint, 0xff, sizeof(hint));
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static void open_with(const unsigned char *code, size_t size)
{
	fake_segment(&world.core, CODE, code, size, size, PF_R | PF_X);
	fake_segment(&world.core, NOT_DUMPED, NULL, 0, FAKE_PAGE, PF_R | PF_X);
	fake_world_open_image(&world);
}

#define OPEN(...)                                                                                  \
	open_with((const unsigned char[]){__VA_ARGS__},                                            \
		  sizeof((const unsigned char[]){__VA_ARGS__}))

static bool told(uint64_t pc, int64_t rax)
{
	registers.values[REGISTER_RIP] = pc;
	registers.values[REGISTER_RAX] = (uint64_t)rax;
	return call_interrupted(world.image, &registers, &hint);
}

static void expect(uint64_t pc, int64_t rax, bool blocked, int32_t nr)
{
	ck_assert_msg(told(pc, rax), "pc 0x%llx", (unsigned long long)pc);
	ck_assert_msg(hint.blocked == blocked && hint.syscall_nr == nr,
		      "pc 0x%llx rax %lld: blocked %d, number %d", (unsigned long long)pc,
		      (long long)rax, hint.blocked, hint.syscall_nr);
}

/* The kernel has gone back to the call: its number stands in rax, its arguments as they were. */
START_TEST(rewound)
{
	OPEN(0x90, 0x0f, 0x05, 0xc3);
	static const uint8_t numbers[] = {5, 4, 1, 10, 8, 9}; /* rdi rsi rdx r10 r8 r9 */
	for (uint64_t i = 0; i < 6; i++)
		registers.values[numbers[i]] = 70 + i;
	expect(CODE + 1, SYS_futex, true, SYS_futex);
	for (uint64_t i = 0; i < 6; i++)
		ck_assert_uint_eq(hint.args[i], 70 + i);
	expect(CODE + 1, SYS_read, true, SYS_read);
	/* Nothing but the low half counts (Linux arch/x86/entry/common.c). */
	expect(CODE + 1, INT64_C(0x700000000) | SYS_poll, true, SYS_poll);
	/* On its way into no call at all, and out of another handler. */
	expect(CODE + 1, -38, false, -1);
	expect(CODE + 1, SYS_rt_sigreturn, false, -1);
}
END_TEST

/* The call has ended: the code before it may still tell which it was. */
START_TEST(ended)
{
	OPEN(0x90, 0xb8, 0xe8, 0, 0, 0, 0x0f, 0x05, 0x31, 0xc0, 0x0f, 0x05, 0x90, 0x90, 0x90, 0x90,
	     0x90, 0x0f, 0x05, 0xb8, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x05, 0xc3, 0x90);
	expect(CODE + 8, -EINTR, true, SYS_epoll_wait);
	expect(CODE + 12, -EINTR, true, SYS_read);
	expect(CODE + 19, -EINTR, true, -1);
	expect(CODE + 26, -EINTR, true, -1);
	/* With another result it was no wait that the signal ended. */
	expect(CODE + 8, 0, false, -1);
	expect(CODE + 8, 3, false, -1);
	expect(CODE + 8, -11, false, -1);
	/* Such a number in rax, but behind no call. */
	expect(CODE + 14, -EINTR, false, -1);
}
END_TEST

START_TEST(restarted)
{
	OPEN(0xb8, 0xe6, 0, 0, 0, 0x0f, 0x05, 0x90, 0x90, 0x90, 0x0f, 0x05, 0xc3);
	expect(CODE + 5, SYS_restart_syscall, true, SYS_clock_nanosleep);
	expect(CODE + 10, SYS_restart_syscall, true, -1);
}
END_TEST

/* A jump to nowhere ran into a fault; code that the core lacks tells nothing. */
START_TEST(unreadable_code)
{
	OPEN(0xc3);
	expect(UNMAPPED, -EINTR, false, -1);
	expect(0, 0, false, -1);
	expect(UINT64_MAX, -EINTR, false, -1);
	ck_assert(!told(NOT_DUMPED + 100, 0));
	ck_assert(!told(NOT_DUMPED + 100, -EINTR));
}
END_TEST

/* Behind the first byte that can be read may stand a call. */
START_TEST(code_begins_at_the_pc)
{
	OPEN(0x90, 0xc3);
	expect(CODE, 0, false, -1);
	ck_assert(!told(CODE, -EINTR));
}
END_TEST

/* _i: the one that was not restored */
START_TEST(lost_registers)
{
	OPEN(0x0f, 0x05);
	registers.known &= ~(1u << _i);
	bool needed = _i == REGISTER_RAX || _i == 1 || _i == 4 || _i == 5 ||
		      (_i >= 8 && _i <= 10) || _i == REGISTER_RIP;
	ck_assert(told(CODE, SYS_read) == !needed);
}
END_TEST

Suite *calls_suite(void)
{
	Suite *suite = suite_create("calls");
	TCase *tests = tcase_create("calls");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, rewound);
	tcase_add_test(tests, ended);
	tcase_add_test(tests, restarted);
	tcase_add_test(tests, unreadable_code);
	tcase_add_test(tests, code_begins_at_the_pc);
	tcase_add_loop_test(tests, lost_registers, 0, NUM_REGISTERS);
	suite_add_tcase(suite, tests);
	return suite;
}
