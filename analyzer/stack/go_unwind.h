/* go_unwind.h - a goroutine's stack by Go's own tables: each function says how far above the stack
 * pointer its return address lies. Knows no names but two: the calls that Go lets through. */
#ifndef CORELEAKS_STACK_GO_UNWIND_H
#define CORELEAKS_STACK_GO_UNWIND_H

#include "stack/unwind.h"
#include "task/go_tables.h"

struct go_step; /* what is known of one pc */

struct go_unwinder {
	struct image *image;
	const struct go_tables *tables;
	uint32_t max_frames;
	bool uses_lr;	       /* AArch64: a call leaves the return address in a register */
	struct go_step *steps; /* direct-mapped cache */
};

void go_unwinder_init(struct go_unwinder *unwinder, struct arena *arena, struct image *image,
		      const struct go_tables *tables, uint32_t max_frames);
/* Where to begin. */
struct go_start {
	uint64_t pc, sp;
	uint64_t lr;	    /* AArch64: the link register; 0 unknown */
	bool exact;	    /* pc is an interrupted instruction, not a return address */
	struct range stack; /* the frames lie within */
	bool own_stack;	    /* a thread's own: the switch from a goroutine's is its outermost */
};

/* Appends to frames (room for max_frames), innermost first, from index num_frames on. */
struct raw_stack go_unwinder_walk(struct go_unwinder *unwinder, const struct go_start *start,
				  struct raw_frame *frames, uint32_t num_frames);

#endif
