#include "reason/syscalls.h"
#include "reason/waits.h"

#include <check.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>

Suite *waits_suite(void);

enum { MAX_TASKS = 64 };

static struct arena arena;
static struct tasks tasks;
static struct stacks stacks;
static struct coreleaks_stack no_stack;
static const char *no_callee;
static struct nptl nptl;
static struct modules modules;
static struct image image;
static struct waits waits;
static uint32_t stack_by_task[MAX_TASKS];
static int32_t thread_by_task[MAX_TASKS];

static void setup(void)
{
	arena_init(&arena, 0);
	memset(&tasks, 0, sizeof(tasks));
	memset(&nptl, 0, sizeof(nptl));
	memset(&modules, 0, sizeof(modules));
	memset(&image, 0, sizeof(image));
	memset(&waits, 0, sizeof(waits));
	for (int i = 0; i < MAX_TASKS; i++)
		thread_by_task[i] = -1;
	nptl.by_task = thread_by_task;
	stacks = (struct stacks){.by_task = stack_by_task};
	stacks.list.items = &no_stack;
	stacks.list.num = 1;
	stacks.callees = &no_callee;
	image.modules = &modules;
}

static void teardown(void)
{
	arena_deinit(&arena);
}

static struct wait_hint *add(int32_t nr, bool blocked)
{
	struct task *task = array_add(&arena, &tasks.list);
	*task = (struct task){
		.kind = CORELEAKS_KIND_THREAD,
		.state = blocked ? CORELEAKS_STATE_WAITING : CORELEAKS_STATE_RUNNING,
		.hint = {.syscall_nr = nr, .blocked = blocked},
	};
	return &task->hint;
}

static const struct wait *build(void)
{
	static const struct dump empty;
	image.dump = &empty;
	waits_build(&waits, &arena, &tasks, &nptl, &stacks, &image);
	return waits.by_task;
}

/* The words of formats.md, section 2, and the argument that is a file descriptor. */
static const struct {
	int32_t nr;
	const char *reason;
	int fd_arg;
} rows[] = {
	{SYS_nanosleep, "sleep", -1},
	{SYS_clock_nanosleep, "sleep", -1},
	{SYS_epoll_wait, "epoll", 0},
	{SYS_epoll_pwait, "epoll", 0},
	{SYS_epoll_pwait2, "epoll", 0},
	{SYS_poll, "poll", -1},
	{SYS_ppoll, "poll", -1},
	{SYS_select, "select", -1},
	{SYS_pselect6, "select", -1},
	{SYS_read, "read", 0},
	{SYS_readv, "read", 0},
	{SYS_pread64, "read", 0},
	{SYS_write, "write", 0},
	{SYS_writev, "write", 0},
	{SYS_pwrite64, "write", 0},
	{SYS_accept, "accept", 0},
	{SYS_accept4, "accept", 0},
	{SYS_connect, "connect", 0},
	{SYS_recvfrom, "recv", 0},
	{SYS_recvmsg, "recv", 0},
	{SYS_sendto, "send", 0},
	{SYS_sendmsg, "send", 0},
	{SYS_wait4, "wait-child", -1},
	{SYS_waitid, "wait-child", -1},
	{SYS_rt_sigsuspend, "signal", -1},
	{SYS_rt_sigtimedwait, "signal", -1},
	{SYS_flock, "flock", 0},
	{SYS_msgrcv, "message-queue", -1},
	{SYS_mq_timedreceive, "message-queue", 0},
	{SYS_io_uring_enter, "io-uring", 0},
	{SYS_pause, "pause", -1},
	{SYS_ioctl, "syscall:ioctl", 0},
};

START_TEST(words)
{
	enum { NUM = sizeof(rows) / sizeof(rows[0]) };
	for (int i = 0; i < NUM; i++)
		add(rows[i].nr, true)->args[0] = 7;
	const struct wait *wait = build();
	for (int i = 0; i < NUM; i++) {
		ck_assert_msg(wait[i].reason != NULL && strcmp(wait[i].reason, rows[i].reason) == 0,
			      "system call %d: %s", rows[i].nr,
			      wait[i].reason != NULL ? wait[i].reason : "NULL");
		bool is_fd = wait[i].object == WAIT_FD && wait[i].addr == 7 && wait[i].certain;
		ck_assert_msg(is_fd == (rows[i].fd_arg == 0), "fd of system call %d", rows[i].nr);
	}
}
END_TEST

