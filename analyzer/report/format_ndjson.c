#include "report/blocking.h"
#include "report/failures.h"
#include "report/report_json.h"

/* One line. What is inside an inline object is in its line too. */
static void line_begin(struct document *doc, const struct write_job *job, const char *type)
{
	doc->json.has_items = false; /* lines are no elements: no comma */
	json_out_begin(&doc->json, NULL, '{', JSON_INLINE);
	json_out_text(&doc->json, "type", type);
	json_out_text(&doc->json, "in", job->view->core->path);
}

static void line_end(struct document *doc, const struct write_job *job)
{
	json_out_end(&doc->json, '}');
	write_flush(job, &doc->json.out);
}

void format_ndjson_failure(struct json_out *json, const char *name, const char *why)
{
	json->has_items = false;
	json_out_begin(json, NULL, '{', JSON_INLINE);
	json_out_text(json, "type", "failure");
	json_out_text(json, "in", name);
	json_out_text(json, "detail", why);
	json_out_end(json, '}');
}

void format_ndjson_begin(struct document *doc, const struct write_job *job)
{
	(void)doc;
	(void)job;
}

/* The head first, then what the report is made of, in its order. */
void format_ndjson_core(struct document *doc, const struct write_job *job)
{
	const struct report_view *view = job->view;
	const char **group_ids = view_group_ids(view, job->arena);
	line_begin(doc, job, "head");
	report_json_head(&doc->json, job);
	report_json_whole(&doc->json, view);
	line_end(doc, job);
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		line_begin(doc, job, "group");
		report_json_group_fields(&doc->json, job, view->groups[i], false);
		line_end(doc, job);
	}
	for (uint32_t i = 0; i < view->num_findings; i++) {
		line_begin(doc, job, "finding");
		report_json_finding_fields(&doc->json, job, view->findings[i]);
		line_end(doc, job);
	}
	for (uint32_t i = 0; i < view->num_blockers; i++) {
		line_begin(doc, job, "blocker");
		blocking_json_fields(&doc->json, job, view->blockers[i], group_ids);
		line_end(doc, job);
	}
	for (uint32_t i = 0; i < view->num_gaps; i++) {
		line_begin(doc, job, "gap");
		report_json_gap_fields(&doc->json, view->gaps[i]);
		line_end(doc, job);
	}
	doc->num_cores++;
}

void format_ndjson_end(struct document *doc, const struct write_job *job)
{
	(void)doc;
	(void)job;
}
