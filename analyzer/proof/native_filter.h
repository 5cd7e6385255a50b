/* native_filter.h - tells quickly of 16 bytes that no word which begins in them leads to memory
 * that matters: so are most, and a heap is looked through at the speed of memory.
 *
 * The sixth byte of an address has few values, of which 0 is common in all else: with heaps below
 * 1 << 40 it tells little. Says "maybe" too often, and "no" never wrongly. */
#ifndef CORELEAKS_PROOF_NATIVE_FILTER_H
#define CORELEAKS_PROOF_NATIVE_FILTER_H

#include "base/range.h"

enum {
	NATIVE_FILTER_MAX = 4,	     /* values of the sixth byte */
	NATIVE_FILTER_SIZE = 16,     /* bytes in which words begin */
	NATIVE_FILTER_LOOKS_AT = 23, /* bytes: so far the last of these words reaches */
	NATIVE_FILTER_COUNTER = 2,   /* bytes: of a counter that a word may have below an address */
};

typedef uint8_t native_filter_bytes __attribute__((vector_size(NATIVE_FILTER_SIZE)));
typedef uint32_t native_filter_halves __attribute__((vector_size(NATIVE_FILTER_SIZE)));
typedef uint64_t native_filter_words __attribute__((vector_size(NATIVE_FILTER_SIZE)));

struct native_filter {
	bool useless;	     /* there are more values: maybe, always */
	bool every_byte;     /* words may begin anywhere, or be encoded; else at multiples of 8 */
	uint32_t num_values; /* at least 2, of which some may be the same */
	native_filter_bytes sixth[NATIVE_FILTER_MAX];
	native_filter_halves encoded[NATIVE_FILTER_MAX]; /* bits of an encoded word … */
	native_filter_halves encoded_mask;		 /* … among these */
	native_filter_bytes aligned; /* all ones where an address of a word begins, tagged or not */
};

/* Ranges of addresses that matter, of 48 bits. With every_byte also those in the upper 48 bits of a
 * word, above a counter. Encoded is a word as glibc's PTR_MANGLE does: xor
 * guard, then turned left by shift. */
void native_filter_init(struct native_filter *filter, const struct range *ranges, uint32_t num,
			bool every_byte, uint64_t guard, uint32_t shift);

static inline native_filter_bytes native_filter_load(const unsigned char *bytes)
{
	native_filter_bytes ret;
	memcpy(&ret, bytes, sizeof(ret));
	return ret;
}

static inline bool native_filter_any(native_filter_bytes bytes)
{
	const native_filter_words words = (native_filter_words)bytes;
	return (words[0] | words[1]) != 0;
}

/* NATIVE_FILTER_LOOKS_AT bytes are there. */
static inline bool native_filter_maybe(const struct native_filter *filter,
				       const unsigned char *bytes)
{
	const native_filter_bytes none = {0}, sixth = native_filter_load(bytes + 5);
	const native_filter_halves halves =
		(native_filter_halves)native_filter_load(bytes) & filter->encoded_mask;
	native_filter_bytes found = (native_filter_bytes)(sixth == filter->sixth[0]) |
				    (native_filter_bytes)(sixth == filter->sixth[1]);
	native_filter_halves encoded = (native_filter_halves)(halves == filter->encoded[0]) |
				       (native_filter_halves)(halves == filter->encoded[1]);
	for (uint32_t i = 2; i < filter->num_values; i++) {
		found |= (native_filter_bytes)(sixth == filter->sixth[i]);
		encoded |= (native_filter_halves)(halves == filter->encoded[i]);
	}
	if (__builtin_expect(!native_filter_any(found | (native_filter_bytes)encoded), 1))
		return filter->useless;
	if (!filter->every_byte)
		return filter->useless || native_filter_any(found & filter->aligned);
	/* The two upper bytes of an address are 0, unless it has a tag. */
	const native_filter_bytes plain =
		((native_filter_bytes)(native_filter_load(bytes + 6) == none) &
		 (native_filter_bytes)(native_filter_load(bytes + 7) == none)) |
		filter->aligned;
	const native_filter_halves other = __builtin_shufflevector(encoded, encoded, 1, 0, 3, 2);
	return filter->useless ||
	       native_filter_any((found & plain) | (native_filter_bytes)(encoded & other));
}

#endif
