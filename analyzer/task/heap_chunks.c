#include "task/heap_chunks.h"

#include <stdlib.h>

enum {
	PREV_INUSE = 1,
	IS_MMAPPED = 2,
	NON_MAIN_ARENA = 4,
	MIN_SIZE = 32,
	FENCE_SIZE = 16, /* closes a heap that another one follows */
	PAGE = 4096,
	MAX_HEAP_INFO_SIZE = 256, /* struct heap_info, with what is before its first chunk */
	MAX_ARENA_SIZE = 2304,	  /* struct malloc_state: 2200 bytes in 2.26 to 2.41 … */
	ARENA_SIZE = 2160,	  /* … up to its links to other arenas */
	TOP_OFF = 96,		  /* of the top's address in it, 2.26 to 2.41 */
	MAX_TOP_OFF = 256,	  /* … the top's address is near its begin */
	BLOCK_SIZE = 1 << 16,	  /* of heap.before */
	BLOCK_UNITS = BLOCK_SIZE / 16,
	MAX_ARENAS = 4096,
	PREFETCH_OFF = 3072, /* headers are read one behind the other, and little of the rest */
};

/* HEAP_MAX_SIZE without huge pages (malloc/arena.c): heaps of arenas are aligned to it. */
static const uint64_t arena_align = UINT64_C(64) << 20;
/* Units of 16 bytes must fit into 32 bits. */
static const uint64_t max_heap_size = UINT64_C(1) << 35;

struct heaps_builder {
	struct heaps *heaps;
	struct arena *arena;
	const struct heap_piece *pieces, *data;
	uint32_t num_pieces, num_data;
	struct {
		uint64_t *items; /* addresses of struct malloc_state that glibc's list names */
		uint32_t num, capacity;
	} arenas;
	uint64_t mapped_size; /* of all mapped chunks, as glibc counts them */
	bool mapped_known;
};

