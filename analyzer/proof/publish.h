/* publish.h - puts the floors' columns together into the structs of coreleaks.h. */
#ifndef CORELEAKS_PROOF_PUBLISH_H
#define CORELEAKS_PROOF_PUBLISH_H

#include "proof/blockers.h"
#include "proof/findings.h"
#include "proof/rule_verdicts.h"
#include "reason/holders.h"
#include "stack/stacks.h"
#include "task/starts.h"

struct published {
	struct coreleaks_group *groups; /* shown ones first, then by verdict, count, signature */
	uint32_t num_groups;
	struct coreleaks_finding *findings; /* group numbers are indexes of groups */
	uint32_t num_findings;
	struct coreleaks_blocker *blockers;
	uint32_t num_blockers;
};

struct publish_names {
	const char **objects;		  /* symbol of each task's object; NULL unknown */
	const char **interrupted_objects; /* the same of the stacks' interrupted */
	const char **starts; /* name of each nptl thread's start routine; NULL unknown */
};

struct publish_waits_input {
	const struct tasks *tasks;
	const struct stacks *stacks;
	const struct waits *waits;
	const struct holders *holders;
	const struct nptl *nptl;
	const struct publish_names *names;
};

struct coreleaks_core publish_core(const struct dump *dump, const struct notes *notes,
				   const struct modules *modules, const struct gaps *gaps);
/* Parallel to tasks; goroutines that wait alike share one. */
const struct coreleaks_wait **publish_waits(struct arena *arena,
					    const struct publish_waits_input *input);
/* Applies the filter by verdict, which no lower floor could. ruled: of each group, or NULL. */
void publish_groups(struct published *ret, struct arena *arena, const struct groups *groups,
		    const struct findings *findings, const struct ruled *ruled,
		    const struct coreleaks_options *options,
		    const struct coreleaks_wait *const *waits, uint32_t num_tasks);
/* What a task waits for, without its waiters. */
struct coreleaks_object publish_object_of(const struct coreleaks_wait *wait);
void publish_blockers(struct published *ret, struct arena *arena, const struct blockers *blockers,
		      const struct coreleaks_wait *const *waits, uint32_t num_tasks);

#endif
