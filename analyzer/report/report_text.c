#include "report/report_text.h"

#include "group/user_frame.h"
#include "report/text_frames.h"
#include "report/text_tail.h"
#include "report/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_MEMBERS = 8, MAX_STRONG_ROWS = 18, MAX_ROWS = 8 };

/* Columns of a bar, a verdict and an id, with the blanks between. */
enum { BEHIND_BAR = 2 + 10 + 2 + 2 + 7 + 2 + 14 };

/* ---- The head: verdict, core, signal --------------------------------------------------------- */

static const struct coreleaks_finding *first_finding(const struct report_view *view)
{
	for (uint32_t i = 0; i < view->num_findings; i++) {
		if (!view_finding_is_hidden(view, view->findings[i]) &&
		    view->findings[i]->num_groups > 0)
			return view->findings[i];
	}
	return NULL;
}

/* What the groups with this verdict come to. */
static const char *report_text_claim(const struct write_job *job)
{
	const struct report_view *view = job->view;
	const struct coreleaks_finding *finding = first_finding(view);
	uint64_t total = view->num_threads + view->num_goroutines;
	if (finding == NULL)
		return view->findings[0]->title;
	uint64_t num_tasks = view->tasks_by_verdict[view->verdict];
	uint32_t num_groups = view->groups_by_verdict[view->verdict];
	if (num_groups <= 1)
		return arena_format(job->arena, "%s (%s of all %s)", finding->title,
				    words_share(job->arena, finding->num_tasks, total),
				    words_number(job->arena, total));
	return arena_format(job->arena, "%s of %s %s (%s) in %" PRIu32 " groups; largest: %s",
			    words_number(job->arena, num_tasks), words_number(job->arena, total),
			    view_noun(view, total), words_share(job->arena, num_tasks, total),
			    num_groups, finding->title);
}

/* What to say when there is no finding. Never that all is well. */
static const char *report_text_no_claim(const struct write_job *job)
{
	const struct report_view *view = job->view;
	uint64_t total = view->num_threads + view->num_goroutines;
	if (total == 0)
		return "nothing to judge: the core holds no thread's registers";
	if (view->num_shown_groups == 0)
		return arena_format(job->arena, "nothing to judge: all %s %s are hidden",
				    words_number(job->arena, total), view_noun(view, total));
	uint32_t largest = 0;
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		if (view->groups[i]->num_tasks > largest)
			largest = view->groups[i]->num_tasks;
	}
	return arena_format(job->arena,
			    "nothing suspicious%s: %s %s in %" PRIu32 " %s, at most %s in one",
			    view->core->complete ? "" : " in what could be read",
			    words_number(job->arena, view->num_shown_tasks),
			    view_noun(view, view->num_shown_tasks), view->num_shown_groups,
			    view->num_shown_groups == 1 ? "group" : "groups",
			    words_number(job->arena, largest));
}

static void report_text_verdict(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	screen->indent = 2;
	if (view->verdict < CORELEAKS_VERDICT_UNKNOWN) {
		screen_putf(screen, words_verdict_style(view->verdict),
			    "%s: ", words_verdict(view->verdict));
		screen_words(screen, STYLE_BOLD, report_text_claim(job));
	} else {
		if (!view->core->complete)
			screen_put(screen, STYLE_YELLOW, "INCOMPLETE: ");
		screen_words(screen, STYLE_BOLD, report_text_no_claim(job));
	}
	screen_end_line(screen);
	for (uint32_t i = 0; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		if (finding->num_groups > 0 || first_finding(view) == NULL)
			continue;
		screen_putf(screen, words_verdict_style(finding->certainty),
			    "%s: ", words_verdict(finding->certainty));
		screen_words(screen, STYLE_BOLD, finding->title);
		screen_end_line(screen);
	}
}

void report_text_core(struct screen *screen, const struct write_job *job)
{
	const struct coreleaks_core *core = job->view->core;
	const char *dot = screen_glyph(screen, GLYPH_DOT);
	const char *time = words_time(job->arena, core->captured_at);
	struct text line;
	text_init(&line, job->arena);
	text_add(&line, strcmp(core->path, "-") == 0 ? "standard input"
						     : user_frame_file_name(core->path));
	if (core->command != NULL || core->pid != 0) {
		text_addf(&line, " %s %s", dot, core->command != NULL ? core->command : "process");
		if (core->pid != 0)
			text_addf(&line, ", pid %" PRId64, core->pid);
	}
	if (core->signal != 0)
		text_addf(&line, " %s %s", dot, words_signal(job->arena, core->signal));
	text_addf(&line, " %s %s", dot, words_size(job->arena, core->size));
	if (core->dumper != NULL)
		text_addf(&line, " by %s%s", strcmp(core->dumper, "kernel") == 0 ? "the " : "",
			  core->dumper);
	if (time != NULL)
		text_addf(&line, " %s %s", dot, time);
	text_addf(&line, " %s ", dot);
	screen->indent = 2;
	/* The glyph is not escaped: it is ours, and ASCII where only that may be. */
	screen_words(screen, STYLE_DIM, line.bytes);
	screen_fit(screen, core->complete ? STYLE_DIM : STYLE_YELLOW,
		   core->complete ? "complete" : "INCOMPLETE, see below");
	screen_end_line(screen);
}

