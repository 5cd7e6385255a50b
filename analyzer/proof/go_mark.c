#include "proof/go_mark.h"

enum { HEADER_SIZE = 8, PAGE = 4096 };

void go_marker_init(struct go_marker *marker, struct arena *arena, struct image *image,
		    const struct go_spans *spans, const struct go_heap_layout *layout,
		    bool keep_parents)
{
	*marker = (struct go_marker){.arena = arena, .spans = spans, .layout = layout};
	pages_init(&marker->pages, arena, image->dump);
	addresses_init(&marker->watched, arena);
	addresses_init(&marker->masked, arena);
	go_type_masks_init(&marker->types, arena, image, layout);
	marker->scans = go_scans_build(arena, image, spans, layout, &marker->num_objects);
	marker->marks = arena_alloc(arena, (size_t)(marker->num_objects / 8 + 1));
	if (keep_parents)
		marker->parents = arena_alloc_array(arena, (size_t)marker->num_objects,
						    sizeof(*marker->parents));
}

/* ---- Objects ------------------------------------------------------------------------------- */

bool go_marker_find(const struct go_marker *marker, uint64_t addr, struct go_object *ret)
{
	const struct go_span *span = go_spans_find(marker->spans, addr);
	if (span == NULL || span->state != GO_SPAN_IN_USE || addr >= span->limit)
		return false;
	uint32_t number = (uint32_t)(span - marker->spans->list.items);
	uint64_t index = span->size_class == 0 ? 0 : (addr - span->base) / span->element_size;
	if (index >= marker->scans[number].num_objects)
		return false;
	*ret = (struct go_object){number, (uint32_t)index};
	return true;
}

uint64_t go_marker_addr(const struct go_marker *marker, struct go_object object)
{
	const struct go_span *span = &marker->spans->list.items[object.span];
	return span->base + object.index * span->element_size;
}

static uint64_t number_of(const struct go_marker *marker, struct go_object object)
{
	return marker->scans[object.span].first_object + object.index;
}

bool go_marker_is_marked(const struct go_marker *marker, struct go_object object)
{
	uint64_t number = number_of(marker, object);
	return (marker->marks[number / 8] >> (number % 8) & 1) != 0;
}

uint64_t go_marker_parent(const struct go_marker *marker, struct go_object object)
{
	return marker->parents != NULL ? marker->parents[number_of(marker, object)] : 0;
}

void go_marker_mask(struct go_marker *marker, uint64_t addr)
{
	struct go_object object;
	if (!go_marker_find(marker, addr, &object))
		return;
	uint64_t number = number_of(marker, object);
	marker->marks[number / 8] |= (uint8_t)(1u << number % 8);
	marker->scans[object.span].masked = true;
	if (marker->parents != NULL)
		addresses_add(&marker->masked, go_marker_addr(marker, object), NULL);
}

bool go_marker_is_masked(const struct go_marker *marker, struct go_object object)
{
	return marker->scans[object.span].masked &&
	       addresses_find(&marker->masked, go_marker_addr(marker, object)) != UINT32_MAX;
}

void go_marker_watch(struct go_marker *marker, struct go_object object, uint32_t *ret)
{
	*ret = addresses_add(&marker->watched, go_marker_addr(marker, object), NULL);
	marker->scans[object.span].watched = true;
}

void go_marker_begin(struct go_marker *marker)
{
	marker->wakings = arena_alloc(marker->arena, sizeof(*marker->wakings));
	marker->wakings->items =
		arena_alloc_array(marker->arena, marker->watched.list.num, sizeof(uint32_t));
}

/* False: it was set before, by this one or another. */
static bool set_mark(const struct go_marker *marker, uint64_t number)
{
	uint8_t *byte = &marker->marks[number / 8], bit = (uint8_t)(1u << number % 8);
	if ((__atomic_load_n(byte, __ATOMIC_RELAXED) & bit) != 0)
		return false;
	if (marker->pool != NULL)
		return (__atomic_fetch_or(byte, bit, __ATOMIC_RELAXED) & bit) == 0;
	*byte |= bit;
	return true;
}

