/* heap_chunks.h - glibc's malloc: which memory is its heap, and where each chunk of it begins.
 *
 * Needs no symbols. Memory is only taken for a heap when its chain of chunks ends exactly where it
 * must, and glibc's own data names it: the top chunk, the arena, the sum of mapped chunks. glibc
 * 2.31 to 2.41, malloc/malloc.c and malloc/arena.c. */
#ifndef CORELEAKS_TASK_HEAP_CHUNKS_H
#define CORELEAKS_TASK_HEAP_CHUNKS_H

#include "core/image.h"

/* Anonymous writable memory that is wholly in the core. */
struct heap_piece {
	struct range range;
	const unsigned char *bytes;
};

enum heap_kind {
	HEAP_MAIN,   /* grown by brk */
	HEAP_ARENA,  /* one of an arena's heaps */
	HEAP_MAPPED, /* one chunk that is a mapping of its own */
};

struct heap {
	struct range range; /* from its first chunk to the end of its last */
	enum heap_kind kind;
	const unsigned char *bytes; /* of range */
	uint64_t *starts; /* a bit for 16 bytes: a chunk begins there; HEAP_MAPPED: NULL */
	uint32_t *before; /* for each 64 KiB: the last chunk up to its begin, in units of 16 */
};

struct heaps {
	struct {
		struct heap *items; /* by ascending address */
		uint32_t num, capacity;
	} list;
	struct {
		struct range *items; /* of the arenas themselves: they know chunks, but use none */
		uint32_t num, capacity;
	} states;
	uint64_t num_chunks;
	uint64_t size; /* bytes of all */
};

struct heap_chunk {
	uint64_t addr; /* of its header */
	uint64_t size; /* with its header */
};

enum { HEAP_HEADER_SIZE = 16 };

/* pieces: by ascending address, not overlapping. data: glibc's own writable memory. */
void heaps_build(struct heaps *ret, struct arena *arena, const struct heap_piece *pieces,
		 uint32_t num_pieces, const struct heap_piece *data, uint32_t num_data);
/* The heap that holds addr, or NULL. */
const struct heap *heaps_find(const struct heaps *heaps, uint64_t addr);
/* The chunk of the heap that holds addr, which the heap does. */
struct heap_chunk heap_chunk_at(const struct heap *heap, uint64_t addr);
/* The same without a look at its header: where it begins, in units of 16 bytes from the heap's
 * begin. */
uint64_t heap_chunk_unit(const struct heap *heap, uint64_t addr);
struct heap_chunk heap_chunk_of_unit(const struct heap *heap, uint64_t unit);
/* Is it no one's: freed, or what the heap keeps at its end? Small freed chunks look used. */
bool heap_chunk_is_free(const struct heap *heap, struct heap_chunk chunk);
/* Its user's bytes: they reach into the next chunk's header. */
struct range heap_chunk_payload(const struct heap *heap, struct heap_chunk chunk);

#endif
