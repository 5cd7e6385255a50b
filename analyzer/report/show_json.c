#include "report/blocking.h"
#include "report/candidate_words.h"
#include "report/report_json.h"
#include "report/wait_chain.h"
#include "report/wait_words.h"
#include "report/waits_json.h"

#include <inttypes.h>

static bool names_group(const struct report_view *view, const struct coreleaks_finding *finding,
			const struct coreleaks_group *group)
{
	for (uint32_t i = 0; i < finding->num_groups; i++)
		if (view->groups[finding->groups[i]] == group)
			return true;
	return false;
}

void show_json_what(struct json_out *json, const char *what, uint64_t addr, const char *rule)
{
	json_out_begin(json, NULL, '{', JSON_INLINE);
	json_out_text(json, "what", what);
	if (addr != 0)
		json_out_addr(json, "address", addr);
	else
		json_out_null(json, "address");
	json_out_text(json, "rule", rule);
	json_out_end(json, '}');
}

void show_json_kept(struct json_out *json, const struct coreleaks_wait *wait)
{
	for (uint32_t i = 0; i < wait->num_kept_by; i++)
		show_json_what(json, wait->kept_by[i].what, wait->kept_by[i].addr, NULL);
}

void show_json_evidence(struct json_out *json, const struct coreleaks_finding *finding)
{
	for (uint32_t i = 0; i < finding->num_evidence; i++)
		show_json_what(json, finding->evidence[i].what, finding->evidence[i].addr,
			       finding->rule);
}

void show_json_candidates(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_object *object)
{
	const char *summary = candidate_words_object(job->arena, job->view, object, false);
	if (summary != NULL)
		show_json_what(json, summary, object->addr, NULL);
	for (uint32_t i = 0; i < object->num_candidates; i++)
		show_json_what(json,
			       candidate_words_one(job->arena, job->view, &object->candidates[i]),
			       object->addr, NULL);
	const char *circle = candidate_words_circle(job->arena, job->view, object);
	if (circle != NULL)
		show_json_what(json, circle, object->addr, NULL);
}

/* What the task waits for, and those it waits for in turn. */
static void show_json_chain(struct json_out *json, const struct write_job *job, uint32_t task)
{
	const struct report_view *view = job->view;
	struct wait_chain chain = wait_chain_of(view, task);
	for (uint32_t i = 0; i < chain.num; i++)
		show_json_what(
			json,
			arena_format(job->arena, "%s %" PRId64 " %s",
				     coreleaks_kind_name(view_alike(view, chain.tasks[i])->kind),
				     view_task(view, chain.tasks[i])->id,
				     wait_words_task(job->arena, view, chain.tasks[i])),
			view_wait(view, chain.tasks[i])->addr, NULL);
	if (chain.back_to >= 0)
		show_json_what(json,
			       arena_format(job->arena,
					    "which is back at thread %" PRId64 ": a circle",
					    view_task(view, chain.tasks[chain.back_to])->id),
			       0, NULL);
	show_json_kept(json, view_wait(view, task));
	const struct coreleaks_object object = wait_words_of(view, chain.tasks[chain.num - 1]);
	show_json_candidates(json, job, &object);
}

/* "why" and "findings". group or task: what they are about. */
static void show_json_why(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_group *group, const struct one *one)
{
	const struct report_view *view = job->view;
	bool *about = arena_alloc_array(job->arena, (size_t)view->num_findings + 1, sizeof(*about));
	for (uint32_t i = 0; i < view->num_findings; i++)
		about[i] = one->group != NULL ? names_group(view, view->findings[i], group)
					      : wait_chain_names(view->findings[i], one->task);
	json_out_begin(json, "why", '[', JSON_LINES);
	if (one->group == NULL)
		show_json_chain(json, job, one->task);
	for (uint32_t i = 0; i < view->num_findings; i++)
		if (about[i])
			show_json_evidence(json, view->findings[i]);
	json_out_end(json, ']');
	json_out_begin(json, "findings", '[', JSON_LINES);
	for (uint32_t i = 0; i < view->num_findings; i++)
		if (about[i])
			report_json_finding(json, job, view->findings[i]);
	json_out_end(json, ']');
}

void show_json_waiters(struct json_out *json, const struct write_job *job, const uint32_t *waiters,
		       uint32_t num)
{
	json_out_begin(json, "waiters", '{', JSON_INLINE);
	json_out_uint(json, "count", num);
	json_out_begin(json, "members", '[', JSON_INLINE);
	for (uint32_t i = 0; i < num && i < job->options->members; i++)
		json_out_int(json, NULL, view_task(job->view, waiters[i])->id);
	json_out_end(json, ']');
	json_out_bool(json, "members_truncated", num > job->options->members);
	json_out_end(json, '}');
}

static void show_json_task(struct json_out *json, const struct write_job *job,
			   const struct one *one, const struct coreleaks_group *group)
{
	const struct coreleaks_task *task = view_task(job->view, one->task);
	json_out_begin(json, "task", '{', JSON_LINES);
	json_out_text(json, "kind", coreleaks_kind_name(task->kind));
	json_out_int(json, "id", task->id);
	json_out_uint(json, "tasks_of_this_id", one->num_same_id);
	json_out_text(json, "state", coreleaks_state_name(task->state));
	json_out_text(json, "reason", task->reason);
	json_out_text(json, "group", group != NULL ? group->id : NULL);
	if (task->signal != 0)
		json_out_int(json, "signal", task->signal);
	else
		json_out_null(json, "signal");
	if (task->syscall_nr >= 0)
		json_out_int(json, "syscall", task->syscall_nr);
	else
		json_out_null(json, "syscall");
	waits_json_creation(json, task->creation);
	json_out_known_size(json, "stack_bytes", task->stack_size);
	json_out_known_size(json, "stack_reserved_bytes", task->stack_reserved_size);
	json_out_known_size(json, "stack_resident_bytes", task->stack_resident_size);
	uint32_t num_waiters;
	const uint32_t *waiters =
		wait_chain_waiters(job->arena, job->view, one->task, &num_waiters);
	if (task->kind == CORELEAKS_KIND_GOROUTINE)
		waits_json_goroutine(json, job, task, view_wait(job->view, one->task));
	else
		waits_json_wait(json, job->view, one->task);
	show_json_waiters(json, job, waiters, num_waiters);
	blocking_json_of_task(json, job, one->task);
	if (task->kind != CORELEAKS_KIND_GOROUTINE)
		waits_json_registers(json, job, task);
	const struct coreleaks_stack stack = view_stack_of_task(job->view, job->arena, task);
	report_json_frames(json, &stack, STACK_ADDRS_KNOWN);
	json_out_end(json, '}');
}

struct text show_json_make(const struct write_job *job, const struct one *one)
{
	struct json_out json;
	const struct coreleaks_group *group = one->group;
	json_out_init(&json, job->arena);
	json_out_begin(&json, NULL, '{', JSON_LINES);
	report_json_head(&json, job);
	if (one->is_tree || one->is_object) {
		if (one->is_tree)
			show_tree_json(&json, job);
		else
			show_object_json(&json, job, one);
		json_out_end(&json, '}');
		return json.out;
	}
	if (group != NULL) {
		report_json_group(&json, "group", job, group);
	} else {
		group = view_group_of_task(job->view, one->task);
		show_json_task(&json, job, one, group);
	}
	show_json_why(&json, job, group, one);
	json_out_end(&json, '}');
	return json.out;
}
