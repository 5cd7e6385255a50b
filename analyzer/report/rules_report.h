/* rules_report.h - what the ignore and allow rules did, as text and JSON. */
#ifndef CORELEAKS_REPORT_RULES_REPORT_H
#define CORELEAKS_REPORT_RULES_REPORT_H

#include "report/json_out.h"
#include "report/screen.h"
#include "report/write.h"

/* Lines about rules that are unused, expired, exceeded or too broad; under options->explain all
 * filters and rules with what they took. */
void rules_report_text(struct screen *screen, const struct write_job *job);
/* The user's rules, and the built-in ones that matched something. */
void rules_report_json(struct json_out *json, const struct report_view *view);

#endif
