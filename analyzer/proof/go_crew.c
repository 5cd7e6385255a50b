#include "proof/go_crew.h"

enum {
	AHEAD = 8,   /* goroutines between asking for a stack and reading it */
	BATCH = 64,  /* goroutines or objects that a thread takes at once */
	STEP = 1024, /* objects between two looks at the progress */
	ROUND = 256, /* … which looks at the clock at multiples of this */
};

/* What one thread has. */
struct hand {
	struct go_marker marker;
	struct go_goroutine_roots roots;
	struct image image;
};

/* What all of them work at. */
struct job {
	const struct go_crew *crew;
	struct go_marker begin; /* the crew's marker before anybody counts in it */
	const uint32_t *goroutines;
	const uint64_t *objects; /* of the crew's marker's queue */
	uint32_t num_goroutines, num_objects;
	_Atomic uint64_t next_goroutine, next_object;
	atomic_bool stopped;
	pthread_mutex_t lock; /* of the crew's marker's counts */
};

/* False: stop. done: in no unit. */
static bool tick(const struct go_crew *crew, uint64_t done, uint64_t total)
{
	return progress_tick(crew->progress, "proving", done / ROUND * ROUND, total);
}

static void mark_range(struct go_marker *marker, struct go_goroutine_roots *roots,
		       const uint32_t *goroutines, uint32_t num)
{
	for (uint32_t i = 0; i < num && i < AHEAD; i++)
		go_goroutine_roots_prefetch(roots, marker, goroutines[i]);
	for (uint32_t i = 0; i < num; i++) {
		if (i + AHEAD < num)
			go_goroutine_roots_prefetch(roots, marker, goroutines[i + AHEAD]);
		go_goroutine_roots_mark(roots, marker, goroutines[i]);
	}
}

/* ---- Side by side -------------------------------------------------------------------------- */

/* Only the first thread may ask; the others learn of it. */
static bool goes_on(struct job *job, unsigned index, uint64_t done)
{
	if (index == 0 && !tick(job->crew, done, job->num_goroutines))
		atomic_store_explicit(&job->stopped, true, memory_order_relaxed);
	return !atomic_load_explicit(&job->stopped, memory_order_relaxed);
}

static void drain_hand(struct job *job, struct hand *hand, unsigned index, uint64_t done)
{
	while (go_marker_drain(&hand->marker, STEP) && goes_on(job, index, done))
		;
}

static bool do_goroutines(struct job *job, struct hand *hand, unsigned index)
{
	uint64_t first;
	while ((first = atomic_fetch_add(&job->next_goroutine, BATCH)) < job->num_goroutines) {
		uint64_t left = job->num_goroutines - first;
		mark_range(&hand->marker, &hand->roots, job->goroutines + first,
			   left < BATCH ? (uint32_t)left : BATCH);
		drain_hand(job, hand, index, first);
		if (!goes_on(job, index, first))
			return false;
	}
	return true;
}

static bool do_objects(struct job *job, struct hand *hand, unsigned index)
{
	uint64_t first;
	while ((first = atomic_fetch_add(&job->next_object, BATCH)) < job->num_objects) {
		for (uint64_t i = first; i < first + BATCH && i < job->num_objects; i++)
			go_marker_push(&hand->marker, job->objects[i]);
		drain_hand(job, hand, index, job->num_goroutines);
		if (!goes_on(job, index, job->num_goroutines))
			return false;
	}
	return true;
}

static void do_job(struct work_pool *pool, struct arena *arena, void *data, unsigned index)
{
	struct job *job = data;
	const struct go_crew *crew = job->crew;
	struct hand *hand = arena_alloc(arena, sizeof(*hand));
	image_init(&hand->image, crew->image->dump, crew->image->modules);
	go_marker_init_beside(&hand->marker, &job->begin, arena, &hand->image, pool);
	go_goroutine_roots_init_beside(&hand->roots, crew->roots, arena, &hand->image);
	if (do_goroutines(job, hand, index) && do_objects(job, hand, index))
		while (goes_on(job, index, job->num_goroutines) && go_marker_help(&hand->marker))
			drain_hand(job, hand, index, job->num_goroutines);
	pthread_mutex_lock(&job->lock);
	go_marker_add_counts(crew->marker, &hand->marker);
	pthread_mutex_unlock(&job->lock);
}

static void do_together(const struct go_crew *crew, const uint32_t *goroutines, uint32_t num)
{
	struct go_marker *marker = crew->marker;
	struct job job = {
		.crew = crew,
		.begin = *marker,
		.goroutines = goroutines,
		.objects = marker->queue.items,
		.num_goroutines = num,
		.num_objects = marker->queue.num,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	work_pool_run(crew->arena, crew->num_threads, do_job, &job);
	marker->queue.num = 0;
}

/* ---- Alone --------------------------------------------------------------------------------- */

void go_crew_mark(const struct go_crew *crew, const uint32_t *goroutines, uint32_t num)
{
	struct go_marker *marker = crew->marker;
	bool alone = crew->num_threads < 2 || marker->parents != NULL;
	if (!alone && num >= WORK_POOL_MANY) {
		do_together(crew, goroutines, num);
		return;
	}
	for (uint32_t i = 0; i < num; i += STEP) {
		mark_range(marker, crew->roots, goroutines + i, num - i < STEP ? num - i : STEP);
		if (!tick(crew, i, num))
			return;
		while (go_marker_drain(marker, STEP)) {
			if (!tick(crew, i, num))
				return;
		}
	}
	while (go_marker_drain(marker, STEP)) {
		if (!tick(crew, num, num))
			return;
		if (!alone && marker->queue.num >= WORK_POOL_MANY)
			do_together(crew, NULL, 0);
	}
}
