/* waits.h - what each task waits for: the reason, the object, who holds it.
 *
 * In: the registers at the system call, glibc's descriptors, names of the innermost frames.
 * Out: one wait a task. An object's kind is certain when its library says so (a descriptor, the
 * cleanup buffer, the API function on the stack); by its shape alone it only looks like one. */
#ifndef CORELEAKS_REASON_WAITS_H
#define CORELEAKS_REASON_WAITS_H

#include "stack/stacks.h"
#include "task/nptl.h"

enum wait_object {
	WAIT_NO_OBJECT,
	WAIT_MUTEX,
	WAIT_RWLOCK,
	WAIT_CONDITION,
	WAIT_SEMAPHORE,
	WAIT_BARRIER,
	WAIT_THREAD, /* joins it; addr is its descriptor */
	WAIT_ONCE,
	WAIT_FUTEX,
	WAIT_FD, /* addr is the file descriptor */
};

enum wait_clock {
	WAIT_FOREVER,
	WAIT_REMAINING, /* timeout_ns from when it began, or what is left of it */
	WAIT_UNTIL_REALTIME,
	WAIT_UNTIL_MONOTONIC,
};

/* What a read-write lock counts. */
struct rwlock_counts {
	bool known;
	bool write_locked;	      /* a writer holds it */
	uint32_t num_readers;	      /* that hold it; who, is not recorded */
	uint32_t num_writers_waiting; /* for it */
};

struct wait {
	const char *reason; /* the report's word; NULL unknown */
	enum wait_object object;
	bool certain;	     /* of the object's kind */
	bool in_flight;	     /* the futex word has changed: its wake-up is under way */
	bool word_known;     /* the futex word could be read */
	uint64_t addr;	     /* of the object */
	uint64_t mutex_addr; /* condition: the mutex it gave up; 0 none */
	uint64_t futex_addr; /* 0: no futex */
	uint32_t mutex_kind; /* mutex: glibc's __kind (type, robust 16, PI 32, shared 128) */
	enum wait_clock clock;
	int64_t timeout_ns; /* see clock; nanoseconds */
	int32_t holder_tid; /* as the object records it; 0 none */
	int32_t holder;	    /* the holder's index in nptl.threads; -1 none, or unknown */
	const char *what;   /* the object's type in its library's words; NULL */
	struct rwlock_counts rwlock;
	bool refused; /* mutex: the kernel refused it (EDEADLK, ESRCH); glibc sleeps on a word that
			 nobody else knows, so that nothing but a time limit ends this wait */
};

struct waits {
	struct wait **by_task; /* tasks that wait for nothing of their own share one */
	/* Parallel to the stacks' interrupted: what each did before its signal came; in_flight: the
	 * futex word has changed since. */
	struct wait *interrupted;
};

void waits_build(struct waits *ret, struct arena *arena, const struct tasks *tasks,
		 const struct nptl *nptl, const struct stacks *stacks, struct image *image);
const char *wait_object_name(enum wait_object object);

#endif
