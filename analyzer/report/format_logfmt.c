#include "report/escape.h"
#include "report/write.h"

#include <inttypes.h>
#include <string.h>

static void logfmt_number(struct text *out, const char *key, uint64_t value)
{
	text_addf(out, "%s%s=%" PRIu64, out->size > 0 ? " " : "", key, value);
}

/* In quotes: the value may hold blanks, quotes and equals signs. */
static void logfmt_text(struct text *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	text_addf(out, " %s=\"", key);
	escape_json(out, value);
	text_add(out, "\"");
}

static void logfmt_mib(struct text *out, const char *key, uint64_t size)
{
	const uint64_t mib = 1024 * 1024;
	text_addf(out, " %s=%" PRIu64 ".%02" PRIu64, key, size / mib, size % mib * 100 / mib);
}

struct text format_logfmt_make(const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct text out;
	text_init(&out, job->arena);
	const struct coreleaks_go *go = view->go;
	bool knows_stacks = go != NULL && go->stack_size >= 0;
	/* As runtime.NumGoroutine() counts, and the metric of that name. */
	logfmt_number(&out, "goroutines",
		      go != NULL && go->num_goroutine >= 0 ? (uint64_t)go->num_goroutine
							   : view->num_goroutines);
	logfmt_number(&out, "threads", view->num_threads);
	logfmt_mib(&out, "stack_inuse_mb",
		   knows_stacks ? (uint64_t)go->stack_size : view->stack_size);
	if (go != NULL && go->heap_size >= 0)
		logfmt_mib(&out, "heap_alloc_mb", (uint64_t)go->heap_size);
	for (int i = 0; i < VIEW_NUM_VERDICTS; i++)
		logfmt_number(&out, coreleaks_verdict_name((enum coreleaks_verdict)i),
			      view->tasks_by_verdict[i]);
	logfmt_number(&out, "hidden", view->num_hidden_tasks);
	logfmt_number(&out, "finished_threads", view->num_finished_threads);
	logfmt_number(&out, "groups", view->num_shown_groups);
	logfmt_number(&out, "findings", view->num_findings - view->num_hidden_findings);
	logfmt_number(&out, "gaps", view->num_gaps);
	text_addf(&out, " verdict=%s complete=%s", coreleaks_verdict_name(view->verdict),
		  view->core->complete ? "true" : "false");
	if (view->core->pid != 0)
		text_addf(&out, " pid=%" PRIi64, view->core->pid);
	if (view->core->signal != 0)
		text_addf(&out, " signal=%" PRIi32, view->core->signal);
	logfmt_text(&out, "command", view->core->command);
	logfmt_text(&out, "core", view->core->path);
	text_add(&out, "\n");
	return out;
}
