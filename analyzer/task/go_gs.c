#include "task/go_gs.h"

#include "task/signal_frames.h"

void gs_begin(struct gs_builder *builder, struct arena *arena)
{
	builder->arena = arena;
	intern_init(&builder->origins, arena);
	intern_init(&builder->commons, arena);
	builder->no_registers = arena_alloc(arena, sizeof(*builder->no_registers));
}

static const struct go_m *find_m(const struct gs_builder *builder, uint64_t addr)
{
	uint32_t index = addr != 0 ? intern_find(&builder->ms, &addr, sizeof(addr)) : UINT32_MAX;
	return index != UINT32_MAX ? &builder->goroutines->ms.items[index] : NULL;
}

/* ---- Where to unwind from ------------------------------------------------------------------ */

struct context {
	uint64_t pc, sp, bp;
	uint64_t lr; /* AArch64: the link register; 0 unknown */
	bool exact;  /* pc is an instruction that was interrupted */
};

/* A running goroutine stands on its own stack, or below a signal handler's frame, or has switched
 * to its thread's stack: then what it saved before stands. */
static bool running_context(const struct gs_builder *builder, const struct go_m *m,
			    const struct range *stack, struct context *ret)
{
	enum { MAX_NESTED = 4 };
	const struct task *thread = &builder->tasks->list.items[m->thread];
	struct context context = {
		.pc = thread->pc,
		.sp = thread->sp,
		.bp = thread->bp,
		.lr = thread->lr,
		.exact = true,
	};
	for (uint32_t i = 0; i < MAX_NESTED; i++) {
		if (range_contains(*stack, context.sp)) {
			*ret = context;
			return true;
		}
		struct signal_frame frame;
		if (!signal_frames_find(builder->image, m->signal_stack, context.sp, &frame))
			return false;
		context = (struct context){frame.pc, frame.sp, frame.bp, frame.lr, true};
	}
	return false;
}

/* ---- Goroutines ---------------------------------------------------------------------------- */

struct g {
	unsigned char bytes[GO_MAX_G_SIZE];
	uint64_t addr;
	uint32_t status;
};

static uint64_t g_word(const struct g *g, int16_t off)
{
	uint64_t value;
	if (off < 0 || (size_t)off + sizeof(value) > sizeof(g->bytes))
		return 0;
	memcpy(&value, g->bytes + off, sizeof(value));
	return value;
}

static bool read_g(const struct gs_builder *builder, uint64_t addr, struct g *ret)
{
	const struct go_layout *layout = &builder->runtime->layout;
	size_t size = (size_t)layout->g_size;
	if (size > sizeof(ret->bytes) || addr == 0 ||
	    image_read(builder->image, addr, ret->bytes, size) != size ||
	    g_word(ret, GO_G_SCHED_G) != addr)
		return false;
	memset(ret->bytes + size, 0, sizeof(ret->bytes) - size);
	ret->addr = addr;
	ret->status = (uint32_t)g_word(ret, layout->g_status) & ~(uint32_t)GO_STATUS_SCAN;
	return true;
}

struct status_words {
	enum coreleaks_state state;
	const char *reason; /* as the runtime prints it where it does not wait */
};

static const struct status_words statuses[] = {
	[GO_STATUS_RUNNABLE] = {CORELEAKS_STATE_RUNNABLE, "runnable"},
	[GO_STATUS_RUNNING] = {CORELEAKS_STATE_RUNNING, "running"},
	[GO_STATUS_SYSCALL] = {CORELEAKS_STATE_SYSCALL, "syscall"},
	[GO_STATUS_WAITING] = {CORELEAKS_STATE_WAITING, "waiting"},
	[GO_STATUS_COPYSTACK] = {CORELEAKS_STATE_RUNNING, "copystack"},
	[GO_STATUS_PREEMPTED] = {CORELEAKS_STATE_RUNNABLE, "preempted"},
	[GO_STATUS_LEAKED] = {CORELEAKS_STATE_WAITING, "waiting"},
};

static bool is_dead(uint32_t status)
{
	return status == GO_STATUS_IDLE || status == GO_STATUS_DEAD ||
	       status == GO_STATUS_DEAD_EXTRA;
}

static const char *reason_of(const struct gs_builder *builder, const struct g *g)
{
	const struct go_runtime *runtime = builder->runtime;
	uint32_t number = (unsigned char)g_word(g, runtime->layout.g_waitreason);
	if (statuses[g->status].state == CORELEAKS_STATE_WAITING && number > 0 &&
	    number < runtime->num_wait_reasons)
		return runtime->wait_reasons[number];
	return statuses[g->status].reason;
}

