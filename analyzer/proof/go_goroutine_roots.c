#include "proof/go_goroutine_roots.h"

enum {
	/* Of the vector registers that a preempted goroutine keeps (runtime/preempt_amd64.go,
	 * xRegs: 32 of 64 bytes, 8 masks). */
	VECTORS_SIZE = 32 * 64 + 8 * 8,
	MAX_FRAMES = 4096,    /* of stacks with more all words count */
	MAX_OBJECTS = 4096,   /* variables; the same */
	ARGUMENTS_SIZE = 512, /* that a function of which nothing is known may have */
	MAX_DEFERS = 1 << 20,
	PREFETCH_SIZE = 512, /* of its own stack: most parked goroutines use no more */
	DEFER_FUNCTION = 24, /* runtime/runtime2.go, _defer, 1.19 to 1.27 */
};

static void init_own(struct go_goroutine_roots *roots, struct arena *arena, struct image *image)
{
	roots->arena = arena;
	roots->frames = arena_alloc_array(arena, MAX_FRAMES, sizeof(*roots->frames));
	go_unwinder_init(&roots->unwinder, arena, image, &roots->runtime->tables, MAX_FRAMES);
	go_stack_maps_init(&roots->maps, arena, image, &roots->runtime->tables);
	/* Plans know return addresses that stand right below the caller's frame, nothing else. */
	go_stack_plans_init(&roots->plans, arena, &roots->maps,
			    roots->unwinder.uses_lr ? 0 : roots->num_stacks);
}

void go_goroutine_roots_init(struct go_goroutine_roots *roots, struct arena *arena,
			     struct image *image)
{
	init_own(roots, arena, image);
	roots->by_words =
		arena_alloc_array(arena, roots->goroutines->list.num, sizeof(*roots->by_words));
}

void go_goroutine_roots_init_beside(struct go_goroutine_roots *ret,
				    const struct go_goroutine_roots *roots, struct arena *arena,
				    struct image *image)
{
	*ret = *roots;
	ret->objects.items = ret->found.items = NULL;
	ret->objects.num = ret->objects.capacity = ret->found.num = ret->found.capacity = 0;
	init_own(ret, arena, image);
}

static uint64_t word_at(struct go_marker *marker, uint64_t addr)
{
	uint64_t value;
	if (pages_read(&marker->pages, addr, &value, sizeof(value)))
		return value;
	go_marker_unreadable(marker, addr, 1);
	return 0;
}

/* ---- The runtime's record ------------------------------------------------------------------ */

/* Any word of it may lead somewhere, but for the M that runs it and that M's: these lead to all. */
static void mark_record(const struct go_goroutine_roots *roots, struct go_marker *marker,
			uint64_t g)
{
	const struct go_layout *layout = &roots->runtime->layout;
	go_marker_words(marker, g + GO_G_PANIC, g + GO_G_M);
	go_marker_words(marker, g + GO_G_M + 8, g + (uint64_t)layout->g_lockedm);
	go_marker_words(marker, g + (uint64_t)layout->g_lockedm + 8, g + (uint64_t)layout->g_size);
}

/* ---- Stacks by map ------------------------------------------------------------------------- */

/* value was found at addr, on the stack or where pointers into it may be. */
static void mark_pointer(struct go_goroutine_roots *roots, struct go_marker *marker, uint64_t addr,
			 uint64_t value)
{
	if (!range_contains(roots->stack, value)) {
		go_marker_pointer(marker, addr, value);
		return;
	}
	for (uint32_t i = 0; i < roots->objects.num; i++) {
		const struct range object = roots->objects.items[i];
		if (!range_contains(object, value))
			continue;
		*array_add(roots->arena, &roots->found) = object;
		roots->objects.items[i] = roots->objects.items[--roots->objects.num];
		return;
	}
}

static void mark_words(struct go_goroutine_roots *roots, struct go_marker *marker, uint64_t low,
		       uint64_t high)
{
	for (uint64_t addr = (low + 7) & ~UINT64_C(7); addr < high; addr += 8)
		mark_pointer(roots, marker, addr, word_at(marker, addr));
}

static void mark_bits(struct go_goroutine_roots *roots, struct go_marker *marker, uint64_t addr,
		      const uint8_t *bits, uint32_t num)
{
	for (uint32_t i = 0; i < num; i++) {
		if (bits[i / 8] == 0)
			i |= 7;
		else if ((bits[i / 8] >> (i % 8) & 1) != 0)
			mark_pointer(roots, marker, addr + 8 * (uint64_t)i,
				     word_at(marker, addr + 8 * (uint64_t)i));
	}
}

static bool lies_within(const struct range *stack, uint64_t low, uint64_t size)
{
	return low >= stack->low && low <= stack->high && size <= stack->high - low;
}

