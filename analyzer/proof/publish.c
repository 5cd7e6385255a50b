#include "proof/publish.h"

#include "group/system_threads.h"

#include <stdlib.h>

struct coreleaks_core publish_core(const struct dump *dump, const struct notes *notes,
				   const struct modules *modules, const struct gaps *gaps)
{
	struct coreleaks_core core = {
		.path = dump->path,
		.size = dump->size,
		.machine = dump->is_arm64 ? "aarch64" : "x86_64",
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

static struct coreleaks_wait publish_wait(const struct wait *wait, const struct tasks *tasks,
					  const struct nptl *nptl, const char *symbol)
{
	static const char *const clocks[] = {NULL, "remaining", "realtime", "monotonic"};
	struct coreleaks_wait result = {
		.object = wait_object_name(wait->object),
		.addr = wait->addr,
		.symbol = symbol,
		.type = wait->what,
		.certain = wait->certain,
		.waking = wait->in_flight,
		.mutex_addr = wait->mutex_addr,
		.timeout_kind = clocks[wait->clock],
		.timeout_ns = wait->timeout_ns,
		.holder_id = wait->holder_tid,
		.holder_task = -1,
		.reason = wait->reason,
		.rwlock = {.known = wait->rwlock.known,
			   .write_locked = wait->rwlock.write_locked,
			   .num_readers = wait->rwlock.num_readers,
			   .num_writers_waiting = wait->rwlock.num_writers_waiting},
	};
	if (wait->holder >= 0) {
		result.holder_task = nptl->threads.items[wait->holder].task;
		result.holder_exited = nptl->threads.items[wait->holder].life == NPTL_FINISHED;
	} else if (wait->holder_tid != 0) {
		/* Nobody has that id, and every thread is listed. */
		result.holder_exited = nptl->present && nptl->lists_whole;
	}
	/* In the core's own numbers, which differ from the process's in a pid namespace. */
	if (result.holder_task >= 0)
		result.holder_id = tasks->list.items[result.holder_task].id;
	return result;
}

static void publish_candidates(struct coreleaks_wait *wait, const struct holders_of *found)
{
	if (found == NULL)
		return;
	wait->candidates_known = true;
	wait->candidates = found->candidates;
	wait->num_candidates = found->num;
	wait->num_all_candidates = found->num_all;
}

/* Of task i; interrupted: parallel to the stacks'. */
static struct coreleaks_wait *wait_of_task(struct arena *arena,
					   const struct publish_waits_input *input, uint32_t i,
					   const struct coreleaks_wait *interrupted)
{
	struct coreleaks_wait *result = arena_alloc(arena, sizeof(*result));
	*result = publish_wait(input->waits->by_task[i], input->tasks, input->nptl,
			       input->names->objects[i]);
	if (input->stacks->interrupted_by_task[i] >= 0)
		result->interrupted = &interrupted[input->stacks->interrupted_by_task[i]];
	publish_candidates(result, input->holders->by_task[i]);
	int32_t index = input->nptl->by_task[i];
	if (index < 0)
		return result;
	result->start = input->names->starts[index];
	result->detached = input->nptl->threads.items[index].detached;
	return result;
}

const struct coreleaks_wait **publish_waits(struct arena *arena,
					    const struct publish_waits_input *input)
{
	const struct stacks *stacks = input->stacks;
	uint32_t num = input->tasks->list.num;
	struct coreleaks_wait **result = arena_alloc_array(arena, (size_t)num + 1, sizeof(*result));
	struct coreleaks_wait *interrupted =
		arena_alloc_array(arena, stacks->interrupted.num, sizeof(*interrupted));
	struct intern seen; /* addresses of waits -> the first task of each */
	struct {
		uint32_t *items;
		uint32_t num, capacity;
	} first = {0};
	intern_init(&seen, arena);
	for (uint32_t i = 0; i < stacks->interrupted.num; i++)
		interrupted[i] = publish_wait(&input->waits->interrupted[i], input->tasks,
					      input->nptl, input->names->interrupted_objects[i]);
	for (uint32_t i = 0; i < num; i++) {
		const struct wait *wait = input->waits->by_task[i];
		bool is_new = true;
		uint32_t id = 0;
		/* Tasks share a wait that says nothing of them alone. */
		if (input->tasks->list.items[i].kind == CORELEAKS_KIND_GOROUTINE &&
		    stacks->interrupted_by_task[i] < 0)
			id = intern_add(&seen, &wait, sizeof(const struct wait *), &is_new);
		if (!is_new && first.items != NULL) {
			result[i] = result[first.items[id]];
			continue;
		}
		if (seen.keys.num > first.num)
			*array_add(arena, &first) = i;
		result[i] = wait_of_task(arena, input, i, interrupted);
	}
	/* glibc 2.34 and later do not record the joiner in the thread that is joined. */
	for (uint32_t i = 0; i < num; i++)
		if (input->waits->by_task[i]->object == WAIT_THREAD && result[i]->holder_task >= 0)
			result[result[i]->holder_task]->joiner_id = input->tasks->list.items[i].id;
	return (const struct coreleaks_wait **)result;
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
	uint32_t x_count = x->num_tasks + x->num_pthreads, y_count = y->num_tasks + y->num_pthreads;
	if (x_count != y_count)
		return x_count > y_count ? -1 : 1;
	int order = strcmp(x->signature, y->signature);
	if (order != 0 || x->num_tasks == 0 || y->num_tasks == 0)
		return order;
	return (x->tasks[0] > y->tasks[0]) - (x->tasks[0] < y->tasks[0]);
}

static struct coreleaks_group publish_group(struct arena *arena, const struct group *group,
					    enum coreleaks_verdict verdict,
					    const struct ruled *ruled,
					    const struct coreleaks_options *options)
{
	struct coreleaks_group result = {
		.id = group->split == NULL
			      ? group->signature
			      : arena_format(arena, "%s.%s", group->signature, group->split),
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
		.timed = group->timed,
		.pthreads = group->pthreads,
		.num_pthreads = group->num_pthreads,
		.system = group->system,
		.stack_reserved_size = group->stack_reserved_size,
		.stack_resident_size = group->stack_resident_size,
		.creation = group->creation,
		.ignored_by = ruled != NULL ? ruled->ignored_by : NULL,
		.allowed_by = ruled != NULL ? ruled->allowed_by : NULL,
	};
	bool asked_for = options->all || options->verdict == CORELEAKS_VERDICT_BENIGN;
	if (verdict == CORELEAKS_VERDICT_UNKNOWN && group->system != NULL)
		result.verdict = CORELEAKS_VERDICT_BENIGN;
	if (result.hidden_by == NULL && result.verdict == CORELEAKS_VERDICT_BENIGN && !asked_for)
		result.hidden_by = result.ignored_by != NULL ? rule_name(result.ignored_by)
							     : system_rule(group->kind);
	if (result.hidden_by == NULL && options->verdict >= 0 &&
	    options->verdict != (int)result.verdict)
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
		const char *first_id = group->id;
		bool is_new = false;
		for (uint32_t k = 1; !is_new; k++) {
			if (k > 1)
				group->id = arena_format(arena, "%s.%u", first_id, k);
			intern_add(&ids, group->id, strlen(group->id), &is_new);
		}
	}
}

struct object_key {
	uint64_t addr;
	uint64_t kind; /* address of its literal name */
};

static struct object_key object_key(const struct coreleaks_wait *wait)
{
	return (struct object_key){wait->addr, (uint64_t)(uintptr_t)wait->object};
}

struct counted_object {
	struct coreleaks_object object;
	uint32_t num_members; /* of the group at hand */
};

static int object_compare(const void *a, const void *b)
{
	const struct counted_object *x = a, *y = b;
	if (x->num_members != y->num_members)
		return x->num_members > y->num_members ? -1 : 1;
	return (x->object.addr > y->object.addr) - (x->object.addr < y->object.addr);
}

/* What waiters are counted by: all tasks' waits for each object. Go's objects count their own. */
struct waiter_counts {
	struct intern keys;
	uint32_t *num_waiters; /* parallel to keys */
};

static struct waiter_counts
count_waiters(struct arena *arena, const struct coreleaks_wait *const *waits, uint32_t num_tasks)
{
	struct waiter_counts counts = {
		.num_waiters = arena_alloc_array(arena, num_tasks, sizeof(*counts.num_waiters))};
	intern_init(&counts.keys, arena);
	for (uint32_t i = 0; i < num_tasks; i++) {
		struct object_key key = object_key(waits[i]);
		if (waits[i]->object != NULL && waits[i]->go == NULL)
			counts.num_waiters[intern_add(&counts.keys, &key, sizeof(key), NULL)]++;
	}
	return counts;
}

/* Objects of some tasks, each once. */
struct object_set {
	struct arena *arena;
	const struct waiter_counts *counts;
	struct intern seen;
	struct {
		struct counted_object *items;
		uint32_t num, capacity;
	} found;
	struct object_key last; /* mostly it is the same again */
	uint32_t last_index;
};

static void object_set_add(struct object_set *set, const struct coreleaks_object *object)
{
	const struct object_key key = {object->addr, (uint64_t)(uintptr_t)object->kind};
	bool is_new = false;
	if (set->found.num == 0 || memcmp(&set->last, &key, sizeof(key)) != 0)
		set->last_index = intern_add(&set->seen, &key, sizeof(key), &is_new);
	set->last = key;
	if (is_new) {
		struct counted_object *added = array_add(set->arena, &set->found);
		added->object = *object;
		added->object.num_waiters =
			object->go != NULL ? object->go->num_waiters
					   : set->counts->num_waiters[intern_find(
						     &set->counts->keys, &key, sizeof(key))];
	}
	set->found.items[set->last_index].num_members++;
}

struct coreleaks_object publish_object_of(const struct coreleaks_wait *wait)
{
	return (struct coreleaks_object){
		.kind = wait->object,
		.addr = wait->addr,
		.symbol = wait->symbol,
		.type = wait->type,
		.certain = wait->certain,
		.holder_id = wait->holder_id,
		.holder_task = wait->holder_task,
		.holder_exited = wait->holder_exited,
		.rwlock = wait->rwlock,
		.candidates_known = wait->candidates_known,
		.candidates = wait->candidates,
		.num_candidates = wait->num_candidates,
		.num_all_candidates = wait->num_all_candidates,
		.go = wait->go,
	};
}

/* All channels of a select. */
static void add_cases(struct object_set *set, const struct coreleaks_wait *wait)
{
	for (uint32_t i = 0; i < wait->num_cases; i++) {
		const struct coreleaks_go_object *channel = wait->cases[i].channel;
		if (channel != NULL && channel != wait->go)
			object_set_add(set,
				       &(struct coreleaks_object){
					       .kind = channel->kind,
					       .addr = channel->addr,
					       .type = channel->type,
					       .certain = true,
					       .holder_task = -1,
					       .candidates_known = channel->candidates_known,
					       .candidates = channel->candidates,
					       .num_candidates = channel->num_candidates,
					       .num_all_candidates = channel->num_all_candidates,
					       .go = channel,
				       });
	}
}

/* What these tasks wait for: at most max objects, by waiters among them, then address. *all_ret:
 * all there are. */
static const struct coreleaks_object *
objects_of_tasks(struct arena *arena, const uint32_t *tasks, uint32_t num_tasks,
		 const struct coreleaks_wait *const *waits, const struct waiter_counts *counts,
		 uint32_t max, uint32_t *num_ret, uint32_t *all_ret)
{
	struct object_set set = {.arena = arena, .counts = counts};
	intern_init(&set.seen, arena);
	for (uint32_t i = 0; i < num_tasks; i++) {
		const struct coreleaks_wait *wait = waits[tasks[i]];
		if (wait->object == NULL)
			continue;
		const struct coreleaks_object object = publish_object_of(wait);
		object_set_add(&set, &object);
		add_cases(&set, wait);
	}
	*all_ret = set.found.num;
	*num_ret = set.found.num < max ? set.found.num : max;
	if (set.found.num > 0)
		qsort(set.found.items, set.found.num, sizeof(*set.found.items), object_compare);
	struct coreleaks_object *objects = arena_alloc_array(arena, *num_ret, sizeof(*objects));
	for (uint32_t i = 0; i < *num_ret; i++)
		objects[i] = set.found.items[i].object;
	return objects;
}

enum { MAX_OBJECTS = 1000 }; /* listed of a group; coreleaks.h says so */

static void publish_objects(struct published *published, struct arena *arena,
			    const struct coreleaks_wait *const *waits, uint32_t num_tasks)
{
	const struct waiter_counts counts = count_waiters(arena, waits, num_tasks);
	for (uint32_t i = 0; i < published->num_groups; i++) {
		struct coreleaks_group *group = &published->groups[i];
		group->objects =
			objects_of_tasks(arena, group->tasks, group->num_tasks, waits, &counts,
					 MAX_OBJECTS, &group->num_objects, &group->num_all_objects);
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
		uint32_t num_allowed = 0;
		for (uint32_t k = 0; k < finding.num_groups; k++) {
			ranks[k] = rank_of[finding.groups[k]];
			struct coreleaks_group *group = &ret->groups[ranks[k]];
			num_allowed += group->allowed_by != NULL;
			bool listed = false;
			for (uint32_t j = 0; j < group->num_rules; j++)
				listed |= strcmp(group->rules[j], finding.rule) == 0;
			if (listed)
				continue;
			const char **rules = arena_alloc_array(arena, (size_t)group->num_rules + 1,
							       sizeof(*rules));
			for (uint32_t j = 0; j < group->num_rules; j++)
				rules[j] = group->rules[j];
			rules[group->num_rules++] = finding.rule;
			group->rules = rules;
		}
		finding.groups = ranks;
		finding.allowed = finding.num_groups > 0 && num_allowed == finding.num_groups;
		ret->findings[i] = finding;
	}
}

void publish_groups(struct published *ret, struct arena *arena, const struct groups *groups,
		    const struct findings *findings, const struct ruled *ruled,
		    const struct coreleaks_options *options,
		    const struct coreleaks_wait *const *waits, uint32_t num_tasks)
{
	uint32_t num = groups->list.num;
	struct ranked *ranked = arena_alloc_array(arena, num, sizeof(*ranked));
	uint32_t *rank_of = arena_alloc_array(arena, num, sizeof(*rank_of));
	for (uint32_t i = 0; i < num; i++) {
		ranked[i].group =
			publish_group(arena, &groups->list.items[i], findings->verdict_by_group[i],
				      ruled != NULL ? &ruled[i] : NULL, options);
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
	publish_objects(ret, arena, waits, num_tasks);
	publish_findings(ret, arena, findings, rank_of);
}

void publish_blockers(struct published *ret, struct arena *arena, const struct blockers *blockers,
		      const struct coreleaks_wait *const *waits, uint32_t num_tasks)
{
	const struct waiter_counts counts = count_waiters(arena, waits, num_tasks);
	ret->num_blockers = blockers->num;
	ret->blockers = arena_alloc_array(arena, blockers->num, sizeof(*ret->blockers));
	for (uint32_t i = 0; i < blockers->num; i++) {
		const struct blocker *blocker = &blockers->items[i];
		struct coreleaks_blocker *result = &ret->blockers[i];
		*result = (struct coreleaks_blocker){
			.task = blocker->task,
			.num_direct = blocker->num_direct,
			.blocked = blocker->blocked,
			.num_blocked = blocker->num_blocked,
		};
		uint32_t num_all;
		result->objects =
			objects_of_tasks(arena, blocker->direct, blocker->num_direct, waits,
					 &counts, MAX_OBJECTS, &result->num_objects, &num_all);
	}
}
