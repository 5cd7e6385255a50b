/* go_queue_walks.h - internal to go_queues: goes through the queue of each object and marks the
 * entries that it finds there. */
#ifndef CORELEAKS_TASK_GO_QUEUE_WALKS_H
#define CORELEAKS_TASK_GO_QUEUE_WALKS_H

#include "task/go_queues.h"

enum { GO_SUDOG_SIZE = 128 /* at least sizeof(sudog) of every version */ };

struct queue_builder {
	struct go_queues *queues;
	struct arena *arena;
	const struct go_runtime *runtime;
	const struct goroutines *goroutines;
	const struct tasks *tasks;
	const struct go_spans *spans;
	struct image *image;
	uint64_t steps_left; /* entries that walks may still look at */
};

/* A sudog's bytes; all of a known version's fields can be read from them. */
struct queue_node {
	uint64_t addr;
	unsigned char bytes[GO_SUDOG_SIZE];
};

bool queue_node_read(const struct queue_builder *builder, uint64_t addr, struct queue_node *ret);
uint64_t queue_node_word(const struct queue_node *node, int off);
/* Number of the object, added when it is new. */
uint32_t queue_object(struct queue_builder *builder, uint64_t addr, enum go_queue queue);

void queue_walk_channels(struct queue_builder *builder);
void queue_walk_semaphores(struct queue_builder *builder);
/* The notifyList at addr, which perhaps is none. true: it is one, and its entries are marked.
 * named: an entry says so; otherwise it is only believed when all of it agrees. */
bool queue_walk_notify(struct queue_builder *builder, uint64_t addr, bool named);

#endif
