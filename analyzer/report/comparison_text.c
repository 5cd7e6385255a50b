#include "report/many.h"

#include "report/words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *capital(const char *noun)
{
	return strcmp(noun, "goroutines") == 0 ? "Goroutines"
	       : strcmp(noun, "threads") == 0  ? "Threads"
					       : "Tasks";
}

/* One of eight blocks, or of eight characters of ASCII, for each count. */
static void add_sparkline(struct text *out, const uint64_t *counts, uint32_t num, bool ascii)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const plain[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
	uint64_t most = 0;
	for (uint32_t i = 0; i < num; i++)
		most = counts[i] > most ? counts[i] : most;
	for (uint32_t i = 0; i < num; i++) {
		/* The highest fills its place, and what is there at all is more than nothing. */
		double part = most == 0 ? 0 : (double)counts[i] / (double)most;
		uint32_t level = counts[i] == 0 ? 0 : (uint32_t)(part * 6 + 1);
		text_add(out, ascii ? plain[level] : blocks[level]);
	}
}

/* In tenths, whatever the locale. */
static void add_tenths(struct text *out, double value)
{
	uint64_t tenths = (uint64_t)((value < 0 ? -value : value) * 10 + 0.5);
	text_addf(out, "%s%" PRIu64 ".%" PRIu64, value < 0 && tenths > 0 ? "-" : "", tenths / 10,
		  tenths % 10);
}

static void add_time(struct text *out, int64_t seconds)
{
	struct tm tm;
	char text[16];
	time_t when = (time_t)seconds;
	if (seconds == INT64_MIN || gmtime_r(&when, &tm) == NULL ||
	    strftime(text, sizeof(text), "%H:%M:%S", &tm) == 0)
		text_add(out, "[--:--:--]");
	else
		text_addf(out, "[%s]", text);
}

/* The line of a goroutine monitor, one a dump. */
static void add_monitor(struct text *out, const struct coreleaks_comparison *comparison)
{
	const char *noun = comparison_noun(comparison);
	uint64_t baseline = comparison->totals[0];
	for (uint32_t i = 0; i < comparison->num_dumps; i++) {
		const struct coreleaks_summary *dump = comparison->dumps[i];
		int64_t delta = (int64_t)(comparison->totals[i] - baseline);
		add_time(out, dump->time);
		text_addf(out, " %s: %" PRIu64 " (baseline: %" PRIu64 ", delta: %+" PRId64 ")",
			  capital(noun), comparison->totals[i], baseline, delta);
		if (dump->source != SUMMARY_FRAMES)
			text_addf(out, ", blocked: %" PRIu64, summary_num_waiting(dump));
		if (dump->num_created >= 0)
			text_addf(out, ", created: %" PRId64, dump->num_created);
		if (dump->stack_size > 0)
			text_addf(out, ", stacks: %s", words_size(out->arena, dump->stack_size));
		if (dump->heap_size > 0)
			text_addf(out, ", heap: %s",
				  words_size(out->arena, (uint64_t)dump->heap_size));
		text_add(out, "  ");
		many_add(out, dump->name);
		if (!dump->complete)
			text_add(out, " INCOMPLETE");
		text_add(out, "\n");
		if (delta > (int64_t)comparison->options.max_delta)
			text_addf(out, "WARNING: %" PRId64 " %s above baseline\n", delta, noun);
	}
	for (uint32_t i = 0; i < comparison->num_failed; i++) {
		text_add(out, "ERROR: ");
		many_add(out, comparison->failed[i]->name);
		text_add(out, ": ");
		many_add(out, comparison->failed[i]->failure);
		text_add(out, "\n");
	}
}

static void add_rates(struct text *out, const struct coreleaks_comparison *comparison,
		      int64_t delta)
{
	uint32_t last = comparison->num_dumps - 1;
	double minutes = comparison_minutes(comparison, 0, last);
	if (minutes > 0) {
		text_add(out, ", ");
		add_tenths(out, (double)delta / minutes);
		text_add(out, " a minute");
	}
	if (comparison->options.iterations > 0) {
		text_add(out, ", ");
		add_tenths(out, (double)delta / (double)comparison->options.iterations);
		text_addf(out, " an iteration (%" PRIu64 " of them)",
			  comparison->options.iterations);
	}
}

static void add_headline(struct text *out, const struct coreleaks_comparison *comparison)
{
	static const char *const words[] = {"OK", "WORSE", "ERROR", "INCOMPLETE"};
	uint32_t last = comparison->num_dumps - 1;
	uint64_t before = comparison->totals[0], after = comparison->totals[last];
	const char *noun = comparison_noun(comparison);
	int64_t delta = (int64_t)(after - before);
	bool leak = delta > 0 && comparison->info.num_growth > 0;
	text_addf(out, "%s: %s%s: before=%" PRIu64 " after=%" PRIu64 " %s=%" PRId64,
		  words[comparison->info.outcome], noun, leak ? " leak" : "", before, after,
		  leak ? "leaked" : "delta", delta);
	add_rates(out, comparison, delta);
	text_add(out, "; groups: ");
	uint32_t num = 0;
	for (int i = 0; i <= CHANGE_RESOLVED; i++) {
		if (comparison->info.num_by_change[i] == 0)
			continue;
		text_addf(out, "%s%" PRIu32 " %s", num++ > 0 ? ", " : "",
			  comparison->info.num_by_change[i],
			  comparison_change_name((enum comparison_change)i));
	}
	text_add(out, num == 0 ? "none\n" : "\n");
	for (uint32_t i = 0; i < comparison->findings.num; i++) {
		text_addf(out, "SUSPECT: %s: ", comparison->findings.items[i].rule);
		many_add(out, comparison->findings.items[i].title);
		text_add(out, "\n");
	}
	uint64_t stack_before = comparison->dumps[0]->stack_size;
	uint64_t stack_after = comparison->dumps[last]->stack_size;
	if (delta > 0 && stack_before > 0 && stack_after > stack_before)
		text_addf(out, "stack memory rose with the count: %s more, %s a task\n",
			  words_size(out->arena, stack_after - stack_before),
			  words_size(out->arena, (stack_after - stack_before) / (uint64_t)delta));
}

