#include "group/system_threads.h"
#include "group/user_frame.h"
#include "report/blocking.h"
#include "report/candidate_words.h"
#include "report/report_text.h"
#include "report/text_findings.h"
#include "report/text_frames.h"
#include "report/wait_chain.h"
#include "report/wait_words.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_WAITERS = 8 };

static void show_text_findings(struct screen *screen, const struct write_job *job,
			       const struct coreleaks_group *group)
{
	const struct report_view *view = job->view;
	for (uint32_t i = 0; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		bool named = false;
		for (uint32_t j = 0; j < finding->num_groups; j++)
			named |= view->groups[finding->groups[j]] == group;
		if (!named)
			continue;
		text_findings_all(screen, job, finding);
	}
	if (group->num_rules == 0)
		text_findings_line(screen, 0, STYLE_PLAIN, "no finding about this group");
}

/* What a reader would look for in vain. */
static void show_text_unknown(struct screen *screen, const struct write_job *job,
			      const struct coreleaks_stack *stack, bool reason_known)
{
	uint32_t num_nameless = 0, num_lineless = 0;
	const char *module = NULL;
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		num_nameless += frame->function == NULL;
		if (frame->line != 0 || user_frame_is_runtime(frame) || frame->signal)
			continue;
		num_lineless++;
		if (module == NULL)
			module = frame->module;
	}
	struct text line;
	text_init(&line, job->arena);
	if (!reason_known)
		text_add(&line, "; what it waits for");
	if (num_nameless > 0)
		text_addf(&line, "; the function of %" PRIu32 " %s", num_nameless,
			  num_nameless == 1 ? "frame" : "frames");
	if (num_lineless > 0)
		text_addf(&line,
			  "; the source line of %" PRIu32 " %s (no debug information for %s)",
			  num_lineless, num_lineless == 1 ? "frame" : "frames",
			  module != NULL ? module : "code outside of files");
	if (stack->end != CORELEAKS_STACK_COMPLETE)
		text_add(&line, "; the rest of the stack");
	if (line.size > 0)
		text_findings_line(screen, 0, STYLE_YELLOW,
				   arena_format(job->arena, "unknown: %s", line.bytes + 2));
}

static void show_text_frames(struct screen *screen, const struct write_job *job,
			     const struct coreleaks_stack *stack, const char *addrs_of)
{
	struct text line;
	text_init(&line, job->arena);
	text_addf(&line, "%" PRIu32 " %s, innermost first, stack %s", stack->num_frames,
		  stack->num_frames == 1 ? "frame" : "frames",
		  coreleaks_stack_end_name(stack->end));
	if (addrs_of != NULL)
		text_addf(&line, "; sp is %s's", addrs_of);
	text_add(&line, ":");
	text_findings_line(screen, 0, STYLE_BOLD, line.bytes);
	text_frames_all(screen, job, stack, addrs_of != NULL);
}

static void show_text_group(struct screen *screen, const struct write_job *job,
			    const struct one *one)
{
	const struct coreleaks_group *group = one->group;
	const struct coreleaks_stack *stack = view_stack(job->view, group->stack_id);
	const struct group_columns columns = {0};
	const char *addrs_of = NULL;
	report_text_group_line(screen, job, group, one->rank, &columns);
	if (group->hidden_by != NULL)
		text_findings_line(screen, 0, STYLE_YELLOW,
				   arena_format(job->arena, "hidden in the report by %s%s",
						is_system_rule(group->hidden_by) ? "rule " : "",
						group->hidden_by));
	if (group->system != NULL)
		text_findings_line(screen, 0, STYLE_PLAIN,
				   arena_format(job->arena, "%s of %s",
						group->kind == CORELEAKS_KIND_THREAD
							? "helper threads"
							: "goroutines",
						runtime_named(group->system) != NULL
							? runtime_named(group->system)->owner
							: group->system));
	show_text_findings(screen, job, group);
	report_text_waits(screen, job, group);
	const char *sizes = words_stacks(job->arena, group->stack_reserved_size,
					 group->stack_resident_size, group->stack_size);
	text_findings_line(screen, 0, STYLE_PLAIN,
			   arena_format(job->arena, "state %s; reason %s; stacks: %s",
					coreleaks_state_name(group->state),
					group->reason != NULL ? group->reason : "unknown",
					sizes != NULL ? sizes : "unknown"));
	if (group->key != NULL)
		text_findings_line(screen, 0, STYLE_PLAIN,
				   arena_format(job->arena, "key %s", group->key));
	show_text_unknown(screen, job, stack,
			  group->reason != NULL || group->state != CORELEAKS_STATE_WAITING);
	const struct coreleaks_task *owner = view_stack_owner(job->view, group);
	if (owner != NULL)
		addrs_of = arena_format(job->arena, "%s %" PRId64, coreleaks_kind_name(owner->kind),
					owner->id);
	screen_end_line(screen);
	show_text_frames(screen, job, stack, addrs_of);
	screen_end_line(screen);
	if (group->num_pthreads > 0) {
		text_findings_line(screen, 0, STYLE_BOLD, "finished, never joined:");
		report_text_pthreads(screen, job, group, job->options->members);
		return;
	}
	text_findings_line(screen, 0, STYLE_BOLD,
			   arena_format(job->arena,
					"%s %s:", words_number(job->arena, group->num_tasks),
					group->num_tasks == 1 ? "member" : "members"));
	report_text_members(screen, job, group, job->options->members);
}

