#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SMALL_BLOCK = 256 * 1024, LARGE_ALLOCATION = 32 * 1024 };

struct arena_block {
	struct arena_block *newer, *older;
	size_t size; /* of data */
	_Alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, uint64_t max_size)
{
	*arena = (struct arena){.max_size = max_size};
}

void arena_deinit(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks; block != NULL;) {
		struct arena_block *older = block->older;
		free(block);
		block = older;
	}
	*arena = (struct arena){0};
}

void arena_exhausted(struct arena *arena)
{
	if (arena->trap == NULL)
		abort();
	longjmp(*arena->trap, 1);
}

static void arena_link(struct arena *arena, struct arena_block *block)
{
	block->newer = NULL;
	block->older = arena->blocks;
	if (arena->blocks != NULL)
		arena->blocks->newer = block;
	arena->blocks = block;
}

void arena_charge(struct arena *arena, uint64_t size)
{
	if (arena->max_size != 0 && size > arena->max_size - arena->used_size)
		arena_exhausted(arena);
	arena->used_size += size;
}

static struct arena_block *arena_add_block(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		arena_exhausted(arena);
	arena_charge(arena, size);
	struct arena_block *block = calloc(1, sizeof(*block) + size);
	if (block == NULL)
		arena_exhausted(arena);
	block->size = size;
	arena_link(arena, block);
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size >= LARGE_ALLOCATION)
		return arena_add_block(arena, size)->data;
	size = size == 0 ? 16 : (size + 15) & ~(size_t)15;
	if ((size_t)(arena->end - arena->next) < size) {
		struct arena_block *block = arena_add_block(arena, SMALL_BLOCK);
		arena->next = block->data;
		arena->end = block->data + block->size;
	}
	void *memory = arena->next;
	arena->next += size;
	return memory;
}

void *arena_alloc_array(struct arena *arena, size_t num, size_t item_size)
{
	size_t size;
	if (__builtin_mul_overflow(num, item_size, &size))
		arena_exhausted(arena);
	return arena_alloc(arena, size);
}

void arena_expect(void *memory, size_t size)
{
#ifdef MADV_POPULATE_WRITE
	enum { PAGE = 4096 };
	uintptr_t low = ((uintptr_t)memory + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uintptr_t high = ((uintptr_t)memory + size) & ~(uintptr_t)(PAGE - 1);
	/* An older kernel does not know it, and nothing depends on it. */
	if (low < high)
		madvise((void *)low, high - low, MADV_POPULATE_WRITE);
#else
	(void)memory;
	(void)size;
#endif
}

void *arena_alloc_full(struct arena *arena, size_t num, size_t item_size)
{
	void *memory = arena_alloc_array(arena, num, item_size);
	if (num * item_size >= LARGE_ALLOCATION)
		arena_expect(memory, num * item_size);
	return memory;
}

void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size)
{
	if (old == NULL || old_size < LARGE_ALLOCATION || new_size <= old_size) {
		void *memory = arena_alloc(arena, new_size);
		if (old != NULL)
			memcpy(memory, old, old_size < new_size ? old_size : new_size);
		return memory;
	}
	if (new_size > SIZE_MAX / 2)
		arena_exhausted(arena);
	/* A large allocation is a block of its own, so it can move by itself. */
	arena_charge(arena, new_size - old_size);
	struct arena_block *block =
		(struct arena_block *)(void *)((char *)old - offsetof(struct arena_block, data));
	struct arena_block *moved = realloc(block, sizeof(*block) + new_size);
	if (moved == NULL)
		arena_exhausted(arena);
	moved->size = new_size;
	memset(moved->data + old_size, 0, new_size - old_size);
	if (moved->newer != NULL)
		moved->newer->older = moved;
	else
		arena->blocks = moved;
	if (moved->older != NULL)
		moved->older->newer = moved;
	return moved->data;
}

void arena_drop(struct arena *arena, void *memory, size_t size)
{
	if (memory == NULL || size < LARGE_ALLOCATION)
		return;
	struct arena_block *block =
		(struct arena_block *)(void *)((char *)memory - offsetof(struct arena_block, data));
	if (block->newer != NULL)
		block->newer->older = block->older;
	else
		arena->blocks = block->older;
	if (block->older != NULL)
		block->older->newer = block->newer;
	arena->used_size -= block->size;
	free(block);
}

void *array_reserve(struct arena *arena, void *items, uint32_t *capacity, size_t item_size)
{
	if (*capacity > UINT32_MAX / 2)
		arena_exhausted(arena);
	uint32_t larger = *capacity == 0 ? 8 : *capacity * 2;
	size_t new_size;
	if (__builtin_mul_overflow((size_t)larger, item_size, &new_size))
		arena_exhausted(arena);
	items = arena_grow(arena, items, *capacity * item_size, new_size);
	*capacity = larger;
	return items;
}

char *arena_copy_bytes(struct arena *arena, const void *bytes, size_t size)
{
	if (size == SIZE_MAX)
		arena_exhausted(arena);
	char *copy = arena_alloc(arena, size + 1);
	if (size > 0)
		memcpy(copy, bytes, size);
	return copy;
}

char *arena_copy_text(struct arena *arena, const char *text)
{
	return arena_copy_bytes(arena, text, strlen(text));
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = arena_alloc(arena, (length < 0 ? 0 : (size_t)length) + 1);
	if (length > 0)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}
