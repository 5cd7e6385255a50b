/* interrupted.h - what tasks in signal handlers did when the signal came: of a group, and in plain
 * words. */
#ifndef CORELEAKS_REPORT_INTERRUPTED_H
#define CORELEAKS_REPORT_INTERRUPTED_H

#include "report/view.h"

struct interrupted_object {
	struct coreleaks_object object; /* num_waiters is not set */
	uint32_t num_members;		/* that a signal found waiting for it */
};

struct interrupted_group {
	uint32_t num_tasks; /* members in a signal handler */
	const char *reason; /* that they share; NULL unknown, or they differ */
	bool differ;
	struct interrupted_object *objects; /* by members, then address */
	uint32_t num_objects;
};

struct interrupted_group interrupted_of_group(struct arena *arena, const struct report_view *view,
					      const struct coreleaks_group *group);
/* "in signal handler (was: mutex 0x55d0 (accounts), held by thread 4720)"; NULL: in none. */
const char *interrupted_words_task(struct arena *arena, const struct report_view *view,
				   uint32_t task);
/* The same of the members; NULL: none is in a signal handler. */
const char *interrupted_words_group(struct arena *arena, const struct report_view *view,
				    const struct coreleaks_group *group);

#endif
