/* tree_rows.h - the creation tree as rows from its roots down: siblings with equal subtrees are one
 * row, and so are their children. */
#ifndef CORELEAKS_REPORT_TREE_ROWS_H
#define CORELEAKS_REPORT_TREE_ROWS_H

#include "group/tree.h"
#include "report/write.h"

struct tree_row {
	uint32_t parent; /* a row; TREE_NONE: a root */
	uint32_t depth;	 /* 0 of a root */
	uint32_t *nodes; /* at least one; by id */
	uint32_t num;
	uint64_t num_tasks; /* that are shown, of these nodes and all below */
	bool has_children;
};

struct tree_rows {
	struct tree tree;
	struct {
		struct tree_row *items; /* a row's children follow it */
		uint32_t num, capacity;
	} list;
	enum coreleaks_kind kind;
	uint64_t num_tasks;	  /* shown */
	uint64_t num_by_function; /* of these: whose parent is a function */
	uint64_t num_ended;	  /* nodes in rows */
	uint64_t num_lost;	  /* of these: nothing tells who made them */
};

/* Only what is shown, and what it comes from. */
void tree_rows_build(struct tree_rows *ret, const struct write_job *job);

#endif
