#include "stack/joined.h"

enum {
	AHEAD = 8,	     /* tasks between asking for a stack and reading it */
	PREFETCH_SIZE = 512, /* most parked goroutines use no more */
};

void joined_init(struct joined *joined, struct arena *arena, struct unwinder *native,
		 const struct go_tables *tables, const struct goroutines *goroutines,
		 const struct tasks *tasks)
{
	*joined = (struct joined){.native = native, .goroutines = goroutines, .tasks = tasks};
	go_unwinder_init(&joined->go, arena, native->image, tables, native->max_frames);
}

static bool in_go(const struct joined *joined, uint64_t pc)
{
	struct go_function function;
	return go_tables_find(joined->go.tables, pc, &function);
}

/* Of a thread's stack the frames of C, up to the first of Go's: its index. */
static uint32_t walk_c(struct joined *joined, uint32_t thread, struct raw_frame *frames,
		       struct raw_stack *ret)
{
	*ret = unwinder_walk(joined->native, joined->tasks->list.items[thread].registers, frames);
	for (uint32_t i = 0; i < ret->num_frames; i++)
		if (in_go(joined, frames[i].pc))
			return i;
	return ret->num_frames;
}

static struct range thread_stack(const struct go_m *m, uint64_t sp)
{
	/* On a thread of libc's, g0's stack ends in the frame that called into Go. */
	enum { ABOVE_G0 = 4096 };
	const struct range g0 =
		range_from_size(m->g0_stack.low, m->g0_stack.high - m->g0_stack.low + ABOVE_G0);
	if (range_contains(m->signal_stack, sp))
		return m->signal_stack;
	if (range_contains(m->curg_stack, sp))
		return m->curg_stack;
	return range_contains(m->g0_stack, sp) ? g0 : (struct range){0, 0};
}

/* The thread of a goroutine that runs on it is shown as that goroutine. What is left stands on the
 * runtime's own stacks. */
static struct raw_stack walk_thread(struct joined *joined, uint32_t thread,
				    struct raw_frame *frames)
{
	struct raw_stack stack;
	int32_t index = joined->goroutines->m_of_thread[thread];
	uint32_t num = walk_c(joined, thread, frames, &stack);
	if (index < 0 || num == stack.num_frames)
		return stack;
	const struct raw_frame *first = &frames[num];
	const struct go_start start = {
		.pc = first->pc,
		.sp = first->sp,
		.lr = num == 0 ? joined->tasks->list.items[thread].lr : 0,
		.exact = first->exact,
		.stack = thread_stack(&joined->goroutines->ms.items[index], first->sp),
		.own_stack = true,
	};
	if (first->sp == 0 || start.stack.high == 0)
		return stack;
	return go_unwinder_walk(&joined->go, &start, frames, num);
}

static struct raw_stack walk_goroutine(struct joined *joined, uint32_t task,
				       const struct goroutine *goroutine, struct raw_frame *frames)
{
	struct raw_stack stack, c_frames;
	struct raw_frame c_call = {0};
	uint32_t num = 0;
	const struct go_start start = {
		.pc = joined->tasks->list.items[task].pc,
		.sp = joined->tasks->list.items[task].sp,
		.lr = joined->tasks->list.items[task].lr,
		.exact = goroutine->exact,
		.stack = goroutine->stack,
	};
	if (goroutine->in_c) {
		num = walk_c(joined, (uint32_t)goroutine->thread, frames, &c_frames);
		if (num < c_frames.num_frames)
			c_call = frames[num];
	}
	/* Most goroutines use a few hundred bytes of their stacks. */
	if (range_contains(start.stack, start.sp))
		image_expect(joined->native->image, start.stack, start.sp);
	if (task + AHEAD < joined->tasks->list.num)
		image_prefetch(joined->native->image, joined->tasks->list.items[task + AHEAD].sp,
			       PREFETCH_SIZE);
	stack = go_unwinder_walk(&joined->go, &start, frames, num);
	stack.c_call_pc = c_call.pc;
	stack.c_call_sp = c_call.sp;
	return stack;
}

struct raw_stack joined_walk(struct joined *joined, uint32_t task, struct raw_frame *frames)
{
	const struct goroutine *goroutine = goroutines_of_task(joined->goroutines, task);
	if (goroutine != NULL)
		return walk_goroutine(joined, task, goroutine, frames);
	if (task < joined->goroutines->num_threads)
		return walk_thread(joined, task, frames);
	return unwinder_walk(joined->native, joined->tasks->list.items[task].registers, frames);
}
