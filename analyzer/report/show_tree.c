#include "group/user_frame.h"
#include "report/report_json.h"
#include "report/text_findings.h"
#include "report/tree_rows.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

/* Deeper rows are not indented any further, but say how deep they are. */
enum { MAX_INDENT_DEPTH = 20, MAX_HINTS = 4 };

/* ---- What both say --------------------------------------------------------------------------- */

static const char *how_many(struct arena *arena, uint64_t num, const char *one, const char *many)
{
	return arena_format(arena, "%s %s", words_number(arena, num), num == 1 ? one : many);
}

/* What is missing from the tree, and how to get it. */
static uint32_t make_hints(const struct write_job *job, const struct tree_rows *rows,
			   const char *ret[MAX_HINTS])
{
	uint32_t num = 0;
	bool goroutines = rows->kind == CORELEAKS_KIND_GOROUTINE;
	if (rows->num_by_function > 0 && goroutines)
		ret[num++] = arena_format(
			job->arena,
			"of %s the core tells only the function that made them, not which "
			"goroutine: Go records that since 1.21, and before with "
			"GODEBUG=tracebackancestors=10 in the program's environment",
			how_many(job->arena, rows->num_by_function, "goroutine", "goroutines"));
	if (rows->num_by_function > 0 && !goroutines)
		ret[num++] = "nothing records which thread made another: they stand under the "
			     "function that makes them, as the code has it";
	if (rows->num_lost > 0)
		ret[num++] = arena_format(
			job->arena,
			"of %s nothing tells who made them: run the program with "
			"GODEBUG=tracebackancestors=10 in its environment, and the next core does",
			how_many(job->arena, rows->num_lost, "goroutine that has ended",
				 "goroutines that have ended"));
	if (rows->tree.num_circles > 0 || rows->tree.num_same_id > 0)
		ret[num++] = arena_format(
			job->arena,
			"the core is damaged: %s made each other in a circle, %s an id that "
			"another one has",
			how_many(job->arena, rows->tree.num_circles, "goroutine", "goroutines"),
			how_many(job->arena, rows->tree.num_same_id, "has", "have"));
	return num;
}

static const struct tree_node *first_node(const struct tree_rows *rows, const struct tree_row *row)
{
	return &rows->tree.nodes.items[row->nodes[0]];
}

static const struct coreleaks_task *task_of(const struct write_job *job,
					    const struct tree_node *node)
{
	return node->task != TREE_NONE ? view_task(job->view, node->task) : NULL;
}

