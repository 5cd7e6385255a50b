/* go_crew.h - marks what goroutines can reach: many of them by several threads side by side. What
 * is marked in the end, and how many words could not be read, does not depend on their number. */
#ifndef CORELEAKS_PROOF_GO_CREW_H
#define CORELEAKS_PROOF_GO_CREW_H

#include "base/progress.h"
#include "proof/go_goroutine_roots.h"

struct go_crew {
	struct arena *arena;
	struct progress *progress;
	struct image *image;
	struct go_marker *marker;
	struct go_goroutine_roots *roots;
	unsigned num_threads; /* at most; one when it is kept what leads to each object first */
};

/* Marks what these goroutines can reach, and all that is in the marker's queue. Stops early when
 * the progress says so. */
void go_crew_mark(const struct go_crew *crew, const uint32_t *goroutines, uint32_t num);

#endif
