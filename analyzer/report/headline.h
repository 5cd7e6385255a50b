/* headline.h - the verdict on a whole core in one sentence, as every report begins. */
#ifndef CORELEAKS_REPORT_HEADLINE_H
#define CORELEAKS_REPORT_HEADLINE_H

#include "report/write.h"

/* The first finding about groups that is not hidden; NULL: there is none. */
const struct coreleaks_finding *headline_finding(const struct report_view *view);
/* What the groups with the strongest verdict come to; there has to be a finding. */
const char *headline_claim(const struct write_job *job);
/* What to say when there is no finding. Never that all is well. */
const char *headline_no_claim(const struct write_job *job);
/* ", the largest of 3": what stands behind a number of groups. */
const char *headline_largest(struct arena *arena, uint32_t num_groups, uint32_t largest);
/* "PROVED", "INCOMPLETE" …, or "" for no finding in a complete core. */
const char *headline_word(const struct report_view *view);
/* What stands behind the word: the worst finding's title when it is about locks, else one of the
 * two claims. */
const char *headline_text(const struct write_job *job);

#endif