static void wake(const struct go_marker *marker, struct go_object object)
{
	uint32_t watched = addresses_find(&marker->watched, go_marker_addr(marker, object));
	if (watched != UINT32_MAX)
		marker->wakings->items[atomic_fetch_add_explicit(&marker->wakings->num, 1,
								 memory_order_relaxed)] = watched;
}

void go_marker_push(struct go_marker *marker, uint64_t piece)
{
	*array_add(marker->arena, &marker->queue) = piece;
}

void go_marker_pointer(struct go_marker *marker, uint64_t addr, uint64_t value)
{
	struct go_object object;
	if (value < marker->spans->low || value >= marker->spans->high ||
	    !go_marker_find(marker, value, &object))
		return;
	uint64_t number = number_of(marker, object);
	const struct go_scan *scan = &marker->scans[object.span];
	if (marker->note_touched && scan->masked)
		*array_add(marker->arena, &marker->touched) = go_marker_addr(marker, object);
	if (!set_mark(marker, number))
		return;
	marker->num_marked++;
	if (marker->parents != NULL)
		marker->parents[number] = addr;
	if (scan->watched)
		wake(marker, object);
	if (scan->how != GO_SCAN_NONE)
		go_marker_push(marker, (uint64_t)object.span << 32 | object.index);
}

/* ---- Looking into them --------------------------------------------------------------------- */

void go_marker_unreadable(struct go_marker *marker, uint64_t addr, uint64_t num)
{
	if (marker->num_unreadable == 0 || addr < marker->first_unreadable_addr)
		marker->first_unreadable_addr = addr;
	marker->num_unreadable += num;
}

void go_marker_words(struct go_marker *marker, uint64_t low, uint64_t high)
{
	uint64_t addr = (low + 7) & ~UINT64_C(7);
	high &= ~UINT64_C(7);
	while (addr < high && addr >= low) {
		size_t size;
		const unsigned char *bytes =
			pages_at(&marker->pages, addr, (size_t)(high - addr), &size);
		if (bytes == NULL || size < 8) {
			uint64_t next = (addr | (PAGE - 1)) + 1;
			if (next > high)
				next = high;
			go_marker_unreadable(marker, addr, (next - addr) / 8);
			addr = next;
			continue;
		}
		size &= ~(size_t)7;
		for (size_t off = 0; off < size; off += 8) {
			uint64_t value;
			memcpy(&value, bytes + off, sizeof(value));
			go_marker_pointer(marker, addr + off, value);
		}
		marker->scanned_size += size;
		addr += size;
	}
}

static void scan_word(struct go_marker *marker, uint64_t addr)
{
	size_t size;
	uint64_t value;
	const unsigned char *bytes = pages_at(&marker->pages, addr, sizeof(value), &size);
	if (bytes == NULL || size < sizeof(value)) {
		go_marker_unreadable(marker, addr, 1);
		return;
	}
	memcpy(&value, bytes, sizeof(value));
	go_marker_pointer(marker, addr, value);
}

/* Only the words with a bit. */
static void scan_bitmap(struct go_marker *marker, const struct go_span *span,
			const struct go_scan *scan, uint64_t addr)
{
	uint64_t first = (addr - span->base) / 8, num = span->element_size / 8;
	uint8_t bits[GO_SCAN_SMALL_SIZE / 64 + 2];
	size_t size = (size_t)((first + num + 7) / 8 - first / 8);
	if (size > sizeof(bits) ||
	    !pages_read(&marker->pages, scan->bitmap_addr + first / 8, bits, size)) {
		go_marker_unreadable(marker, addr, num);
		return;
	}
	for (uint64_t i = 0; i < num; i++) {
		uint64_t bit = first % 8 + i;
		if (bits[bit / 8] == 0)
			i += 7 - bit % 8;
		else if ((bits[bit / 8] >> (bit % 8) & 1) != 0)
			scan_word(marker, addr + 8 * i);
	}
	marker->scanned_size += span->element_size;
}

