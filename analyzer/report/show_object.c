#include "report/candidate_words.h"
#include "report/report_json.h"
#include "report/text_findings.h"
#include "report/wait_chain.h"
#include "report/wait_words.h"
#include "report/waits_json.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

/* An object, those who wait for it, and the findings that involve it. */
struct shown_object {
	struct coreleaks_object object;
	uint32_t *waiters;
	const struct coreleaks_finding **findings;
	uint32_t num_findings;
};

/* Its evidence names the object, or it is about locks and one of the waiters. */
static bool involves(const struct coreleaks_finding *finding, const struct shown_object *shown)
{
	static const char *const rules[] = {"deadlock-cycle", "self-deadlock", "abandoned-lock",
					    "stuck-behind"};
	bool about_locks = false;
	for (uint32_t i = 0; i < finding->num_evidence; i++)
		if (finding->evidence[i].addr == shown->object.addr && shown->object.addr != 0)
			return true;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		about_locks |= strcmp(finding->rule, rules[i]) == 0;
	for (uint32_t i = 0; about_locks && i < shown->object.num_waiters; i++)
		if (wait_chain_names(finding, shown->waiters[i]))
			return true;
	return false;
}

static struct shown_object find(const struct write_job *job, const struct one *one)
{
	const struct report_view *view = job->view;
	struct shown_object shown = {.object = wait_words_of(view, one->task)};
	shown.waiters = wait_chain_waiters_at(job->arena, view, shown.object.addr,
					      shown.object.kind, &shown.object.num_waiters);
	shown.findings = arena_alloc_array(job->arena, (size_t)view->num_findings + 1,
					   sizeof(*shown.findings));
	for (uint32_t i = 0; i < view->num_findings; i++)
		if (involves(view->findings[i], &shown))
			shown.findings[shown.num_findings++] = view->findings[i];
	return shown;
}

static void write_waiters(struct screen *screen, const struct write_job *job,
			  const struct shown_object *shown)
{
	struct text line;
	uint32_t max = job->options->members, num = shown->object.num_waiters;
	text_init(&line, job->arena);
	text_addf(&line, "%s %s for it:", words_number(job->arena, num),
		  num == 1 ? "thread waits" : "threads wait");
	for (uint32_t i = 0; i < num && i < max; i++)
		text_addf(&line, " %" PRId64, job->view->tasks[shown->waiters[i]]->id);
	if (num > max)
		text_addf(&line, " and %s more", words_number(job->arena, num - max));
	text_findings_line(screen, 0, STYLE_PLAIN, line.bytes);
}

static void write_candidates(struct screen *screen, const struct write_job *job,
			     const struct coreleaks_object *object)
{
	const char *summary = candidate_words_object(job->arena, job->view, object, false);
	const char *note = candidate_words_note(job->arena, object);
	text_findings_line(screen, 0, STYLE_PLAIN,
			   summary != NULL ? summary : "it does not say who holds it");
	for (uint32_t i = 0; i < object->num_candidates; i++)
		text_findings_line(
			screen, 2, STYLE_PLAIN,
			candidate_words_one(job->arena, job->view, &object->candidates[i]));
	if (note != NULL)
		text_findings_line(screen, 2, STYLE_DIM, note);
}

void show_object_text(struct screen *screen, const struct write_job *job, const struct one *one)
{
	const struct report_view *view = job->view;
	struct shown_object shown = find(job, one);
	const char *holder = wait_words_holder(job->arena, view, &shown.object);
	text_findings_line(screen, 0, STYLE_BOLD, wait_words_object(job->arena, &shown.object));
	if (one->num_other_kinds > 0)
		text_findings_line(screen, 0, STYLE_YELLOW,
				   arena_format(job->arena,
						"%s more wait for something else at this address",
						words_number(job->arena, one->num_other_kinds)));
	if (holder != NULL)
		text_findings_line(screen, 0, STYLE_PLAIN, holder);
	else
		write_candidates(screen, job, &shown.object);
	if (shown.object.holder_task >= 0)
		text_findings_line(
			screen, 2, STYLE_PLAIN,
			arena_format(job->arena, "thread %" PRId64 " %s",
				     view->tasks[shown.object.holder_task]->id,
				     wait_words_task(job->arena, view,
						     (uint32_t)shown.object.holder_task)));
	write_waiters(screen, job, &shown);
	for (uint32_t i = 0; i < shown.num_findings; i++)
		text_findings_all(screen, job, shown.findings[i]);
	if (shown.num_findings == 0)
		text_findings_line(screen, 0, STYLE_PLAIN, "no finding involves it");
}

void show_object_json(struct json_out *json, const struct write_job *job, const struct one *one)
{
	const struct report_view *view = job->view;
	struct shown_object shown = find(job, one);
	waits_json_object(json, "object", view, &shown.object);
	show_json_waiters(json, job, shown.waiters, shown.object.num_waiters);
	json_out_begin(json, "why", '[', JSON_LINES);
	if (shown.object.holder_task >= 0)
		show_json_what(json,
			       arena_format(job->arena, "thread %" PRId64 " %s",
					    view->tasks[shown.object.holder_task]->id,
					    wait_words_task(job->arena, view,
							    (uint32_t)shown.object.holder_task)),
			       0, NULL);
	show_json_candidates(json, job, &shown.object);
	for (uint32_t i = 0; i < shown.num_findings; i++)
		show_json_evidence(json, shown.findings[i]);
	json_out_end(json, ']');
	json_out_begin(json, "findings", '[', JSON_LINES);
	for (uint32_t i = 0; i < shown.num_findings; i++)
		report_json_finding(json, job, shown.findings[i]);
	json_out_end(json, ']');
}
