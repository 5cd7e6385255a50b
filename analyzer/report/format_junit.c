#include "report/escape.h"
#include "report/headline.h"
#include "report/results.h"
#include "report/rules.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static void attribute(struct text *out, const char *name, const char *value)
{
	text_addf(out, " %s=\"", name);
	escape_xml(out, value);
	text_add(out, "\"");
}

static void property(struct text *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	text_add(out, "      <property");
	attribute(out, "name", name);
	attribute(out, "value", value);
	text_add(out, "/>\n");
}

static void properties(struct text *out, const struct write_job *job)
{
	const struct coreleaks_core *core = job->view->core;
	text_add(out, "    <properties>\n");
	property(out, "verdict", coreleaks_verdict_name(job->view->verdict));
	property(out, "executable", core->executable);
	property(out, "build-id", core->executable_build_id);
	property(out, "threads", words_number(job->arena, job->view->num_threads));
	property(out, "goroutines", words_number(job->arena, job->view->num_goroutines));
	property(out, "hidden", words_number(job->arena, job->view->num_hidden_tasks));
	text_add(out, "    </properties>\n");
}

/* The results of one rule: a case. */
struct rule_case {
	const char *rule;
	uint32_t num;	    /* findings */
	uint32_t num_fatal; /* of these: as bad as options->fail_on, or worse */
	const struct coreleaks_finding *worst;
};

struct rule_cases {
	struct rule_case *items;
	uint32_t num, capacity;
};

static bool is_fatal(const struct write_job *job, const struct coreleaks_finding *finding)
{
	return (int32_t)finding->certainty <= job->options->fail_on && !finding->allowed;
}

/* Every rule that the analysis knows of has a case, with findings or without. */
static struct rule_cases cases_of(const struct write_job *job, const struct results *results)
{
	struct rule_cases cases = {0};
	for (uint32_t i = 0; rules_row(i) != NULL; i++)
		if (rules_row(i)->checked)
			array_add(job->arena, &cases)->rule = rules_row(i)->name;
	for (uint32_t i = 0; i < results->num; i++) {
		const struct coreleaks_finding *finding = results->items[i].finding;
		uint32_t at = 0;
		while (at < cases.num && strcmp(cases.items[at].rule, finding->rule) != 0)
			at++;
		if (at == cases.num)
			array_add(job->arena, &cases)->rule = finding->rule;
		struct rule_case *of = &cases.items[at];
		of->num++;
		of->num_fatal += is_fatal(job, finding);
		if (of->worst == NULL || finding->certainty < of->worst->certainty)
			of->worst = finding;
	}
	return cases;
}

/* All findings of the rule, each with the stack of its first group. */
static void case_words(struct text *out, const struct write_job *job, struct results *results,
		       const char *rule)
{
	for (uint32_t i = 0; i < results->num; i++) {
		const struct result *result = &results->items[i];
		if (strcmp(result->finding->rule, rule) != 0)
			continue;
		escape_xml_lines(out, results_words(job, result->finding));
		escape_xml_lines(out, results_words_of_group(results, job, result));
	}
}

static void case_begin(struct text *out, const struct write_job *job, const char *name)
{
	text_add(out, "    <testcase");
	attribute(out, "classname", results_program(job->view));
	attribute(out, "name", name);
	text_add(out, " time=\"0\">");
}

static void add_case(struct document *doc, const struct write_job *job, struct results *results,
		     const struct rule_case *of)
{
	struct text *out = &doc->json.out;
	const char *element = of->num_fatal > 0 ? "failure" : "system-out";
	case_begin(out, job, of->rule);
	if (of->num > 0) {
		text_addf(out, "\n      <%s", element);
		if (of->num_fatal > 0) {
			attribute(out, "message",
				  of->num == 1
					  ? of->worst->title
					  : arena_format(job->arena, "%s; and %s more",
							 of->worst->title,
							 words_number(job->arena, of->num - 1)));
			attribute(out, "type", coreleaks_verdict_name(of->worst->certainty));
		}
		text_add(out, ">");
		case_words(out, job, results, of->rule);
		text_addf(out, "</%s>\n    ", element);
	}
	text_add(out, "</testcase>\n");
	write_flush(job, out);
}

/* A core that was not read wholly is no passed test. */
static uint32_t num_incomplete(const struct report_view *view)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < view->num_gaps; i++)
		num += view->gaps[i]->incomplete;
	return num;
}

static void add_completeness(struct document *doc, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct text *out = &doc->json.out;
	uint32_t num = num_incomplete(view);
	case_begin(out, job, "complete");
	if (num > 0) {
		text_add(out, "\n      <error message=\"the core could not be read completely\" "
			      "type=\"incomplete\">");
		for (uint32_t i = 0; i < view->num_gaps; i++) {
			if (!view->gaps[i]->incomplete)
				continue;
			escape_xml(out, view->gaps[i]->kind);
			text_add(out, ": ");
			escape_xml(out, view->gaps[i]->detail);
			text_add(out, "\n");
		}
		text_add(out, "</error>\n    ");
	}
	text_add(out, "</testcase>\n");
}

static void timestamp(struct text *out, const struct coreleaks_core *core)
{
	struct tm tm;
	time_t when = (time_t)core->captured_at;
	if (core->captured_at == INT64_MIN || gmtime_r(&when, &tm) == NULL || tm.tm_year < -900 ||
	    tm.tm_year > 8099)
		return;
	text_addf(out, " timestamp=\"%04d-%02d-%02dT%02d:%02d:%02d\"", tm.tm_year + 1900,
		  tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void format_junit_begin(struct document *doc, const struct write_job *job)
{
	(void)job;
	text_add(&doc->json.out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				 "<testsuites name=\"coreleaks\">\n");
}

/* A suite a core, a case a rule. */
void format_junit_core(struct document *doc, const struct write_job *job)
{
	struct text *out = &doc->json.out;
	struct results results;
	uint32_t num_failed = 0;
	results_build(&results, job, &doc->seen);
	struct rule_cases cases = cases_of(job, &results);
	for (uint32_t i = 0; i < cases.num; i++)
		num_failed += cases.items[i].num_fatal > 0;
	text_add(out, "  <testsuite");
	attribute(out, "name", job->view->core->path);
	text_addf(out,
		  " tests=\"%" PRIu32 "\" failures=\"%" PRIu32 "\" errors=\"%d\" skipped=\"0\"",
		  cases.num + 1, num_failed, num_incomplete(job->view) > 0);
	text_add(out, " time=\"0\"");
	timestamp(out, job->view->core);
	text_add(out, ">\n");
	properties(out, job);
	add_completeness(doc, job);
	for (uint32_t i = 0; i < cases.num; i++)
		add_case(doc, job, &results, &cases.items[i]);
	text_add(out, "    <system-out>");
	escape_xml(out, *headline_word(job->view) != '\0'
				? arena_format(job->arena, "%s: %s", headline_word(job->view),
					       headline_text(job))
				: headline_text(job));
	text_add(out, "</system-out>\n  </testsuite>\n");
	doc->num_cores++;
}

void format_junit_end(struct document *doc, const struct write_job *job)
{
	(void)job;
	text_add(&doc->json.out, "</testsuites>\n");
}
