#include "proof/publish_go.h"

/* Threads of the runtime's that run no goroutine. */
static int64_t count_idle(const struct goroutines *goroutines)
{
	int64_t num = 0;
	for (uint32_t i = 0; i < goroutines->ms.num; i++)
		num += goroutines->ms.items[i].thread >= 0 &&
		       goroutines->ms.items[i].curg_addr == 0;
	return num;
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
	go->uptime_ns = publish_age(facts->now_ns, facts->start_ns);
	go->last_gc_age_ns = publish_age(facts->now_ns, facts->last_gc_ns);
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
			 const struct public_tasks *tasks)
{
	const struct coreleaks_task *first = public_tasks_row(tasks, group->tasks[0]);
	const struct coreleaks_label *labels = first->labels;
	uint32_t num = first->num_labels;
	for (uint32_t i = 1; i < group->num_tasks && num > 0; i++) {
		const struct coreleaks_task *task = public_tasks_row(tasks, group->tasks[i]);
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
		       const struct public_tasks *tasks, const struct go_facts *facts)
{
	for (uint32_t i = 0; i < num_groups; i++) {
		struct coreleaks_group *group = &groups[i];
		if (group->kind != CORELEAKS_KIND_GOROUTINE || group->num_tasks == 0)
			continue;
		share_labels(group, arena, tasks);
		for (uint32_t k = 0; k < group->num_tasks; k++) {
			int64_t wait_ns = public_tasks_row(tasks, group->tasks[k])->wait_ns;
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
