/* callees.h - which function of the C library a stack's own code called, by the call instruction
 * itself: it tells even where the library's inner functions, reached by a jump, have no names. */
#ifndef CORELEAKS_STACK_CALLEES_H
#define CORELEAKS_STACK_CALLEES_H

#include "stack/unwind.h"

/* Address that the innermost frame outside the C library called; 0: none such, or the call went
 * through a register. */
uint64_t callee_find(struct image *image, const struct raw_frame *frames, uint32_t num_frames);

#endif
