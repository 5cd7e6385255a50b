/* go_queues.h - the queues of the Go runtime that goroutines stand in: a channel's receivers and
 * senders, a semaphore's (all of package sync but Cond), a notifyList's (Cond).
 *
 * In: goroutines, spans. Out: the queue entries (sudogs) of each, and whether the queue really
 * holds them; the objects that these queues belong to, each once. Takes time by entries alone. */
#ifndef CORELEAKS_TASK_GO_QUEUES_H
#define CORELEAKS_TASK_GO_QUEUES_H

#include "base/addresses.h"
#include "task/go_spans.h"
#include "task/goroutines.h"

enum go_queue { GO_QUEUE_NONE, GO_QUEUE_CHANNEL, GO_QUEUE_SEMAPHORE, GO_QUEUE_NOTIFY };

struct go_sudog {
	uint64_t addr;
	uint64_t object_addr; /* of the channel; the semaphore's word; the notifyList; 0 unknown */
	uint64_t elem_addr;   /* channel: what is sent, or where to it is received; 0 none */
	uint32_t object;      /* index in objects; UINT32_MAX: unknown */
	uint32_t goroutine;   /* index in goroutines.list */
	enum go_queue queue;
	bool linked;	/* the object's queue was read and holds it: no wake-up is under way */
	bool send;	/* channel: in the queue of senders; valid when linked */
	bool closed;	/* the channel is */
	bool is_select; /* one case of several */
};

struct go_queue_object {
	uint64_t addr;
	enum go_queue queue;
	bool readable;	      /* channel: its header was read */
	bool damaged;	      /* its queue contradicts itself: entries behind that are not linked */
	bool closed;	      /* channel */
	uint32_t num_senders; /* linked entries of waiting goroutines */
	uint32_t num_receivers; /* the same; all waiters where there are no two sides */
	uint32_t num_others;	/* entries of goroutines that do not wait any more */
};

struct go_queues {
	struct {
		struct go_sudog *items; /* by goroutine; a select's in the order of its locks */
		uint32_t num, capacity;
	} sudogs;
	struct go_queue_entries {
		uint32_t first, num;
		/* All entries were read; none: it stands in no queue. Of goroutines that do not
		 * wait nothing is read. */
		bool known;
	} * of; /* parallel to goroutines.list */
	struct {
		struct go_queue_object *items; /* in order of first use */
		uint32_t num, capacity;
	} objects;
	struct addresses sudog_numbers;	 /* address of a sudog -> index */
	struct addresses object_numbers; /* address of an object -> index */
	uint64_t semtable_addr;		 /* the runtime's table of semaphores; 0 not found */
	uint32_t semtable_stride;	 /* bytes of one of its roots */
};

void go_queues_build(struct go_queues *ret, struct arena *arena, struct gaps *gaps,
		     const struct go_runtime *runtime, const struct goroutines *goroutines,
		     const struct tasks *tasks, const struct go_spans *spans, struct image *image);

#endif
