#include "group/rules.h"
#include "group/user_frame.h"
#include "report/blocking.h"
#include "report/escape.h"
#include "report/go_words.h"
#include "report/headline.h"
#include "report/html.h"
#include "report/page.h"
#include "report/results.h"
#include "report/rules.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

/* A page of 2 MB opens at once on a phone. */
enum { GROUPS_SIZE = 1000 * 1000, FINDINGS_SIZE = 300 * 1000, MAX_GAPS = 200 };

static void fact(struct text *out, const char *name, const char *value)
{
	text_add(out, "<div>");
	html_element(out, "dt", "", name);
	html_element(out, "dd", "", value);
	text_add(out, "</div>");
}

static void facts(struct text *out, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct arena *arena = job->arena;
	text_add(out, "<dl class=\"facts\">");
	if (view->num_goroutines > 0)
		fact(out, "goroutines", words_number(arena, view->num_goroutines));
	fact(out, "threads", words_number(arena, view->num_threads));
	fact(out, "groups", words_number(arena, view->num_shown_groups));
	fact(out, "hidden tasks", words_number(arena, view->num_hidden_tasks));
	if (view->num_finished_threads > 0)
		fact(out, "finished, not joined", words_number(arena, view->num_finished_threads));
	if (view->stack_size > 0)
		fact(out, "stacks in use", words_size(arena, view->stack_size));
	if (view->stack_reserved_size > 0)
		fact(out, "stacks reserved", words_size(arena, view->stack_reserved_size));
	fact(out, "gaps", words_number(arena, view->num_gaps));
	text_add(out, "</dl>\n");
}

/* What the core is, in one line. */
static void core_line(struct text *out, const struct write_job *job)
{
	const struct coreleaks_core *core = job->view->core;
	const char *time = words_time(job->arena, core->captured_at);
	text_add(out, "<p class=\"dim\">");
	html_element(out, "code", "", core->path);
	if (core->command != NULL) {
		text_add(out, " · ");
		escape_xml(out, core->command);
	}
	if (core->pid != 0)
		text_addf(out, " · pid %" PRId64, core->pid);
	if (core->signal != 0)
		text_addf(out, " · %s", words_signal(job->arena, core->signal));
	text_addf(out, " · %s", words_size(job->arena, core->size));
	if (core->dumper != NULL) {
		text_add(out, " · by ");
		escape_xml(out, core->dumper);
	}
	if (time != NULL)
		text_addf(out, " · %s", time);
	text_addf(out, " · %s</p>\n", core->complete ? "complete" : "<strong>INCOMPLETE</strong>");
	const char *go = go_words_program(job->arena, job->view->go, "·");
	if (go != NULL)
		html_element(out, "p", " class=\"dim\"", go);
}

static const char *class_of(const struct report_view *view)
{
	if (view->verdict < CORELEAKS_VERDICT_UNKNOWN)
		return coreleaks_verdict_name(view->verdict);
	return view->core->complete ? "clean" : "incomplete";
}

static void head(struct text *out, const struct write_job *job)
{
	const char *word = headline_word(job->view);
	text_addf(out, "<header class=\"%s\">\n", class_of(job->view));
	if (*word != '\0')
		text_addf(out, "<span class=\"badge %s\">%s</span>", class_of(job->view), word);
	html_element(out, "h1", "", headline_text(job));
	core_line(out, job);
	facts(out, job);
	text_add(out, "</header>\n");
}

static void evidence(struct text *out, const struct write_job *job,
		     const struct coreleaks_finding *finding, bool open)
{
	if (finding->num_evidence == 0 && finding->num_caveats == 0)
		return;
	text_addf(out, "<details%s><summary>evidence: %s</summary><ul>", open ? " open" : "",
		  words_number(job->arena, finding->num_evidence + (uint64_t)finding->num_caveats));
	for (uint32_t i = 0; i < finding->num_evidence; i++)
		html_element(out, "li", "", finding->evidence[i].what);
	for (uint32_t i = 0; i < finding->num_caveats; i++)
		html_element(out, "li", "",
			     arena_format(job->arena, "not proved: %s", finding->caveats[i]));
	text_add(out, "</ul></details>");
}

static void finding(struct text *out, const struct write_job *job, const struct result *result,
		    uint32_t core, bool open)
{
	const struct coreleaks_finding *of = result->finding;
	const char *certainty = coreleaks_verdict_name(of->certainty);
	uint32_t rule = rules_find(of->rule);
	text_addf(out, "<div class=\"finding %s\"><h3><span class=\"badge %s\">%s</span>",
		  certainty, certainty, words_verdict(of->certainty));
	escape_xml(out, of->title);
	text_add(out, of->allowed ? " (in the baseline)" : "");
	text_add(out, "</h3>\n<p>");
	if (result->frame != NULL)
		html_frame(out, job, result->frame, "dim");
	if (result->group != NULL) {
		uint32_t index = result->group_index + 1;
		text_addf(out, " <a href=\"#c%" PRIu32 "g%" PRIu32 "\">group #%" PRIu32 "</a>",
			  core, index, index);
	}
	text_add(out, "</p>\n");
	evidence(out, job, of, open);
	text_add(out, "<p class=\"dim\">");
	escape_xml(out, of->rule);
	if (rule != UINT32_MAX) {
		text_add(out, ": ");
		escape_xml(out, rules_row(rule)->help);
	}
	text_add(out, "</p></div>\n");
}

