/* runtimes.h - the language runtimes, allocators and libraries that run threads of their own, and
 * the tool that shows what runs on top of them. Knowledge as rows of a table. */
#ifndef CORELEAKS_GROUP_RUNTIMES_H
#define CORELEAKS_GROUP_RUNTIMES_H

#include "coreleaks.h"

enum runtime_id {
	RUNTIME_JAVA,
	RUNTIME_NODE,
	RUNTIME_PYTHON,
	RUNTIME_GO,
	RUNTIME_V8,
	RUNTIME_JEMALLOC,
	RUNTIME_GLIB,
	RUNTIME_LIBUV,
	RUNTIME_OPENMP,
	RUNTIME_TBB,
	RUNTIME_MARIADB,
	RUNTIME_NGINX,
	RUNTIME_IO_URING,
};

struct runtime {
	const char *name;
	const char *owner; /* the same in a sentence: "of …" */
	const char *hint;  /* what shows more, one phrase; NULL none */
};

const struct runtime *runtime_get(enum runtime_id id);
/* The runtime of that name, or NULL. */
const struct runtime *runtime_named(const char *name);
/* The runtime whose code stands on the stack, or NULL. */
const struct runtime *runtime_of_stack(const struct coreleaks_stack *stack);

#endif
