#include "report/report_json.h"

#include "report/kept.h"

#include "group/runtimes.h"
#include "group/user_frame.h"
#include "report/blocking.h"
#include "report/go_json.h"
#include "report/group_notes.h"
#include "report/rules_report.h"
#include "report/self_check_report.h"
#include "report/waits_json.h"

#include <stdio.h>
#include <time.h>

void report_json_head(struct json_out *json, const struct write_job *job)
{
	json_out_text(json, "schema", "coreleaks/1");
	json_out_begin(json, "tool", '{', JSON_INLINE);
	json_out_text(json, "name", "coreleaks");
	json_out_text(json, "version", CORELEAKS_VERSION);
	if (job->options->sandbox != NULL)
		json_out_text(json, "sandbox", job->options->sandbox);
	json_out_end(json, '}');
}

static void report_json_time(struct json_out *json, const char *key, int64_t seconds)
{
	struct tm tm;
	time_t when = (time_t)seconds;
	char text[64];
	/* RFC 3339 has years of four digits only. */
	if (seconds == INT64_MIN || gmtime_r(&when, &tm) == NULL || tm.tm_year < -1900 ||
	    tm.tm_year > 9999 - 1900) {
		json_out_null(json, key);
		return;
	}
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	json_out_text(json, key, text);
}

/* The thread that took the signal which ended the process. */
static void report_json_signal_thread(struct json_out *json, const struct report_view *view)
{
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		if (view_alike(view, i)->signal != 0) {
			json_out_int(json, "signal_thread", view_task(view, i)->id);
			return;
		}
	}
	json_out_null(json, "signal_thread");
}

static void report_json_core(struct json_out *json, const struct report_view *view)
{
	const struct coreleaks_core *core = view->core;
	json_out_begin(json, "core", '{', JSON_LINES);
	json_out_text(json, "path", core->path);
	json_out_uint(json, "size", core->size);
	json_out_text(json, "machine", core->machine);
	if (core->pid != 0)
		json_out_int(json, "pid", core->pid);
	else
		json_out_null(json, "pid");
	json_out_text(json, "command", core->command);
	if (core->signal != 0)
		json_out_int(json, "signal", core->signal);
	else
		json_out_null(json, "signal");
	report_json_signal_thread(json, view);
	json_out_text(json, "dumper", core->dumper);
	json_out_bool(json, "complete", core->complete);
	report_json_time(json, "captured_at", core->captured_at);
	json_out_begin(json, "executable", '{', JSON_LINES);
	json_out_text(json, "path", core->executable);
	json_out_text(json, "build_id", core->executable_build_id);
	json_out_text(json, "file", core->executable_file);
	json_out_bool(json, "verified", core->executable_verified);
	json_out_end(json, '}');
	json_out_end(json, '}');
}

static void report_json_counts(struct json_out *json, const char *key,
			       const struct view_counts *counts)
{
	json_out_begin(json, key, '{', JSON_INLINE);
	for (uint32_t i = 0; i < counts->num; i++)
		json_out_uint(json, counts->items[i].name, counts->items[i].num_tasks);
	json_out_end(json, '}');
}

static void report_json_summary(struct json_out *json, const struct report_view *view)
{
	json_out_begin(json, "summary", '{', JSON_LINES);
	json_out_text(json, "verdict", coreleaks_verdict_name(view->verdict));
	json_out_uint(json, "threads", view->num_threads);
	json_out_uint(json, "goroutines", view->num_goroutines);
	json_out_uint(json, "system", view->num_system_tasks);
	report_json_counts(json, "system_by", &view->system_by);
	json_out_uint(json, "hidden", view->num_hidden_tasks);
	report_json_counts(json, "hidden_by", &view->hidden_by);
	json_out_uint(json, "finished_threads", view->num_finished_threads);
	json_out_uint(json, "groups", view->num_shown_groups);
	json_out_uint(json, "hidden_groups", view->num_groups - view->num_shown_groups);
	json_out_begin(json, "by_verdict", '{', JSON_INLINE);
	for (int i = 0; i < VIEW_NUM_VERDICTS; i++)
		json_out_uint(json, coreleaks_verdict_name((enum coreleaks_verdict)i),
			      view->tasks_by_verdict[i]);
	json_out_end(json, '}');
	report_json_counts(json, "by_reason", &view->by_reason);
	json_out_uint(json, "stack_bytes", view->stack_size);
	json_out_known_size(json, "stack_reserved_bytes", view->stack_reserved_size);
	json_out_known_size(json, "stack_resident_bytes", view->stack_resident_size);
	json_out_uint(json, "gaps", view->num_gaps);
	json_out_end(json, '}');
}