/* False: the frame does not lie on the stack as its map says. */
static bool add_objects(struct go_goroutine_roots *roots, const struct raw_frame *frame,
			const struct go_frame_map *map)
{
	uint64_t end = go_frame_end_of_locals(frame);
	if (!lies_within(&roots->stack, end - 8 * (uint64_t)map->num_locals,
			 8 * (uint64_t)map->num_locals) ||
	    !lies_within(&roots->stack, frame->cfa, 8 * (uint64_t)map->num_args) ||
	    roots->objects.num + map->num_objects > MAX_OBJECTS)
		return false;
	for (uint32_t i = 0; i < map->num_objects; i++) {
		const struct go_stack_object *object = &map->objects[i];
		uint64_t low =
			(object->off < 0 ? end : frame->cfa) + (uint64_t)(int64_t)object->off;
		if (!lies_within(&roots->stack, low, object->size))
			return false;
		if (object->size > 0)
			*array_add(roots->arena, &roots->objects) =
				(struct range){low, low + object->size};
	}
	return true;
}

static void mark_frames(struct go_goroutine_roots *roots, struct go_marker *marker, uint32_t num)
{
	bool interrupted = false;
	for (uint32_t i = 0; i < num; i++) {
		const struct raw_frame *frame = &roots->frames[i];
		const struct go_frame_map map = *go_stack_maps_at(&roots->maps, frame->pc);
		if (!map.known || interrupted) {
			uint64_t size =
				map.args_size > ARGUMENTS_SIZE ? map.args_size : ARGUMENTS_SIZE;
			uint64_t high = frame->cfa + size;
			mark_words(roots, marker, frame->sp,
				   high < roots->stack.high ? high : roots->stack.high);
			interrupted = map.interrupted;
			continue;
		}
		uint64_t end = go_frame_end_of_locals(frame);
		mark_bits(roots, marker, end - 8 * (uint64_t)map.num_locals, map.locals,
			  map.num_locals);
		mark_bits(roots, marker, frame->cfa, map.args, map.num_args);
	}
}

/* Deferred calls lead to functions, and from the heap back into the stack. */
static void mark_defers(struct go_goroutine_roots *roots, struct go_marker *marker, uint64_t g)
{
	uint64_t defer = word_at(marker, g + GO_G_PANIC + 8);
	for (uint32_t i = 0; defer != 0 && i < MAX_DEFERS; i++) {
		mark_pointer(roots, marker, g, defer);
		mark_pointer(roots, marker, defer + DEFER_FUNCTION,
			     word_at(marker, defer + DEFER_FUNCTION));
		defer = word_at(marker, defer + (uint64_t)roots->layout->defer_link);
	}
}

/* Registers that it keeps in memory: the closure that it was about to call, and those of vectors.
 * What they lead to on its stack nothing else need lead to (runtime/mgcmark.go, scanstack). */
static void mark_registers(struct go_goroutine_roots *roots, struct go_marker *marker, uint64_t g)
{
	mark_words(roots, marker, g + GO_G_SCHED_CONTEXT, g + GO_G_SCHED_CONTEXT + 8);
	if (roots->layout->g_vectors < 0)
		return;
	uint64_t vectors = word_at(marker, g + (uint64_t)roots->layout->g_vectors);
	if (vectors != 0)
		mark_words(roots, marker, vectors, vectors + VECTORS_SIZE);
}

/* What it waits for, and what it sends there. */
static void mark_waits(struct go_goroutine_roots *roots, struct go_marker *marker,
		       uint32_t goroutine)
{
	const struct go_queue_entries *entries = &roots->queues->of[goroutine];
	for (uint32_t i = 0; i < entries->num; i++) {
		const struct go_sudog *sudog = &roots->queues->sudogs.items[entries->first + i];
		mark_pointer(roots, marker, sudog->addr, sudog->object_addr);
		mark_pointer(roots, marker, sudog->addr, sudog->elem_addr);
	}
}

static struct raw_stack unwind(struct go_goroutine_roots *roots, const struct goroutine *g,
			       const struct task *task)
{
	const struct go_start start = {
		.pc = task->pc,
		.sp = task->sp,
		.exact = g->exact,
		.stack = g->stack,
	};
	return go_unwinder_walk(&roots->unwinder, &start, roots->frames, 0);
}

/* False: there is no plan for such a stack. Marks the same words as mark_by_maps(), in the same
 * order. */
static bool mark_by_plan(struct go_goroutine_roots *roots, struct go_marker *marker,
			 const struct goroutine *g, uint32_t index)
{
	const struct task *task = &roots->tasks->list.items[index];
	const struct go_stack_plan *plan =
		go_stack_plans_find(&roots->plans, roots->stack_ids[index]);
	size_t size;
	if (plan == NULL || plan->size > g->stack.high - task->sp)
		return false;
	const unsigned char *bytes = pages_at(&marker->pages, task->sp, plan->size, &size);
	if (bytes == NULL || size < plan->size || !go_stack_plan_fits(plan, task->pc, bytes))
		return false;
	for (uint32_t i = 0; i < plan->num_objects; i++)
		*array_add(roots->arena, &roots->objects) = (struct range){
			task->sp + plan->objects[i].low, task->sp + plan->objects[i].high};
	for (uint32_t i = 0; i < plan->num_pointers; i++) {
		uint64_t value;
		memcpy(&value, bytes + plan->pointers[i], sizeof(value));
		mark_pointer(roots, marker, task->sp + plan->pointers[i], value);
	}
	mark_defers(roots, marker, g->addr);
	return true;
}

