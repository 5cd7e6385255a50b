#include "task/go_queue_walks.h"

enum { STACK_WORDS = 128 }; /* of its own stack that a parked goroutine's entry is looked for in */

/* ---- What a goroutine may stand in --------------------------------------------------------- */

/* Words of the runtime for waits in queues (runtime/runtime2.go waitReasonStrings, 1.19 to 1.27);
 * some have " (nil chan)", " (no cases)" or " (durable)" behind them. */
static const struct {
	const char *reason;
	enum go_queue queue;
} reasons[] = {
	{"chan receive", GO_QUEUE_CHANNEL},
	{"chan send", GO_QUEUE_CHANNEL},
	{"select", GO_QUEUE_CHANNEL},
	{"semacquire", GO_QUEUE_SEMAPHORE},
	{"sync.Mutex.Lock", GO_QUEUE_SEMAPHORE},
	{"sync.RWMutex.RLock", GO_QUEUE_SEMAPHORE},
	{"sync.RWMutex.Lock", GO_QUEUE_SEMAPHORE},
	{"sync.WaitGroup.Wait", GO_QUEUE_SEMAPHORE},
	{"sync.Cond.Wait", GO_QUEUE_NOTIFY},
};

static enum go_queue queue_of_reason(const char *reason)
{
	for (size_t i = 0; reason != NULL && i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		size_t size = strlen(reasons[i].reason);
		if (strncmp(reason, reasons[i].reason, size) == 0 &&
		    (reason[size] == 0 || strncmp(reason + size, " (", 2) == 0))
			return reasons[i].queue;
	}
	return GO_QUEUE_NONE;
}

/* ---- Entries ------------------------------------------------------------------------------- */

/* false: seen before, in a ring or with another goroutine. */
static bool add_sudog(struct queue_builder *builder, uint32_t goroutine,
		      const struct queue_node *node, enum go_queue queue)
{
	const struct go_layout *layout = &builder->runtime->layout;
	struct go_queues *queues = builder->queues;
	bool is_new;
	addresses_add(&queues->sudog_numbers, node->addr, &is_new);
	if (!is_new)
		return false;
	uint64_t elem = queue_node_word(node, layout->sudog_elem);
	uint64_t object = queue == GO_QUEUE_CHANNEL ? queue_node_word(node, layout->sudog_c) : elem;
	*array_add(builder->arena, &queues->sudogs) = (struct go_sudog){
		.addr = node->addr,
		.object_addr = object,
		.elem_addr = queue == GO_QUEUE_CHANNEL ? elem : 0,
		.object = object != 0 ? queue_object(builder, object, queue) : UINT32_MAX,
		.goroutine = goroutine,
		.queue = queue,
		.is_select = queue == GO_QUEUE_CHANNEL &&
			     (uint8_t)queue_node_word(node, layout->sudog_select) != 0,
	};
	queues->of[goroutine].num++;
	return true;
}

/* What g.waiting leads to. Of a select a list; since 1.26 semaphores and conditions stand there
 * too, whose own lists use the same link. */
static bool add_waiting(struct queue_builder *builder, uint32_t goroutine, enum go_queue queue)
{
	const struct go_layout *layout = &builder->runtime->layout;
	const struct goroutine *g = &builder->goroutines->list.items[goroutine];
	struct queue_node node;
	for (uint64_t addr = g->waiting_addr; addr != 0;
	     addr = queue_node_word(&node, layout->sudog_waitlink)) {
		if (!queue_node_read(builder, addr, &node) || queue_node_word(&node, 0) != g->addr)
			return false;
		bool channel = queue_node_word(&node, layout->sudog_c) != 0;
		if (!channel && queue != GO_QUEUE_SEMAPHORE && queue != GO_QUEUE_NOTIFY)
			return false;
		if (!add_sudog(builder, goroutine, &node, channel ? GO_QUEUE_CHANNEL : queue))
			return false;
		if (!channel)
			return true;
	}
	return true;
}

