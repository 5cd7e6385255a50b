/* wait_graph.h - which task waits for which: locks' owners and joined threads.
 *
 * Every task waits for at most one other, so a walk finds every cycle in linear time. An edge is
 * only made when all its premises were read; what weakens one is kept as its caveat.
 * A thread sleeps as a whole: a handler on another stack or a coroutine that waits keeps all of it
 * waiting, and no switch of stacks lets go of a lock. So a waiter's stack is no premise. */
#ifndef CORELEAKS_PROOF_WAIT_GRAPH_H
#define CORELEAKS_PROOF_WAIT_GRAPH_H

#include "proof/premises.h"
#include "reason/waits.h"

/* What keeps an edge from being proved. */
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
};

struct wait_edge {
	int32_t to;	    /* task; -1: waits for no task that is known for sure */
	uint32_t caveats;   /* of enum wait_caveat; 0: proved */
	int32_t blocked_by; /* the same, where the wait may also end by itself, or where the object
			       only looks like a lock; -1: nobody known */
};

enum wait_root_kind {
	WAIT_ROOT_CYCLE,     /* tasks that wait for each other; one: for itself */
	WAIT_ROOT_ABANDONED, /* tasks that wait for a lock whose owner no longer exists */
};

/* Where waiting ends for good. */
struct wait_root {
	enum wait_root_kind kind;
	uint32_t *tasks; /* cycle: in waiting order from the lowest id; else by id */
	uint32_t num_tasks;
	uint32_t *behind; /* tasks stuck behind these, by id */
	uint32_t num_behind;
	uint32_t caveats;	 /* of the root's own tasks; 0: proved */
	uint32_t behind_caveats; /* of those behind */
};

struct wait_graph {
	struct wait_edge *edges; /* parallel to tasks */
	struct {
		struct wait_root *items; /* by the lowest id in them */
		uint32_t num, capacity;
	} roots;
};

struct wait_graph_input {
	const struct tasks *tasks;
	const struct waits *waits;
	const struct nptl *nptl;
	const struct notes *notes;
	const struct modules *modules;
	bool notes_whole; /* no thread's note was lost */
	bool coroutines;  /* some thread runs on a stack that is not its own */
	struct program_powers powers;
};

/* Does nothing but POSIX keep others than its owner from unlocking it? True of glibc's normal and
 * adaptive mutexes, read-write locks and locks of streams; all others are checked, by glibc or by
 * the kernel (nptl/pthread_mutex_unlock.c, pthread_rwlock_common.c, libio's lowlevellock). */
bool wait_graph_anyone_unlocks(const struct wait *wait);
/* The words for one caveat. */
const char *wait_graph_caveat(enum wait_caveat caveat);
void wait_graph_build(struct wait_graph *ret, struct arena *arena,
		      const struct wait_graph_input *input);

#endif
