#include "report/view.h"

#include "base/range.h"

#include <stdlib.h>
#include <string.h>

#define FILL(view, arena, analysis, column, number, get, count)                                    \
	do {                                                                                       \
		(view)->number = count(analysis);                                                  \
		(view)->column = arena_alloc_array((arena), (size_t)(view)->number + 1,            \
						   sizeof(*(view)->column));                       \
		for (uint32_t i = 0; i < (view)->number; i++)                                      \
			(view)->column[i] = get((analysis), i);                                    \
	} while (0)

void view_init(struct report_view *view, struct arena *arena,
	       const struct coreleaks_analysis *analysis)
{
	*view = (struct report_view){.core = coreleaks_core_info(analysis),
				     .go = coreleaks_go(analysis),
				     .num_tasks = coreleaks_num_tasks(analysis),
				     .analysis = analysis,
				     .arena = arena};
	FILL(view, arena, analysis, stacks, num_stacks, coreleaks_stack, coreleaks_num_stacks);
	FILL(view, arena, analysis, groups, num_groups, coreleaks_group, coreleaks_num_groups);
	FILL(view, arena, analysis, findings, num_findings, coreleaks_finding,
	     coreleaks_num_findings);
	FILL(view, arena, analysis, blockers, num_blockers, coreleaks_blocker,
	     coreleaks_num_blockers);
	FILL(view, arena, analysis, gaps, num_gaps, coreleaks_gap, coreleaks_num_gaps);
	FILL(view, arena, analysis, modules, num_modules, coreleaks_module, coreleaks_num_modules);
	FILL(view, arena, analysis, rules, num_rules, coreleaks_rule, coreleaks_num_rules);
	view->num_deselected = coreleaks_num_deselected(analysis);
	view->num_finished_threads = coreleaks_num_finished_threads(analysis);
	view_sum(view, arena);
}

const struct coreleaks_task *view_task(const struct report_view *view, uint32_t index)
{
	if (view->tasks != NULL)
		return view->tasks[index];
	const struct coreleaks_task *task = coreleaks_task(view->analysis, index);
	if (task == NULL)
		arena_exhausted(view->arena);
	return task;
}

const struct coreleaks_task *view_alike(const struct report_view *view, uint32_t index)
{
	return view->tasks != NULL ? view->tasks[index]
				   : coreleaks_task_alike(view->analysis, index);
}

const struct coreleaks_wait *view_wait(const struct report_view *view, uint32_t index)
{
	return view->waits != NULL ? view->waits[index] : coreleaks_wait(view->analysis, index);
}

const struct coreleaks_task **view_all_tasks(const struct report_view *view, struct arena *arena)
{
	const struct coreleaks_task **tasks =
		arena_alloc_array(arena, (size_t)view->num_tasks + 1, sizeof(*tasks));
	for (uint32_t i = 0; i < view->num_tasks; i++)
		tasks[i] = view_task(view, i);
	return tasks;
}

static void view_count(struct view_counts *counts, struct arena *arena, const char *name,
		       uint64_t num_tasks, uint32_t num_groups)
{
	if (counts->num == 0)
		intern_init(&counts->names, arena);
	uint32_t id = intern_add_text(&counts->names, name);
	if (id == counts->num)
		array_add(arena, counts)->name = name;
	counts->items[id].num_tasks += num_tasks;
	counts->items[id].num_groups += num_groups;
}

static int view_count_compare(const void *a, const void *b)
{
	return strcmp(((const struct view_count *)a)->name, ((const struct view_count *)b)->name);
}

