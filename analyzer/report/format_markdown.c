#include "group/user_frame.h"
#include "report/blocking.h"
#include "report/escape.h"
#include "report/headline.h"
#include "report/results.h"
#include "report/wait_words.h"
#include "report/words.h"

#include <inttypes.h>

/* GitHub drops a job summary of more than 1 MiB altogether (its documentation, 2024). What ends the
 * document has room behind the limit. */
enum { MAX_SIZE = 1024 * 1024, TAIL_SIZE = 4096, MAX_TABLE_ROWS = 200 };

static void code(struct text *out, const char *name)
{
	text_add(out, "<code>");
	escape_markdown(out, name);
	text_add(out, "</code>");
}

static void line(struct text *out, const char *before, const char *words, const char *behind)
{
	text_add(out, before);
	escape_markdown(out, words);
	text_add(out, behind);
}

/* FUNCTION (FILE:LINE), the latter a link if it may be one. */
static void place(struct text *out, const struct write_job *job,
		  const struct coreleaks_frame *frame)
{
	const char *link = results_link(job, frame);
	code(out, frame->function != NULL ? frame->function : "??");
	if (frame->file == NULL || frame->line == 0)
		return;
	const char *where = arena_format(job->arena, "%s:%" PRIu32,
					 user_frame_file_name(frame->file), frame->line);
	text_add(out, link != NULL ? " [" : " ");
	escape_markdown(out, where);
	if (link != NULL) {
		text_add(out, "](<");
		escape_xml(out, link);
		text_add(out, ">)");
	}
}

/* Takes the piece back when the document would grow too large. */
static bool fits(struct document *doc, size_t size_before)
{
	struct text *out = &doc->json.out;
	if (out->size <= MAX_SIZE - TAIL_SIZE)
		return true;
	out->size = size_before;
	out->bytes[size_before] = '\0';
	return false;
}

static void head(struct document *doc, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct text *out = &doc->json.out;
	const char *word = headline_word(view);
	line(out, "### ", word, *word != '\0' ? ": " : "");
	line(out, "", headline_text(job), "\n\n");
	code(out, view->core->path);
	if (view->core->command != NULL) {
		text_add(out, " · ");
		code(out, view->core->command);
	}
	if (view->core->signal != 0)
		line(out, " · ", words_signal(job->arena, view->core->signal), "");
	text_addf(out, " · %s %s in %s %s, %s hidden · %s\n\n",
		  words_number(job->arena, view->num_shown_tasks),
		  view_noun(view, view->num_shown_tasks),
		  words_number(job->arena, view->num_shown_groups),
		  view->num_shown_groups == 1 ? "group" : "groups",
		  words_number(job->arena, view->num_hidden_tasks),
		  view->core->complete ? "complete" : "**INCOMPLETE**");
}

static void more(struct text *out, const struct write_job *job, uint64_t num, const char *one,
		 const char *many)
{
	if (num > 0)
		text_addf(out, "\n%s more %s\n", words_number(job->arena, num),
			  num == 1 ? one : many);
}

static void findings(struct document *doc, const struct write_job *job)
{
	struct text *out = &doc->json.out;
	struct results results;
	results_build(&results, job, &doc->seen);
	for (uint32_t i = 0; i < results.num; i++) {
		const struct coreleaks_finding *finding = results.items[i].finding;
		size_t before = out->size;
		text_addf(out, "* **%s** ", words_verdict(finding->certainty));
		line(out, "", finding->title, " (");
		line(out, "", finding->rule, finding->allowed ? ", in the baseline)" : ")");
		if (results.items[i].frame != NULL) {
			text_add(out, ": ");
			place(out, job, results.items[i].frame);
		}
		text_add(out, "\n");
		for (uint32_t k = 0; k < finding->num_evidence; k++)
			line(out, "  * ", finding->evidence[k].what, "\n");
		for (uint32_t k = 0; k < finding->num_caveats; k++)
			line(out, "  * not proved: ", finding->caveats[k], "\n");
		if (!fits(doc, before)) {
			more(out, job, results.num - i, "finding", "findings");
			break;
		}
	}
	text_add(out, results.num > 0 ? "\n" : "");
}

