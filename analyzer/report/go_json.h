/* go_json.h - the report's "go" object. */
#ifndef CORELEAKS_REPORT_GO_JSON_H
#define CORELEAKS_REPORT_GO_JSON_H

#include "coreleaks.h"
#include "report/json_out.h"

/* go: NULL for a program without Go. */
void go_json_add(struct json_out *json, const struct coreleaks_go *go);

#endif
