#include "report/go_text.h"
#include "report/samples.h"

#include <inttypes.h>

/* Unexpected is what a finding is about. */
static bool is_unexpected(const struct coreleaks_group *group, enum coreleaks_kind kind)
{
	return group->kind == kind && group->verdict < CORELEAKS_VERDICT_UNKNOWN;
}

/* The beginning of one item of goleak's list, which Go prints with a blank between items. */
static void format_goleak_item(struct text *out, const struct coreleaks_group *group, bool first)
{
	text_add(out, first ? "[" : " ");
	text_add(out, group->kind == CORELEAKS_KIND_GOROUTINE ? "Goroutine " : "Thread ");
}

/* What stands behind the state. */
static void format_goleak_stack(struct text *out, struct go_text *go, uint32_t stack_id)
{
	text_add(out, ", with ");
	go_text_top(go, out, stack_id);
	text_add(out, " on top of the stack:\n");
	go_text_stack(go, out, stack_id);
}

static void format_goleak_group(struct text *out, struct go_text *go,
				const struct coreleaks_group *group, bool first)
{
	const struct write_job *job = go->job;
	uint32_t shown = 0, num = view_group_count(group);
	for (uint32_t i = 0; i < group->num_pthreads && i < job->options->members; i++, shown++) {
		format_goleak_item(out, group, first && shown == 0);
		text_addf(out, "0x%" PRIx64 " in state exited", group->pthreads[i]);
		format_goleak_stack(out, go, group->stack_id);
		write_flush(job, out);
	}
	for (uint32_t i = 0; i < group->num_tasks && i < job->options->members; i++, shown++) {
		const struct coreleaks_task *task = view_task(job->view, group->tasks[i]);
		format_goleak_item(out, group, first && shown == 0);
		text_addf(out, "%" PRIi64 " in state ", task->id);
		go_text_state(out, task, group->verdict);
		format_goleak_stack(out, go, task->stack_id);
		go_text_creator(go, out, task);
		write_flush(job, out);
	}
	if (num > shown)
		text_addf(out, "%s... and %" PRIu32 " %s like %s\n", first && shown == 0 ? "[" : "",
			  num - shown, view_noun_of_kind(group->kind, num - shown),
			  shown == 0 ? "these" : "it");
}

struct text format_goleak_make(const struct write_job *job)
{
	struct text out;
	struct go_text go;
	bool first = true;
	text_init(&out, job->arena);
	struct kind_counts counts = samples_counts(job);
	go_text_init(&go, job, counts.kind, GO_TEXT_USER);
	for (uint32_t i = 0; i < job->view->num_shown_groups; i++) {
		const struct coreleaks_group *group = job->view->groups[i];
		if (!is_unexpected(group, counts.kind))
			continue;
		if (first)
			text_addf(&out, "found unexpected %s:\n",
				  view_noun_of_kind(counts.kind, 2));
		format_goleak_group(&out, &go, group, first);
		first = false;
	}
	if (first)
		text_addf(&out, "no unexpected %s were found\n", view_noun_of_kind(counts.kind, 2));
	else
		text_add(&out, "]\n");
	for (uint32_t i = 0; i < job->view->num_findings; i++) {
		const struct coreleaks_finding *finding = job->view->findings[i];
		if (finding->num_groups == 0)
			text_addf(&out, "# %s: %s\n", finding->rule, finding->title);
	}
	samples_notes(&out, job, &counts);
	return out;
}
