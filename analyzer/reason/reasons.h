/* reasons.h - why each task waits, in the report's words. */
#ifndef CORELEAKS_REASON_REASONS_H
#define CORELEAKS_REASON_REASONS_H

#include "task/tasks.h"

/* One word a task (parallel to tasks; literals or in the arena); NULL unknown. */
const char **reasons_build(struct arena *arena, const struct tasks *tasks);

#endif
