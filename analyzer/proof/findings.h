/* findings.h - what is claimed about groups: rule, certainty, evidence. */
#ifndef CORELEAKS_PROOF_FINDINGS_H
#define CORELEAKS_PROOF_FINDINGS_H

#include "group/groups.h"

struct findings {
	struct {
		struct coreleaks_finding
			*items; /* worst first; group numbers are indexes of groups */
		uint32_t num, capacity;
	} list;
	enum coreleaks_verdict *verdict_by_group; /* the strongest of its findings, else unknown */
};

/* Worst first. */
void findings_sort(struct findings *findings);
/* runaway-duplicates, population and unjoined-thread. */
void findings_build(struct findings *ret, struct arena *arena, const struct groups *groups,
		    const struct groups_input *input);

#endif
