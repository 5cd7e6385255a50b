#include "task/go_queue_walks.h"

/* runtime/runtime2.go, the same in 1.19 to 1.27: sudog {g, next, prev}, waitq {first, last}, hchan
 * {qcount, dataqsiz, buf, elemsize u16, …, closed u32}. */
enum { SUDOG_NEXT = 8, SUDOG_PREV = 16, HCHAN_CLOSED = 28, MAX_HCHAN_SIZE = 128 };

bool queue_node_read(const struct queue_builder *builder, uint64_t addr, struct queue_node *ret)
{
	size_t size = (size_t)builder->runtime->layout.sudog_size;
	ret->addr = addr;
	return (addr & 7) == 0 && image_read(builder->image, addr, ret->bytes, size) == size;
}

uint64_t queue_node_word(const struct queue_node *node, int off)
{
	uint64_t value;
	memcpy(&value, node->bytes + off, sizeof(value));
	return value;
}

uint32_t queue_object(struct queue_builder *builder, uint64_t addr, enum go_queue queue)
{
	struct go_queues *queues = builder->queues;
	bool is_new;
	uint32_t number = addresses_add(&queues->object_numbers, addr, &is_new);
	if (is_new)
		*array_add(builder->arena, &queues->objects) =
			(struct go_queue_object){.addr = addr, .queue = queue};
	return number;
}

static bool may_step(struct queue_builder *builder)
{
	builder->steps_left -= builder->steps_left > 0;
	return builder->steps_left > 0;
}

/* The queue holds the entry at addr. false: it stands in another queue as well. */
static bool mark(struct queue_builder *builder, uint32_t number, uint64_t addr, bool send)
{
	struct go_queue_object *object = &builder->queues->objects.items[number];
	uint32_t index = addresses_find(&builder->queues->sudog_numbers, addr);
	if (index == UINT32_MAX) {
		object->num_others++;
		return true;
	}
	struct go_sudog *sudog = &builder->queues->sudogs.items[index];
	if (sudog->linked || sudog->object != number)
		return false;
	sudog->linked = true;
	sudog->send = send;
	*(send ? &object->num_senders : &object->num_receivers) += 1;
	return true;
}

/* ---- Channels ------------------------------------------------------------------------------ */

/* Each entry points back to the one before, so that no list can go round. */
static bool walk_side(struct queue_builder *builder, uint32_t number, const uint64_t *ends,
		      bool send)
{
	const struct go_layout *layout = &builder->runtime->layout;
	uint64_t channel = builder->queues->objects.items[number].addr;
	uint64_t before = 0, addr = ends[0];
	struct queue_node node;
	while (addr != 0) {
		if (!may_step(builder) || !queue_node_read(builder, addr, &node) ||
		    queue_node_word(&node, SUDOG_PREV) != before ||
		    queue_node_word(&node, layout->sudog_c) != channel ||
		    !mark(builder, number, addr, send))
			return false;
		before = addr;
		addr = queue_node_word(&node, SUDOG_NEXT);
	}
	return before == ends[1];
}

static void walk_channel(struct queue_builder *builder, uint32_t number)
{
	const struct go_layout *layout = &builder->runtime->layout;
	struct go_queue_object *object = &builder->queues->objects.items[number];
	unsigned char bytes[MAX_HCHAN_SIZE];
	uint64_t receivers[2], senders[2];
	uint32_t closed;
	size_t size = (size_t)layout->hchan_sendq + sizeof(senders);
	if (size > sizeof(bytes) || image_read(builder->image, object->addr, bytes, size) != size)
		return;
	memcpy(receivers, bytes + layout->hchan_recvq, sizeof(receivers));
	memcpy(senders, bytes + layout->hchan_sendq, sizeof(senders));
	memcpy(&closed, bytes + HCHAN_CLOSED, sizeof(closed));
	object->readable = true;
	object->closed = closed != 0;
	bool whole = walk_side(builder, number, receivers, false);
	whole &= walk_side(builder, number, senders, true);
	object->damaged = !whole;
}

void queue_walk_channels(struct queue_builder *builder)
{
	for (uint32_t i = 0; i < builder->queues->objects.num; i++)
		if (builder->queues->objects.items[i].queue == GO_QUEUE_CHANNEL)
			walk_channel(builder, i);
}

/* ---- Semaphores ---------------------------------------------------------------------------- */

/* runtime/sema.go: 251 roots {lock, treap, nwait}, each padded to a cache line. A root's treap
 * holds one entry an address, ordered by it; others of that address hang on its waitlink. */
enum { NUM_ROOTS = 251, ROOT_TREAP = 8, MAX_STRIDES = 2 };

/* internal/cpu.CacheLinePadSize: 64 on x86-64; on AArch64 64 in Go 1.19, 128 in 1.21 to 1.27. Of
 * 1.20 we have seen no source: either. */