void report_json_whole(struct json_out *json, const struct report_view *view)
{
	report_json_core(json, view);
	go_json_add(json, view->go);
	report_json_summary(json, view);
	self_check_report_json(json, view->core->self_check);
}

static void report_json_frame(struct json_out *json, const struct coreleaks_frame *frame,
			      enum json_stack_addrs addrs)
{
	json_out_begin(json, NULL, '{', JSON_INLINE);
	json_out_addr(json, "pc", frame->pc);
	json_out_text(json, "function", frame->function);
	if (frame->function != NULL && !frame->inlined)
		json_out_uint(json, "offset", frame->function_offset);
	else
		json_out_null(json, "offset");
	json_out_text(json, "file", frame->file);
	if (frame->line != 0)
		json_out_uint(json, "line", frame->line);
	else
		json_out_null(json, "line");
	json_out_text(json, "module", frame->module);
	json_out_text(json, "build_id", frame->build_id);
	if (frame->module != NULL)
		json_out_addr(json, "module_offset", frame->module_offset);
	else
		json_out_null(json, "module_offset");
	json_out_bool(json, "inlined", frame->inlined);
	json_out_bool(json, "signal", frame->signal);
	if (frame->wrapper)
		json_out_bool(json, "wrapper", true);
	if (frame->origin != NULL)
		json_out_text(json, "origin", frame->origin);
	json_out_bool(json, "runtime", user_frame_is_runtime(frame));
	json_out_text(json, "trust", coreleaks_trust_name(frame->trust));
	if (addrs != STACK_ADDRS_ABSENT) {
		bool known = addrs == STACK_ADDRS_KNOWN;
		json_out_known_addr(json, "sp", known ? frame->sp : 0);
		json_out_known_addr(json, "cfa", known ? frame->cfa : 0);
	}
	json_out_end(json, '}');
}

void report_json_frames(struct json_out *json, const struct coreleaks_stack *stack,
			enum json_stack_addrs addrs)
{
	json_out_begin(json, "frames", '[', JSON_LINES);
	for (uint32_t i = 0; i < stack->num_frames; i++)
		report_json_frame(json, &stack->frames[i], addrs);
	json_out_end(json, ']');
	json_out_text(json, "stack_end", coreleaks_stack_end_name(stack->end));
	json_out_text(json, "stack_missing", stack->missing);
}

void report_json_group(struct json_out *json, const char *key, const struct write_job *job,
		       const struct coreleaks_group *group)
{
	json_out_begin(json, key, '{', JSON_LINES);
	report_json_group_fields(json, job, group, key != NULL);
	json_out_end(json, '}');
}

static void report_json_holds(struct json_out *json, const struct write_job *job,
			      const struct coreleaks_group *group)
{
	kept_json(json, job, group);
	json_out_begin(json, "holds", '{', JSON_INLINE);
	json_out_uint(json, "descriptors", group->num_fds);
	json_out_uint(json, "timers", group->num_timers);
	json_out_uint(json, "threads", group->num_threads);
	json_out_uint(json, "locked_threads", group->num_locked);
	json_out_uint(json, "locks", group->num_locks);
	json_out_uint(json, "maybe_locks", group->num_maybe_locks);
	json_out_end(json, '}');
}

