/* stacks.h - all tasks' stacks: unwound, made distinct, named. */
#ifndef CORELEAKS_STACK_STACKS_H
#define CORELEAKS_STACK_STACKS_H

#include "stack/symbols.h"
#include "stack/joined.h"

/* A task in a signal handler. */
struct interrupted {
	struct interruption interruption;
	const char *callee; /* as in stacks, of the code that was interrupted */
};

/* Where a goroutine's thread stands in Go and has called C. */
struct c_call {
	uint32_t task; /* the goroutine's */
	uint64_t pc, sp;
};

struct stacks {
	struct {
		struct coreleaks_stack *items; /* distinct stacks in order of first use */
		uint32_t num, capacity;
	} list;
	uint32_t *by_task;  /* stack index of each task */
	uint64_t *outer_sp; /* stack pointer in the outermost frame of each task; 0 unknown */
	const char *
		*callees; /* parallel to list: function of libc that its own code called; NULL */
	struct coreleaks_frame *entries; /* parallel to the entry points asked for */
	struct {
		struct interrupted *items; /* in the tasks' order */
		uint32_t num, capacity;
	} interrupted;
	struct {
		struct c_call *items; /* in the tasks' order */
		uint32_t num, capacity;
	} c_calls;
	int32_t *interrupted_by_task;  /* index in interrupted; -1: in no signal handler */
	struct coreleaks_stack *calls; /* parallel to the calls asked for: all frames of each */
};

/* Addresses to name besides. */
struct stacks_wishes {
	const uint64_t *entries; /* where functions begin, such as start routines; 0 none */
	uint32_t num_entries;
	const uint64_t *calls; /* return addresses */
	uint32_t num_calls;
};

/* goroutines and go: those of the Go program that it is; perhaps none. */
void stacks_build(struct stacks *ret, struct arena *arena, struct gaps *gaps,
		  struct progress *progress, struct unwinder *unwinder,
		  const struct modules *modules, struct elf_files *files, const struct tasks *tasks,
		  const struct go_tables *go, const struct goroutines *goroutines,
		  const struct stacks_wishes *wishes);
/* The frames that the signal at this depth (1: the innermost) interrupted; none if there is no such
 * signal frame. */
struct coreleaks_stack stack_beyond_signal(const struct coreleaks_stack *stack, uint32_t depth);

#endif
