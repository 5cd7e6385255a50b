/* syscalls.h - what a thread asleep in a system call waits for: a table. */
#ifndef CORELEAKS_REASON_SYSCALLS_H
#define CORELEAKS_REASON_SYSCALLS_H

#include <stdint.h>

enum syscall_timeout {
	SYSCALL_NO_TIMEOUT,
	SYSCALL_MILLISECONDS, /* the argument itself; negative: none */
	SYSCALL_TIMESPEC,     /* a pointer; NULL: none */
	SYSCALL_TIMEVAL,
	SYSCALL_DEADLINE, /* a pointer to an absolute struct timespec, CLOCK_REALTIME */
};

struct syscall_row {
	int32_t nr;
	const char *reason;
	int8_t fd_arg;	    /* argument that is the file descriptor or id; -1 none */
	int8_t timeout_arg; /* -1 none */
	enum syscall_timeout timeout;
};

/* NULL: no row. */
const struct syscall_row *syscall_row_find(int32_t nr);

#endif
