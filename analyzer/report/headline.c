#include "report/headline.h"

#include "report/text_findings.h"
#include "report/words.h"

#include <inttypes.h>

const struct coreleaks_finding *headline_finding(const struct report_view *view)
{
	for (uint32_t i = 0; i < view->num_findings; i++) {
		if (!view_finding_is_hidden(view, view->findings[i]) &&
		    view->findings[i]->num_groups > 0)
			return view->findings[i];
	}
	return NULL;
}

const char *headline_claim(const struct write_job *job)
{
	const struct report_view *view = job->view;
	const struct coreleaks_finding *finding = headline_finding(view);
	uint64_t total = view->num_threads + view->num_goroutines;
	if (finding == NULL) { /* about the process as a whole */
		for (uint32_t i = 0; i < view->num_findings; i++)
			if (view->findings[i]->num_groups == 0)
				return view->findings[i]->title;
		return "";
	}
	uint64_t num_tasks = view->tasks_by_verdict[view->verdict];
	uint32_t num_groups = 0;
	for (uint32_t i = 0; i < view->num_shown_groups; i++)
		num_groups +=
			view->groups[i]->verdict == view->verdict && view->groups[i]->num_tasks > 0;
	if (finding->num_tasks == 0) /* of finished threads, which are none of the total */
		return finding->title;
	if (num_groups <= 1)
		return arena_format(job->arena, "%s (%s of all %s)", finding->title,
				    words_share(job->arena, finding->num_tasks, total),
				    words_number(job->arena, total));
	return arena_format(job->arena, "%s of %s %s (%s) in %" PRIu32 " groups; largest: %s",
			    words_number(job->arena, num_tasks), words_number(job->arena, total),
			    view_noun(view, total), words_share(job->arena, num_tasks, total),
			    num_groups, finding->title);
}

const char *headline_largest(struct arena *arena, uint32_t num_groups, uint32_t largest)
{
	if (num_groups <= 1)
		return "";
	return largest <= 1
		       ? ", no two alike"
		       : arena_format(arena, ", the largest of %s", words_number(arena, largest));
}

const char *headline_no_claim(const struct write_job *job)
{
	const struct report_view *view = job->view;
	uint64_t total = view->num_threads + view->num_goroutines;
	if (total == 0)
		return "nothing to judge: the core holds no thread's registers";
	if (view->num_shown_groups == 0)
		return arena_format(job->arena, "nothing to judge: all %s %s are hidden",
				    words_number(job->arena, total), view_noun(view, total));
	uint32_t largest = 0;
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		if (view->groups[i]->num_tasks > largest)
			largest = view->groups[i]->num_tasks;
	}
	return arena_format(job->arena, "nothing suspicious%s: %s %s in %" PRIu32 " %s%s",
			    view->core->complete ? "" : " in what could be read",
			    words_number(job->arena, view->num_shown_tasks),
			    view_noun(view, view->num_shown_tasks), view->num_shown_groups,
			    view->num_shown_groups == 1 ? "group" : "groups",
			    headline_largest(job->arena, view->num_shown_groups, largest));
}

const char *headline_word(const struct report_view *view)
{
	if (view->verdict < CORELEAKS_VERDICT_UNKNOWN)
		return words_verdict(view->verdict);
	return view->core->complete ? "" : "INCOMPLETE";
}

const char *headline_text(const struct write_job *job)
{
	const struct report_view *view = job->view;
	const struct coreleaks_finding *finding = headline_finding(view);
	if (view->verdict >= CORELEAKS_VERDICT_UNKNOWN)
		return headline_no_claim(job);
	if (finding != NULL && text_findings_heads(view, finding))
		return finding->title;
	return headline_claim(job);
}
