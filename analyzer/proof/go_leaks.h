/* go_leaks.h - goroutines that nothing can wake any more, as findings: what each waits for, why
 * nothing reaches it, and how the like is avoided. */
#ifndef CORELEAKS_PROOF_GO_LEAKS_H
#define CORELEAKS_PROOF_GO_LEAKS_H

#include "proof/findings.h"
#include "proof/go_never.h"

struct go_leaks_input {
	const struct groups_input *groups;
	const struct go_reach *reach;
	const struct go_never *never;
	const struct goroutines *goroutines;
	const struct go_queues *queues;
	const struct go_runtime *runtime;
};

/* Raises the verdicts (parallel to tasks) of those that are proved, or likely, stuck. */
void go_leaks_verdicts(enum coreleaks_verdict *verdicts, const struct go_leaks_input *input);
/* Appends unreachable-wait, nil-channel and select-no-cases; groups must be split by the verdicts
 * already. */
void go_leaks_add(struct findings *findings, struct arena *arena, const struct groups *groups,
		  const struct go_leaks_input *input);

#endif
