#include "base/progress.h"

#include <time.h>

uint64_t progress_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool progress_tick(struct progress *progress, const char *phase, uint64_t done, uint64_t total)
{
	enum { ROUNDS_PER_LOOK = 256 };
	if (progress->cancelled || progress->timed_out || progress->left_out)
		return false;
	if (done % ROUNDS_PER_LOOK != 0)
		return true;
	if (progress->deadline_ns != 0 && progress_now_ns() >= progress->deadline_ns)
		progress->timed_out = true;
	else if (progress->callback != NULL &&
		 !progress->callback(progress->data, phase, done, total))
		progress->cancelled = true;
	return !progress->cancelled && !progress->timed_out;
}
