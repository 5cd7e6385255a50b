/* range.h - half-open ranges [low, high) of target addresses, and reads that cannot overrun. */
#ifndef CORELEAKS_BASE_RANGE_H
#define CORELEAKS_BASE_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range {
	uint64_t low, high;
};

static inline bool range_contains(struct range range, uint64_t addr)
{
	return addr >= range.low && addr < range.high;
}

/* [start, start+size); the end is cut at the top of the address space. */
static inline struct range range_from_size(uint64_t start, uint64_t size)
{
	uint64_t high;
	if (__builtin_add_overflow(start, size, &high))
		high = UINT64_MAX;
	return (struct range){start, high};
}

/* The sum of sizes, at most UINT64_MAX. */
static inline uint64_t size_sum(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Host bytes with their size. */
struct bytes {
	const unsigned char *data;
	size_t size;
};

static inline bool bytes_read(struct bytes bytes, uint64_t off, void *ret, size_t size)
{
	if (off > bytes.size || size > bytes.size - off)
		return false;
	memcpy(ret, bytes.data + off, size);
	return true;
}

#endif
