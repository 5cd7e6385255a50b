/* go_type_masks.h - which words of a Go type's values hold pointers: each type's mask once.
 *
 * Of a type without a ready mask it is put together from those of its fields or elements. */
#ifndef CORELEAKS_PROOF_GO_TYPE_MASKS_H
#define CORELEAKS_PROOF_GO_TYPE_MASKS_H

#include "base/intern.h"
#include "core/image.h"
#include "task/go_heap_layout.h"

struct go_type_mask {
	uint64_t size;	      /* of a value; masks repeat every so many bytes */
	uint64_t num_words;   /* up to the end of the last pointer */
	const uint8_t *words; /* bit n: word n is a pointer; NULL: not known, any may be */
	bool valid;	      /* it looks like a type at all */
};

struct go_type_masks {
	struct arena *arena;
	struct image *image;
	const struct go_heap_layout *layout;
	struct intern addrs; /* of types -> index of masks */
	struct {
		struct go_type_mask *items;
		uint32_t num, capacity;
	} masks;
	uint64_t last_addr; /* the type asked for last, and its index */
	uint32_t last;
};

void go_type_masks_init(struct go_type_masks *types, struct arena *arena, struct image *image,
			const struct go_heap_layout *layout);
/* The mask of the type at addr; lives until the next call. */
const struct go_type_mask *go_type_masks_at(struct go_type_masks *types, uint64_t addr);

#endif
