/* text_tail.h - the end of the text report: what was left out, hidden, and not to be read. */
#ifndef CORELEAKS_REPORT_TEXT_TAIL_H
#define CORELEAKS_REPORT_TEXT_TAIL_H

#include "report/screen.h"
#include "report/write.h"

/* num_printed: groups that stand above it. */
void text_tail(struct screen *screen, const struct write_job *job, uint32_t num_printed);

#endif
