/* samples.h - the tasks of one kind as profiles count them: how many are alike in stack, state,
 * reason, creator and labels; and which kind a format that holds one kind is about. */
#ifndef CORELEAKS_REPORT_SAMPLES_H
#define CORELEAKS_REPORT_SAMPLES_H

#include "report/write.h"

struct sample {
	const struct coreleaks_group *group;
	const struct coreleaks_stack *stack;
	const struct coreleaks_task *task; /* the first of them; NULL: finished threads */
	uint64_t num;
	uint64_t stack_size; /* of all of them */
	uint64_t wait_ns;    /* of all of them, as far as known */
};

struct samples {
	struct sample *items; /* in the order of the groups */
	uint32_t num, capacity;
	const struct coreleaks_stack **stacks; /* of goroutines, by id; NULL: not needed yet */
};

/* What a format of one kind holds. */
struct kind_counts {
	enum coreleaks_kind kind;
	uint64_t num_tasks;    /* shown ones of that kind */
	uint64_t num_finished; /* finished threads that are shown */
	uint64_t num_others;   /* shown tasks of the other kind */
};

/* Of all shown groups of that kind; goroutines' stacks are those that Go's own profiles have,
 * without the compiler's wrappers. */
void samples_build(struct samples *ret, const struct write_job *job, enum coreleaks_kind kind);
/* The kind that was asked for, or else the one that the core is about. */
struct kind_counts samples_counts(const struct write_job *job);
/* One line each, behind "# ": what the output leaves out, and that the core is incomplete. */
void samples_notes(struct text *out, const struct write_job *job, const struct kind_counts *counts);

/* A frame of what the compiler made, which Go's own profiles and dumps leave out. */
bool samples_is_wrapper(const struct coreleaks_stack *stack, uint32_t at);
/* Where the task was started, or NULL; what is only inferred does not count, as the formats cannot
 * say so. A process's first goroutine was started by no other. */
const struct coreleaks_frame *samples_creator(const struct coreleaks_task *task);
/* What a frame is called where a name has to be: FUNCTION, MODULE+0xOFFSET or 0xPC. */
const char *samples_frame_name(struct arena *arena, const struct coreleaks_frame *frame);
/* The reason, or the state when there is none. */
const char *samples_state(const struct sample *sample);

#endif
