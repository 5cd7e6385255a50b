#include "proof/publish_go.h"

#include "task/go_ancestors.h"
#include "task/go_labels.h"

/* Threads of the runtime's that run no goroutine. */
static int64_t count_idle(const struct goroutines *goroutines)
{
	int64_t num = 0;
	for (uint32_t i = 0; i < goroutines->ms.num; i++)
		num += goroutines->ms.items[i].thread >= 0 &&
		       goroutines->ms.items[i].curg_addr == 0;
	return num;
}

static int64_t age(int64_t now_ns, int64_t since_ns)
{
	return since_ns > 0 && now_ns >= since_ns ? now_ns - since_ns : -1;
}

static void fill(struct coreleaks_go *go, const struct publish_go_input *input)
{
	const struct goroutines *goroutines = input->goroutines;
	const struct go_facts *facts = input->facts;
	go->num_threads = go->num_marked_leaked = 0;
	for (uint32_t i = 0; i < goroutines->num_threads; i++)
		go->num_threads += goroutines->m_of_thread[i] >= 0;
	for (uint32_t i = 0; i < goroutines->list.num; i++)
		go->num_marked_leaked += goroutines->list.items[i].leaked;
	go->num_idle_threads = count_idle(goroutines);
	go->num_goroutines = goroutines->list.num;
	go->num_system = input->origins->num_system;
	go->num_dead = goroutines->num_dead;
	/* One that runs a finalizer is shown as the program's, but counted as the runtime's. */
	go->num_goroutine = go->num_goroutines - input->origins->num_runtime;
	go->num_gcs = facts->num_gcs;
	go->g_size = input->runtime->layout.g_size;
	go->uptime_ns = age(facts->now_ns, facts->start_ns);
	go->last_gc_age_ns = age(facts->now_ns, facts->last_gc_ns);
	if (facts->gomaxprocs != 0)
		go->gomaxprocs = facts->gomaxprocs;
	if (facts->num_created >= goroutines->list.num)
		go->num_created = (int64_t)facts->num_created;
	if (facts->heap_known) {
		go->heap_size = (int64_t)facts->heap_size;
		go->stack_size = (int64_t)facts->stack_size;
	}
}

const struct coreleaks_go *publish_go(struct arena *arena, struct gaps *gaps,
				      const struct publish_go_input *input)
{
	struct coreleaks_go *go = arena_alloc(arena, sizeof(*go));
	if (!input->runtime->present)
		return NULL;
	*go = (struct coreleaks_go){
		.version = input->runtime->version,
		.recognised = input->runtime->recognised,
		.num_threads = -1,
		.num_idle_threads = -1,
		.num_goroutines = -1,
		.num_system = -1,
		.num_dead = -1,
		.num_goroutine = -1,
		.num_created = -1,
		.gomaxprocs = -1,
		.num_gcs = -1,
		.heap_size = -1,
		.stack_size = -1,
		.uptime_ns = -1,
		.last_gc_age_ns = -1,
		.num_marked_leaked = -1,
		.g_size = -1,
	};
	if (!go->recognised)
		return go;
	fill(go, input);
	int64_t num_system = input->facts->num_system - input->goroutines->num_spare;
	if (input->facts->num_system >= 0 && num_system != input->origins->num_runtime)
		gaps_add(gaps, "goroutine-count", false,
			 "the Go runtime counts %lld goroutines as its own, %lld look so: "
			 "runtime.NumGoroutine() was %lld",
			 (long long)num_system, (long long)input->origins->num_runtime,
			 (long long)(go->num_goroutines - num_system));
	return go;
}

/* ---- Tasks --------------------------------------------------------------------------------- */

/* Goroutines share label sets: each is read once. */
struct label_sets {
	struct intern addrs;
	struct {
		struct go_label_set *items;
		uint32_t num, capacity;
	} sets;
};

static struct go_label_set labels_of(struct label_sets *sets, struct arena *arena,
				     const struct publish_go_input *input, uint64_t addr)
{
	bool is_new;
	if (addr == 0)
		return (struct go_label_set){0};
	uint32_t id = intern_add(&sets->addrs, &addr, sizeof(addr), &is_new);
	if (is_new)
		*array_add(arena, &sets->sets) =
			go_labels_read(arena, input->image, input->runtime->minor, addr);
	return sets->sets.items[id];
}

/* Many goroutines come from few go statements: each is looked up once. */
struct ancestor_places {
	struct intern gopcs;
	struct {
		const struct coreleaks_creation **items; /* NULL: no such place */
		uint32_t num, capacity;
	} creations;
};

static const struct coreleaks_creation *place_of(struct ancestor_places *places,
						 struct arena *arena,
						 const struct publish_go_input *input,
						 uint64_t gopc)
{
	bool is_new;
	uint32_t id = intern_add(&places->gopcs, &gopc, sizeof(gopc), &is_new);
	if (!is_new)
		return places->creations.items[id];
	struct coreleaks_frame *frame = arena_alloc_array(arena, 1, sizeof(*frame));
	struct coreleaks_creation *creation = arena_alloc_array(arena, 1, sizeof(*creation));
	*frame = go_origins_creator(&input->runtime->tables, input->modules, gopc);
	*creation = (struct coreleaks_creation){.frame = frame, .num_places = 1, .recorded = true};
	*array_add(arena, &places->creations) = frame->function != NULL ? creation : NULL;
	return places->creations.items[id];
}