static void blockers(struct document *doc, const struct write_job *job)
{
	const struct report_view *view = job->view;
	size_t before = doc->json.out.size;
	for (uint32_t i = 0; i < view->num_blockers && i < 3; i++)
		if (!view_blocker_is_hidden(view, view->blockers[i]) &&
		    view->blockers[i]->num_blocked > 1)
			line(&doc->json.out, "* ",
			     blocking_title(job->arena, view, view->blockers[i]), "\n");
	text_add(&doc->json.out, doc->json.out.size > before ? "\n" : "");
	fits(doc, before);
}

static void table(struct document *doc, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct text *out = &doc->json.out;
	if (view->num_shown_groups == 0)
		return;
	text_add(out, "| # | count | share | waits for | where | verdict |\n"
		      "|--:|--:|--:|---|---|---|\n");
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		const struct coreleaks_stack *stack = view_stack(view, group->stack_id);
		const struct coreleaks_frame *frame = user_frame_first(stack);
		size_t before = out->size;
		text_addf(out, "| %" PRIu32 " | %s %s | %" PRIu32 ".%" PRIu32 " %% | ", i + 1,
			  words_number(job->arena, view_group_count(group)),
			  view_noun_of_kind(group->kind, view_group_count(group)),
			  (uint32_t)(group->share * 1000 + 0.5) / 10,
			  (uint32_t)(group->share * 1000 + 0.5) % 10);
		escape_markdown(out, words_wait(group));
		text_add(out, " | ");
		if (frame != NULL)
			place(out, job, frame);
		line(out, " | ", coreleaks_verdict_name(group->verdict), " |\n");
		if (i == MAX_TABLE_ROWS || !fits(doc, before)) {
			more(out, job, view->num_shown_groups - i - (i == MAX_TABLE_ROWS), "group",
			     "groups");
			break;
		}
	}
	text_add(out, "\n");
}

/* The stacks, folded. Inside <pre> nothing is Markdown. */
static void stacks(struct document *doc, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct text *out = &doc->json.out;
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		const struct coreleaks_frame *frame =
			user_frame_first(view_stack(view, group->stack_id));
		size_t before = out->size;
		text_addf(out, "<details><summary>#%" PRIu32 " %s %s", i + 1,
			  words_number(job->arena, view_group_count(group)),
			  view_noun_of_kind(group->kind, view_group_count(group)));
		if (frame != NULL && frame->function != NULL) {
			text_add(out, " in <code>");
			escape_xml(out, frame->function);
			text_add(out, "</code>");
		}
		text_add(out, "</summary>\n\n<pre>\n");
		escape_xml_lines(out, results_group_words(job, i));
		text_add(out, "</pre>\n\n</details>\n\n");
		if (!fits(doc, before)) {
			more(out, job, view->num_shown_groups - i, "stack", "stacks");
			text_add(out, "\n");
			break;
		}
	}
}

static void gaps(struct document *doc, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct text *out = &doc->json.out;
	if (view->num_gaps == 0)
		return;
	text_addf(out, "<details><summary>%s %s could not be read</summary>\n\n",
		  words_number(job->arena, view->num_gaps), view->num_gaps == 1 ? "fact" : "facts");
	for (uint32_t i = 0; i < view->num_gaps; i++) {
		const struct coreleaks_gap *gap = view->gaps[i];
		size_t before = out->size;
		line(out, "* ", gap->kind, ": ");
		line(out, "", gap->detail, gap->incomplete ? " (**incomplete**)\n" : "\n");
		if (!fits(doc, before)) {
			more(out, job, view->num_gaps - i, "gap", "gaps");
			break;
		}
	}
	text_add(out, "\n</details>\n\n");
}

void format_markdown_begin(struct document *doc, const struct write_job *job)
{
	(void)job;
	text_add(&doc->json.out, "");
}

void format_markdown_core(struct document *doc, const struct write_job *job)
{
	size_t before = doc->json.out.size;
	head(doc, job);
	if (!fits(doc, before)) {
		doc->num_notes[0]++;
		return;
	}
	findings(doc, job);
	blockers(doc, job);
	table(doc, job);
	gaps(doc, job);
	stacks(doc, job);
	doc->num_cores++;
}

void format_markdown_end(struct document *doc, const struct write_job *job)
{
	more(&doc->json.out, job, doc->num_notes[0], "core", "cores");
}
