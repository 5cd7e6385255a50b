#include "report/waits_json.h"

#include "report/go_waits_json.h"
#include "report/interrupted.h"

#include <stdio.h>
#include <string.h>

static void waits_json_holder(struct json_out *json, const struct report_view *view, int64_t id,
			      int32_t task, bool exited)
{
	if (id == 0 && task < 0 && !exited) {
		json_out_null(json, "holder");
		return;
	}
	json_out_begin(json, "holder", '{', JSON_INLINE);
	json_out_text(json, "kind", "thread");
	if (task >= 0)
		json_out_int(json, "id", view_task(view, task)->id);
	else if (id != 0)
		json_out_int(json, "id", id);
	else
		json_out_null(json, "id");
	json_out_text(json, "state", task >= 0 ? "alive" : exited ? "exited" : NULL);
	json_out_end(json, '}');
}

static void waits_json_candidates(struct json_out *json, const struct report_view *view,
				  const struct coreleaks_object *object)
{
	if (!object->candidates_known) {
		json_out_null(json, "holders_candidate");
		json_out_null(json, "holders_candidate_count");
		return;
	}
	json_out_begin(json, "holders_candidate", '[', JSON_INLINE);
	for (uint32_t i = 0; i < object->num_candidates; i++) {
		const struct coreleaks_candidate *candidate = &object->candidates[i];
		const struct coreleaks_frame *frame = candidate->frame;
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind",
			      coreleaks_kind_name(view_alike(view, candidate->task)->kind));
		json_out_int(json, "id", view_task(view, candidate->task)->id);
		json_out_text(json, "function", frame != NULL ? frame->function : NULL);
		json_out_text(json, "file", frame != NULL ? frame->file : NULL);
		if (frame != NULL && frame->line != 0)
			json_out_uint(json, "line", frame->line);
		else
			json_out_null(json, "line");
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_uint(json, "holders_candidate_count", object->num_all_candidates);
}

static void waits_json_detail(struct json_out *json, const struct coreleaks_object *object)
{
	const struct coreleaks_rwlock *rwlock = &object->rwlock;
	json_out_begin(json, "detail", '{', JSON_INLINE);
	if (object->go != NULL)
		go_waits_json_detail(json, object->go);
	if (rwlock->known) {
		json_out_uint(json, "readers", rwlock->num_readers);
		json_out_uint(json, "writers_waiting", rwlock->num_writers_waiting);
		json_out_bool(json, "write_locked", rwlock->write_locked);
	}
	json_out_end(json, '}');
}

void waits_json_object(struct json_out *json, const char *key, const struct report_view *view,
		       const struct coreleaks_object *object)
{
	json_out_begin(json, key, '{', JSON_INLINE);
	json_out_text(json, "kind", object->kind);
	json_out_addr(json, "address", object->addr);
	json_out_text(json, "symbol", object->symbol);
	json_out_text(json, "type", object->type);
	json_out_bool(json, "certain", object->certain);
	json_out_uint(json, "waiters", object->num_waiters);
	waits_json_holder(json, view, object->holder_id, object->holder_task,
			  object->holder_exited);
	waits_json_candidates(json, view, object);
	waits_json_detail(json, object);
	json_out_end(json, '}');
}

static void waits_json_timeout(struct json_out *json, const struct coreleaks_wait *wait)
{
	if (wait->timeout_kind == NULL) {
		json_out_null(json, "timeout");
		return;
	}
	json_out_begin(json, "timeout", '{', JSON_INLINE);
	json_out_text(json, "kind", wait->timeout_kind);
	json_out_int(json, "ns", wait->timeout_ns);
	json_out_end(json, '}');
}

/* What a wait is for, and until when. */
static void waits_json_what(struct json_out *json, const struct report_view *view,
			    const struct coreleaks_wait *wait)
{
	if (wait->object != NULL) {
		json_out_begin(json, "object", '{', JSON_INLINE);
		json_out_text(json, "kind", wait->object);
		json_out_addr(json, "address", wait->addr);
		json_out_bool(json, "certain", wait->certain);
		json_out_text(json, "type", wait->type);
		json_out_text(json, "symbol", wait->symbol);
		json_out_end(json, '}');
	} else {
		json_out_null(json, "object");
	}
	json_out_known_addr(json, "mutex", wait->mutex_addr);
	waits_json_timeout(json, wait);
	waits_json_holder(json, view, wait->holder_id, wait->holder_task, wait->holder_exited);
	json_out_bool(json, "waking", wait->waking);
}

