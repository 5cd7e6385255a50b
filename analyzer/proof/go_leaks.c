#include "proof/go_leaks.h"

#include "group/user_frame.h"
#include "proof/go_hints.h"

#include <inttypes.h>

enum { MAX_EXAMPLES = 4, NUM_RULES = 3 };

struct evidence_list {
	struct coreleaks_evidence *items;
	uint32_t num, capacity;
};

struct leaks {
	struct findings *findings;
	struct arena *arena;
	const struct groups *groups;
	const struct go_leaks_input *input;
};

struct rule {
	const char *name;
	enum go_role role;
	const char *one, *many; /* ends of titles */
};

static const struct rule rules[NUM_RULES] = {
	{"unreachable-wait", GO_ROLE_WAITS, "waits for what nothing can reach any more",
	 "wait for what nothing can reach any more"},
	{"nil-channel", GO_ROLE_NIL_CHANNEL, "waits on a nil channel, for ever",
	 "wait on nil channels, for ever"},
	{"select-no-cases", GO_ROLE_NO_CASES, "waits in a select without cases, for ever",
	 "wait in a select without cases, for ever"},
};

/* Main that waits so on purpose, until the process is ended, is a common way to write servers. */
static bool is_main_at_rest(const struct go_leaks_input *input, uint32_t goroutine)
{
	return input->never->roles[goroutine] == GO_ROLE_NO_CASES &&
	       groups_task_id(input->groups, input->goroutines->first_task + goroutine) == 1;
}

/* What a goroutine is stuck as: GO_ROLE_WAITS by the search, for ever without it. GO_ROLE_LIVE: it
 * may not be stuck. */
static enum go_role stuck_as(const struct go_leaks_input *input, uint32_t goroutine)
{
	if (input->never->roles != NULL && input->never->roles[goroutine] != GO_ROLE_LIVE)
		return is_main_at_rest(input, goroutine)
			       ? GO_ROLE_LIVE
			       : (enum go_role)input->never->roles[goroutine];
	return input->reach->made && input->reach->roles[goroutine] == GO_ROLE_WAITS &&
			       input->reach->kept[goroutine] == GO_KEPT_BY_NOTHING
		       ? GO_ROLE_WAITS
		       : GO_ROLE_LIVE;
}

static enum coreleaks_verdict certainty_of(const struct go_leaks_input *input, enum go_role role)
{
	uint32_t num =
		role == GO_ROLE_WAITS ? input->reach->caveats.num : input->never->caveats.num;
	return num > 0 ? CORELEAKS_VERDICT_LIKELY : CORELEAKS_VERDICT_PROVED;
}

void go_leaks_verdicts(enum coreleaks_verdict *verdicts, const struct go_leaks_input *input)
{
	for (uint32_t i = 0; i < input->goroutines->list.num; i++) {
		uint32_t task = input->goroutines->first_task + i;
		enum go_role role = stuck_as(input, i);
		if (role != GO_ROLE_LIVE && certainty_of(input, role) < verdicts[task])
			verdicts[task] = certainty_of(input, role);
	}
}

/* ---- Evidence ------------------------------------------------------------------------------ */

static void add(const struct leaks *leaks, struct evidence_list *list, uint64_t addr,
		const char *what)
{
	*array_add(leaks->arena, list) = (struct coreleaks_evidence){what, addr};
}

static const char *words_for(const struct go_sudog *sudog)
{
	if (sudog->queue == GO_QUEUE_SEMAPHORE)
		return "waits for the lock or counter whose semaphore is";
	if (sudog->queue == GO_QUEUE_NOTIFY)
		return "waits for the condition whose list is";
	if (sudog->is_select)
		return sudog->send ? "may send, in a select, to channel"
				   : "may receive, in a select, from channel";
	return sudog->send ? "waits to send to channel" : "waits to receive from channel";
}

/* "goroutine 7 waits to receive from channel 0x…, in whose queue it stands (sudog 0x…)" */
static void add_wait(const struct leaks *leaks, struct evidence_list *list, int64_t id,
		     const struct go_sudog *sudog)
{
	add(leaks, list, sudog->object_addr,
	    arena_format(leaks->arena,
			 "goroutine %" PRId64 " %s 0x%" PRIx64
			 ", in whose queue it stands (sudog 0x%" PRIx64 ")",
			 id, words_for(sudog), sudog->object_addr, sudog->addr));
}

/* What a few of them wait for, and how many more there are. */
static void add_waits(const struct leaks *leaks, struct evidence_list *list, const uint32_t *tasks,
		      uint32_t num)
{
	const struct go_leaks_input *input = leaks->input;
	uint32_t shown = 0;
	for (uint32_t i = 0; i < num && shown < MAX_EXAMPLES; i++) {
		uint32_t goroutine = tasks[i] - input->goroutines->first_task;
		const struct go_queue_entries *entries = &input->queues->of[goroutine];
		for (uint32_t k = 0; k < entries->num && k < MAX_EXAMPLES; k++)
			add_wait(leaks, list, groups_task_id(input->groups, tasks[i]),
				 &input->queues->sudogs.items[entries->first + k]);
		if (entries->num > MAX_EXAMPLES)
			add(leaks, list, 0,
			    arena_format(leaks->arena,
					 "goroutine %" PRId64 " stands in %" PRIu32
					 " more queues: the same holds for each",
					 groups_task_id(input->groups, tasks[i]),
					 entries->num - MAX_EXAMPLES));
		shown++;
	}
	if (num > shown)
		add(leaks, list, 0,
		    arena_format(leaks->arena, "the same holds for %" PRIu32 " others",
				 num - shown));
}

