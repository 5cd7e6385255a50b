#include "report/headline.h"
#include "report/text_tail.h"

#include "group/rules.h"
#include "group/system_threads.h"

#include "base/intern.h"
#include "report/go_census.h"
#include "report/kept.h"
#include "report/rules_report.h"
#include "report/self_check_report.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_OF_A_KIND = 4, MAX_MODULES = 8, MAX_RUNTIMES = 4 };

static const char *text_tail_groups(struct arena *arena, uint64_t num)
{
	return arena_format(arena, "%s %s", words_number(arena, num),
			    num == 1 ? "group" : "groups");
}

/* Groups beyond --limit. Returns how many tasks they have. */
static uint64_t text_tail_rest(struct screen *screen, const struct write_job *job,
			       uint32_t num_printed)
{
	const struct report_view *view = job->view;
	uint64_t num_tasks = 0;
	uint32_t largest = 0;
	for (uint32_t i = num_printed; i < view->num_shown_groups; i++) {
		num_tasks += view->groups[i]->num_tasks;
		if (view_group_count(view->groups[i]) > largest)
			largest = view_group_count(view->groups[i]);
	}
	if (num_printed == view->num_shown_groups)
		return 0;
	screen->indent = 4;
	screen_put(screen, STYLE_BOLD, screen_glyph(screen, GLYPH_ELLIPSIS));
	uint32_t num = view->num_shown_groups - num_printed;
	const char *line =
		arena_format(job->arena, " %s more %s with %s %s%s; --limit %" PRIu32 " shows all",
			     words_number(job->arena, num), num == 1 ? "group" : "groups",
			     words_number(job->arena, num_tasks), view_noun(view, num_tasks),
			     headline_largest(job->arena, num, largest), view->num_shown_groups);
	screen_words(screen, STYLE_BOLD, line);
	screen_end_line(screen);
	screen_end_line(screen);
	return num_tasks;
}

static void text_tail_hidden(struct screen *screen, const struct write_job *job, uint32_t num,
			     const char *noun, enum style style)
{
	if (num == 0)
		return;
	screen_words(screen, style,
		     arena_format(job->arena, "%" PRIu32 " %s%s about hidden groups only", num,
				  noun, num == 1 ? " is" : "s are"));
	screen_end_line(screen);
}

static void text_tail_totals(struct screen *screen, const struct write_job *job,
			     uint32_t num_printed, uint64_t num_left_out)
{
	const struct report_view *view = job->view;
	struct arena *arena = job->arena;
	uint64_t total = view->num_threads + view->num_goroutines;
	struct text line;
	text_init(&line, arena);
	text_addf(&line, "total %s %s in %s; shown %s in %s; hidden %s", words_number(arena, total),
		  view_noun(view, total), text_tail_groups(arena, view->num_groups),
		  words_number(arena, view->num_shown_tasks - num_left_out),
		  text_tail_groups(arena, num_printed),
		  words_number(arena, view->num_hidden_tasks));
	for (uint32_t i = 0; i < view->hidden_by.num; i++) {
		const struct view_count *count = &view->hidden_by.items[i];
		if (view->hidden_by.num > 1)
			text_addf(&line, "%s %s", i == 0 ? ":" : ",",
				  words_number(arena, count->num_tasks));
		if (count->num_groups > 0)
			text_addf(&line, " in %s", text_tail_groups(arena, count->num_groups));
		bool is_rule = is_rule_set(count->name) || strncmp(count->name, "ignore ", 7) == 0;
		text_addf(&line, " by %s%s", is_rule ? "rule " : "", count->name);
	}
	if (num_left_out > 0)
		text_addf(&line, "; beyond --limit %s", words_number(arena, num_left_out));
	if (view->num_finished_threads > 0)
		text_addf(&line, "; besides %s finished %s that nobody has joined",
			  words_number(arena, view->num_finished_threads),
			  view_noun_of_kind(CORELEAKS_KIND_THREAD, view->num_finished_threads));
	screen->indent = 2;
	screen_words(screen, STYLE_PLAIN, line.bytes);
	screen_end_line(screen);
	text_tail_hidden(screen, job, view->num_hidden_findings, "finding", STYLE_YELLOW);
	text_tail_hidden(screen, job, view->num_hidden_blockers, "blocker", STYLE_DIM);
}

