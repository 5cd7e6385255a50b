/* arena.h - all memory of one analysis: allocated piecemeal, released at once.
 *
 * Allocation never returns NULL: when memory (or the arena's limit) runs out it jumps to the
 * arena's trap, which turns that into an error. Whoever sets the trap must hold no resources
 * that only a local variable knows.
 */
#ifndef CORELEAKS_BASE_ARENA_H
#define CORELEAKS_BASE_ARENA_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	char *next, *end;	    /* free part of the current small block */
	uint64_t used_size;	    /* bytes taken from malloc */
	uint64_t max_size;	    /* 0: no limit */
	jmp_buf *trap;		    /* where to go when memory runs out; NULL: abort */
};

void arena_init(struct arena *arena, uint64_t max_size);
void arena_deinit(struct arena *arena);

/* Memory ran out: jumps to the trap. */
_Noreturn void arena_exhausted(struct arena *arena);

/* Counts memory that another arena took for the same analysis. */
void arena_charge(struct arena *arena, uint64_t size);

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
/* Zeroed memory for num items; traps on overflow. */
void *arena_alloc_array(struct arena *arena, size_t num, size_t item_size);
/* All of this memory will be used: the kernel gives it at once, not page by page. */
void arena_expect(void *memory, size_t size);
/* As arena_alloc_array(), and all of it will be used. */
void *arena_alloc_full(struct arena *arena, size_t num, size_t item_size);
/* A larger copy of old (may be NULL); the new part is zeroed and old is no longer valid. */
void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size);
/* Gives back what arena_alloc() gave, where it is large: temporary columns for all tasks. */
void arena_drop(struct arena *arena, void *memory, size_t size);
char *arena_copy_text(struct arena *arena, const char *text);
/* size bytes and a closing NUL. */
char *arena_copy_bytes(struct arena *arena, const void *bytes, size_t size);
char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Growing array: struct { TYPE *items; uint32_t num, capacity; } - adds a zeroed item at the end
 * and gives its address, valid until the next one is added. */
#define array_add(arena, array)                                                                    \
	((array)->num < (array)->capacity                                                          \
		 ? 0                                                                               \
		 : ((array)->items = array_reserve((arena), (array)->items, &(array)->capacity,    \
						   sizeof(*(array)->items)),                       \
		    0),                                                                            \
	 &(array)->items[(array)->num++])

/* Room for so many more items in an array that is still empty: filling it moves nothing. */
#define array_room(arena, array, num_items)                                                        \
	((array)->items = arena_alloc_array((arena), (num_items), sizeof(*(array)->items)),        \
	 (array)->capacity = (num_items))

void *array_reserve(struct arena *arena, void *items, uint32_t *capacity, size_t item_size);

#endif
