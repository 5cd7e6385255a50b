/* frame_rows.h - which lines a stack takes on the screen: the program's own frames, the runtime's
 * folded, recursion once. Every frame stands in exactly one row. Writes nothing. */
#ifndef CORELEAKS_REPORT_FRAME_ROWS_H
#define CORELEAKS_REPORT_FRAME_ROWS_H

#include "base/arena.h"
#include "coreleaks.h"

enum frame_row_kind {
	FRAME_ROW_ONE,	    /* a frame */
	FRAME_ROW_RUNTIME,  /* frames of libc and the like */
	FRAME_ROW_REPEATED, /* the period rows before it come again */
	FRAME_ROW_LEFT_OUT, /* frames in the middle of a deep stack */
};

struct frame_row {
	enum frame_row_kind kind;
	uint32_t first, num; /* of the stack's frames */
	uint32_t period;     /* FRAME_ROW_REPEATED: rows of one round */
	uint32_t times;	     /* FRAME_ROW_REPEATED: rounds in all, the shown one included */
};

struct frame_rows {
	struct frame_row *items;
	uint32_t num, capacity;
};

/* At most max_rows rows (at least 4), the ones in the middle are left out. */
void frame_rows_build(struct frame_rows *ret, struct arena *arena,
		      const struct coreleaks_stack *stack, uint32_t max_rows);

#endif
