/* go_goroutine_roots.h - what a goroutine that may go on can reach: its stack, by the compiler's
 * maps where they hold, and the runtime's record of it. */
#ifndef CORELEAKS_PROOF_GO_GOROUTINE_ROOTS_H
#define CORELEAKS_PROOF_GO_GOROUTINE_ROOTS_H

#include "proof/go_mark.h"
#include "proof/go_stack_plans.h"
#include "stack/go_unwind.h"
#include "task/go_queues.h"

struct go_goroutine_roots {
	const struct go_runtime *runtime;
	const struct go_heap_layout *layout;
	const struct goroutines *goroutines;
	const struct tasks *tasks;
	const struct go_queues *queues;
	const uint32_t *stack_ids; /* parallel to tasks */
	uint32_t num_stacks;
	struct arena *arena;
	struct go_unwinder unwinder;
	struct go_stack_maps maps;
	struct go_stack_plans plans;
	struct raw_frame *frames;
	struct {
		struct range *items; /* variables of the stack at hand that nothing led to yet */
		uint32_t num, capacity;
	} objects;
	struct {
		struct range *items; /* that something led to, to be looked into */
		uint32_t num, capacity;
	} found;
	struct range stack; /* at hand: of the frames in use */
	bool *by_words;	    /* parallel to goroutines: no maps were used for it */
};

/* A place on a goroutine's stack. */
struct go_place {
	const char *function; /* in whose frame it is; NULL unknown */
	uint64_t off;	      /* from that frame's stack pointer */
};

void go_goroutine_roots_init(struct go_goroutine_roots *roots, struct arena *arena,
			     struct image *image);
/* The same for another thread: what is learnt of code and stacks is learnt again. */
void go_goroutine_roots_init_beside(struct go_goroutine_roots *ret,
				    const struct go_goroutine_roots *roots, struct arena *arena,
				    struct image *image);
/* It will soon be marked. */
void go_goroutine_roots_prefetch(const struct go_goroutine_roots *roots,
				 const struct go_marker *marker, uint32_t goroutine);
void go_goroutine_roots_mark(struct go_goroutine_roots *roots, struct go_marker *marker,
			     uint32_t goroutine);
struct go_place go_goroutine_roots_place(struct go_goroutine_roots *roots, uint32_t goroutine,
					 uint64_t addr);

#endif
