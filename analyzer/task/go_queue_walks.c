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

/* runtime/sema.go: 251 roots {lock, treap, nwait}, each padded to a cache line
 * (internal/cpu.CacheLinePadSize: 64, 128 on AArch64). A root's treap
 * holds one entry an address, ordered by it; others of that address hang on its waitlink. */
enum { NUM_ROOTS = 251, ROOT_TREAP = 8, STRIDE_X86_64 = 64, STRIDE_ARM64 = 128 };

static uint32_t root_of(uint64_t addr)
{
	return (uint32_t)((addr >> 3) % NUM_ROOTS);
}

struct vote {
	uint64_t addr;
	uint32_t num;
};

/* A variable that points to a waiter tells where the table would begin; most of them are right. */
static void find_semtable(struct queue_builder *builder)
{
	enum { STEP = 4096, MAX_VOTES = 64 };
	const struct range *globals = &builder->runtime->globals;
	struct go_queues *queues = builder->queues;
	struct vote votes[MAX_VOTES] = {0}, *best = &votes[0];
	uint32_t num_votes = 0;
	const uint64_t stride = image_is_arm64(builder->image) ? STRIDE_ARM64 : STRIDE_X86_64;
	uint64_t words[STEP / 8];
	for (uint64_t at = globals->low; at < globals->high; at += STEP) {
		size_t num = image_read(builder->image, at, words, sizeof(words)) / 8;
		for (size_t i = 0; i < num && at + 8 * i < globals->high; i++) {
			uint32_t index = words[i] == 0
						 ? UINT32_MAX
						 : addresses_find(&queues->sudog_numbers, words[i]);
			if (index == UINT32_MAX ||
			    queues->sudogs.items[index].queue != GO_QUEUE_SEMAPHORE)
				continue;
			uint64_t back = ROOT_TREAP +
					stride * root_of(queues->sudogs.items[index].object_addr);
			uint64_t addr = at + 8 * i - back;
			if (addr < globals->low || addr >= globals->high ||
			    globals->high - addr < NUM_ROOTS * stride)
				continue;
			uint32_t k = 0;
			while (k < num_votes && votes[k].addr != addr)
				k++;
			if (k == MAX_VOTES)
				continue;
			num_votes += k == num_votes;
			votes[k].addr = addr;
			votes[k].num++;
			best = votes[k].num > best->num ? &votes[k] : best;
		}
	}
	queues->semtable_addr = best->addr;
	queues->semtable_stride = (uint32_t)stride;
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

bool queue_walk_notify(struct queue_builder *builder, uint64_t addr)
{
	struct go_queues *queues = builder->queues;
	struct milestone milestone = {0};
	struct notify_list list;
	struct queue_node node;
	if ((addr & 7) != 0 ||
	    image_read(builder->image, addr, &list, sizeof(list)) != sizeof(list) || list.head == 0)
		return false;
	uint32_t index = addresses_find(&queues->sudog_numbers, list.head);
	if (index == UINT32_MAX || queues->sudogs.items[index].queue != GO_QUEUE_NOTIFY ||
	    queues->sudogs.items[index].linked || !queue_node_read(builder, list.head, &node) ||
	    !holds_ticket(builder, &list, &node) || !belongs_to(builder, &node, addr))
		return false;
	uint32_t number = queue_object(builder, addr, GO_QUEUE_NOTIFY);
	queues->objects.items[number].readable = true;
	for (;;) {
		index = addresses_find(&queues->sudog_numbers, node.addr);
		if (comes_back(&milestone, node.addr) || !holds_ticket(builder, &list, &node) ||
		    !belongs_to(builder, &node, addr))
			break;
		if (index != UINT32_MAX && queues->sudogs.items[index].object == UINT32_MAX &&
		    queues->sudogs.items[index].queue == GO_QUEUE_NOTIFY) {
			queues->sudogs.items[index].object = number;
			queues->sudogs.items[index].object_addr = addr;
		}
		if (!mark(builder, number, node.addr, false))
			break;
		uint64_t next = queue_node_word(&node, SUDOG_NEXT);
		if (next == 0) {
			queues->objects.items[number].damaged = node.addr != list.tail;
			return true;
		}
		if (!may_step(builder) || !queue_node_read(builder, next, &node))
			break;
	}
	queues->objects.items[number].damaged = true;
	return true;
}
