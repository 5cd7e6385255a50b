#include "group/user_frame.h"
#include "report/candidate_words.h"
#include "report/escape.h"
#include "report/frame_rows.h"
#include "report/go_wait_words.h"
#include "report/go_words.h"
#include "report/html.h"
#include "report/interrupted.h"
#include "report/results.h"
#include "report/samples.h"
#include "report/wait_words.h"
#include "report/words.h"

#include <inttypes.h>

enum { MAX_ROWS = 60, MAX_MEMBERS = 50 };

void html_element(struct text *out, const char *name, const char *attributes, const char *words)
{
	text_addf(out, "<%s%s>", name, attributes);
	escape_xml(out, words);
	text_addf(out, "</%s>", name);
}

void html_frame(struct text *out, const struct write_job *job, const struct coreleaks_frame *frame,
		const char *place_class)
{
	const char *link = results_link(job, frame);
	html_element(out, "span", " class=\"mono\"", samples_frame_name(job->arena, frame));
	text_addf(out, " <span class=\"%s\">", place_class);
	if (link != NULL) {
		text_add(out, "<a rel=\"noreferrer noopener\" href=\"");
		escape_xml(out, link);
		text_add(out, "\">");
	}
	if (frame->file != NULL) {
		escape_xml(out, user_frame_file_name(frame->file));
		if (frame->line != 0)
			text_addf(out, ":%" PRIu32, frame->line);
	} else if (frame->function != NULL && frame->module != NULL) {
		escape_xml(out, frame->module);
	}
	text_addf(out, "%s</span>", link != NULL ? "</a>" : "");
}

/* A row of the stack as the text report folds it. */
static void add_row(struct text *out, const struct write_job *job,
		    const struct coreleaks_stack *stack, const struct frame_row *row)
{
	const struct coreleaks_frame *frame = &stack->frames[row->first];
	if (row->kind == FRAME_ROW_REPEATED) {
		text_addf(out, "<li class=\"runtime\">… and again, %s times in all</li>",
			  words_number(job->arena, row->times));
		return;
	}
	if (row->kind == FRAME_ROW_LEFT_OUT) {
		text_addf(out, "<li class=\"runtime\">… %s frames left out</li>",
			  words_number(job->arena, row->num));
		return;
	}
	text_add(out, row->kind == FRAME_ROW_RUNTIME ? "<li class=\"runtime\">" : "<li>");
	html_frame(out, job, frame, "place");
	if (row->kind == FRAME_ROW_RUNTIME && row->num > 1)
		text_addf(out, " <span>… %" PRIu32 " frames</span>", row->num);
	text_add(out, "</li>");
}

static void add_stack(struct text *out, const struct write_job *job,
		      const struct coreleaks_stack *stack)
{
	struct frame_rows rows;
	frame_rows_build(&rows, job->arena, stack, MAX_ROWS);
	text_add(out, "<ol class=\"frames\">");
	for (uint32_t i = 0; i < rows.num; i++)
		add_row(out, job, stack, &rows.items[i]);
	if (stack->end != CORELEAKS_STACK_COMPLETE) {
		text_add(out, "<li class=\"runtime\">… the stack ends here: ");
		escape_xml(out, stack->missing != NULL ? stack->missing
						       : coreleaks_stack_end_name(stack->end));
		text_add(out, "</li>");
	}
	text_add(out, "</ol>");
}

static void add_note(struct text *out, const char *words)
{
	if (words != NULL)
		html_element(out, "p", "", words);
}

static void add_notes(struct text *out, const struct write_job *job,
		      const struct coreleaks_group *group)
{
	struct arena *arena = job->arena;
	text_add(out, "<div class=\"notes\">");
	if (group->key != NULL)
		add_note(out, arena_format(arena, "key %s", group->key));
	add_note(out, group->kind == CORELEAKS_KIND_GOROUTINE
			      ? go_wait_words_group(arena, job->view, group)
			      : wait_words_group(arena, job->view, group));
	add_note(out, interrupted_words_group(arena, job->view, group));
	if (group->num_objects > 0) {
		add_note(out, candidate_words_object(arena, job->view, &group->objects[0], true));
		add_note(out, candidate_words_circle(arena, job->view, &group->objects[0]));
	}
	add_note(out, go_words_group(arena, job->view, group));
	add_note(out, wait_words_start(arena, job->view, group));
	add_note(out, wait_words_creation(arena, group->creation));
	const char *sizes = words_stacks(arena, group->stack_reserved_size,
					 group->stack_resident_size, group->stack_size);
	if (sizes != NULL)
		add_note(out, arena_format(arena, "stacks: %s", sizes));
	text_add(out, "</div>");
}

