#include "group/user_frame.h"
#include "report/candidate_words.h"
#include "report/go_wait_words.h"
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
					    "stuck-behind", "unreachable-wait"};
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
	struct shown_object shown = {.object = one->go != NULL ? wait_words_of_go(one->go)
							       : wait_words_of(view, one->task)};
	if (one->go != NULL)
		shown.waiters = wait_chain_goroutines(job->arena, view, one->go, -1,
						      &shown.object.num_waiters);
	else
		shown.waiters = wait_chain_waiters_at(job->arena, view, shown.object.addr,
						      shown.object.kind, &shown.object.num_waiters);
	shown.findings = arena_alloc_array(job->arena, (size_t)view->num_findings + 1,
					   sizeof(*shown.findings));
	for (uint32_t i = 0; i < view->num_findings; i++)
		if (involves(view->findings[i], &shown))
			shown.findings[shown.num_findings++] = view->findings[i];
	return shown;
}

/* verbs: "thread waits for it", "threads wait for it" */
static void write_waiters(struct screen *screen, const struct write_job *job,
			  const uint32_t *waiters, uint32_t num, const char *const verbs[2])
{
	struct text line;
	uint32_t max = job->options->members;
	text_init(&line, job->arena);
	text_addf(&line, "%s %s:", words_number(job->arena, num), verbs[num != 1]);
	for (uint32_t i = 0; i < num && i < max; i++)
		text_addf(&line, " %" PRId64, view_task(job->view, waiters[i])->id);
	if (num > max)
		text_addf(&line, " and %s more", words_number(job->arena, num - max));
	text_findings_line(screen, 0, STYLE_PLAIN, line.bytes);
}

/* How many of the waiters each group has. */
static void write_groups(struct screen *screen, const struct write_job *job,
			 const struct shown_object *shown)
{
	const struct report_view *view = job->view;
	bool *waits = arena_alloc_array(job->arena, view->num_tasks, sizeof(*waits));
	for (uint32_t i = 0; i < shown->object.num_waiters; i++)
		waits[shown->waiters[i]] = true;
	for (uint32_t i = 0; i < view->num_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		const struct coreleaks_frame *frame =
			user_frame_first(view_stack(view, group->stack_id));
		uint32_t num = 0;
		for (uint32_t k = 0; k < group->num_tasks; k++)
			num += waits[group->tasks[k]];
		if (num > 0)
			text_findings_line(screen, 2, STYLE_PLAIN,
					   arena_format(job->arena, "%s in %s: %s%s%s",
							words_number(job->arena, num), group->id,
							words_wait(group),
							frame != NULL ? " in " : "",
							frame != NULL && frame->function != NULL
								? frame->function
								: ""));
	}
}

/* Of those that stand on one side of a channel: what is known of others that did not get stuck. */
static void write_others(struct screen *screen, const struct write_job *job,
			 const uint32_t *waiters, uint32_t num)
{
	const struct coreleaks_creation *creation = view_alike(job->view, waiters[0])->creation;
	for (uint32_t i = 1; i < num; i++)
		if (view_alike(job->view, waiters[i])->creation != creation)
			return;
	if (creation != NULL && creation->num_ended > 0)
		text_findings_line(screen, 2, STYLE_PLAIN,
				   wait_words_creation(job->arena, creation));
}

static void write_goroutines(struct screen *screen, const struct write_job *job,
			     const struct shown_object *shown)
{
	static const char *const verbs[3][2] = {
		{"goroutine receives from it", "goroutines receive from it"},
		{"goroutine sends to it", "goroutines send to it"},
		{"goroutine waits for it", "goroutines wait for it"}};
	const struct coreleaks_go_object *go = shown->object.go;
	for (int side = 0; go->is_channel && side < 2; side++) {
		uint32_t num;
		const uint32_t *waiters =
			wait_chain_goroutines(job->arena, job->view, go, side, &num);
		if (num == 0)
			continue;
		write_waiters(screen, job, waiters, num, verbs[side]);
		write_others(screen, job, waiters, num);
	}
	if (!go->is_channel)
		write_waiters(screen, job, shown->waiters, shown->object.num_waiters, verbs[2]);
	write_groups(screen, job, shown);
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
	const char *circle = candidate_words_circle(job->arena, job->view, object);
	if (circle != NULL)
		text_findings_line(screen, 2, STYLE_RED, circle);
}

static void write_go_object(struct screen *screen, const struct write_job *job,
			    const struct shown_object *shown)
{
	const struct coreleaks_go_object *go = shown->object.go;
	const char *state = go_wait_words_state(job->arena, go);
	text_findings_line(screen, 0, STYLE_BOLD, go_wait_words_name(job->arena, go));
	if (state != NULL)
		text_findings_line(screen, 0, STYLE_PLAIN, state);
	write_goroutines(screen, job, shown);
	write_candidates(screen, job, &shown->object);
}

static void write_findings(struct screen *screen, const struct write_job *job,
			   const struct shown_object *shown)
{
	for (uint32_t i = 0; i < shown->num_findings; i++)
		text_findings_all(screen, job, shown->findings[i]);
	if (shown->num_findings == 0)
		text_findings_line(screen, 0, STYLE_PLAIN, "no finding involves it");
}

void show_object_text(struct screen *screen, const struct write_job *job, const struct one *one)
{
	const struct report_view *view = job->view;
	struct shown_object shown = find(job, one);
	const char *holder = wait_words_holder(job->arena, view, &shown.object);
	static const char *const verbs[2] = {"thread waits for it", "threads wait for it"};
	if (one->go != NULL) {
		write_go_object(screen, job, &shown);
		write_findings(screen, job, &shown);
		return;
	}
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
				     view_task(view, shown.object.holder_task)->id,
				     wait_words_task(job->arena, view,
						     (uint32_t)shown.object.holder_task)));
	if (shown.object.num_waiters > 0)
		text_findings_kept(screen, job, view_wait(view, shown.waiters[0]));
	write_waiters(screen, job, shown.waiters, shown.object.num_waiters, verbs);
	write_findings(screen, job, &shown);
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
					    view_task(view, shown.object.holder_task)->id,
					    wait_words_task(job->arena, view,
							    (uint32_t)shown.object.holder_task)),
			       0, NULL);
	show_json_candidates(json, job, &shown.object);
	if (shown.object.num_waiters > 0)
		show_json_kept(json, view_wait(view, shown.waiters[0]));
	for (uint32_t i = 0; i < shown.num_findings; i++)
		show_json_evidence(json, shown.findings[i]);
	json_out_end(json, ']');
	json_out_begin(json, "findings", '[', JSON_LINES);
	for (uint32_t i = 0; i < shown.num_findings; i++)
		report_json_finding(json, job, shown.findings[i]);
	json_out_end(json, ']');
}
