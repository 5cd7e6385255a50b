/* resident.h - how much of a piece of memory was really there when the core was written.
 *
 * In: ranges of addresses. Out: bytes of each. The kernel writes no page that was never touched:
 * a hole in the file stands for it. In a file without holes, or where they do not tell (gcore's,
 * copies), a page counts when it is not all zeros. */
#ifndef CORELEAKS_CORE_RESIDENT_H
#define CORELEAKS_CORE_RESIDENT_H

#include "core/dump.h"

/* sizes_ret[i]: of ranges[i]; UINT64_MAX unknown. Empty ranges are allowed. */
void resident_sizes(struct arena *arena, const struct dump *dump, const struct range *ranges,
		    uint32_t num_ranges, uint64_t *sizes_ret);

#endif
