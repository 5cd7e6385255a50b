/* resources.h - what the members of a group keep for themselves, summed over them.
 *
 * In: published tasks, waits and groups. Only what some task waits for is known: a descriptor that
 * is open but that nobody waits for, and a lock that nobody else wants, do not show. */
#ifndef CORELEAKS_PROOF_RESOURCES_H
#define CORELEAKS_PROOF_RESOURCES_H

#include "group/groups.h"

/* Fills in num_fds, num_timers, num_threads, num_locked, num_locks and num_maybe_locks. */
void resources_add(struct coreleaks_group *groups, uint32_t num_groups, struct arena *arena,
		   const struct groups_input *input);

#endif
