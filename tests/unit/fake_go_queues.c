#include "fake_go_queues.h"

#include <check.h>

static const struct fake_queue_layout layouts[] = {
	{
		.elem = 24,
		.channel = 80,
		.ticket = 48,
		.select = 52,
		.parent = 56,
		.waitlink = 64,
		.receivers = 56,
		.senders = 72,
		.waiting = 328,
	},
	{
		.elem = 32, /* {vp, vu}, where vp may be nil */
		.channel = 96,
		.ticket = 56,
		.select = 60,
		.parent = 64,
		.waitlink = 72,
		.receivers = 64,
		.senders = 80,
		.waiting = 320,
	},
};

const struct fake_queue_layout *fake_go_queue_layout(const struct fake_go *go)
{
	return &layouts[go->layout.minor == 27];
}

uint64_t fake_go_waiter(struct fake_go *go, int64_t id, enum fake_go_reason reason)
{
	uint64_t g = fake_go_g(go, id, GO_STATUS_WAITING);
	*(unsigned char *)fake_go_at(go, g + (uint64_t)go->layout.g_waitreason) =
		(unsigned char)reason;
	FAKE_GO_CALLS(go, g, fake_go_pc(FAKE_GOPARK, 0x80), fake_go_pc(FAKE_CHANRECV, 0x20),
		      fake_go_pc(FAKE_WORKER, 0x51), fake_go_pc(FAKE_GOEXIT, 1));
	return g;
}

uint64_t fake_go_sudog(struct fake_go *go, uint64_t g)
{
	uint64_t addr = FAKE_GO_HEAP + FAKE_GO_HEAP_SIZE - 0x4000;
	while (fake_go_get(go, addr) != 0)
		addr += 112;
	ck_assert_uint_lt(addr, FAKE_GO_HEAP + FAKE_GO_HEAP_SIZE - 112);
	fake_go_put(go, addr, g);
	return addr;
}

uint64_t fake_go_channel(struct fake_go *go)
{
	uint64_t channel =
		go->next_channel != 0 ? go->next_channel : fake_go_alloc(go, FAKE_GO_CHANNEL_SIZE);
	go->next_channel += go->next_channel != 0 ? FAKE_GO_CHANNEL_SIZE : 0;
	return channel;
}

void fake_go_enqueue(struct fake_go *go, uint64_t channel, uint64_t sudog, bool send)
{
	const struct fake_queue_layout *layout = fake_go_queue_layout(go);
	uint64_t queue = channel + (send ? layout->senders : layout->receivers);
	uint64_t last = fake_go_get(go, queue + 8);
	fake_go_put(go, sudog + layout->channel, channel);
	fake_go_put(go, sudog + 16, last);
	fake_go_put(go, last != 0 ? last + 8 : queue, sudog);
	fake_go_put(go, queue + 8, sudog);
}

static uint64_t channel_waiter(struct fake_go *go, int64_t id, uint64_t channel, bool send)
{
	uint64_t g = fake_go_waiter(go, id, send ? FAKE_CHAN_SEND : FAKE_CHAN_RECEIVE);
	uint64_t sudog = fake_go_sudog(go, g);
	fake_go_put(go, g + fake_go_queue_layout(go)->waiting, sudog);
	fake_go_enqueue(go, channel, sudog, send);
	return sudog;
}

uint64_t fake_go_receiver(struct fake_go *go, int64_t id, uint64_t channel)
{
	return channel_waiter(go, id, channel, false);
}

uint64_t fake_go_sender(struct fake_go *go, int64_t id, uint64_t channel)
{
	return channel_waiter(go, id, channel, true);
}

/* Since 1.26 g.waiting; before, a word in the frame of the function that parks it. */
static void remember(struct fake_go *go, uint64_t g, uint64_t sudog, uint64_t list)
{
	uint64_t sp = fake_go_get(go, g + 56);
	if (go->layout.minor >= 26)
		fake_go_put(go, g + fake_go_queue_layout(go)->waiting, sudog);
	else
		fake_go_put(go, sp + 48, sudog);
	if (go->layout.minor < 26 && list != 0)
		fake_go_put(go, sp + 56, list);
}

uint64_t fake_go_sema_root(uint64_t semaphore)
{
	return FAKE_GO_SEMTABLE + 64 * ((semaphore >> 3) % FAKE_GO_SEMA_ROOTS) + 8;
}

uint64_t fake_go_locker(struct fake_go *go, int64_t id, enum fake_go_reason reason,
			uint64_t semaphore)
{
	const struct fake_queue_layout *layout = fake_go_queue_layout(go);
	uint64_t g = fake_go_waiter(go, id, reason), sudog = fake_go_sudog(go, g);
	uint64_t root = fake_go_sema_root(semaphore), at = fake_go_get(go, root);
	fake_go_put(go, sudog + layout->elem, semaphore);
	remember(go, g, sudog, 0);
	if (at == 0) {
		fake_go_put(go, root, sudog);
		return sudog;
	}
	while (fake_go_get(go, at + layout->waitlink) != 0)
		at = fake_go_get(go, at + layout->waitlink);
	fake_go_put(go, at + layout->waitlink, sudog);
	return sudog;
}

uint64_t fake_go_cond_waiter(struct fake_go *go, int64_t id, uint64_t list)
{
	const struct fake_queue_layout *layout = fake_go_queue_layout(go);
	uint64_t g = fake_go_waiter(go, id, FAKE_COND_WAIT), sudog = fake_go_sudog(go, g);
	uint32_t ticket = (uint32_t)fake_go_get(go, list);
	uint64_t tail = fake_go_get(go, list + 24);
	fake_go_put32(go, sudog + layout->ticket, ticket);
	fake_go_put32(go, list, ticket + 1);
	if (go->layout.minor >= 26)
		fake_go_put(go, sudog + layout->elem, list);
	fake_go_put(go, tail != 0 ? tail + 8 : list + 16, sudog);
	fake_go_put(go, list + 24, sudog);
	remember(go, g, sudog, list);
	return sudog;
}