/* gobuf.lr stands before gobuf.bp (runtime2.go, 1.19 to 1.27): where a goroutine that has not run
 * yet returns to. */
static uint64_t saved_lr(const struct gs_builder *builder, const struct g *g)
{
	return g_word(g, (int16_t)(builder->runtime->layout.g_sched_bp - 8));
}

static struct context saved_context(const struct gs_builder *builder, const struct g *g)
{
	return (struct context){
		.pc = g_word(g, GO_G_SCHED_PC),
		.sp = g_word(g, GO_G_SCHED_SP),
		.bp = g_word(g, builder->runtime->layout.g_sched_bp),
		.lr = image_is_arm64(builder->image) ? saved_lr(builder, g) : 0,
	};
}

static struct context context_of(const struct gs_builder *builder, const struct g *g,
				 const struct go_m *m, const struct range *stack)
{
	struct context context = saved_context(builder, g);
	if (g->status == GO_STATUS_SYSCALL) {
		context = (struct context){
			.pc = g_word(g, builder->runtime->layout.g_syscallpc),
			.sp = g_word(g, builder->runtime->layout.g_syscallsp),
		};
	} else if (g->status == GO_STATUS_RUNNING && m != NULL && m->thread >= 0) {
		running_context(builder, m, stack, &context);
	}
	return context;
}

/* In a call of C the thread stands on its own stack, outside of Go's code. */
static bool runs_c(const struct gs_builder *builder, const struct g *g, const struct go_m *m,
		   const struct range *stack)
{
	struct go_function function;
	if (g->status != GO_STATUS_SYSCALL || m == NULL || m->thread < 0 || m->curg_addr != g->addr)
		return false;
	const struct task *thread = &builder->tasks->list.items[m->thread];
	return !range_contains(*stack, thread->sp) &&
	       !go_tables_find(&builder->runtime->tables, thread->pc, &function);
}

const struct wait_hint *gs_hint(struct gs_builder *builder, const char *reason)
{
	uint32_t num = builder->hints.num;
	for (uint32_t i = 0; i < num; i++)
		if (builder->hints.items[i]->reason == reason)
			return builder->hints.items[i];
	struct wait_hint *hint = arena_alloc(builder->arena, sizeof(*hint));
	*hint = (struct wait_hint){.syscall_nr = -1, .reason = reason};
	*array_add(builder->arena, &builder->hints) = hint;
	return hint;
}

/* The runtime's own start makes goroutine 1, with no go statement (runtime/asm_*.s rt0_go). */
static struct go_origin make_origin(const struct gs_builder *builder, const struct g *g)
{
	const struct go_layout *layout = &builder->runtime->layout;
	return (struct go_origin){
		.gopc = g_word(g, layout->g_goid) != 1 ? g_word(g, layout->g_gopc) : 0,
		.start_addr = g_word(g, layout->g_startpc),
	};
}

uint32_t gs_origin(struct gs_builder *builder, const struct go_origin *origin)
{
	struct goroutines *goroutines = builder->goroutines;
	bool is_new;
	/* One go statement starts many, and their records are next to each other. */
	if (goroutines->origins.num > 0 &&
	    memcmp(&goroutines->origins.items[builder->last_origin], origin, sizeof(*origin)) == 0)
		return builder->last_origin;
	builder->last_origin = intern_add(&builder->origins, origin, sizeof(*origin), &is_new);
	if (is_new)
		*array_add(builder->arena, &goroutines->origins) = *origin;
	return builder->last_origin;
}

uint32_t gs_common(struct gs_builder *builder, const struct go_common *common)
{
	struct goroutines *goroutines = builder->goroutines;
	bool is_new;
	if (goroutines->commons.num > 0 &&
	    memcmp(&goroutines->commons.items[builder->last_common], common, sizeof(*common)) == 0)
		return builder->last_common;
	builder->last_common = intern_add(&builder->commons, common, sizeof(*common), &is_new);
	if (is_new)
		*array_add(builder->arena, &goroutines->commons) = *common;
	return builder->last_common;
}

static struct go_common make_common(const struct gs_builder *builder, const struct g *g)
{
	const struct go_layout *layout = &builder->runtime->layout;
	return (struct go_common){
		.wait_since = (int64_t)g_word(g, layout->g_waitsince),
		.labels_addr = g_word(g, layout->g_labels),
		.ancestors_addr = g_word(g, layout->g_ancestors),
	};
}