/* Values of that type, one behind the other, fill [low, high). */
static void scan_type(struct go_marker *marker, uint64_t type_addr, uint64_t low, uint64_t high)
{
	const struct go_type_mask *mask =
		type_addr != 0 ? go_type_masks_at(&marker->types, type_addr) : NULL;
	if (mask == NULL || !mask->valid || (mask->words == NULL && mask->num_words > 0)) {
		go_marker_words(marker, low, high);
		return;
	}
	const struct go_type_mask kept = *mask;
	if (kept.num_words == 0)
		return;
	for (uint64_t addr = low; addr < high && high - addr >= kept.num_words * 8;
	     addr += kept.size) {
		for (uint64_t i = 0; i < kept.num_words; i++) {
			if (kept.words[i / 8] == 0)
				i |= 7;
			else if ((kept.words[i / 8] >> (i % 8) & 1) != 0)
				scan_word(marker, addr + 8 * i);
		}
		if (high - addr <= kept.size)
			break;
	}
	marker->scanned_size += high - low;
}

void go_marker_scan(struct go_marker *marker, struct go_object object)
{
	const struct go_span *span = &marker->spans->list.items[object.span];
	const struct go_scan *scan = &marker->scans[object.span];
	uint64_t addr = go_marker_addr(marker, object), type_addr = 0;
	size_t size;
	switch (scan->how) {
	case GO_SCAN_NONE:
		break;
	case GO_SCAN_ALL:
		go_marker_words(marker, addr,
				span->size_class == 0 ? span->limit : addr + span->element_size);
		break;
	case GO_SCAN_BITMAP:
		scan_bitmap(marker, span, scan, addr);
		break;
	case GO_SCAN_HEADER: {
		const unsigned char *bytes = pages_at(&marker->pages, addr, HEADER_SIZE, &size);
		if (bytes != NULL && size == HEADER_SIZE)
			memcpy(&type_addr, bytes, sizeof(type_addr));
		scan_type(marker, type_addr, addr + HEADER_SIZE, addr + span->element_size);
		break;
	}
	case GO_SCAN_TYPE:
		scan_type(marker, scan->type_addr, addr, span->limit);
		break;
	}
}

/* ---- The queue ----------------------------------------------------------------------------- */

bool go_marker_drain(struct go_marker *marker, uint32_t max_objects)
{
	for (uint32_t i = 0; i < max_objects && marker->queue.num > 0; i++) {
		if (work_pool_wants(marker->pool, marker->queue.num))
			marker->queue.num = work_pool_share(marker->pool, marker->queue.items,
							    marker->queue.num);
		uint64_t piece = marker->queue.items[--marker->queue.num];
		go_marker_scan(marker,
			       (struct go_object){(uint32_t)(piece >> 32), (uint32_t)piece});
	}
	return marker->queue.num > 0;
}

/* ---- Side by side -------------------------------------------------------------------------- */

void go_marker_init_beside(struct go_marker *ret, const struct go_marker *marker,
			   struct arena *arena, struct image *image, struct work_pool *pool)
{
	*ret = *marker;
	ret->arena = arena;
	ret->pool = pool;
	ret->queue.items = NULL;
	ret->queue.num = ret->queue.capacity = 0;
	ret->num_marked = ret->scanned_size = ret->num_unreadable = 0;
	pages_init(&ret->pages, arena, image->dump);
	go_type_masks_init(&ret->types, arena, image, marker->layout);
}

void go_marker_add_counts(struct go_marker *marker, const struct go_marker *beside)
{
	marker->num_marked += beside->num_marked;
	marker->scanned_size += beside->scanned_size;
	if (beside->num_unreadable > 0)
		go_marker_unreadable(marker, beside->first_unreadable_addr, beside->num_unreadable);
}

bool go_marker_help(struct go_marker *marker)
{
	uint64_t pieces[WORK_POOL_MAX_PIECES];
	uint32_t num;
	if (!work_pool_take(marker->pool, pieces, &num))
		return false;
	for (uint32_t i = 0; i < num; i++)
		go_marker_push(marker, pieces[i]);
	return true;
}
