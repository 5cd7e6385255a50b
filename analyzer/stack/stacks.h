/* stacks.h - all tasks' stacks: unwound, made distinct, named. */
#ifndef CORELEAKS_STACK_STACKS_H
#define CORELEAKS_STACK_STACKS_H

#include "stack/symbols.h"
#include "stack/joined.h"

struct stacks {
	struct {
		struct coreleaks_stack *items; /* distinct stacks in order of first use */
		uint32_t num, capacity;
	} list;
	uint32_t *by_task; /* stack index of each task */
	const char *
		*callees; /* parallel to list: function of libc that its own code called; NULL */
	struct coreleaks_frame *entries; /* parallel to the entry points asked for */
};

/* goroutines and go: those of the Go program that it is; perhaps none.
 * entries: addresses of functions to name besides, such as threads' start routines; 0 none. */
void stacks_build(struct stacks *ret, struct arena *arena, struct gaps *gaps,
		  struct progress *progress, struct unwinder *unwinder,
		  const struct modules *modules, struct elf_files *files, const struct tasks *tasks,
		  const struct go_tables *go, const struct goroutines *goroutines,
		  const uint64_t *entries, uint32_t num_entries);

#endif
