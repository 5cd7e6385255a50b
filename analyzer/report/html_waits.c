#include "report/escape.h"
#include "report/html.h"
#include "report/wait_picture.h"
#include "report/words.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	MAX_NODES = 60,
	LINE_HEIGHT = 16,
	PADDING = 9,
	COLUMN_GAP = 70,
	ROW_GAP = 16,
	MARGIN = 8,
	NUM_SWEEPS = 3,
};

/* A node's box, in pixels. */
struct box {
	const char *lines[3];
	uint32_t num_lines, column;
	int32_t x, y, width, height;
	int64_t order; /* where it wants to be in its column */
	uint32_t index;
};

struct layout {
	const struct wait_picture *picture;
	struct box *boxes;  /* by node */
	uint32_t *by_place; /* nodes, by column and order */
	uint8_t *states;    /* 1: being visited, 2: done */
	uint32_t num_columns;
	int32_t width, height;
};

/* Columns by the longest way from here; edges back into the way do not count. */
static uint32_t depth_of(struct layout *layout, uint32_t node)
{
	uint32_t depth = 0;
	layout->states[node] = 1;
	for (uint32_t i = 0; i < layout->picture->edges.num; i++) {
		const struct picture_edge *edge = &layout->picture->edges.items[i];
		if (edge->from != node || layout->states[edge->to] == 1)
			continue;
		if (layout->states[edge->to] == 0)
			depth_of(layout, edge->to);
		if (layout->boxes[edge->to].column + 1 > depth)
			depth = layout->boxes[edge->to].column + 1;
	}
	layout->states[node] = 2;
	layout->boxes[node].column = depth;
	if (depth + 1 > layout->num_columns)
		layout->num_columns = depth + 1;
	return depth;
}

static uint32_t num_columns_of(const char *words)
{
	size_t size = 0;
	while (words[size] != '\0')
		size++;
	return escape_columns(words, size);
}

static void measure(struct layout *layout, const struct write_job *job)
{
	for (uint32_t i = 0; i < layout->picture->nodes.num; i++) {
		struct box *box = &layout->boxes[i];
		uint32_t longest = 0; /* in tenths of a pixel; the first line is bold */
		box->index = i;
		box->num_lines = wait_picture_lines(&layout->picture->nodes.items[i], job->arena,
						    job->view, box->lines);
		for (uint32_t k = 0; k < box->num_lines; k++) {
			uint32_t width = num_columns_of(box->lines[k]) * (k == 0 ? 82 : 74);
			longest = width > longest ? width : longest;
		}
		box->width = (int32_t)(longest / 10 + 2 * PADDING);
		box->height = (int32_t)(box->num_lines * LINE_HEIGHT + PADDING);
	}
}

