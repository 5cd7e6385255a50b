#include "report/report_json.h"

static void show_json_why(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_group *group)
{
	const struct report_view *view = job->view;
	json_out_begin(json, "why", '[', JSON_LINES);
	for (uint32_t i = 0; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		bool named = false;
		for (uint32_t j = 0; j < finding->num_groups; j++)
			named |= view->groups[finding->groups[j]] == group;
		for (uint32_t j = 0; named && j < finding->num_evidence; j++) {
			json_out_begin(json, NULL, '{', JSON_INLINE);
			json_out_text(json, "what", finding->evidence[j].what);
			if (finding->evidence[j].addr != 0)
				json_out_addr(json, "address", finding->evidence[j].addr);
			else
				json_out_null(json, "address");
			json_out_text(json, "rule", finding->rule);
			json_out_end(json, '}');
		}
	}
	json_out_end(json, ']');
}

static void show_json_task(struct json_out *json, const struct write_job *job,
			   const struct one *one, const struct coreleaks_group *group)
{
	const struct coreleaks_task *task = job->view->tasks[one->task];
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
	if (task->stack_size != 0)
		json_out_uint(json, "stack_bytes", task->stack_size);
	else
		json_out_null(json, "stack_bytes");
	json_out_begin(json, "registers", '{', JSON_INLINE);
	json_out_addr(json, "pc", task->pc);
	json_out_addr(json, "sp", task->sp);
	json_out_addr(json, "bp", task->bp);
	json_out_end(json, '}');
	const struct coreleaks_stack *stack = view_stack(job->view, task->stack_id);
	report_json_frames(json, stack,
			   view_stack_is_of(stack, task) ? STACK_ADDRS_KNOWN : STACK_ADDRS_UNKNOWN);
	json_out_end(json, '}');
}

struct text show_json_make(const struct write_job *job, const struct one *one)
{
	struct json_out json;
	const struct coreleaks_group *group = one->group;
	json_out_init(&json, job->arena);
	json_out_begin(&json, NULL, '{', JSON_LINES);
	report_json_head(&json);
	if (group != NULL) {
		report_json_group(&json, "group", job, group);
	} else {
		group = view_group_of_task(job->view, one->task);
		show_json_task(&json, job, one, group);
	}
	show_json_why(&json, job, group);
	json_out_end(&json, '}');
	return json.out;
}
