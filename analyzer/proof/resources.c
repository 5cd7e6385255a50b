#include "proof/resources.h"

#include "base/intern.h"

#include <string.h>

enum { NO_GROUP = UINT32_MAX };

/* What is counted once a group. */
struct counted {
	uint64_t what;
	uint32_t group, use;
};

enum { USE_FD, USE_TIMER, USE_LOCK, USE_MAYBE_LOCK };

struct counter {
	const struct groups_input *input;
	struct coreleaks_group *groups;
	struct intern seen;	 /* struct counted */
	uint32_t *group_by_task; /* NO_GROUP: the task was left out */
	struct intern threads;	 /* int64_t ids of threads that goroutines keep */
	struct {
		uint32_t *items; /* the goroutine, parallel to the keys of threads */
		uint32_t num, capacity;
	} runners;
};

static bool is_new(struct counter *counter, uint32_t group, uint64_t what, uint32_t use)
{
	const struct counted key = {what, group, use};
	bool added;
	intern_add(&counter->seen, &key, sizeof(key), &added);
	return added;
}

static bool is_kind(const char *kind, const char *wanted)
{
	return kind != NULL && strcmp(kind, wanted) == 0;
}

/* ---- Of the members alone ------------------------------------------------------------------ */

/* The channel's timer, by what has it: the timer, or the context that was given a deadline. */
static uint64_t timer_of(const struct coreleaks_go_object *channel)
{
	if (!channel->timed)
		return 0;
	if (is_kind(channel->kind, "timer"))
		return channel->owner_addr;
	for (uint32_t i = 0; i < channel->num_contexts; i++)
		if (channel->contexts[i].timed && channel->contexts[i].when_ns == channel->when_ns)
			return channel->contexts[i].addr;
	return channel->addr;
}

/* Timers of the runtime's: those behind channels, or the goroutine's own, of a sleep or deadline.
 * Time limits of threads are the kernel's. */
static void add_timers(struct counter *counter, uint32_t index, const struct coreleaks_task *task,
		       const struct coreleaks_wait *wait)
{
	struct coreleaks_group *group = &counter->groups[index];
	bool by_channel = false;
	if (task->kind != CORELEAKS_KIND_GOROUTINE)
		return;
	for (uint32_t i = 0; i < wait->num_cases; i++) {
		uint64_t timer =
			wait->cases[i].channel != NULL ? timer_of(wait->cases[i].channel) : 0;
		by_channel |= timer != 0;
		if (timer != 0 && is_new(counter, index, timer, USE_TIMER))
			group->num_timers++;
	}
	if (!by_channel && wait->timeout_kind != NULL)
		group->num_timers++;
}

static void add_member(struct counter *counter, uint32_t index, uint32_t number)
{
	const struct coreleaks_task *task = groups_task(counter->input, number);
	const struct coreleaks_wait *wait = counter->input->waits[number];
	struct coreleaks_group *group = &counter->groups[index];
	counter->group_by_task[number] = index;
	if (task->kind == CORELEAKS_KIND_GOROUTINE && task->thread_id != 0) {
		bool added;
		group->num_threads++;
		intern_add(&counter->threads, &task->thread_id, sizeof(task->thread_id), &added);
		if (added)
			*array_add(counter->seen.arena, &counter->runners) = number;
	}
	group->num_locked += task->locked_to_thread;
	if (wait == NULL)
		return;
	if (is_kind(wait->object, "fd") && is_new(counter, index, wait->addr, USE_FD))
		group->num_fds++;
	if (wait->timeout_kind != NULL)
		add_timers(counter, index, task, wait);
}

/* ---- Locks: what others wait for ----------------------------------------------------------- */

static void add_holder(struct counter *counter, uint32_t task, uint64_t lock, uint32_t use)
{
	uint32_t index = counter->group_by_task[task];
	if (index == NO_GROUP || !is_new(counter, index, lock, use))
		return;
	if (use == USE_LOCK)
		counter->groups[index].num_locks++;
	else
		counter->groups[index].num_maybe_locks++;
}

/* The thread that has C's lock, and the goroutine that called C in it. */
static void add_recorded(struct counter *counter, const struct coreleaks_wait *wait)
{
	uint32_t task = (uint32_t)wait->holder_task;
	int64_t id = groups_task_id(counter->input, task);
	uint32_t number = intern_find(&counter->threads, &id, sizeof(id));
	add_holder(counter, task, wait->addr, USE_LOCK);
	if (groups_task(counter->input, task)->kind == CORELEAKS_KIND_THREAD &&
	    number != UINT32_MAX)
		add_holder(counter, counter->runners.items[number], wait->addr, USE_LOCK);
}

static bool is_held_lock(const struct coreleaks_wait *wait)
{
	const struct coreleaks_go_object *go = wait->go;
	if (go != NULL)
		return !go->is_channel && go->known && (go->locked || go->num_readers > 0);
	return is_kind(wait->object, "mutex") ||
	       (is_kind(wait->object, "rwlock") && wait->rwlock.known &&
		(wait->rwlock.write_locked || wait->rwlock.num_readers > 0));
}

static void add_lock(struct counter *counter, const struct coreleaks_wait *wait)
{
	if (!is_held_lock(wait))
		return;
	if (wait->holder_task >= 0) {
		add_recorded(counter, wait);
		return;
	}
	for (uint32_t i = 0; i < wait->num_candidates; i++)
		add_holder(counter, wait->candidates[i].task, wait->addr, USE_MAYBE_LOCK);
}

/* Waits that are alike are one, and mostly stand side by side. */
static void add_locks(struct counter *counter)
{
	const struct coreleaks_wait *last = NULL;
	for (uint32_t i = 0; i < counter->input->num_tasks; i++) {
		const struct coreleaks_wait *wait = counter->input->waits[i];
		if (wait == NULL || wait == last)
			continue;
		last = wait;
		add_lock(counter, wait);
	}
}

void resources_add(struct coreleaks_group *groups, uint32_t num_groups, struct arena *arena,
		   const struct groups_input *input)
{
	struct counter counter = {.input = input, .groups = groups};
	counter.group_by_task =
		arena_alloc_array(arena, (size_t)input->num_tasks + 1, sizeof(uint32_t));
	memset(counter.group_by_task, 0xff, input->num_tasks * sizeof(uint32_t));
	intern_init(&counter.seen, arena);
	intern_init(&counter.threads, arena);
	for (uint32_t i = 0; i < num_groups; i++)
		for (uint32_t k = 0; k < groups[i].num_tasks; k++)
			add_member(&counter, i, groups[i].tasks[k]);
	add_locks(&counter);
	arena_drop(arena, counter.group_by_task, ((size_t)input->num_tasks + 1) * sizeof(uint32_t));
}
