/* self_check.h - stacks unwound a second time, by libdwfl: where does ours differ?
 *
 * Both read the same memory and the same files; the walk and the rules are libdwfl's own. */
#ifndef CORELEAKS_STACK_SELF_CHECK_H
#define CORELEAKS_STACK_SELF_CHECK_H

#include "stack/stacks.h"

enum { SELF_CHECK_MAX_STACKS = 256 };

/* Of threads; where there are more than that, of each distinct stack first. A disagreement is a
 * gap. */
const struct coreleaks_self_check *
self_check_build(struct arena *arena, struct gaps *gaps, struct progress *progress,
		 const struct tasks *tasks, const struct stacks *stacks, struct unwinder *unwinder);

#endif
