#include "proof/findings.h"

#include "group/user_frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUM_EVIDENCE = 2 };

/* 12345 -> 12,345 */
static const char *findings_number(struct arena *arena, uint64_t number)
{
	char digits[21], result[28];
	size_t size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number);
	size_t used = 0;
	for (size_t i = 0; i < size; i++) {
		if (i > 0 && (size - i) % 3 == 0)
			result[used++] = ',';
		result[used++] = digits[i];
	}
	return arena_copy_bytes(arena, result, used);
}

/* FUNCTION (FILE:LINE), FUNCTION (MODULE) or MODULE+OFFSET. */
static const char *findings_place(struct arena *arena, const struct coreleaks_frame *frame)
{
	if (frame->function == NULL && frame->module == NULL)
		return arena_format(arena, "0x%" PRIx64, frame->pc);
	if (frame->function == NULL)
		return arena_format(arena, "%s+0x%" PRIx64, frame->module, frame->module_offset);
	if (frame->file != NULL && frame->line == 0)
		return arena_format(arena, "%s (%s)", frame->function,
				    user_frame_file_name(frame->file));
	if (frame->file != NULL)
		return arena_format(arena, "%s (%s:%" PRIu32 ")", frame->function,
				    user_frame_file_name(frame->file), frame->line);
	return arena_format(arena, "%s (%s)", frame->function,
			    frame->module != NULL ? frame->module : "no module");
}

static const char *findings_noun(enum coreleaks_kind kind)
{
	return kind == CORELEAKS_KIND_GOROUTINE ? "goroutines" : "threads";
}

/* Stacks of which only libc's innermost frames could be read are equal whatever the tasks do. */
static bool findings_stack_tells(const struct coreleaks_stack *stack)
{
	if (stack->num_frames == 0)
		return false;
	if (stack->end == CORELEAKS_STACK_COMPLETE || stack->end == CORELEAKS_STACK_LIMIT)
		return true;
	return user_frame_first(stack) != NULL;
}

/* What the members of a group that was not made by their stacks have in common. */
static const char *findings_common(enum coreleaks_group_by group_by, const struct group *group)
{
	if (group_by == CORELEAKS_GROUP_BY_CREATOR)
		return "are created in the same place";
	if (group_by == CORELEAKS_GROUP_BY_LABEL)
		return "have the same label";
	return group_by == CORELEAKS_GROUP_BY_OBJECT && group->object != NULL
		       ? "wait for one object"
		       : "have the same reason";
}

static const char *findings_title(struct arena *arena, const struct group *group,
				  const struct coreleaks_stack *stack,
				  enum coreleaks_group_by group_by)
{
	const char *count = findings_number(arena, group->num_tasks);
	const char *noun = findings_noun(group->kind);
	if (group_by == CORELEAKS_GROUP_BY_REASON || group_by == CORELEAKS_GROUP_BY_OBJECT)
		return arena_format(arena, "%s %s %s: %s", count, noun,
				    findings_common(group_by, group),
				    group->reason != NULL ? group->reason : "unknown");
	if (group_by == CORELEAKS_GROUP_BY_CREATOR)
		return arena_format(arena, "%s %s are created in the same place: %s", count, noun,
				    findings_place(arena, group->creation->frame));
	/* Its value is the process's memory, which a title must not tell: see --privacy. */
	if (group_by == CORELEAKS_GROUP_BY_LABEL && group->key != NULL)
		return arena_format(arena, "%s %s have the same label '%.*s'", count, noun,
				    (int)strcspn(group->key, "="), group->key);
	if (group->key != NULL)
		return arena_format(arena, "%s %s share the key '%s'", count, noun, group->key);
	const struct coreleaks_frame *frame = user_frame_first(stack);
	if (frame == NULL)
		frame = &stack->frames[stack->num_frames - 1];
	bool whole = stack->end == CORELEAKS_STACK_COMPLETE || stack->end == CORELEAKS_STACK_LIMIT;
	return arena_format(arena, "%s %s share %s: %s", count, noun,
			    whole ? "one stack" : "what is readable of their stacks",
			    findings_place(arena, frame));
}

/* In tenths of a percent; only all of them are 100.0 %. */
static const char *findings_share(struct arena *arena, uint64_t part, uint64_t whole)
{
	uint64_t tenths = whole == 0 ? 0 : (part * 2000 + whole) / 2 / whole;
	if (tenths >= 1000 && part < whole)
		tenths = 999;
	return arena_format(arena, "%" PRIu64 ".%" PRIu64 " %%", tenths / 10, tenths % 10);
}

