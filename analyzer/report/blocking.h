/* blocking.h - tasks that keep others waiting and are not called stuck, in both formats.
 *
 * In words: who it is, what it does itself, what it holds and how many wait for that. The text
 * names the worst few of those that block at least two; the others are counted. */
#ifndef CORELEAKS_REPORT_BLOCKING_H
#define CORELEAKS_REPORT_BLOCKING_H

#include "report/write.h"

/* "thread 4720 (read, fd 5) holds mutex 0x… (accounts) and blocks 31 others" */
const char *blocking_title(struct arena *arena, const struct report_view *view,
			   const struct coreleaks_blocker *blocker);
/* The lines below the verdict, if there is anything to say. */
void blocking_text(struct screen *screen, const struct write_job *job);
/* Whom the task blocks, if anyone. */
void blocking_text_of_task(struct screen *screen, const struct write_job *job, uint32_t task);
/* The report's "blockers". */
void blocking_json(struct json_out *json, const struct write_job *job);
/* The inside of one of them. group_ids: of view_group_ids(). */
void blocking_json_fields(struct json_out *json, const struct write_job *job,
			  const struct coreleaks_blocker *blocker, const char *const *group_ids);
/* "blocks" of one task. */
void blocking_json_of_task(struct json_out *json, const struct write_job *job, uint32_t task);

#endif
