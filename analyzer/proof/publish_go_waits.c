#include "proof/publish_go_waits.h"

static void publish_end(struct coreleaks_wait *result, const struct go_wait *wait)
{
	if (!wait->timed)
		return;
	result->when_ns = wait->when_ns;
	result->timeout_kind = wait->in_bubble		    ? "bubble"
			       : wait->left_ns == INT64_MIN ? "monotonic"
							    : "remaining";
	result->timeout_ns = wait->left_ns == INT64_MIN ? wait->when_ns : wait->left_ns;
}

/* Waits that were made, by their objects: most goroutines of one wait for the same, in the same
 * way, and share one. */
enum { NUM_RECENT = 64 };

/* With their padding: what differs in that alone is not shared, and no harm done. */
static bool same_bytes(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

static bool same_cases(const struct coreleaks_wait *a, const struct coreleaks_wait *b)
{
	return a->num_cases == b->num_cases && a->cases != NULL && b->cases != NULL &&
	       same_bytes(a->cases, b->cases, a->num_cases * sizeof(*a->cases));
}

/* Ordered ones stand where the next select's will. */
static const struct coreleaks_case *copy_cases(struct arena *arena,
					       const struct coreleaks_wait *wait)
{
	struct coreleaks_case *cases = arena_alloc_array(arena, wait->num_cases, sizeof(*cases));
	memcpy(cases, wait->cases, wait->num_cases * sizeof(*cases));
	return cases;
}

static const struct coreleaks_wait *keep(const struct coreleaks_wait **recent, struct arena *arena,
					 struct coreleaks_wait *wait)
{
	const struct coreleaks_wait **slot =
		&recent[(wait->addr / 16 ^ (uintptr_t)wait->reason / 16) % NUM_RECENT];
	bool kept = *slot != NULL && same_cases(*slot, wait);
	if (kept)
		wait->cases = (*slot)->cases;
	/* A copy made by memcpy() has its padding, too. */
	if (*slot == NULL || !same_bytes(*slot, wait, sizeof(*wait))) {
		struct coreleaks_wait *copy = arena_alloc(arena, sizeof(*copy));
		if (wait->cases_ordered && !kept)
			wait->cases = copy_cases(arena, wait);
		memcpy(copy, wait, sizeof(*copy));
		*slot = copy;
	}
	return *slot;
}

void publish_go_waits(const struct coreleaks_wait **waits, struct arena *arena, struct go_waits *go)
{
	const struct goroutines *goroutines = go->input.goroutines;
	const struct coreleaks_wait *recent[NUM_RECENT] = {NULL};
	struct coreleaks_wait copy, *result = &copy;
	for (uint32_t i = 0; i < goroutines->list.num; i++) {
		const struct task *task = &go->input.tasks->list.items[goroutines->first_task + i];
		if (task->state != CORELEAKS_STATE_WAITING)
			continue;
		const struct go_wait wait = go_waits_of(go, i);
		memcpy(result, waits[goroutines->first_task + i], sizeof(*result));
		result->waking = wait.waking;
		result->cases = wait.cases;
		result->num_cases = wait.num_cases;
		result->is_select = wait.is_select;
		result->cases_ordered = wait.cases_ordered;
		result->writes = wait.writes;
		publish_end(result, &wait);
		if (wait.object != NULL) {
			result->go = wait.object;
			result->object = wait.object->kind;
			result->addr = wait.object->addr;
			result->type = wait.object->type;
			result->certain = true;
			result->candidates_known = wait.object->candidates_known;
			result->candidates = wait.object->candidates;
			result->num_candidates = wait.object->num_candidates;
			result->num_all_candidates = wait.object->num_all_candidates;
		} else if (wait.fd >= 0) {
			result->object = "fd";
			result->addr = (uint64_t)wait.fd;
			result->certain = true;
		}
		waits[goroutines->first_task + i] = keep(recent, arena, result);
	}
}
