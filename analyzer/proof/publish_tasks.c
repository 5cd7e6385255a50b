#include "proof/publish_tasks.h"

#include "task/go_ancestors.h"
#include "task/go_labels.h"

#include <string.h>

int64_t publish_age(int64_t now_ns, int64_t since_ns)
{
	return since_ns > 0 && now_ns >= since_ns ? now_ns - since_ns : -1;
}

/* ---- What goroutines share ----------------------------------------------------------------- */

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

/* ---- Rows ---------------------------------------------------------------------------------- */

/* All that a goroutine's row is made from. No padding: keys are compared as bytes. */
struct row_key {
	const struct wait_hint *hint;
	const char *reason, *object;
	uint64_t pc, stack_size, reserved_size;
	uint32_t stack_id, origin, common;
	int32_t thread;
	uint64_t flags; /* state, and what is true of it */
};

enum { NUM_RECENT = 256 };

struct builder {
	struct public_tasks *tasks;
	struct arena *arena;
	const struct publish_tasks_input *input;
	const struct coreleaks_creation *creations; /* parallel to the origins */
	struct label_sets sets;
	struct ancestor_places places;
	struct intern keys;		   /* row_key -> number of a goroutines' row */
	struct row_key recent[NUM_RECENT]; /* mostly it is one of these again … */
	uint32_t recent_rows[NUM_RECENT];  /* … and this its row */
};

/* What rows of threads and of goroutines have alike. */
static void fill_row(struct coreleaks_task *row, const struct publish_tasks_input *input,
		     uint32_t index)
{
	const struct task *task = &input->tasks->list.items[index];
	const struct coreleaks_wait *wait = input->waits[index];
	*row = (struct coreleaks_task){
		.kind = task->kind,
		.state = task->state,
		.pc = task->pc,
		.stack_size = task->stack_size,
		.syscall_nr = task->hint->syscall_nr,
		.signal = task->signal,
		.stack_id = input->stacks->by_task[index],
		.reason = wait->reason,
		.object = wait->object,
		.timed = wait->timeout_kind != NULL,
		.wait_ns = -1,
	};
}

static void add_thread(struct builder *builder, uint32_t index)
{
	static const char owner[] = "Go runtime";
	const struct publish_tasks_input *input = builder->input;
	const struct task *task = &input->tasks->list.items[index];
	const struct goroutines *goroutines = input->go->goroutines;
	struct coreleaks_task *row = array_add(builder->arena, &builder->tasks->rows);
	int32_t thread = input->nptl->by_task[index];
	fill_row(row, input, index);
	row->id = task->id;
	row->sp = task->sp;
	row->bp = task->bp;
	/* A thread cloned by hand may share the descriptor, but not the stack. */
	if (thread >= 0 && input->nptl->threads.items[thread].task == (int32_t)index) {
		row->stack_reserved_size = input->memory[thread].reserved_size;
		row->stack_resident_size = input->memory[thread].resident_size;
		row->creation = input->creations[thread];
	}
	if (index < goroutines->num_threads && goroutines->m_of_thread[index] >= 0)
		row->system = owner;
	builder->tasks->row_of[index] = builder->tasks->rows.num - 1;
}

static struct row_key key_of(const struct builder *builder, uint32_t goroutine, uint32_t index)
{
	const struct publish_tasks_input *input = builder->input;
	const struct goroutine *g = &input->go->goroutines->list.items[goroutine];
	const struct task *task = &input->tasks->list.items[index];
	const struct coreleaks_wait *wait = input->waits[index];
	return (struct row_key){
		.hint = task->hint,
		.reason = wait->reason,
		.object = wait->object,
		.pc = task->pc,
		.stack_size = task->stack_size,
		.reserved_size = g->stack.high > g->stack.low ? g->stack.high - g->stack.low : 0,
		.stack_id = input->stacks->by_task[index],
		.origin = g->origin,
		.common = g->common,
		.thread = g->thread,
		.flags = (uint64_t)task->state << 4 | (uint64_t)(wait->timeout_kind != NULL) << 3 |
			 (uint32_t)g->leaked << 2 | (uint32_t)g->locked << 1 |
			 (uint32_t)input->go->origins->system[goroutine],
	};
}

