/* go_queued.h - finalizers and cleanups that a GC has found due and that have not run yet: what
 * they will reach is in no variable and on no stack, but in blocks outside of the heap. Found by
 * their content. */
#ifndef CORELEAKS_PROOF_GO_QUEUED_H
#define CORELEAKS_PROOF_GO_QUEUED_H

#include "proof/go_mark.h"

/* Marks what they hold; how many there are. */
uint32_t go_queued_mark(const struct go_runtime *runtime, const struct go_heap_layout *layout,
			struct image *image, struct go_marker *marker);

#endif
