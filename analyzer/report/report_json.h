/* report_json.h - the parts of the JSON report that `show` writes too. */
#ifndef CORELEAKS_REPORT_REPORT_JSON_H
#define CORELEAKS_REPORT_REPORT_JSON_H

#include "report/json_out.h"
#include "report/write.h"

/* Frames' sp and cfa: of one of the tasks that share the stack, so not always known. */
enum json_stack_addrs { STACK_ADDRS_ABSENT, STACK_ADDRS_UNKNOWN, STACK_ADDRS_KNOWN };

void report_json_frames(struct json_out *json, const struct coreleaks_stack *stack,
			enum json_stack_addrs addrs);
/* key: NULL in an array; otherwise the group stands alone, with its frames' addresses. */
void report_json_group(struct json_out *json, const char *key, const struct write_job *job,
		       const struct coreleaks_group *group);
void report_json_head(struct json_out *json);

#endif