static void findings(struct document *doc, const struct write_job *job)
{
	enum { OPEN_ONES = 3 };
	struct text *out = &doc->json.out;
	struct results results;
	size_t start = out->size;
	uint32_t num = 0;
	results_build(&results, job, &doc->seen);
	if (results.num == 0 && job->view->num_blockers == 0)
		return;
	text_add(out, "<section>\n<h2>Findings</h2>\n");
	if (results.num == 0)
		text_add(out, "<p>None.</p>\n");
	for (; num < results.num && out->size - start < FINDINGS_SIZE; num++)
		finding(out, job, &results.items[num], doc->num_cores, num < OPEN_ONES);
	if (num < results.num)
		text_addf(out,
			  "<p><strong>%s more findings</strong> are left out to keep this page "
			  "small; --format json has all.</p>\n",
			  words_number(job->arena, results.num - num));
	uint32_t num_blockers = 0;
	for (uint32_t i = 0; i < job->view->num_blockers && num_blockers < 5; i++) {
		const struct coreleaks_blocker *blocker = job->view->blockers[i];
		if (view_blocker_is_hidden(job->view, blocker) || blocker->num_blocked < 2)
			continue;
		if (num_blockers++ == 0)
			text_add(out, "<p class=\"dim\">Keeping others waiting, though they may go "
				      "on:</p><ul>");
		html_element(out, "li", "", blocking_title(job->arena, job->view, blocker));
	}
	text_add(out, num_blockers > 0 ? "</ul>\n" : "");
	text_add(out, "</section>\n");
}

/* What was left out and what could not be read. */
static void rest(struct text *out, const struct write_job *job)
{
	const struct report_view *view = job->view;
	uint32_t num = view->num_gaps < MAX_GAPS ? view->num_gaps : MAX_GAPS;
	if (view->hidden_by.num == 0 && view->num_gaps == 0)
		return;
	text_add(out, "<section>\n<h2>Left out, and not read</h2>\n<ul>\n");
	for (uint32_t i = 0; i < view->hidden_by.num; i++) {
		const struct view_count *count = &view->hidden_by.items[i];
		const char *by = is_rule_set(count->name) ? "rule " : "";
		html_element(out, "li", "",
			     arena_format(job->arena, "%s %s hidden by %s%s",
					  words_number(job->arena, count->num_tasks),
					  view_noun(view, count->num_tasks), by, count->name));
	}
	for (uint32_t i = 0; i < num; i++) {
		const struct coreleaks_gap *gap = view->gaps[i];
		text_add(out, gap->incomplete
				      ? "<li><span class=\"badge incomplete\">incomplete</span> "
				      : "<li>");
		escape_xml(out, gap->kind);
		text_add(out, ": ");
		escape_xml(out, gap->detail);
		if (gap->count > 1)
			text_addf(out, " (%s times)", words_number(job->arena, gap->count));
		text_add(out, "</li>\n");
	}
	if (num < view->num_gaps)
		text_addf(out, "<li>%s more gaps; --format json has all</li>\n",
			  words_number(job->arena, view->num_gaps - num));
	text_add(out, "</ul></section>\n");
}

void format_html_begin(struct document *doc, const struct write_job *job)
{
	const char *title = "coreleaks report";
	if (job->view != NULL)
		title = arena_format(job->arena, "%s%s%s - coreleaks", headline_word(job->view),
				     *headline_word(job->view) != '\0' ? ": " : "",
				     user_frame_file_name(job->view->core->path));
	page_begin(&doc->json.out, title);
}

void format_html_core(struct document *doc, const struct write_job *job)
{
	struct text *out = &doc->json.out;
	text_addf(out, "<main id=\"c%" PRIu32 "\">\n", doc->num_cores);
	head(out, job);
	findings(doc, job);
	html_waits(out, job, doc->num_cores);
	write_flush(job, out);
	html_groups(out, job, doc->num_cores, GROUPS_SIZE);
	html_flame(out, job);
	rest(out, job);
	text_add(out, "</main>\n");
	write_flush(job, out);
	doc->num_cores++;
}

void format_html_end(struct document *doc, const struct write_job *job)
{
	(void)job;
	text_add(&doc->json.out, "<footer>Written by coreleaks " CORELEAKS_VERSION
				 ". This page loads nothing from elsewhere.</footer>\n");
	page_end(&doc->json.out);
}
