/* runtimes.h - threads that a language runtime or an allocator keeps for itself, and the tool that
 * shows what runs on top of them. Knowledge as rows of a table. */
#ifndef CORELEAKS_GROUP_RUNTIMES_H
#define CORELEAKS_GROUP_RUNTIMES_H

#include "coreleaks.h"

struct runtime {
	const char *name;
	const char *hint; /* what shows more, one phrase; NULL none */
};

/* The runtime whose code stands on the stack, or NULL. */
const struct runtime *runtime_of_stack(const struct coreleaks_stack *stack);

#endif
