/* unwind.h - from a task's registers to the addresses on its stack.
 *
 * Call frame information, compiled to a rule once per pc; a frame-pointer step where there is
 * none. Knows no names. */
#ifndef CORELEAKS_STACK_UNWIND_H
#define CORELEAKS_STACK_UNWIND_H

#include "stack/cfi.h"
#include "task/calls.h"

struct raw_frame {
	uint64_t pc;
	uint64_t sp, cfa; /* 0 unknown */
	uint8_t trust;	  /* enum coreleaks_trust */
	bool exact;  /* pc is the instruction itself, not a return address: look up pc, not pc-1 */
	bool signal; /* a signal trampoline's frame */
};

/* What a thread did before a signal came whose handler it is in. Of handlers that interrupt each
 * other: the outermost wait; without one, what the first signal interrupted. */
struct interruption {
	uint32_t depth; /* of its signal frame: 1 is the innermost; 0: the stack has none */
	bool known;	/* hint is set; else it cannot be told what the thread did */
	struct registers registers; /* as they will be once the handler returns */
	struct wait_hint hint;
};

struct raw_stack {
	uint32_t num_frames;
	enum coreleaks_stack_end end;
	uint64_t end_addr;   /* what could not be read, or the pc without a rule */
	const char *missing; /* a phrase (literal or in the arena), or NULL */
	struct interruption interruption;
	uint64_t c_call_pc, c_call_sp; /* C's frames stand first: Go's that called them; 0 none */
};

struct unwinder {
	struct arena *arena;
	struct image *image;
	struct cfi cfi;
	uint32_t max_frames;
};

void unwinder_init(struct unwinder *unwinder, struct arena *arena, struct gaps *gaps,
		   struct image *image, const struct modules *modules, struct elf_files *files,
		   uint32_t max_frames);
void unwinder_deinit(struct unwinder *unwinder);
/* Fills frames (room for max_frames), innermost first. */
struct raw_stack unwinder_walk(struct unwinder *unwinder, const struct registers *registers,
			       struct raw_frame *frames);

#endif