static uint64_t read_word(const unsigned char *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* ---- Chains -------------------------------------------------------------------------------- */

struct chain {
	const unsigned char *bytes; /* at low */
	uint64_t low, high;
	bool main;	       /* chunks of the main arena have no NON_MAIN_ARENA bit */
	uint64_t num;	       /* chunks; the end's own fence is none */
	uint64_t last;	       /* address of the last one; 0: the end is a fence */
	uint64_t *starts;      /* as struct heap's, and … */
	uint32_t *before;      /* … its */
	uint64_t blocks_noted; /* of before */
	uint64_t last_unit;    /* the last that was noted */
};

static uint64_t num_units(const struct chain *chain)
{
	return (chain->high - chain->low) / 16;
}

static size_t starts_size(const struct chain *chain)
{
	return (size_t)(num_units(chain) / 64 + 1) * sizeof(*chain->starts);
}

static size_t before_size(const struct chain *chain)
{
	return (size_t)(num_units(chain) / BLOCK_UNITS + 1) * sizeof(*chain->before);
}

/* A chunk, or the fence, begins there: one behind the other. */
static void note_start(struct chain *chain, uint64_t unit)
{
	for (; chain->blocks_noted * BLOCK_UNITS < unit; chain->blocks_noted++)
		chain->before[chain->blocks_noted] = (uint32_t)chain->last_unit;
	if (chain->blocks_noted * BLOCK_UNITS == unit)
		chain->before[chain->blocks_noted++] = (uint32_t)unit;
	chain->starts[unit / 64] |= UINT64_C(1) << (unit % 64);
	chain->last_unit = unit;
}

/* Does every chunk lead to the next, up to the very end? A free chunk has its size repeated behind
 * it, and never another free one beside it. */
static bool follow_chain(struct chain *chain)
{
	uint64_t addr = chain->low, size_before = 0;
	bool before_free = false;
	while (chain->high - addr >= HEAP_HEADER_SIZE) {
		const unsigned char *header = chain->bytes + (addr - chain->low);
		if (chain->high - addr > PREFETCH_OFF)
			__builtin_prefetch(header + PREFETCH_OFF);
		uint64_t raw = read_word(header + 8), size = raw & ~UINT64_C(7);
		bool free_before = (raw & PREV_INUSE) == 0;
		if ((raw & IS_MMAPPED) != 0 || (chain->main && (raw & NON_MAIN_ARENA) != 0))
			return false;
		if (free_before &&
		    (chain->num == 0 || before_free || read_word(header) != size_before))
			return false;
		note_start(chain, (addr - chain->low) / 16);
		if (!chain->main && raw == PREV_INUSE && addr == chain->high - FENCE_SIZE) {
			chain->last = 0;
			return chain->num > 0;
		}
		if (size % 16 != 0 || (size < MIN_SIZE && size != FENCE_SIZE) ||
		    size > chain->high - addr)
			return false;
		chain->num++;
		chain->last = addr;
		before_free = free_before;
		size_before = size;
		addr += size;
		if (addr == chain->high)
			return true;
	}
	return false;
}

/* Where each chunk begins is noted in one go: a heap is large. */
static bool chain_holds(struct heaps_builder *builder, struct chain *chain)
{
	struct arena *arena = builder->arena;
	chain->starts = arena_alloc(arena, starts_size(chain));
	chain->before = arena_alloc(arena, before_size(chain));
	if (follow_chain(chain)) {
		for (; chain->blocks_noted <= num_units(chain) / BLOCK_UNITS; chain->blocks_noted++)
			chain->before[chain->blocks_noted] = (uint32_t)chain->last_unit;
		return true;
	}
	arena_drop(arena, chain->starts, starts_size(chain));
	arena_drop(arena, chain->before, before_size(chain));
	return false;
}

static void add_heap(struct heaps_builder *builder, const struct chain *chain, enum heap_kind kind)
{
	builder->heaps->num_chunks += chain->num;
	builder->heaps->size += chain->high - chain->low;
	*array_add(builder->arena, &builder->heaps->list) = (struct heap){
		.range = {chain->low, chain->high},
		.kind = kind,
		.bytes = chain->bytes,
		.starts = chain->starts,
		.before = chain->before,
	};
}

/* ---- What glibc says ----------------------------------------------------------------------- */

static const unsigned char *find_word(const unsigned char *bytes, uint64_t size, uint64_t word)
{
	for (uint64_t off = 0; off + 8 <= size; off += 8)
		if (read_word(bytes + off) == word)
			return bytes + off;
	return NULL;
}

static bool data_has(const struct heaps_builder *builder, uint64_t word)
{
	for (uint32_t i = 0; i < builder->num_data; i++)
		if (find_word(builder->data[i].bytes,
			      builder->data[i].range.high - builder->data[i].range.low,
			      word) != NULL)
			return true;
	return false;
}

/* Is this the word of struct malloc_state that names the top chunk? Lists of free chunks are behind
 * it, each of which leads back to itself while it is empty, as most are. */
static bool is_top_word(const struct heap_piece *data, const unsigned char *word)
{
	enum { NUM_BINS = 127, MIN_EMPTY = 64 };
	uint64_t off = (uint64_t)(word - data->bytes), num_empty = 0;
	if (off < TOP_OFF || data->range.high - data->range.low - off < MAX_ARENA_SIZE - TOP_OFF)
		return false;
	for (uint64_t i = 0; i < NUM_BINS; i++) {
		uint64_t bin_addr = data->range.low + off + 16 * i;
		num_empty += read_word(word + 16 + 16 * i) == bin_addr &&
			     read_word(word + 24 + 16 * i) == bin_addr;
	}
	return num_empty >= MIN_EMPTY;
}

/* main_arena lies in glibc's data. */
static void add_main_state(struct heaps_builder *builder, uint64_t top_addr)
{
	for (uint32_t i = 0; i < builder->num_data; i++) {
		const struct heap_piece *data = &builder->data[i];
		const unsigned char *word =
			find_word(data->bytes, data->range.high - data->range.low, top_addr);
		if (word == NULL || !is_top_word(data, word))
			continue;
		uint64_t addr = data->range.low + (uint64_t)(word - data->bytes) - TOP_OFF;
		*array_add(builder->arena, &builder->heaps->states) =
			(struct range){addr, addr + ARENA_SIZE};
	}
}

/* struct malloc_par ends "… mmapped_mem, max_mmapped_mem, sbrk_base": the last is where the heap
 * that brk grows begins. */
static void read_mapped_size(struct heaps_builder *builder, uint64_t sbrk_base)
{
	for (uint32_t i = 0; i < builder->num_data; i++) {
		const unsigned char *bytes = builder->data[i].bytes;
		uint64_t size = builder->data[i].range.high - builder->data[i].range.low;
		const unsigned char *found = find_word(bytes, size, sbrk_base);
		for (; found != NULL;) {
			uint64_t off = (uint64_t)(found - bytes);
			if (off >= 16 && read_word(found - 8) >= read_word(found - 16) &&
			    read_word(found - 16) % PAGE == 0 && read_word(found - 8) % PAGE == 0) {
				/* Two places that look alike tell nothing. */
				if (builder->mapped_known &&
				    builder->mapped_size != read_word(found - 16)) {
					builder->mapped_known = false;
					return;
				}
				builder->mapped_size = read_word(found - 16);
				builder->mapped_known = true;
			}
			found = find_word(found + 8, size - off - 8, sbrk_base);
		}
	}
}

/* ---- The three kinds ----------------------------------------------------------------------- */

/* The heap that brk grows: its top chunk is the one that main_arena names. */
static bool try_main(struct heaps_builder *builder, const struct heap_piece *piece)
{
	struct chain chain = {
		.bytes = piece->bytes,
		.low = piece->range.low,
		.high = piece->range.high,
		.main = true,
	};
	if (chain.low % 16 != 0 || chain.high - chain.low > max_heap_size ||
	    !chain_holds(builder, &chain) || chain.num < 2 || !data_has(builder, chain.last))
		return false;
	add_heap(builder, &chain, HEAP_MAIN);
	add_main_state(builder, chain.last);
	read_mapped_size(builder, chain.low);
	return true;
}

static const struct heap_piece *find_piece(const struct heaps_builder *builder, uint64_t addr)
{
	uint32_t low = 0, high = builder->num_pieces;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (range_contains(builder->pieces[middle].range, addr))
			return &builder->pieces[middle];
		if (addr < builder->pieces[middle].range.low)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* MAX_ARENA_SIZE bytes of what may be an arena: it stands in the first of its heaps behind struct
 * heap_info, which begins with the arena's address. */
static const unsigned char *arena_bytes(const struct heaps_builder *builder, uint64_t arena_addr)
{
	uint64_t base = arena_addr & ~(arena_align - 1);
	const struct heap_piece *piece = find_piece(builder, base);
	if (piece == NULL || arena_addr - base > MAX_HEAP_INFO_SIZE || arena_addr == base ||
	    piece->range.high - base < MAX_HEAP_INFO_SIZE + MAX_ARENA_SIZE ||
	    read_word(piece->bytes + (base - piece->range.low)) != arena_addr)
		return NULL;
	return piece->bytes + (arena_addr - piece->range.low);
}

static bool is_arena(const struct heaps_builder *builder, uint64_t arena_addr)
{
	for (uint32_t i = 0; i < builder->arenas.num; i++)
		if (builder->arenas.items[i] == arena_addr)
			return true;
	return false;
}

/* main_arena.next begins a ring of all arenas. */
static void find_arenas(struct heaps_builder *builder)
{
	for (uint32_t i = 0; i < builder->num_pieces; i++) {
		const struct heap_piece *piece = &builder->pieces[i];
		uint64_t base = (piece->range.low + arena_align - 1) & ~(arena_align - 1);
		for (; base >= piece->range.low && base < piece->range.high &&
		       piece->range.high - base >= MAX_HEAP_INFO_SIZE + MAX_ARENA_SIZE;
		     base += arena_align) {
			uint64_t arena_addr = read_word(piece->bytes + (base - piece->range.low));
			if (arena_bytes(builder, arena_addr) != NULL &&
			    !is_arena(builder, arena_addr) && builder->arenas.num < MAX_ARENAS)
				*array_add(builder->arena, &builder->arenas) = arena_addr;
		}
	}
	/* Those that main_arena leads to, directly or not, come first. */
	uint32_t num = 0;
	for (bool more = true; more;) {
		more = false;
		for (uint32_t i = num; i < builder->arenas.num; i++) {
			uint64_t arena_addr = builder->arenas.items[i];
			bool named = data_has(builder, arena_addr);
			for (uint32_t k = 0; k < num && !named; k++)
				named = find_word(arena_bytes(builder, builder->arenas.items[k]),
						  MAX_ARENA_SIZE, arena_addr) != NULL;
			if (!named)
				continue;
			builder->arenas.items[i] = builder->arenas.items[num];
			builder->arenas.items[num++] = arena_addr;
			more = true;
		}
	}
	builder->arenas.num = num;
}

/* One heap of an arena at base: struct heap_info {ar_ptr, prev, size, mprotect_size …}, in its
 * first heap the arena itself, then chunks up to base + size. */
static bool try_arena(struct heaps_builder *builder, const struct heap_piece *piece, uint64_t base)
{
	const unsigned char *info = piece->bytes + (base - piece->range.low);
	uint64_t left = piece->range.high - base;
	if (left < MAX_HEAP_INFO_SIZE + MAX_ARENA_SIZE)
		return false;
	uint64_t arena_addr = read_word(info), size = read_word(info + 16);
	if (!is_arena(builder, arena_addr) || size % PAGE != 0 || size > left ||
	    size > arena_align || size < PAGE)
		return false;
	const unsigned char *arena = arena_bytes(builder, arena_addr);
	bool first_heap = arena_addr - base < MAX_HEAP_INFO_SIZE;
	uint64_t off = first_heap ? arena_addr - base + 2048 : 32;
	uint64_t off_end = first_heap ? arena_addr - base + MAX_ARENA_SIZE : MAX_HEAP_INFO_SIZE;
	for (off &= ~UINT64_C(15); off < off_end && off + MIN_SIZE <= size; off += 16) {
		struct chain chain = {.bytes = info + off, .low = base + off, .high = base + size};
		if ((read_word(info + off + 8) & PREV_INUSE) == 0 || !chain_holds(builder, &chain))
			continue;
		/* Only the arena's last heap has a top chunk. */
		if (chain.last != 0 && find_word(arena, MAX_TOP_OFF, chain.last) == NULL)
			return false;
		add_heap(builder, &chain, HEAP_ARENA);
		*array_add(builder->arena, &builder->heaps->states) =
			(struct range){base, chain.low};
		return true;
	}
	return false;
}

/* Mapped chunks stand alone, or one behind the other where the kernel has joined their mappings.
 * What is not made of them from begin to end is something else. */
static bool tile_mapped(const struct heap_piece *piece, uint64_t *num_ret)
{
	uint64_t addr = piece->range.low, num = 0;
	while (addr < piece->range.high) {
		const unsigned char *header = piece->bytes + (addr - piece->range.low);
		uint64_t left = piece->range.high - addr;
		if (left < PAGE)
			return false;
		uint64_t raw = read_word(header + 8), size = raw & ~UINT64_C(7);
		if (read_word(header) != 0 || (raw & 7) != IS_MMAPPED || size % PAGE != 0 ||
		    size == 0 || size > left)
			return false;
		addr += size;
		num++;
	}
	*num_ret = num;
	return num > 0;
}

/* All of them, and nothing else: their sizes add up to what glibc counts. */
static void add_mapped(struct heaps_builder *builder, const bool *taken)
{
	uint64_t total = 0, num;
	if (!builder->mapped_known)
		return;
	for (uint32_t i = 0; i < builder->num_pieces; i++) {
		const struct heap_piece *piece = &builder->pieces[i];
		if (!taken[i] && piece->range.low % PAGE == 0 && tile_mapped(piece, &num))
			total = size_sum(total, piece->range.high - piece->range.low);
	}
	if (total != builder->mapped_size)
		return;
	for (uint32_t i = 0; i < builder->num_pieces; i++) {
		const struct heap_piece *piece = &builder->pieces[i];
		if (taken[i] || piece->range.low % PAGE != 0 || !tile_mapped(piece, &num))
			continue;
		for (uint64_t addr = piece->range.low; addr < piece->range.high;) {
			const unsigned char *header = piece->bytes + (addr - piece->range.low);
			uint64_t size = read_word(header + 8) & ~UINT64_C(7);
			const struct chain chain = {
				.bytes = header, .low = addr, .high = addr + size, .num = 1};
			add_heap(builder, &chain, HEAP_MAPPED);
			addr += size;
		}
	}
}

static int heap_compare(const void *a, const void *b)
{
	const struct heap *x = a, *y = b;
	return (x->range.low > y->range.low) - (x->range.low < y->range.low);
}

void heaps_build(struct heaps *ret, struct arena *arena, const struct heap_piece *pieces,
		 uint32_t num_pieces, const struct heap_piece *data, uint32_t num_data)
{
	struct heaps_builder builder = {
		.heaps = ret,
		.arena = arena,
		.pieces = pieces,
		.data = data,
		.num_pieces = num_pieces,
		.num_data = num_data,
	};
	bool *taken = arena_alloc_array(arena, num_pieces, sizeof(*taken));
	*ret = (struct heaps){0};
	find_arenas(&builder);
	for (uint32_t i = 0; i < num_pieces; i++) {
		const struct heap_piece *piece = &pieces[i];
		uint64_t base = (piece->range.low + arena_align - 1) & ~(arena_align - 1);
		for (; base >= piece->range.low && base < piece->range.high; base += arena_align)
			taken[i] |= try_arena(&builder, piece, base);
		if (!taken[i])
			taken[i] = try_main(&builder, piece);
	}
	add_mapped(&builder, taken);
	if (ret->list.num > 1)
		qsort(ret->list.items, ret->list.num, sizeof(*ret->list.items), heap_compare);
}

/* ---- Looking up ---------------------------------------------------------------------------- */

const struct heap *heaps_find(const struct heaps *heaps, uint64_t addr)
{
	uint32_t low = 0, high = heaps->list.num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct heap *heap = &heaps->list.items[middle];
		if (range_contains(heap->range, addr))
			return heap;
		if (addr < heap->range.low)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

uint64_t heap_chunk_unit(const struct heap *heap, uint64_t addr)
{
	if (heap->starts == NULL)
		return 0;
	uint64_t unit = (addr - heap->range.low) / 16, word = unit / 64;
	uint64_t bits = heap->starts[word] & (UINT64_MAX >> (63 - unit % 64));
	if (bits != 0)
		return word * 64 + 63 - (uint64_t)__builtin_clzll(bits);
	uint64_t first = heap->before[unit / BLOCK_UNITS];
	while (bits == 0 && word > first / 64)
		bits = heap->starts[--word];
	return bits != 0 ? word * 64 + 63 - (uint64_t)__builtin_clzll(bits) : first;
}

struct heap_chunk heap_chunk_of_unit(const struct heap *heap, uint64_t unit)
{
	struct heap_chunk chunk = {heap->range.low + unit * 16, heap->range.high - heap->range.low};
	if (heap->starts == NULL)
		return chunk;
	chunk.size = read_word(heap->bytes + unit * 16 + 8) & ~UINT64_C(7);
	/* The fence at the end. */
	if (chunk.size == 0)
		chunk.size = FENCE_SIZE;
	return chunk;
}

struct heap_chunk heap_chunk_at(const struct heap *heap, uint64_t addr)
{
	return heap_chunk_of_unit(heap, heap_chunk_unit(heap, addr));
}

bool heap_chunk_is_free(const struct heap *heap, struct heap_chunk chunk)
{
	uint64_t end = chunk.addr + chunk.size;
	if (heap->kind == HEAP_MAPPED)
		return false;
	/* The last one is the top, or a fence. */
	if (heap->range.high - end < HEAP_HEADER_SIZE || chunk.size < MIN_SIZE)
		return true;
	return (read_word(heap->bytes + (end - heap->range.low) + 8) & PREV_INUSE) == 0;
}

struct range heap_chunk_payload(const struct heap *heap, struct heap_chunk chunk)
{
	struct range range = {chunk.addr + HEAP_HEADER_SIZE, chunk.addr + chunk.size + 8};
	if (range.high > heap->range.high)
		range.high = heap->range.high;
	return range;
}
