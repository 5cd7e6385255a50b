#include "base/work_pool.h"

#include <string.h>
#include <time.h>

enum { MOMENT_NS = 50000000 };

/* One thread's part. */
struct seat {
	struct work_pool *pool;
	void (*work)(struct work_pool *pool, struct arena *arena, void *data, unsigned index);
	void *data;
	unsigned index;
};

unsigned work_pool_num_threads(const struct arena *main)
{
	unsigned num = main->max_size == 0 ? worker_num_processors() : 1;
	return num < WORK_POOL_MAX_THREADS ? num : WORK_POOL_MAX_THREADS;
}

static void set_hungry(struct work_pool *pool)
{
	uint32_t num = pool->num_idle > pool->num_packets ? pool->num_idle - pool->num_packets : 0;
	atomic_store_explicit(&pool->num_hungry, num, memory_order_relaxed);
}

static void finish(struct work_pool *pool)
{
	pool->finished = true;
	pthread_cond_broadcast(&pool->changed);
}

/* Memory that runs out in one thread must not leave the others waiting for it. */
static void sit(struct arena *arena, void *data)
{
	const struct seat *seat = data;
	jmp_buf trap, *outer = arena->trap;
	arena->trap = &trap;
	bool whole = setjmp(trap) == 0;
	if (whole)
		seat->work(seat->pool, arena, seat->data, seat->index);
	arena->trap = outer;
	pthread_mutex_lock(&seat->pool->lock);
	finish(seat->pool);
	pthread_mutex_unlock(&seat->pool->lock);
	if (!whole)
		arena_exhausted(arena);
}

static void pool_init(struct work_pool *pool)
{
	pthread_condattr_t attributes;
	*pool = (struct work_pool){.num_threads = 1};
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void add_threads(struct work_pool *pool, int num)
{
	pthread_mutex_lock(&pool->lock);
	pool->num_threads = (uint32_t)((int)pool->num_threads + num);
	pthread_mutex_unlock(&pool->lock);
}

void work_pool_run(struct arena *main, unsigned num_threads,
		   void (*work)(struct work_pool *pool, struct arena *arena, void *data,
				unsigned index),
		   void *data)
{
	struct worker workers[WORK_POOL_MAX_THREADS];
	struct seat seats[WORK_POOL_MAX_THREADS];
	/* Too large for a stack, and gone with this call. */
	struct arena own;
	bool out_of_memory = false;
	if (num_threads > WORK_POOL_MAX_THREADS)
		num_threads = WORK_POOL_MAX_THREADS;
	arena_init(&own, 0);
	own.trap = main->trap;
	struct work_pool *pool = arena_alloc(&own, sizeof(*pool));
	pool_init(pool);
	for (unsigned i = 0; i < num_threads; i++) {
		seats[i] = (struct seat){pool, work, data, i};
		if (i > 0)
			add_threads(pool, 1);
		worker_start(&workers[i], main, i > 0, sit, &seats[i]);
		if (i > 0 && !workers[i].running) {
			add_threads(pool, -1);
			num_threads = i;
		}
	}
	if (main->max_size != 0)
		workers[0].arena.max_size = main->max_size - main->used_size + 1;
	worker_do(&workers[0]);
	for (unsigned i = 0; i < num_threads; i++) {
		out_of_memory |= !worker_join(&workers[i]);
		worker_deinit(&workers[i]);
	}
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	arena_deinit(&own);
	if (out_of_memory)
		arena_exhausted(main);
}

bool work_pool_give(struct work_pool *pool, const uint64_t *pieces, uint32_t num)
{
	bool wanted;
	pthread_mutex_lock(&pool->lock);
	wanted = !pool->finished && pool->num_idle > pool->num_packets;
	if (wanted) {
		struct work_packet *packet = &pool->packets[pool->num_packets++];
		memcpy(packet->pieces, pieces, num * sizeof(*pieces));
		packet->num = num;
		set_hungry(pool);
		pthread_cond_signal(&pool->changed);
	}
	pthread_mutex_unlock(&pool->lock);
	return wanted;
}

uint32_t work_pool_share(struct work_pool *pool, uint64_t *queue, uint32_t num)
{
	uint32_t given = num / 2;
	if (given > WORK_POOL_MAX_PIECES)
		given = WORK_POOL_MAX_PIECES;
	if (!work_pool_give(pool, queue, given))
		return num;
	memmove(queue, queue + given, (num - given) * sizeof(*queue));
	return num - given;
}

static struct timespec in_a_moment(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += MOMENT_NS;
	if (time.tv_nsec >= 1000000000) {
		time.tv_nsec -= 1000000000;
		time.tv_sec++;
	}
	return time;
}

bool work_pool_take(struct work_pool *pool, uint64_t *pieces, uint32_t *num_ret)
{
	const struct timespec until = in_a_moment();
	bool more, late = false;
	*num_ret = 0;
	pthread_mutex_lock(&pool->lock);
	pool->num_idle++;
	while (!pool->finished && pool->num_packets == 0 && !late) {
		set_hungry(pool);
		if (pool->num_idle == pool->num_threads)
			finish(pool);
		else
			late = pthread_cond_timedwait(&pool->changed, &pool->lock, &until) != 0;
	}
	more = !pool->finished;
	if (more && pool->num_packets > 0) {
		const struct work_packet *packet = &pool->packets[--pool->num_packets];
		memcpy(pieces, packet->pieces, packet->num * sizeof(*pieces));
		*num_ret = packet->num;
	}
	pool->num_idle--;
	set_hungry(pool);
	pthread_mutex_unlock(&pool->lock);
	return more;
}
