/* tree.h - which goroutine made which, as far as it is known.
 *
 * Three kinds of nodes: tasks; goroutines that have ended, known by the number their children or
 * the recorded ancestors give; and functions, for tasks of which only the place of their creation
 * is known (threads, and goroutines before Go 1.21). */
#ifndef CORELEAKS_GROUP_TREE_H
#define CORELEAKS_GROUP_TREE_H

#include "base/arena.h"
#include "coreleaks.h"

enum tree_kind { TREE_TASK, TREE_ENDED, TREE_FUNCTION };

enum { TREE_NONE = UINT32_MAX };

struct tree_node {
	enum tree_kind kind;
	uint32_t task;	 /* index; TREE_NONE: no task */
	uint32_t parent; /* a node; TREE_NONE: a root */
	int64_t id;	 /* of the task, or of the goroutine that ended */
	/* Of a task what it began with; else in what children were made. NULL unknown. */
	const char *function;
	const struct coreleaks_frame *created; /* the place where it was made; NULL unknown */
};

struct tree {
	struct {
		struct tree_node *items;
		uint32_t num, capacity;
	} nodes;
	uint32_t *order;	  /* all nodes, parents before their children */
	uint32_t num_ended;	  /* nodes of this kind */
	uint32_t num_lost;	  /* ended goroutines of which nothing tells who made them */
	uint32_t num_by_function; /* tasks whose parent is a function */
	uint32_t num_circles;	  /* links that were cut: the core is damaged */
	uint32_t num_same_id;	  /* goroutines that share their id with another one */
};

/* The function that the task began with: the outermost one that Go's compiler did not make itself;
 * of threads the routine of that name. NULL unknown. */
const char *tree_start(const struct coreleaks_task *task, const struct coreleaks_stack *stack,
		       const char *routine);
/* Tasks of this kind; starts is parallel to tasks. */
void tree_build(struct tree *ret, struct arena *arena, const struct coreleaks_task *const *tasks,
		const char *const *starts, uint32_t num, enum coreleaks_kind kind);

#endif
