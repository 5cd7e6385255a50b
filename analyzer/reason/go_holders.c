#include "reason/go_holders.h"

#include "reason/holders.h"

static const uint64_t max_search_size = UINT64_C(32) << 20; /* bytes of all stacks */

struct search {
	struct go_waits *waits;
	struct addresses addrs; /* that lead to objects */
	struct {
		uint32_t *items; /* by that number: index of the object */
		uint32_t num, capacity;
	} targets;
	struct holders_of **found; /* parallel to the objects; NULL: no candidate yet */
	uint32_t *last_seen;	   /* parallel to the objects: goroutine + 1 that was noted last */
	struct range heap;	   /* where such addresses lie */
	uint64_t left_size;
};

static void want(struct search *search, uint64_t addr, uint32_t object)
{
	bool is_new;
	addresses_add(&search->addrs, addr, &is_new);
	if (!is_new)
		return;
	*array_add(search->waits->arena, &search->targets) = object;
	if (addr < search->heap.low)
		search->heap.low = addr;
	if (addr >= search->heap.high)
		search->heap.high = addr + 1;
}

/* The address of a struct leads to the lock in it. */
static void collect(struct search *search)
{
	const struct go_waits *waits = search->waits;
	for (uint32_t i = 0; i < waits->num_objects; i++)
		want(search, waits->objects[i].addr, i);
	for (uint32_t i = 0; i < waits->num_objects; i++) {
		struct range object;
		if (!waits->objects[i].is_channel &&
		    go_spans_object(waits->input.spans, waits->objects[i].addr, &object))
			want(search, object.low, i);
	}
}

static bool waits_for(const struct go_waits *waits, uint32_t goroutine,
		      const struct coreleaks_go_object *object)
{
	const struct go_queue_entries *entries = &waits->input.queues->of[goroutine];
	for (uint32_t i = 0; i < entries->num; i++)
		if (waits->cases[entries->first + i].channel == object)
			return true;
	return false;
}

/* The program's function in whose frame, or in whose callee's, that place of the stack is. Stacks
 * that are shared have frames at the same distances. */
static const struct coreleaks_frame *frame_at(const struct coreleaks_stack *stack, uint64_t off)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		if (frame->cfa <= stack->frames[0].sp || stack->frames[0].sp == 0 ||
		    frame->cfa - stack->frames[0].sp <= off)
			continue;
		/* The frame is that of the function into which others were inlined. */
		if (!frame->inlined && frame->function != NULL &&
		    strncmp(frame->function, "runtime.", 8) != 0 &&
		    strncmp(frame->function, "sync.", 5) != 0 &&
		    strncmp(frame->function, "time.", 5) != 0)
			return frame;
	}
	return NULL;
}

static void note(struct search *search, uint32_t goroutine, uint32_t object, uint64_t off)
{
	struct go_waits *waits = search->waits;
	const struct go_waits_input *input = &waits->input;
	uint32_t task = input->goroutines->first_task + goroutine;
	if (search->last_seen[object] == goroutine + 1 ||
	    waits_for(waits, goroutine, &waits->objects[object]))
		return;
	search->last_seen[object] = goroutine + 1;
	if (search->found[object] == NULL)
		search->found[object] = arena_alloc(waits->arena, sizeof(struct holders_of));
	const struct coreleaks_stack *stack =
		&input->stacks->list.items[input->stacks->by_task[task]];
	holders_of_add(search->found[object], input->tasks,
		       (struct coreleaks_candidate){task, frame_at(stack, off)});
}

static void search_stack(struct search *search, uint32_t goroutine)
{
	enum { STEP = 512 };
	const struct go_waits_input *input = &search->waits->input;
	const struct task *task =
		&input->tasks->list.items[input->goroutines->first_task + goroutine];
	const struct range *stack = &input->goroutines->list.items[goroutine].stack;
	uint64_t sp = task->sp & ~UINT64_C(7), words[STEP];
	if (!range_contains(*stack, sp))
		return;
	image_expect(input->image, *stack, sp);
	for (uint64_t at = sp; at < stack->high && search->left_size > 0; at += sizeof(words)) {
		uint64_t size = stack->high - at < sizeof(words) ? stack->high - at : sizeof(words);
		if (size > search->left_size)
			size = search->left_size;
		search->left_size -= size;
		size_t num = image_read(input->image, at, words, (size_t)size) / sizeof(words[0]);
		for (size_t i = 0; i < num; i++) {
			uint32_t number = range_contains(search->heap, words[i])
						  ? addresses_find(&search->addrs, words[i])
						  : UINT32_MAX;
			if (number != UINT32_MAX)
				note(search, goroutine, search->targets.items[number],
				     at + 8 * i - sp);
		}
	}
}

/* First those that wait in no queue: whoever holds a lock for long mostly waits for something
 * else. */
static void search_all(struct search *search, struct progress *progress)
{
	const struct go_waits_input *input = &search->waits->input;
	uint32_t num = input->goroutines->list.num;
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < num && search->left_size > 0; i++) {
			if ((input->queues->of[i].num > 0) != (pass == 1))
				continue;
			if (!progress_tick(progress, "searching stacks of goroutines", i, num))
				return;
			search_stack(search, i);
		}
}

void go_holders_find(struct go_waits *waits, struct gaps *gaps, struct progress *progress)
{
	struct search search = {
		.waits = waits,
		.heap = {UINT64_MAX, 0},
		.left_size = max_search_size,
	};
	uint32_t num = waits->num_objects;
	if (num == 0)
		return;
	addresses_init(&search.addrs, waits->arena);
	search.found = arena_alloc_array(waits->arena, num, sizeof(struct holders_of *));
	search.last_seen = arena_alloc_array(waits->arena, num, sizeof(*search.last_seen));
	collect(&search);
	search_all(&search, progress);
	if (search.left_size == 0)
		gaps_add(gaps, "holder-search-limit", false,
			 "only %u MiB of the goroutines' stacks were searched for who may hold "
			 "locks",
			 (unsigned)(max_search_size >> 20));
	for (uint32_t i = 0; i < num; i++) {
		struct coreleaks_go_object *object = &waits->objects[i];
		/* That there is none is known only of all stacks. */
		object->candidates_known = search.left_size > 0 || search.found[i] != NULL;
		if (search.found[i] == NULL)
			continue;
		object->candidates = search.found[i]->candidates;
		object->num_candidates = search.found[i]->num;
		object->num_all_candidates = search.found[i]->num_all;
	}
}