static uint32_t strides_of(const struct queue_builder *builder, uint32_t ret[MAX_STRIDES])
{
	enum { NARROW = 64, WIDE = 128, LAST_NARROW = 19, FIRST_WIDE = 21 };
	uint32_t num = 0;
	bool arm64 = image_is_arm64(builder->image);
	if (!arm64 || builder->runtime->minor < FIRST_WIDE)
		ret[num++] = NARROW;
	if (arm64 && builder->runtime->minor > LAST_NARROW)
		ret[num++] = WIDE;
	return num;
}

static uint32_t root_of(uint64_t addr)
{
	return (uint32_t)((addr >> 3) % NUM_ROOTS);
}

/* Where the table would begin. */
struct vote {
	uint64_t addr;
	uint32_t stride, num;
};

struct poll {
	struct vote votes[64];
	uint32_t num;
};

static void add_vote(struct poll *poll, uint64_t addr, uint32_t stride)
{
	uint32_t i = 0;
	while (i < poll->num && (poll->votes[i].addr != addr || poll->votes[i].stride != stride))
		i++;
	if (i == sizeof(poll->votes) / sizeof(poll->votes[0]))
		return;
	if (i == poll->num)
		poll->votes[poll->num++] = (struct vote){.addr = addr, .stride = stride};
	poll->votes[i].num++;
}

/* The variable at addr points to that waiter. */
static void vote_for(struct poll *poll, const struct queue_builder *builder, uint64_t addr,
		     const struct go_sudog *waiter)
{
	const struct range *globals = &builder->runtime->globals;
	uint32_t strides[MAX_STRIDES];
	uint32_t num = strides_of(builder, strides);
	for (uint32_t i = 0; i < num; i++) {
		uint64_t table =
			addr - ROOT_TREAP - (uint64_t)strides[i] * root_of(waiter->object_addr);
		if (table >= globals->low && table < globals->high &&
		    globals->high - table >= (uint64_t)NUM_ROOTS * strides[i])
			add_vote(poll, table, strides[i]);
	}
}

/* A variable that points to a waiter tells where the table would begin; most of them are right.
 * Where two strides are as good as each other, it is not known. */
static void find_semtable(struct queue_builder *builder)
{
	enum { STEP = 4096 };
	const struct range *globals = &builder->runtime->globals;
	struct go_queues *queues = builder->queues;
	struct poll poll = {.num = 0};
	uint64_t words[STEP / 8];
	for (uint64_t at = globals->low; at < globals->high; at += STEP) {
		size_t num = image_read(builder->image, at, words, sizeof(words)) / 8;
		for (size_t i = 0; i < num && at + 8 * i < globals->high; i++) {
			uint32_t index = words[i] == 0
						 ? UINT32_MAX
						 : addresses_find(&queues->sudog_numbers, words[i]);
			if (index != UINT32_MAX &&
			    queues->sudogs.items[index].queue == GO_QUEUE_SEMAPHORE)
				vote_for(&poll, builder, at + 8 * i, &queues->sudogs.items[index]);
		}
	}
	struct vote best = {0};
	bool tied = false;
	for (uint32_t i = 0; i < poll.num; i++) {
		tied &= poll.votes[i].num <= best.num;
		tied |= poll.votes[i].num == best.num && poll.votes[i].stride != best.stride;
		best = poll.votes[i].num > best.num ? poll.votes[i] : best;
	}
	if (!tied) {
		queues->semtable_addr = best.addr;
		queues->semtable_stride = best.stride;
	}
}

/* The treap's entry for that semaphore. */
static bool find_head(struct queue_builder *builder, uint64_t semaphore, struct queue_node *ret)
{
	enum { MAX_DEPTH = 1024 };
	const struct go_layout *layout = &builder->runtime->layout;
	uint64_t root = builder->queues->semtable_addr +
			(uint64_t)builder->queues->semtable_stride * root_of(semaphore);
	uint64_t addr;
	if (!image_read_u64(builder->image, root + ROOT_TREAP, &addr))
		return false;
	for (uint32_t i = 0; i < MAX_DEPTH && addr != 0; i++) {
		if (!may_step(builder) || !queue_node_read(builder, addr, ret))
			return false;
		uint64_t key = queue_node_word(ret, layout->sudog_elem);
		if (key == semaphore)
			return true;
		addr = queue_node_word(ret, semaphore < key ? SUDOG_PREV : SUDOG_NEXT);
	}
	return false;
}

/* Of a ring of entries that nobody waits with: the walk comes back to one of these. */
struct milestone {
	uint64_t addr;
	uint32_t num;
};

static bool comes_back(struct milestone *milestone, uint64_t addr)
{
	if (addr == milestone->addr)
		return true;
	if ((milestone->num & (milestone->num - 1)) == 0)
		milestone->addr = addr;
	milestone->num++;
	return false;
}