static void findings_add_duplicates(struct findings *findings, struct arena *arena,
				    const struct groups *groups, uint32_t index,
				    const struct groups_input *input, uint64_t num_of_kind)
{
	const struct group *group = &groups->list.items[index];
	const struct coreleaks_stack *stack =
		group->stack_id < input->num_stacks ? &input->stacks[group->stack_id] : NULL;
	enum coreleaks_group_by by = input->options->group_by;
	/* What has no known creator has nothing in common. */
	if (by == CORELEAKS_GROUP_BY_CREATOR &&
	    (group->creation == NULL || group->creation->frame == NULL))
		return;
	/* Nor what lacks a label. */
	if (by == CORELEAKS_GROUP_BY_LABEL && !group->has_label)
		return;
	if (group->key == NULL && by != CORELEAKS_GROUP_BY_CREATOR &&
	    (stack == NULL || !findings_stack_tells(stack)))
		return;
	uint32_t *group_ids = arena_alloc_array(arena, 1, sizeof(*group_ids));
	group_ids[0] = index;
	struct coreleaks_evidence *evidence =
		arena_alloc_array(arena, NUM_EVIDENCE, sizeof(*evidence));
	const char *common = group->key != NULL ? "have the same key, state and reason"
						: "have the same stack, state and reason";
	if (by == CORELEAKS_GROUP_BY_REASON || by == CORELEAKS_GROUP_BY_OBJECT ||
	    by == CORELEAKS_GROUP_BY_CREATOR || by == CORELEAKS_GROUP_BY_LABEL)
		common = findings_common(by, group);
	evidence[0].what =
		arena_format(arena, "%s of %s %s (%s) %s", findings_number(arena, group->num_tasks),
			     findings_number(arena, num_of_kind), findings_noun(group->kind),
			     findings_share(arena, group->num_tasks, num_of_kind), common);
	evidence[1].what = arena_format(arena, "the threshold is %s",
					findings_number(arena, input->options->threshold));
	*array_add(arena, &findings->list) = (struct coreleaks_finding){
		.rule = "runaway-duplicates",
		.certainty = CORELEAKS_VERDICT_SUSPECT,
		.title = findings_title(arena, group, stack, input->options->group_by),
		.groups = group_ids,
		.num_groups = 1,
		.tasks = group->tasks,
		.num_tasks = group->num_tasks,
		.evidence = evidence,
		.num_evidence = NUM_EVIDENCE,
	};
	findings->verdict_by_group[index] = CORELEAKS_VERDICT_SUSPECT;
}

/* About the process as a whole: it names no group, or it would make that one suspect. */
static void findings_add_population(struct findings *findings, struct arena *arena,
				    uint64_t num_goroutines, const struct groups_input *input)
{
	const char *count = findings_number(arena, input->num_tasks);
	const char *limit = findings_number(arena, input->options->max_total);
	const char *noun = num_goroutines > 0 ? "tasks" : "threads";
	struct coreleaks_evidence *evidence =
		arena_alloc_array(arena, NUM_EVIDENCE, sizeof(*evidence));
	evidence[0].what = arena_format(arena, "the process has %s %s", count, noun);
	evidence[1].what = arena_format(arena, "the largest expected number is %s", limit);
	*array_add(arena, &findings->list) = (struct coreleaks_finding){
		.rule = "population",
		.certainty = CORELEAKS_VERDICT_SUSPECT,
		.title = arena_format(arena, "%s %s in one process, more than %s", count, noun,
				      limit),
		.evidence = evidence,
		.num_evidence = NUM_EVIDENCE,
	};
}

/* Among equals in certainty: the root blocker heads the report, what explains it follows. */
static int rule_rank(const struct coreleaks_finding *finding)
{
	static const char *const order[] = {"stuck-behind", "deadlock-cycle", "self-deadlock",
					    "abandoned-lock", "unreachable-wait"};
	int num = sizeof(order) / sizeof(order[0]);
	for (int i = 0; i < num; i++)
		if (strcmp(finding->rule, order[i]) == 0)
			return i;
	return num;
}

