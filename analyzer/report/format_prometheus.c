#include "report/escape.h"
#include "report/write.h"

#include <inttypes.h>
#include <string.h>

enum { NUM_KINDS = CORELEAKS_KIND_GOROUTINE + 1, NUM_STATES = CORELEAKS_STATE_EXITED + 1 };

static void prometheus_family(struct text *out, const char *name, const char *help)
{
	text_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void prometheus_one(struct text *out, const char *name, const char *help, uint64_t value)
{
	prometheus_family(out, name, help);
	text_addf(out, "%s %" PRIu64 "\n", name, value);
}

static void prometheus_label(struct text *out, const struct write_job *job, const char *value)
{
	struct text clean;
	text_init(&clean, job->arena);
	escape_terminal(&clean, value, false);
	for (size_t i = 0; i < clean.size; i++) {
		text_add(out, clean.bytes[i] == '"' || clean.bytes[i] == '\\' ? "\\" : "");
		text_add_bytes(out, &clean.bytes[i], 1);
	}
}

/* Names and help of client_golang's Go collector (1.14, prometheus/go_collector.go), so that the
 * dashboards for live processes show dumps as well. */
static void prometheus_go(struct text *out, const struct report_view *view)
{
	const struct coreleaks_go *go = view->go;
	if (go == NULL)
		return;
	const struct {
		const char *name, *help;
		int64_t value;
	} families[] = {
		{"go_goroutines", "Number of goroutines that currently exist.", go->num_goroutine},
		{"go_threads", "Number of OS threads created.", go->num_threads},
		{"go_memstats_stack_inuse_bytes", "Number of bytes in use by the stack allocator.",
		 go->stack_size},
	};
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (families[i].value >= 0)
			prometheus_one(out, families[i].name, families[i].help,
				       (uint64_t)families[i].value);
	}
}

static void prometheus_tasks(struct text *out, const struct report_view *view)
{
	uint64_t num[NUM_KINDS][NUM_STATES][VIEW_NUM_VERDICTS] = {0};
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		for (uint32_t k = 0; k < group->num_tasks; k++) {
			const struct coreleaks_task *task = view_alike(view, group->tasks[k]);
			num[task->kind][task->state][group->verdict]++;
		}
	}
	prometheus_family(out, "coreleaks_tasks", "Threads and goroutines that the report shows.");
	for (unsigned kind = 0; kind < NUM_KINDS; kind++) {
		for (unsigned state = 0; state < NUM_STATES; state++) {
			for (unsigned verdict = 0; verdict < VIEW_NUM_VERDICTS; verdict++) {
				if (num[kind][state][verdict] == 0)
					continue;
				text_addf(
					out,
					"coreleaks_tasks{kind=\"%s\",state=\"%s\",verdict=\"%s\"} "
					"%" PRIu64 "\n",
					coreleaks_kind_name((enum coreleaks_kind)kind),
					coreleaks_state_name((enum coreleaks_state)state),
					coreleaks_verdict_name((enum coreleaks_verdict)verdict),
					num[kind][state][verdict]);
			}
		}
	}
}

static void prometheus_groups(struct text *out, const struct report_view *view)
{
	uint64_t num[NUM_KINDS][VIEW_NUM_VERDICTS] = {0};
	for (uint32_t i = 0; i < view->num_shown_groups; i++)
		num[view->groups[i]->kind][view->groups[i]->verdict]++;
	prometheus_family(out, "coreleaks_groups", "Groups of tasks with equal stacks.");
	for (unsigned kind = 0; kind < NUM_KINDS; kind++) {
		for (unsigned verdict = 0; verdict < VIEW_NUM_VERDICTS; verdict++)
			text_addf(out, "coreleaks_groups{kind=\"%s\",verdict=\"%s\"} %" PRIu64 "\n",
				  coreleaks_kind_name((enum coreleaks_kind)kind),
				  coreleaks_verdict_name((enum coreleaks_verdict)verdict),
				  num[kind][verdict]);
	}
}

static void prometheus_oldest(struct text *out, const struct report_view *view)
{
	const int64_t second_ns = 1000000000;
	int64_t oldest_ns = -1;
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		for (uint32_t k = 0; k < view->groups[i]->num_tasks; k++) {
			int64_t wait_ns = view_alike(view, view->groups[i]->tasks[k])->wait_ns;
			if (wait_ns > oldest_ns)
				oldest_ns = wait_ns;
		}
	}
	if (oldest_ns < 0)
		return;
	prometheus_family(out, "coreleaks_oldest_wait_seconds",
			  "The longest wait; it may have lasted longer.");
	text_addf(out, "coreleaks_oldest_wait_seconds %" PRIi64 ".%09" PRIi64 "\n",
		  oldest_ns / second_ns, oldest_ns % second_ns);
}

/* Each rule once, in the order of the report. */
static void prometheus_findings(struct text *out, const struct write_job *job)
{
	struct view_counts counts = {0};
	for (uint32_t i = 0; i < job->view->num_findings; i++) {
		const struct coreleaks_finding *finding = job->view->findings[i];
		uint32_t at = 0;
		if (view_finding_is_hidden(job->view, finding))
			continue;
		while (at < counts.num && strcmp(counts.items[at].name, finding->rule) != 0)
			at++;
		if (at == counts.num)
			array_add(job->arena, &counts)->name = finding->rule;
		counts.items[at].num_tasks++;
	}
	prometheus_family(out, "coreleaks_findings", "Findings by rule.");
	for (uint32_t i = 0; i < counts.num; i++)
		text_addf(out, "coreleaks_findings{rule=\"%s\"} %" PRIu64 "\n",
			  counts.items[i].name, counts.items[i].num_tasks);
}

struct text format_prometheus_make(const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct text out;
	text_init(&out, job->arena);
	prometheus_go(&out, view);
	prometheus_tasks(&out, view);
	prometheus_groups(&out, view);
	prometheus_one(&out, "coreleaks_stack_bytes", "Stack in use by all tasks of the core.",
		       view->stack_size);
	prometheus_oldest(&out, view);
	prometheus_findings(&out, job);
	prometheus_one(&out, "coreleaks_finished_threads",
		       "Threads that have finished and were never joined.",
		       view->num_finished_threads);
	prometheus_family(&out, "coreleaks_hidden_tasks", "Tasks that the report leaves out.");
	for (uint32_t i = 0; i < view->hidden_by.num; i++) {
		text_add(&out, "coreleaks_hidden_tasks{by=\"");
		prometheus_label(&out, job, view->hidden_by.items[i].name);
		text_addf(&out, "\"} %" PRIu64 "\n", view->hidden_by.items[i].num_tasks);
	}
	prometheus_one(&out, "coreleaks_incomplete",
		       "1 when the core could not be analysed completely.", !view->core->complete);
	return out;
}
