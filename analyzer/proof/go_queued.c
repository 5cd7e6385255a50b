#include "proof/go_queued.h"

/* runtime/mfinal.go, finblock, the same in 1.19 to 1.27; runtime/mcleanup.go, cleanupBlock, since
 * 1.25: {lfnode, alllink, n, cleanups}. Blocks have up to 4 KiB. */
enum {
	FIN_ALL_LINK = 0,
	FIN_COUNT = 16,
	FIN_FIRST = 24,
	FIN_SIZE = 40, /* function, argument, size of results, two types */
	FIN_MAX = 101,
	CLEANUP_ALL_LINK = 16,
	CLEANUP_COUNT = 24,
	CLEANUP_FIRST = 32,
	CLEANUP_BLOCK_SIZE = 512,
	MAX_BLOCKS = 1 << 20,
};

struct queued {
	const struct go_runtime *runtime;
	const struct go_heap_layout *layout;
	struct image *image;
	struct go_marker *marker;
	struct intern seen; /* blocks */
	uint32_t num;
};

static uint64_t word_at(const struct queued *queued, uint64_t addr)
{
	uint64_t value;
	return image_read_u64(queued->image, addr, &value) ? value : 0;
}

/* A Go function value points to where its code begins. */
static bool is_function(const struct queued *queued, uint64_t addr)
{
	return addr != 0 && (addr & 7) == 0 &&
	       go_tables_is_entry(&queued->runtime->tables, word_at(queued, addr));
}

/* The runtime counts an entry before it fills it, and clears one that has run: a function or
 * nothing. */
static bool is_fin_block(const struct queued *queued, uint64_t block)
{
	uint32_t count = (uint32_t)word_at(queued, block + FIN_COUNT);
	if (count > FIN_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t function = word_at(queued, block + FIN_FIRST + FIN_SIZE * (uint64_t)i);
		if (function != 0 && !is_function(queued, function))
			return false;
	}
	return true;
}

static bool is_cleanup_block(const struct queued *queued, uint64_t block)
{
	uint32_t size = (uint32_t)queued->layout->cleanup_size;
	uint32_t most = (CLEANUP_BLOCK_SIZE - CLEANUP_FIRST) / size;
	uint32_t count = (uint32_t)word_at(queued, block + CLEANUP_COUNT);
	if (count > most)
		return false;
	/* Those that have run are zero. */
	for (uint32_t i = 0; i < count; i++) {
		uint64_t addr = block + CLEANUP_FIRST + size * (uint64_t)i;
		uint64_t function = word_at(queued, addr);
		if (function == 0)
			continue;
		/* 1.26 on: {call func(*T, …), fn, arg}; call may be code itself. */
		if (!is_function(queued, function) &&
		    !go_tables_is_entry(&queued->runtime->tables, function))
			return false;
	}
	return true;
}

/* What blocks of one kind look like. */
struct kind {
	int link, count_off, first_off;
	uint32_t size;	     /* of an entry */
	uint32_t block_size; /* of all entries, when as many count as fit; 0: only those counted */
	bool (*is_block)(const struct queued *queued, uint64_t block);
};

/* Entries that are filled and have not run. */
static uint32_t num_due(const struct queued *queued, uint64_t first, uint32_t size, uint32_t num)
{
	uint32_t due = 0;
	for (uint32_t i = 0; i < num; i++)
		due += word_at(queued, first + size * (uint64_t)i) != 0;
	return due;
}

/* Does a list of such blocks begin here? One of them holds something. */
static void follow(struct queued *queued, uint64_t block, const struct kind *kind)
{
	for (uint32_t i = 0; block != 0 && i < MAX_BLOCKS; i++) {
		const uint64_t key[2] = {block, (uint64_t)kind->link};
		bool is_new;
		uint64_t readable;
		/* The runtime has blocks from the kernel: they are in no program's file. */
		if ((block & 7) != 0 || go_spans_find(queued->marker->spans, block) != NULL ||
		    modules_find(queued->image->modules, block) >= 0 ||
		    !pages_read(&queued->marker->pages, block + FIN_FIRST, &readable,
				sizeof(readable)))
			return;
		intern_add(&queued->seen, key, sizeof(key), &is_new);
		if (!is_new || !kind->is_block(queued, block))
			return;
		uint32_t count = (uint32_t)word_at(queued, block + (uint64_t)kind->count_off);
		uint64_t first = block + (uint64_t)kind->first_off;
		uint64_t size =
			kind->block_size != 0 ? kind->block_size : kind->size * (uint64_t)count;
		if (count > 0)
			go_marker_words(queued->marker, first, first + size);
		queued->num += num_due(queued, first, kind->size, count);
		block = word_at(queued, block + (uint64_t)kind->link);
	}
}

uint32_t go_queued_mark(const struct go_runtime *runtime, const struct go_heap_layout *layout,
			struct image *image, struct go_marker *marker)
{
	struct queued queued = {
		.runtime = runtime, .layout = layout, .image = image, .marker = marker};
	const struct range *globals = &runtime->globals;
	const struct kind fins = {FIN_ALL_LINK, FIN_COUNT, FIN_FIRST, FIN_SIZE, 0, is_fin_block};
	const struct kind cleanups = {CLEANUP_ALL_LINK,
				      CLEANUP_COUNT,
				      CLEANUP_FIRST,
				      (uint32_t)layout->cleanup_size,
				      CLEANUP_BLOCK_SIZE - CLEANUP_FIRST,
				      is_cleanup_block};
	intern_init(&queued.seen, marker->arena);
	for (uint64_t addr = globals->low; addr + 8 <= globals->high; addr += 8) {
		uint64_t value;
		if (!image_read_u64(image, addr, &value)) {
			addr = (addr | 4095) - 7;
			continue;
		}
		if (value < 4096 || (value & 7) != 0 || range_contains(*globals, value) ||
		    (value >= marker->spans->low && value < marker->spans->high &&
		     go_spans_find(marker->spans, value) != NULL))
			continue;
		follow(&queued, value, &fins);
		if (layout->cleanup_size != GO_NONE)
			follow(&queued, value, &cleanups);
	}
	return queued.num;
}
