/* report_json.h - the parts of the JSON report that `show` writes too, and parts of that. */
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
/* The inside of a group, a finding, a gap. alone: with its frames' addresses. */
void report_json_group_fields(struct json_out *json, const struct write_job *job,
			      const struct coreleaks_group *group, bool alone);
void report_json_finding_fields(struct json_out *json, const struct write_job *job,
				const struct coreleaks_finding *finding);
void report_json_gap_fields(struct json_out *json, const struct coreleaks_gap *gap);
void report_json_head(struct json_out *json, const struct write_job *job);
/* "core", "go" and "summary". */
void report_json_whole(struct json_out *json, const struct report_view *view);
void report_json_finding(struct json_out *json, const struct write_job *job,
			 const struct coreleaks_finding *finding);
/* An element of "why". addr 0, rule NULL: none. */
void show_json_what(struct json_out *json, const char *what, uint64_t addr, const char *rule);
void show_json_kept(struct json_out *json, const struct coreleaks_wait *wait);
void show_json_evidence(struct json_out *json, const struct coreleaks_finding *finding);
/* Who may hold what does not record its holder. */
void show_json_candidates(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_object *object);
void show_json_waiters(struct json_out *json, const struct write_job *job, const uint32_t *waiters,
		       uint32_t num);

#endif
