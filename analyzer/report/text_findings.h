/* text_findings.h - findings on the screen: the root blocker that heads the report, and one with
 * all its evidence. */
#ifndef CORELEAKS_REPORT_TEXT_FINDINGS_H
#define CORELEAKS_REPORT_TEXT_FINDINGS_H

#include "report/screen.h"
#include "report/write.h"

/* One line of words, continued two columns further in. */
void text_findings_line(struct screen *screen, uint32_t indent, enum style style, const char *text);
/* Title, evidence and caveats. */
void text_findings_all(struct screen *screen, const struct write_job *job,
		       const struct coreleaks_finding *finding);
/* It is about locks and not hidden: its title says more than a count. */
bool text_findings_heads(const struct report_view *view, const struct coreleaks_finding *finding);
/* Who blocks the others, and the circle or lock at the root of it. False, and nothing is written,
 * unless the worst finding is about locks. */
bool text_findings_head(struct screen *screen, const struct write_job *job);

/* What keeps its object within reach, if the analysis was asked to explain. */
void text_findings_kept(struct screen *screen, const struct write_job *job,
			const struct coreleaks_wait *wait);

#endif
