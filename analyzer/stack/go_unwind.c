#include "stack/go_unwind.h"

enum { STEP_BITS = 14, NUM_STEPS = 1 << STEP_BITS };

enum step_kind {
	STEP_FOREIGN, /* no code of Go's */
	STEP_PLAIN,
	STEP_TOP,      /* the outermost function of a goroutine */
	STEP_SWITCHES, /* sets the stack pointer by hand: nothing above it is certain */
	STEP_CALLBACK, /* does so too, but Go's callers lie above it on the same stack */
	STEP_INJECTED, /* a call that a signal put in: its caller was interrupted */
};

struct go_step {
	uint64_t pc;   /* 0 unused */
	int32_t delta; /* from the stack pointer to the return address; -1 unknown */
	enum step_kind kind;
	bool entry; /* pc is the function's first instruction: a goroutine that has not run yet */
};

void go_unwinder_init(struct go_unwinder *unwinder, struct arena *arena, struct image *image,
		      const struct go_tables *tables, uint32_t max_frames)
{
	*unwinder = (struct go_unwinder){
		.image = image,
		.tables = tables,
		.max_frames = max_frames,
		.uses_lr = image_is_arm64(image),
		.steps = arena_alloc_array(arena, NUM_STEPS, sizeof(struct go_step)),
	};
}

struct special {
	const char *name;
	enum step_kind kind;
};

static enum step_kind kind_of(const struct go_function *function)
{
	static const struct special specials[] = {
		/* It is marked as one that switches stacks, which it does before its frame. */
		{"runtime.cgocallback", STEP_CALLBACK}, {"runtime.sigpanic", STEP_INJECTED},
		{"runtime.sigpanic0", STEP_PLAIN},	{"runtime.asyncPreempt", STEP_INJECTED},
		{"runtime.debugCallV2", STEP_INJECTED},
	};
	const char *name = go_function_name(function);
	for (size_t i = 0; name != NULL && i < sizeof(specials) / sizeof(specials[0]); i++)
		if (strcmp(name, specials[i].name) == 0)
			return specials[i].kind;
	if ((function->flags & GO_FUNCTION_TOP_FRAME) != 0)
		return STEP_TOP;
	return (function->flags & GO_FUNCTION_SP_WRITE) != 0 ? STEP_SWITCHES : STEP_PLAIN;
}

static const struct go_step *step_at(struct go_unwinder *unwinder, uint64_t pc)
{
	struct go_step *step =
		&unwinder->steps[(pc * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - STEP_BITS)];
	struct go_function function;
	if (step->pc == pc)
		return step;
	*step = (struct go_step){.pc = pc, .delta = -1};
	if (go_tables_find(unwinder->tables, pc, &function)) {
		step->delta = go_function_stack_delta(&function, pc);
		step->kind = kind_of(&function);
		step->entry = pc == function.low;
	}
	return step;
}

static struct raw_stack ended(struct raw_stack stack, enum coreleaks_stack_end end,
			      const char *missing, uint64_t addr)
{
	stack.end = end;
	stack.missing = missing;
	stack.end_addr = addr;
	return stack;
}

static struct raw_stack unreadable(const struct go_unwinder *unwinder, struct raw_stack stack,
				   uint64_t addr)
{
	return ended(stack, CORELEAKS_STACK_UNREADABLE,
		     image_presence(unwinder->image, addr) == IMAGE_CUT
			     ? "its memory lies beyond the end of the core file"
			     : "its memory was not dumped",
		     addr);
}

/* Where the return address is, and what a signal's call put on the stack besides
 * (runtime/traceback.go next(), the same in 1.19 to 1.27). */
struct returning {
	uint64_t lr; /* AArch64: of a function that has not saved it yet; 0: it is on the stack */
	uint64_t unreadable_addr;
};

/* From the frame to its caller: x86-64 has the return address below the caller's frame, AArch64 at
 * the bottom of its own. */