static void text_tail_stacks(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	const char *sizes = words_stacks(job->arena, view->stack_reserved_size,
					 view->stack_resident_size, view->stack_size);
	if (sizes == NULL)
		return;
	screen->indent = 2;
	screen_words(screen, STYLE_PLAIN, arena_format(job->arena, "stacks: %s", sizes));
	screen_end_line(screen);
}

static void text_tail_gap(struct screen *screen, const struct write_job *job,
			  const struct coreleaks_gap *gap, enum style style)
{
	screen_words(screen, style, arena_format(job->arena, "  %s: ", gap->kind));
	screen_words(screen, STYLE_PLAIN, gap->detail);
	if (gap->count > 1)
		screen_words(screen, STYLE_PLAIN,
			     arena_format(job->arena, " (%s times)",
					  words_number(job->arena, gap->count)));
	screen_end_line(screen);
}

static void text_tail_gaps(struct screen *screen, const struct write_job *job, bool incomplete)
{
	const struct report_view *view = job->view;
	enum style style = incomplete ? STYLE_YELLOW : STYLE_DIM;
	uint32_t *num_by_kind = arena_alloc_array(job->arena, view->num_gaps, sizeof(*num_by_kind));
	struct intern kinds;
	intern_init(&kinds, job->arena);
	screen->indent = 4;
	for (uint32_t i = 0; i < view->num_gaps; i++) {
		if (view->gaps[i]->incomplete != incomplete)
			continue;
		uint32_t num_before = num_by_kind[intern_add_text(&kinds, view->gaps[i]->kind)]++;
		if (num_before < MAX_OF_A_KIND || job->options->verbose > 0)
			text_tail_gap(screen, job, view->gaps[i], style);
	}
	for (uint32_t i = 0; i < kinds.keys.num && job->options->verbose == 0; i++) {
		if (num_by_kind[i] <= MAX_OF_A_KIND)
			continue;
		screen_words(
			screen, style,
			arena_format(job->arena, "  %s: %s more (-v lists them)",
				     intern_text(&kinds, i),
				     words_number(job->arena, num_by_kind[i] - MAX_OF_A_KIND)));
		screen_end_line(screen);
	}
}

static void text_tail_all_gaps(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	uint32_t num_incomplete = 0;
	for (uint32_t i = 0; i < view->num_gaps; i++)
		num_incomplete += view->gaps[i]->incomplete;
	screen->indent = 2;
	if (view->num_gaps == 0) {
		screen_put(screen, STYLE_PLAIN, "gaps: none");
		screen_end_line(screen);
		return;
	}
	if (num_incomplete > 0) {
		screen_put(screen, STYLE_YELLOW, "INCOMPLETE: ");
		screen_words(screen, STYLE_PLAIN,
			     "threads or frames may be missing above; do not take this as clean");
		screen_end_line(screen);
		text_tail_gaps(screen, job, true);
	}
	if (num_incomplete == view->num_gaps)
		return;
	screen_put(screen, STYLE_PLAIN, num_incomplete > 0 ? "other gaps:" : "gaps:");
	screen_end_line(screen);
	text_tail_gaps(screen, job, false);
}

/* Gaps name most of the files already. */
static bool text_tail_module_is_said(const struct report_view *view,
				     const struct coreleaks_module *module)
{
	for (uint32_t i = 0; i < view->num_gaps; i++) {
		const char *detail = view->gaps[i]->detail;
		if (strncmp(view->gaps[i]->kind, "file-", 5) != 0)
			continue;
		if (strstr(detail, module->path) != NULL ||
		    (module->file != NULL && strstr(detail, module->file) != NULL))
			return true;
	}
	return false;
}

static void text_tail_modules(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	uint32_t num = 0;
	for (uint32_t i = 0; i < view->num_modules; i++) {
		const struct coreleaks_module *module = view->modules[i];
		if (module->problem == NULL || text_tail_module_is_said(view, module))
			continue;
		if (num++ >= MAX_MODULES && job->options->verbose == 0)
			continue;
		screen->indent = 4;
		screen_words(screen, STYLE_PLAIN,
			     arena_format(job->arena, "%s %s: %s",
					  module->file == NULL ? "no file for" : "unverified",
					  module->path, module->problem));
		screen_end_line(screen);
	}
	if (num > MAX_MODULES && job->options->verbose == 0) {
		screen_putf(screen, STYLE_PLAIN, "%s and %" PRIu32 " more files (-v lists them)",
			    screen_glyph(screen, GLYPH_ELLIPSIS), num - MAX_MODULES);
		screen_end_line(screen);
	}
}

