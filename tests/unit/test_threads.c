#include "fake_code.h"
#include "task/tasks.h"

#include <check.h>
#include <signal.h>
#include <sys/syscall.h>

Suite *threads_suite(void);

static struct fake_world world;
static struct tasks tasks;

static void setup(void)
{
	fake_world_init(&world);
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static void build(void)
{
	fake_world_open_image(&world);
	tasks_build(&tasks, &world.arena, &world.gaps, &world.notes, world.image);
}

/* facts of Linux on x86-64: what a thread's registers tell about its system call. */
static const struct {
	int64_t nr, result;
	bool blocked;
	int32_t expected_nr;
} rows[] = {
	{SYS_futex, -512, true, SYS_futex},
	{SYS_read, -512, true, SYS_read},
	{SYS_accept, -512, true, SYS_accept},
	{SYS_recvfrom, -512, true, SYS_recvfrom},
	{SYS_wait4, -512, true, SYS_wait4},
	{SYS_flock, -512, true, SYS_flock},
	{SYS_write, -512, true, SYS_write},
	{SYS_futex, -513, true, SYS_futex},
	{SYS_pause, -514, true, SYS_pause},
	{SYS_rt_sigsuspend, -514, true, SYS_rt_sigsuspend},
	{SYS_select, -514, true, SYS_select},
	{SYS_pselect6, -514, true, SYS_pselect6},
	{SYS_ppoll, -514, true, SYS_ppoll},
	{SYS_msgrcv, -514, true, SYS_msgrcv},
	{SYS_clock_nanosleep, -514, true, SYS_clock_nanosleep},
	{SYS_futex, -516, true, SYS_futex},
	{SYS_poll, -516, true, SYS_poll},
	{SYS_nanosleep, -516, true, SYS_nanosleep},
	{SYS_epoll_wait, -4, true, SYS_epoll_wait},
	{SYS_epoll_pwait, -4, true, SYS_epoll_pwait},
	{SYS_semop, -4, true, SYS_semop},
	{SYS_rt_sigtimedwait, -4, true, SYS_rt_sigtimedwait},
	{SYS_io_uring_enter, -4, true, SYS_io_uring_enter},
	/* Nobody knows which call was restarted, but it sleeps. */
	{SYS_restart_syscall, -516, true, SYS_restart_syscall},
	/* Not asleep. */
	{-1, 0, false, -1},
	{-1, -512, false, -1},
	{-1, -516, false, -1},
	{SYS_tgkill, 0, false, SYS_tgkill},
	{SYS_sched_yield, 0, false, SYS_sched_yield},
	{SYS_read, 100, false, SYS_read},
	{SYS_futex, -11, false, SYS_futex},
	{SYS_futex, -4, false, SYS_futex},
	{SYS_futex, -515, false, SYS_futex},
	{SYS_futex, -511, false, SYS_futex},
	{SYS_futex, 512, false, SYS_futex},
	{SYS_futex, INT64_MIN, false, SYS_futex},
	/* No numbers of system calls. */
	{INT64_MIN, -512, false, -1},
	{(int64_t)1 << 32, -512, false, -1},
};

START_TEST(state_by_registers)
{
	enum { NUM = sizeof(rows) / sizeof(rows[0]) };
	for (int i = 0; i < NUM; i++) {
		struct user_regs_struct regs = {.orig_rax = (uint64_t)rows[i].nr,
						.rax = (uint64_t)rows[i].result,
						.rdi = 1,
						.rsi = 2,
						.rdx = 3,
						.r10 = 4,
						.r8 = 5,
						.r9 = 6,
						.rcx = 99};
		fake_thread(&world.core, i + 1, 0, &regs);
	}
	build();
	ck_assert_uint_eq(tasks.list.num, NUM);
	for (int i = 0; i < NUM; i++) {
		const struct task *task = &tasks.list.items[i];
		ck_assert_msg(task->hint->blocked == rows[i].blocked, "row %d: nr %lld result %lld",
			      i, (long long)rows[i].nr, (long long)rows[i].result);
		ck_assert_msg(task->hint->syscall_nr == rows[i].expected_nr, "row %d: nr %d", i,
			      task->hint->syscall_nr);
		ck_assert_int_eq(task->state, rows[i].blocked ? CORELEAKS_STATE_WAITING
							      : CORELEAKS_STATE_RUNNING);
		ck_assert_int_eq(task->kind, CORELEAKS_KIND_THREAD);
		ck_assert_int_eq(task->id, i + 1);
		for (uint64_t k = 0; k < 6; k++)
			ck_assert_uint_eq(task->hint->args[k], k + 1);
	}
}
END_TEST

START_TEST(registers_by_dwarf_number)
{
	struct user_regs_struct regs = {.rax = 100,
					.rdx = 101,
					.rcx = 102,
					.rbx = 103,
					.rsi = 104,
					.rdi = 105,
					.rbp = 106,
					.rsp = 107,
					.r8 = 108,
					.r9 = 109,
					.r10 = 110,
					.r11 = 111,
					.r12 = 112,
					.r13 = 113,
					.r14 = 114,
					.r15 = 115,
					.rip = 116,
					.orig_rax = UINT64_MAX};
	fake_thread(&world.core, 7, 0, &regs);
	build();
	const struct registers *registers = tasks.list.items[0].registers;
	ck_assert_uint_eq(registers->known, 0x1ffff);
	for (uint64_t i = 0; i < NUM_REGISTERS; i++)
		ck_assert_uint_eq(registers->values[i], 100 + i);
}
END_TEST

/* mov $nr,%eax; syscall before the pc gives the number back that restart_syscall hid. */
START_TEST(restarted_call)
{
	static const unsigned char code[] = {0x90, 0xb8, 0xe6, 0, 0, 0, 0x0f, 0x05, 0x90, 0x90};
	/* mov $230,%ecx */
	static const unsigned char other_code[] = {0x90, 0xb9, 0xe6, 0, 0, 0, 0x0f, 0x05};
	struct user_regs_struct regs = {
		.orig_rax = SYS_restart_syscall, .rax = (uint64_t)-516, .rip = 0x10000 + 8};
	fake_thread(&world.core, 1, 0, &regs);
	regs.rip++;
	fake_thread(&world.core, 2, 0, &regs);
	regs.rip = 3;
	fake_thread(&world.core, 3, 0, &regs);
	regs.rip = 0x10000 + 8;
	regs.rax = 0;
	fake_thread(&world.core, 4, 0, &regs);
	regs.rax = (uint64_t)-516;
	regs.rip = 0x20000 + 8;
	fake_thread(&world.core, 5, 0, &regs);
	fake_segment(&world.core, 0x10000, code, sizeof(code), FAKE_PAGE, PF_R | PF_X);
	fake_segment(&world.core, 0x20000, other_code, sizeof(other_code), FAKE_PAGE, PF_R | PF_X);
	build();
	ck_assert_int_eq(tasks.list.items[0].hint->syscall_nr, SYS_clock_nanosleep);
	ck_assert_int_eq(tasks.list.items[1].hint->syscall_nr, SYS_restart_syscall);
	ck_assert_int_eq(tasks.list.items[2].hint->syscall_nr, SYS_restart_syscall);
	ck_assert(!tasks.list.items[3].hint->blocked);
	ck_assert_int_eq(tasks.list.items[4].hint->syscall_nr, SYS_restart_syscall);
}
END_TEST

START_TEST(stack_sizes)
{
	enum { STACK = 0x100000, SIZE = 0x10000 };
	struct user_regs_struct regs = {.orig_rax = UINT64_MAX};
	static const struct {
		uint64_t rsp, fs_base, expected;
	} cases[] = {
		/* no descriptor in the same mapping: up to its end */
		{STACK + 0x4000, 0, SIZE - 0x4000},
		{STACK + 0x4000, 0x900000, SIZE - 0x4000},
		{STACK + 0x4000, STACK + 0x1000, SIZE - 0x4000},
		/* the thread's descriptor lies on top of its stack */
		{STACK + 0x4000, STACK + 0xf700, 0xb700},
		{STACK + SIZE - 1, 0, 1},
		{STACK, 0, SIZE},
		/* no stack at all */
		{STACK + SIZE, 0, 0},
		{STACK - 1, 0, 0},
		{0, 0, 0},
		{UINT64_MAX, 0, 0},
	};
	enum { NUM = sizeof(cases) / sizeof(cases[0]) };
	for (int i = 0; i < NUM; i++) {
		regs.rsp = cases[i].rsp;
		regs.fs_base = cases[i].fs_base;
		fake_thread(&world.core, i + 1, 0, &regs);
	}
	fake_segment(&world.core, STACK, NULL, 0, SIZE, PF_R | PF_W);
	build();
	for (int i = 0; i < NUM; i++)
		ck_assert_msg(tasks.list.items[i].stack_size == cases[i].expected, "case %d: %llu",
			      i, (unsigned long long)tasks.list.items[i].stack_size);
}
END_TEST

START_TEST(only_the_first_took_the_signal)
{
	struct user_regs_struct regs = {.orig_rax = UINT64_MAX};
	fake_thread(&world.core, 9, SIGSEGV, &regs);
	fake_prpsinfo(&world.core, 9, "nine");
	fake_siginfo(&world.core, SIGSEGV);
	fake_thread(&world.core, 10, SIGSEGV, &regs);
	fake_thread(&world.core, 9, SIGSEGV, &regs);
	build();
	ck_assert_int_eq(tasks.list.items[0].signal, SIGSEGV);
	ck_assert_int_eq(tasks.list.items[1].signal, 0);
	ck_assert_int_eq(tasks.list.items[2].signal, 0);
	ck_assert_int_eq(tasks.list.items[2].id, 9);
}
END_TEST

START_TEST(no_threads)
{
	build();
	ck_assert_uint_eq(tasks.list.num, 0);
	fake_world_expect_gap(&world, "no-threads", true);
}
END_TEST

Suite *threads_suite(void)
{
	Suite *suite = suite_create("threads");
	TCase *tests = tcase_create("threads");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, state_by_registers);
	tcase_add_test(tests, registers_by_dwarf_number);
	tcase_add_test(tests, restarted_call);
	tcase_add_test(tests, stack_sizes);
	tcase_add_test(tests, only_the_first_took_the_signal);
	tcase_add_test(tests, no_threads);
	suite_add_tcase(suite, tests);
	return suite;
}
