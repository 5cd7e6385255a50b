#include "task/go_gs.h"

enum { MAX_MS = 1 << 20 };

const struct goroutine *goroutines_of_task(const struct goroutines *goroutines, uint32_t task)
{
	if (task < goroutines->first_task || task - goroutines->first_task >= goroutines->list.num)
		return NULL;
	return &goroutines->list.items[task - goroutines->first_task];
}

static struct range stack_of(const struct gs_builder *builder, uint64_t g_addr)
{
	if (g_addr == 0)
		return (struct range){0, 0};
	return (struct range){gs_word_at(builder, g_addr + GO_G_STACK_LOW),
			      gs_word_at(builder, g_addr + GO_G_STACK_HIGH)};
}

/* ---- The runtime's threads ----------------------------------------------------------------- */

static void read_ms(struct gs_builder *builder)
{
	const struct go_layout *layout = &builder->runtime->layout;
	uint64_t addr = builder->runtime->allm;
	bool is_new = true;
	while (addr != 0 && builder->goroutines->ms.num < MAX_MS) {
		intern_add(&builder->ms, &addr, sizeof(addr), &is_new);
		if (!is_new)
			break;
		uint64_t curg_addr = gs_word_at(builder, addr + (uint64_t)layout->m_curg);
		*array_add(builder->arena, &builder->goroutines->ms) = (struct go_m){
			.addr = addr,
			.procid = (int64_t)gs_word_at(builder, addr + (uint64_t)layout->m_procid),
			.thread = -1,
			.curg_addr = curg_addr,
			.curg_stack = stack_of(builder, curg_addr),
			.g0_stack = stack_of(builder, gs_word_at(builder, addr + GO_M_G0)),
			.signal_stack = stack_of(
				builder, gs_word_at(builder, addr + (uint64_t)layout->m_gsignal)),
		};
		addr = gs_word_at(builder, addr + (uint64_t)layout->m_alllink);
	}
}

/* A thread's own goroutine stack, for where thread ids are those of another pid namespace. */
static bool stands_on(const struct go_m *m, uint64_t sp)
{
	return range_contains(m->g0_stack, sp) || range_contains(m->signal_stack, sp) ||
	       range_contains(m->curg_stack, sp);
}

/* Goroutines' and signal stacks lie in the middle of large mappings. */
static void use_stack_of(struct task *thread, const struct go_m *m)
{
	const struct range *const stacks[] = {&m->g0_stack, &m->signal_stack, &m->curg_stack};
	uint64_t sp = thread->sp;
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
		if (range_contains(*stacks[i], sp))
			thread->stack_size = stacks[i]->high - sp;
}

static void match_threads(struct gs_builder *builder)
{
	struct goroutines *goroutines = builder->goroutines;
	struct intern ids; /* procid -> index of the m, in the order of ms with one */
	uint32_t *by_id = arena_alloc_array(builder->arena, goroutines->ms.num, sizeof(*by_id));
	uint32_t num_matched = 0;
	intern_init(&ids, builder->arena);
	for (uint32_t i = 0; i < goroutines->ms.num; i++) {
		const struct go_m *m = &goroutines->ms.items[i];
		bool is_new;
		uint32_t id = intern_add(&ids, &m->procid, sizeof(m->procid), &is_new);
		if (is_new)
			by_id[id] = i;
	}
	for (uint32_t i = 0; i < goroutines->num_threads; i++) {
		int64_t tid = builder->tasks->list.items[i].id;
		uint32_t id = intern_find(&ids, &tid, sizeof(tid));
		goroutines->m_of_thread[i] = id != UINT32_MAX ? (int32_t)by_id[id] : -1;
		num_matched += id != UINT32_MAX;
	}
	for (uint32_t i = 0; num_matched == 0 && i < goroutines->num_threads; i++)
		for (uint32_t k = 0; k < goroutines->ms.num; k++)
			if (stands_on(&goroutines->ms.items[k], builder->tasks->list.items[i].sp)) {
				goroutines->m_of_thread[i] = (int32_t)k;
				break;
			}
	for (uint32_t i = 0; i < goroutines->num_threads; i++) {
		if (goroutines->m_of_thread[i] < 0)
			continue;
		struct go_m *m = &goroutines->ms.items[goroutines->m_of_thread[i]];
		m->thread = (int32_t)i;
		use_stack_of(&builder->tasks->list.items[i], m);
	}
}

/* ---- A part of them in another thread ------------------------------------------------------ */

/* The second half, read for itself. */
struct half {
	struct gs_builder builder;
	struct goroutines goroutines;
	struct tasks tasks;
	struct image image;
	uint64_t first, end; /* gs */
};

/* Nearly all of the room for so many is going to be used. */
static void expect_gs(struct goroutines *goroutines, struct tasks *tasks, uint64_t num)
{
	arena_expect(goroutines->list.items + goroutines->list.num,
		     (size_t)num * sizeof(goroutines->list.items[0]));
	arena_expect(tasks->list.items + tasks->list.num,
		     (size_t)num * sizeof(tasks->list.items[0]));
}

static void read_half(struct arena *arena, void *data)
{
	struct half *half = data;
	gs_begin(&half->builder, arena);
	expect_gs(&half->goroutines, &half->tasks, half->end - half->first);
	gs_read(&half->builder, half->first, half->end);
}

/* Its goroutines go behind those of the first; it wrote them where they belong when none is
 * missing between. */
