#include "proof/go_findings.h"

#include <inttypes.h>
#include <string.h>

/* ---- Marked by Go itself ------------------------------------------------------------------- */

void go_findings_verdicts(enum coreleaks_verdict *verdicts, const struct groups_input *input)
{
	for (uint32_t i = 0; i < input->num_tasks; i++)
		if (groups_task(input, i)->marked_leaked)
			verdicts[i] = CORELEAKS_VERDICT_PROVED;
}

static void raise_verdict(struct findings *findings, uint32_t group, enum coreleaks_verdict verdict)
{
	if (verdict < findings->verdict_by_group[group])
		findings->verdict_by_group[group] = verdict;
}

/* One finding: all that the profile marked. */
static void add_marked(struct findings *findings, struct arena *arena, const struct groups *groups,
		       const struct groups_input *input)
{
	uint32_t *marked = arena_alloc_array(arena, groups->list.num, sizeof(*marked));
	uint32_t num_groups = 0, num_tasks = 0;
	for (uint32_t i = 0; i < groups->list.num; i++) {
		const struct group *group = &groups->list.items[i];
		if (group->num_tasks == 0 || !groups_task(input, group->tasks[0])->marked_leaked)
			continue;
		marked[num_groups++] = i;
		num_tasks += group->num_tasks;
		raise_verdict(findings, i, CORELEAKS_VERDICT_PROVED);
	}
	if (num_groups == 0)
		return;
	uint32_t *tasks = arena_alloc_array(arena, num_tasks, sizeof(*tasks));
	num_tasks = 0;
	for (uint32_t i = 0; i < num_groups; i++) {
		const struct group *group = &groups->list.items[marked[i]];
		memcpy(tasks + num_tasks, group->tasks, group->num_tasks * sizeof(*tasks));
		num_tasks += group->num_tasks;
	}
	struct coreleaks_evidence *evidence = arena_alloc_array(arena, 1, sizeof(*evidence));
	evidence[0].what = "their status in the Go runtime is leaked: its garbage collector found "
			   "that nothing which still runs can reach what they wait for";
	*array_add(arena, &findings->list) = (struct coreleaks_finding){
		.rule = "runtime-marked",
		.certainty = CORELEAKS_VERDICT_PROVED,
		.title = arena_format(arena, "%" PRIu32 " %s found leaked by Go's own profile",
				      num_tasks,
				      num_tasks == 1 ? "goroutine was" : "goroutines were"),
		.groups = marked,
		.num_groups = num_groups,
		.tasks = tasks,
		.num_tasks = num_tasks,
		.evidence = evidence,
		.num_evidence = 1,
	};
}

/* ---- Many, and old or busy ----------------------------------------------------------------- */

/* Waits that another goroutine has to end; not timers, the network or the runtime. */
static bool waits_for_another(const char *reason)
{
	static const char *const beginnings[] = {"chan ", "select", "sync.", "semacquire"};
	for (size_t i = 0; reason != NULL && i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(reason, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static void add_suspect(struct findings *findings, struct arena *arena, const struct group *group,
			uint32_t index, const char *rule, const char *title, const char *why)
{
	uint32_t *groups = arena_alloc_array(arena, 1, sizeof(*groups));
	struct coreleaks_evidence *evidence = arena_alloc_array(arena, 1, sizeof(*evidence));
	groups[0] = index;
	evidence[0].what = why;
	*array_add(arena, &findings->list) = (struct coreleaks_finding){
		.rule = rule,
		.certainty = CORELEAKS_VERDICT_SUSPECT,
		.title = title,
		.groups = groups,
		.num_groups = 1,
		.tasks = group->tasks,
		.num_tasks = group->num_tasks,
		.evidence = evidence,
		.num_evidence = 1,
	};
	raise_verdict(findings, index, CORELEAKS_VERDICT_SUSPECT);
}

static const char *age_text(struct arena *arena, int64_t age_ns)
{
	const int64_t second_ns = INT64_C(1000000000), minute_ns = 60 * second_ns;
	return age_ns < minute_ns ? arena_format(arena, "%" PRIi64 " s", age_ns / second_ns)
				  : arena_format(arena, "%" PRIi64 " min", age_ns / minute_ns);
}

static void add_long_wait(struct findings *findings, struct arena *arena, const struct group *group,
			  uint32_t index, const struct groups_input *input)
{
	enum { MIN_GOROUTINES = 100 };
	uint32_t num = 0;
	int64_t oldest = 0;
	if (!waits_for_another(group->reason))
		return;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		int64_t wait_ns = groups_task(input, group->tasks[i])->wait_ns;
		num += wait_ns >= 0 && (uint64_t)wait_ns >= input->options->max_age_ns;
		if (wait_ns > oldest)
			oldest = wait_ns;
	}
	if (num < MIN_GOROUTINES)
		return;
	add_suspect(
		findings, arena, group, index, "long-wait",
		arena_format(arena, "%" PRIu32 " goroutines wait for at least %s in one stack (%s)",
			     num, age_text(arena, (int64_t)input->options->max_age_ns),
			     group->reason),
		arena_format(arena, "the oldest waits for at least %s", age_text(arena, oldest)));
}

static void add_busy(struct findings *findings, struct arena *arena, const struct group *group,
		     uint32_t index, const struct groups_input *input)
{
	bool runs =
		group->state == CORELEAKS_STATE_RUNNABLE || group->state == CORELEAKS_STATE_RUNNING;
	if (!runs || input->options->threshold == 0 || group->num_tasks < input->options->threshold)
		return;
	add_suspect(findings, arena, group, index, "busy",
		    arena_format(arena, "%" PRIu32 " goroutines are %s in one stack",
				 group->num_tasks, coreleaks_state_name(group->state)),
		    "more than the processors can run: they compete");
}

void go_findings_add(struct findings *findings, struct arena *arena, const struct groups *groups,
		     const struct groups_input *input)
{
	add_marked(findings, arena, groups, input);
	for (uint32_t i = 0; i < groups->list.num; i++) {
		const struct group *group = &groups->list.items[i];
		if (group->kind != CORELEAKS_KIND_GOROUTINE || group->system != NULL)
			continue;
		add_long_wait(findings, arena, group, i, input);
		add_busy(findings, arena, group, i, input);
	}
	findings_sort(findings);
}
