#include "proof/native_mark.h"

#include <stdlib.h>

enum {
	RED_ZONE = 128,
	GUARD_OFF = 48,	      /* tcbhead_t.pointer_guard (sysdeps/x86_64/nptl/tls.h) */
	PIECE_SIZE = 1 << 20, /* of roots that several threads scan */
	MANY_PIECES = 16,     /* fewer are done before a thread has begun */
	SEEDS = 64,	      /* chunks that a thread takes of them at once */
};

/* Of 64 bits each, one for 16 bytes. */
static uint64_t num_words(const struct heap *heap)
{
	return heap->starts != NULL ? (heap->range.high - heap->range.low) / 1024 + 1 : 1;
}

/* Of all that visit() looks at. */
static void make_filter(struct native_mark *mark)
{
	uint32_t num = mark->memory->areas.num;
	struct range *ranges = arena_alloc_array(mark->arena, num, sizeof(*ranges));
	for (uint32_t i = 0; i < num; i++) {
		ranges[i] = mark->memory->areas.items[i].range;
		if (mark->every_byte && ranges[i].low >= NATIVE_SCAN_BEFORE)
			ranges[i].low -= NATIVE_SCAN_BEFORE;
	}
	native_filter_init(&mark->filter, ranges, num, mark->every_byte, mark->guard,
			   NATIVE_GUARD_SHIFT);
}

void native_mark_init(struct native_mark *mark, struct arena *arena, struct progress *progress,
		      const struct native_memory *memory, const struct native_memory_input *input)
{
	uint32_t num_heaps = memory->heaps.list.num, num_areas = memory->areas.num;
	*mark = (struct native_mark){
		.memory = memory,
		.notes = input->notes,
		.tasks = input->tasks,
		.arena = arena,
		.progress = progress,
		.result_off = input->nptl->layout.start_off - 16,
		.num_threads = work_pool_num_threads(arena),
	};
	native_scanner_init(&mark->scanner, mark, arena, NULL);
	mark->scanner.ticks = true;
	for (uint32_t i = 0; i < input->notes->threads.num && mark->guard == 0; i++)
		image_read_u64(input->image,
			       input->notes->threads.items[i].regs.fs_base + GUARD_OFF,
			       &mark->guard);
	mark->marks = arena_alloc_array(arena, num_heaps, sizeof(*mark->marks));
	mark->near = arena_alloc_array(arena, num_heaps, sizeof(*mark->near));
	for (uint32_t i = 0; i < num_heaps; i++) {
		const struct heap *heap = &memory->heaps.list.items[i];
		size_t num = (size_t)num_words(heap);
		mark->marks[i] = arena_alloc_array(arena, num, sizeof(**mark->marks));
		mark->near[i] = arena_alloc_array(arena, num, sizeof(**mark->near));
	}
	mark->live = arena_alloc_array(arena, input->tasks->list.num, sizeof(bool));
	mark->pins = arena_alloc_array(arena, input->tasks->list.num, sizeof(*mark->pins));
	mark->pinned = arena_alloc_array(arena, input->tasks->list.num, sizeof(bool));
	mark->held = arena_alloc_array(arena, input->nptl->threads.num, sizeof(bool));
	mark->dead_reasons =
		arena_alloc_array(arena, memory->blocks.num, sizeof(*mark->dead_reasons));
	mark->dead_read = arena_alloc_array(arena, memory->blocks.num, sizeof(bool));
	if (num_areas > 0)
		mark->span = (struct range){memory->areas.items[0].range.low,
					    memory->areas.items[num_areas - 1].range.high};
	make_filter(mark);
}

/* ---- By several threads -------------------------------------------------------------------- */

/* What they begin with. */
struct seeds {
	struct native_mark *mark;
	const struct range *pieces;
	const uint64_t *chunks;
	uint32_t num_pieces, num_chunks;
	_Atomic uint64_t next_piece, next_chunk;
};

static void scan_seeds(struct work_pool *pool, struct arena *arena, void *data, unsigned index)
{
	struct seeds *seeds = data;
	struct native_scanner scanner;
	uint64_t i;
	native_scanner_init(&scanner, seeds->mark, arena, pool);
	scanner.ticks = index == 0;
	while ((i = atomic_fetch_add(&seeds->next_piece, 1)) < seeds->num_pieces) {
		native_scan_memory(&scanner, seeds->pieces[i], -1);
		native_scanner_drain(&scanner, UINT32_MAX);
	}
	while ((i = atomic_fetch_add(&seeds->next_chunk, SEEDS)) < seeds->num_chunks) {
		for (uint64_t k = i; k < i + SEEDS && k < seeds->num_chunks; k++)
			native_scanner_push(&scanner, seeds->chunks[k]);
		native_scanner_drain(&scanner, UINT32_MAX);
	}
	while (native_scanner_help(&scanner))
		native_scanner_drain(&scanner, UINT32_MAX);
	native_scanner_count(&scanner);
}

