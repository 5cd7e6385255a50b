/* signal_frames.h - what the kernel leaves on a stack that a process set apart for signal handlers:
 * the registers of what a signal interrupted. */
#ifndef CORELEAKS_TASK_SIGNAL_FRAMES_H
#define CORELEAKS_TASK_SIGNAL_FRAMES_H

#include "core/image.h"

struct signal_frame {
	uint64_t addr; /* of its ucontext */
	uint64_t pc, sp, bp;
	uint64_t lr; /* AArch64: the link register; else 0 */
};

/* The first one at addr or above it on the stack, which is all of the alternate stack as the kernel
 * knows it. False: none. */
bool signal_frames_find(struct image *image, struct range stack, uint64_t addr,
			struct signal_frame *ret);

#endif