/* Which thread took the signal, and where. */
static void report_text_signal(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		const struct coreleaks_task *task = view->tasks[i];
		if (task->signal == 0)
			continue;
		const struct coreleaks_frame *frame =
			user_frame_first(view_stack(view, task->stack_id));
		uint32_t rank = 0;
		const struct coreleaks_group *group = view_group_of_task(view, i);
		while (group != NULL && rank < view->num_shown_groups &&
		       view->groups[rank] != group)
			rank++;
		const char *where = "";
		if (group != NULL && rank < view->num_shown_groups)
			where = arena_format(job->arena, ", group #%" PRIu32, rank + 1);
		else
			where = ", in a hidden group";
		screen->indent = 2;
		screen_words(screen, STYLE_YELLOW,
			     arena_format(job->arena, "thread %" PRId64 " took %s%s%s%s", task->id,
					  words_signal(job->arena, task->signal),
					  frame != NULL ? " in " : "",
					  frame != NULL ? text_frames_name(job->arena, frame) : "",
					  where));
		screen_end_line(screen);
		return;
	}
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static struct group_columns report_text_columns(struct screen *screen, const struct write_job *job,
						uint32_t num_groups)
{
	struct group_columns columns = {0};
	for (uint32_t i = 0; i < num_groups; i++) {
		const struct coreleaks_group *group = job->view->groups[i];
		const char *count = words_number(job->arena, group->num_tasks);
		uint32_t count_columns = screen_columns(screen, count);
		uint32_t wait_columns = screen_columns(screen, words_wait(group));
		if (count_columns > columns.count)
			columns.count = count_columns;
		if (wait_columns > columns.wait && wait_columns <= 24)
			columns.wait = wait_columns;
	}
	columns.rank = (uint32_t)strlen(words_number(job->arena, num_groups)) + 1;
	return columns;
}

static uint64_t num_of_kind(const struct report_view *view, enum coreleaks_kind kind)
{
	return kind == CORELEAKS_KIND_GOROUTINE ? view->num_goroutines : view->num_threads;
}

/* Starts the next field: two blanks, or a new line where it does not fit. */
static void report_text_field(struct screen *screen, enum style style, const char *text)
{
	if (screen_columns(screen, text) + 2 > screen_left(screen)) {
		screen_end_line(screen);
		screen_pad(screen, screen->indent);
	} else {
		screen_put(screen, STYLE_PLAIN, "  ");
	}
	screen_put(screen, style, text);
}

void report_text_group_line(struct screen *screen, const struct write_job *job,
			    const struct coreleaks_group *group, uint32_t rank,
			    const struct group_columns *columns)
{
	enum style style = words_verdict_style(group->verdict);
	bool flagged = group->verdict < CORELEAKS_VERDICT_UNKNOWN;
	const char *count = words_number(job->arena, group->num_tasks);
	const char *share =
		words_share(job->arena, group->num_tasks, num_of_kind(job->view, group->kind));
	const char *number = rank != 0 ? arena_format(job->arena, "#%" PRIu32, rank) : "hidden";
	screen->indent = TEXT_FRAMES_INDENT;
	screen_put(screen, style, flagged ? "!! " : "   ");
	screen_put(screen, STYLE_DIM, number);
	screen_pad(screen, 3 + columns->rank + 1 + columns->count - (uint32_t)strlen(count) + 1);
	screen_put(screen, flagged ? STYLE_RED : STYLE_BOLD, count);
	screen_put(screen, STYLE_PLAIN, " ");
	screen_put(screen, STYLE_PLAIN, view_noun_of_kind(group->kind, group->num_tasks));
	if (group->num_tasks == 1)
		screen_put(screen, STYLE_PLAIN, " ");
	screen_putf(screen, STYLE_PLAIN, "  %7s", share);
	if (screen->width == 0 || screen->width >= screen->column + columns->wait + BEHIND_BAR) {
		screen_put(screen, STYLE_PLAIN, "  ");
		screen_bar(screen, flagged ? STYLE_RED : STYLE_DIM, group->share);
	}
	uint32_t wait_end = screen->column + 2 + columns->wait;
	report_text_field(screen, STYLE_PLAIN, words_wait(group));
	if (screen->column < wait_end && screen->column > screen->indent + 8)
		screen_pad(screen, wait_end);
	if (group->verdict != CORELEAKS_VERDICT_UNKNOWN)
		report_text_field(screen, style, coreleaks_verdict_name(group->verdict));
	report_text_field(screen, STYLE_CYAN, group->id);
	screen_end_line(screen);
}

