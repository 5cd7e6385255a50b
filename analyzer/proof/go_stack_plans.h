/* go_stack_plans.h - where the pointers on goroutines' stacks are, as offsets from the stack
 * pointer: found once, by unwinding, for all stacks that have the same return addresses at the same
 * places. Whether a stack does is asked of its own bytes each time: nothing is taken on trust. */
#ifndef CORELEAKS_PROOF_GO_STACK_PLANS_H
#define CORELEAKS_PROOF_GO_STACK_PLANS_H

#include "proof/go_stack_maps.h"
#include "stack/unwind.h"

struct go_plan_return {
	uint64_t pc;  /* this return address … */
	uint32_t off; /* … stands here */
};

struct go_plan_object {
	uint32_t low, high;
};

struct go_stack_plan {
	uint64_t pc;   /* of the innermost frame */
	uint32_t size; /* bytes from the stack pointer on that it speaks of */
	const struct go_plan_return *returns;
	uint32_t num_returns;
	const uint32_t *pointers; /* in the order of frames */
	uint32_t num_pointers;
	const struct go_plan_object *objects; /* that pointers may lead to; the same order */
	uint32_t num_objects;
};

struct go_stack_plans {
	struct arena *arena;
	struct go_stack_maps *maps;
	struct go_plan_entry *entries; /* by stack_id */
	uint32_t num_entries, num_made;
};

/* num: of the stack_ids below. */
void go_stack_plans_init(struct go_stack_plans *plans, struct arena *arena,
			 struct go_stack_maps *maps, uint32_t num);
/* A plan that may fit; stack_id is only a hint. NULL: none. */
const struct go_stack_plan *go_stack_plans_find(const struct go_stack_plans *plans,
						uint32_t stack_id);
/* These bytes, plan->size from the stack pointer on, belong to a stack that unwinds like the plan's
 * from pc on. */
bool go_stack_plan_fits(const struct go_stack_plan *plan, uint64_t pc, const unsigned char *bytes);
/* Takes note of a stack that was unwound to its end and lies within its bounds with all that its
 * maps say. Makes a plan of the second of its kind. */
void go_stack_plans_learn(struct go_stack_plans *plans, uint32_t stack_id,
			  const struct raw_frame *frames, uint32_t num_frames);

/* Where a frame's locals end: below the return address and the saved frame pointer, if there are
 * any. */
static inline uint64_t go_frame_end_of_locals(const struct raw_frame *frame)
{
	uint64_t end = frame->cfa - 8;
	return end > frame->sp ? end - 8 : end;
}

#endif
