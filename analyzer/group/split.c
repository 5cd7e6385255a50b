#include "group/groups.h"

/* The members of one verdict as a group of their own. */
static struct group group_part(const struct group *whole, struct arena *arena,
			       const struct groups_input *input,
			       const enum coreleaks_verdict *verdict_by_task,
			       enum coreleaks_verdict verdict)
{
	struct group part = *whole;
	part.num_tasks = 0;
	part.stack_size = part.stack_reserved_size = part.stack_resident_size = 0;
	part.tasks = arena_alloc_array(arena, whole->num_tasks, sizeof(*part.tasks));
	for (uint32_t i = 0; i < whole->num_tasks; i++) {
		uint32_t task = whole->tasks[i];
		if (verdict_by_task[task] != verdict)
			continue;
		part.tasks[part.num_tasks++] = task;
		group_add_memory(&part, groups_task(input, task));
	}
	part.split = coreleaks_verdict_name(verdict);
	part.share = whole->share * part.num_tasks / whole->num_tasks;
	return part;
}

void groups_split(struct groups *groups, struct arena *arena, const struct groups_input *input,
		  const enum coreleaks_verdict *verdict_by_task)
{
	uint32_t num = groups->list.num;
	for (uint32_t i = 0; i < num; i++) {
		struct group whole = groups->list.items[i];
		uint32_t counts[CORELEAKS_VERDICT_BENIGN + 1] = {0};
		for (uint32_t k = 0; k < whole.num_tasks; k++)
			counts[verdict_by_task[whole.tasks[k]]]++;
		bool first = true;
		for (int v = 0; v <= CORELEAKS_VERDICT_BENIGN; v++) {
			if (counts[v] == 0 || counts[v] == whole.num_tasks)
				continue;
			struct group part = group_part(&whole, arena, input, verdict_by_task, v);
			if (first)
				groups->list.items[i] = part;
			else
				*array_add(arena, &groups->list) = part;
			first = false;
		}
	}
}
