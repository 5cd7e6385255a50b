/* stack_memory.h - the memory of threads' stacks: how much address space each keeps, and how much
 * of it was really there, ever since the stack was made. */
#ifndef CORELEAKS_TASK_STACK_MEMORY_H
#define CORELEAKS_TASK_STACK_MEMORY_H

#include "task/nptl.h"

struct stack_memory {
	uint64_t reserved_size; /* with guard; 0 unknown */
	uint64_t resident_size; /* 0 unknown */
};

/* One for each of nptl's threads. The main thread's stack is the mapping that the kernel made. */
struct stack_memory *stack_memory_build(struct arena *arena, const struct dump *dump,
					const struct notes *notes, const struct nptl *nptl);

#endif
