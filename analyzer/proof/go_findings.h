/* go_findings.h - what a Go program's goroutines show by their numbers, ages and marks. */
#ifndef CORELEAKS_PROOF_GO_FINDINGS_H
#define CORELEAKS_PROOF_GO_FINDINGS_H

#include "proof/findings.h"

/* Raises the verdicts (parallel to tasks) of those that Go itself found leaked. */
void go_findings_verdicts(enum coreleaks_verdict *verdicts, const struct groups_input *input);
/* Appends runtime-marked, long-wait and busy; groups must be split by the verdicts already. */
void go_findings_add(struct findings *findings, struct arena *arena, const struct groups *groups,
		     const struct groups_input *input);

#endif