static void view_sum_groups(struct report_view *view, struct arena *arena)
{
	for (uint32_t i = 0; i < view->num_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		if (group->system != NULL) {
			view->num_system_tasks += group->num_tasks;
			view_count(&view->system_by, arena, group->system, group->num_tasks, 1);
		}
		if (group->hidden_by != NULL) {
			view->num_hidden_tasks += group->num_tasks;
			view_count(&view->hidden_by, arena, group->hidden_by, group->num_tasks, 1);
			continue;
		}
		view->num_shown_groups++;
		view->num_shown_tasks += group->num_tasks;
		for (uint32_t k = 0; k < group->num_tasks; k++)
			view->task_is_shown[group->tasks[k]] = true;
		if ((uint32_t)group->verdict < VIEW_NUM_VERDICTS) {
			view->tasks_by_verdict[group->verdict] += group->num_tasks;
			view->groups_by_verdict[group->verdict]++;
		}
		view_count(&view->by_reason, arena,
			   group->reason != NULL ? group->reason : "unknown", group->num_tasks, 1);
	}
	if (view->num_deselected > 0) {
		view->num_hidden_tasks += view->num_deselected;
		view_count(&view->hidden_by, arena, "select_task()", view->num_deselected, 0);
	}
}

void view_sum(struct report_view *view, struct arena *arena)
{
	view->task_is_shown =
		arena_alloc_array(arena, view->num_tasks, sizeof(*view->task_is_shown));
	view_sum_groups(view, arena);
	if (view->by_reason.num > 0)
		qsort(view->by_reason.items, view->by_reason.num, sizeof(*view->by_reason.items),
		      view_count_compare);
	if (view->system_by.num > 0)
		qsort(view->system_by.items, view->system_by.num, sizeof(*view->system_by.items),
		      view_count_compare);
	if (view->hidden_by.num > 0)
		qsort(view->hidden_by.items, view->hidden_by.num, sizeof(*view->hidden_by.items),
		      view_count_compare);
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		const struct coreleaks_task *task = view_alike(view, i);
		if (task->kind == CORELEAKS_KIND_GOROUTINE)
			view->num_goroutines++;
		else
			view->num_threads++;
		view->stack_size = size_sum(view->stack_size, task->stack_size);
		view->stack_reserved_size =
			size_sum(view->stack_reserved_size, task->stack_reserved_size);
		view->stack_resident_size =
			size_sum(view->stack_resident_size, task->stack_resident_size);
	}
	for (uint32_t i = 0; i < view->num_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		if (group->num_pthreads == 0)
			continue;
		view->stack_reserved_size =
			size_sum(view->stack_reserved_size, group->stack_reserved_size);
		view->stack_resident_size =
			size_sum(view->stack_resident_size, group->stack_resident_size);
	}
	view->verdict = CORELEAKS_VERDICT_UNKNOWN;
	for (uint32_t i = 0; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		if (view_finding_is_hidden(view, finding))
			view->num_hidden_findings++;
		else if (finding->certainty < view->verdict)
			view->verdict = finding->certainty;
	}
	for (uint32_t i = 0; i < view->num_blockers; i++)
		view->num_hidden_blockers += view_blocker_is_hidden(view, view->blockers[i]);
}

const struct coreleaks_stack *view_stack(const struct report_view *view, uint32_t stack_id)
{
	static const struct coreleaks_stack none = {
		.end = CORELEAKS_STACK_UNREADABLE,
		.missing = "it was not unwound",
	};
	return stack_id < view->num_stacks ? view->stacks[stack_id] : &none;
}

bool view_stack_is_of(const struct coreleaks_stack *stack, const struct coreleaks_task *task)
{
	return stack->num_frames > 0 && task->sp != 0 && stack->frames[0].sp == task->sp;
}

/* Behind C's frames, if there are any. */
static uint32_t first_go_frame(const struct coreleaks_stack *stack,
			       const struct coreleaks_task *task)
{
	uint32_t i = 0;
	if (stack->num_frames > 0 && stack->frames[0].pc != task->pc)
		while (i < stack->num_frames && stack->frames[i].trust != CORELEAKS_TRUST_PCLNTAB)
			i++;
	return i;
}

