#include "proof/wait_caveats.h"

#include <stddef.h>

const char *wait_caveats_words(enum wait_caveat caveat)
{
	switch (caveat) {
	case WAIT_CAVEAT_SHARED_LOCK:
		return "the lock is shared between processes";
	case WAIT_CAVEAT_SHARED_MEMORY:
		return "the lock lies in memory that other processes may share";
	case WAIT_CAVEAT_CANCELLED:
		return "the program can cancel or signal threads";
	case WAIT_CAVEAT_COROUTINES:
		return "code runs on stacks besides the threads': a coroutine may unlock what "
		       "another "
		       "thread locked";
	case WAIT_CAVEAT_CANCELLED_ANYWHERE:
		return "the program can cancel threads wherever they are";
	case WAIT_CAVEAT_LEFT:
		return "a signal handler of the program may jump out of the wait, or end the "
		       "thread";
	case WAIT_CAVEAT_UNREAD:
		return "the program is static, or files of it are missing or not verified: whether "
		       "a signal or cancelling may end the wait is not known";
	case WAIT_CAVEAT_FORKED:
		return "the program forks: in a child the thread that forked may unlock what it "
		       "locked in the parent";
	case WAIT_CAVEAT_KERNEL:
		return "the kernel may hold a pointer to it: the program can use epoll, io_uring, "
		       "timers or asynchronous input and output";
	case WAIT_CAVEAT_PIPES:
		return "a pointer to it may be on its way through a pipe or socket or a message "
		       "queue";
	case WAIT_CAVEAT_SYSCALLS:
		return "the program makes system calls of its own, by which the kernel may hold a "
		       "pointer to it";
	case WAIT_CAVEAT_UNDUMPED:
		return "writable memory that is not in the core (never touched, shared, or "
		       "MADV_DONTDUMP) may hold a pointer to it";
	case WAIT_CAVEAT_SHARERS:
		return "the program can make processes that share its memory: their registers, "
		       "which may hold a pointer to it, are not in the core";
	case WAIT_CAVEAT_SIGNALLED:
		return "a signal that the program handles may end the wait for a semaphore, or its "
		       "handler post it";
	case WAIT_CAVEAT_HALVES:
		return "a coroutine that has not begun may have a pointer to it in two halves, as "
		       "makecontext() hands them on";
	case WAIT_CAVEAT_BEFORE:
		return "a live word leads to shortly before it, or before what leads to it: as a "
		       "pointer to an array that counts from one would";
	}
	return NULL;
}
