#include "report/blocking.h"

#include "report/text_findings.h"
#include "report/wait_words.h"
#include "report/waits_json.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

/* Contention makes pairs of threads in any busy program, and a joined thread and its joiner are
 * one, too: only more than one waiter is worth a line of its own. */
enum { LEAST_BLOCKED = 2, MAX_BLOCKERS = 3 };

/* What it holds, and that it is joined: the reasons why others wait. */
static void add_reasons(struct text *text, const struct coreleaks_blocker *blocker)
{
	const struct coreleaks_object *lock = NULL;
	uint32_t num_locks = 0;
	for (uint32_t i = 0; i < blocker->num_objects; i++) {
		if (strcmp(blocker->objects[i].kind, "thread") == 0)
			continue;
		if (num_locks++ == 0)
			lock = &blocker->objects[i];
	}
	if (lock != NULL)
		text_addf(text, " holds %s%s", lock->certain ? "" : "what ",
			  wait_words_object(text->arena, lock));
	if (num_locks > 1)
		text_addf(text, " and %s more,", words_number(text->arena, num_locks - 1));
	if (num_locks < blocker->num_objects)
		text_addf(text, "%s is joined", num_locks == 1 ? "," : "");
}

const char *blocking_title(struct arena *arena, const struct report_view *view,
			   const struct coreleaks_blocker *blocker)
{
	const struct coreleaks_task *task = view_task(view, blocker->task);
	struct text text;
	text_init(&text, arena);
	text_addf(&text, "%s %" PRId64 " (%s)", view_noun_of_kind(task->kind, 1), task->id,
		  wait_words_state(arena, view, blocker->task));
	add_reasons(&text, blocker);
	text_addf(&text, " and blocks %s %s", words_number(arena, blocker->num_blocked),
		  blocker->num_blocked == 1 ? "other" : "others");
	return text.bytes;
}

void blocking_text(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	bool all = job->options->verbose > 0;
	uint32_t num_written = 0, num_rest = 0;
	uint64_t num_blocked_by_rest = 0;
	for (uint32_t i = 0; i < view->num_blockers; i++) {
		const struct coreleaks_blocker *blocker = view->blockers[i];
		bool worth = blocker->num_blocked >= LEAST_BLOCKED && num_written < MAX_BLOCKERS;
		if (view_blocker_is_hidden(view, blocker))
			continue;
		if (!worth && !all) {
			num_rest++;
			num_blocked_by_rest += blocker->num_blocked;
			continue;
		}
		num_written++;
		text_findings_line(screen, 0, STYLE_PLAIN,
				   blocking_title(job->arena, view, blocker));
	}
	if (num_rest == 0)
		return;
	text_findings_line(screen, 0, STYLE_DIM,
			   arena_format(job->arena, "%s %s%s %s %s %s; -v lists %s",
					words_number(job->arena, num_rest),
					num_written > 0 ? "more " : "", view_noun(view, num_rest),
					num_rest == 1 ? "blocks" : "block",
					words_number(job->arena, num_blocked_by_rest),
					num_blocked_by_rest == 1 ? "other" : "others",
					num_rest == 1 ? "it" : "them"));
}

void blocking_text_of_task(struct screen *screen, const struct write_job *job, uint32_t task)
{
	enum { MAX_NAMED = 8 };
	const struct report_view *view = job->view;
	const struct coreleaks_blocker *blocker = view_blocker_of_task(view, task);
	struct text line;
	if (blocker == NULL)
		return;
	text_init(&line, job->arena);
	text_addf(&line, "it blocks %s %s, %s of them directly:",
		  words_number(job->arena, blocker->num_blocked),
		  blocker->num_blocked == 1 ? "other" : "others",
		  blocker->num_direct == blocker->num_blocked
			  ? "all"
			  : words_number(job->arena, blocker->num_direct));
	for (uint32_t i = 0; i < blocker->num_blocked && i < MAX_NAMED; i++)
		text_addf(&line, " %" PRId64, view_task(view, blocker->blocked[i])->id);
	if (blocker->num_blocked > MAX_NAMED)
		text_addf(&line, " and %s more",
			  words_number(job->arena, blocker->num_blocked - MAX_NAMED));
	text_findings_line(screen, 0, STYLE_PLAIN, line.bytes);
}

/* How many it blocks, and whom. */
static void write_blocked(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_blocker *blocker)
{
	uint32_t max = job->options->members;
	json_out_begin(json, "blocks", '{', JSON_INLINE);
	json_out_uint(json, "direct", blocker->num_direct);
	json_out_uint(json, "total", blocker->num_blocked);
	json_out_begin(json, "members", '[', JSON_INLINE);
	for (uint32_t i = 0; i < blocker->num_blocked && i < max; i++)
		json_out_int(json, NULL, view_task(job->view, blocker->blocked[i])->id);
	json_out_end(json, ']');
	json_out_bool(json, "members_truncated", blocker->num_blocked > max);
	json_out_end(json, '}');
}

void blocking_json_fields(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_blocker *blocker, const char *const *group_ids)
{
	const struct report_view *view = job->view;
	const struct coreleaks_task *task = view_task(view, blocker->task);
	json_out_text(json, "title", blocking_title(job->arena, view, blocker));
	json_out_bool(json, "hidden", view_blocker_is_hidden(view, blocker));
	json_out_text(json, "kind", coreleaks_kind_name(task->kind));
	json_out_int(json, "id", task->id);
	json_out_text(json, "group", group_ids[blocker->task]);
	json_out_text(json, "state", coreleaks_state_name(task->state));
	json_out_text(json, "reason", task->reason);
	json_out_begin(json, "objects", '[', JSON_LINES);
	for (uint32_t k = 0; k < blocker->num_objects; k++)
		waits_json_object(json, NULL, view, &blocker->objects[k]);
	json_out_end(json, ']');
	write_blocked(json, job, blocker);
}

void blocking_json(struct json_out *json, const struct write_job *job)
{
	const struct report_view *view = job->view;
	const char **group_ids = view_group_ids(view, job->arena);
	json_out_begin(json, "blockers", '[', JSON_LINES);
	for (uint32_t i = 0; i < view->num_blockers; i++) {
		json_out_begin(json, NULL, '{', JSON_LINES);
		blocking_json_fields(json, job, view->blockers[i], group_ids);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
}

void blocking_json_of_task(struct json_out *json, const struct write_job *job, uint32_t task)
{
	const struct coreleaks_blocker *blocker = view_blocker_of_task(job->view, task);
	if (blocker != NULL)
		write_blocked(json, job, blocker);
	else
		json_out_null(json, "blocks");
}
