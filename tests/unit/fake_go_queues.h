/* fake_go_queues.h - what goroutines of a fake Go program wait on: channels, semaphores,
 * conditions.
 *
 * Stated anew from the debug information of programs that Go 1.19 and 1.27 built. */
#ifndef CORELEAKS_TESTS_FAKE_GO_QUEUES_H
#define CORELEAKS_TESTS_FAKE_GO_QUEUES_H

#include "fake_go.h"

/* Offsets of sudog, hchan and g. elem and channel are the words that always hold the address. */
struct fake_queue_layout {
	uint64_t elem, channel, ticket, select, parent, waitlink, receivers, senders, waiting;
};

enum { FAKE_GO_SEMTABLE = 0x509500, FAKE_GO_SEMA_ROOTS = 251 };

/* The runtime's words, by number. */
enum fake_go_reason {
	FAKE_CHAN_RECEIVE = 2,
	FAKE_SELECT = 3,
	FAKE_MUTEX_LOCK = 4,
	FAKE_COND_WAIT = 5,
	FAKE_CHAN_SEND = 6,
	FAKE_SEMACQUIRE = 7,
	FAKE_IO_WAIT = 8,
	FAKE_SLEEP = 9,
};

const struct fake_queue_layout *fake_go_queue_layout(const struct fake_go *go);
/* A goroutine that waits with that reason, parked in main.worker. */
uint64_t fake_go_waiter(struct fake_go *go, int64_t id, enum fake_go_reason reason);
/* An entry of that goroutine's, in no queue yet; the goroutine does not know of it. */
uint64_t fake_go_sudog(struct fake_go *go, uint64_t g);
/* An empty channel. */
uint64_t fake_go_channel(struct fake_go *go);
/* Hangs the entry at the end of the channel's receivers or senders. */
void fake_go_enqueue(struct fake_go *go, uint64_t channel, uint64_t sudog, bool send);
/* A goroutine that waits for one channel; its entry. */
uint64_t fake_go_receiver(struct fake_go *go, int64_t id, uint64_t channel);
uint64_t fake_go_sender(struct fake_go *go, int64_t id, uint64_t channel);
/* A goroutine in a semaphore's queue, which knows of its entry as that version does. The first of a
 * semaphore stands in the treap as its root's; others hang on it. Returns the entry. */
uint64_t fake_go_locker(struct fake_go *go, int64_t id, enum fake_go_reason reason,
			uint64_t semaphore);
/* Where the treap's root for that semaphore stands. */
uint64_t fake_go_sema_root(uint64_t semaphore);
/* A goroutine in a notifyList; its entry. */
uint64_t fake_go_cond_waiter(struct fake_go *go, int64_t id, uint64_t list);

#endif
