#include "base/intern.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t intern_hash(const void *bytes, size_t size)
{
	return XXH3_64bits(bytes, size);
}

void intern_init(struct intern *intern, struct arena *arena)
{
	*intern = (struct intern){.arena = arena};
}

/* The slot that holds the key, or the empty one where it belongs. */
static uint32_t intern_slot(const struct intern *intern, const void *bytes, size_t size,
			    uint64_t hash)
{
	uint32_t mask = intern->num_slots - 1;
	uint32_t slot = (uint32_t)hash & mask;
	while (intern->slots[slot] != 0) {
		const struct intern_key *key = &intern->keys.items[intern->slots[slot] - 1];
		if (key->hash == hash && key->size == size &&
		    (size == 0 || memcmp(key->bytes, bytes, size) == 0))
			return slot;
		slot = (slot + 1) & mask;
	}
	return slot;
}

static void intern_make_room(struct intern *intern)
{
	if (intern->num_slots != 0 && intern->keys.num < intern->num_slots / 2)
		return;
	uint32_t num_slots = intern->num_slots == 0 ? 64 : intern->num_slots * 2;
	uint32_t *slots = arena_alloc_array(intern->arena, num_slots, sizeof(*slots));
	for (uint32_t id = 0; id < intern->keys.num; id++) {
		uint32_t slot = (uint32_t)intern->keys.items[id].hash & (num_slots - 1);
		while (slots[slot] != 0)
			slot = (slot + 1) & (num_slots - 1);
		slots[slot] = id + 1;
	}
	intern->slots = slots;
	intern->num_slots = num_slots;
}

uint32_t intern_find(const struct intern *intern, const void *bytes, size_t size)
{
	if (intern->num_slots == 0)
		return UINT32_MAX;
	return intern->slots[intern_slot(intern, bytes, size, intern_hash(bytes, size))] - 1;
}

uint32_t intern_add(struct intern *intern, const void *bytes, size_t size, bool *new_ret)
{
	intern_make_room(intern);
	uint64_t hash = intern_hash(bytes, size);
	uint32_t slot = intern_slot(intern, bytes, size, hash);
	bool is_new = intern->slots[slot] == 0;
	if (is_new) {
		struct intern_key key = {
			.bytes = arena_copy_bytes(intern->arena, bytes, size),
			.size = size,
			.hash = hash,
		};
		*array_add(intern->arena, &intern->keys) = key;
		intern->slots[slot] = intern->keys.num;
	}
	if (new_ret != NULL)
		*new_ret = is_new;
	return intern->slots[slot] - 1;
}

uint32_t intern_add_text(struct intern *intern, const char *text)
{
	return intern_add(intern, text, strlen(text), NULL);
}

const char *intern_text(const struct intern *intern, uint32_t id)
{
	return intern->keys.items[id].bytes;
}

const char *intern_copy(struct intern *intern, const char *text)
{
	return intern_text(intern, intern_add_text(intern, text));
}