static void publish_ancestors(struct coreleaks_task *task, struct ancestor_places *places,
			      struct arena *arena, const struct publish_go_input *input,
			      uint64_t addr)
{
	struct go_ancestor_list list = go_ancestors_read(arena, input->image, addr);
	struct coreleaks_ancestor *items = arena_alloc_array(arena, list.num, sizeof(*items));
	for (uint32_t i = 0; i < list.num; i++)
		items[i] = (struct coreleaks_ancestor){
			.id = (int64_t)list.items[i].id,
			.creation = place_of(places, arena, input, list.items[i].gopc),
		};
	task->ancestors = items;
	task->num_ancestors = list.num;
	task->num_more_ancestors = list.num_more;
}

static const struct coreleaks_creation *make_creations(struct arena *arena,
						       const struct publish_go_input *input)
{
	uint32_t num = input->goroutines->origins.num;
	struct coreleaks_creation *result = arena_alloc_array(arena, num, sizeof(*result));
	for (uint32_t i = 0; i < num; i++)
		result[i] = (struct coreleaks_creation){.frame = &input->origins->items[i].creator,
							.num_places = 1,
							.recorded = true};
	for (uint32_t i = 0; i < input->goroutines->ended.num; i++)
		result[input->goroutines->ended.items[i].origin].num_ended++;
	return result;
}

void publish_goroutines(struct coreleaks_task *tasks, struct arena *arena,
			const struct publish_go_input *input)
{
	static const char owner[] = "Go runtime";
	const struct goroutines *goroutines = input->goroutines;
	const struct coreleaks_creation *creations = make_creations(arena, input);
	struct label_sets sets = {0};
	intern_init(&sets.addrs, arena);
	struct ancestor_places places = {0};
	intern_init(&places.gopcs, arena);
	for (uint32_t i = 0; i < goroutines->num_threads; i++)
		if (goroutines->m_of_thread[i] >= 0)
			tasks[i].system = owner;
	for (uint32_t i = 0; i < goroutines->list.num; i++) {
		const struct goroutine *goroutine = &goroutines->list.items[i];
		struct coreleaks_task *task = &tasks[goroutines->first_task + i];
		struct go_label_set labels = labels_of(&sets, arena, input, goroutine->labels_addr);
		if (creations[goroutine->origin].frame->function != NULL)
			task->creation = &creations[goroutine->origin];
		task->start = input->origins->items[goroutine->origin].start.function;
		task->g_addr = goroutine->addr;
		task->creator_id = goroutine->parent_id;
		if (task->state == CORELEAKS_STATE_WAITING)
			task->wait_ns =
				age(input->facts->now_ns,
				    go_facts_waits_since(input->facts, goroutine->wait_since));
		task->marked_leaked = goroutine->leaked;
		task->locked_to_thread = goroutine->locked;
		if (goroutine->stack.high > goroutine->stack.low)
			task->stack_reserved_size = goroutine->stack.high - goroutine->stack.low;
		task->labels = labels.items;
		task->num_labels = labels.num;
		if (goroutine->ancestors_addr != 0)
			publish_ancestors(task, &places, arena, input, goroutine->ancestors_addr);
		if (input->origins->system[i])
			task->system = owner;
		if (goroutine->thread >= 0)
			task->thread_id = tasks[goroutine->thread].id;
	}
}

/* ---- Groups -------------------------------------------------------------------------------- */

static bool has_label(const struct coreleaks_task *task, const struct coreleaks_label *label)
{
	for (uint32_t i = 0; i < task->num_labels; i++)
		if (strcmp(task->labels[i].key, label->key) == 0 &&
		    strcmp(task->labels[i].value, label->value) == 0)
			return true;
	return false;
}

/* Members mostly have the same set, or none: only others are looked at one by one. */
static void share_labels(struct coreleaks_group *group, struct arena *arena,
			 const struct coreleaks_task *tasks)
{
	const struct coreleaks_task *first = &tasks[group->tasks[0]];
	const struct coreleaks_label *labels = first->labels;
	uint32_t num = first->num_labels;
	for (uint32_t i = 1; i < group->num_tasks && num > 0; i++) {
		const struct coreleaks_task *task = &tasks[group->tasks[i]];
		if (task->labels == first->labels)
			continue;
		struct coreleaks_label *shared = arena_alloc_array(arena, num, sizeof(*shared));
		uint32_t num_shared = 0;
		for (uint32_t k = 0; k < num; k++)
			if (has_label(task, &labels[k]))
				shared[num_shared++] = labels[k];
		if (num_shared < num) {
			labels = shared;
			num = num_shared;
		}
	}
	group->labels = labels;
	group->num_labels = num;
}

void publish_go_groups(struct coreleaks_group *groups, uint32_t num_groups, struct arena *arena,
		       const struct coreleaks_task *tasks, const struct go_facts *facts)
{
	for (uint32_t i = 0; i < num_groups; i++) {
		struct coreleaks_group *group = &groups[i];
		if (group->kind != CORELEAKS_KIND_GOROUTINE || group->num_tasks == 0)
			continue;
		share_labels(group, arena, tasks);
		for (uint32_t k = 0; k < group->num_tasks; k++) {
			int64_t wait_ns = tasks[group->tasks[k]].wait_ns;
			if (wait_ns < 0)
				continue;
			if (group->num_waits == 0 || wait_ns < group->min_wait_ns)
				group->min_wait_ns = wait_ns;
			if (group->num_waits == 0 || wait_ns > group->max_wait_ns)
				group->max_wait_ns = wait_ns;
			group->num_waits++;
		}
		if (group->num_waits > 0)
			group->first_gc =
				go_facts_gc_after(facts, facts->now_ns - group->max_wait_ns);
	}
}
