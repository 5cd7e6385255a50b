#include "reason/reasons.h"

#include <sys/syscall.h>

/* What a thread asleep in a system call waits for. Other calls are given by number. */
static const struct {
	int32_t nr;
	const char *reason;
} rows[] = {
	{SYS_futex, "futex"},
	{449 /* futex_waitv, Linux 5.16 */, "futex"},
	{455 /* futex_wait, Linux 6.7 */, "futex"},
	{SYS_read, "read"},
	{SYS_readv, "read"},
	{SYS_pread64, "read"},
	{SYS_preadv, "read"},
	{SYS_write, "write"},
	{SYS_writev, "write"},
	{SYS_pwrite64, "write"},
	{SYS_pwritev, "write"},
	{SYS_accept, "accept"},
	{SYS_accept4, "accept"},
	{SYS_connect, "connect"},
	{SYS_recvfrom, "recv"},
	{SYS_recvmsg, "recv"},
	{SYS_recvmmsg, "recv"},
	{SYS_sendto, "send"},
	{SYS_sendmsg, "send"},
	{SYS_sendmmsg, "send"},
	{SYS_poll, "poll"},
	{SYS_ppoll, "poll"},
	{SYS_select, "select"},
	{SYS_pselect6, "select"},
	{SYS_epoll_wait, "epoll"},
	{SYS_epoll_pwait, "epoll"},
	{SYS_epoll_pwait2, "epoll"},
	{SYS_nanosleep, "sleep"},
	{SYS_clock_nanosleep, "sleep"},
	{SYS_wait4, "wait-child"},
	{SYS_waitid, "wait-child"},
	{SYS_pause, "pause"},
	{SYS_rt_sigsuspend, "signal"},
	{SYS_rt_sigtimedwait, "signal"},
	{SYS_flock, "flock"},
	{SYS_fcntl, "flock"},
	{SYS_semop, "semaphore"},
	{SYS_semtimedop, "semaphore"},
	{SYS_msgrcv, "message-queue"},
	{SYS_msgsnd, "message-queue"},
	{SYS_mq_timedreceive, "message-queue"},
	{SYS_mq_timedsend, "message-queue"},
	{SYS_io_uring_enter, "io-uring"},
	{SYS_io_getevents, "syscall:io_getevents"},
	{SYS_ioctl, "syscall:ioctl"},
	{SYS_open, "syscall:open"},
	{SYS_openat, "syscall:openat"},
	{SYS_close, "syscall:close"},
	{SYS_splice, "syscall:splice"},
	{SYS_sendfile, "syscall:sendfile"},
	{SYS_tee, "syscall:tee"},
	{SYS_keyctl, "syscall:keyctl"},
	{SYS_getrandom, "syscall:getrandom"},
};

static const char *reason_of(struct arena *arena, const struct task *task)
{
	if (task->state == CORELEAKS_STATE_RUNNING)
		return "running";
	if (!task->hint.blocked)
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].nr == task->hint.syscall_nr)
			return rows[i].reason;
	if (task->hint.syscall_nr == SYS_restart_syscall)
		return NULL;
	return arena_format(arena, "syscall:%d", task->hint.syscall_nr);
}

const char **reasons_build(struct arena *arena, const struct tasks *tasks)
{
	const char **reasons = arena_alloc_array(arena, tasks->list.num, sizeof(*reasons));
	for (uint32_t i = 0; i < tasks->list.num; i++)
		reasons[i] = reason_of(arena, &tasks->list.items[i]);
	return reasons;
}
