/* blockers.h - who keeps others waiting: where each chain of waiting ends.
 *
 * No proof, so time limits and objects that only look like locks count, too. A chain ends at a
 * task that waits for nobody who is known, or for one that is stuck: of those the graph's roots
 * tell. A circle that is no root ends at the member whose wait may end by itself. */
#ifndef CORELEAKS_PROOF_BLOCKERS_H
#define CORELEAKS_PROOF_BLOCKERS_H

#include "proof/wait_graph.h"

struct blocker {
	uint32_t task;
	uint32_t *blocked; /* tasks that wait for it, directly or through others, by id */
	uint32_t num_blocked;
	uint32_t *direct; /* those of them that wait for it alone, by id */
	uint32_t num_direct;
};

struct blockers {
	struct blocker *items; /* most blocked first, then by id */
	uint32_t num, capacity;
};

void blockers_build(struct blockers *ret, struct arena *arena, const struct wait_graph *graph,
		    const struct tasks *tasks);

#endif