/* Follows what it waits for to the end, and names those that wait for it. */
static void show_text_chain(struct screen *screen, const struct write_job *job, uint32_t task)
{
	const struct report_view *view = job->view;
	struct wait_chain chain = wait_chain_of(view, task);
	for (uint32_t i = 0; i < chain.num; i++)
		text_findings_line(
			screen, i == 0 ? 0 : 2, i == 0 ? STYLE_BOLD : STYLE_PLAIN,
			arena_format(job->arena, "%s%s %" PRId64 " %s", i == 0 ? "" : "and ",
				     coreleaks_kind_name(view_alike(view, chain.tasks[i])->kind),
				     view_task(view, chain.tasks[i])->id,
				     wait_words_task(job->arena, view, chain.tasks[i])));
	if (chain.back_to >= 0)
		text_findings_line(screen, 2, STYLE_RED,
				   arena_format(job->arena,
						"which is back at thread %" PRId64 ": a circle",
						view_task(view, chain.tasks[chain.back_to])->id));
	else if (chain.cut)
		text_findings_line(screen, 2, STYLE_PLAIN, "and so on");
	text_findings_kept(screen, job, view_wait(view, task));
	const struct coreleaks_object object = wait_words_of(view, chain.tasks[chain.num - 1]);
	const char *candidates = candidate_words_object(job->arena, view, &object, true);
	if (candidates != NULL)
		text_findings_line(screen, 2, STYLE_PLAIN, candidates);
	const char *circle = candidate_words_circle(job->arena, view, &object);
	if (circle != NULL)
		text_findings_line(screen, 2, STYLE_RED, circle);
	uint32_t num;
	const uint32_t *waiters = wait_chain_waiters(job->arena, view, task, &num);
	struct text line;
	if (num == 0)
		return;
	text_init(&line, job->arena);
	text_addf(&line, "%s %s for it: ", words_number(job->arena, num),
		  num == 1 ? "thread waits" : "threads wait");
	for (uint32_t i = 0; i < num && i < MAX_WAITERS; i++)
		text_addf(&line, "%s%" PRId64, i == 0 ? "" : " ", view_task(view, waiters[i])->id);
	if (num > MAX_WAITERS)
		text_addf(&line, " and %s more", words_number(job->arena, num - MAX_WAITERS));
	text_findings_line(screen, 0, STYLE_PLAIN, line.bytes);
}

static void show_text_task_findings(struct screen *screen, const struct write_job *job,
				    uint32_t task)
{
	const struct report_view *view = job->view;
	bool any = false;
	for (uint32_t i = 0; i < view->num_findings; i++) {
		if (!wait_chain_names(view->findings[i], task))
			continue;
		text_findings_all(screen, job, view->findings[i]);
		any = true;
	}
	if (!any)
		text_findings_line(screen, 0, STYLE_PLAIN,
				   arena_format(job->arena, "no finding about this %s",
						coreleaks_kind_name(view_alike(view, task)->kind)));
}

static bool has_addrs(const struct coreleaks_stack *stack)
{
	return stack->num_frames > 0 && stack->frames[stack->num_frames - 1].sp != 0;
}

