#include "group/user_frame.h"
#include "report/group_notes.h"
#include "report/report_text.h"
#include "report/text_findings.h"
#include "report/text_frames.h"
#include "report/wait_words.h"
#include "report/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_MEMBERS = 8, MAX_PTHREADS = 4, MAX_STRONG_ROWS = 18, MAX_ROWS = 8 };

/* Columns of a bar, a verdict and an id, with the blanks between. */
enum { BEHIND_BAR = 2 + 10 + 2 + 2 + 7 + 2 + 14 };

/* Under some ways of grouping, members wait for different things. */
static const char *report_text_wait(const struct report_view *view,
				    const struct coreleaks_group *group)
{
	for (uint32_t i = 0; group->reason == NULL && i < group->num_tasks; i++)
		if (view_alike(view, group->tasks[i])->reason != NULL)
			return "several reasons";
	return words_wait(group);
}

struct group_columns report_text_columns(struct screen *screen, const struct write_job *job,
					 uint32_t num_groups)
{
	struct group_columns columns = {0};
	for (uint32_t i = 0; i < num_groups; i++) {
		const struct coreleaks_group *group = job->view->groups[i];
		const char *count = words_number(job->arena, view_group_count(group));
		uint32_t count_columns = screen_columns(screen, count);
		uint32_t wait_columns = screen_columns(screen, report_text_wait(job->view, group));
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
	uint32_t num = view_group_count(group);
	bool finished = group->num_pthreads > 0;
	const char *count = words_number(job->arena, num);
	const char *share = "";
	if (!finished)
		share = words_share(job->arena, num, num_of_kind(job->view, group->kind));
	const char *number = rank != 0 ? arena_format(job->arena, "#%" PRIu32, rank) : "hidden";
	screen->indent = TEXT_FRAMES_INDENT;
	screen_put(screen, style, flagged ? "!! " : "   ");
	screen_put(screen, STYLE_DIM, number);
	/* A count may be wider than the column of a line that stands alone. */
	uint32_t count_end = 3 + columns->rank + 1 + columns->count + 1;
	uint32_t width = (uint32_t)strlen(count);
	screen_pad(screen, count_end > width ? count_end - width : 0);
	screen_put(screen, flagged ? STYLE_RED : STYLE_BOLD, count);
	screen_put(screen, STYLE_PLAIN, " ");
	screen_put(screen, STYLE_PLAIN, view_noun_of_kind(group->kind, num));
	if (num == 1)
		screen_put(screen, STYLE_PLAIN, " ");
	screen_putf(screen, STYLE_PLAIN, "  %7s", share);
	if (screen->width == 0 || screen->width >= screen->column + columns->wait + BEHIND_BAR) {
		screen_put(screen, STYLE_PLAIN, "  ");
		screen_bar(screen, flagged ? STYLE_RED : STYLE_DIM, group->share);
	}
	uint32_t wait_end = screen->column + 2 + columns->wait;
	report_text_field(screen, STYLE_PLAIN, report_text_wait(job->view, group));
	if (screen->column < wait_end && screen->column > screen->indent + 8)
		screen_pad(screen, wait_end);
	if (group->verdict != CORELEAKS_VERDICT_UNKNOWN)
		report_text_field(screen, style, coreleaks_verdict_name(group->verdict));
	if (group->allowed_by != NULL)
		report_text_field(screen, STYLE_PLAIN, "in the baseline");
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
		snprintf(id, sizeof(id), " %" PRId64, view_task(job->view, group->tasks[i])->id);
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
		if (view_alike(view, group->tasks[i])->signal != 0)
			return view_task(view, group->tasks[i]);
	}
	return NULL;
}

/* A line below the first one, if there is anything to say. */
static void report_text_note(struct screen *screen, enum style style, const char *text)
{
	if (text != NULL)
		text_findings_line(screen, TEXT_FRAMES_INDENT, style, text);
}

void report_text_waits(struct screen *screen, const struct write_job *job,
		       const struct coreleaks_group *group)
{
	struct group_notes notes = group_notes_of(job->arena, job->view, group);
	for (uint32_t i = 0; i < notes.num; i++)
		report_text_note(screen, notes.styles[i], notes.lines[i]);
}

void report_text_pthreads(struct screen *screen, const struct write_job *job,
			  const struct coreleaks_group *group, uint32_t max)
{
	struct text line;
	text_init(&line, job->arena);
	text_add(&line, group->num_pthreads == 1 ? "pthread" : "pthreads");
	for (uint32_t i = 0; i < group->num_pthreads && i < max; i++)
		text_addf(&line, " 0x%" PRIx64, group->pthreads[i]);
	if (group->num_pthreads > max)
		text_addf(&line, " and %s more",
			  words_number(job->arena, group->num_pthreads - max));
	report_text_note(screen, STYLE_DIM, line.bytes);
}

/* Threads that are no more: where they began, and their handles. */
static void report_text_finished(struct screen *screen, const struct write_job *job,
				 const struct coreleaks_group *group)
{
	const struct coreleaks_stack *stack = view_stack(job->view, group->stack_id);
	const struct coreleaks_frame *frame = stack->num_frames > 0 ? &stack->frames[0] : NULL;
	struct text line;
	text_init(&line, job->arena);
	text_addf(&line, "finished, never joined: %s",
		  frame != NULL ? text_frames_name(job->arena, frame) : "start unknown");
	if (frame != NULL && frame->file != NULL && frame->line != 0)
		text_addf(&line, " (%s:%" PRIu32 ")", user_frame_file_name(frame->file),
			  frame->line);
	report_text_note(screen, STYLE_BOLD, line.bytes);
	report_text_pthreads(screen, job, group,
			     job->options->members == UINT32_MAX ? MAX_PTHREADS
								 : job->options->members);
	report_text_note(screen, STYLE_DIM, wait_words_creation(job->arena, group->creation));
	const char *sizes =
		words_stacks(job->arena, group->stack_reserved_size, group->stack_resident_size, 0);
	if (sizes != NULL)
		report_text_note(screen, STYLE_DIM,
				 arena_format(job->arena, "their stacks: %s", sizes));
}

/* Under some ways of grouping, members do different things. */
static bool report_text_mixed(const struct report_view *view, const struct coreleaks_group *group)
{
	const struct coreleaks_stack *first = view_stack(view, group->stack_id);
	uint32_t last_id = group->stack_id;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		uint32_t id = view_alike(view, group->tasks[i])->stack_id;
		if (id == last_id)
			continue;
		last_id = id;
		const struct coreleaks_stack *stack = view_stack(view, id);
		if (stack->num_frames != first->num_frames)
			return true;
		for (uint32_t k = 0; k < stack->num_frames; k++) {
			const char *a = first->frames[k].function, *b = stack->frames[k].function;
			if (a != b && (a == NULL || b == NULL || strcmp(a, b) != 0))
				return true;
		}
	}
	return false;
}

void report_text_group(struct screen *screen, const struct write_job *job, uint32_t index,
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
	if (group->num_pthreads > 0) {
		report_text_finished(screen, job, group);
		screen_end_line(screen);
		return;
	}
	report_text_waits(screen, job, group);
	if (report_text_mixed(job->view, group))
		report_text_note(screen, STYLE_DIM, "their stacks differ; the one that most have:");
	if (job->options->verbose > 0)
		text_frames_all(screen, job, stack, false);
	else
		text_frames_short(screen, job, stack, strong ? MAX_STRONG_ROWS : MAX_ROWS, strong);
	report_text_members(screen, job, group,
			    job->options->members == UINT32_MAX ? DEFAULT_MEMBERS
								: job->options->members);
	screen_end_line(screen);
}