/* False: the maps do not hold. */
static bool mark_by_maps(struct go_goroutine_roots *roots, struct go_marker *marker,
			 const struct goroutine *g, uint32_t index)
{
	const struct raw_stack stack = unwind(roots, g, &roots->tasks->list.items[index]);
	if (stack.end != CORELEAKS_STACK_COMPLETE)
		return false;
	roots->objects.num = roots->found.num = 0;
	for (uint32_t i = 0; i < stack.num_frames; i++) {
		if (roots->frames[i].cfa == 0 ||
		    !add_objects(roots, &roots->frames[i],
				 go_stack_maps_at(&roots->maps, roots->frames[i].pc)))
			return false;
	}
	go_stack_plans_learn(&roots->plans, roots->stack_ids[index], roots->frames,
			     stack.num_frames);
	mark_frames(roots, marker, stack.num_frames);
	mark_defers(roots, marker, g->addr);
	return true;
}

/* Maps tell of goroutines at rest only: not while one runs or panics, nor while the garbage
 * collector may be moving its stack. */
static bool may_use_maps(const struct go_goroutine_roots *roots, struct go_marker *marker,
			 const struct goroutine *g)
{
	uint32_t status =
		(uint32_t)word_at(marker, g->addr + (uint64_t)roots->runtime->layout.g_status);
	return (status == GO_STATUS_WAITING || status == GO_STATUS_LEAKED ||
		status == GO_STATUS_RUNNABLE || status == GO_STATUS_PREEMPTED ||
		status == GO_STATUS_SYSCALL) &&
	       word_at(marker, g->addr + GO_G_PANIC) == 0;
}

void go_goroutine_roots_prefetch(const struct go_goroutine_roots *roots,
				 const struct go_marker *marker, uint32_t goroutine)
{
	const struct goroutines *goroutines = roots->goroutines;
	if (goroutine >= goroutines->list.num)
		return;
	pages_prefetch(&marker->pages, goroutines->list.items[goroutine].addr,
		       (uint64_t)roots->runtime->layout.g_size);
	pages_prefetch(&marker->pages,
		       roots->tasks->list.items[goroutines->first_task + goroutine].sp,
		       PREFETCH_SIZE);
}

void go_goroutine_roots_mark(struct go_goroutine_roots *roots, struct go_marker *marker,
			     uint32_t goroutine)
{
	const struct goroutine *g = &roots->goroutines->list.items[goroutine];
	uint32_t index = roots->goroutines->first_task + goroutine;
	uint64_t sp = roots->tasks->list.items[index].sp;
	mark_record(roots, marker, g->addr);
	roots->stack = (struct range){sp, g->stack.high};
	roots->objects.num = roots->found.num = 0;
	bool resting = range_contains(g->stack, sp) && may_use_maps(roots, marker, g);
	if (resting &&
	    (mark_by_plan(roots, marker, g, index) || mark_by_maps(roots, marker, g, index))) {
		mark_registers(roots, marker, g->addr);
		mark_waits(roots, marker, goroutine);
		while (roots->found.num > 0) {
			struct range object = roots->found.items[--roots->found.num];
			mark_words(roots, marker, object.low, object.high);
		}
		return;
	}
	mark_registers(roots, marker, g->addr);
	mark_waits(roots, marker, goroutine);
	/* Of a running one its registers count only when they are those of its own code. */
	bool from_sp = resting || (range_contains(g->stack, sp) && g->exact);
	go_marker_words(marker, from_sp ? sp : g->stack.low, g->stack.high);
	roots->by_words[goroutine] = true;
}

struct go_place go_goroutine_roots_place(struct go_goroutine_roots *roots, uint32_t goroutine,
					 uint64_t addr)
{
	const struct goroutine *g = &roots->goroutines->list.items[goroutine];
	const struct raw_stack stack = unwind(
		roots, g, &roots->tasks->list.items[roots->goroutines->first_task + goroutine]);
	for (uint32_t i = 0; i < stack.num_frames; i++) {
		const struct raw_frame *frame = &roots->frames[i];
		struct go_function function;
		if (addr >= frame->sp && addr < frame->cfa &&
		    go_tables_find(&roots->runtime->tables, frame->pc, &function))
			return (struct go_place){go_function_name(&function), addr - frame->sp};
	}
	return (struct go_place){0};
}