static bool text_tail_is_system(const struct coreleaks_group *group)
{
	return group->hidden_by != NULL && strcmp(group->hidden_by, system_rule(group->kind)) == 0;
}

/* Whose own tasks of that kind are left out. */
static void text_tail_system_of(struct screen *screen, const struct write_job *job,
				enum coreleaks_kind kind)
{
	const struct report_view *view = job->view;
	struct text line;
	text_init(&line, job->arena);
	for (uint32_t i = 0; i < view->system_by.num; i++) {
		const char *name = view->system_by.items[i].name;
		const struct runtime *runtime = runtime_named(name);
		uint64_t num = 0;
		for (uint32_t k = view->num_shown_groups; k < view->num_groups; k++) {
			const struct coreleaks_group *group = view->groups[k];
			if (group->kind == kind && text_tail_is_system(group) &&
			    strcmp(group->system, name) == 0)
				num += group->num_tasks;
		}
		if (num == 0)
			continue;
		if (line.size == 0)
			text_addf(&line, "hidden by rule %s: ", system_rule(kind));
		else
			text_add(&line, ", ");
		text_addf(&line, "%s %s%s of %s", words_number(job->arena, num),
			  kind == CORELEAKS_KIND_THREAD ? "helper " : "",
			  view_noun_of_kind(kind, num), runtime != NULL ? runtime->owner : name);
	}
	if (line.size == 0)
		return;
	text_add(&line, "; --all shows them");
	screen->indent = 2;
	screen_words(screen, STYLE_PLAIN, line.bytes);
	screen_end_line(screen);
}

static void text_tail_system(struct screen *screen, const struct write_job *job)
{
	text_tail_system_of(screen, job, CORELEAKS_KIND_THREAD);
	text_tail_system_of(screen, job, CORELEAKS_KIND_GOROUTINE);
}

/* What the program's own language would show is another tool's to tell. */
static void text_tail_runtimes(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	const struct runtime *seen[MAX_RUNTIMES];
	uint64_t num_tasks[MAX_RUNTIMES] = {0};
	uint32_t num = 0, at;
	for (uint32_t i = 0; i < view->num_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		const struct runtime *runtime = runtime_of_stack(view_stack(view, group->stack_id));
		if (runtime == NULL || runtime->hint == NULL ||
		    (group->hidden_by != NULL && !text_tail_is_system(group)))
			continue;
		for (at = 0; at < num && seen[at] != runtime; at++)
			continue;
		if (at == MAX_RUNTIMES)
			continue;
		if (at == num)
			seen[num++] = runtime;
		num_tasks[at] += group->num_tasks;
	}
	for (uint32_t i = 0; i < num; i++) {
		screen->indent = 2;
		screen_words(screen, STYLE_PLAIN,
			     arena_format(job->arena, "hint: %s %s of %s: %s",
					  words_number(job->arena, num_tasks[i]),
					  view_noun(view, num_tasks[i]), seen[i]->owner,
					  seen[i]->hint));
		screen_end_line(screen);
	}
}

void text_tail(struct screen *screen, const struct write_job *job, uint32_t num_printed)
{
	const struct report_view *view = job->view;
	uint64_t num_left_out = text_tail_rest(screen, job, num_printed);
	kept_text(screen, job);
	text_tail_totals(screen, job, num_printed, num_left_out);
	text_tail_system(screen, job);
	go_census_text(screen, job);
	rules_report_text(screen, job);
	text_tail_stacks(screen, job);
	self_check_report_text(screen, job);
	text_tail_all_gaps(screen, job);
	text_tail_modules(screen, job);
	text_tail_runtimes(screen, job);
	if (view->num_shown_groups == 0)
		return;
	/* One piece, however long: it is there to be copied. */
	screen_putf(screen, STYLE_DIM, "next: %s show %s %s", job->options->hint,
		    words_quote(job->arena, view->core->path), view->groups[0]->id);
	screen_end_line(screen);
}
