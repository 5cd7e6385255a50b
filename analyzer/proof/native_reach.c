#include "proof/native_reach.h"

#include <linux/futex.h>

enum { RED_ZONE = 128, KIND_PI = 32 };

struct reach_builder {
	struct native_reach *reach;
	struct arena *arena;
	const struct native_reach_input *input;
	bool *in_set;	  /* parallel to tasks: stuck for all that is known */
	bool *deadlocked; /* parallel to tasks: proved stuck by the graph */
	int32_t *holders; /* parallel to tasks: the only one that can wake it; -1 none known */
};

/* Sleeps for ever on a word that has its old value still. */
static bool waits_for_good(const struct task *task, const struct wait *wait)
{
	return task->kind == CORELEAKS_KIND_THREAD && task->hint->blocked &&
	       wait->clock == WAIT_FOREVER && wait->futex_addr != 0 && wait->word_known &&
	       !wait->in_flight;
}

/* Not where somebody else wakes it: the kernel hands on priority-inheriting mutexes when their
 * owner ends; of one that it has refused, the word is not the mutex. */
static bool only_by_name(const struct wait *wait)
{
	bool parked = wait->object == WAIT_NO_OBJECT || wait->refused;
	return !parked && wait->object != WAIT_THREAD &&
	       !(wait->object == WAIT_MUTEX && (wait->mutex_kind & KIND_PI) != 0);
}

static bool is_candidate_at_first_sight(const struct native_reach_input *input, uint32_t task)
{
	const struct wait *wait = input->waits->by_task[task];
	/* musl's malloc begins with what is left over of libraries' data (ldso/dynlink.c). */
	return waits_for_good(&input->memory.tasks->list.items[task], wait) && only_by_name(wait) &&
	       (!input->memory.nptl->present ||
		modules_find(input->memory.modules, wait->futex_addr) < 0);
}

/* Is there anything at all that could be proved? Most cores have nothing. */
static bool has_work(const struct native_reach_input *input)
{
	const struct nptl *nptl = input->memory.nptl;
	for (uint32_t i = 0; i < nptl->threads.num; i++)
		if (nptl->threads.items[i].life == NPTL_FINISHED)
			return true;
	for (uint32_t i = 0; i < input->memory.tasks->list.num; i++)
		if (is_candidate_at_first_sight(input, i))
			return true;
	return false;
}

/* Go's threads sleep on words of its own heap, and say nothing. */
static const char *forbidding_library(const struct native_reach_input *input)
{
	if (input->memory.nptl->present)
		return NULL;
	return "its threads are not glibc's";
}

static bool is_go(const struct tasks *tasks)
{
	return tasks->list.num > 0 &&
	       tasks->list.items[tasks->list.num - 1].kind == CORELEAKS_KIND_GOROUTINE;
}

