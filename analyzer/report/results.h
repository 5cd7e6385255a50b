/* results.h - findings as tools that gather results want them: each with a place in the source, a
 * fingerprint that survives edits, and its words as plain text. */
#ifndef CORELEAKS_REPORT_RESULTS_H
#define CORELEAKS_REPORT_RESULTS_H

#include "report/write.h"

struct result {
	const struct coreleaks_finding *finding;
	const struct coreleaks_group *group; /* the first that is shown; NULL: the process */
	uint32_t group_index;		     /* its place in the view */
	const struct coreleaks_frame *frame; /* the program's own line; NULL unknown */
	const char *fingerprint;	     /* 32 hex digits; unique among these */
};

struct results {
	struct result *items; /* the report's order; what is hidden is left out */
	uint32_t num, capacity;
	const char **group_words; /* parallel to the view's groups; NULL: not asked for yet */
};

/* *seen: fingerprints given already, of cores before this one; zeroed at the start. */
void results_build(struct results *ret, const struct write_job *job, struct view_counts *seen);
/* The innermost frame of the program's own that has a line; NULL: there is none. */
const struct coreleaks_frame *results_frame(const struct coreleaks_stack *stack);
/* Title, evidence and caveats, as the text report has them. Clean for a terminal. */
const char *results_words(const struct write_job *job, const struct coreleaks_finding *finding);
/* A group as the text report has it. Clean for a terminal. */
const char *results_group_words(const struct write_job *job, uint32_t group);
/* The result's group so, made once for all results that share it. "": it has none. */
const char *results_words_of_group(struct results *results, const struct write_job *job,
				   const struct result *result);
/* The link to the frame's line; NULL: there is none. */
const char *results_link(const struct write_job *job, const struct coreleaks_frame *frame);
/* The path may be used relative to a source tree. */
bool results_is_relative(const char *path);
/* The line to name: 1 where it is unknown. */
uint32_t results_line(const struct coreleaks_frame *frame);
/* The program's name: of the executable's file, or of the core's. */
const char *results_program(const struct report_view *view);

#endif
