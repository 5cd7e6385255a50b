/* go_roots.h - what a Go program can always reach: its variables, finalizers and cleanups (those
 * set and those queued), weak pointers. Not goroutines, nor threads. */
#ifndef CORELEAKS_PROOF_GO_ROOTS_H
#define CORELEAKS_PROOF_GO_ROOTS_H

#include "proof/go_mark.h"

struct go_weak {
	uint64_t handle_addr; /* who holds this … */
	uint64_t object_addr; /* … can reach that */
};

struct go_roots {
	const struct go_runtime *runtime;
	const struct go_heap_layout *layout;
	struct image *image;
	struct {
		struct go_weak *items;
		uint32_t num, capacity;
	} weak;
	uint64_t num_words; /* of variables */
	uint32_t num_finalizers, num_cleanups, num_queued;
	uint32_t num_masks_missing; /* of variables that were taken word by word */
	uint32_t num_damaged;	    /* lists that lead nowhere */
};

void go_roots_init(struct go_roots *roots, const struct go_runtime *runtime,
		   const struct go_heap_layout *layout, struct image *image);
/* All global variables, of plugins too. */
void go_roots_variables(struct go_roots *roots, struct go_marker *marker);
/* What the processors hold: their timers above all. */
void go_roots_processors(struct go_roots *roots, struct go_marker *marker);
/* Finalizers and cleanups that are set, and those that are due; collects the weak pointers. */
void go_roots_finalizers(struct go_roots *roots, struct go_marker *marker);
/* Marks what weak pointers lead to whose handles were marked; false: nothing new. */
bool go_roots_weak(struct go_roots *roots, struct go_marker *marker);

#endif
