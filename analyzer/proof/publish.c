#include "proof/publish.h"

#include <stdlib.h>

struct coreleaks_core publish_core(const struct dump *dump, const struct notes *notes,
				   const struct modules *modules, const struct gaps *gaps)
{
	struct coreleaks_core core = {
		.path = dump->path,
		.size = dump->size,
		.machine = "x86_64",
		.pid = notes->pid,
		.command = notes->command,
		.signal = notes->signal,
		.dumper = notes->dumper,
		.captured_at = dump->captured_at,
		.complete = !gaps_incomplete(gaps),
	};
	if (modules->main_index >= 0) {
		const struct module *module = &modules->list.items[modules->main_index];
		core.executable = module->info.path;
		core.executable_build_id = module->info.build_id;
		core.executable_verified = module->info.verified;
		core.executable_file = module->info.file;
	}
	return core;
}

struct coreleaks_task *publish_tasks(struct arena *arena, const struct tasks *tasks,
				     const struct stacks *stacks, const char *const *reasons)
{
	struct coreleaks_task *result =
		arena_alloc_array(arena, (size_t)tasks->list.num + 1, sizeof(*result));
	for (uint32_t i = 0; i < tasks->list.num; i++) {
		const struct task *task = &tasks->list.items[i];
		result[i] = (struct coreleaks_task){
			.kind = task->kind,
			.state = task->state,
			.id = task->id,
			.pc = task->registers.values[REGISTER_RIP],
			.sp = task->registers.values[REGISTER_RSP],
			.bp = task->registers.values[REGISTER_RBP],
			.stack_size = task->stack_size,
			.syscall_nr = task->hint.syscall_nr,
			.signal = task->signal,
			.stack_id = stacks->by_task[i],
			.reason = reasons[i],
		};
	}
	return result;
}

struct ranked {
	struct coreleaks_group group;
	uint32_t index; /* in groups */
};

static int ranked_compare(const void *a, const void *b)
{
	const struct coreleaks_group *x = &((const struct ranked *)a)->group;
	const struct coreleaks_group *y = &((const struct ranked *)b)->group;
	if ((x->hidden_by == NULL) != (y->hidden_by == NULL))
		return x->hidden_by == NULL ? -1 : 1;
	if (x->verdict != y->verdict)
		return x->verdict < y->verdict ? -1 : 1;
	if (x->num_tasks != y->num_tasks)
		return x->num_tasks > y->num_tasks ? -1 : 1;
	int order = strcmp(x->signature, y->signature);
	return order != 0 ? order : (x->tasks[0] > y->tasks[0]) - (x->tasks[0] < y->tasks[0]);
}

static struct coreleaks_group publish_group(const struct group *group,
					    enum coreleaks_verdict verdict,
					    const struct coreleaks_options *options)
{
	struct coreleaks_group result = {
		.id = group->signature,
		.signature = group->signature,
		.loose_signature = group->loose_signature,
		.kind = group->kind,
		.state = group->state,
		.verdict = verdict,
		.reason = group->reason,
		.tasks = group->tasks,
		.num_tasks = group->num_tasks,
		.stack_id = group->stack_id,
		.stack_size = group->stack_size,
		.share = group->share,
		.hidden_by = group->hidden_by,
		.key = group->key,
	};
	if (result.hidden_by == NULL && options->verdict >= 0 && options->verdict != (int)verdict)
		result.hidden_by = "--verdict";
	return result;
}

/* Ids are unique even where two groups share a signature. */
static void make_ids_unique(struct published *published, struct arena *arena)
{
	struct intern ids;
	intern_init(&ids, arena);
	for (uint32_t i = 0; i < published->num_groups; i++) {
		struct coreleaks_group *group = &published->groups[i];
		bool is_new = false;
		for (uint32_t k = 1; !is_new; k++) {
			if (k > 1)
				group->id = arena_format(arena, "%s.%u", group->signature, k);
			intern_add(&ids, group->id, strlen(group->id), &is_new);
		}
	}
}

static void publish_findings(struct published *ret, struct arena *arena,
			     const struct findings *findings, const uint32_t *rank_of)
{
	ret->num_findings = findings->list.num;
	ret->findings = arena_alloc_array(arena, ret->num_findings, sizeof(*ret->findings));
	for (uint32_t i = 0; i < ret->num_findings; i++) {
		struct coreleaks_finding finding = findings->list.items[i];
		uint32_t *ranks = arena_alloc_array(arena, finding.num_groups, sizeof(*ranks));
		for (uint32_t k = 0; k < finding.num_groups; k++) {
			ranks[k] = rank_of[finding.groups[k]];
			struct coreleaks_group *group = &ret->groups[ranks[k]];
			const char **rules = arena_alloc_array(arena, (size_t)group->num_rules + 1,
							       sizeof(*rules));
			for (uint32_t j = 0; j < group->num_rules; j++)
				rules[j] = group->rules[j];
			rules[group->num_rules++] = finding.rule;
			group->rules = rules;
		}
		finding.groups = ranks;
		ret->findings[i] = finding;
	}
}

void publish_groups(struct published *ret, struct arena *arena, const struct groups *groups,
		    const struct findings *findings, const struct coreleaks_options *options)
{
	uint32_t num = groups->list.num;
	struct ranked *ranked = arena_alloc_array(arena, num, sizeof(*ranked));
	uint32_t *rank_of = arena_alloc_array(arena, num, sizeof(*rank_of));
	for (uint32_t i = 0; i < num; i++) {
		ranked[i].group = publish_group(&groups->list.items[i],
						findings->verdict_by_group[i], options);
		ranked[i].index = i;
	}
	if (num > 0)
		qsort(ranked, num, sizeof(*ranked), ranked_compare);
	ret->num_groups = num;
	ret->groups = arena_alloc_array(arena, num, sizeof(*ret->groups));
	for (uint32_t i = 0; i < num; i++) {
		ret->groups[i] = ranked[i].group;
		rank_of[ranked[i].index] = i;
	}
	make_ids_unique(ret, arena);
	publish_findings(ret, arena, findings, rank_of);
}
