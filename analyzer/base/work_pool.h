/* work_pool.h - several threads look through what leads from one place to the next: whoever has
 * much to do gives some of it to those that have nothing.
 *
 * What a piece of work is only the caller knows: to the pool it is a number. */
#ifndef CORELEAKS_BASE_WORK_POOL_H
#define CORELEAKS_BASE_WORK_POOL_H

#include "base/worker.h"

#include <stdatomic.h>

enum {
	WORK_POOL_MAX_THREADS = 8,
	WORK_POOL_MAX_PIECES = 256, /* that are handed over at once */
};

/* Fewer pieces than MANY are done before a thread has begun, and who has fewer than MIN_SHARED
 * gives none away. In the unit tests, whose heaps are small, everything is shared. */
#ifdef CORELEAKS_SHARE_ALL
enum { WORK_POOL_MANY = 1, WORK_POOL_MIN_SHARED = 2 };
#else
enum { WORK_POOL_MANY = 4096, WORK_POOL_MIN_SHARED = 64 };
#endif

struct work_packet {
	uint64_t pieces[WORK_POOL_MAX_PIECES];
	uint32_t num;
};

struct work_pool {
	pthread_mutex_t lock;	/* of all below but num_hungry */
	pthread_cond_t changed; /* there is a packet, or nothing more to come */
	struct work_packet packets[WORK_POOL_MAX_THREADS]; /* given, and not yet taken */
	uint32_t num_packets;
	uint32_t num_threads, num_idle;
	bool finished;
	atomic_uint num_hungry; /* threads that no packet waits for */
};

/* How many threads an analysis with that arena may use: at least 1; with a limit of memory, which
 * is for all together, no more. */
unsigned work_pool_num_threads(const struct arena *main);
/* Calls work in so many threads, of which this one is the first (index 0), and waits for all. Each
 * call has an arena of its own, released when all have returned, and shares data; it returns once
 * work_pool_take() has said so, or when it must not go on: then the others' next call says so, too.
 * Goes to main's trap when memory ran out in any. */
void work_pool_run(struct arena *main, unsigned num_threads,
		   void (*work)(struct work_pool *pool, struct arena *arena, void *data,
				unsigned index),
		   void *data);
/* Somebody has nothing to do. */
static inline bool work_pool_is_hungry(struct work_pool *pool)
{
	return atomic_load_explicit(&pool->num_hungry, memory_order_relaxed) != 0;
}
/* A thread of the pool (NULL: there is none) that has so many pieces is to give some away. */
static inline bool work_pool_wants(struct work_pool *pool, uint32_t num)
{
	return pool != NULL && num >= WORK_POOL_MIN_SHARED && work_pool_is_hungry(pool);
}
/* Gives the oldest half of a queue away, which lead to most, or as many as can be handed over, and
 * moves the rest to its begin. Returns how many are left. */
uint32_t work_pool_share(struct work_pool *pool, uint64_t *queue, uint32_t num);
/* At most WORK_POOL_MAX_PIECES. False: nobody needs them any more, they are still yours. */
bool work_pool_give(struct work_pool *pool, const uint64_t *pieces, uint32_t num);
/* Waits until somebody gives pieces, or a moment: then *num_ret is 0, and it is to be called again.
 * False: nobody has any, and nothing more is to be done. pieces: room for
 * WORK_POOL_MAX_PIECES. */
bool work_pool_take(struct work_pool *pool, uint64_t *pieces, uint32_t *num_ret);

#endif