/* A gap that touches every proof. */
static const char *forbidding_gap(const struct gaps *gaps)
{
	static const char *const rows[][2] = {
		{"core-truncated", "the core is cut off"},
		{"core-damaged", "the core is damaged"},
		{"notes-damaged", "the notes about the threads are damaged"},
		{"task-limit", "there are too many threads"},
		{"no-mappings", "the core does not tell which files are mapped"},
		{"stopped", "the analysis was stopped early"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (gaps_has(gaps, rows[i][0]))
			return rows[i][1];
	return NULL;
}

/* Those of a thread in a system call hold nothing: a call keeps none of them (psABI 3.2.1). Without
 * its NT_X86_XSTATE the upper halves of the others' are missing. */
static const char *forbidding_note(const struct notes *notes, const struct tasks *tasks)
{
	for (uint32_t i = 0; i < notes->threads.num; i++)
		if (notes->threads.items[i].xstate_off == 0 &&
		    (notes->threads.items[i].fpregs_off == 0 ||
		     !tasks->list.items[i].hint->blocked))
			return "a thread's vector registers are not in the core";
	return NULL;
}

/* ---- Candidates ---------------------------------------------------------------------------- */

static enum native_place place_of(const struct native_memory *memory, uint64_t addr)
{
	const struct native_area *area = native_memory_find(memory, addr);
	if (area == NULL)
		return NATIVE_NOWHERE;
	if (area->heap == NULL) {
		const struct native_block *block = &memory->blocks.items[area->index];
		return block->task >= 0 && addr < block->frames_high && addr + RED_ZONE >= block->sp
			       ? NATIVE_STACK
			       : NATIVE_NOWHERE;
	}
	struct heap_chunk chunk = heap_chunk_at(area->heap, addr);
	struct range payload = heap_chunk_payload(area->heap, chunk);
	return addr >= payload.low && addr + 4 <= payload.high &&
			       !heap_chunk_is_free(area->heap, chunk)
		       ? NATIVE_CHUNK
		       : NATIVE_NOWHERE;
}

/* Object and futex word lie in the same place, or nothing is known. */
static enum native_place place_of_wait(const struct native_memory *memory, const struct wait *wait)
{
	enum native_place place = place_of(memory, wait->futex_addr);
	if (!only_by_name(wait) || wait->addr == 0 || place_of(memory, wait->addr) != place)
		return NATIVE_NOWHERE;
	return place;
}

/* A thread on its own stack, which nobody else uses. */
static bool is_at_home(const struct native_memory *memory, uint32_t task)
{
	int32_t index = memory->block_of_task[task];
	return index >= 0 && memory->blocks.items[index].own &&
	       !memory->blocks.items[index].nameable;
}

static void mark_deadlocked(struct reach_builder *builder)
{
	const struct wait_graph *graph = builder->input->graph;
	for (uint32_t i = 0; i < graph->roots.num; i++) {
		const struct wait_root *root = &graph->roots.items[i];
		for (uint32_t k = 0; k < root->num_tasks && root->caveats == 0; k++)
			builder->deadlocked[root->tasks[k]] = true;
	}
}

static bool is_of_go(const struct goroutines *goroutines, uint32_t task)
{
	return goroutines != NULL && task < goroutines->num_threads &&
	       goroutines->m_of_thread[task] >= 0;
}

static void note_elsewhere(struct reach_builder *builder, uint32_t task, const struct wait *wait)
{
	const struct native_reach_input *input = builder->input;
	uint64_t addr = wait->futex_addr;
	if (!only_by_name(wait) || is_of_go(input->goroutines, task) ||
	    native_memory_find(&builder->reach->memory, addr) != NULL ||
	    modules_find(input->memory.modules, addr) >= 0)
		return;
	for (uint32_t i = 0; i < input->memory.notes->mappings.num; i++)
		if (range_contains(input->memory.notes->mappings.items[i].range, addr))
			return;
	if (builder->reach->num_elsewhere++ == 0)
		builder->reach->elsewhere_addr = addr;
}

static void find_candidates(struct reach_builder *builder)
{
	const struct native_reach_input *input = builder->input;
	struct native_reach *reach = builder->reach;
	for (uint32_t i = 0; i < input->memory.notes->threads.num; i++) {
		const struct wait *wait = input->waits->by_task[i];
		const struct wait_edge *edge = &input->graph->edges[i];
		builder->holders[i] = edge->caveats == 0 ? edge->to : -1;
		if (!waits_for_good(&input->memory.tasks->list.items[i], wait))
			continue;
		reach->places[i] = place_of_wait(&reach->memory, wait);
		note_elsewhere(builder, i, wait);
		if (!is_at_home(&reach->memory, i))
			continue;
		builder->in_set[i] = builder->deadlocked[i] || builder->holders[i] >= 0 ||
				     reach->places[i] != NATIVE_NOWHERE;
		reach->num_candidates += builder->in_set[i];
	}
}

/* ---- The fixpoint -------------------------------------------------------------------------- */

/* Can live code name the object? */
static bool is_reached(const struct reach_builder *builder, uint32_t task)
{
	const struct native_reach *reach = builder->reach;
	const struct wait *wait = builder->input->waits->by_task[task];
	if (reach->places[task] == NATIVE_CHUNK)
		return native_mark_reached(&reach->mark, wait->futex_addr) ||
		       native_mark_reached(&reach->mark, wait->addr);
	if (reach->places[task] != NATIVE_STACK)
		return true;
	/* Whoever reaches its frames pins it. */
	const struct native_area *area = native_memory_find(&reach->memory, wait->futex_addr);
	int32_t of = reach->memory.blocks.items[area->index].task;
	return of < 0 || !builder->in_set[of];
}

static bool may_wake(const struct reach_builder *builder, uint32_t task)
{
	int32_t holder = builder->holders[task];
	if (builder->reach->mark.pinned[task])
		return true;
	if (builder->deadlocked[task] || (holder >= 0 && builder->in_set[holder]))
		return false;
	return is_reached(builder, task);
}

static void drop_woken(struct reach_builder *builder)
{
	struct native_mark *mark = &builder->reach->mark;
	uint32_t num = builder->input->memory.notes->threads.num;
	for (bool changed = true; changed && !mark->stopped;) {
		changed = false;
		for (uint32_t i = 0; i < num && !mark->stopped; i++) {
			if (!builder->in_set[i] || !may_wake(builder, i))
				continue;
			builder->in_set[i] = false;
			changed = true;
			native_mark_task(mark, i);
		}
	}
}

static bool is_lost(const struct reach_builder *builder, uint32_t thread)
{
	const struct native_reach *reach = builder->reach;
	return builder->input->memory.nptl->threads.items[thread].life == NPTL_FINISHED &&
	       reach->memory.block_of_thread[thread] >= 0 && !reach->mark.held[thread];
}

/* Is anything left to be proved? */
static bool has_result(const struct reach_builder *builder)
{
	for (uint32_t i = 0; i < builder->input->memory.notes->threads.num; i++)
		if (builder->in_set[i] && !builder->deadlocked[i])
			return true;
	for (uint32_t i = 0; i < builder->input->memory.nptl->threads.num; i++)
		if (is_lost(builder, i))
			return true;
	return false;
}

static void run_fixpoint(struct reach_builder *builder)
{
	struct native_mark *mark = &builder->reach->mark;
	uint32_t num = builder->input->memory.notes->threads.num;
	/* Pointers in packed structures, and encoded ones, are rare. They are looked for at once,
	 * so that memory is read once; where it is told what leads to each chunk, plain ones come
	 * first. */
	if (!mark->explain)
		native_mark_begin_every_byte(mark);
	native_mark_roots(mark);
	for (uint32_t i = 0; i < num; i++)
		if (!builder->in_set[i])
			native_mark_task(mark, i);
	drop_woken(builder);
	if (!mark->explain || !has_result(builder))
		return;
	native_mark_every_byte(mark);
	drop_woken(builder);
}

/* Others' frames may reach into a deadlocked thread's: it is stuck all the same, and so is who
 * waits for it. */
static bool is_behind_deadlock(const struct reach_builder *builder, uint32_t task)
{
	int32_t at = builder->holders[task];
	for (uint32_t i = 0; at >= 0 && i < builder->input->memory.tasks->list.num; i++) {
		if (builder->deadlocked[at])
			return true;
		at = builder->holders[at];
	}
	return at >= 0;
}

static void conclude(struct reach_builder *builder)
{
	struct native_reach *reach = builder->reach;
	const struct nptl *nptl = builder->input->memory.nptl;
	for (uint32_t i = 0; i < builder->input->memory.notes->threads.num; i++) {
		int32_t holder = builder->holders[i];
		reach->unreachable[i] = builder->in_set[i] && !builder->deadlocked[i] &&
					!(holder >= 0 && builder->in_set[holder]) &&
					!is_behind_deadlock(builder, i);
		reach->num_live_threads += reach->mark.live[i];
		reach->num_stuck += builder->in_set[i];
	}
	for (uint32_t i = 0; i < nptl->threads.num; i++)
		reach->lost[i] = is_lost(builder, i);
}

/* Once all is proved: what would not be if words that lead to shortly before a chunk led to it? */
static void find_before(struct reach_builder *builder)
{
	struct native_reach *reach = builder->reach;
	uint32_t num = builder->input->memory.notes->threads.num;
	if (!has_result(builder))
		return;
	while (native_mark_near(&reach->mark) && !reach->mark.stopped)
		drop_woken(builder);
	for (uint32_t i = 0; i < num; i++)
		reach->before[i] = reach->unreachable[i] && !builder->in_set[i];
	for (uint32_t i = 0; i < builder->input->memory.nptl->threads.num; i++)
		reach->lost_before |= reach->lost[i] && !is_lost(builder, i);
}

/* Of all that wakes others only sem_post() may be called by a signal's handler (POSIX 2.4.3), which
 * finds what it posts in its thread's own variables as well; and of all that waits only sem_wait()
 * ends by a signal, unless the handler was installed with SA_RESTART. Whom would these wake? */
static void find_signalled(struct reach_builder *builder)
{
	struct native_reach *reach = builder->reach;
	uint32_t num = builder->input->memory.notes->threads.num;
	if (!builder->input->powers->handles_signals || !has_result(builder))
		return;
	/* As with what is found shortly before: no reason that may be told. */
	reach->mark.explain = false;
	for (uint32_t i = 0; i < num && !reach->mark.stopped; i++) {
		if (builder->input->waits->by_task[i]->object != WAIT_SEMAPHORE)
			continue;
		reach->signalled[i] = reach->unreachable[i];
		if (builder->in_set[i])
			native_mark_task(&reach->mark, i);
		builder->in_set[i] = false;
	}
	drop_woken(builder);
	for (uint32_t i = 0; i < num; i++)
		reach->signalled[i] |=
			reach->unreachable[i] && !reach->before[i] && !builder->in_set[i];
	for (uint32_t i = 0; i < builder->input->memory.nptl->threads.num; i++)
		reach->lost_signalled |= reach->lost[i] && !is_lost(builder, i);
	reach->mark.explain = builder->input->explain;
}

void native_reach_build(struct native_reach *ret, struct arena *arena,
			const struct native_reach_input *input)
{
	struct reach_builder builder = {.reach = ret, .arena = arena, .input = input};
	uint32_t num = input->memory.tasks->list.num;
	*ret = (struct native_reach){0};
	ret->unreachable = arena_alloc_array(arena, num, sizeof(bool));
	ret->before = arena_alloc_array(arena, num, sizeof(bool));
	ret->signalled = arena_alloc_array(arena, num, sizeof(bool));
	ret->places = arena_alloc_array(arena, num, sizeof(*ret->places));
	ret->lost = arena_alloc_array(arena, input->memory.nptl->threads.num, sizeof(bool));
	if ((!input->memory.nptl->present && is_go(input->memory.tasks)) || !has_work(input))
		return;
	ret->forbidden = forbidding_library(input);
	if (ret->forbidden == NULL)
		ret->forbidden = forbidding_gap(input->gaps);
	if (ret->forbidden == NULL)
		ret->forbidden = forbidding_note(input->memory.notes, input->memory.tasks);
	if (ret->forbidden == NULL) {
		native_memory_build(&ret->memory, arena, &input->memory);
		ret->forbidden = ret->memory.forbidden;
	}
	if (ret->forbidden != NULL)
		return;
	builder.in_set = arena_alloc_array(arena, num, sizeof(bool));
	builder.deadlocked = arena_alloc_array(arena, num, sizeof(bool));
	builder.holders = arena_alloc_array(arena, num, sizeof(int32_t));
	native_mark_init(&ret->mark, arena, input->progress, &ret->memory, &input->memory);
	ret->mark.explain = input->explain;
	mark_deadlocked(&builder);
	find_candidates(&builder);
	if (ret->num_candidates == 0 && input->memory.nptl->num_finished == 0)
		return;
	run_fixpoint(&builder);
	if (ret->mark.stopped) {
		ret->forbidden = "the analysis was stopped early";
		return;
	}
	ret->ran = true;
	conclude(&builder);
	find_before(&builder);
	find_signalled(&builder);
	if (ret->mark.stopped) {
		ret->ran = false;
		ret->forbidden = "the analysis was stopped early";
	}
}
