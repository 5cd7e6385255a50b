#include "report/frame_rows.h"

#include "group/user_frame.h"

#include <string.h>

enum { MAX_PERIOD = 16, LEAST_ROUNDS = 3, TAIL_ROWS = 2 };

static void frame_rows_add(struct frame_rows *rows, struct arena *arena, enum frame_row_kind kind,
			   uint32_t first, uint32_t num)
{
	if (num > 0)
		*array_add(arena, rows) =
			(struct frame_row){.kind = kind, .first = first, .num = num};
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_frame(const struct coreleaks_frame *a, const struct coreleaks_frame *b)
{
	return a->line == b->line && a->inlined == b->inlined && a->signal == b->signal &&
	       (a->line != 0 || a->pc == b->pc) && same_text(a->function, b->function) &&
	       same_text(a->file, b->file);
}

/* How often the period frames at first come in a row. */
static uint32_t count_rounds(const struct coreleaks_frame *frames, uint32_t first, uint32_t end,
			     uint32_t period)
{
	uint32_t at = first + period;
	while (at < end && same_frame(&frames[at], &frames[at - period]))
		at++;
	return (at - first) / period;
}

/* A row a frame, but the rounds of a recursion once. */
static void frame_rows_add_user(struct frame_rows *rows, struct arena *arena,
				const struct coreleaks_stack *stack, uint32_t first, uint32_t end)
{
	while (first < end) {
		uint32_t period = 1, rounds = 1;
		for (uint32_t p = 1; p <= MAX_PERIOD && p <= (end - first) / LEAST_ROUNDS; p++) {
			uint32_t found = count_rounds(stack->frames, first, end, p);
			if (found >= LEAST_ROUNDS) {
				period = p;
				rounds = found;
				break;
			}
		}
		for (uint32_t i = 0; i < period; i++)
			frame_rows_add(rows, arena, FRAME_ROW_ONE, first + i, 1);
		if (rounds > 1) {
			frame_rows_add(rows, arena, FRAME_ROW_REPEATED, first + period,
				       (rounds - 1) * period);
			rows->items[rows->num - 1].period = period;
			rows->items[rows->num - 1].times = rounds;
		}
		first += rounds * period;
	}
}

static uint32_t skip_runtime(const struct coreleaks_stack *stack, uint32_t at, uint32_t end)
{
	while (at < end && user_frame_is_runtime(&stack->frames[at]))
		at++;
	return at;
}

/* Replaces the rows in the middle by one. */
static void frame_rows_limit(struct frame_rows *rows, uint32_t max_rows)
{
	if (max_rows < TAIL_ROWS + 2)
		max_rows = TAIL_ROWS + 2;
	if (rows->num <= max_rows)
		return;
	uint32_t head = max_rows - TAIL_ROWS - 1;
	uint32_t tail = rows->num - TAIL_ROWS;
	/* A "repeated" row makes no sense without the rows before it. */
	while (head > 1 && rows->items[head].kind == FRAME_ROW_REPEATED)
		head++;
	while (tail > head + 1 && rows->items[tail].kind == FRAME_ROW_REPEATED)
		tail--;
	if (tail <= head + 1)
		return;
	struct frame_row gap = {
		.kind = FRAME_ROW_LEFT_OUT,
		.first = rows->items[head].first,
		.num = rows->items[tail].first - rows->items[head].first,
	};
	rows->items[head] = gap;
	memmove(&rows->items[head + 1], &rows->items[tail],
		(rows->num - tail) * sizeof(*rows->items));
	rows->num = head + 1 + rows->num - tail;
}

void frame_rows_build(struct frame_rows *ret, struct arena *arena,
		      const struct coreleaks_stack *stack, uint32_t max_rows)
{
	struct frame_rows rows = {0};
	uint32_t num = stack->num_frames;
	uint32_t top = skip_runtime(stack, 0, num);
	if (top == num) {
		/* Nothing but the runtime: then that is what there is to see. */
		frame_rows_add_user(&rows, arena, stack, 0, num);
	} else {
		uint32_t bottom = num;
		while (user_frame_is_runtime(&stack->frames[bottom - 1]))
			bottom--;
		frame_rows_add(&rows, arena, FRAME_ROW_RUNTIME, 0, top);
		for (uint32_t at = top, next; at < bottom; at = next) {
			next = at;
			while (next < bottom && !stack->frames[next].signal)
				next++;
			frame_rows_add_user(&rows, arena, stack, at, next);
			if (next == bottom)
				break;
			/* Behind a signal frame a stack begins anew. */
			frame_rows_add(&rows, arena, FRAME_ROW_ONE, next++, 1);
			at = next;
			next = skip_runtime(stack, at, bottom);
			frame_rows_add(&rows, arena, FRAME_ROW_RUNTIME, at, next - at);
		}
		frame_rows_add(&rows, arena, FRAME_ROW_RUNTIME, bottom, num - bottom);
	}
	frame_rows_limit(&rows, max_rows);
	*ret = rows;
}
