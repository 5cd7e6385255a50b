/* go_never.h - goroutines that wait for what can never come: on nil channels alone, or in a select
 * without cases. That nothing wakes them needs no search: each one's own record and stack say so.
 */
#ifndef CORELEAKS_PROOF_GO_NEVER_H
#define CORELEAKS_PROOF_GO_NEVER_H

#include "proof/go_reach.h"
#include "stack/stacks.h"

struct go_never {
	uint8_t *roles; /* enum go_role, parallel to goroutines: GO_ROLE_LIVE, or for ever */
	struct {
		const char **items; /* what weakens the proof */
		uint32_t num, capacity;
	} caveats;
};

void go_never_build(struct go_never *ret, struct arena *arena, const struct go_reach_input *input,
		    const struct stacks *stacks);

#endif
