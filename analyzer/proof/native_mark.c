#include "proof/native_mark.h"

#include <stdlib.h>

enum {
	RED_ZONE = 128,
	TICK_SIZE = 1 << 24,
	GUARD_OFF = 48, /* tcbhead_t.pointer_guard (sysdeps/x86_64/nptl/tls.h) */
	GUARD_SHIFT = 17,
	BEFORE_SIZE = 256, /* so far before a chunk a word may stand for it */
};

/* The upper bits of a word may be a tag: they are none of an address (canonical, 4 level paging).
 */
static const uint64_t addr_mask = (UINT64_C(1) << 48) - 1;

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
		if (mark->every_byte && ranges[i].low >= BEFORE_SIZE)
			ranges[i].low -= BEFORE_SIZE;
	}
	native_filter_init(&mark->filter, ranges, num, mark->every_byte, mark->guard, GUARD_SHIFT);
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
	};
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

/* ---- Marking ------------------------------------------------------------------------------- */

static void mark_unit(struct native_mark *mark, const struct native_area *area, uint64_t unit,
		      struct native_source source)
{
	uint64_t *bits = &mark->marks[area->index][unit / 64], bit = UINT64_C(1) << (unit % 64);
	if ((*bits & bit) != 0)
		return;
	*bits |= bit;
	__builtin_prefetch(area->heap->bytes + unit * 16);
	__builtin_prefetch(area->heap->bytes + unit * 16 + 64);
	__builtin_prefetch(area->heap->bytes + unit * 16 + 128);
	*array_add(mark->arena, &mark->queue) = area->range.low + unit * 16;
	if (mark->explain)
		*array_add(mark->arena, &mark->reasons) =
			(struct native_reason){area->range.low + unit * 16, source};
}

static bool test_bit(const uint64_t *bits, uint64_t index)
{
	return (bits[index / 64] >> (index % 64) & 1) != 0;
}

static void set_near(struct native_mark *mark, const struct native_area *area, uint64_t unit)
{
	mark->near[area->index][unit / 64] |= UINT64_C(1) << (unit % 64);
}

/* The chunks that begin shortly behind a word's target. */
static void note_near(struct native_mark *mark, const struct native_area *area, uint64_t addr)
{
	uint64_t unit = 0, last;
	if (addr >= area->range.low)
		unit = (addr - area->range.low) / 16 + 1;
	if (addr + BEFORE_SIZE < area->range.low)
		return;
	last = (addr + BEFORE_SIZE - area->range.low) / 16;
	if (area->heap->starts == NULL) {
		if (unit == 0)
			set_near(mark, area, 0);
		return;
	}
	for (; unit <= last && unit < (area->range.high - area->range.low) / 16; unit++)
		if (test_bit(area->heap->starts, unit))
			set_near(mark, area, unit);
}

/* A word that leads to where a chunk begins or ends means that one; and so does one of its own. */
static bool may_mean_next(const struct native_area *area, uint64_t addr, uint64_t unit,
			  const struct native_source *source)
{
	uint64_t off = addr - area->range.low;
	if (off == unit * 16 + HEAP_HEADER_SIZE || off / 16 == unit)
		return false;
	return !range_contains(area->range, source->addr) ||
	       heap_chunk_unit(area->heap, source->addr) != unit;
}

static void mark_in_heap(struct native_mark *mark, const struct native_area *area, uint64_t addr,
			 struct native_source source)
{
	uint64_t unit = heap_chunk_unit(area->heap, addr);
	mark_unit(mark, area, unit, source);
	/* The first word of a header is the last of the chunk before it, and its end may be meant,
	 * too. */
	if ((addr - area->range.low) / 16 == unit && unit > 0)
		mark_unit(mark, area,
			  heap_chunk_unit(area->heap, area->range.low + (unit - 1) * 16), source);
	if (mark->every_byte && may_mean_next(area, addr, unit, &source)) {
		const struct native_area *next = area + 1,
					 *end = mark->memory->areas.items + mark->memory->areas.num;
		note_near(mark, area, addr);
		if (next < end && next->heap != NULL)
			note_near(mark, next, addr);
	}
}