static bool is_hidden(const struct write_job *job, const struct tree_node *node)
{
	return node->task != TREE_NONE && !job->view->task_is_shown[node->task];
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* "goroutine 18 (ended), which ran main.handle", "40 x main.consume [chan receive]" */
static void add_who(struct text *out, const struct write_job *job, const struct tree_rows *rows,
		    const struct tree_row *row)
{
	const struct tree_node *node = first_node(rows, row);
	const struct coreleaks_task *task = task_of(job, node);
	const char *function = node->function != NULL ? node->function : "?";
	const char *kind = coreleaks_kind_name(rows->kind);
	if (node->kind == TREE_FUNCTION) {
		text_addf(out, "function %s", function);
		return;
	}
	if (row->num > 1)
		text_addf(out, "%s x ", words_number(job->arena, row->num));
	if (task == NULL) {
		if (row->num > 1)
			text_addf(out, "%ss (ended)", kind);
		else
			text_addf(out, "%s %" PRId64 " (ended)", kind, node->id);
		if (node->function != NULL)
			text_addf(out, ", which ran %s", function);
		return;
	}
	if (row->num == 1)
		text_addf(out, "%s %" PRId64 " ", kind, node->id);
	text_addf(out, "%s [%s]", function,
		  task->reason != NULL ? task->reason : coreleaks_state_name(task->state));
	if (is_hidden(job, node))
		text_add(out, " (hidden)");
}

static void add_place(struct text *out, const struct coreleaks_frame *frame)
{
	if (frame == NULL || frame->function == NULL)
		return;
	text_addf(out, " created by %s", frame->function);
	if (frame->file != NULL && frame->line != 0)
		text_addf(out, " (%s:%" PRIu32 ")", user_frame_file_name(frame->file), frame->line);
}

static void write_row(struct screen *screen, const struct write_job *job,
		      const struct tree_rows *rows, const struct tree_row *row)
{
	struct text line;
	uint32_t indent = row->depth < MAX_INDENT_DEPTH ? row->depth : MAX_INDENT_DEPTH;
	text_init(&line, job->arena);
	if (row->depth > MAX_INDENT_DEPTH)
		text_addf(&line, "(level %" PRIu32 ") ", row->depth + 1);
	add_who(&line, job, rows, row);
	add_place(&line, first_node(rows, row)->created);
	if (row->has_children)
		text_addf(&line, ", %s in all", words_number(job->arena, row->num_tasks));
	text_findings_line(screen, 2 * indent, row->depth == 0 ? STYLE_BOLD : STYLE_PLAIN,
			   line.bytes);
}

/* Tasks of this kind that an option hides; name NULL: any option. */
static uint64_t count_hidden(const struct write_job *job, enum coreleaks_kind kind,
			     const char *name)
{
	uint64_t num = 0;
	for (uint32_t i = 0; i < job->view->num_groups; i++) {
		const struct coreleaks_group *group = job->view->groups[i];
		if (group->kind == kind && group->hidden_by != NULL &&
		    (name == NULL || strcmp(group->hidden_by, name) == 0))
			num += group->num_tasks;
	}
	return num;
}

/* "hidden: 5 by runtime, 2 by --focus" */
static void write_hidden(struct screen *screen, const struct write_job *job,
			 enum coreleaks_kind kind)
{
	struct text line;
	text_init(&line, job->arena);
	for (uint32_t i = 0; i < job->view->hidden_by.num; i++) {
		const char *name = job->view->hidden_by.items[i].name;
		uint64_t num = count_hidden(job, kind, name);
		if (num > 0)
			text_addf(&line, "%s %s by %s",
				  line.size > 0 ? "," : "hidden:", words_number(job->arena, num),
				  name);
	}
	if (line.size > 0)
		text_findings_line(screen, 0, STYLE_DIM, line.bytes);
}

void show_tree_text(struct screen *screen, const struct write_job *job)
{
	struct tree_rows rows;
	const char *hints[MAX_HINTS];
	tree_rows_build(&rows, job);
	text_findings_line(screen, 0, STYLE_BOLD,
			   arena_format(job->arena, "%s %s, under those that made them",
					words_number(job->arena, rows.num_tasks),
					view_noun_of_kind(rows.kind, rows.num_tasks)));
	for (uint32_t i = 0; i < rows.list.num && i < job->options->limit; i++) {
		write_row(screen, job, &rows, &rows.list.items[i]);
		write_flush(job, &screen->out);
	}
	if (rows.list.num > job->options->limit)
		text_findings_line(
			screen, 0, STYLE_YELLOW,
			arena_format(job->arena, "%s more; --limit shows more",
				     how_many(job->arena, rows.list.num - job->options->limit,
					      "line", "lines")));
	write_hidden(screen, job, rows.kind);
	uint32_t num_hints = make_hints(job, &rows, hints);
	for (uint32_t i = 0; i < num_hints; i++)
		text_findings_line(screen, 0, STYLE_YELLOW, hints[i]);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_ids(struct json_out *json, const struct write_job *job,
		     const struct tree_rows *rows, const struct tree_row *row)
{
	bool has_ids = first_node(rows, row)->kind != TREE_FUNCTION;
	uint32_t max = has_ids ? job->options->members : 0;
	json_out_begin(json, "members", '[', JSON_INLINE);
	for (uint32_t i = 0; i < row->num && i < max; i++)
		json_out_int(json, NULL, rows->tree.nodes.items[row->nodes[i]].id);
	json_out_end(json, ']');
	json_out_bool(json, "members_truncated", has_ids && row->num > max);
}

static void json_row(struct json_out *json, const struct write_job *job,
		     const struct tree_rows *rows, const struct tree_row *row)
{
	static const char *const kinds[] = {"task", "ended", "function"};
	const struct tree_node *node = first_node(rows, row);
	const struct coreleaks_task *task = task_of(job, node);
	json_out_begin(json, NULL, '{', JSON_INLINE);
	json_out_text(json, "what", kinds[node->kind]);
	if (row->parent != TREE_NONE)
		json_out_uint(json, "parent", row->parent);
	else
		json_out_null(json, "parent");
	json_out_uint(json, "depth", row->depth);
	json_out_uint(json, "count", row->num);
	json_out_uint(json, "tasks", row->num_tasks);
	json_ids(json, job, rows, row);
	json_out_text(json, "function", node->function);
	json_out_text(json, "state", task != NULL ? coreleaks_state_name(task->state) : NULL);
	json_out_text(json, "reason", task != NULL ? task->reason : NULL);
	json_out_bool(json, "hidden", is_hidden(job, node));
	if (node->created != NULL) {
		json_out_begin(json, "created_by", '{', JSON_INLINE);
		json_out_text(json, "function", node->created->function);
		json_out_text(json, "file", node->created->file);
		json_out_known_size(json, "line", node->created->line);
		json_out_end(json, '}');
	} else {
		json_out_null(json, "created_by");
	}
	json_out_end(json, '}');
}

void show_tree_json(struct json_out *json, const struct write_job *job)
{
	struct tree_rows rows;
	const char *hints[MAX_HINTS];
	tree_rows_build(&rows, job);
	json_out_begin(json, "tree", '{', JSON_LINES);
	json_out_text(json, "kind", coreleaks_kind_name(rows.kind));
	json_out_uint(json, "tasks", rows.num_tasks);
	json_out_uint(json, "hidden_tasks", count_hidden(job, rows.kind, NULL));
	json_out_uint(json, "ended", rows.num_ended);
	json_out_uint(json, "ended_of_unknown_origin", rows.num_lost);
	json_out_uint(json, "tasks_under_functions", rows.num_by_function);
	json_out_uint(json, "circles", rows.tree.num_circles);
	json_out_begin(json, "hints", '[', JSON_LINES);
	uint32_t num_hints = make_hints(job, &rows, hints);
	for (uint32_t i = 0; i < num_hints; i++)
		json_out_text(json, NULL, hints[i]);
	json_out_end(json, ']');
	json_out_begin(json, "rows", '[', JSON_LINES);
	for (uint32_t i = 0; i < rows.list.num; i++) {
		json_row(json, job, &rows, &rows.list.items[i]);
		write_flush(job, &json->out);
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
}
