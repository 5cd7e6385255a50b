/* wait_graph.h - which task waits for which: locks' owners and joined threads.
 *
 * Every task waits for at most one other, so a walk finds every cycle in linear time. An edge is
 * only made when all its premises were read; what weakens one is kept as its caveat.
 * A thread sleeps as a whole: a handler on another stack or a coroutine that waits keeps all of it
 * waiting, and no switch of stacks lets go of a lock. So a waiter's stack is no premise. */
#ifndef CORELEAKS_PROOF_WAIT_GRAPH_H
#define CORELEAKS_PROOF_WAIT_GRAPH_H

#include "proof/premises.h"
#include "proof/wait_caveats.h"
#include "reason/waits.h"

struct wait_edge {
	int32_t to;	    /* task; -1: waits for no task that is known for sure */
	uint32_t caveats;   /* of enum wait_caveat; 0: proved */
	int32_t blocked_by; /* the same, where the wait may also end by itself, or where the object
			       only looks like a lock; -1: nobody known */
};

enum wait_root_kind {
	WAIT_ROOT_CYCLE,       /* tasks that wait for each other; one: for itself */
	WAIT_ROOT_ABANDONED,   /* tasks that wait for a lock whose owner no longer exists */
	WAIT_ROOT_UNREACHABLE, /* tasks that wait for an object that nobody live can name */
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
	bool has_edges;		 /* some task waits for another */
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
/* Finds who waits for whom, circles, and abandoned locks. */
void wait_graph_build(struct wait_graph *ret, struct arena *arena,
		      const struct wait_graph_input *input);
/* Adds tasks that wait for good; only before wait_graph_finish(). */
void wait_graph_add_root(struct wait_graph *graph, struct arena *arena,
			 const struct wait_root *root);
/* Finds who is stuck behind the roots. */
void wait_graph_finish(struct wait_graph *graph, struct arena *arena,
		       const struct wait_graph_input *input);

#endif