static void mark_first_found(struct native_mark *mark)
{
	const struct native_found found =
		mark->found[(mark->num_found - mark->num_waiting) % NATIVE_MARK_AHEAD];
	mark->num_waiting--;
	mark_in_heap(mark, found.area, found.addr, found.source);
}

/* A little later, when what is known of its chunk has come into the processor's cache. */
static void mark_in_heap_soon(struct native_mark *mark, const struct native_area *area,
			      uint64_t addr, struct native_source source)
{
	uint64_t word = (addr - area->range.low) / 1024;
	if (area->heap->starts != NULL)
		__builtin_prefetch(&area->heap->starts[word]);
	__builtin_prefetch(&mark->marks[area->index][area->heap->starts != NULL ? word : 0]);
	if (mark->num_waiting == NATIVE_MARK_AHEAD)
		mark_first_found(mark);
	mark->found[mark->num_found++ % NATIVE_MARK_AHEAD] =
		(struct native_found){area, addr, source};
	mark->num_waiting++;
}

/* What has ended is read by nobody, but for what it returned. Who points into its stack
 * nevertheless may read it. */
static void mark_dead(struct native_mark *mark, uint32_t index, uint64_t addr,
		      struct native_source source)
{
	const struct native_block *block = &mark->memory->blocks.items[index];
	if (addr == block->frames_high && block->thread >= 0 && !mark->held[block->thread]) {
		mark->held[block->thread] = true;
		*array_add(mark->arena, &mark->words) =
			range_from_size(block->frames_high + mark->result_off, 8);
	} else if (addr < block->frames_high && !mark->dead_read[index]) {
		mark->dead_read[index] = true;
		mark->dead_reasons[index] = source;
		*array_add(mark->arena, &mark->words) = block->range;
	}
}

static const struct native_area *find_area(struct native_mark *mark, uint64_t addr)
{
	if (mark->last != NULL && range_contains(mark->last->range, addr))
		return mark->last;
	const struct native_area *area = native_memory_find(mark->memory, addr);
	if (area != NULL)
		mark->last = area;
	return area;
}

static void visit(struct native_mark *mark, uint64_t addr, struct native_source source)
{
	const struct native_area *area = find_area(mark, addr);
	if (area == NULL && mark->every_byte) {
		area = native_memory_find(mark->memory, addr + BEFORE_SIZE);
		if (area != NULL && area->heap != NULL)
			note_near(mark, area, addr);
		return;
	}
	if (area == NULL)
		return;
	if (area->heap != NULL) {
		mark_in_heap_soon(mark, area, addr, source);
		return;
	}
	const struct native_block *block = &mark->memory->blocks.items[area->index];
	if (block->task < 0)
		mark_dead(mark, area->index, addr, source);
	else if (addr < block->frames_high && addr + RED_ZONE >= block->sp &&
		 !mark->pinned[block->task] && !mark->live[block->task]) {
		mark->pinned[block->task] = true;
		mark->pins[block->task] = source;
	}
}

static void visit_word(struct native_mark *mark, uint64_t word, struct native_source source)
{
	if (word > addr_mask)
		word &= addr_mask;
	if (word - mark->span.low < mark->span.high - mark->span.low)
		visit(mark, word, source);
}

/* The words that begin between this one and the next, as packed structures have them. A tag is not
 * looked for: too much would look like one. */
static void visit_between(struct native_mark *mark, uint64_t word, uint64_t next,
			  struct native_source source)
{
	uint64_t low = mark->span.low, span = mark->span.high - low, addr = source.addr;
	if ((word | next) == 0)
		return;
	/* The two upper bytes of an address are 0: of the bytes 7 to 14 two in a row must be. */
	const uint64_t low_bits = UINT64_C(0x7f7f7f7f7f7f7f7f);
	uint64_t upper = word >> 56 | next << 8;
	uint64_t zeros = ~(((upper & low_bits) + low_bits) | upper | low_bits);
	for (uint64_t pairs = zeros & zeros >> 8; pairs != 0; pairs &= pairs - 1) {
		unsigned shift = (unsigned)__builtin_ctzll(pairs) + 1;
		uint64_t between = word >> shift | next << (64 - shift);
		if (__builtin_expect(between - low >= span, 1))
			continue;
		source.addr = addr != 0 ? addr + shift / 8 : 0;
		visit(mark, between, source);
	}
}

