#include "core/resident.h"

#include <stdlib.h>
#include <unistd.h>

enum { PAGE = 4096, READ_SIZE = 256 * 1024, MAX_PIECES_EACH = 8 };

/* Read of a file whose holes do not tell; more would take longer than all the rest of the analysis.
 */
static const uint64_t max_counted_size = UINT64_C(1) << 30;

/* A part of a range that one segment holds, as a part of the file. */
struct piece {
	uint64_t off, end;
	uint32_t range;
};

struct pieces {
	struct piece *items;
	uint32_t num, capacity;
	bool by_page; /* pages of memory are pages of the file: then its holes are theirs */
};

static int piece_compare(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return (x->range > y->range) - (x->range < y->range);
}

/* False: some of it was dumped, but is cut off the file. */
static bool pieces_add(struct pieces *pieces, struct arena *arena, const struct dump *dump,
		       struct range range, uint32_t index)
{
	uint64_t addr = range.low;
	for (uint32_t i = 0; i < MAX_PIECES_EACH && addr < range.high; i++) {
		const struct segment *segment = dump_find_segment(dump, addr);
		if (segment == NULL)
			break;
		uint64_t into = addr - segment->range.low;
		uint64_t high = range.high < segment->range.high ? range.high : segment->range.high;
		uint64_t end = high - segment->range.low;
		if (end > segment->dumped_size)
			end = segment->dumped_size;
		if (end > segment->file_size && end > into)
			return false;
		pieces->by_page &= (segment->file_off - segment->range.low) % PAGE == 0;
		if (end > into)
			*array_add(arena, pieces) = (struct piece){segment->file_off + into,
								   segment->file_off + end, index};
		addr = high;
	}
	return true;
}

/* Adds up the data between the file's holes. False: nothing tells where holes are. */
static bool sum_extents(const struct dump *dump, const struct pieces *pieces, uint64_t *sizes,
			bool *has_holes_ret)
{
	/* The last answer: what begins at asked is a hole up to data, then data up to hole. */
	uint64_t asked = 0, data = 0, hole = 0;
	bool has_holes = false;
	for (uint32_t i = 0; i < pieces->num; i++) {
		const struct piece *piece = &pieces->items[i];
		uint64_t off = piece->off;
		while (off < piece->end) {
			if (off < asked || off >= hole) {
				asked = off;
				off_t found = lseek(dump->fd, (off_t)off, SEEK_DATA);
				data = found >= 0 ? (uint64_t)found : dump->size;
				found = found >= 0 ? lseek(dump->fd, found, SEEK_HOLE) : 0;
				hole = data < dump->size ? (uint64_t)found : UINT64_MAX;
				if (found < 0 || hole <= off)
					return false;
			}
			if (data > off) {
				has_holes = true;
				off = data;
				continue;
			}
			uint64_t end = hole < piece->end ? hole : piece->end;
			sizes[piece->range] += end - off;
			off = end;
		}
	}
	*has_holes_ret = has_holes;
	return true;
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* Counts the pages that are not all zeros; reads none that lies in a hole. False: too many. */
static bool sum_pages(const struct dump *dump, const struct pieces *pieces, unsigned char *buffer,
		      uint64_t *sizes)
{
	uint64_t total = 0;
	for (uint32_t i = 0; i < pieces->num; i++) {
		const struct piece *piece = &pieces->items[i];
		for (uint64_t off = piece->off; off < piece->end;) {
			off_t data = lseek(dump->fd, (off_t)off, SEEK_DATA);
			if (data < 0 || (uint64_t)data >= piece->end)
				break;
			off += ((uint64_t)data - off) / PAGE * PAGE;
			size_t want = piece->end - off < READ_SIZE ? (size_t)(piece->end - off)
								   : READ_SIZE;
			size_t got = dump_pread(dump, off, buffer, want);
			total += got;
			for (size_t at = 0; at < got; at += PAGE) {
				size_t size = got - at < PAGE ? got - at : PAGE;
				if (!is_zero(buffer + at, size))
					sizes[piece->range] += size;
			}
			if (got < want || total > max_counted_size)
				return false;
			off += got;
		}
	}
	return true;
}

void resident_sizes(struct arena *arena, const struct dump *dump, const struct range *ranges,
		    uint32_t num_ranges, uint64_t *sizes_ret)
{
	struct pieces pieces = {.by_page = true};
	bool has_holes, *cut = arena_alloc_array(arena, num_ranges, sizeof(*cut));
	size_t size = num_ranges * sizeof(*sizes_ret);
	if (num_ranges == 0)
		return;
	for (uint32_t i = 0; i < num_ranges; i++)
		cut[i] = !pieces_add(&pieces, arena, dump, ranges[i], i);
	if (pieces.num > 0)
		qsort(pieces.items, pieces.num, sizeof(*pieces.items), piece_compare);
	memset(sizes_ret, 0, size);
	if (!pieces.by_page || !sum_extents(dump, &pieces, sizes_ret, &has_holes) || !has_holes) {
		memset(sizes_ret, 0, size);
		if (!sum_pages(dump, &pieces, arena_alloc(arena, READ_SIZE), sizes_ret))
			memset(sizes_ret, 0xff, size);
	}
	for (uint32_t i = 0; i < num_ranges; i++)
		if (cut[i])
			sizes_ret[i] = UINT64_MAX;
}
