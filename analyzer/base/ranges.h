/* ranges.h - a set of address ranges, and what lies between them. */
#ifndef CORELEAKS_BASE_RANGES_H
#define CORELEAKS_BASE_RANGES_H

#include "base/arena.h"
#include "base/range.h"

struct ranges {
	struct range *items; /* after ranges_join(): by ascending address, apart from each other */
	uint32_t num, capacity;
};

/* Sorts them and joins what overlaps. The functions below want that. */
void ranges_join(struct ranges *ranges);
/* Does any of them reach into this one? */
bool ranges_touch(const struct ranges *ranges, struct range range);
/* The next part of [*from, high) that none covers; moves *from behind it. False: there is none. */
bool ranges_next_gap(const struct ranges *ranges, uint64_t *from, uint64_t high, struct range *ret);

#endif