/* setjmp() encodes rbp, rsp and rip (sysdeps/x86_64/setjmp.S, PTR_MANGLE): of a coroutine that is
 * away the first may be all that holds a pointer, the second all that leads to its stack. */
static void visit_encoded(struct native_mark *mark, uint64_t word, struct native_source source)
{
	uint64_t addr = (word >> GUARD_SHIFT | word << (64 - GUARD_SHIFT)) ^ mark->guard;
	if (__builtin_expect(addr - mark->span.low < mark->span.high - mark->span.low, 0))
		visit(mark, addr, source);
}

/* The word at off, of which the next one tells what begins between them. */
static inline void scan_word(struct native_mark *mark, const unsigned char *bytes, uint64_t size,
			     uint64_t off, struct native_source source)
{
	uint64_t low = mark->span.low, span = mark->span.high - low, word, next = 0;
	memcpy(&word, bytes + off, sizeof(word));
	if (off + 16 <= size)
		memcpy(&next, bytes + off + 8, sizeof(next));
	if (source.addr != 0)
		source.addr += off;
	if (__builtin_expect((word & addr_mask) - low < span, 0))
		visit(mark, word & addr_mask, source);
	if (!mark->every_byte)
		return;
	visit_between(mark, word, next, source);
	visit_encoded(mark, word, source);
}

/* source: of the first word; its address stays 0 when that is none of memory. */
static void scan_bytes(struct native_mark *mark, const unsigned char *bytes, uint64_t size,
		       struct native_source source)
{
	uint64_t off = 0;
	for (; off + NATIVE_FILTER_LOOKS_AT <= size; off += NATIVE_FILTER_SIZE) {
		if (__builtin_expect(!native_filter_maybe(&mark->filter, bytes + off), 1))
			continue;
		scan_word(mark, bytes, size, off, source);
		scan_word(mark, bytes, size, off + 8, source);
	}
	for (; off + 8 <= size; off += 8)
		scan_word(mark, bytes, size, off, source);
}

static void count(struct native_mark *mark, uint64_t size)
{
	uint64_t before = mark->scanned_size;
	mark->scanned_size += size;
	if (mark->scanned_size / TICK_SIZE != before / TICK_SIZE &&
	    !progress_tick(mark->progress, "proving", mark->scanned_size / TICK_SIZE, 0))
		mark->stopped = true;
}

/* Memory at [addr, addr + size), of which the core may lack parts. */
static void scan(struct native_mark *mark, uint64_t addr, uint64_t size, int32_t task)
{
	uint64_t end = addr + size;
	addr = (addr + 7) & ~UINT64_C(7);
	while (addr < end && !mark->stopped) {
		uint64_t left, part;
		const unsigned char *bytes = native_memory_bytes(mark->memory, addr, &left);
		if (bytes == NULL)
			return;
		part = left < end - addr ? left : end - addr;
		if (part > TICK_SIZE)
			part = TICK_SIZE;
		/* A packed pointer may begin in its last word. */
		uint64_t more = (left < end - addr ? left : end - addr) - part;
		scan_bytes(mark, bytes, part + (more < 8 ? more : 8),
			   (struct native_source){addr, task, UINT8_MAX});
		count(mark, part);
		addr += part;
	}
}

/* The last one in, but for a few: by then its memory has come into the processor's cache. */
static uint64_t next_of_queue(struct native_mark *mark)
{
	enum { AHEAD = 12 };
	uint32_t last = mark->queue.num - 1, index = last > AHEAD ? last - AHEAD : 0;
	uint64_t addr = mark->queue.items[index];
	mark->queue.items[index] = mark->queue.items[last];
	mark->queue.num = last;
	return addr;
}

