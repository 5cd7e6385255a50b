/* wait_caveats.h - what keeps a wait from being proved to last for ever, and the words for it. */
#ifndef CORELEAKS_PROOF_WAIT_CAVEATS_H
#define CORELEAKS_PROOF_WAIT_CAVEATS_H

/* Bits. */
enum wait_caveat {
	WAIT_CAVEAT_SHARED_LOCK = 1,   /* another process may hold and unlock it */
	WAIT_CAVEAT_SHARED_MEMORY = 2, /* the same, for all that is known */
	WAIT_CAVEAT_CANCELLED = 4,     /* the wait may end by cancelling or signalling */
	/* A lock records the thread that took it. What took it as a coroutine may go on, and unlock
	 * it, in another thread, unless glibc or the kernel has only the owner unlock it. */
	WAIT_CAVEAT_COROUTINES = 8,
	WAIT_CAVEAT_CANCELLED_ANYWHERE = 16, /* asynchronous cancellation ends any wait */
	WAIT_CAVEAT_LEFT = 32,		     /* a signal handler may jump out of the wait */
	WAIT_CAVEAT_UNREAD = 64,	     /* any of these, for all that is known */
	WAIT_CAVEAT_FORKED = 128,	     /* a child's thread may unlock for its parent's */
	/* Of what nobody can reach: who can, all the same, for all that is known. */
	WAIT_CAVEAT_KERNEL = 256, /* the kernel may hold a pointer: epoll, io_uring, timers … */
	WAIT_CAVEAT_PIPES = 512,  /* a pointer may be on its way through a pipe */
	WAIT_CAVEAT_SYSCALLS = 1024,   /* the program may do either by system calls of its own */
	WAIT_CAVEAT_UNDUMPED = 2048,   /* memory that is not in the core may hold a pointer */
	WAIT_CAVEAT_SHARERS = 4096,    /* a process that is not in the core may */
	WAIT_CAVEAT_BEFORE = 8192,     /* a word leads to shortly before it */
	WAIT_CAVEAT_SIGNALLED = 16384, /* a signal may end it, or its handler post it */
	WAIT_CAVEAT_HALVES = 32768,    /* a coroutine may have a pointer as two numbers */
};

/* The words for one of them; NULL: there is no such. */
const char *wait_caveats_words(enum wait_caveat caveat);

#endif
