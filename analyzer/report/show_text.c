#include "group/user_frame.h"
#include "report/report_text.h"
#include "report/text_frames.h"
#include "report/words.h"

#include <inttypes.h>

static void show_text_line(struct screen *screen, uint32_t indent, enum style style,
			   const char *text)
{
	if (indent > 0)
		screen_pad(screen, indent);
	screen->indent = indent + 2;
	screen_words(screen, style, text);
	screen_end_line(screen);
}

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
		show_text_line(screen, 0, words_verdict_style(finding->certainty),
			       arena_format(job->arena, "%s: %s (%s)",
					    words_verdict(finding->certainty), finding->title,
					    finding->rule));
		for (uint32_t j = 0; j < finding->num_evidence; j++) {
			const struct coreleaks_evidence *evidence = &finding->evidence[j];
			show_text_line(screen, 2, STYLE_PLAIN,
				       evidence->addr != 0
					       ? arena_format(job->arena, "%s 0x%" PRIx64,
							      evidence->what, evidence->addr)
					       : evidence->what);
		}
	}
	if (group->num_rules == 0)
		show_text_line(screen, 0, STYLE_PLAIN, "no finding about this group");
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
		show_text_line(screen, 0, STYLE_YELLOW,
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
	show_text_line(screen, 0, STYLE_BOLD, line.bytes);
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
		show_text_line(
			screen, 0, STYLE_YELLOW,
			arena_format(job->arena, "hidden in the report by %s", group->hidden_by));
	show_text_findings(screen, job, group);
	show_text_line(screen, 0, STYLE_PLAIN,
		       arena_format(job->arena, "state %s; reason %s; stacks in use %s",
				    coreleaks_state_name(group->state),
				    group->reason != NULL ? group->reason : "unknown",
				    group->stack_size != 0
					    ? words_size(job->arena, group->stack_size)
					    : "unknown"));
	if (group->key != NULL)
		show_text_line(screen, 0, STYLE_PLAIN,
			       arena_format(job->arena, "key %s", group->key));
	show_text_unknown(screen, job, stack, group->reason != NULL);
	const struct coreleaks_task *owner = view_stack_owner(job->view, group);
	if (owner != NULL)
		addrs_of = arena_format(job->arena, "%s %" PRId64, coreleaks_kind_name(owner->kind),
					owner->id);
	screen_end_line(screen);
	show_text_frames(screen, job, stack, addrs_of);
	screen_end_line(screen);
	show_text_line(screen, 0, STYLE_BOLD,
		       arena_format(job->arena,
				    "%s %s:", words_number(job->arena, group->num_tasks),
				    group->num_tasks == 1 ? "member" : "members"));
	report_text_members(screen, job, group, job->options->members);
}

static void show_text_task(struct screen *screen, const struct write_job *job,
			   const struct one *one)
{
	const struct coreleaks_task *task = job->view->tasks[one->task];
	const struct coreleaks_stack *stack = view_stack(job->view, task->stack_id);
	const struct coreleaks_group *group = view_group_of_task(job->view, one->task);
	const char *name =
		arena_format(job->arena, "%s %" PRId64, coreleaks_kind_name(task->kind), task->id);
	show_text_line(screen, 0, STYLE_BOLD,
		       arena_format(job->arena, "%s: %s, reason %s", name,
				    coreleaks_state_name(task->state),
				    task->reason != NULL ? task->reason : "unknown"));
	if (one->num_same_id > 1)
		show_text_line(screen, 0, STYLE_YELLOW,
			       arena_format(job->arena,
					    "the core has %" PRIu32
					    " of this id; this is the first",
					    one->num_same_id));
	if (task->signal != 0)
		show_text_line(screen, 0, STYLE_YELLOW,
			       arena_format(job->arena, "it took %s",
					    words_signal(job->arena, task->signal)));
	if (task->syscall_nr >= 0)
		show_text_line(
			screen, 0, STYLE_PLAIN,
			arena_format(job->arena, "system call number %" PRId32, task->syscall_nr));
	show_text_line(screen, 0, STYLE_CYAN,
		       arena_format(job->arena, "pc 0x%" PRIx64 "  sp 0x%" PRIx64 "  bp 0x%" PRIx64,
				    task->pc, task->sp, task->bp));
	if (group != NULL) {
		show_text_line(screen, 0, STYLE_PLAIN,
			       arena_format(job->arena, "one of %s in group %s",
					    words_number(job->arena, group->num_tasks), group->id));
		show_text_findings(screen, job, group);
	} else {
		show_text_line(screen, 0, STYLE_PLAIN, "in no group: select_task() left it out");
	}
	show_text_unknown(screen, job, stack, task->reason != NULL);
	screen_end_line(screen);
	show_text_frames(screen, job, stack, view_stack_is_of(stack, task) ? name : NULL);
}

struct text show_text_make(const struct write_job *job, const struct one *one)
{
	struct screen screen;
	screen_init(&screen, job->arena, job->options);
	if (one->group != NULL)
		show_text_group(&screen, job, one);
	else
		show_text_task(&screen, job, one);
	return screen.out;
}
