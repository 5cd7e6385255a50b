/* holders.h - who may hold a lock that does not record its holder.
 *
 * In: the waits, all tasks' live stacks and registers. Out: for each such lock the tasks that have
 * its address where they still use it. A candidate may have let go of the lock, or may only know
 * it: candidates prove nothing, and no later floor may take one for a holder. */
#ifndef CORELEAKS_REASON_HOLDERS_H
#define CORELEAKS_REASON_HOLDERS_H

#include "base/progress.h"
#include "reason/waits.h"

enum { HOLDERS_MAX_CANDIDATES = 16 };

struct holders_of {
	struct coreleaks_candidate candidates[HOLDERS_MAX_CANDIDATES]; /* the best first */
	uint32_t num;						       /* elements of candidates */
	uint32_t num_all; /* with those that had no room */
};

/* Keeps the best of them in order. */
void holders_of_add(struct holders_of *found, const struct tasks *tasks,
		    struct coreleaks_candidate candidate);

struct holders {
	const struct holders_of **by_task; /* of what the task waits for; NULL: not searched for */
};

struct holders_input {
	const struct tasks *tasks;
	const struct waits *waits;
	const struct stacks *stacks;
	struct unwinder *unwinder;
};

void holders_build(struct holders *ret, struct arena *arena, struct gaps *gaps,
		   struct progress *progress, const struct holders_input *input);

#endif
