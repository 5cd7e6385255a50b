#include "compare/comparison.h"

#include "base/error.h"
#include "base/intern.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *comparison_change_name(enum comparison_change change)
{
	static const char *const names[] = {"NEW", "GROWN", "SAME", "SHRUNK", "RESOLVED"};
	return names[change];
}

const char *comparison_key_name(enum comparison_key key)
{
	static const char *const names[] = {"signature", "loose_signature",
					    "functions, creator and reason", "functions"};
	return names[key];
}

const char *comparison_noun(const struct coreleaks_comparison *comparison)
{
	if (comparison->kind == CORELEAKS_KIND_GOROUTINE)
		return "goroutines";
	return comparison->kind == CORELEAKS_KIND_THREAD ? "threads" : "tasks";
}

double comparison_minutes(const struct coreleaks_comparison *comparison, uint32_t from, uint32_t to)
{
	if (!comparison->has_times)
		return 0;
	return (double)(comparison->dumps[to]->time - comparison->dumps[from]->time) / 60;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* ---- What can be compared ------------------------------------------------------------------ */

static enum comparison_key key_of(const struct coreleaks_comparison *comparison)
{
	enum comparison_key key = KEY_SIGNATURE;
	for (uint32_t i = 0; i < comparison->num_dumps; i++) {
		const struct coreleaks_summary *dump = comparison->dumps[i];
		if (dump->source == SUMMARY_FRAMES)
			return KEY_FUNCTIONS;
		if (dump->source == SUMMARY_DEBUG2)
			key = KEY_FUNCTIONS_OF;
		else if (key == KEY_SIGNATURE &&
			 (dump->build_id == NULL ||
			  !same_text(dump->build_id, comparison->dumps[0]->build_id)))
			key = KEY_LOOSE;
	}
	return key;
}

/* Profiles and Go's dumps know one kind of task. */
static int32_t kind_of(const struct coreleaks_comparison *comparison)
{
	bool all_go = comparison->num_dumps > 0, some_go = false;
	for (uint32_t i = 0; i < comparison->num_dumps; i++) {
		const struct coreleaks_summary *dump = comparison->dumps[i];
		if (dump->source != SUMMARY_REPORT)
			return dump->num_goroutines >= 0 ? CORELEAKS_KIND_GOROUTINE
							 : CORELEAKS_KIND_THREAD;
		all_go &= dump->num_goroutines > 0;
		some_go |= dump->num_goroutines > 0;
	}
	if (all_go)
		return CORELEAKS_KIND_GOROUTINE;
	return some_go ? -1 : CORELEAKS_KIND_THREAD;
}

static void look_at_dumps(struct coreleaks_comparison *comparison)
{
	const struct coreleaks_summary *first = comparison->dumps[0];
	comparison->key = key_of(comparison);
	comparison->kind = kind_of(comparison);
	comparison->has_times = true;
	comparison->is_one_process = first->pid != 0;
	comparison->is_one_program = true;
	for (uint32_t i = 0; i < comparison->num_dumps; i++) {
		const struct coreleaks_summary *dump = comparison->dumps[i];
		comparison->is_one_process &= dump->pid == first->pid && dump->build_id != NULL &&
					      same_text(dump->build_id, first->build_id);
		if (dump->source == SUMMARY_REPORT && first->source == SUMMARY_REPORT)
			comparison->is_one_program &= same_text(dump->command, first->command) ||
						      same_text(dump->build_id, first->build_id);
		comparison->has_times &= dump->time != INT64_MIN &&
					 (i == 0 || dump->time >= comparison->dumps[i - 1]->time);
	}
	comparison->totals = arena_alloc_array(&comparison->arena, comparison->num_dumps,
					       sizeof(*comparison->totals));
	for (uint32_t i = 0; i < comparison->num_dumps; i++)
		comparison->totals[i] = summary_num_of(comparison->dumps[i], comparison->kind);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static const char *key_text(const struct coreleaks_comparison *comparison,
			    const struct summary_group *group)
{
	switch (comparison->key) {
	case KEY_SIGNATURE:
		return group->signature;
	case KEY_LOOSE:
		return group->loose;
	case KEY_FUNCTIONS_OF:
		return group->functions_of;
	case KEY_FUNCTIONS:
		break;
	}
	return group->functions;
}

/* What a runtime keeps for itself is in no profile; other reports name it system. */
static bool is_compared(const struct coreleaks_comparison *comparison,
			const struct summary_group *group)
{
	if (group->is_system)
		return false;
	return comparison->kind < 0 ||
	       group->is_thread == (comparison->kind == CORELEAKS_KIND_THREAD);
}

/* Groups of one key may differ in verdict: the largest stands for them. */
static void keep_larger(const struct summary_group **kept, const struct summary_group *group)
{
	if (*kept == NULL || group->count > (*kept)->count)
		*kept = group;
}

static void add_dump(struct coreleaks_comparison *comparison, struct intern *keys, uint32_t index)
{
	const struct coreleaks_summary *dump = comparison->dumps[index];
	bool last_dump = index + 1 == comparison->num_dumps;
	for (uint32_t i = 0; i < dump->groups.num; i++) {
		const struct summary_group *group = &dump->groups.items[i];
		bool is_new;
		if (!is_compared(comparison, group))
			continue;
		const char *text = key_text(comparison, group);
		uint32_t at = intern_add(keys, text, strlen(text), &is_new);
		if (is_new) {
			struct comparison_row *row =
				array_add(&comparison->arena, &comparison->rows);
			row->counts = arena_alloc_array(&comparison->arena, comparison->num_dumps,
							sizeof(*row->counts));
			row->stack_sizes =
				arena_alloc_array(&comparison->arena, comparison->num_dumps,
						  sizeof(*row->stack_sizes));
		}
		struct comparison_row *row = &comparison->rows.items[at];
		if (row->counts[index] == 0) {
			row->group = group;
			row->verdict = CORELEAKS_VERDICT_BENIGN;
		}
		if (index == 0)
			keep_larger(&row->first, group);
		if (last_dump)
			keep_larger(&row->last, group);
		row->counts[index] += group->count;
		row->stack_sizes[index] += group->stack_size;
		if (last_dump && group->verdict < row->verdict)
			row->verdict = group->verdict;
	}
}

static enum comparison_change change_of(const struct comparison_row *row, uint32_t num_dumps)
{
	uint64_t before = row->counts[0], after = row->counts[num_dumps - 1];
	if (after == 0)
		return CHANGE_RESOLVED;
	if (before == 0)
		return CHANGE_NEW;
	if (after == before)
		return CHANGE_SAME;
	return after > before ? CHANGE_GROWN : CHANGE_SHRUNK;
}

/* A dump that was not read to its end may have had more of them. */
static bool grows(const struct coreleaks_comparison *comparison, const struct comparison_row *row)
{
	enum { FEWEST = 3 };
	uint32_t num = comparison->num_dumps;
	if (num < FEWEST || row->counts[num - 1] - row->counts[0] <= comparison->options.slack)
		return false;
	for (uint32_t i = 1; i < num; i++)
		if (row->counts[i] <= row->counts[i - 1] || !comparison->dumps[i - 1]->complete)
			return false;
	return true;
}

/* Tasks of one process that wait in the same group in the first dump and in the last. Reports list
 * them in ascending order. */
static void count_stuck(struct coreleaks_comparison *comparison)
{
	for (uint32_t r = 0; comparison->is_one_process && r < comparison->rows.num; r++) {
		struct comparison_row *row = &comparison->rows.items[r];
		const struct summary_group *first = row->first, *last = row->last;
		if (first == NULL || last == NULL || !same_text(last->state, "waiting"))
			continue;
		for (uint32_t i = 0, k = 0; i < first->num_ids && k < last->num_ids;) {
			if (first->ids[i] == last->ids[k]) {
				row->num_stuck++;
				i++;
				k++;
			} else if (first->ids[i] < last->ids[k]) {
				i++;
			} else {
				k++;
			}
		}
	}
}

static uint32_t change_rank(enum comparison_change change)
{
	static const uint32_t ranks[] = {[CHANGE_GROWN] = 0,
					 [CHANGE_NEW] = 0,
					 [CHANGE_SHRUNK] = 1,
					 [CHANGE_RESOLVED] = 1,
					 [CHANGE_SAME] = 2};
	return ranks[change];
}

static uint64_t row_change(const struct comparison_row *row, uint32_t num_dumps)
{
	uint64_t before = row->counts[0], after = row->counts[num_dumps - 1];
	return after > before ? after - before : before - after;
}

struct ranked_row {
	struct comparison_row row;
	uint64_t change;
};

static int row_compare(const void *a, const void *b)
{
	const struct ranked_row *x = a, *y = b;
	if (x->row.grows != y->row.grows)
		return x->row.grows ? -1 : 1;
	if (change_rank(x->row.change) != change_rank(y->row.change))
		return change_rank(x->row.change) < change_rank(y->row.change) ? -1 : 1;
	if (x->change != y->change)
		return x->change > y->change ? -1 : 1;
	return strcmp(x->row.group->functions_of, y->row.group->functions_of);
}

static void sort_rows(struct coreleaks_comparison *comparison)
{
	uint32_t num = comparison->rows.num;
	struct ranked_row *ranked = arena_alloc_array(&comparison->arena, num, sizeof(*ranked));
	for (uint32_t i = 0; i < num; i++) {
		ranked[i].row = comparison->rows.items[i];
		ranked[i].change = row_change(&ranked[i].row, comparison->num_dumps);
	}
	if (num > 0)
		qsort(ranked, num, sizeof(*ranked), row_compare);
	for (uint32_t i = 0; i < num; i++)
		comparison->rows.items[i] = ranked[i].row;
}

/* ---- Findings ------------------------------------------------------------------------------ */

static const char *row_place(const struct comparison_row *row)
{
	const struct summary_group *group = row->group;
	for (uint32_t i = 0; i < group->num_frames; i++)
		if (!group->frames[i].runtime && group->frames[i].function != NULL &&
		    strncmp(group->frames[i].function, "runtime.", 8) != 0)
			return group->frames[i].function;
	return group->num_frames > 0 && group->frames[0].function != NULL
		       ? group->frames[0].function
		       : "unknown function";
}

static void add_finding(struct coreleaks_comparison *comparison, const char *rule,
			const struct comparison_row *row, const char *title)
{
	*array_add(&comparison->arena, &comparison->findings) =
		(struct comparison_finding){rule, title, row};
}

static const char *counts_text(struct coreleaks_comparison *comparison, const uint64_t *counts)
{
	struct text text;
	text_init(&text, &comparison->arena);
	for (uint32_t i = 0; i < comparison->num_dumps; i++)
		text_addf(&text, "%s%" PRIu64, i > 0 ? ", " : "", counts[i]);
	return text.bytes;
}

static void find_totals(struct coreleaks_comparison *comparison)
{
	uint32_t last = comparison->num_dumps - 1;
	uint64_t before = comparison->totals[0], after = comparison->totals[last];
	struct arena *arena = &comparison->arena;
	const char *noun = comparison_noun(comparison);
	uint64_t limit = (uint64_t)comparison->options.max_delta + comparison->options.slack;
	if (comparison->dumps[0]->complete && after > before && after - before > limit)
		add_finding(comparison, "over-baseline", NULL,
			    arena_format(arena,
					 "%" PRIu64 " %s above baseline: %" PRIu64 " -> %" PRIu64
					 ", more than %" PRIu32,
					 after - before, noun, before, after,
					 comparison->options.max_delta));
	if (comparison->options.idle && after >= before && comparison->dumps[0]->complete)
		add_finding(comparison, "growth", NULL,
			    arena_format(arena,
					 "the number of %s does not fall at rest: %" PRIu64
					 " -> %" PRIu64,
					 noun, before, after));
}

static void find(struct coreleaks_comparison *comparison)
{
	struct coreleaks_comparison_info *info = &comparison->info;
	for (uint32_t i = 0; i < comparison->rows.num; i++) {
		const struct comparison_row *row = &comparison->rows.items[i];
		bool risen = row->change == CHANGE_NEW || row->change == CHANGE_GROWN;
		info->num_by_change[row->change]++;
		if (risen && row->verdict < info->verdict_of_risen)
			info->verdict_of_risen = row->verdict;
		if (row->verdict == CORELEAKS_VERDICT_BENIGN)
			continue;
		if (row->grows)
			add_finding(comparison, "growth", row,
				    arena_format(
					    &comparison->arena, "rises in every interval: %s in %s",
					    counts_text(comparison, row->counts), row_place(row)));
		if (row->change == CHANGE_NEW && comparison->dumps[0]->complete &&
		    same_text(row->group->state, "waiting"))
			add_finding(comparison, "new-group", row,
				    arena_format(&comparison->arena, "%" PRIu64 " new in %s",
						 row->counts[comparison->num_dumps - 1],
						 row_place(row)));
	}
	find_totals(comparison);
	for (uint32_t i = 0; i < comparison->findings.num; i++) {
		bool is_new = strcmp(comparison->findings.items[i].rule, "new-group") == 0;
		info->num_new += is_new;
		info->num_growth += !is_new;
	}
}

static enum coreleaks_outcome outcome_of(const struct coreleaks_comparison *comparison)
{
	const struct coreleaks_compare_options *options = &comparison->options;
	const struct coreleaks_comparison_info *info = &comparison->info;
	bool red = (int32_t)info->verdict_of_risen <= options->fail_on;
	red |= options->fail_on_growth && info->num_growth > 0;
	red |= options->fail_on_new && info->num_new > 0;
	if (options->fail_on >= (int32_t)CORELEAKS_VERDICT_SUSPECT)
		red |= comparison->findings.num > 0;
	if (red)
		return CORELEAKS_OUTCOME_FINDINGS;
	if (comparison->num_failed > 0)
		return CORELEAKS_OUTCOME_FAILED;
	for (uint32_t i = 0; i < comparison->num_dumps; i++)
		if (!comparison->dumps[i]->complete)
			return CORELEAKS_OUTCOME_INCOMPLETE;
	return CORELEAKS_OUTCOME_CLEAN;
}

static struct coreleaks_error *build(struct coreleaks_comparison *comparison,
				     const struct coreleaks_summary *const *summaries, uint32_t num)
{
	struct intern keys;
	intern_init(&keys, &comparison->arena);
	comparison->dumps =
		arena_alloc_array(&comparison->arena, (size_t)num + 1, sizeof(*comparison->dumps));
	comparison->failed =
		arena_alloc_array(&comparison->arena, (size_t)num + 1, sizeof(*comparison->failed));
	for (uint32_t i = 0; i < num; i++) {
		if (summaries[i]->source == SUMMARY_FAILED)
			comparison->failed[comparison->num_failed++] = summaries[i];
		else
			comparison->dumps[comparison->num_dumps++] = summaries[i];
	}
	if (comparison->num_dumps < 2)
		return error_new(CORELEAKS_ERROR_NOT_FOUND, 0, NULL,
				 "two dumps that can be read are needed to compare, not %" PRIu32,
				 comparison->num_dumps);
	look_at_dumps(comparison);
	for (uint32_t i = 0; i < comparison->num_dumps; i++)
		add_dump(comparison, &keys, i);
	for (uint32_t i = 0; i < comparison->rows.num; i++) {
		struct comparison_row *row = &comparison->rows.items[i];
		row->change = change_of(row, comparison->num_dumps);
		if (row->counts[comparison->num_dumps - 1] == 0)
			row->verdict = CORELEAKS_VERDICT_UNKNOWN;
		row->grows = row->verdict != CORELEAKS_VERDICT_BENIGN && grows(comparison, row);
	}
	count_stuck(comparison);
	sort_rows(comparison);
	comparison->info.verdict_of_risen = CORELEAKS_VERDICT_BENIGN;
	find(comparison);
	comparison->info.outcome = outcome_of(comparison);
	return NULL;
}

void coreleaks_compare_options_init(struct coreleaks_compare_options *options)
{
	*options = (struct coreleaks_compare_options){
		.size = sizeof(*options),
		.fail_on = CORELEAKS_VERDICT_LIKELY,
		.fail_on_growth = true,
		.max_delta = 100,
	};
}

struct coreleaks_error *coreleaks_comparison_new(const struct coreleaks_summary *const *summaries,
						 uint32_t num,
						 const struct coreleaks_compare_options *options,
						 struct coreleaks_comparison **ret)
{
	jmp_buf trap;
	struct coreleaks_error *error;
	if (options == NULL || options->size == 0 || options->size > sizeof(*options))
		return error_new(CORELEAKS_ERROR_USAGE, 0, NULL,
				 "the options of a comparison are not initialised");
	struct coreleaks_comparison *comparison = calloc(1, sizeof(*comparison));
	if (comparison == NULL)
		return error_new(CORELEAKS_ERROR_MEMORY, 0, NULL, "out of memory");
	arena_init(&comparison->arena, 0);
	coreleaks_compare_options_init(&comparison->options);
	memcpy(&comparison->options, options, options->size);
	comparison->arena.trap = &trap;
	if (setjmp(trap) == 0)
		error = build(comparison, summaries, num);
	else
		error = error_new(CORELEAKS_ERROR_MEMORY, 0, NULL, "out of memory");
	comparison->arena.trap = NULL;
	if (error != NULL)
		coreleaks_comparison_free(comparison);
	else
		*ret = comparison;
	return error;
}

const struct coreleaks_comparison_info *
coreleaks_comparison_info(const struct coreleaks_comparison *comparison)
{
	return &comparison->info;
}

void coreleaks_comparison_free(struct coreleaks_comparison *comparison)
{
	if (comparison == NULL)
		return;
	arena_deinit(&comparison->arena);
	free(comparison);
}