/* What was searched, and found not to lead there. */
static void add_search(const struct leaks *leaks, struct evidence_list *list)
{
	const struct go_reach *reach = leaks->input->reach;
	const struct go_marker *marker = &reach->marker;
	add(leaks, list, 0,
	    arena_format(
		    leaks->arena,
		    "no live goroutine, global, timer or finalizer can reach any of these: from "
		    "%" PRIu32 " goroutines that may go on (%" PRIu32
		    " of them because what they wait for was reached), the registers and "
		    "stacks of %" PRIu32 " threads, %" PRIu64 " words of variables, %" PRIu32
		    " finalizers and cleanups (%" PRIu32 " due) and all timers, %" PRIu64
		    " objects were reached",
		    reach->num_roots + reach->num_revived, reach->num_revived,
		    reach->threads.num_threads, reach->roots.num_words,
		    reach->roots.num_finalizers + reach->roots.num_cleanups +
			    reach->roots.num_queued,
		    reach->roots.num_queued, marker->num_marked));
	add(leaks, list, 0,
	    "premise: the program hides no pointer from Go's garbage collector, neither as a "
	    "number "
	    "nor in memory of C's");
}

static void add_never(const struct leaks *leaks, struct evidence_list *list, const uint32_t *tasks,
		      uint32_t num, enum go_role role)
{
	const struct go_leaks_input *input = leaks->input;
	for (uint32_t i = 0; i < num && i < MAX_EXAMPLES; i++) {
		const struct coreleaks_task *task = groups_task(input->groups, tasks[i]);
		add(leaks, list,
		    input->goroutines->list.items[tasks[i] - input->goroutines->first_task].addr,
		    arena_format(leaks->arena,
				 "goroutine %" PRId64
				 " is parked with the reason \"%s\" and stands in no queue: %s",
				 groups_task_id(input->groups, tasks[i]),
				 task->reason != NULL ? task->reason : "",
				 role == GO_ROLE_NO_CASES ? "no case could ever be chosen"
							  : "no operation on a nil channel ever "
							    "completes"));
	}
}

/* ---- Findings ------------------------------------------------------------------------------ */

static const char *title(const struct leaks *leaks, const struct rule *rule, uint32_t num,
			 const struct coreleaks_stack *stack)
{
	const struct coreleaks_frame *frame = user_frame_first(stack);
	const char *words = arena_format(leaks->arena, "%" PRIu32 " %s %s", num,
					 num == 1 ? "goroutine" : "goroutines",
					 num == 1 ? rule->one : rule->many);
	if (frame == NULL || frame->function == NULL)
		return words;
	return arena_format(leaks->arena, "%s: %s", words, frame->function);
}

/* One finding: what that rule says of one group. */
static void add_rule(const struct leaks *leaks, uint32_t index, const struct rule *rule)
{
	const struct go_leaks_input *input = leaks->input;
	const struct group *group = &leaks->groups->list.items[index];
	struct arena *arena = leaks->arena;
	struct evidence_list evidence = {0};
	bool searched = rule->role == GO_ROLE_WAITS;
	uint32_t num = 0;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		uint32_t goroutine = group->tasks[i] - input->goroutines->first_task;
		num += stuck_as(input, goroutine) == rule->role;
	}
	if (num == 0)
		return;
	uint32_t *tasks = arena_alloc_array(arena, num, sizeof(*tasks));
	uint32_t *groups = arena_alloc_array(arena, 1, sizeof(*groups));
	groups[0] = index;
	num = 0;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		uint32_t goroutine = group->tasks[i] - input->goroutines->first_task;
		if (stuck_as(input, goroutine) == rule->role)
			tasks[num++] = group->tasks[i];
	}
	if (searched) {
		add_waits(leaks, &evidence, tasks, num);
		add_search(leaks, &evidence);
	} else {
		add_never(leaks, &evidence, tasks, num, rule->role);
	}
	const struct coreleaks_task *first = groups_task(input->groups, tasks[0]);
	const struct coreleaks_stack *stack = groups_stack(input->groups, first->stack_id);
	enum coreleaks_verdict certainty = certainty_of(input, rule->role);
	if (certainty < leaks->findings->verdict_by_group[index])
		leaks->findings->verdict_by_group[index] = certainty;
	*array_add(arena, &leaks->findings->list) = (struct coreleaks_finding){
		.rule = rule->name,
		.certainty = certainty,
		.title = title(leaks, rule, num, stack),
		.groups = groups,
		.num_groups = 1,
		.tasks = tasks,
		.num_tasks = num,
		.evidence = evidence.items,
		.num_evidence = evidence.num,
		.caveats = searched ? input->reach->caveats.items : input->never->caveats.items,
		.num_caveats = searched ? input->reach->caveats.num : input->never->caveats.num,
		.hint = go_hints_for(first->reason, stack),
	};
}

void go_leaks_add(struct findings *findings, struct arena *arena, const struct groups *groups,
		  const struct go_leaks_input *input)
{
	const struct leaks leaks = {
		.findings = findings, .arena = arena, .groups = groups, .input = input};
	if (!input->reach->made && input->never->roles == NULL)
		return;
	for (uint32_t i = 0; i < groups->list.num; i++) {
		if (groups->list.items[i].kind != CORELEAKS_KIND_GOROUTINE)
			continue;
		for (uint32_t k = 0; k < NUM_RULES; k++)
			add_rule(&leaks, i, &rules[k]);
	}
	findings_sort(findings);
}