static bool step_out(struct go_unwinder *unwinder, const struct go_step *step,
		     const struct raw_frame *frame, struct returning *state, uint64_t *pc_ret)
{
	uint64_t addr = unwinder->uses_lr ? frame->sp : frame->cfa - 8;
	state->unreadable_addr = addr;
	if (state->lr != 0 && step->delta == 0)
		*pc_ret = state->lr;
	else if (!image_read_u64(unwinder->image, addr, pc_ret))
		return false;
	state->lr = 0;
	return true;
}

/* AArch64: a call that a signal put in saves what the register held in 16 bytes above its frame. */
static bool step_over_saved(struct go_unwinder *unwinder, struct returning *state, uint64_t *pc,
			    uint64_t *sp)
{
	uint64_t saved;
	state->unreadable_addr = *sp;
	if (!image_read_u64(unwinder->image, *sp, &saved))
		return false;
	*sp += 16;
	const struct go_step *step = step_at(unwinder, *pc);
	if (step->kind == STEP_FOREIGN)
		*pc = saved;
	else if (step->delta == 0)
		state->lr = saved;
	return true;
}

struct raw_stack go_unwinder_walk(struct go_unwinder *unwinder, const struct go_start *start,
				  struct raw_frame *frames, uint32_t num_frames)
{
	struct raw_stack stack = {.num_frames = num_frames};
	uint64_t pc = start->pc, sp = start->sp;
	bool exact = start->exact, innermost = true;
	struct returning state = {.lr = unwinder->uses_lr ? start->lr : 0};
	const uint64_t return_size = unwinder->uses_lr ? 0 : 8;
	for (;; innermost = false) {
		if (stack.num_frames >= unwinder->max_frames)
			return ended(stack, CORELEAKS_STACK_LIMIT, NULL, 0);
		const struct go_step *step = step_at(unwinder, pc);
		if (step->kind == STEP_FOREIGN && stack.num_frames > 0)
			return ended(stack,
				     pc == 0 ? CORELEAKS_STACK_COMPLETE : CORELEAKS_STACK_BROKEN,
				     pc == 0 ? NULL : "it leads out of Go's code", pc);
		struct raw_frame *frame = &frames[stack.num_frames++];
		*frame = (struct raw_frame){
			.pc = pc,
			.sp = sp,
			.trust = innermost && num_frames == 0 ? CORELEAKS_TRUST_CONTEXT
							      : CORELEAKS_TRUST_PCLNTAB,
			.exact = exact || step->entry,
		};
		if (step->kind == STEP_FOREIGN)
			return ended(stack, CORELEAKS_STACK_BROKEN, "it is not in Go's code", pc);
		if (step->delta >= 0)
			frame->cfa = sp + (uint64_t)step->delta + return_size;
		if (step->kind == STEP_TOP ||
		    (step->kind == STEP_SWITCHES && start->own_stack && !innermost))
			return ended(stack, CORELEAKS_STACK_COMPLETE, NULL, 0);
		if (step->delta < 0)
			return ended(stack, CORELEAKS_STACK_BROKEN,
				     "Go's tables do not say how large its frame is", pc);
		if (step->kind == STEP_SWITCHES && !innermost)
			return ended(stack, CORELEAKS_STACK_BROKEN,
				     "its function sets the stack pointer by hand", pc);
		if (frame->cfa <= start->stack.low || frame->cfa > start->stack.high)
			return ended(stack, CORELEAKS_STACK_BROKEN,
				     "it leads out of the goroutine's stack", frame->cfa);
		exact = step->kind == STEP_INJECTED;
		if (!step_out(unwinder, step, frame, &state, &pc))
			return unreadable(unwinder, stack, state.unreadable_addr);
		sp = frame->cfa;
		if (exact && unwinder->uses_lr && !step_over_saved(unwinder, &state, &pc, &sp))
			return unreadable(unwinder, stack, state.unreadable_addr);
	}
}
