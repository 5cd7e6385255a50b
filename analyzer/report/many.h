/* many.h - the writers of what many dumps come to: a check, and a comparison. */
#ifndef CORELEAKS_REPORT_MANY_H
#define CORELEAKS_REPORT_MANY_H

#include "compare/check.h"
#include "compare/comparison.h"
#include "report/json_out.h"

/* A frame as goleak prints it: the function, and its place in a line of its own. */
void many_frame(struct text *out, const struct summary_frame *frame);
/* "consume", or "worker+0x12": the innermost of the program's own, or what there is. */
void many_top(struct text *out, const struct summary_group *group);
const char *many_top_text(struct arena *arena, const struct summary_group *group);
/* The text, escaped for terminals; "?" for NULL. */
void many_add(struct text *out, const char *text);
const char *many_noun(const struct summary_group *group, uint64_t num);
/* "8 threads", or "3 of 8 threads" when the others do not have the group's verdict. */
void many_tasks(struct text *out, const struct check_group *merged);
/* The time as "2026-11-20T20:20:00Z", or null. */
void many_json_time(struct json_out *json, const char *key, int64_t seconds);
/* "frames" and "created_by". */
void many_json_stack(struct json_out *json, const struct summary_group *group);

void check_text(struct text *out, const struct coreleaks_check *check,
		const struct coreleaks_write_options *options);
void check_html(struct text *out, const struct coreleaks_check *check);
/* Dumps, and the groups that each has. */
void check_dot(struct text *out, const struct coreleaks_check *check);
void comparison_html(struct text *out, const struct coreleaks_comparison *comparison);
void check_json(struct json_out *json, const struct coreleaks_check *check,
		const struct coreleaks_write_options *options);
void comparison_text(struct text *out, const struct coreleaks_comparison *comparison,
		     const struct coreleaks_write_options *options);
void comparison_json(struct json_out *json, const struct coreleaks_comparison *comparison,
		     const struct coreleaks_write_options *options);

#endif
