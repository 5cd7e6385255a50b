#include "reason/reasons.h"

#include <check.h>
#include <string.h>
#include <sys/syscall.h>

Suite *reasons_suite(void);

static struct arena arena;
static struct tasks tasks;

static void setup(void)
{
	arena_init(&arena, 0);
	memset(&tasks, 0, sizeof(tasks));
}

static void teardown(void)
{
	arena_deinit(&arena);
}

static void add(int32_t nr, bool blocked)
{
	*array_add(&arena, &tasks.list) = (struct task){
		.kind = CORELEAKS_KIND_THREAD,
		.state = blocked ? CORELEAKS_STATE_WAITING : CORELEAKS_STATE_RUNNING,
		.hint = {.syscall_nr = nr, .blocked = blocked},
	};
}

/* The words of formats.md, section 2. */
static const struct {
	int32_t nr;
	const char *reason;
} rows[] = {
	{SYS_futex, "futex"},
	{449, "futex"},
	{455, "futex"},
	{SYS_nanosleep, "sleep"},
	{SYS_clock_nanosleep, "sleep"},
	{SYS_epoll_wait, "epoll"},
	{SYS_epoll_pwait, "epoll"},
	{SYS_epoll_pwait2, "epoll"},
	{SYS_poll, "poll"},
	{SYS_ppoll, "poll"},
	{SYS_select, "select"},
	{SYS_pselect6, "select"},
	{SYS_read, "read"},
	{SYS_readv, "read"},
	{SYS_pread64, "read"},
	{SYS_write, "write"},
	{SYS_writev, "write"},
	{SYS_pwrite64, "write"},
	{SYS_accept, "accept"},
	{SYS_accept4, "accept"},
	{SYS_connect, "connect"},
	{SYS_recvfrom, "recv"},
	{SYS_recvmsg, "recv"},
	{SYS_sendto, "send"},
	{SYS_sendmsg, "send"},
	{SYS_wait4, "wait-child"},
	{SYS_waitid, "wait-child"},
	{SYS_rt_sigsuspend, "signal"},
	{SYS_rt_sigtimedwait, "signal"},
	{SYS_flock, "flock"},
	{SYS_msgrcv, "message-queue"},
	{SYS_mq_timedreceive, "message-queue"},
	{SYS_io_uring_enter, "io-uring"},
	{SYS_pause, "pause"},
};

START_TEST(words)
{
	enum { NUM = sizeof(rows) / sizeof(rows[0]) };
	for (int i = 0; i < NUM; i++)
		add(rows[i].nr, true);
	const char **reasons = reasons_build(&arena, &tasks);
	for (int i = 0; i < NUM; i++)
		ck_assert_msg(reasons[i] != NULL && strcmp(reasons[i], rows[i].reason) == 0,
			      "system call %d: %s", rows[i].nr,
			      reasons[i] != NULL ? reasons[i] : "NULL");
}
END_TEST

/* Not asleep is running, whatever call it last made. */
START_TEST(running)
{
	add(-1, false);
	add(SYS_futex, false);
	const char **reasons = reasons_build(&arena, &tasks);
	ck_assert_str_eq(reasons[0], "running");
	ck_assert_str_eq(reasons[1], "running");
}
END_TEST

START_TEST(calls_without_a_word)
{
	add(SYS_ioctl, true);
	add(SYS_fsync, true);
	add(100000, true);
	add(INT32_MAX, true);
	const char **reasons = reasons_build(&arena, &tasks);
	ck_assert_str_eq(reasons[0], "syscall:ioctl");
	ck_assert_int_eq(strncmp(reasons[1], "syscall:", 8), 0);
	ck_assert_int_eq(strncmp(reasons[2], "syscall:", 8), 0);
	ck_assert_str_ne(reasons[1], reasons[2]);
	ck_assert_int_eq(strncmp(reasons[3], "syscall:", 8), 0);
}
END_TEST

/* "Do not claim sleeping from restart_syscall alone." */
START_TEST(restarted_call_is_unknown)
{
	add(SYS_restart_syscall, true);
	const char **reasons = reasons_build(&arena, &tasks);
	ck_assert_ptr_null(reasons[0]);
}
END_TEST

START_TEST(no_tasks)
{
	reasons_build(&arena, &tasks);
}
END_TEST

Suite *reasons_suite(void)
{
	Suite *suite = suite_create("reasons");
	TCase *tests = tcase_create("reasons");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, words);
	tcase_add_test(tests, running);
	tcase_add_test(tests, calls_without_a_word);
	tcase_add_test(tests, restarted_call_is_unknown);
	tcase_add_test(tests, no_tasks);
	suite_add_tcase(suite, tests);
	return suite;
}