/* The pieces, and what waits already. Which chunks are marked in the end does not depend on the
 * order; what leads to each first does, so that explaining is one thread's work. */
static void scan_together(struct native_mark *mark, const struct range *pieces, uint32_t num_pieces)
{
	struct seeds seeds = {
		.mark = mark,
		.pieces = pieces,
		.chunks = mark->scanner.queue.items,
		.num_pieces = num_pieces,
		.num_chunks = mark->scanner.queue.num,
	};
	work_pool_run(mark->arena, mark->num_threads, scan_seeds, &seeds);
	mark->scanner.queue.num = 0;
}

static bool may_share(const struct native_mark *mark)
{
	return mark->num_threads > 1 && !mark->explain;
}

static void drain(struct native_mark *mark)
{
	struct native_scanner *scanner = &mark->scanner;
	native_scanner_drain(scanner, may_share(mark) ? WORK_POOL_MANY : UINT32_MAX);
	while (scanner->queue.num > 0 && !mark->stopped) {
		scan_together(mark, NULL, 0);
		native_scanner_drain(scanner, WORK_POOL_MANY);
	}
	native_scanner_count(scanner);
}

/* ---- Roots --------------------------------------------------------------------------------- */

struct pieces {
	struct range *items;
	uint32_t num, capacity;
};

/* Zeros lead nowhere. Words may cross from data into a hole, or from a piece into the next. */
static void add_pieces(struct native_mark *mark, const struct native_root *root,
		       struct pieces *pieces)
{
	uint64_t off = root->file_off, delta = root->range.low - off;
	uint64_t end = off + (root->range.high - root->range.low);
	struct range data;
	while (dump_next_data(mark->memory->dump, off, end, &data)) {
		uint64_t low = ((data.low + delta) & ~UINT64_C(7)) - delta;
		uint64_t high = ((data.high + delta + 7) & ~UINT64_C(7)) - delta;
		if (low < off)
			low = off;
		if (high > end)
			high = end;
		off = high;
		for (; high - low > PIECE_SIZE + 8; low += PIECE_SIZE)
			*array_add(mark->arena, pieces) =
				range_from_size(low + delta, PIECE_SIZE + 8);
		*array_add(mark->arena, pieces) = range_from_size(low + delta, high - low);
	}
}

void native_mark_roots(struct native_mark *mark)
{
	struct pieces pieces = {0};
	for (uint32_t i = 0; i < mark->memory->roots.num; i++)
		add_pieces(mark, &mark->memory->roots.items[i], &pieces);
	if (may_share(mark) && pieces.num >= MANY_PIECES) {
		scan_together(mark, pieces.items, pieces.num);
		return;
	}
	for (uint32_t i = 0; i < pieces.num && !mark->stopped; i++)
		native_scan_memory(&mark->scanner, pieces.items[i], -1);
	drain(mark);
}

/* ---- Threads ------------------------------------------------------------------------------- */

static void scan_registers(struct native_mark *mark, uint32_t task)
{
	const struct note_thread *thread = &mark->notes->threads.items[task];
	const struct registers *registers = mark->tasks->list.items[task].registers;
	struct native_source source = {0, (int32_t)task, 0};
	for (int i = 0; i < NUM_REGISTERS; i++) {
		source.reg = (uint8_t)i;
		native_scan_word(&mark->scanner, registers->values[i], source);
	}
	source.reg = UINT8_MAX;
	native_scan_word(&mark->scanner, thread->regs.fs_base, source);
	native_scan_word(&mark->scanner, thread->regs.gs_base, source);
	uint64_t off = thread->xstate_off != 0 ? thread->xstate_off : thread->fpregs_off;
	uint64_t size =
		thread->xstate_off != 0 ? thread->xstate_size : sizeof(struct user_fpregs_struct);
	if (off <= mark->memory->dump->size && size <= mark->memory->dump->size - off)
		native_scan_bytes(&mark->scanner, mark->memory->file + off, size, source);
}

