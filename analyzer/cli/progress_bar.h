/* progress_bar.h - shows on standard error how far the analysis is. Knows nothing of what the
 * phases do. */
#ifndef CORELEAKS_CLI_PROGRESS_BAR_H
#define CORELEAKS_CLI_PROGRESS_BAR_H

#include "cli/settings.h"

struct progress_bar {
	bool shown;	  /* anything may be shown at all */
	bool live;	  /* one line is rewritten; else a line each time */
	bool drawn;	  /* the line has something on it */
	uint64_t next_ns; /* monotonic clock: earliest time of the next drawing */
};

/* auto: on a terminal, after a second of work. always: at once; lines where there is no
 * terminal. */
void progress_bar_init(struct progress_bar *bar, enum when when);
/* Whether it is time to draw again; the next time is then later. */
bool progress_bar_due(struct progress_bar *bar);
void progress_bar_draw(struct progress_bar *bar, const char *phase, uint64_t done, uint64_t total);
/* The monotonic clock that it goes by. */
uint64_t progress_bar_now_ns(void);
/* Takes the bar off the screen. */
void progress_bar_deinit(struct progress_bar *bar);

#endif
