/* groups.h - tasks with the same stack, kind, state and reason become one group.
 *
 * In: public tasks and stacks. Out: groups, largest first, with signatures; filters only mark
 * groups as hidden. Knows nothing of verdicts. */
#ifndef CORELEAKS_GROUP_GROUPS_H
#define CORELEAKS_GROUP_GROUPS_H

#include "base/arena.h"
#include "coreleaks.h"

struct group {
	const char *signature;	     /* covers all that kept it apart under the chosen group_by */
	const char *loose_signature; /* without lines and offsets */
	const char *key;	     /* of group_key(), or NULL */
	const char *hidden_by;	     /* "--focus", "--min-count" …; NULL shown */
	enum coreleaks_kind kind;
	enum coreleaks_state state;
	const char *reason;
	uint32_t *tasks; /* ascending by id, then index */
	uint32_t num_tasks;
	uint32_t stack_id; /* the stack that most members have; lowest index on a tie */
	uint64_t stack_size;
	double share;
};

struct groups {
	struct {
		struct group *items; /* by descending count, then signature */
		uint32_t num, capacity;
	} list;
	uint32_t num_deselected; /* tasks that select_task() refused; they are in no group */
};

struct groups_input {
	const struct coreleaks_task *tasks; /* with stack_id and reason set */
	uint32_t num_tasks;
	const struct coreleaks_stack *stacks;
	uint32_t num_stacks;
	const struct coreleaks_options *options;
	const struct coreleaks_analysis *analysis; /* for the options' callbacks only */
};

/* Fails on a bad regular expression. */
struct coreleaks_error *groups_build(struct groups *ret, struct arena *arena,
				     const struct groups_input *input);

#endif
