/* waits_json.h - JSON of what tasks wait for: objects, holders, timeouts, finished threads. */
#ifndef CORELEAKS_REPORT_WAITS_JSON_H
#define CORELEAKS_REPORT_WAITS_JSON_H

#include "report/json_out.h"
#include "report/write.h"

/* An element of a group's "objects" (key NULL), or an object that stands alone. */
void waits_json_object(struct json_out *json, const char *key, const struct report_view *view,
		       const struct coreleaks_object *object);
/* The fields of one task's wait, inside an open object. */
void waits_json_wait(struct json_out *json, const struct report_view *view, uint32_t task);
/* "interrupted": what members did before signals came whose handlers they are in, or null. */
void waits_json_interrupted(struct json_out *json, const struct write_job *job,
			    const struct coreleaks_group *group);
/* "created_by" and "created_by_places"; NULL: unknown. */
void waits_json_creation(struct json_out *json, const struct coreleaks_creation *creation);
/* "registers": pc, sp and bp. */
void waits_json_registers(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_task *task);
/* What a goroutine has besides, its registers too, inside an open object. */
void waits_json_goroutine(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_task *task, const struct coreleaks_wait *wait);
/* "labels": by key. */
void waits_json_labels(struct json_out *json, const struct coreleaks_label *labels, uint32_t num);
/* "wait_ns": of those members whose wait is known. */
void waits_json_wait_ns(struct json_out *json, const struct coreleaks_group *group);
/* "tasks": every thread with its wait. */
void waits_json_tasks(struct json_out *json, const struct write_job *job);
/* "pthreads": of finished threads, at most max of them. */
void waits_json_pthreads(struct json_out *json, const uint64_t *pthreads, uint32_t num,
			 uint32_t max);
/* The elements of a finding's "members" that are no tasks any more. */
void waits_json_finished_members(struct json_out *json, const struct report_view *view,
				 const struct coreleaks_finding *finding, uint32_t max);

#endif
