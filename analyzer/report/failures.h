/* failures.h - what a dump that could not be analysed adds to a document of many. */
#ifndef CORELEAKS_REPORT_FAILURES_H
#define CORELEAKS_REPORT_FAILURES_H

#include "report/json_out.h"

/* why: one line. */
void format_ndjson_failure(struct json_out *json, const char *name, const char *why);
void format_gitlab_failure(struct json_out *json, const char *name, const char *why);
void format_sarif_failure(struct json_out *json, const char *name, const char *why);

#endif
