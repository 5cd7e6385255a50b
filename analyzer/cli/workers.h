/* workers.h - analyses many dumps, each in a process of its own, as many at once as there are
 * processors. What a dump does to its process touches no other. */
#ifndef CORELEAKS_CLI_WORKERS_H
#define CORELEAKS_CLI_WORKERS_H

#include "cli/inputs.h"

struct workers_result {
	struct coreleaks_summary **summaries; /* parallel to the inputs' paths */
	uint32_t num;
	struct coreleaks_part *parts; /* for each output, one a dump: of those that are joined */
	uint32_t num_parts;
	bool output_failed; /* a report of one dump could not be written */
};

/* members: ids a group in the summaries. Reports and profiles are read in this process. Returns
 * false after a message: no process could be started at all, or out of memory. */
bool workers_run(struct workers_result *ret, const struct settings *settings,
		 const struct inputs *inputs, uint32_t members);
void workers_free(struct workers_result *result);

#endif
