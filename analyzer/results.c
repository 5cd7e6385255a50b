/* What coreleaks.h hands out of an analysis. */
#include "analysis.h"

const struct coreleaks_core *coreleaks_core_info(const struct coreleaks_analysis *analysis)
{
	return &analysis->core;
}

uint32_t coreleaks_num_tasks(const struct coreleaks_analysis *analysis)
{
	return analysis->public_tasks.row_of != NULL ? analysis->tasks.list.num : 0;
}

const struct coreleaks_task *coreleaks_task(const struct coreleaks_analysis *analysis,
					    uint32_t index)
{
	/* What a caller sees does not change: the task is only made when it is first asked for. */
	struct coreleaks_analysis *a = (struct coreleaks_analysis *)(uintptr_t)analysis;
	return index < coreleaks_num_tasks(a) ? public_tasks_get(&a->public_tasks, &a->arena, index)
					      : NULL;
}

const struct coreleaks_task *coreleaks_task_alike(const struct coreleaks_analysis *analysis,
						  uint32_t index)
{
	return index < coreleaks_num_tasks(analysis)
		       ? public_tasks_row(&analysis->public_tasks, index)
		       : NULL;
}

const struct coreleaks_wait *coreleaks_wait(const struct coreleaks_analysis *analysis,
					    uint32_t index)
{
	return index < coreleaks_num_tasks(analysis) ? analysis->public_waits[index] : NULL;
}

const struct coreleaks_go *coreleaks_go(const struct coreleaks_analysis *analysis)
{
	return analysis->public_go;
}

uint32_t coreleaks_num_finished_threads(const struct coreleaks_analysis *analysis)
{
	return analysis->finished.num_finished;
}

uint32_t coreleaks_num_stacks(const struct coreleaks_analysis *analysis)
{
	return analysis->finished.num_stacks;
}

const struct coreleaks_stack *coreleaks_stack(const struct coreleaks_analysis *analysis,
					      uint32_t index)
{
	return index < analysis->finished.num_stacks ? &analysis->finished.stacks[index] : NULL;
}

uint32_t coreleaks_num_groups(const struct coreleaks_analysis *analysis)
{
	return analysis->published.num_groups;
}

const struct coreleaks_group *coreleaks_group(const struct coreleaks_analysis *analysis,
					      uint32_t index)
{
	return index < analysis->published.num_groups ? &analysis->published.groups[index] : NULL;
}

uint32_t coreleaks_num_findings(const struct coreleaks_analysis *analysis)
{
	return analysis->published.num_findings;
}

const struct coreleaks_finding *coreleaks_finding(const struct coreleaks_analysis *analysis,
						  uint32_t index)
{
	return index < analysis->published.num_findings ? &analysis->published.findings[index]
							: NULL;
}

uint32_t coreleaks_num_blockers(const struct coreleaks_analysis *analysis)
{
	return analysis->published.num_blockers;
}

const struct coreleaks_blocker *coreleaks_blocker(const struct coreleaks_analysis *analysis,
						  uint32_t index)
{
	return index < analysis->published.num_blockers ? &analysis->published.blockers[index]
							: NULL;
}

uint32_t coreleaks_num_gaps(const struct coreleaks_analysis *analysis)
{
	return analysis->gaps.list.num;
}

const struct coreleaks_gap *coreleaks_gap(const struct coreleaks_analysis *analysis, uint32_t index)
{
	return index < analysis->gaps.list.num ? &analysis->gaps.list.items[index] : NULL;
}

uint32_t coreleaks_num_modules(const struct coreleaks_analysis *analysis)
{
	return analysis->modules.list.num;
}

const struct coreleaks_module *coreleaks_module(const struct coreleaks_analysis *analysis,
						uint32_t index)
{
	return index < analysis->modules.list.num ? &analysis->modules.list.items[index].info
						  : NULL;
}

uint32_t coreleaks_num_rules(const struct coreleaks_analysis *analysis)
{
	return analysis->rules.list.num;
}

const struct coreleaks_rule *coreleaks_rule(const struct coreleaks_analysis *analysis,
					    uint32_t index)
{
	return index < analysis->rules.list.num ? &analysis->rules.list.items[index].info : NULL;
}

const char *coreleaks_builtin_rules(void)
{
	return rule_sets_text();
}

uint32_t coreleaks_num_deselected(const struct coreleaks_analysis *analysis)
{
	return analysis->groups.num_deselected;
}
