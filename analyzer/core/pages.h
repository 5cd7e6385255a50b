/* pages.h - the dump's memory for a reader that jumps about in gigabytes of it: a cache of pages
 * in which each has one place, or the mapped core itself (dump_map()). Holds what was dumped, and
 * nothing of mapped files.
 *
 * One a thread of ours: reading the dump itself is safe from several. */
#ifndef CORELEAKS_CORE_PAGES_H
#define CORELEAKS_CORE_PAGES_H

#include "core/dump.h"

struct page; /* what a place holds */

struct pages {
	const struct dump *dump;
	const struct segment *segment; /* of a mapped core: the last that was read */
	struct page *places;	       /* NULL: it is mapped */
	unsigned char *bytes;
	uint64_t num_misses; /* system calls */
};

void pages_init(struct pages *pages, struct arena *arena, const struct dump *dump);
/* The bytes at addr, *size_ret (at most max_size) of them, valid until the next call; NULL when the
 * dump does not hold the first. */
const unsigned char *pages_at(struct pages *pages, uint64_t addr, size_t max_size,
			      size_t *size_ret);
/* As image_prefetch(). */
void pages_prefetch(const struct pages *pages, uint64_t addr, uint64_t size);
bool pages_read(struct pages *pages, uint64_t addr, void *buffer, size_t size);

#endif
