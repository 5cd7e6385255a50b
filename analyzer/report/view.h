/* view.h - what the writers see of an analysis: filled once through the public accessors, so that
 * a test can build one by hand. */
#ifndef CORELEAKS_REPORT_VIEW_H
#define CORELEAKS_REPORT_VIEW_H

#include "base/intern.h"
#include "coreleaks.h"

enum { VIEW_NUM_VERDICTS = CORELEAKS_VERDICT_BENIGN + 1 };

struct view_count {
	const char *name;
	uint64_t num_tasks;
	uint32_t num_groups;
};

struct view_counts {
	struct view_count *items; /* by name */
	uint32_t num, capacity;
	struct intern names; /* while they are counted: parallel to items */
};

struct report_view {
	struct arena *arena; /* of the writer: where memory runs out */
	const struct coreleaks_core *core;
	const struct coreleaks_go *go;		   /* NULL: no Go program */
	const struct coreleaks_analysis *analysis; /* NULL: tasks is set */
	const struct coreleaks_task **tasks; /* NULL: the analysis makes them; see view_task() */
	const struct coreleaks_wait **waits; /* parallel to tasks; NULL: see view_wait() */
	const struct coreleaks_stack **stacks;
	const struct coreleaks_group **groups; /* shown ones first */
	const struct coreleaks_finding **findings;
	const struct coreleaks_blocker **blockers;
	const struct coreleaks_gap **gaps;
	const struct coreleaks_module **modules;
	const struct coreleaks_rule **rules;
	uint32_t num_tasks, num_stacks, num_groups, num_findings, num_blockers, num_gaps;
	uint32_t num_modules, num_rules;
	uint32_t num_deselected, num_finished_threads;

	/* By view_sum(). Sums are over shown groups unless they say otherwise. */
	uint32_t num_shown_groups;
	uint64_t num_shown_tasks, num_hidden_tasks; /* hidden: left out by select_task() too */
	uint64_t num_threads, num_goroutines;	    /* all of the core */
	uint64_t num_system_tasks;		    /* hidden or not */
	uint64_t stack_size;			    /* all of the core */
	uint64_t stack_reserved_size, stack_resident_size; /* finished threads' too; 0 unknown */
	uint64_t tasks_by_verdict[VIEW_NUM_VERDICTS];
	uint32_t groups_by_verdict[VIEW_NUM_VERDICTS];
	struct view_counts by_reason; /* a task without a reason counts as "unknown" */
	struct view_counts hidden_by; /* by option; "select_task()" for what that refused */
	uint32_t num_hidden_findings, num_hidden_blockers;
	bool *task_is_shown;		/* parallel to tasks: it is in a shown group */
	struct view_counts system_by;	/* by the runtime that keeps them; hidden or not */
	enum coreleaks_verdict verdict; /* the strongest of the findings that are not hidden */
};

void view_init(struct report_view *view, struct arena *arena,
	       const struct coreleaks_analysis *analysis);
/* The sums, from the arrays. */
void view_sum(struct report_view *view, struct arena *arena);

/* The task of that index. */
const struct coreleaks_task *view_task(const struct report_view *view, uint32_t index);
/* What it shares with tasks that are alike, for passes over many: see coreleaks_task_alike(). */
const struct coreleaks_task *view_alike(const struct report_view *view, uint32_t index);
/* What it waits for. */
const struct coreleaks_wait *view_wait(const struct report_view *view, uint32_t index);
/* All tasks, in the arena. */
const struct coreleaks_task **view_all_tasks(const struct report_view *view, struct arena *arena);
/* The group's stack; an empty, unreadable one when it has none. */
const struct coreleaks_stack *view_stack(const struct report_view *view, uint32_t stack_id);
/* The addresses (sp, cfa) of the stack's frames are this task's. */
bool view_stack_is_of(const struct coreleaks_stack *stack, const struct coreleaks_task *task);
/* The task's stack with its own addresses, in the arena; 0 where they are not known. */
struct coreleaks_stack view_stack_of_task(const struct report_view *view, struct arena *arena,
					  const struct coreleaks_task *task);
/* The member whose addresses the frames of the group's stack have, or NULL. */
const struct coreleaks_task *view_stack_owner(const struct report_view *view,
					      const struct coreleaks_group *group);
/* All groups that it names are hidden. */
bool view_finding_is_hidden(const struct report_view *view,
			    const struct coreleaks_finding *finding);
/* Neither it nor anyone it blocks is in a shown group. */
bool view_blocker_is_hidden(const struct report_view *view,
			    const struct coreleaks_blocker *blocker);
/* What the task blocks, or NULL. */
const struct coreleaks_blocker *view_blocker_of_task(const struct report_view *view, uint32_t task);
/* The group that holds the task, or NULL: it was left out. */
const struct coreleaks_group *view_group_of_task(const struct report_view *view, uint32_t task);
/* The id of each task's group; NULL: it was left out. */
const char **view_group_ids(const struct report_view *view, struct arena *arena);
/* How many tasks or finished threads the group stands for. */
uint32_t view_group_count(const struct coreleaks_group *group);
/* "thread", "goroutines" … for so many of all tasks. */
const char *view_noun(const struct report_view *view, uint64_t num);
const char *view_noun_of_kind(enum coreleaks_kind kind, uint64_t num);

#endif
