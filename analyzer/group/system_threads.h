/* system_threads.h - idle threads that a runtime or a library keeps for itself: the built-in rule
 * set "native".
 *
 * Only a thread every frame of which is accounted for is one: it parks in the runtime's own loop,
 * and nothing but the runtime called that. Knowledge as rows of a table. */
#ifndef CORELEAKS_GROUP_SYSTEM_THREADS_H
#define CORELEAKS_GROUP_SYSTEM_THREADS_H

#include "group/groups.h"
#include "group/runtimes.h"

/* Name of the rule set that hides such tasks: "native", or "runtime" for goroutines. */
const char *system_rule(enum coreleaks_kind kind);
bool is_system_rule(const char *name);

/* Whose idle thread that stack is, whatever else its task does; NULL: nobody's. */
const struct runtime *system_thread_of_stack(const struct coreleaks_stack *stack);
/* For each task whose it is, or NULL: what the Go runtime knows as its own, and idle threads that
 * took no signal and that no other waits for. */
const struct runtime **system_threads_build(struct arena *arena, const struct groups_input *input);

#endif