static uint32_t read_stack(const struct queue_builder *builder, uint32_t goroutine,
			   uint64_t words[STACK_WORDS])
{
	const struct goroutine *g = &builder->goroutines->list.items[goroutine];
	const struct task *task =
		&builder->tasks->list.items[builder->goroutines->first_task + goroutine];
	uint64_t sp = task->sp;
	uint64_t size = STACK_WORDS * sizeof(*words);
	if (!range_contains(g->stack, sp))
		return 0;
	if (size > g->stack.high - sp)
		size = g->stack.high - sp;
	image_expect(builder->image, g->stack, sp);
	return (uint32_t)(image_read(builder->image, sp, words, (size_t)size) / sizeof(*words));
}

/* Until Go 1.25 nothing but its own stack leads from a goroutine to its entry in a semaphore's or a
 * condition's queue. */
static bool add_from_stack(struct queue_builder *builder, uint32_t goroutine, enum go_queue queue)
{
	const struct go_layout *layout = &builder->runtime->layout;
	uint64_t g_addr = builder->goroutines->list.items[goroutine].addr, words[STACK_WORDS];
	uint32_t num = read_stack(builder, goroutine, words);
	for (uint32_t i = 0; i < num; i++) {
		struct range object;
		struct queue_node node;
		if (!go_spans_object(builder->spans, words[i], &object) || object.low != words[i] ||
		    object.high - object.low < (uint64_t)layout->sudog_size ||
		    !queue_node_read(builder, words[i], &node) ||
		    queue_node_word(&node, 0) != g_addr ||
		    queue_node_word(&node, layout->sudog_c) != 0 ||
		    (queue == GO_QUEUE_SEMAPHORE) !=
			    (queue_node_word(&node, layout->sudog_elem) != 0))
			continue;
		return add_sudog(builder, goroutine, &node, queue);
	}
	return false;
}

static void add_goroutine(struct queue_builder *builder, uint32_t goroutine, enum go_queue queue)
{
	struct go_queue_entries *entries = &builder->queues->of[goroutine];
	bool by_stack = queue == GO_QUEUE_SEMAPHORE || queue == GO_QUEUE_NOTIFY;
	entries->first = builder->queues->sudogs.num;
	entries->known = add_waiting(builder, goroutine, queue);
	if (by_stack && entries->num == 0)
		entries->known = add_from_stack(builder, goroutine, queue);
}

/* Most have one entry each, selects two: of a million nothing has to be moved. Room that stays
 * empty is never touched, and so takes no memory. */
static void make_room(struct queue_builder *builder)
{
	struct go_queues *queues = builder->queues;
	uint32_t num = 0;
	for (uint32_t i = 0; i < builder->goroutines->list.num; i++)
		num += builder->goroutines->list.items[i].waiting_addr != 0;
	addresses_reserve(&queues->sudog_numbers, num);
	array_room(builder->arena, &queues->sudogs, num < UINT32_MAX / 2 ? 2 * num : num);
}

static void add_goroutines(struct queue_builder *builder)
{
	const struct goroutines *goroutines = builder->goroutines;
	const char *last_reason = NULL;
	enum go_queue queue = GO_QUEUE_NONE;
	for (uint32_t i = 0; i < goroutines->list.num; i++) {
		const struct task *task = &builder->tasks->list.items[goroutines->first_task + i];
		if (task->state != CORELEAKS_STATE_WAITING)
			continue;
		/* Goroutines have pointers to the same few texts. */
		if (task->hint->reason != last_reason)
			queue = queue_of_reason(task->hint->reason);
		last_reason = task->hint->reason;
		add_goroutine(builder, i, queue);
	}
}

/* ---- Conditions ---------------------------------------------------------------------------- */

/* The list of a condition: named by the entry since 1.26, before by a word on the waiter's stack.
 */