static void add_goroutine(struct gs_builder *builder, const struct g *g)
{
	const struct go_layout *layout = &builder->runtime->layout;
	const struct range stack = {g_word(g, GO_G_STACK_LOW), g_word(g, GO_G_STACK_HIGH)};
	const struct go_m *m = find_m(builder, g_word(g, GO_G_M));
	uint64_t locked_addr = g_word(g, layout->g_lockedm);
	if (m == NULL)
		m = find_m(builder, locked_addr);
	const struct context context = context_of(builder, g, m, &stack);
	const struct go_origin origin = make_origin(builder, g);
	const struct go_common common = make_common(builder, g);
	const struct goroutine goroutine = {
		.addr = g->addr,
		.stack = stack,
		.origin = gs_origin(builder, &origin),
		.parent_id = (int64_t)g_word(g, layout->g_parent),
		.common = gs_common(builder, &common),
		.waiting_addr = g_word(g, layout->g_waiting),
		.timer_addr = g_word(g, layout->g_timer),
		.thread = m != NULL ? m->thread : -1,
		.locked = locked_addr != 0,
		.leaked = g->status == GO_STATUS_LEAKED,
		.in_c = runs_c(builder, g, m, &stack),
		.exact = context.exact,
	};
	const struct task task = {
		.kind = CORELEAKS_KIND_GOROUTINE,
		.state = statuses[g->status].state,
		.id = (int64_t)g_word(g, layout->g_goid),
		.stack_size = range_contains(stack, context.sp) ? stack.high - context.sp : 0,
		.pc = context.pc,
		.sp = context.sp,
		.bp = context.bp,
		.lr = context.lr,
		.registers = builder->no_registers,
		.hint = gs_hint(builder, reason_of(builder, g)),
	};
	*array_add(builder->arena, &builder->goroutines->list) = goroutine;
	*array_add(builder->arena, &builder->tasks->list) = task;
}

/* The g of an M that waits for a thread of C is dead but bound to it; the runtime counts it among
 * its own goroutines (runtime/proc.go, oneNewExtraM). */
static void count_dead(struct gs_builder *builder, const struct g *g)
{
	builder->goroutines->num_dead++;
	builder->goroutines->num_spare += g_word(g, GO_G_M) != 0;
	if (g->status == GO_STATUS_DEAD)
		*array_add(builder->arena, &builder->dead) = g->addr;
}

/* Until its record is used again a dead g keeps its id and where it came from (goexit0, gdestroy;
 * runtime/proc.go, 1.19 to 1.27). One that is being made is dead still, and has its new origin
 * already: it is about to begin at its function (newproc1). */
static void add_ended(struct gs_builder *builder, const struct g *g)
{
	const struct go_layout *layout = &builder->runtime->layout;
	const struct go_origin origin = make_origin(builder, g);
	uint32_t index = intern_find(&builder->origins, &origin, sizeof(origin));
	if (index == UINT32_MAX || origin.gopc == 0 || g_word(g, layout->g_goid) == 0 ||
	    g_word(g, GO_G_M) != 0 || g_word(g, GO_G_SCHED_PC) == origin.start_addr)
		return;
	*array_add(builder->arena, &builder->goroutines->ended) = (struct go_ended){
		.id = (int64_t)g_word(g, layout->g_goid),
		.parent_id = (int64_t)g_word(g, layout->g_parent),
		.origin = index,
	};
}

void gs_read_ended(struct gs_builder *builder)
{
	for (uint32_t i = 0; i < builder->dead.num; i++) {
		struct g g;
		if (read_g(builder, builder->dead.items[i], &g))
			add_ended(builder, &g);
	}
}

void gs_read(struct gs_builder *builder, uint64_t first, uint64_t end)
{
	struct goroutines *goroutines = builder->goroutines;
	for (uint64_t i = first; i < end; i++) {
		struct g g;
		if (builder->tasks->list.num >= builder->tasks->max_num) {
			goroutines->num_left_out += end - i;
			return;
		}
		if (!read_g(builder, gs_word_at(builder, builder->runtime->allgs.data_addr + 8 * i),
			    &g))
			goroutines->num_damaged++;
		else if (is_dead(g.status))
			count_dead(builder, &g);
		else if (g.status < sizeof(statuses) / sizeof(statuses[0]) &&
			 statuses[g.status].reason != NULL)
			add_goroutine(builder, &g);
		else
			goroutines->num_damaged++;
	}
}
