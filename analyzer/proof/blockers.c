#include "proof/blockers.h"

#include <stdlib.h>

/* A forest: every task waits for at most one other, and no way leads back. */
struct forest {
	int32_t *next;	 /* whom each task waits for; -1: its chain ends here */
	uint32_t *final; /* where each task's chain ends */
};

static int order_by_id(const struct task *items, uint32_t x, uint32_t y)
{
	if (items[x].id != items[y].id)
		return items[x].id < items[y].id ? -1 : 1;
	return (x > y) - (x < y);
}

static bool *find_stuck(struct arena *arena, const struct wait_graph *graph, uint32_t num)
{
	bool *stuck = arena_alloc_array(arena, num, sizeof(*stuck));
	for (uint32_t i = 0; i < graph->roots.num; i++) {
		const struct wait_root *root = &graph->roots.items[i];
		for (uint32_t k = 0; k < root->num_tasks; k++)
			stuck[root->tasks[k]] = true;
		for (uint32_t k = 0; k < root->num_behind; k++)
			stuck[root->behind[k]] = true;
	}
	return stuck;
}

/* In a circle that proves nothing some member's wait makes no edge of the graph: it may end. */
static void break_circle(struct forest *forest, const struct wait_graph *graph,
			 const struct tasks *tasks, uint32_t start)
{
	uint32_t weakest = start, at = start;
	bool found = false;
	do {
		if (graph->edges[at].to < 0 &&
		    (!found || order_by_id(tasks->list.items, at, weakest) < 0)) {
			weakest = at;
			found = true;
		}
		at = (uint32_t)forest->next[at];
	} while (at != start);
	forest->next[weakest] = -1;
}

static void break_circles(struct forest *forest, struct arena *arena,
			  const struct wait_graph *graph, const struct tasks *tasks)
{
	uint32_t num = tasks->list.num;
	uint32_t *walk_of = arena_alloc_array(arena, num, sizeof(*walk_of));
	for (uint32_t i = 0; i < num; i++) {
		uint32_t at = i, walk = i + 1;
		while (walk_of[at] == 0 && forest->next[at] >= 0) {
			walk_of[at] = walk;
			at = (uint32_t)forest->next[at];
		}
		if (walk_of[at] == walk && forest->next[at] >= 0)
			break_circle(forest, graph, tasks, at);
	}
}

/* Each way is walked once: what lies behind a task whose end is known was walked before. */
static void find_ends(struct forest *forest, struct arena *arena, uint32_t num)
{
	bool *known = arena_alloc_array(arena, num, sizeof(*known));
	uint32_t *way = arena_alloc_array(arena, num, sizeof(*way));
	forest->final = arena_alloc_array(arena, num, sizeof(*forest->final));
	for (uint32_t i = 0; i < num; i++) {
		uint32_t num_way = 0, at = i;
		while (!known[at] && forest->next[at] >= 0) {
			way[num_way++] = at;
			at = (uint32_t)forest->next[at];
		}
		if (!known[at])
			forest->final[at] = at;
		known[at] = true;
		for (uint32_t k = 0; k < num_way; k++) {
			forest->final[way[k]] = forest->final[at];
			known[way[k]] = true;
		}
	}
}

static int task_compare(const void *a, const void *b, void *items)
{
	return order_by_id(items, *(const uint32_t *)a, *(const uint32_t *)b);
}

static int blocker_compare(const void *a, const void *b, void *items)
{
	const struct blocker *x = a, *y = b;
	if (x->num_blocked != y->num_blocked)
		return x->num_blocked > y->num_blocked ? -1 : 1;
	return order_by_id(items, x->task, y->task);
}

static void collect(struct blockers *ret, struct arena *arena, const struct forest *forest,
		    const struct tasks *tasks)
{
	uint32_t num = tasks->list.num;
	uint32_t *by_id = arena_alloc_array(arena, num, sizeof(*by_id));
	uint32_t *num_behind = arena_alloc_array(arena, num, sizeof(*num_behind));
	uint32_t *place = arena_alloc_array(arena, num, sizeof(*place));
	for (uint32_t i = 0; i < num; i++) {
		by_id[i] = i;
		num_behind[forest->final[i]] += forest->final[i] != i;
	}
	if (num > 1)
		qsort_r(by_id, num, sizeof(*by_id), task_compare, tasks->list.items);
	for (uint32_t i = 0; i < num; i++) {
		if (num_behind[i] == 0)
			continue;
		place[i] = ret->num;
		*array_add(arena, ret) = (struct blocker){
			.task = i,
			.blocked = arena_alloc_array(arena, num_behind[i], sizeof(uint32_t)),
			.direct = arena_alloc_array(arena, num_behind[i], sizeof(uint32_t)),
		};
	}
	for (uint32_t i = 0; i < num; i++) {
		uint32_t task = by_id[i], end = forest->final[task];
		if (end == task)
			continue;
		struct blocker *blocker = &ret->items[place[end]];
		blocker->blocked[blocker->num_blocked++] = task;
		if (forest->next[task] == (int32_t)end)
			blocker->direct[blocker->num_direct++] = task;
	}
}

void blockers_build(struct blockers *ret, struct arena *arena, const struct wait_graph *graph,
		    const struct tasks *tasks)
{
	uint32_t num = tasks->list.num;
	*ret = (struct blockers){0};
	if (!graph->has_edges)
		return;
	const bool *stuck = find_stuck(arena, graph, num);
	struct forest forest = {.next = arena_alloc_array(arena, num, sizeof(*forest.next))};
	for (uint32_t i = 0; i < num; i++) {
		int32_t to = graph->edges[i].blocked_by;
		/* Whoever knows its lock no more does not block it: it is stuck by itself. */
		forest.next[i] = to < 0 || stuck[i] || stuck[to] ? -1 : to;
	}
	break_circles(&forest, arena, graph, tasks);
	find_ends(&forest, arena, num);
	collect(ret, arena, &forest, tasks);
	if (ret->num > 1)
		qsort_r(ret->items, ret->num, sizeof(*ret->items), blocker_compare,
			tasks->list.items);
}
