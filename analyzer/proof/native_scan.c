#include "proof/native_scan.h"

#include "proof/native_mark.h"

enum {
	RED_ZONE = 128,
	TICK_SIZE = 1 << 20,
	ROUNDS = 256, /* of progress_tick() between two looks */
	AHEAD = 12,   /* chunks between asking for one and looking through it */
};

void native_scanner_init(struct native_scanner *ret, struct native_mark *mark, struct arena *arena,
			 struct work_pool *pool)
{
	*ret = (struct native_scanner){.mark = mark, .arena = arena, .pool = pool};
}

/* ---- What scanners share ------------------------------------------------------------------- */

static bool is_stopped(const struct native_scanner *scanner)
{
	return atomic_load_explicit(&scanner->mark->stopped, memory_order_relaxed);
}

/* False: it was set before, by this one or another. Nobody waits for what else that one writes:
 * marks are read when all have ended. */
static bool set_bit(const struct native_scanner *scanner, uint64_t *bits, uint64_t index)
{
	uint64_t *word = &bits[index / 64], bit = UINT64_C(1) << (index % 64);
	if ((__atomic_load_n(word, __ATOMIC_RELAXED) & bit) != 0)
		return false;
	if (scanner->pool != NULL)
		return (__atomic_fetch_or(word, bit, __ATOMIC_RELAXED) & bit) == 0;
	*word |= bit;
	return true;
}

static bool set_flag(bool *flag)
{
	return !__atomic_load_n(flag, __ATOMIC_RELAXED) &&
	       !__atomic_exchange_n(flag, true, __ATOMIC_RELAXED);
}

void native_scanner_count(struct native_scanner *scanner)
{
	struct native_mark *mark = scanner->mark;
	uint64_t before = atomic_fetch_add_explicit(&mark->scanned_size, scanner->scanned_size,
						    memory_order_relaxed);
	uint64_t now = before + scanner->scanned_size;
	scanner->scanned_size = 0;
	if (scanner->ticks && now / TICK_SIZE != before / TICK_SIZE &&
	    !progress_tick(mark->progress, "proving", now / TICK_SIZE * ROUNDS, 0))
		atomic_store_explicit(&mark->stopped, true, memory_order_relaxed);
}

static void count(struct native_scanner *scanner, uint64_t size)
{
	scanner->scanned_size += size;
	if (scanner->scanned_size >= TICK_SIZE)
		native_scanner_count(scanner);
}

/* ---- Marking ------------------------------------------------------------------------------- */

void native_scanner_push(struct native_scanner *scanner, uint64_t addr)
{
	*array_add(scanner->arena, &scanner->queue) = addr;
}

void native_scan_mark(struct native_scanner *scanner, const struct native_area *area, uint64_t unit,
		      struct native_source source)
{
	struct native_mark *mark = scanner->mark;
	uint64_t addr = area->range.low + unit * 16;
	if (!set_bit(scanner, mark->marks[area->index], unit))
		return;
	__builtin_prefetch(area->heap->bytes + unit * 16);
	__builtin_prefetch(area->heap->bytes + unit * 16 + 64);
	__builtin_prefetch(area->heap->bytes + unit * 16 + 128);
	native_scanner_push(scanner, addr);
	if (mark->explain)
		*array_add(mark->arena, &mark->reasons) = (struct native_reason){addr, source};
}