static void find_conditions(struct queue_builder *builder)
{
	struct go_queues *queues = builder->queues;
	uint64_t words[STACK_WORDS];
	for (uint32_t i = 0; i < queues->sudogs.num; i++) {
		const struct go_sudog *sudog = &queues->sudogs.items[i];
		if (sudog->queue != GO_QUEUE_NOTIFY || sudog->linked)
			continue;
		uint32_t goroutine = sudog->goroutine;
		if (sudog->object_addr != 0) {
			queue_walk_notify(builder, sudog->object_addr, true);
			continue;
		}
		uint32_t num = read_stack(builder, goroutine, words);
		const struct range stack = builder->goroutines->list.items[goroutine].stack;
		/* On the stack itself there are words that look like a list, but none is. */
		for (uint32_t k = 0; k < num && !queues->sudogs.items[i].linked; k++)
			if (!range_contains(stack, words[k]))
				queue_walk_notify(builder, words[k], false);
		queues->of[goroutine].known &= queues->sudogs.items[i].linked;
	}
}

/* ---- All ----------------------------------------------------------------------------------- */

static void finish(struct queue_builder *builder, struct gaps *gaps)
{
	struct go_queues *queues = builder->queues;
	uint32_t num_damaged = 0;
	bool semaphores = false;
	for (uint32_t i = 0; i < queues->objects.num; i++) {
		num_damaged += queues->objects.items[i].damaged;
		semaphores |= queues->objects.items[i].queue == GO_QUEUE_SEMAPHORE;
	}
	for (uint32_t i = 0; i < queues->sudogs.num; i++) {
		struct go_sudog *sudog = &queues->sudogs.items[i];
		if (sudog->queue == GO_QUEUE_CHANNEL && sudog->object != UINT32_MAX)
			sudog->closed = queues->objects.items[sudog->object].closed;
		/* Where channels keep their queues is not calibrated. One that does not hold who
		 * waits for it may as well be read at the wrong places. */
		if (builder->runtime->layout.minor == GO_NONE && !sudog->linked)
			sudog->object = UINT32_MAX;
	}
	if (num_damaged > 0)
		gaps_add(gaps, "go-queues", false,
			 "the queues of %u channels or locks contradict themselves: who waits "
			 "there is not wholly known",
			 num_damaged);
	if (semaphores && queues->semtable_addr == 0)
		gaps_add(gaps, "go-queues", false,
			 "the Go runtime's table of semaphores was not found: whether goroutines "
			 "still wait for their locks could not be checked");
	if (builder->steps_left == 0)
		gaps_add(gaps, "go-queues", false,
			 "the queues of channels and locks have more entries than goroutines can "
			 "have made: not all were read");
}

void go_queues_build(struct go_queues *ret, struct arena *arena, struct gaps *gaps,
		     const struct go_runtime *runtime, const struct goroutines *goroutines,
		     const struct tasks *tasks, const struct go_spans *spans, struct image *image)
{
	enum { SPARE_STEPS = 1 << 20 };
	struct queue_builder builder = {
		.queues = ret,
		.arena = arena,
		.runtime = runtime,
		.goroutines = goroutines,
		.tasks = tasks,
		.spans = spans,
		.image = image,
	};
	*ret = (struct go_queues){0};
	ret->of = arena_alloc_array(arena, goroutines->list.num, sizeof(*ret->of));
	addresses_init(&ret->sudog_numbers, arena);
	addresses_init(&ret->object_numbers, arena);
	if (!runtime->recognised)
		return;
	make_room(&builder);
	add_goroutines(&builder);
	/* Twice for entries of goroutines that have been woken and have not run yet; a treap's are
	 * looked at on the way to others. */
	builder.steps_left = UINT64_C(64) * ret->sudogs.num + SPARE_STEPS;
	queue_walk_channels(&builder);
	queue_walk_semaphores(&builder);
	find_conditions(&builder);
	finish(&builder, gaps);
}
