/* calls.h - which system call code was in, by its registers and the instructions at its pc. */
#ifndef CORELEAKS_TASK_CALLS_H
#define CORELEAKS_TASK_CALLS_H

#include "task/tasks.h"

/* The number of the system call that ends at pc, where the instruction before it loads that; else
 * -1. */
int32_t call_number_behind(struct image *image, uint64_t pc);
/* What code did that a signal interrupted, by the registers that the kernel saved for it. Blocked
 * without a number (-1): in a call that the code alone does not tell. False: cannot be told. */
bool call_interrupted(struct image *image, const struct registers *registers,
		      struct wait_hint *ret);

#endif
