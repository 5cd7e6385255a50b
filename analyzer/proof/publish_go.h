/* publish_go.h - what is known of a Go program, as coreleaks.h has it. */
#ifndef CORELEAKS_PROOF_PUBLISH_GO_H
#define CORELEAKS_PROOF_PUBLISH_GO_H

#include "proof/publish_tasks.h"

/* NULL: no Go program. A count of the runtime's own that differs is a gap. */
const struct coreleaks_go *publish_go(struct arena *arena, struct gaps *gaps,
				      const struct publish_go_input *input);

/* How long groups of goroutines wait, and the labels their members share. */
void publish_go_groups(struct coreleaks_group *groups, uint32_t num_groups, struct arena *arena,
		       const struct public_tasks *tasks, const struct go_facts *facts);

#endif