static void join_halves(struct gs_builder *builder, struct half *half)
{
	struct goroutines *to = builder->goroutines;
	const struct goroutines *from = &half->goroutines;
	/* Of the first half those that are dead or damaged. */
	size_t num_missing = (size_t)half->first - to->list.num;
	uint32_t *origins = arena_alloc_array(builder->arena, from->origins.num, sizeof(*origins));
	uint32_t *commons = arena_alloc_array(builder->arena, from->commons.num, sizeof(*commons));
	for (uint32_t i = 0; i < from->origins.num; i++)
		origins[i] = gs_origin(builder, &from->origins.items[i]);
	for (uint32_t i = 0; i < from->commons.num; i++)
		commons[i] = gs_common(builder, &from->commons.items[i]);
	for (uint32_t i = 0; i < from->list.num; i++) {
		struct goroutine goroutine = from->list.items[i];
		struct task task = half->tasks.list.items[i];
		goroutine.origin = origins[goroutine.origin];
		goroutine.common = commons[goroutine.common];
		task.hint = gs_hint(builder, task.hint->reason);
		task.registers = builder->no_registers;
		*array_add(builder->arena, &to->list) = goroutine;
		*array_add(builder->arena, &builder->tasks->list) = task;
	}
	/* What comes behind is expected to be zero. */
	memset(to->list.items + to->list.num, 0, num_missing * sizeof(to->list.items[0]));
	memset(builder->tasks->list.items + builder->tasks->list.num, 0,
	       num_missing * sizeof(builder->tasks->list.items[0]));
	for (uint32_t i = 0; i < half->builder.dead.num; i++)
		*array_add(builder->arena, &builder->dead) = half->builder.dead.items[i];
	to->num_dead += from->num_dead;
	to->num_spare += from->num_spare;
	to->num_damaged += from->num_damaged;
}

/* The array of room for all has so many unused. */
#define TAKE_ROOM(to, from, at)                                                                    \
	((to)->items = (from)->items + (at), (to)->capacity = (from)->capacity - (at))

/* The first half is for the one that has called. */
static struct half *start_half(struct gs_builder *builder)
{
	const struct go_slice *allgs = &builder->runtime->allgs;
	struct goroutines *goroutines = builder->goroutines;
	struct half *half = arena_alloc(builder->arena, sizeof(*half));
	half->first = allgs->num / 2;
	half->end = allgs->num;
	half->builder = *builder;
	half->builder.goroutines = &half->goroutines;
	half->builder.tasks = &half->tasks;
	half->builder.image = &half->image;
	half->goroutines.ms = goroutines->ms;
	half->tasks.max_num = builder->tasks->max_num;
	image_init(&half->image, builder->image->dump, builder->image->modules);
	TAKE_ROOM(&half->goroutines.list, &goroutines->list, (uint32_t)half->first);
	TAKE_ROOM(&half->tasks.list, &builder->tasks->list,
		  builder->tasks->list.num + (uint32_t)half->first);
	worker_start(&goroutines->second_half, builder->arena, true, read_half, half);
	expect_gs(goroutines, builder->tasks, half->first);
	return half;
}

static void say_what_is_missing(const struct gs_builder *builder)
{
	const struct goroutines *goroutines = builder->goroutines;
	unsigned long long num = builder->runtime->allgs.num;
	if (goroutines->num_damaged > 0)
		gaps_add(builder->gaps, "goroutines-unreadable", true,
			 "%u of %llu goroutines could not be read", goroutines->num_damaged, num);
	if (goroutines->num_left_out > 0)
		gaps_add(builder->gaps, "task-limit", true,
			 "more than %u tasks; %llu of %llu records of goroutines are left out",
			 builder->tasks->max_num, (unsigned long long)goroutines->num_left_out,
			 num);
}

static void read_all_gs(struct gs_builder *builder)
{
	enum { MANY = 20000 };
	const struct go_slice *allgs = &builder->runtime->allgs;
	struct goroutines *goroutines = builder->goroutines;
	uint64_t num_tasks = builder->tasks->list.num + allgs->num;
	struct half *half = NULL;
	/* A damaged core may promise any number. */
	if (num_tasks <= builder->tasks->max_num) {
		array_room(builder->arena, &goroutines->list, (uint32_t)allgs->num);
		tasks_room(builder->tasks, builder->arena, (uint32_t)num_tasks);
		if (allgs->num > MANY && builder->arena->max_size == 0)
			half = start_half(builder);
	}
	gs_read(builder, 0, half != NULL ? half->first : allgs->num);
	if (half != NULL) {
		worker_finish(&goroutines->second_half, builder->arena);
		join_halves(builder, half);
		worker_deinit(&goroutines->second_half);
	}
	say_what_is_missing(builder);
}

void goroutines_add(struct goroutines *ret, struct tasks *tasks, struct arena *arena,
		    struct gaps *gaps, const struct go_runtime *runtime, const struct notes *notes,
		    struct image *image)
{
	struct gs_builder builder = {
		.goroutines = ret,
		.tasks = tasks,
		.arena = arena,
		.gaps = gaps,
		.runtime = runtime,
		.notes = notes,
		.image = image,
	};
	*ret = (struct goroutines){.first_task = tasks->list.num, .num_threads = tasks->list.num};
	ret->m_of_thread = arena_alloc_array(arena, ret->num_threads, sizeof(*ret->m_of_thread));
	for (uint32_t i = 0; i < ret->num_threads; i++)
		ret->m_of_thread[i] = -1;
	if (!runtime->recognised)
		return;
	intern_init(&builder.ms, arena);
	gs_begin(&builder, arena);
	read_ms(&builder);
	match_threads(&builder);
	read_all_gs(&builder);
	gs_read_ended(&builder);
}
