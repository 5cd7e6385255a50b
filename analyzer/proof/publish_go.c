#include "proof/publish_go.h"

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
	go->num_goroutine = go->num_goroutines - go->num_system;
	go->num_gcs = facts->num_gcs;
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
	};
	if (!go->recognised)
		return go;
	fill(go, input);
	int64_t num_system = input->facts->num_system - input->goroutines->num_spare;
	if (input->facts->num_system >= 0 && num_system != go->num_system)
		gaps_add(gaps, "goroutine-count", false,
			 "the Go runtime counts %lld goroutines as its own, %lld look so: "
			 "runtime.NumGoroutine() was %lld",
			 (long long)num_system, (long long)go->num_system,
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

static const struct coreleaks_creation *make_creations(struct arena *arena,
						       const struct publish_go_input *input)
{
	uint32_t num = input->goroutines->origins.num;
	struct coreleaks_creation *result = arena_alloc_array(arena, num, sizeof(*result));
	for (uint32_t i = 0; i < num; i++)
		result[i] = (struct coreleaks_creation){.frame = &input->origins->items[i].creator,
							.num_places = 1};
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
	for (uint32_t i = 0; i < goroutines->num_threads; i++)
		if (goroutines->m_of_thread[i] >= 0)
			tasks[i].system = owner;
	for (uint32_t i = 0; i < goroutines->list.num; i++) {
		const struct goroutine *goroutine = &goroutines->list.items[i];
		struct coreleaks_task *task = &tasks[goroutines->first_task + i];
		struct go_label_set labels = labels_of(&sets, arena, input, goroutine->labels_addr);
		if (creations[goroutine->origin].frame->function != NULL)
			task->creation = &creations[goroutine->origin];
		task->creator_id = goroutine->parent_id;
		if (task->state == CORELEAKS_STATE_WAITING)
			task->wait_ns = age(input->facts->now_ns, goroutine->wait_since);
		task->marked_leaked = goroutine->leaked;
		task->locked_to_thread = goroutine->locked;
		task->labels = labels.items;
		task->num_labels = labels.num;
		if (input->origins->system[i])
			task->system = owner;
		if (goroutine->thread >= 0)
			task->thread_id = tasks[goroutine->thread].id;
	}
}
