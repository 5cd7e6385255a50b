#include "task/go_ancestors.h"

enum { MAX_ANCESTORS = 256, MAX_BELIEVED = 1 << 20 };

/* ancestorInfo of runtime/runtime2.go, the same from Go 1.19 to 1.27. */
struct ancestor_info {
	uint64_t pcs[3]; /* a slice: the stack that it had then */
	uint64_t goid, gopc;
};

struct go_ancestor_list go_ancestors_read(struct arena *arena, struct image *image, uint64_t addr)
{
	struct go_ancestor_list result = {0};
	struct ancestor_info infos[MAX_ANCESTORS];
	uint64_t slice[3];
	if (addr == 0 || (addr & 7) != 0 ||
	    image_read(image, addr, slice, sizeof(slice)) != sizeof(slice) || slice[1] == 0 ||
	    slice[1] > slice[2] || slice[1] > MAX_BELIEVED || (slice[0] & 7) != 0)
		return result;
	size_t wanted = slice[1] < MAX_ANCESTORS ? (size_t)slice[1] : MAX_ANCESTORS;
	size_t num = image_read(image, slice[0], infos, wanted * sizeof(*infos)) / sizeof(*infos);
	struct go_ancestor *items = arena_alloc_array(arena, num, sizeof(*items));
	/* Goroutines have numbers from 1 on: anything else is no list of ancestors. */
	while (result.num < num && infos[result.num].goid - 1 < INT64_MAX) {
		const struct ancestor_info *info = &infos[result.num];
		items[result.num++] = (struct go_ancestor){.id = info->goid, .gopc = info->gopc};
	}
	result.items = items;
	result.num_more = (uint32_t)slice[1] - result.num;
	return result;
}
