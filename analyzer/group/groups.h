/* groups.h - tasks with the same stack, kind, state and reason become one group; or those that the
 * options' group_by makes equal.
 *
 * In: public tasks and stacks. Out: groups, largest first, with signatures; filters only mark
 * groups as hidden. Knows nothing of verdicts. */
#ifndef CORELEAKS_GROUP_GROUPS_H
#define CORELEAKS_GROUP_GROUPS_H

#include "base/gaps.h"
#include "task/tasks.h"

struct group {
	const char *signature;	     /* covers all that kept it apart under the chosen group_by */
	const char *loose_signature; /* without lines and offsets */
	const char *key;	     /* of group_key(), or of a label; NULL grouped otherwise */
	const char *hidden_by;	     /* "--focus", "--min-count" …; NULL shown */
	enum coreleaks_kind kind;
	enum coreleaks_state state;
	const char *reason;
	const char *object; /* kind of the object they wait for; NULL none, or of several kinds */
	bool timed;	    /* all of them */
	const char *split;  /* the verdict by which it was split off, NULL whole */
	uint32_t *tasks;    /* ascending by id, then index */
	uint32_t num_tasks;
	const uint64_t *pthreads; /* state exited: finished threads instead of tasks; ascending */
	uint32_t num_pthreads;
	uint32_t stack_id; /* the stack that most members have; lowest index on a tie */
	uint64_t stack_size;
	uint64_t stack_reserved_size, stack_resident_size; /* 0 unknown */
	double share;
	const char *system; /* the runtime that keeps all of them for itself; NULL none */
	const struct coreleaks_creation *creation; /* of all; NULL unknown, or they differ */
	bool has_label;				   /* grouped by a label that they have */
};

struct groups {
	struct {
		struct group *items; /* by descending count, then signature */
		uint32_t num, capacity;
	} list;
	uint32_t num_deselected; /* tasks that select_task() refused; they are in no group */
};

/* Threads that have finished and that nobody has joined, of one start routine. */
struct finished_threads {
	uint64_t *pthreads; /* ascending */
	uint32_t num;
	uint64_t stack_reserved_size, stack_resident_size; /* 0 unknown */
	uint32_t stack_id;				   /* of the start routine */
	const struct coreleaks_creation *creation;	   /* of all; NULL unknown */
};

struct groups_input {
	/* Rows, with stack_id and reason set. Goroutines that are alike share one, in which what is
	 * each one's own (id, sp, bp, creator_id, g_addr) is 0. */
	const struct coreleaks_task *tasks;
	const uint32_t *row_of;	 /* parallel to the tasks; NULL: row i is task i */
	const struct tasks *own; /* their ids; NULL: the rows have them */
	uint32_t num_tasks;
	const struct coreleaks_stack *stacks;
	uint32_t num_stacks;
	const struct finished_threads *finished;
	uint32_t num_finished;
	const struct coreleaks_wait *const
		*waits; /* parallel to tasks; NULL: no holders are known */
	const struct coreleaks_options *options;
	const struct coreleaks_analysis *analysis; /* for the options' callbacks only */
	struct gaps *gaps;			   /* NULL: they are not kept */
	const char *core_path;			   /* for messages; NULL unknown */
	uint64_t last_goid;			   /* no goroutine has a higher number; 0 unknown */
};

static inline const struct coreleaks_task *groups_task(const struct groups_input *input,
						       uint32_t task)
{
	return &input->tasks[input->row_of != NULL ? input->row_of[task] : task];
}

static inline int64_t groups_task_id(const struct groups_input *input, uint32_t task)
{
	return input->own != NULL ? input->own->list.items[task].id : groups_task(input, task)->id;
}

/* Fails on a bad regular expression. */
struct coreleaks_error *groups_build(struct groups *ret, struct arena *arena,
				     const struct groups_input *input);
/* The stack of that number; an empty, unreadable one when there is none. */
const struct coreleaks_stack *groups_stack(const struct groups_input *input, uint32_t stack_id);
/* Counts the memory of one more member's stack. */
void group_add_memory(struct group *group, const struct coreleaks_task *task);
/* How many threads it stands for. */
uint32_t group_count(const struct group *group);
/* Splits groups whose members differ in verdict (verdict_by_task is parallel to tasks); the parts
 * keep the signature. */
void groups_split(struct groups *groups, struct arena *arena, const struct groups_input *input,
		  const enum coreleaks_verdict *verdict_by_task);

#endif
