/* go_census.h - the channels and locks that goroutines wait for, counted over all groups: what no
 * single group tells. */
#ifndef CORELEAKS_REPORT_GO_CENSUS_H
#define CORELEAKS_REPORT_GO_CENSUS_H

#include "report/screen.h"
#include "report/write.h"

/* Writes nothing where each object's waiters stand in one group, or there is no Go program. */
void go_census_text(struct screen *screen, const struct write_job *job);

#endif
