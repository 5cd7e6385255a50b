/* go_candidates.h - which goroutines wait for what only another goroutine can do, and wait there
 * for certain. All others are alive, whatever they wait for: when in doubt, too. */
#ifndef CORELEAKS_PROOF_GO_CANDIDATES_H
#define CORELEAKS_PROOF_GO_CANDIDATES_H

#include "core/pages.h"
#include "stack/go_origins.h"
#include "task/go_heap_layout.h"
#include "task/go_queues.h"

enum go_role {
	GO_ROLE_LIVE,	     /* runs, or something outside of the program's memory wakes it */
	GO_ROLE_WAITS,	     /* in queues of objects: alive when one of these can be reached */
	GO_ROLE_NIL_CHANNEL, /* on nil channels alone: nothing ever wakes it */
	GO_ROLE_NO_CASES,    /* in a select without cases: the same */
};

struct go_candidates_input {
	const struct go_runtime *runtime;
	const struct go_heap_layout *layout;
	const struct goroutines *goroutines;
	const struct tasks *tasks;
	const struct go_origins *origins;
	const struct go_queues *queues;
	struct pages *pages;
	bool queued_out; /* only those that stand in no queue */
};

struct go_candidates {
	uint8_t *roles; /* enum go_role, parallel to goroutines */
	uint32_t num;	/* that are not live by their role */
};

void go_candidates_build(struct go_candidates *ret, struct arena *arena,
			 const struct go_candidates_input *input);

#endif
