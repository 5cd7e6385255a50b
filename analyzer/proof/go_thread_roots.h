/* go_thread_roots.h - pointers that Go's threads hold at the moment of the dump: all registers, and
 * whatever stack they stand on.
 *
 * Every thread counts that is not known to idle. A timer that has fired runs on its thread's own
 * stack with no goroutine, and is in no list any more: what its function closes over is in that
 * thread's hands alone. */
#ifndef CORELEAKS_PROOF_GO_THREAD_ROOTS_H
#define CORELEAKS_PROOF_GO_THREAD_ROOTS_H

#include "proof/go_mark.h"
#include "task/goroutines.h"

struct go_thread_roots {
	const struct go_runtime *runtime;
	const struct goroutines *goroutines;
	const struct tasks *tasks;
	const struct notes *notes;
	struct image *image;
	bool *busy;		      /* by M: it may hold pointers */
	uint32_t num_threads;	      /* that were looked at */
	uint32_t num_missing;	      /* Ms at work whose threads the core does not have */
	uint32_t num_without_vectors; /* threads whose vector registers the core does not have */
	uint32_t num_lost;	      /* that stand on a stack of which no end is known */
};

void go_thread_roots_init(struct go_thread_roots *roots, struct arena *arena);
void go_thread_roots_mark(struct go_thread_roots *roots, struct go_marker *marker);
/* The processors that threads at work hold, word by word: they keep registers there (since 1.26,
 * runtime/preempt_xreg.go). */
void go_thread_roots_processors(struct go_thread_roots *roots, struct go_marker *marker);

#endif