static void drain(struct native_mark *mark)
{
	while ((mark->queue.num > 0 || mark->words.num > 0 || mark->num_waiting > 0) &&
	       !mark->stopped) {
		if (mark->words.num > 0) {
			struct range range = mark->words.items[--mark->words.num];
			scan(mark, range.low, range.high - range.low, -1);
			continue;
		}
		if (mark->queue.num == 0) {
			mark_first_found(mark);
			continue;
		}
		uint64_t addr = next_of_queue(mark);
		const struct native_area *area = find_area(mark, addr);
		if (area == NULL || area->heap == NULL)
			continue;
		struct heap_chunk chunk =
			heap_chunk_of_unit(area->heap, (addr - area->range.low) / 16);
		if (heap_chunk_is_free(area->heap, chunk))
			continue;
		struct range payload = heap_chunk_payload(area->heap, chunk);
		uint64_t size = payload.high - payload.low;
		if (size > TICK_SIZE) {
			scan(mark, payload.low, size, -1);
			continue;
		}
		scan_bytes(mark, area->heap->bytes + (payload.low - area->range.low), size,
			   (struct native_source){payload.low, -1, UINT8_MAX});
		count(mark, size);
	}
}

static void scan_roots(struct native_mark *mark)
{
	const struct native_memory *memory = mark->memory;
	for (uint32_t i = 0; i < memory->roots.num; i++) {
		const struct native_root *root = &memory->roots.items[i];
		uint64_t off = root->file_off, delta = root->range.low - off;
		uint64_t end = off + (root->range.high - root->range.low);
		struct range data;
		/* Zeros lead nowhere. Words may cross from data into a hole. */
		while (!mark->stopped && dump_next_data(memory->dump, off, end, &data)) {
			uint64_t low = ((data.low + delta) & ~UINT64_C(7)) - delta;
			uint64_t high = ((data.high + delta + 7) & ~UINT64_C(7)) - delta;
			if (low < off)
				low = off;
			if (high > end)
				high = end;
			scan(mark, low + delta, high - low, -1);
			off = high;
		}
	}
}

void native_mark_roots(struct native_mark *mark)
{
	scan_roots(mark);
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
		visit_word(mark, registers->values[i], source);
	}
	source.reg = UINT8_MAX;
	visit_word(mark, thread->regs.fs_base, source);
	visit_word(mark, thread->regs.gs_base, source);
	uint64_t off = thread->xstate_off != 0 ? thread->xstate_off : thread->fpregs_off;
	uint64_t size =
		thread->xstate_off != 0 ? thread->xstate_size : sizeof(struct user_fpregs_struct);
	if (off <= mark->memory->dump->size && size <= mark->memory->dump->size - off)
		scan_bytes(mark, mark->memory->file + off, size, source);
}

static void scan_task(struct native_mark *mark, uint32_t task)
{
	const struct native_memory *memory = mark->memory;
	int32_t index = memory->block_of_task[task];
	scan_registers(mark, task);
	if (memory->main_task == (int32_t)task)
		scan(mark, memory->main_pd.low, memory->main_pd.high - memory->main_pd.low,
		     (int32_t)task);
	if (index < 0)
		return;
	const struct native_block *block = &memory->blocks.items[index];
	uint64_t low = block->range.low;
	if (block->own && block->sp - low > RED_ZONE)
		low = block->sp - RED_ZONE;
	scan(mark, low, block->range.high - low, (int32_t)task);
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
	return test_bit(mark->marks[area->index], heap_chunk_unit(area->heap, addr));
}

/* ---- Once more ----------------------------------------------------------------------------- */

static void rescan_heap(struct native_mark *mark, const struct native_area *area)
{
	uint64_t num = num_words(area->heap);
	for (uint64_t i = 0; i < num && !mark->stopped; i++) {
		uint64_t bits = mark->marks[area->index][i];
		for (; bits != 0; bits &= bits - 1) {
			uint64_t unit = i * 64 + (uint64_t)__builtin_ctzll(bits);
			*array_add(mark->arena, &mark->queue) = area->range.low + unit * 16;
		}
		drain(mark);
	}
}

void native_mark_begin_every_byte(struct native_mark *mark)
{
	mark->every_byte = true;
	if (mark->span.low >= BEFORE_SIZE && mark->span.low < mark->span.high)
		mark->span.low -= BEFORE_SIZE;
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
			*array_add(mark->arena, &mark->words) = mark->memory->blocks.items[i].range;
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
				mark_unit(mark, area, k * 64 + (uint64_t)__builtin_ctzll(bits),
					  (struct native_source){0, -1, UINT8_MAX});
			changed |= mark->queue.num > 0;
			drain(mark);
		}
	}
	mark->explain = explain;
	return changed;
}