/* The chunks that begin shortly behind a word's target. */
static void note_near(const struct native_scanner *scanner, const struct native_area *area,
		      uint64_t addr)
{
	uint64_t unit = 0, last, *near = scanner->mark->near[area->index];
	if (addr >= area->range.low)
		unit = (addr - area->range.low) / 16 + 1;
	if (addr + NATIVE_SCAN_BEFORE < area->range.low)
		return;
	last = (addr + NATIVE_SCAN_BEFORE - area->range.low) / 16;
	if (area->heap->starts == NULL) {
		if (unit == 0)
			set_bit(scanner, near, 0);
		return;
	}
	for (; unit <= last && unit < (area->range.high - area->range.low) / 16; unit++)
		if (native_test_bit(area->heap->starts, unit))
			set_bit(scanner, near, unit);
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

static void mark_in_heap(struct native_scanner *scanner, const struct native_area *area,
			 uint64_t addr, struct native_source source)
{
	const struct native_mark *mark = scanner->mark;
	uint64_t unit = heap_chunk_unit(area->heap, addr);
	native_scan_mark(scanner, area, unit, source);
	/* The first word of a header is the last of the chunk before it, and its end may be meant,
	 * too. */
	if ((addr - area->range.low) / 16 == unit && unit > 0)
		native_scan_mark(scanner, area,
				 heap_chunk_unit(area->heap, area->range.low + (unit - 1) * 16),
				 source);
	if (mark->every_byte && may_mean_next(area, addr, unit, &source)) {
		const struct native_area *next = area + 1,
					 *end = mark->memory->areas.items + mark->memory->areas.num;
		note_near(scanner, area, addr);
		if (next < end && next->heap != NULL)
			note_near(scanner, next, addr);
	}
}

static void mark_first_found(struct native_scanner *scanner)
{
	const struct native_found found =
		scanner->found[(scanner->num_found - scanner->num_waiting) % NATIVE_SCAN_AHEAD];
	scanner->num_waiting--;
	mark_in_heap(scanner, found.area, found.addr, found.source);
}

/* A little later, when what is known of its chunk has come into the processor's cache. */
static void mark_in_heap_soon(struct native_scanner *scanner, const struct native_area *area,
			      uint64_t addr, struct native_source source)
{
	uint64_t word = (addr - area->range.low) / 1024;
	if (area->heap->starts != NULL)
		__builtin_prefetch(&area->heap->starts[word]);
	__builtin_prefetch(
		&scanner->mark->marks[area->index][area->heap->starts != NULL ? word : 0]);
	if (scanner->num_waiting == NATIVE_SCAN_AHEAD)
		mark_first_found(scanner);
	scanner->found[scanner->num_found++ % NATIVE_SCAN_AHEAD] =
		(struct native_found){area, addr, source};
	scanner->num_waiting++;
}

/* What has ended is read by nobody, but for what it returned. Who points into its stack
 * nevertheless may read it. */
static void mark_dead(struct native_scanner *scanner, uint32_t index, uint64_t addr,
		      struct native_source source)
{
	struct native_mark *mark = scanner->mark;
	const struct native_block *block = &mark->memory->blocks.items[index];
	if (addr == block->frames_high && block->thread >= 0) {
		if (set_flag(&mark->held[block->thread]))
			*array_add(scanner->arena, &scanner->words) =
				range_from_size(block->frames_high + mark->result_off, 8);
	} else if (addr < block->frames_high && set_flag(&mark->dead_read[index])) {
		if (mark->explain)
			mark->dead_reasons[index] = source;
		*array_add(scanner->arena, &scanner->words) = block->range;
	}
}

static const struct native_area *find_area(struct native_scanner *scanner, uint64_t addr)
{
	if (scanner->last != NULL && range_contains(scanner->last->range, addr))
		return scanner->last;
	const struct native_area *area = native_memory_find(scanner->mark->memory, addr);
	if (area != NULL)
		scanner->last = area;
	return area;
}

static void visit(struct native_scanner *scanner, uint64_t addr, struct native_source source)
{
	struct native_mark *mark = scanner->mark;
	const struct native_area *area = find_area(scanner, addr);
	if (area == NULL && mark->every_byte) {
		area = native_memory_find(mark->memory, addr + NATIVE_SCAN_BEFORE);
		if (area != NULL && area->heap != NULL)
			note_near(scanner, area, addr);
		return;
	}
	if (area == NULL)
		return;
	if (area->heap != NULL) {
		mark_in_heap_soon(scanner, area, addr, source);
		return;
	}
	const struct native_block *block = &mark->memory->blocks.items[area->index];
	if (block->task < 0)
		mark_dead(scanner, area->index, addr, source);
	else if (addr < block->frames_high && addr + RED_ZONE >= block->sp &&
		 !mark->live[block->task] && set_flag(&mark->pinned[block->task]) && mark->explain)
		mark->pins[block->task] = source;
}

void native_scan_word(struct native_scanner *scanner, uint64_t word, struct native_source source)
{
	const struct native_mark *mark = scanner->mark;
	word &= NATIVE_ADDR_MASK;
	if (word - mark->span.low < mark->span.high - mark->span.low)
		visit(scanner, word, source);
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* The words that begin between this one and the next, as packed structures have them. A tag is not
 * looked for: too much would look like one. */
static void visit_between(struct native_scanner *scanner, uint64_t word, uint64_t next,
			  struct native_source source)
{
	const struct native_mark *mark = scanner->mark;
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
		visit(scanner, between, source);
	}
}

/* setjmp() encodes rbp, rsp and rip (sysdeps/x86_64/setjmp.S, PTR_MANGLE): of a coroutine that is
 * away the first may be all that holds a pointer, the second all that leads to its stack. */
static void visit_encoded(struct native_scanner *scanner, uint64_t word,
			  struct native_source source)
{
	const struct native_mark *mark = scanner->mark;
	uint64_t addr =
		(word >> NATIVE_GUARD_SHIFT | word << (64 - NATIVE_GUARD_SHIFT)) ^ mark->guard;
	if (__builtin_expect(addr - mark->span.low < mark->span.high - mark->span.low, 0))
		visit(scanner, addr, source);
}

/* A counter below an address tells an old value of a list's head from a new one that has the same
 * address, as in runtime/tagptr_64bit.go: both are one word. */
static void visit_above_counter(struct native_scanner *scanner, uint64_t word,
				struct native_source source)
{
	const struct native_mark *mark = scanner->mark;
	uint64_t addr = word >> (8 * NATIVE_FILTER_COUNTER);
	if (__builtin_expect(addr - mark->span.low < mark->span.high - mark->span.low, 0))
		visit(scanner, addr, source);
}

/* The word at off, of which the next one tells what begins between them. */
static inline void scan_word_at(struct native_scanner *scanner, const unsigned char *bytes,
				uint64_t size, uint64_t off, struct native_source source)
{
	const struct native_mark *mark = scanner->mark;
	uint64_t low = mark->span.low, span = mark->span.high - low, word, next = 0;
	memcpy(&word, bytes + off, sizeof(word));
	if (off + 16 <= size)
		memcpy(&next, bytes + off + 8, sizeof(next));
	if (source.addr != 0)
		source.addr += off;
	if (__builtin_expect((word & NATIVE_ADDR_MASK) - low < span, 0))
		visit(scanner, word & NATIVE_ADDR_MASK, source);
	if (!mark->every_byte)
		return;
	visit_between(scanner, word, next, source);
	visit_encoded(scanner, word, source);
	visit_above_counter(scanner, word, source);
}

void native_scan_bytes(struct native_scanner *scanner, const unsigned char *bytes, uint64_t size,
		       struct native_source source)
{
	const struct native_filter *filter = &scanner->mark->filter;
	uint64_t off = 0;
	for (; off + NATIVE_FILTER_LOOKS_AT <= size; off += NATIVE_FILTER_SIZE) {
		if (__builtin_expect(!native_filter_maybe(filter, bytes + off), 1))
			continue;
		scan_word_at(scanner, bytes, size, off, source);
		scan_word_at(scanner, bytes, size, off + 8, source);
	}
	for (; off + 8 <= size; off += 8)
		scan_word_at(scanner, bytes, size, off, source);
}

void native_scan_memory(struct native_scanner *scanner, struct range range, int32_t task)
{
	uint64_t addr = (range.low + 7) & ~UINT64_C(7), end = range.high;
	while (addr < end && !is_stopped(scanner)) {
		uint64_t left, part;
		const unsigned char *bytes =
			native_memory_bytes(scanner->mark->memory, addr, &left);
		if (bytes == NULL)
			return;
		if (left > end - addr)
			left = end - addr;
		part = left < TICK_SIZE ? left : TICK_SIZE;
		/* A packed pointer may begin in its last word. */
		uint64_t more = left - part;
		native_scan_bytes(scanner, bytes, part + (more < 8 ? more : 8),
				  (struct native_source){addr, task, UINT8_MAX});
		count(scanner, part);
		addr += part;
	}
}

/* ---- The queue ----------------------------------------------------------------------------- */

static void scan_chunk(struct native_scanner *scanner, uint64_t addr)
{
	const struct native_area *area = find_area(scanner, addr);
	if (area == NULL || area->heap == NULL)
		return;
	struct heap_chunk chunk = heap_chunk_of_unit(area->heap, (addr - area->range.low) / 16);
	if (heap_chunk_is_free(area->heap, chunk))
		return;
	struct range payload = heap_chunk_payload(area->heap, chunk);
	uint64_t size = payload.high - payload.low;
	if (size > TICK_SIZE) {
		native_scan_memory(scanner, payload, -1);
		return;
	}
	native_scan_bytes(scanner, area->heap->bytes + (payload.low - area->range.low), size,
			  (struct native_source){payload.low, -1, UINT8_MAX});
	count(scanner, size);
}

/* The last one in, but for a few: by then its memory has come into the processor's cache. */
static uint64_t next_of_queue(struct native_scanner *scanner)
{
	uint32_t last = scanner->queue.num - 1, index = last > AHEAD ? last - AHEAD : 0;
	uint64_t addr = scanner->queue.items[index];
	scanner->queue.items[index] = scanner->queue.items[last];
	scanner->queue.num = last;
	return addr;
}

void native_scanner_drain(struct native_scanner *scanner, uint32_t max_waiting)
{
	while (!is_stopped(scanner) && scanner->queue.num < max_waiting) {
		if (scanner->words.num > 0) {
			native_scan_memory(scanner, scanner->words.items[--scanner->words.num], -1);
		} else if (scanner->queue.num > 0) {
			if (work_pool_wants(scanner->pool, scanner->queue.num))
				scanner->queue.num = work_pool_share(
					scanner->pool, scanner->queue.items, scanner->queue.num);
			scan_chunk(scanner, next_of_queue(scanner));
		} else if (scanner->num_waiting > 0) {
			mark_first_found(scanner);
		} else {
			return;
		}
	}
}

bool native_scanner_help(struct native_scanner *scanner)
{
	uint64_t pieces[WORK_POOL_MAX_PIECES];
	uint32_t num;
	if (is_stopped(scanner) || !work_pool_take(scanner->pool, pieces, &num))
		return false;
	for (uint32_t i = 0; i < num; i++)
		native_scanner_push(scanner, pieces[i]);
	if (num == 0 && scanner->ticks &&
	    !progress_tick(
		    scanner->mark->progress, "proving",
		    atomic_load_explicit(&scanner->mark->scanned_size, memory_order_relaxed) /
			    TICK_SIZE * ROUNDS,
		    0))
		atomic_store_explicit(&scanner->mark->stopped, true, memory_order_relaxed);
	return true;
}