struct coreleaks_stack view_stack_of_task(const struct report_view *view, struct arena *arena,
					  const struct coreleaks_task *task)
{
	struct coreleaks_stack stack = *view_stack(view, task->stack_id);
	if (view_stack_is_of(&stack, task) || stack.num_frames == 0)
		return stack;
	struct coreleaks_frame *frames =
		arena_alloc_array(arena, stack.num_frames, sizeof(*frames));
	memcpy(frames, stack.frames, stack.num_frames * sizeof(*frames));
	for (uint32_t i = 0; i < stack.num_frames; i++)
		frames[i].sp = frames[i].cfa = 0;
	/* How large Go's frames are follows from their code: the same code, the same distances. */
	uint32_t first = task->kind == CORELEAKS_KIND_GOROUTINE ? first_go_frame(&stack, task)
								: stack.num_frames;
	for (uint32_t i = first; i < stack.num_frames && stack.frames[first].sp != 0; i++) {
		const struct coreleaks_frame *other = &stack.frames[i];
		uint64_t shift = task->sp - stack.frames[first].sp;
		frames[i].sp = other->sp != 0 ? other->sp + shift : 0;
		frames[i].cfa = other->cfa != 0 ? other->cfa + shift : 0;
	}
	stack.frames = frames;
	return stack;
}

const struct coreleaks_task *view_stack_owner(const struct report_view *view,
					      const struct coreleaks_group *group)
{
	const struct coreleaks_stack *stack = view_stack(view, group->stack_id);
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		const struct coreleaks_task *task = view_task(view, group->tasks[i]);
		if (view_stack_is_of(stack, task))
			return task;
	}
	return NULL;
}

bool view_finding_is_hidden(const struct report_view *view, const struct coreleaks_finding *finding)
{
	for (uint32_t i = 0; i < finding->num_groups; i++) {
		if (view->groups[finding->groups[i]]->hidden_by == NULL)
			return false;
	}
	return finding->num_groups > 0;
}

bool view_blocker_is_hidden(const struct report_view *view, const struct coreleaks_blocker *blocker)
{
	for (uint32_t i = 0; i < blocker->num_blocked; i++)
		if (view->task_is_shown[blocker->blocked[i]])
			return false;
	return !view->task_is_shown[blocker->task];
}

const struct coreleaks_blocker *view_blocker_of_task(const struct report_view *view, uint32_t task)
{
	for (uint32_t i = 0; i < view->num_blockers; i++)
		if (view->blockers[i]->task == task)
			return view->blockers[i];
	return NULL;
}

const struct coreleaks_group *view_group_of_task(const struct report_view *view, uint32_t task)
{
	for (uint32_t i = 0; i < view->num_groups; i++) {
		for (uint32_t j = 0; j < view->groups[i]->num_tasks; j++) {
			if (view->groups[i]->tasks[j] == task)
				return view->groups[i];
		}
	}
	return NULL;
}

const char **view_group_ids(const struct report_view *view, struct arena *arena)
{
	const char **ids = arena_alloc_array(arena, view->num_tasks, sizeof(*ids));
	for (uint32_t i = 0; i < view->num_groups; i++)
		for (uint32_t k = 0; k < view->groups[i]->num_tasks; k++)
			ids[view->groups[i]->tasks[k]] = view->groups[i]->id;
	return ids;
}

uint32_t view_group_count(const struct coreleaks_group *group)
{
	return group->num_pthreads != 0 ? group->num_pthreads : group->num_tasks;
}

const char *view_noun_of_kind(enum coreleaks_kind kind, uint64_t num)
{
	if (kind == CORELEAKS_KIND_GOROUTINE)
		return num == 1 ? "goroutine" : "goroutines";
	return num == 1 ? "thread" : "threads";
}

const char *view_noun(const struct report_view *view, uint64_t num)
{
	if (view->num_goroutines == 0)
		return view_noun_of_kind(CORELEAKS_KIND_THREAD, num);
	if (view->num_threads == 0)
		return view_noun_of_kind(CORELEAKS_KIND_GOROUTINE, num);
	return num == 1 ? "task" : "tasks";
}
