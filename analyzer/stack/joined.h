/* joined.h - one task's stack, whatever it is made of: C by call frame information, Go by Go's
 * tables, and both in one: a goroutine that calls C has the C frames on top of its own. */
#ifndef CORELEAKS_STACK_JOINED_H
#define CORELEAKS_STACK_JOINED_H

#include "stack/go_unwind.h"
#include "task/goroutines.h"

struct joined {
	struct unwinder *native;
	struct go_unwinder go;
	const struct goroutines *goroutines;
	const struct tasks *tasks;
};

void joined_init(struct joined *joined, struct arena *arena, struct unwinder *native,
		 const struct go_tables *tables, const struct goroutines *goroutines,
		 const struct tasks *tasks);
/* Fills frames (room for native->max_frames), innermost first. */
struct raw_stack joined_walk(struct joined *joined, uint32_t task, struct raw_frame *frames);

#endif
