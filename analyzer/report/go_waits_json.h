/* go_waits_json.h - JSON of what goroutines wait on. */
#ifndef CORELEAKS_REPORT_GO_WAITS_JSON_H
#define CORELEAKS_REPORT_GO_WAITS_JSON_H

#include "report/json_out.h"
#include "report/write.h"

/* The fields of an object's "detail", inside it. */
void go_waits_json_detail(struct json_out *json, const struct coreleaks_go_object *object);
/* What one goroutine waits on: "object", "direction", "cases" …, inside an open object. */
void go_waits_json_wait(struct json_out *json, const struct coreleaks_wait *wait);

#endif