static void add_frames(struct text *out, const struct summary_group *group, bool all)
{
	for (uint32_t i = 0; i < group->num_frames; i++) {
		const struct summary_frame *frame = &group->frames[i];
		if (!all && (frame->runtime || (frame->function != NULL &&
						strncmp(frame->function, "runtime.", 8) == 0)))
			continue;
		text_add(out, "        ");
		many_add(out, frame->function != NULL ? frame->function : frame->module);
		if (frame->file != NULL) {
			text_add(out, "  ");
			many_add(out, frame->file);
			text_addf(out, ":%" PRIu64, frame->line);
		}
		text_add(out, "\n");
	}
	if (group->creator != NULL) {
		text_add(out, "        created by ");
		many_add(out, group->creator->function);
		text_add(out, "\n");
	}
}

static void add_row(struct text *out, const struct coreleaks_comparison *comparison,
		    const struct comparison_row *row, const struct coreleaks_write_options *options)
{
	uint32_t last = comparison->num_dumps - 1;
	int64_t delta = (int64_t)(row->counts[last] - row->counts[0]);
	const struct summary_group *group = row->group;
	text_addf(out, "%s %-8s %+" PRId64 "  ", row->grows ? "!!" : "  ",
		  comparison_change_name(row->change), delta);
	for (uint32_t i = 0; i < comparison->num_dumps; i++)
		text_addf(out, "%s%" PRIu64, i > 0 ? " -> " : "", row->counts[i]);
	text_add(out, " ");
	if (comparison->num_dumps > 2)
		add_sparkline(out, row->counts, comparison->num_dumps, options->ascii);
	text_addf(out, " %s  ", many_noun(group, 2));
	many_add(out, group->reason != NULL ? group->reason : group->state);
	if (row->verdict < CORELEAKS_VERDICT_UNKNOWN)
		text_addf(out, "  %s", coreleaks_verdict_name(row->verdict));
	if (group->signature != NULL)
		text_addf(out, "  %s",
			  comparison->key == KEY_LOOSE ? group->loose : group->signature);
	text_add(out, "\n");
	bool details = row->change == CHANGE_NEW || row->change == CHANGE_GROWN;
	if (details && comparison_minutes(comparison, 0, last) > 0) {
		text_add(out, "        ");
		add_tenths(out, (double)delta / comparison_minutes(comparison, 0, last));
		text_add(out, " a minute\n");
	}
	int64_t stacks = (int64_t)(row->stack_sizes[last] - row->stack_sizes[0]);
	if (stacks != 0)
		text_addf(out, "        stacks: %s%s\n", stacks < 0 ? "-" : "+",
			  words_size(out->arena, (uint64_t)llabs(stacks)));
	if (row->num_stuck > 0)
		text_addf(out, "        %" PRIu64 " of them waited in the first dump already\n",
			  row->num_stuck);
	add_frames(out, group, options->verbose > 0);
}

void comparison_text(struct text *out, const struct coreleaks_comparison *comparison,
		     const struct coreleaks_write_options *options)
{
	uint32_t num_same = 0, num_shown = 0, num_left_out = 0;
	uint64_t num_stuck = 0;
	add_headline(out, comparison);
	add_monitor(out, comparison);
	if (!comparison->is_one_program)
		text_add(out, "note: these are dumps of different programs\n");
	if (!comparison->has_times)
		text_add(out, "note: the dumps' times are unknown or not ascending: no rates\n");
	text_addf(out, "compared by %s%s\n",
		  comparison->key == KEY_LOOSE ? "loose signature: functions, not lines"
					       : comparison_key_name(comparison->key),
		  comparison->is_one_process ? ", dumps of one process" : "");
	for (uint32_t i = 0; i < comparison->rows.num; i++) {
		const struct comparison_row *row = &comparison->rows.items[i];
		if (row->change == CHANGE_SAME && options->verbose == 0) {
			num_same++;
			num_stuck += row->num_stuck;
		} else if (num_shown++ < options->limit) {
			add_row(out, comparison, row, options);
		} else {
			num_left_out++;
		}
	}
	if (num_same > 0)
		text_addf(out, "   %" PRIu32 " SAME %s; -v lists them\n", num_same,
			  num_same == 1 ? "group" : "groups");
	if (num_stuck > 0)
		text_addf(out, "   %" PRIu64 " of their tasks waited there in the first dump\n",
			  num_stuck);
	if (num_left_out > 0)
		text_addf(out, "   %" PRIu32 " more groups beyond --limit\n", num_left_out);
}
