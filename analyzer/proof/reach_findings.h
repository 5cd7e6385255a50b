/* reach_findings.h - what the search for unreachable objects found, in words. */
#ifndef CORELEAKS_PROOF_REACH_FINDINGS_H
#define CORELEAKS_PROOF_REACH_FINDINGS_H

#include "proof/lock_findings.h"
#include "task/stack_memory.h"

struct evidence_list {
	struct coreleaks_evidence *items;
	uint32_t num, capacity;
};

/* Adds a root to the graph for each object that nobody can reach; and gaps for what could not be
 * judged. */
void reach_findings_roots(struct wait_graph *graph, struct arena *arena, struct gaps *gaps,
			  struct native_reach *reach, const struct native_reach_input *input);
/* Splits groups of finished threads whose members nobody can join any more from the others. memory:
 * parallel to nptl's threads. */
void reach_findings_split(struct groups *groups, struct arena *arena,
			  const struct native_reach *reach, const struct nptl *nptl,
			  const struct stack_memory *memory);
/* Raises the findings about finished threads that nobody can join any more. */
void reach_findings_unjoined(struct findings *findings, struct arena *arena,
			     const struct native_reach *reach, const struct nptl *nptl);
/* The premises of one such root; object: its words. */
void reach_findings_evidence(struct evidence_list *list, struct arena *arena,
			     const struct lock_findings_input *input, const struct wait_root *root,
			     const char *object);

#endif
