/* publish.h - puts the floors' columns together into the structs of coreleaks.h. */
#ifndef CORELEAKS_PROOF_PUBLISH_H
#define CORELEAKS_PROOF_PUBLISH_H

#include "proof/findings.h"
#include "stack/stacks.h"

struct published {
	struct coreleaks_group *groups; /* shown ones first, then by verdict, count, signature */
	uint32_t num_groups;
	struct coreleaks_finding *findings; /* group numbers are indexes of groups */
	uint32_t num_findings;
};

struct coreleaks_core publish_core(const struct dump *dump, const struct notes *notes,
				   const struct modules *modules, const struct gaps *gaps);
struct coreleaks_task *publish_tasks(struct arena *arena, const struct tasks *tasks,
				     const struct stacks *stacks, const char *const *reasons);
/* Applies the filter by verdict, which no lower floor could. */
void publish_groups(struct published *ret, struct arena *arena, const struct groups *groups,
		    const struct findings *findings, const struct coreleaks_options *options);

#endif
