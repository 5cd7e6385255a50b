#include "report/text_findings.h"

#include "report/wait_chain.h"
#include "report/wait_words.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_HEADS = 3, MAX_CIRCLE_LINES = 6 };

void text_findings_line(struct screen *screen, uint32_t indent, enum style style, const char *text)
{
	if (indent > 0)
		screen_pad(screen, indent);
	screen->indent = indent + 2;
	screen_words(screen, style, text);
	screen_end_line(screen);
}

static void write_caveats(struct screen *screen, const struct write_job *job,
			  const struct coreleaks_finding *finding)
{
	for (uint32_t i = 0; i < finding->num_caveats; i++)
		text_findings_line(screen, 2, STYLE_YELLOW,
				   arena_format(job->arena, "not proved: %s", finding->caveats[i]));
}

static void write_hint(struct screen *screen, const struct write_job *job,
		       const struct coreleaks_finding *finding)
{
	if (finding->hint != NULL)
		text_findings_line(screen, 2, STYLE_DIM,
				   arena_format(job->arena, "hint: %s", finding->hint));
}

void text_findings_all(struct screen *screen, const struct write_job *job,
		       const struct coreleaks_finding *finding)
{
	text_findings_line(screen, 0, words_verdict_style(finding->certainty),
			   arena_format(job->arena, "%s: %s (%s)",
					words_verdict(finding->certainty), finding->title,
					finding->rule));
	for (uint32_t i = 0; i < finding->num_evidence; i++) {
		const struct coreleaks_evidence *evidence = &finding->evidence[i];
		const char *addr = arena_format(job->arena, "0x%" PRIx64, evidence->addr);
		bool said = evidence->addr == 0 || strstr(evidence->what, addr) != NULL;
		text_findings_line(
			screen, 2, STYLE_PLAIN,
			said ? evidence->what
			     : arena_format(job->arena, "%s (at %s)", evidence->what, addr));
	}
	write_caveats(screen, job, finding);
	write_hint(screen, job, finding);
}

void text_findings_kept(struct screen *screen, const struct write_job *job,
			const struct coreleaks_wait *wait)
{
	for (uint32_t i = 0; i < wait->num_kept_by; i++) {
		const struct coreleaks_evidence *kept = &wait->kept_by[i];
		text_findings_line(screen, 2, STYLE_PLAIN,
				   kept->addr == 0
					   ? kept->what
					   : arena_format(job->arena, "%s (at 0x%" PRIx64 ")",
							  kept->what, kept->addr));
	}
}

static bool is_rule(const struct coreleaks_finding *finding, const char *rule)
{
	return strcmp(finding->rule, rule) == 0;
}

/* A circle, a lock whose owner has ended, or what nobody can reach. */
static bool is_root(const struct coreleaks_finding *finding)
{
	return is_rule(finding, "deadlock-cycle") || is_rule(finding, "self-deadlock") ||
	       is_rule(finding, "abandoned-lock") || is_rule(finding, "unreachable-wait");
}

/* Of each task the first root that it is a member of; UINT32_MAX: of none. */
static uint32_t *roots_of_tasks(struct arena *arena, const struct report_view *view)
{
	uint32_t *roots = arena_alloc_array(arena, view->num_tasks, sizeof(*roots));
	memset(roots, 0xff, view->num_tasks * sizeof(*roots));
	for (uint32_t i = view->num_findings; i-- > 0;)
		for (uint32_t k = 0; is_root(view->findings[i]) && k < view->findings[i]->num_tasks;
		     k++)
			roots[view->findings[i]->tasks[k]] = i;
	return roots;
}

/* The root that the members of a stuck-behind wait for in the end; UINT32_MAX: none. */
static uint32_t root_of(const struct report_view *view, const uint32_t *roots,
			const struct coreleaks_finding *finding)
{
	if (finding->num_tasks == 0)
		return UINT32_MAX;
	int32_t task = (int32_t)finding->tasks[0];
	for (uint32_t steps = 0; task >= 0 && steps <= view->num_tasks; steps++) {
		if (roots[task] != UINT32_MAX)
			return roots[task];
		task = view_wait(view, (uint32_t)task)->holder_task;
	}
	return UINT32_MAX;
}

/* Who waits for what, held by whom. */
static void write_root(struct screen *screen, const struct write_job *job,
		       const struct coreleaks_finding *root, bool with_title)
{
	const struct report_view *view = job->view;
	bool circle = !is_rule(root, "abandoned-lock") && !is_rule(root, "unreachable-wait");
	if (with_title && !circle) {
		text_findings_line(screen, 2, STYLE_PLAIN, root->title);
		return;
	}
	for (uint32_t i = 0; i < root->num_tasks && circle; i++) {
		if (i + 1 == MAX_CIRCLE_LINES && root->num_tasks > MAX_CIRCLE_LINES) {
			text_findings_line(screen, 2, STYLE_PLAIN,
					   arena_format(job->arena,
							"and so on: %" PRIu32
							" threads in a circle",
							root->num_tasks));
			return;
		}
		text_findings_line(screen, 2, STYLE_PLAIN,
				   arena_format(job->arena, "thread %" PRId64 " %s",
						view_task(view, root->tasks[i])->id,
						wait_words_edge(job->arena, view, root->tasks[i])));
	}
}

static void write_title(struct screen *screen, const struct write_job *job,
			const struct coreleaks_finding *finding)
{
	screen->indent = 2;
	screen_putf(screen, words_verdict_style(finding->certainty),
		    "%s: ", words_verdict(finding->certainty));
	screen_words(
		screen, finding->certainty == CORELEAKS_VERDICT_PROVED ? STYLE_RED : STYLE_BOLD,
		finding->allowed ? arena_format(job->arena, "%s (in the baseline)", finding->title)
				 : finding->title);
	screen_end_line(screen);
	write_caveats(screen, job, finding);
}

bool text_findings_heads(const struct report_view *view, const struct coreleaks_finding *finding)
{
	return (is_root(finding) || is_rule(finding, "stuck-behind")) &&
	       !view_finding_is_hidden(view, finding);
}

bool text_findings_head(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	uint32_t num_written = 0, num_left_out = 0, first = 0;
	bool *done = arena_alloc_array(job->arena, (size_t)view->num_findings + 1, sizeof(*done));
	while (first < view->num_findings && view_finding_is_hidden(view, view->findings[first]))
		first++;
	if (first == view->num_findings || !text_findings_heads(view, view->findings[first]))
		return false;
	const uint32_t *roots = roots_of_tasks(job->arena, view);
	for (uint32_t i = first; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		if (done[i] || !text_findings_heads(view, finding))
			continue;
		uint32_t root = is_root(finding) ? i : root_of(view, roots, finding);
		if (root != UINT32_MAX)
			done[root] = true;
		if (num_written == MAX_HEADS && job->options->verbose == 0) {
			num_left_out++;
			continue;
		}
		num_written++;
		write_title(screen, job, finding);
		if (root != UINT32_MAX)
			write_root(screen, job, view->findings[root], root != i);
	}
	if (num_left_out > 0)
		text_findings_line(screen, 0, STYLE_BOLD,
				   arena_format(job->arena, "and %" PRIu32 " more; -v lists them",
						num_left_out));
	return true;
}
