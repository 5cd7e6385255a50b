#include "reason/syscalls.h"

#include <stddef.h>
#include <sys/syscall.h>

static const struct syscall_row rows[] = {
	{449 /* futex_waitv, Linux 5.16 */, "futex", -1, -1, SYSCALL_NO_TIMEOUT},
	{455 /* futex_wait, Linux 6.7 */, "futex", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_read, "read", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_readv, "read", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_pread64, "read", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_preadv, "read", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_write, "write", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_writev, "write", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_pwrite64, "write", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_pwritev, "write", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_accept, "accept", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_accept4, "accept", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_connect, "connect", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_recvfrom, "recv", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_recvmsg, "recv", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_recvmmsg, "recv", 0, 4, SYSCALL_TIMESPEC},
	{SYS_sendto, "send", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_sendmsg, "send", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_sendmmsg, "send", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_poll, "poll", -1, 2, SYSCALL_MILLISECONDS},
	{SYS_ppoll, "poll", -1, 2, SYSCALL_TIMESPEC},
	{SYS_select, "select", -1, 4, SYSCALL_TIMEVAL},
	{SYS_pselect6, "select", -1, 4, SYSCALL_TIMESPEC},
	{SYS_epoll_wait, "epoll", 0, 3, SYSCALL_MILLISECONDS},
	{SYS_epoll_pwait, "epoll", 0, 3, SYSCALL_MILLISECONDS},
	{SYS_epoll_pwait2, "epoll", 0, 3, SYSCALL_TIMESPEC},
	{SYS_wait4, "wait-child", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_waitid, "wait-child", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_pause, "pause", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_rt_sigsuspend, "signal", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_rt_sigtimedwait, "signal", -1, 2, SYSCALL_TIMESPEC},
	{SYS_flock, "flock", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_fcntl, "flock", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_semop, "semaphore", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_semtimedop, "semaphore", -1, 3, SYSCALL_TIMESPEC},
	{SYS_msgrcv, "message-queue", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_msgsnd, "message-queue", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_mq_timedreceive, "message-queue", 0, 4, SYSCALL_DEADLINE},
	{SYS_mq_timedsend, "message-queue", 0, 4, SYSCALL_DEADLINE},
	{SYS_io_uring_enter, "io-uring", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_io_getevents, "syscall:io_getevents", -1, 4, SYSCALL_TIMESPEC},
	{SYS_clone, "syscall:clone", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_clone3, "syscall:clone3", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_fork, "syscall:fork", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_vfork, "syscall:vfork", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_execve, "syscall:execve", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_exit, "syscall:exit", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_fsync, "syscall:fsync", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_fdatasync, "syscall:fdatasync", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_ioctl, "syscall:ioctl", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_open, "syscall:open", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_openat, "syscall:openat", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_close, "syscall:close", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_splice, "syscall:splice", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_sendfile, "syscall:sendfile", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_tee, "syscall:tee", 0, -1, SYSCALL_NO_TIMEOUT},
	{SYS_keyctl, "syscall:keyctl", -1, -1, SYSCALL_NO_TIMEOUT},
	{SYS_getrandom, "syscall:getrandom", -1, -1, SYSCALL_NO_TIMEOUT},
};

const struct syscall_row *syscall_row_find(int32_t nr)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].nr == nr)
			return &rows[i];
	return NULL;
}
