/* lock_findings.h - what the wait-for graph proves, and threads that nobody joins. */
#ifndef CORELEAKS_PROOF_LOCK_FINDINGS_H
#define CORELEAKS_PROOF_LOCK_FINDINGS_H

#include "proof/findings.h"
#include "proof/native_reach.h"
#include "proof/wait_graph.h"

struct lock_findings_input {
	const struct groups_input *groups; /* public tasks, stacks, options */
	const struct wait_graph *graph;
	const struct waits *waits;
	const struct nptl *nptl;
	const struct coreleaks_wait *const *public_waits; /* parallel to tasks */
	const struct native_reach *reach;
};

/* The verdict of each task by these findings alone; unknown where there is none. */
enum coreleaks_verdict *lock_findings_verdicts(struct arena *arena,
					       const struct lock_findings_input *input);
/* Appends the findings; groups must be split by the verdicts already. */
void lock_findings_add(struct findings *findings, struct arena *arena, const struct groups *groups,
		       const struct lock_findings_input *input);

#endif