/* A line each, the parent first. */
static void show_text_ancestors(struct screen *screen, const struct write_job *job,
				const struct coreleaks_task *task)
{
	for (uint32_t i = 0; i < task->num_ancestors; i++) {
		const struct coreleaks_ancestor *ancestor = &task->ancestors[i];
		const char *creation = wait_words_creation(job->arena, ancestor->creation);
		text_findings_line(screen, 2, STYLE_PLAIN,
				   arena_format(job->arena, "by goroutine %" PRId64 "%s%s",
						ancestor->id, creation != NULL ? ", " : "",
						creation != NULL ? creation : ""));
	}
	if (task->num_more_ancestors > 0)
		text_findings_line(
			screen, 2, STYLE_PLAIN,
			arena_format(job->arena, "and %s more, which are not listed",
				     words_number(job->arena, task->num_more_ancestors)));
}

static const char *place_in_group(struct arena *arena, const struct coreleaks_group *group)
{
	if (group->num_tasks == 1)
		return arena_format(arena, "alone in group %s", group->id);
	return arena_format(arena, "one of %s in group %s", words_number(arena, group->num_tasks),
			    group->id);
}

static void show_text_task(struct screen *screen, const struct write_job *job,
			   const struct one *one)
{
	const struct coreleaks_task *task = view_task(job->view, one->task);
	const struct coreleaks_stack own = view_stack_of_task(job->view, job->arena, task),
				     *stack = &own;
	const struct coreleaks_group *group = view_group_of_task(job->view, one->task);
	const struct coreleaks_wait *wait = view_wait(job->view, one->task);
	const char *name =
		arena_format(job->arena, "%s %" PRId64, coreleaks_kind_name(task->kind), task->id);
	text_findings_line(screen, 0, STYLE_BOLD,
			   arena_format(job->arena, "%s: %s, reason %s", name,
					coreleaks_state_name(task->state),
					task->reason != NULL ? task->reason : "unknown"));
	if (one->num_same_id > 1)
		text_findings_line(screen, 0, STYLE_YELLOW,
				   arena_format(job->arena,
						"the core has %" PRIu32
						" of this id; this is the first",
						one->num_same_id));
	if (task->signal != 0)
		text_findings_line(screen, 0, STYLE_YELLOW,
				   arena_format(job->arena, "it took %s",
						words_signal(job->arena, task->signal)));
	if (task->syscall_nr >= 0)
		text_findings_line(
			screen, 0, STYLE_PLAIN,
			arena_format(job->arena, "system call number %" PRId32, task->syscall_nr));
	if (wait->start != NULL)
		text_findings_line(screen, 0, STYLE_PLAIN,
				   arena_format(job->arena, "started as %s%s", wait->start,
						wait->detached ? ", detached" : ""));
	if (task->creation != NULL)
		text_findings_line(screen, 0, STYLE_PLAIN,
				   wait_words_creation(job->arena, task->creation));
	show_text_ancestors(screen, job, task);
	const char *sizes = words_stacks(job->arena, task->stack_reserved_size,
					 task->stack_resident_size, task->stack_size);
	if (sizes != NULL)
		text_findings_line(screen, 0, STYLE_PLAIN,
				   arena_format(job->arena, "its stack: %s", sizes));
	show_text_chain(screen, job, one->task);
	blocking_text_of_task(screen, job, one->task);
	text_findings_line(
		screen, 0, STYLE_CYAN,
		arena_format(job->arena, "pc 0x%" PRIx64 "  sp 0x%" PRIx64 "%s", task->pc, task->sp,
			     job->options->privacy
				     ? ""
				     : arena_format(job->arena, "  bp 0x%" PRIx64, task->bp)));
	if (group != NULL) {
		text_findings_line(screen, 0, STYLE_PLAIN, place_in_group(job->arena, group));
		show_text_task_findings(screen, job, one->task);
	} else {
		text_findings_line(screen, 0, STYLE_PLAIN,
				   "in no group: select_task() left it out");
	}
	show_text_unknown(screen, job, stack, task->reason != NULL);
	screen_end_line(screen);
	show_text_frames(screen, job, stack, has_addrs(stack) ? name : NULL);
}

struct text show_text_make(const struct write_job *job, const struct one *one)
{
	struct screen screen;
	screen_init(&screen, job->arena, job->options);
	if (one->is_tree)
		show_tree_text(&screen, job);
	else if (one->is_object)
		show_object_text(&screen, job, one);
	else if (one->group != NULL)
		show_text_group(&screen, job, one);
	else
		show_text_task(&screen, job, one);
	return screen.out;
}
