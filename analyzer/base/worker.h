/* worker.h - a piece of an analysis that a second thread does while the first goes on.
 *
 * The piece has memory of its own (an arena allocates for one thread) and must share nothing that
 * either changes meanwhile. Where no thread can be had (one processor, a limit of memory, which is
 * for both together) the piece is done when its results are asked for: they are the same. */
#ifndef CORELEAKS_BASE_WORKER_H
#define CORELEAKS_BASE_WORKER_H

#include "base/arena.h"

#include <pthread.h>
#include <stdbool.h>

struct worker {
	void (*work)(struct arena *arena, void *data);
	void *data;
	struct arena arena; /* owns what the piece makes */
	pthread_t thread;
	bool running, finished, out_of_memory;
};

/* Processors that this process may run on, at least 1. */
unsigned worker_num_processors(void);
/* Begins at once if background is true and a thread can be had, else in worker_finish(). main is
 * the arena of the analysis, for its limit. The worker must stay where it is until it is done. */
void worker_start(struct worker *ret, const struct arena *main, bool background,
		  void (*work)(struct arena *arena, void *data), void *data);
/* Does a piece that is not in the background, now. */
void worker_do(struct worker *worker);
/* Waits for what has been begun. False: its memory ran out. */
bool worker_join(struct worker *worker);
/* Waits for the piece, or does it. Goes to main's trap when its memory ran out. */
void worker_finish(struct worker *worker, struct arena *main);
/* Waits, and releases what the piece made. A zeroed worker has nothing. */
void worker_deinit(struct worker *worker);

#endif