void waits_json_wait(struct json_out *json, const struct report_view *view, uint32_t task)
{
	const struct coreleaks_wait *wait = view_wait(view, task);
	waits_json_what(json, view, wait);
	json_out_text(json, "start", wait->start);
	json_out_bool(json, "detached", wait->detached);
	if (wait->joiner_id != 0)
		json_out_int(json, "joined_by", wait->joiner_id);
	else
		json_out_null(json, "joined_by");
	if (wait->interrupted != NULL) {
		json_out_begin(json, "interrupted", '{', JSON_INLINE);
		json_out_text(json, "reason", wait->interrupted->reason);
		waits_json_what(json, view, wait->interrupted);
		json_out_end(json, '}');
	} else {
		json_out_null(json, "interrupted");
	}
}

void waits_json_interrupted(struct json_out *json, const struct write_job *job,
			    const struct coreleaks_group *group)
{
	struct interrupted_group them = interrupted_of_group(job->arena, job->view, group);
	if (them.num_tasks == 0) {
		json_out_null(json, "interrupted");
		return;
	}
	json_out_begin(json, "interrupted", '{', JSON_LINES);
	json_out_uint(json, "count", them.num_tasks);
	json_out_text(json, "reason", them.reason);
	json_out_begin(json, "objects", '[', JSON_LINES);
	for (uint32_t i = 0; i < them.num_objects; i++) {
		const struct coreleaks_object *object = &them.objects[i].object;
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind", object->kind);
		json_out_addr(json, "address", object->addr);
		json_out_text(json, "symbol", object->symbol);
		json_out_text(json, "type", object->type);
		json_out_bool(json, "certain", object->certain);
		json_out_uint(json, "count", them.objects[i].num_members);
		waits_json_holder(json, job->view, object->holder_id, object->holder_task,
				  object->holder_exited);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
}

void waits_json_creation(struct json_out *json, const struct coreleaks_creation *creation)
{
	const struct coreleaks_frame *frame = creation != NULL ? creation->frame : NULL;
	if (frame != NULL) {
		json_out_begin(json, "created_by", '{', JSON_INLINE);
		json_out_text(json, "function", frame->function);
		json_out_text(json, "file", frame->file);
		json_out_known_size(json, "line", frame->line);
		json_out_text(json, "module", frame->module);
		if (frame->module != NULL)
			json_out_addr(json, "module_offset", frame->module_offset);
		else
			json_out_null(json, "module_offset");
		json_out_bool(json, "inferred", creation->inferred);
		json_out_end(json, '}');
	} else {
		json_out_null(json, "created_by");
	}
	json_out_known_size(json, "created_by_places", creation != NULL ? creation->num_places : 0);
	if (creation != NULL && creation->recorded)
		json_out_uint(json, "created_there_ended", creation->num_ended);
}

static void add_id(struct json_out *json, const char *key, int64_t id)
{
	if (id != 0)
		json_out_int(json, key, id);
	else
		json_out_null(json, key);
}

void waits_json_labels(struct json_out *json, const struct coreleaks_label *labels, uint32_t num)
{
	json_out_begin(json, "labels", '{', JSON_INLINE);
	for (uint32_t i = 0; i < num; i++)
		if (i == 0 || strcmp(labels[i].key, labels[i - 1].key) != 0)
			json_out_text(json, labels[i].key, labels[i].value);
	json_out_end(json, '}');
}

void waits_json_registers(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_task *task)
{
	json_out_begin(json, "registers", '{', JSON_INLINE);
	json_out_addr(json, "pc", task->pc);
	json_out_addr(json, "sp", task->sp);
	if (job->options->privacy)
		json_out_null(json, "bp");
	else
		json_out_addr(json, "bp", task->bp);
	json_out_end(json, '}');
}

/* Absent where there are none, as nearly always: there may be a million tasks. */
static void waits_json_ancestors(struct json_out *json, const struct coreleaks_task *task)
{
	json_out_begin(json, "ancestors", '[', JSON_INLINE);
	for (uint32_t i = 0; i < task->num_ancestors; i++) {
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_int(json, "id", task->ancestors[i].id);
		waits_json_creation(json, task->ancestors[i].creation);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_uint(json, "more_ancestors", task->num_more_ancestors);
}

void waits_json_goroutine(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_task *task, const struct coreleaks_wait *wait)
{
	json_out_addr(json, "g", task->g_addr);
	add_id(json, "creator", task->creator_id);
	if (task->wait_ns >= 0)
		json_out_int(json, "wait_ns", task->wait_ns);
	else
		json_out_null(json, "wait_ns");
	add_id(json, "thread", task->thread_id);
	waits_json_registers(json, job, task);
	json_out_uint(json, "stack", task->stack_id);
	if (task->c_call_sp != 0) {
		json_out_begin(json, "c_call", '{', JSON_INLINE);
		json_out_addr(json, "pc", task->c_call_pc);
		json_out_addr(json, "sp", task->c_call_sp);
		json_out_end(json, '}');
	} else {
		json_out_null(json, "c_call");
	}
	go_waits_json_wait(json, wait);
	json_out_bool(json, "locked_to_thread", task->locked_to_thread);
	json_out_bool(json, "marked_leaked", task->marked_leaked);
	waits_json_labels(json, task->labels, task->num_labels);
	if (task->num_ancestors > 0 || task->num_more_ancestors > 0)
		waits_json_ancestors(json, task);
}

void waits_json_wait_ns(struct json_out *json, const struct coreleaks_group *group)
{
	if (group->num_waits == 0) {
		json_out_null(json, "wait_ns");
		return;
	}
	json_out_begin(json, "wait_ns", '{', JSON_INLINE);
	json_out_int(json, "min", group->min_wait_ns);
	json_out_int(json, "max", group->max_wait_ns);
	json_out_bool(json, "at_least", true);
	json_out_uint(json, "known", group->num_waits);
	json_out_end(json, '}');
}

void waits_json_tasks(struct json_out *json, const struct write_job *job)
{
	const struct report_view *view = job->view;
	const char **group_ids = view_group_ids(view, job->arena);
	json_out_begin(json, "tasks", '[', JSON_LINES);
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		const struct coreleaks_task *task = view_task(view, i);
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind", coreleaks_kind_name(task->kind));
		json_out_int(json, "id", task->id);
		json_out_text(json, "group", group_ids[i]);
		json_out_text(json, "state", coreleaks_state_name(task->state));
		json_out_text(json, "reason", task->reason);
		if (task->kind == CORELEAKS_KIND_GOROUTINE)
			waits_json_goroutine(json, job, task, view_wait(view, i));
		else
			waits_json_wait(json, view, i);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
}

void waits_json_pthreads(struct json_out *json, const uint64_t *pthreads, uint32_t num,
			 uint32_t max)
{
	json_out_begin(json, "pthreads", '[', JSON_INLINE);
	for (uint32_t i = 0; i < num && i < max; i++)
		json_out_addr(json, NULL, pthreads[i]);
	json_out_end(json, ']');
}

/* Their start routine: the one frame of their group. */
static const char *start_of(const struct report_view *view, const struct coreleaks_finding *finding)
{
	if (finding->num_groups == 0)
		return NULL;
	const struct coreleaks_group *group = view->groups[finding->groups[0]];
	const struct coreleaks_stack *stack = view_stack(view, group->stack_id);
	return stack->num_frames > 0 ? stack->frames[0].function : NULL;
}

void waits_json_finished_members(struct json_out *json, const struct report_view *view,
				 const struct coreleaks_finding *finding, uint32_t max)
{
	for (uint32_t i = 0; i < finding->num_pthreads && i < max; i++) {
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind", "thread");
		json_out_null(json, "id");
		json_out_addr(json, "pthread", finding->pthreads[i]);
		json_out_text(json, "start", start_of(view, finding));
		json_out_text(json, "state", "exited");
		json_out_end(json, '}');
	}
}
