/* go_ancestors.h - the goroutines that a goroutine descends from, as far as Go's runtime kept them:
 * only under GODEBUG=tracebackancestors=N. */
#ifndef CORELEAKS_TASK_GO_ANCESTORS_H
#define CORELEAKS_TASK_GO_ANCESTORS_H

#include "core/image.h"

struct go_ancestor {
	uint64_t id;
	uint64_t gopc; /* where the go statement that made it returns to; 0 none */
};

struct go_ancestor_list {
	const struct go_ancestor *items; /* the parent first */
	uint32_t num;
	uint32_t num_more; /* that the runtime kept, but that were too many or could not be read */
};

/* addr: of the list (g.ancestors), 0 none. */
struct go_ancestor_list go_ancestors_read(struct arena *arena, struct image *image, uint64_t addr);

#endif
