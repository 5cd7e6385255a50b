/* kept.h - goroutines that could still be woken, by what keeps what they wait for reachable. */
#ifndef CORELEAKS_REPORT_KEPT_H
#define CORELEAKS_REPORT_KEPT_H

#include "report/screen.h"
#include "report/json_out.h"
#include "report/write.h"

/* Lines for those that no goroutine which may go on will wake, as far as references tell: only a
 * variable, a timer or another such goroutine leads to them. None when there are none. */
void kept_text(struct screen *screen, const struct write_job *job);
/* "kept_by" of a group: counts, or null where nothing was searched. */
void kept_json(struct json_out *json, const struct write_job *job,
	       const struct coreleaks_group *group);

#endif