static void scan_task(struct native_mark *mark, uint32_t task)
{
	const struct native_memory *memory = mark->memory;
	int32_t index = memory->block_of_task[task];
	scan_registers(mark, task);
	if (memory->main_task == (int32_t)task)
		native_scan_memory(&mark->scanner, memory->main_pd, (int32_t)task);
	if (index < 0)
		return;
	const struct native_block *block = &memory->blocks.items[index];
	uint64_t low = block->range.low;
	if (block->own && block->sp - low > RED_ZONE)
		low = block->sp - RED_ZONE;
	native_scan_memory(&mark->scanner, (struct range){low, block->range.high}, (int32_t)task);
}

void native_mark_task(struct native_mark *mark, uint32_t task)
{
	mark->live[task] = true;
	scan_task(mark, task);
	drain(mark);
}

static int reason_compare(const void *a, const void *b)
{
	const struct native_reason *x = a, *y = b;
	return (x->chunk_addr > y->chunk_addr) - (x->chunk_addr < y->chunk_addr);
}

bool native_mark_reason(struct native_mark *mark, uint64_t addr, struct native_source *ret)
{
	const struct native_area *area = native_memory_find(mark->memory, addr);
	if (area == NULL || area->heap == NULL || mark->reasons.num == 0)
		return false;
	if (!mark->reasons_sorted)
		qsort(mark->reasons.items, mark->reasons.num, sizeof(*mark->reasons.items),
		      reason_compare);
	mark->reasons_sorted = true;
	struct native_reason key = {heap_chunk_at(area->heap, addr).addr, {0}};
	const struct native_reason *found =
		bsearch(&key, mark->reasons.items, mark->reasons.num, sizeof(key), reason_compare);
	if (found != NULL)
		*ret = found->source;
	return found != NULL;
}

bool native_mark_reached(const struct native_mark *mark, uint64_t addr)
{
	const struct native_area *area = native_memory_find(mark->memory, addr);
	if (area == NULL || area->heap == NULL)
		return true;
	return native_test_bit(mark->marks[area->index], heap_chunk_unit(area->heap, addr));
}

/* ---- Once more ----------------------------------------------------------------------------- */

static void rescan_heap(struct native_mark *mark, const struct native_area *area)
{
	uint64_t num = num_words(area->heap);
	for (uint64_t i = 0; i < num && !mark->stopped; i++) {
		uint64_t bits = mark->marks[area->index][i];
		for (; bits != 0; bits &= bits - 1) {
			uint64_t unit = i * 64 + (uint64_t)__builtin_ctzll(bits);
			native_scanner_push(&mark->scanner, area->range.low + unit * 16);
		}
		drain(mark);
	}
}

void native_mark_begin_every_byte(struct native_mark *mark)
{
	mark->every_byte = true;
	if (mark->span.low >= NATIVE_SCAN_BEFORE && mark->span.low < mark->span.high)
		mark->span.low -= NATIVE_SCAN_BEFORE;
	make_filter(mark);
}

void native_mark_every_byte(struct native_mark *mark)
{
	uint32_t num_dead = mark->memory->blocks.num;
	native_mark_begin_every_byte(mark);
	for (uint32_t i = 0; i < mark->memory->areas.num; i++)
		if (mark->memory->areas.items[i].heap != NULL)
			rescan_heap(mark, &mark->memory->areas.items[i]);
	for (uint32_t i = 0; i < num_dead; i++)
		if (mark->dead_read[i])
			native_scan_memory(&mark->scanner, mark->memory->blocks.items[i].range, -1);
	native_mark_roots(mark);
	for (uint32_t i = 0; i < mark->tasks->list.num; i++)
		if (mark->live[i])
			native_mark_task(mark, i);
}

bool native_mark_near(struct native_mark *mark)
{
	bool changed = false, explain = mark->explain;
	/* What is found now is no reason that may be told. */
	mark->explain = false;
	for (uint32_t i = 0; i < mark->memory->areas.num; i++) {
		const struct native_area *area = &mark->memory->areas.items[i];
		uint64_t num = area->heap != NULL ? num_words(area->heap) : 0;
		for (uint64_t k = 0; k < num && !mark->stopped; k++) {
			uint64_t bits = mark->near[area->index][k] & ~mark->marks[area->index][k];
			for (; bits != 0; bits &= bits - 1)
				native_scan_mark(&mark->scanner, area,
						 k * 64 + (uint64_t)__builtin_ctzll(bits),
						 (struct native_source){0, -1, UINT8_MAX});
			changed |= mark->scanner.queue.num > 0;
			drain(mark);
		}
	}
	mark->explain = explain;
	return changed;
}