static void walk_semaphore(struct queue_builder *builder, uint32_t number)
{
	const struct go_layout *layout = &builder->runtime->layout;
	struct go_queue_object *object = &builder->queues->objects.items[number];
	struct milestone milestone = {0};
	struct queue_node node;
	if (!find_head(builder, object->addr, &node))
		return;
	object->readable = true;
	for (;;) {
		if (comes_back(&milestone, node.addr) ||
		    queue_node_word(&node, layout->sudog_elem) != object->addr ||
		    !mark(builder, number, node.addr, false))
			break;
		uint64_t next = queue_node_word(&node, layout->sudog_waitlink);
		if (next == 0)
			return;
		if (!may_step(builder) || !queue_node_read(builder, next, &node))
			break;
	}
	object->damaged = true;
}

void queue_walk_semaphores(struct queue_builder *builder)
{
	bool any = false;
	for (uint32_t i = 0; i < builder->queues->objects.num; i++) {
		if (builder->queues->objects.items[i].queue != GO_QUEUE_SEMAPHORE)
			continue;
		if (!any)
			find_semtable(builder);
		any = true;
		if (builder->queues->semtable_addr != 0)
			walk_semaphore(builder, i);
	}
}

/* ---- Conditions ---------------------------------------------------------------------------- */

/* runtime/sema.go: notifyList {wait u32, notify u32, lock, head, tail}. Whoever waits draws a
 * ticket from wait; those below notify have been woken. */
struct notify_list {
	uint32_t wait, notify;
	uint64_t lock, head, tail;
};

static bool holds_ticket(const struct queue_builder *builder, const struct notify_list *list,
			 const struct queue_node *node)
{
	uint32_t ticket = (uint32_t)queue_node_word(node, builder->runtime->layout.sudog_ticket);
	return (int32_t)(ticket - list->notify) >= 0 && (int32_t)(list->wait - ticket) > 0;
}

/* Since 1.26 an entry names its list. */
static bool belongs_to(const struct queue_builder *builder, const struct queue_node *node,
		       uint64_t addr)
{
	uint64_t elem = queue_node_word(node, builder->runtime->layout.sudog_elem);
	return elem == 0 || elem == addr;
}

/* How many entries from the head on are the list's. *whole_ret: each leads to the next up to the
 * list's last, and it has handed out no fewer tickets that were not called, nor more by what
 * goroutines on their way to it can have drawn. */
static uint32_t list_entries(struct queue_builder *builder, const struct notify_list *list,
			     uint64_t addr, bool *whole_ret)
{
	struct milestone milestone = {0};
	struct queue_node node = {.addr = 0};
	uint32_t num = 0, num_tickets = list->wait - list->notify;
	uint64_t next = list->head;
	*whole_ret = false;
	for (; next != 0; next = queue_node_word(&node, SUDOG_NEXT)) {
		if (!may_step(builder) || !queue_node_read(builder, next, &node) ||
		    comes_back(&milestone, node.addr) || !holds_ticket(builder, list, &node) ||
		    !belongs_to(builder, &node, addr))
			return num;
		num++;
	}
	*whole_ret = node.addr == list->tail && num <= num_tickets &&
		     num_tickets - num <= builder->goroutines->list.num;
	return num;
}

/* Whoever waits has passed the list on to the runtime: the compiler puts it on no stack, and what
 * looks like one there are words that were left over. */
static bool may_hold_list(const struct queue_builder *builder, uint64_t addr)
{
	struct range object;
	return (addr & 7) == 0 && (go_spans_find(builder->spans, addr) == NULL ||
				   go_spans_object(builder->spans, addr, &object));
}

bool queue_walk_notify(struct queue_builder *builder, uint64_t addr, bool named)
{
	struct go_queues *queues = builder->queues;
	struct notify_list list;
	struct queue_node node;
	bool whole;
	if (!may_hold_list(builder, addr) ||
	    image_read(builder->image, addr, &list, sizeof(list)) != sizeof(list) || list.head == 0)
		return false;
	uint32_t index = addresses_find(&queues->sudog_numbers, list.head);
	if (index == UINT32_MAX || queues->sudogs.items[index].queue != GO_QUEUE_NOTIFY ||
	    queues->sudogs.items[index].linked)
		return false;
	uint32_t num = list_entries(builder, &list, addr, &whole);
	if (num == 0 || (!whole && !named))
		return false;
	uint32_t number = queue_object(builder, addr, GO_QUEUE_NOTIFY);
	queues->objects.items[number].readable = true;
	queues->objects.items[number].damaged = !whole;
	uint64_t next = list.head;
	for (uint32_t i = 0; i < num && queue_node_read(builder, next, &node); i++) {
		index = addresses_find(&queues->sudog_numbers, node.addr);
		if (index != UINT32_MAX && queues->sudogs.items[index].object == UINT32_MAX &&
		    queues->sudogs.items[index].queue == GO_QUEUE_NOTIFY) {
			queues->sudogs.items[index].object = number;
			queues->sudogs.items[index].object_addr = addr;
		}
		if (!mark(builder, number, node.addr, false)) {
			queues->objects.items[number].damaged = true;
			break;
		}
		next = queue_node_word(&node, SUDOG_NEXT);
	}
	return true;
}
