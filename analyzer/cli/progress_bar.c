#include "cli/progress_bar.h"

#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CELLS = 30 };
static const uint64_t second_ns = 1000000000u;

uint64_t progress_bar_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

void progress_bar_init(struct progress_bar *bar, enum when when)
{
	memset(bar, 0, sizeof(*bar));
	bar->live = terminal_has_live_line();
	bar->shown = when == WHEN_ALWAYS || (when == WHEN_AUTO && bar->live);
	bar->next_ns = when == WHEN_ALWAYS ? 0 : progress_bar_now_ns() + second_ns;
}

static void draw(const struct progress_bar *bar, const char *phase, uint64_t done, uint64_t total)
{
	double part = total == 0 ? 0 : (double)done / (double)total;
	if (part > 1)
		part = 1;
	if (!bar->live) {
		if (total == 0)
			fprintf(stderr, "coreleaks: %s\n", phase);
		else
			fprintf(stderr, "coreleaks: %s %.0f %%\n", phase, part * 100);
		return;
	}
	char cells[CELLS + 1];
	memset(cells, '.', CELLS);
	memset(cells, '#', (size_t)(part * CELLS));
	cells[CELLS] = '\0';
	if (total == 0)
		fprintf(stderr, "\r\033[K%s", phase);
	else
		fprintf(stderr, "\r\033[K[%s] %3.0f %% %s", cells, part * 100, phase);
	fflush(stderr);
}

bool progress_bar_due(struct progress_bar *bar)
{
	if (!bar->shown)
		return false;
	uint64_t now = progress_bar_now_ns();
	if (now < bar->next_ns)
		return false;
	bar->next_ns = now + (bar->live ? second_ns / 10 : second_ns);
	return true;
}

void progress_bar_draw(struct progress_bar *bar, const char *phase, uint64_t done, uint64_t total)
{
	draw(bar, phase, done, total);
	bar->drawn = true;
}

void progress_bar_deinit(struct progress_bar *bar)
{
	if (bar->drawn && bar->live) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	bar->drawn = false;
	bar->shown = false;
}
