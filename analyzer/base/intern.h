/* intern.h - gives equal byte strings the same small number: 0, 1, 2 … in order of arrival. */
#ifndef CORELEAKS_BASE_INTERN_H
#define CORELEAKS_BASE_INTERN_H

#include "base/arena.h"

#include <stdbool.h>

struct intern_key {
	const void *bytes; /* copied into the arena */
	size_t size;
	uint64_t hash;
};

struct intern {
	struct arena *arena;
	struct {
		struct intern_key *items;
		uint32_t num, capacity;
	} keys;
	uint32_t *slots; /* open addressing; 0 empty, else id + 1 */
	uint32_t num_slots;
};

void intern_init(struct intern *intern, struct arena *arena);
/* The id of these bytes; *new_ret (may be NULL) tells whether they were seen for the first time. */
uint32_t intern_add(struct intern *intern, const void *bytes, size_t size, bool *new_ret);
/* The id, or UINT32_MAX when never added. */
uint32_t intern_find(const struct intern *intern, const void *bytes, size_t size);
/* The same for text; the copy kept is NUL-terminated. */
uint32_t intern_add_text(struct intern *intern, const char *text);
const char *intern_text(const struct intern *intern, uint32_t id);
/* Adds the text and gives the copy kept: one pointer per distinct text. */
const char *intern_copy(struct intern *intern, const char *text);

/* 64-bit hash, the same on every host and in every version (XXH3). */
uint64_t intern_hash(const void *bytes, size_t size);

#endif
