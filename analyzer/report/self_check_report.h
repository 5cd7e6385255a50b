/* self_check_report.h - what unwinding the stacks a second time has shown, in JSON and in text. */
#ifndef CORELEAKS_REPORT_SELF_CHECK_REPORT_H
#define CORELEAKS_REPORT_SELF_CHECK_REPORT_H

#include "report/json_out.h"
#include "report/screen.h"
#include "report/write.h"

/* Writes null where it was not asked for. */
void self_check_report_json(struct json_out *json, const struct coreleaks_self_check *check);
/* Writes nothing then. The disagreements themselves are gaps. */
void self_check_report_text(struct screen *screen, const struct write_job *job);

#endif
