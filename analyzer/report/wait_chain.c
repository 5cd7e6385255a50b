#include "report/wait_chain.h"

#include <stdlib.h>
#include <string.h>

struct wait_chain wait_chain_of(const struct report_view *view, uint32_t task)
{
	struct wait_chain chain = {.tasks = {task}, .num = 1, .back_to = -1};
	for (;;) {
		int32_t next = view_wait(view, chain.tasks[chain.num - 1])->holder_task;
		if (next < 0)
			return chain;
		for (uint32_t i = 0; i < chain.num; i++)
			if (chain.tasks[i] == (uint32_t)next)
				chain.back_to = (int32_t)i;
		if (chain.back_to >= 0)
			return chain;
		if (chain.num == WAIT_CHAIN_MAX) {
			chain.cut = true;
			return chain;
		}
		chain.tasks[chain.num++] = (uint32_t)next;
	}
}

static int waiter_compare(const void *a, const void *b, void *view)
{
	int64_t x = view_task(view, *(const uint32_t *)a)->id;
	int64_t y = view_task(view, *(const uint32_t *)b)->id;
	return (x > y) - (x < y);
}

static uint32_t *by_id(uint32_t *waiters, uint32_t num, const struct report_view *view)
{
	if (num > 0)
		qsort_r(waiters, num, sizeof(*waiters), waiter_compare, (void *)(uintptr_t)view);
	return waiters;
}

uint32_t *wait_chain_waiters(struct arena *arena, const struct report_view *view, uint32_t task,
			     uint32_t *num_ret)
{
	uint32_t *waiters = arena_alloc_array(arena, view->num_tasks, sizeof(*waiters));
	*num_ret = 0;
	for (uint32_t i = 0; i < view->num_tasks; i++)
		if (view_wait(view, i)->holder_task == (int32_t)task)
			waiters[(*num_ret)++] = i;
	return by_id(waiters, *num_ret, view);
}

uint32_t *wait_chain_waiters_at(struct arena *arena, const struct report_view *view, uint64_t addr,
				const char *kind, uint32_t *num_ret)
{
	uint32_t *waiters = arena_alloc_array(arena, view->num_tasks, sizeof(*waiters));
	*num_ret = 0;
	for (uint32_t i = 0; i < view->num_tasks; i++)
		if (view_wait(view, i)->addr == addr && view_wait(view, i)->object != NULL &&
		    strcmp(view_wait(view, i)->object, kind) == 0)
			waiters[(*num_ret)++] = i;
	return by_id(waiters, *num_ret, view);
}

static bool waits_at(const struct coreleaks_wait *wait, const struct coreleaks_go_object *object,
		     int side)
{
	if (wait->go == object && (side < 0 || wait->num_cases == 0))
		return side < 0;
	for (uint32_t i = 0; i < wait->num_cases; i++)
		if (wait->cases[i].channel == object &&
		    (side < 0 || wait->cases[i].send == (side == 1)))
			return true;
	return false;
}

uint32_t *wait_chain_goroutines(struct arena *arena, const struct report_view *view,
				const struct coreleaks_go_object *object, int side,
				uint32_t *num_ret)
{
	uint32_t *waiters = arena_alloc_array(arena, view->num_tasks, sizeof(*waiters));
	*num_ret = 0;
	for (uint32_t i = 0; i < view->num_tasks; i++)
		if (waits_at(view_wait(view, i), object, side))
			waiters[(*num_ret)++] = i;
	return by_id(waiters, *num_ret, view);
}

bool wait_chain_names(const struct coreleaks_finding *finding, uint32_t task)
{
	for (uint32_t i = 0; i < finding->num_tasks; i++)
		if (finding->tasks[i] == task)
			return true;
	return false;
}
