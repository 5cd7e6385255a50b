#include "reason/go_waits.h"

#include "reason/go_channels.h"
#include "reason/go_contexts.h"
#include "reason/go_locks.h"
#include "reason/go_polls.h"
#include "reason/go_selects.h"
#include "task/go_heap_layout.h"

int64_t go_waits_left(const struct go_facts *facts, int64_t when_ns)
{
	/* Midnight of 2000-01-01 UTC, where the clocks of testing/synctest's bubbles begin
	 * (runtime/synctest.go, 1.25 to 1.27), and some years on: no computer has been up for that
	 * long. */
	const int64_t first = INT64_C(946684800000000000), years = INT64_C(315360000000000000);
	if (facts->now_ns <= 0 ||
	    (when_ns >= first && when_ns < first + years && facts->now_ns < first / 2))
		return INT64_MIN;
	return when_ns - facts->now_ns;
}

/* ---- Objects ------------------------------------------------------------------------------- */

struct builder {
	struct go_waits *waits;
	struct go_types types;
	struct addresses locks;	      /* address of a lock -> number */
	uint32_t *object_by_lock;     /* by that number: index in waits->objects */
	uint32_t *object_by_queue;    /* parallel to the queues' objects; UINT32_MAX: not yet */
	struct go_lock_place *places; /* parallel to stacks; kind NULL: not looked at yet */
};

static uint32_t stack_of(const struct go_waits_input *input, uint32_t goroutine)
{
	return input->stacks->by_task[input->goroutines->first_task + goroutine];
}

static uint32_t add_object(struct builder *builder, const char *kind, uint64_t addr)
{
	struct go_waits *waits = builder->waits;
	waits->objects[waits->num_objects] =
		(struct coreleaks_go_object){.kind = kind, .addr = addr, .left_ns = INT64_MIN};
	return waits->num_objects++;
}

static uint32_t add_channel(struct builder *builder, const struct go_queue_object *queue)
{
	uint32_t index = add_object(builder, "channel", queue->addr);
	struct coreleaks_go_object *object = &builder->waits->objects[index];
	go_channel_decode(object, &builder->types, &builder->waits->input);
	object->queues_known = queue->readable && !queue->damaged;
	object->num_senders = queue->num_senders;
	object->num_receivers = queue->num_receivers;
	return index;
}

/* A lock may have several queues, as a RWMutex has for readers and for writers. */
static uint32_t add_lock(struct builder *builder, const char *kind, uint64_t addr, const char *use)
{
	bool is_new;
	uint32_t number = addresses_add(&builder->locks, addr, &is_new);
	if (is_new) {
		uint32_t index = add_object(builder, kind, addr);
		builder->object_by_lock[number] = index;
		builder->waits->objects[index].use = use;
		go_lock_decode(&builder->waits->objects[index], builder->waits->input.image);
	}
	return builder->object_by_lock[number];
}

static uint32_t make_object(struct builder *builder, const struct go_sudog *sudog)
{
	enum { COND_NOTIFY = 16 }; /* sync.Cond.notify, 1.19 to 1.27 */
	const struct go_waits_input *input = &builder->waits->input;
	const struct go_queue_object *queue = &input->queues->objects.items[sudog->object];
	uint32_t stack = stack_of(input, sudog->goroutine);
	struct go_lock_place *place = &builder->places[stack];
	if (sudog->queue == GO_QUEUE_CHANNEL)
		return add_channel(builder, queue);
	if (sudog->queue == GO_QUEUE_NOTIFY)
		return add_lock(builder, "go-cond", queue->addr - COND_NOTIFY, NULL);
	if (place->kind == NULL)
		*place = go_lock_place_of(&input->stacks->list.items[stack]);
	return add_lock(builder, place->kind, queue->addr - place->sema_off, place->use);
}

/* The entries of one select at one channel stand next to each other. */
static void add_entries(struct builder *builder)
{
	struct go_waits *waits = builder->waits;
	const struct go_queues *queues = waits->input.queues;
	for (uint32_t i = 0; i < queues->sudogs.num; i++) {
		const struct go_sudog *sudog = &queues->sudogs.items[i];
		if (sudog->object == UINT32_MAX)
			continue;
		uint32_t *index = &builder->object_by_queue[sudog->object];
		if (*index == UINT32_MAX)
			*index = make_object(builder, sudog);
		struct coreleaks_go_object *object = &waits->objects[*index];
		if (i == 0 || sudog[-1].goroutine != sudog->goroutine ||
		    sudog[-1].object != sudog->object)
			object->num_waiters++;
		waits->cases[i] = (struct coreleaks_case){
			.channel = object,
			.send = sudog->send,
			.queued = sudog->linked,
		};
	}
}

void go_waits_build(struct go_waits *ret, struct arena *arena, struct gaps *gaps,
		    const struct go_waits_input *input)
{
	uint32_t num_queues = input->queues->objects.num, num_stacks = input->stacks->list.num;
	struct builder builder = {.waits = ret};
	*ret = (struct go_waits){.input = *input, .arena = arena};
	if (!input->runtime->recognised)
		return;
	ret->objects = arena_alloc_array(arena, num_queues, sizeof(*ret->objects));
	ret->cases = arena_alloc_array(arena, input->queues->sudogs.num, sizeof(*ret->cases));
	ret->ordered = arena_alloc_array(arena, GO_SELECT_MAX_KNOWN, sizeof(*ret->ordered));
	ret->select_offs = go_selects_find(arena, input->stacks);
	go_types_init(&builder.types, arena, input->image, input->runtime);
	addresses_init(&builder.locks, arena);
	builder.object_by_lock =
		arena_alloc_array(arena, num_queues, sizeof(*builder.object_by_lock));
	builder.object_by_queue =
		arena_alloc_array(arena, num_queues, sizeof(*builder.object_by_queue));
	for (uint32_t i = 0; i < num_queues; i++)
		builder.object_by_queue[i] = UINT32_MAX;
	builder.places = arena_alloc_array(arena, num_stacks, sizeof(*builder.places));
	add_entries(&builder);
	go_channels_find_timers(ret->objects, ret->num_objects, arena, input);
	go_contexts_find(ret->objects, ret->num_objects, arena, gaps, &builder.types, input);
}

