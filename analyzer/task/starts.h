/* starts.h - where threads begin in the program's own code.
 *
 * A C++ std::thread begins in libstdc++, which calls what the thread's state object holds: the
 * function pointer in it, or the type that its run-time type information names. */
#ifndef CORELEAKS_TASK_STARTS_H
#define CORELEAKS_TASK_STARTS_H

#include "task/nptl.h"

struct start {
	uint64_t entry_addr;   /* function to name; 0 unknown (the main thread) */
	const char *type_name; /* mangled name of std::thread's state, "" none: in the arena */
	uint64_t vtable_addr;  /* of that state; 0 none */
};

/* One for each of nptl's threads. */
struct start *starts_build(struct arena *arena, const struct nptl *nptl, struct image *image);

#endif
