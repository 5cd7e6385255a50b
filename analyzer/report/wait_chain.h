/* wait_chain.h - whom a task waits for, whom that one waits for, and so on; and the way back. */
#ifndef CORELEAKS_REPORT_WAIT_CHAIN_H
#define CORELEAKS_REPORT_WAIT_CHAIN_H

#include "report/view.h"

enum { WAIT_CHAIN_MAX = 16 };

struct wait_chain {
	uint32_t tasks[WAIT_CHAIN_MAX]; /* the task itself first */
	uint32_t num;
	int32_t back_to; /* element of tasks that the last one waits for; -1: no circle */
	bool cut;	 /* it goes on */
};

struct wait_chain wait_chain_of(const struct report_view *view, uint32_t task);
/* Tasks that wait for what this one holds, or for its end, by id; *num_ret of them. */
uint32_t *wait_chain_waiters(struct arena *arena, const struct report_view *view, uint32_t task,
			     uint32_t *num_ret);
/* Tasks that wait for the object, by id. */
uint32_t *wait_chain_waiters_at(struct arena *arena, const struct report_view *view, uint64_t addr,
				const char *kind, uint32_t *num_ret);
/* The finding is about the task. */
/* Goroutines that wait for one of Go's objects, by id; side: 0 receive from it, 1 send to it, -1
 * all. A select may do both. */
uint32_t *wait_chain_goroutines(struct arena *arena, const struct report_view *view,
				const struct coreleaks_go_object *object, int side,
				uint32_t *num_ret);
bool wait_chain_names(const struct coreleaks_finding *finding, uint32_t task);

#endif
