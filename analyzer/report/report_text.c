#include "report/report_text.h"

#include "group/user_frame.h"
#include "report/blocking.h"
#include "report/go_words.h"
#include "report/headline.h"
#include "report/text_findings.h"
#include "report/text_frames.h"
#include "report/text_tail.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

static void report_text_verdict(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	bool has_head = text_findings_head(screen, job);
	screen->indent = 2;
	if (!has_head && view->verdict < CORELEAKS_VERDICT_UNKNOWN) {
		screen_putf(screen, words_verdict_style(view->verdict),
			    "%s: ", words_verdict(view->verdict));
		screen_words(screen, STYLE_BOLD, headline_claim(job));
	} else if (!has_head) {
		if (!view->core->complete)
			screen_put(screen, STYLE_YELLOW, "INCOMPLETE: ");
		screen_words(screen, STYLE_BOLD, headline_no_claim(job));
	}
	if (!has_head)
		screen_end_line(screen);
	for (uint32_t i = 0; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		if (finding->num_groups > 0 || headline_finding(view) == NULL)
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

static void report_text_go(struct screen *screen, const struct write_job *job)
{
	const char *words =
		go_words_program(job->arena, job->view->go, screen_glyph(screen, GLYPH_DOT));
	if (words == NULL)
		return;
	screen->indent = 2;
	screen_words(screen, STYLE_DIM, words);
	screen_end_line(screen);
}

/* Which thread took the signal, and where. */
static void report_text_signal(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		const struct coreleaks_task *task = view_alike(view, i);
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

struct text report_text_make(const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct screen screen;
	uint32_t num_printed = view->num_shown_groups < job->options->limit ? view->num_shown_groups
									    : job->options->limit;
	screen_init(&screen, job->arena, job->options);
	report_text_verdict(&screen, job);
	blocking_text(&screen, job);
	report_text_core(&screen, job);
	report_text_go(&screen, job);
	report_text_signal(&screen, job);
	screen_end_line(&screen);
	struct group_columns columns = report_text_columns(&screen, job, num_printed);
	for (uint32_t i = 0; i < num_printed; i++)
		report_text_group(&screen, job, i, &columns);
	text_tail(&screen, job, num_printed);
	return screen.out;
}