void report_json_group_fields(struct json_out *json, const struct write_job *job,
			      const struct coreleaks_group *group, bool alone)
{
	json_out_text(json, "id", group->id);
	json_out_text(json, "signature", group->signature);
	json_out_text(json, "loose_signature", group->loose_signature);
	json_out_text(json, "kind", coreleaks_kind_name(group->kind));
	json_out_uint(json, "count", view_group_count(group));
	json_out_share(json, "share", group->share);
	json_out_text(json, "state", coreleaks_state_name(group->state));
	json_out_text(json, "reason", group->reason);
	json_out_text(json, "verdict", coreleaks_verdict_name(group->verdict));
	json_out_begin(json, "rules", '[', JSON_INLINE);
	for (uint32_t i = 0; i < group->num_rules; i++)
		json_out_text(json, NULL, group->rules[i]);
	json_out_end(json, ']');
	json_out_text(json, "hidden_by", group->hidden_by);
	json_out_text(json, "ignored_by",
		      group->ignored_by != NULL ? group->ignored_by->text : NULL);
	json_out_text(json, "allowed_by",
		      group->allowed_by != NULL ? group->allowed_by->text : NULL);
	json_out_text(json, "key", group->key);
	waits_json_wait_ns(json, group);
	json_out_known_size(json, "stack_bytes", group->stack_size);
	json_out_known_size(json, "stack_reserved_bytes", group->stack_reserved_size);
	json_out_known_size(json, "stack_resident_bytes", group->stack_resident_size);
	const struct coreleaks_stack *stack = view_stack(job->view, group->stack_id);
	if (alone) {
		const struct coreleaks_task *owner = view_stack_owner(job->view, group);
		report_json_frames(json, stack,
				   owner != NULL ? STACK_ADDRS_KNOWN : STACK_ADDRS_UNKNOWN);
		if (owner != NULL)
			json_out_int(json, "addresses_of", owner->id);
		else
			json_out_null(json, "addresses_of");
	} else {
		report_json_frames(json, stack, STACK_ADDRS_ABSENT);
	}
	waits_json_creation(json, group->creation);
	waits_json_labels(json, group->labels, group->num_labels);
	json_out_begin(json, "objects", '[', JSON_LINES);
	for (uint32_t i = 0; i < group->num_objects; i++)
		waits_json_object(json, NULL, job->view, &group->objects[i]);
	json_out_end(json, ']');
	json_out_uint(json, "objects_count", group->num_all_objects);
	json_out_bool(json, "timed", group->timed);
	const struct group_notes notes = group_notes_of(job->arena, job->view, group);
	json_out_begin(json, "notes", '[', JSON_LINES);
	for (uint32_t i = 0; i < notes.num; i++)
		json_out_text(json, NULL, notes.lines[i]);
	json_out_end(json, ']');
	waits_json_interrupted(json, job, group);
	const struct runtime *runtime = runtime_of_stack(stack);
	json_out_text(json, "runtime", runtime != NULL ? runtime->name : NULL);
	json_out_text(json, "system", group->system);
	json_out_text(json, "runtime_hint", runtime != NULL ? runtime->hint : NULL);
	report_json_holds(json, job, group);
	json_out_begin(json, "members", '[', JSON_INLINE);
	for (uint32_t i = 0; i < group->num_tasks && i < job->options->members; i++)
		json_out_int(json, NULL, view_task(job->view, group->tasks[i])->id);
	json_out_end(json, ']');
	json_out_bool(json, "members_truncated", group->num_tasks > job->options->members);
	waits_json_pthreads(json, group->pthreads, group->num_pthreads, job->options->members);
}

void report_json_finding(struct json_out *json, const struct write_job *job,
			 const struct coreleaks_finding *finding)
{
	json_out_begin(json, NULL, '{', JSON_LINES);
	report_json_finding_fields(json, job, finding);
	json_out_end(json, '}');
}

