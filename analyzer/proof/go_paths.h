/* go_paths.h - what keeps the object of a waiting goroutine reachable: from the object back to the
 * variable, timer or stack that the search came from. Needs parents to have been kept. */
#ifndef CORELEAKS_PROOF_GO_PATHS_H
#define CORELEAKS_PROOF_GO_PATHS_H

#include "proof/go_reach.h"
#include "proof/publish_tasks.h"
#include "task/go_types.h"

struct go_paths_input {
	struct go_reach *reach;
	const struct go_reach_input *search;
	struct elf_files *files; /* for names of variables */
	const char *wish;	 /* "goroutine:42", an object's "0x…", anything else, or NULL */
	const uint32_t *firsts;	 /* tasks to explain besides */
	uint32_t num_firsts;
};

/* Fills keeper of all tasks, and kept_by of the waits that are wished for; waits are parallel to
 * tasks. */
void go_paths_publish(struct public_tasks *tasks, const struct coreleaks_wait **waits,
		      struct arena *arena, const struct go_paths_input *input);

#endif
