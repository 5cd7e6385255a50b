/* progress.h - tells the user how far a long loop is, and the loop whether to go on. */
#ifndef CORELEAKS_BASE_PROGRESS_H
#define CORELEAKS_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool (*callback)(void *data, const char *phase, uint64_t done,
			 uint64_t total); /* or NULL */
	void *data;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0 none */
	bool cancelled;	      /* by the callback */
	bool timed_out;
	bool left_out; /* what comes now is not wanted: loops stop as if cancelled */
};

/* Cheap: call it in every round. False: stop, keep what you have. Once false, always false. */
bool progress_tick(struct progress *progress, const char *phase, uint64_t done, uint64_t total);
uint64_t progress_now_ns(void);

#endif
