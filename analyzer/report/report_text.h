/* report_text.h - the parts of the text report that `show` writes too. */
#ifndef CORELEAKS_REPORT_REPORT_TEXT_H
#define CORELEAKS_REPORT_REPORT_TEXT_H

#include "report/screen.h"
#include "report/write.h"

/* Widths of the columns that all groups' first lines share; 0: as wide as the text. */
struct group_columns {
	uint32_t rank, count, wait;
};

/* The line about the core. */
void report_text_core(struct screen *screen, const struct write_job *job);
/* The columns that the first groups need. */
struct group_columns report_text_columns(struct screen *screen, const struct write_job *job,
					 uint32_t num_groups);
/* A group of the report. */
void report_text_group(struct screen *screen, const struct write_job *job, uint32_t index,
		       const struct group_columns *columns);
/* A group's first line. rank 0: hidden. */
void report_text_group_line(struct screen *screen, const struct write_job *job,
			    const struct coreleaks_group *group, uint32_t rank,
			    const struct group_columns *columns);
/* The ids of at most max members, in as many lines as that takes. */
void report_text_members(struct screen *screen, const struct write_job *job,
			 const struct coreleaks_group *group, uint32_t max);
/* The lines about what the group's members wait for, if there is anything to say. */
void report_text_waits(struct screen *screen, const struct write_job *job,
		       const struct coreleaks_group *group);
/* The handles of at most max finished threads. */
void report_text_pthreads(struct screen *screen, const struct write_job *job,
			  const struct coreleaks_group *group, uint32_t max);

#endif