static void add_row(struct builder *builder, uint32_t goroutine, uint32_t index,
		    const struct row_key *key)
{
	static const char owner[] = "Go runtime";
	const struct publish_tasks_input *input = builder->input;
	const struct publish_go_input *go = input->go;
	const struct goroutine *g = &go->goroutines->list.items[goroutine];
	const struct coreleaks_creation *creation = &builder->creations[g->origin];
	const struct go_common *common = goroutines_common(go->goroutines, g);
	struct coreleaks_task *row = array_add(builder->arena, &builder->tasks->rows);
	struct go_label_set labels =
		labels_of(&builder->sets, builder->arena, go, common->labels_addr);
	fill_row(row, input, index);
	row->creation = creation->frame->function != NULL ? creation : NULL;
	row->start = go->origins->items[g->origin].start.function;
	if (row->state == CORELEAKS_STATE_WAITING)
		row->wait_ns = publish_age(go->facts->now_ns,
					   go_facts_waits_since(go->facts, common->wait_since));
	row->marked_leaked = g->leaked;
	row->locked_to_thread = g->locked;
	row->stack_reserved_size = key->reserved_size;
	row->labels = labels.items;
	row->num_labels = labels.num;
	if (common->ancestors_addr != 0)
		publish_ancestors(row, &builder->places, builder->arena, go,
				  common->ancestors_addr);
	if (go->origins->system[goroutine])
		row->system = owner;
	if (g->thread >= 0)
		row->thread_id = input->tasks->list.items[g->thread].id;
}

static void add_goroutine(struct builder *builder, uint32_t goroutine)
{
	struct public_tasks *tasks = builder->tasks;
	uint32_t first_row = tasks->goroutines->first_task;
	uint32_t index = first_row + goroutine;
	struct row_key key = key_of(builder, goroutine, index);
	uint32_t slot =
		(key.stack_id ^ key.origin << 3 ^ (uint32_t)key.stack_size >> 4) % NUM_RECENT;
	if (memcmp(&builder->recent[slot], &key, sizeof(key)) != 0) {
		bool is_new;
		uint32_t number = intern_add(&builder->keys, &key, sizeof(key), &is_new);
		if (is_new)
			add_row(builder, goroutine, index, &key);
		builder->recent[slot] = key;
		builder->recent_rows[slot] = first_row + number;
	}
	tasks->row_of[index] = builder->recent_rows[slot];
}

/* Few have C on top: each of these has a row of its own. */
static void add_c_calls(struct builder *builder)
{
	const struct stacks *stacks = builder->input->stacks;
	struct public_tasks *tasks = builder->tasks;
	for (uint32_t i = 0; i < stacks->c_calls.num; i++) {
		const struct c_call *call = &stacks->c_calls.items[i];
		struct coreleaks_task row = *public_tasks_row(tasks, call->task);
		row.c_call_pc = call->pc;
		row.c_call_sp = call->sp;
		*array_add(builder->arena, &tasks->rows) = row;
		tasks->row_of[call->task] = tasks->rows.num - 1;
	}
}

void publish_tasks(struct public_tasks *ret, struct arena *arena,
		   const struct publish_tasks_input *input)
{
	const struct goroutines *goroutines = input->go->goroutines;
	uint32_t num = input->tasks->list.num;
	struct public_tasks made = {.tasks = input->tasks, .goroutines = goroutines};
	struct builder builder = {
		.tasks = &made,
		.arena = arena,
		.input = input,
		.creations = make_creations(arena, input->go),
	};
	intern_init(&builder.keys, arena);
	intern_init(&builder.sets.addrs, arena);
	intern_init(&builder.places.gopcs, arena);
	made.parts = arena_alloc_array(arena, (size_t)num / PUBLIC_TASKS_PART + 1,
				       sizeof(struct coreleaks_task *));
	made.row_of = arena_alloc_array(arena, (size_t)num + 1, sizeof(*made.row_of));
	/* Goroutines come behind all threads. */
	for (uint32_t i = 0; i < goroutines->first_task; i++)
		add_thread(&builder, i);
	for (uint32_t i = 0; i < goroutines->list.num; i++)
		add_goroutine(&builder, i);
	add_c_calls(&builder);
	/* Not before all is there: memory may run out on the way. */
	*ret = made;
}

