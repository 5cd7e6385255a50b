#include "report/escape.h"
#include "report/go_text.h"
#include "report/samples.h"

#include <inttypes.h>

/* What comes first: nothing at all when Go itself would print the same. */
static void format_debug2_head(struct text *out, const struct write_job *job,
			       const struct kind_counts *counts)
{
	if (counts->kind == CORELEAKS_KIND_THREAD) {
		text_add(out, "# threads of ");
		escape_terminal(out, job->view->core->path, false);
		text_add(out, ", written as goroutines; source files that are not .c, .go or .s "
			      "are ??\n");
	}
	samples_notes(out, job, counts);
	if (counts->num_finished > 0)
		text_addf(out,
			  "# left out: %" PRIu64
			  " finished thread%s, never joined, without an id\n",
			  counts->num_finished, counts->num_finished == 1 ? "" : "s");
	if (out->size > 0)
		text_add(out, "\n");
}

static void format_debug2_task(struct text *out, struct go_text *go,
			       const struct coreleaks_group *group,
			       const struct coreleaks_task *task)
{
	/* A damaged core may have negative thread ids, which the grammar has not. */
	text_addf(out, "goroutine %" PRIi64 " [", task->id < 0 ? 0 : task->id);
	go_text_state(out, task, group->verdict);
	text_add(out, "]:\n");
	go_text_stack(go, out, task->stack_id);
	go_text_creator(go, out, task);
}

/* Threads are written only when they were asked for: goroutine dumps have none. */
static struct kind_counts format_debug2_counts(const struct write_job *job)
{
	struct coreleaks_write_options options = *job->options;
	if (options.kind < 0)
		options.kind = CORELEAKS_KIND_GOROUTINE;
	const struct write_job same = {job->arena, job->view, &options, NULL};
	return samples_counts(&same);
}

struct text format_debug2_make(const struct write_job *job)
{
	struct text out;
	struct go_text go;
	bool first = true;
	text_init(&out, job->arena);
	struct kind_counts counts = format_debug2_counts(job);
	go_text_init(&go, job, counts.kind, GO_TEXT_ALL);
	format_debug2_head(&out, job, &counts);
	for (uint32_t i = 0; i < job->view->num_shown_groups; i++) {
		const struct coreleaks_group *group = job->view->groups[i];
		for (uint32_t k = 0; group->kind == counts.kind && k < group->num_tasks; k++) {
			text_add(&out, first ? "" : "\n");
			first = false;
			format_debug2_task(&out, &go, group, view_task(job->view, group->tasks[k]));
			write_flush(job, &out);
		}
	}
	return out;
}
