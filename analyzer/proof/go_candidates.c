#include "proof/go_candidates.h"

enum { AHEAD = 8 }; /* goroutines between asking for one's words and reading them */

/* Words of the runtime for waits that nothing but the program's own goroutines can end
 * (runtime/runtime2.go waitReasonStrings, 1.19 to 1.27); with other words behind them, as for
 * bubbles of testing/synctest, they are others. */
struct reason_row {
	const char *reason;
	enum go_queue queue;
	enum go_role role;
};

static const struct reason_row reasons[] = {
	{"chan receive", GO_QUEUE_CHANNEL, GO_ROLE_WAITS},
	{"chan send", GO_QUEUE_CHANNEL, GO_ROLE_WAITS},
	{"select", GO_QUEUE_CHANNEL, GO_ROLE_WAITS},
	{"select (no cases)", GO_QUEUE_NONE, GO_ROLE_NO_CASES},
	{"chan receive (nil chan)", GO_QUEUE_NONE, GO_ROLE_NIL_CHANNEL},
	{"chan send (nil chan)", GO_QUEUE_NONE, GO_ROLE_NIL_CHANNEL},
	{"semacquire", GO_QUEUE_SEMAPHORE, GO_ROLE_WAITS},
	{"sync.Mutex.Lock", GO_QUEUE_SEMAPHORE, GO_ROLE_WAITS},
	{"sync.RWMutex.RLock", GO_QUEUE_SEMAPHORE, GO_ROLE_WAITS},
	{"sync.RWMutex.Lock", GO_QUEUE_SEMAPHORE, GO_ROLE_WAITS},
	{"sync.WaitGroup.Wait", GO_QUEUE_SEMAPHORE, GO_ROLE_WAITS},
	{"sync.Cond.Wait", GO_QUEUE_NOTIFY, GO_ROLE_WAITS},
};

static const struct reason_row *row_of(const char *reason)
{
	for (size_t i = 0; reason != NULL && i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].reason, reason) == 0)
			return &reasons[i];
	return NULL;
}

/* Parked for good: no thread has it, no bubble of testing/synctest can wake it. */
static bool is_parked(const struct go_candidates_input *input, const struct goroutine *goroutine)
{
	const struct go_layout *layout = &input->runtime->layout;
	uint64_t m, bubble = 0, status;
	if (!pages_read(input->pages, goroutine->addr + GO_G_M, &m, sizeof(m)) || m != 0 ||
	    !pages_read(input->pages, goroutine->addr + (uint64_t)layout->g_status, &status,
			sizeof(status)))
		return false;
	if (input->layout->g_bubble >= 0 &&
	    (!pages_read(input->pages, goroutine->addr + (uint64_t)input->layout->g_bubble, &bubble,
			 sizeof(bubble)) ||
	     bubble != 0))
		return false;
	uint32_t plain = (uint32_t)status & ~(uint32_t)GO_STATUS_SCAN;
	return plain == GO_STATUS_WAITING || plain == GO_STATUS_LEAKED;
}

/* It will soon be asked whether that one is parked. */
static void prefetch(const struct go_candidates_input *input, uint32_t index)
{
	const struct goroutines *goroutines = input->goroutines;
	if (index >= goroutines->list.num)
		return;
	uint64_t g = goroutines->list.items[index].addr;
	pages_prefetch(input->pages, g + GO_G_M, 1);
	pages_prefetch(input->pages, g + (uint64_t)input->runtime->layout.g_status, 1);
	if (input->layout->g_bubble >= 0)
		pages_prefetch(input->pages, g + (uint64_t)input->layout->g_bubble, 1);
}

/* In every queue that it says; where one lacks it, a wake-up is under way, and where one
 * contradicts itself perhaps. */
static enum go_role role_by_queues(const struct go_candidates_input *input, uint32_t index,
				   const struct reason_row *row)
{
	const struct go_queue_entries *entries = &input->queues->of[index];
	if (!entries->known)
		return GO_ROLE_LIVE;
	if (row->queue == GO_QUEUE_NONE)
		return entries->num == 0 ? row->role : GO_ROLE_LIVE;
	/* A select whose channels are all nil stands in no queue (runtime/select.go). */
	if (entries->num == 0)
		return strcmp(row->reason, "select") == 0 ? GO_ROLE_NIL_CHANNEL : GO_ROLE_LIVE;
	for (uint32_t i = 0; i < entries->num; i++) {
		const struct go_sudog *sudog = &input->queues->sudogs.items[entries->first + i];
		if (!sudog->linked || sudog->closed || sudog->queue != row->queue ||
		    sudog->object == UINT32_MAX ||
		    input->queues->objects.items[sudog->object].damaged)
			return GO_ROLE_LIVE;
	}
	return row->role;
}

void go_candidates_build(struct go_candidates *ret, struct arena *arena,
			 const struct go_candidates_input *input)
{
	const struct goroutines *goroutines = input->goroutines;
	const struct reason_row *row = NULL;
	const char *last_reason = NULL;
	*ret = (struct go_candidates){
		.roles = arena_alloc_array(arena, goroutines->list.num, sizeof(*ret->roles)),
	};
	for (uint32_t i = 0; i < goroutines->list.num; i++) {
		const struct goroutine *goroutine = &goroutines->list.items[i];
		const struct task *task = &input->tasks->list.items[goroutines->first_task + i];
		prefetch(input, i + AHEAD);
		if (task->state != CORELEAKS_STATE_WAITING || goroutine->in_c ||
		    input->origins->items[goroutine->origin].runtime)
			continue;
		if (task->hint->reason != last_reason)
			row = row_of(task->hint->reason);
		last_reason = task->hint->reason;
		if (row == NULL ||
		    (input->queued_out &&
		     (input->queues->of[i].num > 0 ||
		      (row->queue != GO_QUEUE_NONE && row->queue != GO_QUEUE_CHANNEL))) ||
		    !is_parked(input, goroutine))
			continue;
		ret->roles[i] = (uint8_t)role_by_queues(input, i, row);
		ret->num += ret->roles[i] != GO_ROLE_LIVE;
	}
}