/* ---- Tasks --------------------------------------------------------------------------------- */

static struct coreleaks_task whole(const struct public_tasks *tasks, uint32_t index)
{
	const struct goroutine *g = goroutines_of_task(tasks->goroutines, index);
	const struct task *own = &tasks->tasks->list.items[index];
	struct coreleaks_task task = *public_tasks_row(tasks, index);
	task.id = own->id;
	task.sp = own->sp;
	task.bp = own->bp;
	if (g != NULL) {
		task.g_addr = g->addr;
		task.creator_id = g->parent_id;
	}
	return task;
}

static void make_part(struct public_tasks *tasks, struct arena *arena, uint32_t number)
{
	uint32_t first = number * PUBLIC_TASKS_PART, num = tasks->tasks->list.num - first;
	num = num < PUBLIC_TASKS_PART ? num : PUBLIC_TASKS_PART;
	struct coreleaks_task *part = arena_alloc_array(arena, num, sizeof(*part));
	for (uint32_t i = 0; i < num; i++)
		part[i] = whole(tasks, first + i);
	tasks->parts[number] = part;
}

/* While floors run, memory that runs out ends them; later it only means that there is no task. */
static void try_part(struct public_tasks *tasks, struct arena *arena, uint32_t number)
{
	jmp_buf trap;
	if (arena->trap != NULL) {
		make_part(tasks, arena, number);
		return;
	}
	arena->trap = &trap;
	if (setjmp(trap) == 0)
		make_part(tasks, arena, number);
	arena->trap = NULL;
}

const struct coreleaks_task *public_tasks_get(struct public_tasks *tasks, struct arena *arena,
					      uint32_t task)
{
	uint32_t number = task / PUBLIC_TASKS_PART;
	if (tasks->parts[number] == NULL)
		try_part(tasks, arena, number);
	struct coreleaks_task *part = tasks->parts[number];
	if (part == NULL)
		return NULL;
	/* It may have been made before keepers were known. */
	part[task % PUBLIC_TASKS_PART].keeper = public_tasks_row(tasks, task)->keeper;
	return &part[task % PUBLIC_TASKS_PART];
}

void public_tasks_set_keepers(struct public_tasks *tasks, struct arena *arena,
			      const unsigned char *kept, const char *const *keepers,
			      uint32_t num_keepers)
{
	const struct goroutines *goroutines = tasks->goroutines;
	uint32_t num_rows = tasks->rows.num;
	struct public_tasks result = *tasks;
	/* By row and keeper: 1 + the row that has both. */
	uint32_t *with = arena_alloc_array(arena, (size_t)num_rows * num_keepers, sizeof(*with));
	uint32_t num = tasks->tasks->list.num;
	result.row_of = arena_alloc_array(arena, (size_t)num + 1, sizeof(*result.row_of));
	memcpy(result.row_of, tasks->row_of, num * sizeof(*result.row_of));
	array_room(arena, &result.rows, num_rows);
	memcpy(result.rows.items, tasks->rows.items, num_rows * sizeof(*result.rows.items));
	result.rows.num = num_rows;
	for (uint32_t i = 0; i < goroutines->list.num; i++) {
		uint32_t *row_of = &result.row_of[goroutines->first_task + i];
		if (kept[i] >= num_keepers || keepers[kept[i]] == NULL)
			continue;
		uint32_t *row = &with[(size_t)*row_of * num_keepers + kept[i]];
		if (*row == 0) {
			struct coreleaks_task *added = array_add(arena, &result.rows);
			*added = result.rows.items[*row_of];
			added->keeper = keepers[kept[i]];
			*row = result.rows.num;
		}
		*row_of = *row - 1;
	}
	arena_drop(arena, with, (size_t)num_rows * num_keepers * sizeof(*with));
	*tasks = result;
}
