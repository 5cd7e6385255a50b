#include "report/escape.h"
#include "report/headline.h"
#include "report/wait_picture.h"
#include "report/words.h"
#include "report/write.h"

#include <inttypes.h>

enum { MAX_NODES = 400 };

static const char *color_of(const struct picture_node *node)
{
	if (node->stuck)
		return "color=\"#b3261e\", fillcolor=\"#fbe3e1\", penwidth=2";
	if (node->is_object)
		return "color=\"#5b6770\", fillcolor=\"#f4f6f8\"";
	if (node->verdict < CORELEAKS_VERDICT_UNKNOWN)
		return "color=\"#9a5b00\", fillcolor=\"#fdf0d9\"";
	return "color=\"#5b6770\", fillcolor=\"#ffffff\"";
}

static void add_node(struct text *out, const struct write_job *job, uint32_t core, uint32_t index,
		     const struct picture_node *node)
{
	const char *lines[3];
	uint32_t num = wait_picture_lines(node, job->arena, job->view, lines);
	text_addf(out, "    c%" PRIu32 "n%" PRIu32 " [shape=%s, %s, label=\"", core, index,
		  node->is_object ? "ellipse" : "box", color_of(node));
	for (uint32_t i = 0; i < num; i++) {
		text_add(out, i > 0 ? "\\n" : "");
		escape_dot(out, lines[i]);
	}
	text_add(out, "\"];\n");
}

static void add_edge(struct text *out, uint32_t core, const struct picture_edge *edge)
{
	text_addf(out,
		  "    c%" PRIu32 "n%" PRIu32 " -> c%" PRIu32 "n%" PRIu32 " [label=\"%s\"%s%s];\n",
		  core, edge->from, core, edge->to,
		  edge->held	? "held by"
		  : edge->joins ? "joins"
				: "waits for",
		  edge->held ? ", style=dashed" : "",
		  edge->stuck ? ", color=\"#b3261e\", fontcolor=\"#b3261e\", penwidth=2" : "");
}

/* What the picture does not show, in words. */
static void add_notes(struct text *out, const struct write_job *job, uint32_t core,
		      const struct wait_picture *picture)
{
	const struct report_view *view = job->view;
	if (picture->nodes.num == 0)
		text_addf(out,
			  "    c%" PRIu32 "empty [shape=plaintext, label=\"no %s waits for an "
			  "object that is known\"];\n",
			  core, view_noun(view, 1));
	if (picture->num_left_out > 0)
		text_addf(out,
			  "    c%" PRIu32 "more [shape=plaintext, label=\"… and %s %s more that "
			  "wait, left out\"];\n",
			  core, words_number(job->arena, picture->num_left_out),
			  view_noun(view, picture->num_left_out));
}

void format_dot_begin(struct document *doc, const struct write_job *job)
{
	(void)job;
	text_add(&doc->json.out,
		 "digraph coreleaks {\n"
		 "  graph [rankdir=LR, charset=\"UTF-8\", fontname=\"sans-serif\", labelloc=t, "
		 "labeljust=l];\n"
		 "  node [fontname=\"sans-serif\", fontsize=11, style=filled];\n"
		 "  edge [fontname=\"sans-serif\", fontsize=9, color=\"#5b6770\"];\n");
}

/* A frame a core. */
void format_dot_core(struct document *doc, const struct write_job *job)
{
	struct text *out = &doc->json.out;
	struct wait_picture picture;
	const char *word = headline_word(job->view);
	wait_picture_build(&picture, job->arena, job->view, MAX_NODES);
	text_addf(out, "  subgraph cluster_%" PRIu32 " {\n    label=\"", doc->num_cores);
	escape_dot(out, job->view->core->path);
	text_add(out, "\\l");
	escape_dot(out, word);
	escape_dot(out, *word != '\0' ? ": " : "");
	escape_dot(out, headline_text(job));
	text_add(out, "\\l\";\n    color=\"#c9d1d8\";\n");
	for (uint32_t i = 0; i < picture.nodes.num; i++) {
		add_node(out, job, doc->num_cores, i, &picture.nodes.items[i]);
		write_flush(job, out);
	}
	for (uint32_t i = 0; i < picture.edges.num; i++)
		add_edge(out, doc->num_cores, &picture.edges.items[i]);
	add_notes(out, job, doc->num_cores, &picture);
	text_add(out, "  }\n");
	doc->num_cores++;
}

void format_dot_end(struct document *doc, const struct write_job *job)
{
	(void)job;
	text_add(&doc->json.out, "}\n");
}