static int finding_compare(const void *a, const void *b)
{
	const struct coreleaks_finding *x = a, *y = b;
	if (x->certainty != y->certainty)
		return x->certainty < y->certainty ? -1 : 1;
	if ((x->num_groups == 0) != (y->num_groups == 0))
		return x->num_groups == 0 ? 1 : -1;
	int order = rule_rank(x) - rule_rank(y);
	if (order != 0)
		return order;
	if (x->num_tasks + x->num_pthreads != y->num_tasks + y->num_pthreads)
		return x->num_tasks + x->num_pthreads > y->num_tasks + y->num_pthreads ? -1 : 1;
	if (x->num_tasks > 0 && y->num_tasks > 0 && x->tasks[0] != y->tasks[0])
		return x->tasks[0] < y->tasks[0] ? -1 : 1;
	return x->num_groups == 0 ? 0
				  : (x->groups[0] > y->groups[0]) - (x->groups[0] < y->groups[0]);
}

void findings_sort(struct findings *findings)
{
	if (findings->list.num > 0)
		qsort(findings->list.items, findings->list.num, sizeof(*findings->list.items),
		      finding_compare);
}

/* Nobody can tell from here whether the program would still have joined them. */
static void findings_add_unjoined(struct findings *findings, struct arena *arena,
				  const struct groups *groups, uint32_t index,
				  const struct groups_input *input)
{
	const struct group *group = &groups->list.items[index];
	const struct coreleaks_stack *stack = &input->stacks[group->stack_id];
	uint32_t *group_ids = arena_alloc_array(arena, 1, sizeof(*group_ids));
	struct coreleaks_evidence *evidence =
		arena_alloc_array(arena, NUM_EVIDENCE, sizeof(*evidence));
	bool one = group->num_pthreads == 1;
	group_ids[0] = index;
	evidence[0].what =
		"each has ended, was not detached, and no thread joins it; its descriptor "
		"and stack are kept";
	evidence[0].addr = group->pthreads[0];
	evidence[1].what = arena_format(
		arena, "their stacks reserve %s KiB of address space%s",
		findings_number(arena, group->stack_reserved_size / 1024),
		group->stack_resident_size == 0
			? ""
			: arena_format(arena, ", %s KiB of them in memory",
				       findings_number(arena, group->stack_resident_size / 1024)));
	*array_add(arena, &findings->list) = (struct coreleaks_finding){
		.rule = "unjoined-thread",
		.certainty = CORELEAKS_VERDICT_SUSPECT,
		.title = arena_format(arena, "%s finished %s never joined: %s",
				      findings_number(arena, group->num_pthreads),
				      one ? "thread was" : "threads were",
				      findings_place(arena, &stack->frames[0])),
		.groups = group_ids,
		.num_groups = 1,
		.pthreads = group->pthreads,
		.num_pthreads = group->num_pthreads,
		.evidence = evidence,
		.num_evidence = group->stack_reserved_size != 0 ? 2 : 1,
	};
	findings->verdict_by_group[index] = CORELEAKS_VERDICT_SUSPECT;
}

void findings_build(struct findings *ret, struct arena *arena, const struct groups *groups,
		    const struct groups_input *input)
{
	struct findings result = {0};
	const struct coreleaks_options *options = input->options;
	uint64_t num_goroutines = 0;
	for (uint32_t i = 0; i < input->num_tasks; i++)
		num_goroutines += groups_task(input, i)->kind == CORELEAKS_KIND_GOROUTINE;
	result.verdict_by_group = arena_alloc_array(arena, (size_t)groups->list.num + 1,
						    sizeof(*result.verdict_by_group));
	for (uint32_t i = 0; i < groups->list.num; i++) {
		const struct group *group = &groups->list.items[i];
		uint64_t num_of_kind = group->kind == CORELEAKS_KIND_GOROUTINE
					       ? num_goroutines
					       : input->num_tasks - num_goroutines;
		result.verdict_by_group[i] = CORELEAKS_VERDICT_UNKNOWN;
		/* Idle pools of a runtime are as large as the machine wants them to be. */
		if (group->system != NULL)
			continue;
		if (group->num_pthreads > 0)
			findings_add_unjoined(&result, arena, groups, i, input);
		/* What is about to run is on its way: many of them are busy, not stuck. */
		if (options->threshold > 0 && group->num_tasks >= options->threshold &&
		    group->state != CORELEAKS_STATE_RUNNABLE)
			findings_add_duplicates(&result, arena, groups, i, input, num_of_kind);
	}
	if (input->num_tasks > options->max_total)
		findings_add_population(&result, arena, num_goroutines, input);
	findings_sort(&result);
	*ret = result;
}