static void add_members(struct text *out, const struct write_job *job,
			const struct coreleaks_group *group)
{
	uint32_t max = job->options->members < MAX_MEMBERS ? job->options->members : MAX_MEMBERS;
	uint32_t num = view_group_count(group);
	text_add(out, "<p class=\"dim mono\">");
	text_add(out, view_noun_of_kind(group->kind, num));
	for (uint32_t i = 0; i < group->num_tasks && i < max; i++)
		text_addf(out, " %" PRId64, view_task(job->view, group->tasks[i])->id);
	for (uint32_t i = 0; i < group->num_pthreads && i < max; i++)
		text_addf(out, " 0x%" PRIx64, group->pthreads[i]);
	if (num > max)
		text_addf(out, " … %s more", words_number(job->arena, num - max));
	text_addf(out, "</p><p class=\"dim mono\">%s</p>", group->id);
}

static void add_bar(struct text *out, double share)
{
	uint32_t part = share <= 0 ? 0 : share >= 1 ? 760 : (uint32_t)(share * 760);
	text_addf(out,
		  "<svg class=\"bar\" aria-hidden=\"true\"><rect class=\"all\" width=\"76\" "
		  "height=\"8\" rx=\"2\"/><rect class=\"part\" width=\"%" PRIu32 ".%" PRIu32
		  "\" height=\"8\" rx=\"2\"/></svg>",
		  part / 10, part % 10);
}

static void add_group(struct text *out, const struct write_job *job, uint32_t core, uint32_t index)
{
	const struct coreleaks_group *group = job->view->groups[index];
	const struct coreleaks_stack *stack = view_stack(job->view, group->stack_id);
	const struct coreleaks_frame *frame = user_frame_first(stack);
	const char *verdict = coreleaks_verdict_name(group->verdict);
	uint64_t kind_total = group->kind == CORELEAKS_KIND_GOROUTINE ? job->view->num_goroutines
								      : job->view->num_threads;
	if (frame == NULL && stack->num_frames > 0)
		frame = &stack->frames[0];
	text_addf(out,
		  "<tr class=\"%s\" id=\"c%" PRIu32 "g%" PRIu32 "\"><td class=\"num dim\">%" PRIu32
		  "</td><td class=\"num\">%s %s</td><td class=\"share\">",
		  verdict, core, index + 1, index + 1,
		  words_number(job->arena, view_group_count(group)),
		  view_noun_of_kind(group->kind, view_group_count(group)));
	add_bar(out, group->share);
	if (group->num_pthreads == 0)
		text_addf(out, "<span class=\"dim\">%s</span>",
			  words_share(job->arena, group->num_tasks, kind_total));
	text_add(out, "</td>");
	html_element(out, "td", " class=\"wait\"", words_wait(group));
	text_add(out, "<td class=\"where\"><details><summary>");
	if (frame != NULL)
		html_frame(out, job, frame, "dim");
	else
		text_add(out, "<span class=\"dim\">no frame</span>");
	text_add(out, "</summary>");
	add_notes(out, job, group);
	add_stack(out, job, stack);
	add_members(out, job, group);
	text_add(out, "</details></td><td class=\"verdict\">");
	html_element(out, "span", arena_format(job->arena, " class=\"badge %s\"", verdict),
		     verdict);
	text_add(out, "</td></tr>\n");
}

void html_groups(struct text *out, const struct write_job *job, uint32_t core, size_t max_size)
{
	const struct report_view *view = job->view;
	size_t start = out->size;
	uint32_t num = 0;
	text_addf(out,
		  "<section class=\"groups\" id=\"c%" PRIu32
		  "groups\">\n<h2>Groups of equal stacks</h2>\n"
		  "<div class=\"tools\" hidden><input type=\"search\" "
		  "placeholder=\"Search functions, files, reasons, ids\" "
		  "aria-label=\"Search the groups\"> <button type=\"button\">Open or close "
		  "stacks</button> <span class=\"count dim\"></span></div>\n"
		  "<table><thead><tr><th class=\"num\">#</th><th class=\"num\">count</th>"
		  "<th>share</th><th>waits for</th><th>where</th><th>verdict</th></tr></thead>"
		  "<tbody>\n",
		  core);
	for (; num < view->num_shown_groups && out->size - start < max_size; num++)
		add_group(out, job, core, num);
	text_add(out, "</tbody></table>\n");
	if (num < view->num_shown_groups)
		text_addf(
			out,
			"<p><strong>%s more groups</strong> are left out to keep this page small; "
			"--min-count and --focus choose others, --format json has all.</p>\n",
			words_number(job->arena, view->num_shown_groups - num));
	text_add(out, "</section>\n");
}