void report_text_members(struct screen *screen, const struct write_job *job,
			 const struct coreleaks_group *group, uint32_t max)
{
	uint32_t num = group->num_tasks < max ? group->num_tasks : max;
	if (num == 0)
		return;
	screen_pad(screen, TEXT_FRAMES_INDENT);
	screen->indent = TEXT_FRAMES_INDENT + 2;
	screen_put(screen, STYLE_DIM, view_noun_of_kind(group->kind, group->num_tasks));
	for (uint32_t i = 0; i < num; i++) {
		char id[24];
		snprintf(id, sizeof(id), " %" PRId64, job->view->tasks[group->tasks[i]]->id);
		if (screen_left(screen) < strlen(id)) {
			screen_end_line(screen);
			screen_pad(screen, screen->indent - 1);
		}
		screen_put(screen, STYLE_DIM, id);
	}
	if (num < group->num_tasks) {
		screen_put(screen, STYLE_DIM, " ");
		screen_fit(screen, STYLE_DIM,
			   arena_format(job->arena, "%s %s more",
					screen_glyph(screen, GLYPH_ELLIPSIS),
					words_number(job->arena, group->num_tasks - num)));
	}
	screen_end_line(screen);
}

/* The member that took the signal, or NULL. */
static const struct coreleaks_task *report_text_signalled(const struct report_view *view,
							  const struct coreleaks_group *group)
{
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		if (view->tasks[group->tasks[i]]->signal != 0)
			return view->tasks[group->tasks[i]];
	}
	return NULL;
}

static void report_text_group(struct screen *screen, const struct write_job *job, uint32_t index,
			      const struct group_columns *columns)
{
	const struct coreleaks_group *group = job->view->groups[index];
	const struct coreleaks_stack *stack = view_stack(job->view, group->stack_id);
	const struct coreleaks_task *signalled = report_text_signalled(job->view, group);
	bool strong = group->verdict < CORELEAKS_VERDICT_UNKNOWN || signalled != NULL;
	report_text_group_line(screen, job, group, index + 1, columns);
	if (signalled != NULL) {
		screen_pad(screen, TEXT_FRAMES_INDENT);
		screen_putf(screen, STYLE_YELLOW, "%s thread %" PRId64 " took %s",
			    screen_glyph(screen, GLYPH_ARROW), signalled->id,
			    words_signal(job->arena, signalled->signal));
		screen_end_line(screen);
	}
	if (group->key != NULL) {
		screen_pad(screen, TEXT_FRAMES_INDENT);
		screen_put(screen, STYLE_PLAIN, "key ");
		screen_name(screen, STYLE_BOLD, group->key,
			    screen_left(screen) == UINT32_MAX ? 0 : screen_left(screen));
		screen_end_line(screen);
	}
	if (job->options->verbose > 0)
		text_frames_all(screen, job, stack, false);
	else
		text_frames_short(screen, job, stack, strong ? MAX_STRONG_ROWS : MAX_ROWS, strong);
	report_text_members(screen, job, group,
			    job->options->members == UINT32_MAX ? DEFAULT_MEMBERS
								: job->options->members);
	screen_end_line(screen);
}

struct text report_text_make(const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct screen screen;
	uint32_t num_printed = view->num_shown_groups < job->options->limit ? view->num_shown_groups
									    : job->options->limit;
	screen_init(&screen, job->arena, job->options);
	report_text_verdict(&screen, job);
	report_text_core(&screen, job);
	report_text_signal(&screen, job);
	screen_end_line(&screen);
	struct group_columns columns = report_text_columns(&screen, job, num_printed);
	for (uint32_t i = 0; i < num_printed; i++)
		report_text_group(&screen, job, i, &columns);
	text_tail(&screen, job, num_printed);
	return screen.out;
}