void report_json_finding_fields(struct json_out *json, const struct write_job *job,
				const struct coreleaks_finding *finding)
{
	json_out_text(json, "rule", finding->rule);
	json_out_text(json, "certainty", coreleaks_verdict_name(finding->certainty));
	json_out_text(json, "title", finding->title);
	json_out_bool(json, "hidden", view_finding_is_hidden(job->view, finding));
	json_out_bool(json, "allowed", finding->allowed);
	json_out_begin(json, "groups", '[', JSON_INLINE);
	for (uint32_t i = 0; i < finding->num_groups; i++)
		json_out_text(json, NULL, job->view->groups[finding->groups[i]]->id);
	json_out_end(json, ']');
	json_out_begin(json, "members", '[', JSON_INLINE);
	for (uint32_t i = 0; i < finding->num_tasks && i < job->options->members; i++) {
		const struct coreleaks_task *task = view_task(job->view, finding->tasks[i]);
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind", coreleaks_kind_name(task->kind));
		json_out_int(json, "id", task->id);
		json_out_end(json, '}');
	}
	waits_json_finished_members(json, job->view, finding, job->options->members);
	json_out_end(json, ']');
	json_out_bool(json, "members_truncated",
		      finding->num_tasks > job->options->members ||
			      finding->num_pthreads > job->options->members);
	json_out_begin(json, "caveats", '[', JSON_INLINE);
	for (uint32_t i = 0; i < finding->num_caveats; i++)
		json_out_text(json, NULL, finding->caveats[i]);
	json_out_end(json, ']');
	json_out_text(json, "hint", finding->hint);
	json_out_begin(json, "evidence", '[', JSON_LINES);
	for (uint32_t i = 0; i < finding->num_evidence; i++) {
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "what", finding->evidence[i].what);
		json_out_known_addr(json, "address", finding->evidence[i].addr);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
}

void report_json_gap_fields(struct json_out *json, const struct coreleaks_gap *gap)
{
	json_out_text(json, "kind", gap->kind);
	json_out_uint(json, "count", gap->count);
	json_out_bool(json, "incomplete", gap->incomplete);
	json_out_text(json, "detail", gap->detail);
}

static void report_json_gaps(struct json_out *json, const struct report_view *view)
{
	json_out_begin(json, "gaps", '[', JSON_LINES);
	for (uint32_t i = 0; i < view->num_gaps; i++) {
		json_out_begin(json, NULL, '{', JSON_INLINE);
		report_json_gap_fields(json, view->gaps[i]);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
}

static void report_json_modules(struct json_out *json, const struct report_view *view)
{
	json_out_begin(json, "modules", '[', JSON_LINES);
	for (uint32_t i = 0; i < view->num_modules; i++) {
		const struct coreleaks_module *module = view->modules[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "path", module->path);
		json_out_text(json, "file", module->file);
		json_out_text(json, "build_id", module->build_id);
		json_out_bool(json, "verified", module->verified);
		json_out_text(json, "problem", module->problem);
		json_out_addr(json, "low", module->low);
		json_out_addr(json, "high", module->high);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
}

struct text report_json_make(const struct write_job *job)
{
	struct json_out json;
	json_out_init(&json, job->arena);
	json_out_begin(&json, NULL, '{', JSON_LINES);
	report_json_head(&json, job);
	report_json_whole(&json, job->view);
	json_out_begin(&json, "groups", '[', JSON_LINES);
	for (uint32_t i = 0; i < job->view->num_shown_groups; i++)
		report_json_group(&json, NULL, job, job->view->groups[i]);
	json_out_end(&json, ']');
	json_out_begin(&json, "findings", '[', JSON_LINES);
	for (uint32_t i = 0; i < job->view->num_findings; i++)
		report_json_finding(&json, job, job->view->findings[i]);
	json_out_end(&json, ']');
	rules_report_json(&json, job->view);
	blocking_json(&json, job);
	if (!job->options->brief)
		waits_json_tasks(&json, job);
	report_json_gaps(&json, job->view);
	if (!job->options->brief)
		report_json_modules(&json, job->view);
	json_out_end(&json, '}');
	return json.out;
}
