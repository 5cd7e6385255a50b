#include "core/pages.h"

enum {
	PAGE_BITS = 14, /* eight goroutines' stacks */
	PAGE_SIZE_ = 1 << PAGE_BITS,
	NUM_PLACES = 1 << 11, /* 32 MiB */
};

struct page {
	uint64_t addr;	    /* of its first byte; UINT64_MAX: empty */
	uint32_t low, high; /* bytes [low, high) of it were read */
};

void pages_init(struct pages *pages, struct arena *arena, const struct dump *dump)
{
	*pages = (struct pages){.dump = dump};
	if (dump->map != NULL)
		return;
	*pages = (struct pages){
		.dump = dump,
		.places = arena_alloc_array(arena, NUM_PLACES, sizeof(struct page)),
		.bytes = arena_alloc_array(arena, NUM_PLACES, PAGE_SIZE_),
	};
	for (uint32_t i = 0; i < NUM_PLACES; i++)
		pages->places[i].addr = UINT64_MAX;
}

/* Reads as much of the page as lies in addr's segment. */
static bool fill(struct pages *pages, struct page *page, unsigned char *bytes, uint64_t addr)
{
	uint64_t start = addr & ~(uint64_t)(PAGE_SIZE_ - 1);
	const struct segment *segment = dump_find_segment(pages->dump, addr);
	page->addr = UINT64_MAX;
	if (segment == NULL || addr - segment->range.low >= segment->file_size)
		return false;
	uint64_t low = start > segment->range.low ? start : segment->range.low;
	size_t want = PAGE_SIZE_ - (size_t)(low - start);
	size_t got = dump_read(pages->dump, low, bytes + (low - start), want);
	pages->num_misses++;
	page->low = (uint32_t)(low - start);
	page->high = page->low + (uint32_t)got;
	if (addr - start >= page->high)
		return false;
	page->addr = start;
	return true;
}

/* Bytes of a core that is mapped, in place. */
static const unsigned char *mapped_at(struct pages *pages, uint64_t addr, size_t max_size,
				      size_t *size_ret)
{
	const struct segment *segment = pages->segment;
	if (segment == NULL || addr - segment->range.low >= segment->file_size) {
		segment = dump_find_segment(pages->dump, addr);
		if (segment == NULL || addr - segment->range.low >= segment->file_size)
			return NULL;
		pages->segment = segment;
	}
	uint64_t into = addr - segment->range.low, left = segment->file_size - into;
	*size_ret = left < max_size ? (size_t)left : max_size;
	return pages->dump->map + segment->file_off + into;
}

const unsigned char *pages_at(struct pages *pages, uint64_t addr, size_t max_size, size_t *size_ret)
{
	if (pages->dump->map != NULL)
		return mapped_at(pages, addr, max_size, size_ret);
	uint64_t number = addr >> PAGE_BITS;
	/* Stacks and objects lie far apart: their pages must not share places by distance alone. */
	uint32_t place = (uint32_t)(number ^ number >> 11 ^ number >> 22) & (NUM_PLACES - 1);
	struct page *page = &pages->places[place];
	unsigned char *bytes = pages->bytes + (size_t)place * PAGE_SIZE_;
	uint32_t into = (uint32_t)(addr & (PAGE_SIZE_ - 1));
	bool there = page->addr == addr - into && into >= page->low && into < page->high;
	if (!there && !fill(pages, page, bytes, addr))
		return NULL;
	size_t left = page->high - into;
	*size_ret = left < max_size ? left : max_size;
	return bytes + into;
}

bool pages_read(struct pages *pages, uint64_t addr, void *buffer, size_t size)
{
	size_t done = 0;
	while (done < size) {
		size_t part;
		if (addr > UINT64_MAX - done)
			return false;
		const unsigned char *bytes = pages_at(pages, addr + done, size - done, &part);
		if (bytes == NULL)
			return false;
		memcpy((char *)buffer + done, bytes, part);
		done += part;
	}
	return true;
}

void pages_prefetch(const struct pages *pages, uint64_t addr, uint64_t size)
{
	const struct segment *segment = pages->segment;
	if (segment == NULL)
		return;
	uint64_t into = addr - segment->range.low;
	if (into >= segment->file_size || size > segment->file_size - into)
		return;
	for (uint64_t off = 0; off < size; off += 64)
		__builtin_prefetch(pages->dump->map + segment->file_off + into + off);
}
