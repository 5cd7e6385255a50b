#include "base/ranges.h"

#include <stdlib.h>

static int range_compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	return (x->low > y->low) - (x->low < y->low);
}

/* The first that ends behind addr. */
static uint32_t ranges_from(const struct ranges *ranges, uint64_t addr)
{
	uint32_t low = 0, high = ranges->num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ranges->items[middle].high <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ranges_touch(const struct ranges *ranges, struct range range)
{
	uint32_t i = ranges_from(ranges, range.low);
	return i < ranges->num && ranges->items[i].low < range.high;
}

bool ranges_next_gap(const struct ranges *ranges, uint64_t *from, uint64_t high, struct range *ret)
{
	uint32_t i = ranges_from(ranges, *from);
	for (; i < ranges->num && ranges->items[i].low <= *from; i++)
		if (ranges->items[i].high > *from)
			*from = ranges->items[i].high;
	if (*from >= high)
		return false;
	*ret = (struct range){*from, high};
	if (i < ranges->num && ranges->items[i].low < high)
		ret->high = ranges->items[i].low;
	*from = ret->high;
	return true;
}

void ranges_join(struct ranges *ranges)
{
	uint32_t num = 0;
	if (ranges->num > 1)
		qsort(ranges->items, ranges->num, sizeof(*ranges->items), range_compare);
	for (uint32_t i = 0; i < ranges->num; i++) {
		struct range range = ranges->items[i];
		if (num > 0 && range.low < ranges->items[num - 1].high) {
			if (range.high > ranges->items[num - 1].high)
				ranges->items[num - 1].high = range.high;
		} else {
			ranges->items[num++] = range;
		}
	}
	ranges->num = num;
}