/* Not asleep is running, whatever call it last made. */
START_TEST(running)
{
	add(-1, false);
	add(SYS_futex, false);
	const struct wait *wait = build();
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(wait[i].reason, "running");
		ck_assert_int_eq(wait[i].object, WAIT_NO_OBJECT);
		ck_assert_int_eq(wait[i].holder, -1);
	}
}
END_TEST

START_TEST(calls_without_a_word)
{
	add(SYS_fsync, true);
	add(100000, true);
	add(INT32_MAX, true);
	const struct wait *wait = build();
	ck_assert_int_eq(strncmp(wait[0].reason, "syscall:", 8), 0);
	ck_assert_int_eq(strncmp(wait[1].reason, "syscall:", 8), 0);
	ck_assert_str_ne(wait[0].reason, wait[1].reason);
	ck_assert_int_eq(strncmp(wait[2].reason, "syscall:", 8), 0);
}
END_TEST

/* "Do not claim sleeping from restart_syscall alone." */
START_TEST(restarted_call_is_unknown)
{
	add(SYS_restart_syscall, true);
	ck_assert_ptr_null(build()[0].reason);
}
END_TEST

START_TEST(timeouts_are_told)
{
	struct wait_hint *hint = add(SYS_poll, true);
	hint->args[2] = 2500;
	add(SYS_poll, true)->args[2] = (uint32_t)-1;
	/* A pointer to what is not in the core: there is a limit, whatever it is. */
	add(SYS_ppoll, true)->args[2] = 0x1000;
	add(SYS_ppoll, true);
	add(SYS_nanosleep, true);
	const struct wait *wait = build();
	ck_assert_int_eq(wait[0].clock, WAIT_REMAINING);
	ck_assert_int_eq(wait[0].timeout_ns, INT64_C(2500000000));
	ck_assert_int_eq(wait[1].clock, WAIT_FOREVER);
	ck_assert_int_eq(wait[2].clock, WAIT_REMAINING);
	ck_assert_int_eq(wait[2].timeout_ns, 0);
	ck_assert_int_eq(wait[3].clock, WAIT_FOREVER);
	ck_assert_int_eq(wait[4].clock, WAIT_REMAINING);
}
END_TEST

/* The clock of a futex's limit follows from its operation. */
START_TEST(futex_clocks)
{
	static const struct {
		uint64_t op;
		enum wait_clock clock;
	} ops[] = {
		{FUTEX_WAIT, WAIT_REMAINING},
		{FUTEX_WAIT_BITSET, WAIT_UNTIL_MONOTONIC},
		{FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, WAIT_UNTIL_REALTIME},
		{FUTEX_LOCK_PI, WAIT_UNTIL_REALTIME},
	};
	enum { NUM = sizeof(ops) / sizeof(ops[0]) };
	for (int i = 0; i < NUM; i++) {
		struct wait_hint *hint = add(SYS_futex, true);
		hint->args[0] = 0x5000;
		hint->args[1] = ops[i].op | FUTEX_PRIVATE_FLAG;
		hint->args[3] = 0x6000;
	}
	add(SYS_futex, true)->args[0] = 0x5000;
	const struct wait *wait = build();
	for (int i = 0; i < NUM; i++) {
		ck_assert_int_eq(wait[i].clock, ops[i].clock);
		ck_assert_uint_eq(wait[i].futex_addr, 0x5000);
		ck_assert(!wait[i].word_known && !wait[i].in_flight);
	}
	ck_assert_int_eq(wait[NUM].clock, WAIT_FOREVER);
}
END_TEST

START_TEST(object_names)
{
	ck_assert_ptr_null(wait_object_name(WAIT_NO_OBJECT));
	ck_assert_str_eq(wait_object_name(WAIT_MUTEX), "mutex");
	ck_assert_str_eq(wait_object_name(WAIT_THREAD), "thread");
	ck_assert_str_eq(wait_object_name(WAIT_FD), "fd");
	ck_assert_ptr_null(wait_object_name((enum wait_object)99));
}
END_TEST

START_TEST(no_tasks)
{
	ck_assert_uint_eq(tasks.list.num, 0);
	build();
}
END_TEST

Suite *waits_suite(void)
{
	Suite *suite = suite_create("waits");
	TCase *tests = tcase_create("waits");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, words);
	tcase_add_test(tests, running);
	tcase_add_test(tests, calls_without_a_word);
	tcase_add_test(tests, restarted_call_is_unknown);
	tcase_add_test(tests, timeouts_are_told);
	tcase_add_test(tests, futex_clocks);
	tcase_add_test(tests, object_names);
	tcase_add_test(tests, no_tasks);
	suite_add_tcase(suite, tests);
	return suite;
}
