/* publish_go.h - what is known of a Go program, as coreleaks.h has it. */
#ifndef CORELEAKS_PROOF_PUBLISH_GO_H
#define CORELEAKS_PROOF_PUBLISH_GO_H

#include "stack/go_origins.h"
#include "task/go_facts.h"

struct publish_go_input {
	const struct go_runtime *runtime;
	const struct goroutines *goroutines;
	const struct go_facts *facts;
	const struct go_origins *origins;
	const struct tasks *tasks;
	struct image *image;
	const struct modules *modules;
};

/* NULL: no Go program. A count of the runtime's own that differs is a gap. */
const struct coreleaks_go *publish_go(struct arena *arena, struct gaps *gaps,
				      const struct publish_go_input *input);

/* What is known of goroutines and of the runtime's threads; tasks are parallel to input->tasks. */
void publish_goroutines(struct coreleaks_task *tasks, struct arena *arena,
			const struct publish_go_input *input);

/* How long groups of goroutines wait, and the labels their members share. */
void publish_go_groups(struct coreleaks_group *groups, uint32_t num_groups, struct arena *arena,
		       const struct coreleaks_task *tasks, const struct go_facts *facts);

#endif