/* ---- Goroutines ---------------------------------------------------------------------------- */

/* A queue that was read and does not hold the entry has let go of it. */
static bool has_left(const struct go_queues *queues, const struct go_sudog *sudog)
{
	if (sudog->linked || sudog->object == UINT32_MAX)
		return false;
	const struct go_queue_object *object = &queues->objects.items[sudog->object];
	bool known =
		sudog->queue == GO_QUEUE_SEMAPHORE ? queues->semtable_addr != 0 : object->readable;
	return known && !object->damaged;
}

/* What waiting for is about comes before what may cut it short. */
static int rank(const struct coreleaks_go_object *object)
{
	return strcmp(object->kind, "timer") == 0 ? 2 : strcmp(object->kind, "context") == 0;
}

static void choose_object(struct go_wait *wait)
{
	for (uint32_t i = 0; i < wait->num_cases; i++) {
		const struct coreleaks_go_object *object = wait->cases[i].channel;
		if (object == NULL)
			continue;
		if (wait->object == NULL || rank(object) < rank(wait->object))
			wait->object = object;
		if (object->timed && (!wait->timed || object->when_ns < wait->when_ns)) {
			wait->timed = true;
			wait->when_ns = object->when_ns;
			wait->left_ns = object->left_ns;
		}
	}
}

/* Puts the cases into the order of the source, with nil channels between them. The compiler fills
 * its array with sends from the front and with receives from the back
 * (cmd/compile/internal/walk/select.go, runtime/select.go reflect_rselect(), 1.19 to 1.27). */
static void order_cases(struct go_waits *waits, struct go_wait *wait, uint32_t goroutine)
{
	uint32_t num, num_sends, stack = stack_of(&waits->input, goroutine);
	uint32_t order[GO_SELECT_MAX_KNOWN];
	if (!go_selects_order(order, &waits->input, goroutine, waits->select_offs[stack], &num,
			      &num_sends))
		return;
	struct coreleaks_case *cases = waits->ordered;
	memset(cases, 0, num * sizeof(*cases));
	for (uint32_t i = 0; i < num; i++) {
		uint32_t from = i < num_sends ? i : num - 1 - (i - num_sends);
		if (order[from] != UINT32_MAX)
			cases[i] = waits->cases[order[from]];
		cases[i].send = i < num_sends;
	}
	wait->cases = cases;
	wait->num_cases = num;
	wait->cases_ordered = true;
}

static bool starts_with(const char *text, const char *beginning)
{
	return text != NULL && strncmp(text, beginning, strlen(beginning)) == 0;
}

static void wait_in_queues(struct go_waits *waits, struct go_wait *wait, uint32_t goroutine,
			   const char *reason)
{
	const struct go_queues *queues = waits->input.queues;
	const struct go_queue_entries *entries = &queues->of[goroutine];
	const struct go_sudog *first = &queues->sudogs.items[entries->first];
	wait->is_select = starts_with(reason, "select");
	for (uint32_t i = 0; i < entries->num; i++)
		wait->waking |= has_left(queues, &first[i]);
	if (entries->num > 0 && first->queue != GO_QUEUE_CHANNEL) {
		wait->object = waits->cases[entries->first].channel;
		return;
	}
	if (entries->num > 0) {
		wait->cases = &waits->cases[entries->first];
		wait->num_cases = entries->num;
	}
	if (wait->is_select)
		order_cases(waits, wait, goroutine);
	else if (entries->num == 1 && !first->linked)
		waits->cases[entries->first].send = starts_with(reason, "chan send");
	choose_object(wait);
}

/* A bubble of testing/synctest has a clock of its own, which goes on when all in it wait. */
static void use_bubble_clock(const struct go_waits_input *input, struct go_wait *wait,
			     uint32_t goroutine)
{
	const struct go_heap_layout layout = go_heap_layout_for(input->runtime->minor);
	uint64_t bubble;
	/* Of a version that is not in the table the place is not known. */
	if (!wait->timed || layout.g_bubble < 0 || input->runtime->layout.minor == GO_NONE ||
	    !image_read_u64(input->image,
			    input->goroutines->list.items[goroutine].addr +
				    (uint64_t)layout.g_bubble,
			    &bubble) ||
	    bubble == 0)
		return;
	wait->in_bubble = true;
	wait->left_ns = INT64_MIN;
}

struct go_wait go_waits_of(struct go_waits *waits, uint32_t goroutine)
{
	const struct go_waits_input *input = &waits->input;
	const struct task *task =
		&input->tasks->list.items[input->goroutines->first_task + goroutine];
	struct go_wait wait = {.fd = -1, .left_ns = INT64_MIN};
	const char *reason = task->hint->reason;
	if (task->state != CORELEAKS_STATE_WAITING || reason == NULL)
		return wait;
	/* runtime/runtime2.go, waitReasonStrings */
	if (strcmp(reason, "IO wait") == 0)
		go_poll_decode(&wait, input, goroutine);
	else if (strcmp(reason, "sleep") == 0)
		go_sleep_decode(&wait, input, goroutine);
	else if (input->queues->of[goroutine].num > 0 || starts_with(reason, "select"))
		wait_in_queues(waits, &wait, goroutine, reason);
	use_bubble_clock(input, &wait, goroutine);
	return wait;
}