static int compare_boxes(const void *a, const void *b, void *data)
{
	const struct layout *layout = data;
	const struct box *x = &layout->boxes[*(const uint32_t *)a];
	const struct box *y = &layout->boxes[*(const uint32_t *)b];
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Boxes below each other in their columns, each column in the middle. */
static void place(struct layout *layout)
{
	uint32_t num = layout->picture->nodes.num;
	int32_t x = MARGIN;
	qsort_r(layout->by_place, num, sizeof(*layout->by_place), compare_boxes, layout);
	for (uint32_t first = 0, end; first < num; first = end) {
		uint32_t column = layout->boxes[layout->by_place[first]].column;
		int32_t width = 0, y = MARGIN;
		for (end = first; end < num; end++) {
			struct box *box = &layout->boxes[layout->by_place[end]];
			if (box->column != column)
				break;
			box->x = x;
			box->y = y;
			y += box->height + ROW_GAP;
			width = box->width > width ? box->width : width;
		}
		layout->height = y > layout->height ? y : layout->height;
		x += width + COLUMN_GAP;
		layout->width = x;
	}
	for (uint32_t first = 0, end; first < num; first = end) {
		uint32_t column = layout->boxes[layout->by_place[first]].column;
		int32_t bottom = 0;
		for (end = first;
		     end < num && layout->boxes[layout->by_place[end]].column == column; end++)
			bottom = layout->boxes[layout->by_place[end]].y +
				 layout->boxes[layout->by_place[end]].height + ROW_GAP;
		for (uint32_t i = first; i < end; i++)
			layout->boxes[layout->by_place[i]].y += (layout->height - bottom) / 2;
	}
}

/* Every box wants to be at the mean height of its neighbours. */
static void sweep(struct layout *layout)
{
	for (uint32_t i = 0; i < layout->picture->nodes.num; i++) {
		int64_t sum = 0, num = 0;
		for (uint32_t k = 0; k < layout->picture->edges.num; k++) {
			const struct picture_edge *edge = &layout->picture->edges.items[k];
			if (edge->from != i && edge->to != i)
				continue;
			const struct box *other =
				&layout->boxes[edge->from == i ? edge->to : edge->from];
			sum += other->y + other->height / 2;
			num++;
		}
		if (num > 0)
			layout->boxes[i].order = sum / num;
	}
	layout->height = 0;
	place(layout);
}

static bool is_alone(const struct wait_picture *picture, uint32_t node)
{
	for (uint32_t i = 0; i < picture->edges.num; i++)
		if (picture->edges.items[i].from == node || picture->edges.items[i].to == node)
			return false;
	return true;
}

/* Room below for what leads back. */
static int32_t room_below(const struct layout *layout)
{
	for (uint32_t i = 0; i < layout->picture->edges.num; i++) {
		const struct picture_edge *edge = &layout->picture->edges.items[i];
		if (layout->boxes[edge->to].column <= layout->boxes[edge->from].column)
			return 40;
	}
	return 0;
}

static void layout_build(struct layout *ret, const struct write_job *job,
			 const struct wait_picture *picture)
{
	uint32_t num = picture->nodes.num;
	struct layout layout = {.picture = picture};
	layout.boxes = arena_alloc_array(job->arena, (size_t)num + 1, sizeof(*layout.boxes));
	layout.by_place = arena_alloc_array(job->arena, (size_t)num + 1, sizeof(*layout.by_place));
	layout.states = arena_alloc_array(job->arena, (size_t)num + 1, sizeof(*layout.states));
	measure(&layout, job);
	for (uint32_t i = 0; i < num; i++)
		if (layout.states[i] == 0)
			depth_of(&layout, i);
	for (uint32_t i = 0; i < num; i++) { /* what everybody waits for stands on the right */
		layout.boxes[i].column =
			is_alone(picture, i) ? 0 : layout.num_columns - 1 - layout.boxes[i].column;
		layout.by_place[i] = i;
	}
	place(&layout);
	for (int i = 0; i < NUM_SWEEPS; i++)
		sweep(&layout);
	layout.height += room_below(&layout);
	*ret = layout;
}

static void add_box(struct text *out, const struct box *box, const struct picture_node *node)
{
	text_addf(out,
		  "<g class=\"n%s%s%s\"><rect x=\"%" PRId32 "\" y=\"%" PRId32 "\" width=\"%" PRId32
		  "\" height=\"%" PRId32 "\" rx=\"%d\"/>",
		  node->is_object ? " object" : "",
		  node->verdict < CORELEAKS_VERDICT_UNKNOWN ? " flagged" : "",
		  node->stuck ? " stuck" : "", box->x, box->y, box->width, box->height,
		  node->is_object ? 14 : 4);
	for (uint32_t i = 0; i < box->num_lines; i++) {
		text_addf(out,
			  "<text x=\"%" PRId32 "\" y=\"%" PRId32 "\" text-anchor=\"middle\"%s>",
			  box->x + box->width / 2,
			  box->y + PADDING / 2 + (int32_t)i * LINE_HEIGHT + 12,
			  i == 0 ? " class=\"first\"" : "");
		escape_xml(out, box->lines[i]);
		text_add(out, "</text>");
	}
	text_add(out, "</g>\n");
}

/* From the right side to the left one; what leads back goes below. */
static void add_edge(struct text *out, const struct layout *layout, uint32_t core,
		     const struct picture_edge *edge)
{
	const struct box *from = &layout->boxes[edge->from], *to = &layout->boxes[edge->to];
	int32_t x1 = from->x + from->width, y1 = from->y + from->height / 2;
	int32_t x2 = to->x - 7, y2 = to->y + to->height / 2;
	text_addf(out, "<path class=\"%s%s\" marker-end=\"url(#c%" PRIu32 "%s)\" d=\"",
		  edge->held ? "held" : "wait", edge->stuck ? " stuck" : "", core,
		  edge->stuck ? "red" : "tip");
	if (to->column > from->column) {
		int32_t bend = (x2 - x1) / 2 > 20 ? (x2 - x1) / 2 : 20;
		text_addf(out,
			  "M%" PRId32 " %" PRId32 "C%" PRId32 " %" PRId32 " %" PRId32 " %" PRId32
			  " %" PRId32 " %" PRId32,
			  x1, y1, x1 + bend, y1, x2 - bend, y2, x2, y2);
	} else {
		x1 = from->x + from->width / 2;
		y1 = from->y + from->height;
		x2 = to->x + to->width / 2;
		y2 = to->y + to->height + 7;
		int32_t low = (y1 > y2 ? y1 : y2) + 40;
		text_addf(out,
			  "M%" PRId32 " %" PRId32 "C%" PRId32 " %" PRId32 " %" PRId32 " %" PRId32
			  " %" PRId32 " %" PRId32,
			  x1, y1, x1, low, x2, low, x2, y2);
	}
	text_add(out, "\"><title>");
	text_add(out, edge->held ? "held by" : edge->joins ? "joins" : "waits for");
	text_add(out, "</title></path>\n");
}

static void add_markers(struct text *out, uint32_t core)
{
	static const char *const names[] = {"tip", "red"};
	text_add(out, "<defs>");
	for (int i = 0; i < 2; i++)
		text_addf(out,
			  "<marker id=\"c%" PRIu32
			  "%s\" viewBox=\"0 0 8 8\" refX=\"1\" refY=\"4\" markerWidth=\"8\" "
			  "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
			  "<path class=\"tip%s\" d=\"M0 0L8 4L0 8z\"/></marker>",
			  core, names[i], i == 1 ? " stuck" : "");
	text_add(out, "</defs>\n");
}

bool html_waits(struct text *out, const struct write_job *job, uint32_t core)
{
	struct wait_picture picture;
	struct layout layout;
	wait_picture_build(&picture, job->arena, job->view, MAX_NODES);
	if (picture.nodes.num == 0)
		return false;
	layout_build(&layout, job, &picture);
	text_addf(out,
		  "<section id=\"c%" PRIu32 "waits\">\n<h2>Who waits for whom</h2>\n"
		  "<p class=\"dim\">Solid arrows: waits for, or joins. Dashed: held by. Red: a "
		  "circle.</p>\n<div class=\"scroll\"><svg class=\"graph\" role=\"img\" "
		  "aria-label=\"Wait-for graph\" width=\"%" PRId32 "\" height=\"%" PRId32
		  "\" viewBox=\"0 0 %" PRId32 " %" PRId32 "\">\n",
		  core, layout.width, layout.height, layout.width, layout.height);
	add_markers(out, core);
	for (uint32_t i = 0; i < picture.edges.num; i++)
		add_edge(out, &layout, core, &picture.edges.items[i]);
	for (uint32_t i = 0; i < picture.nodes.num; i++)
		add_box(out, &layout.boxes[i], &picture.nodes.items[i]);
	text_add(out, "</svg></div>\n");
	if (picture.num_left_out > 0)
		text_addf(out,
			  "<p class=\"dim\">%s %s more that wait are not drawn; --format dot "
			  "has more of them.</p>\n",
			  words_number(job->arena, picture.num_left_out),
			  view_noun(job->view, picture.num_left_out));
	text_add(out, "</section>\n");
	return true;
}
