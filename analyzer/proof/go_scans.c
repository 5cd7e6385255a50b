#include "proof/go_scans.h"

enum {
	INLINE_MARKS_SIZE = 128, /* at the end of a span of them (1.26 on, mgcmark_greenteagc.go) */
	INLINE_MARKS_MIN = 16,	 /* smallest object of such a span */
};

/* How many bits a span's words need, in bytes. */
static uint64_t bitmap_size(const struct go_span *span)
{
	return (span->pages_high - span->base) / 64;
}

static bool may_hold_marks(const struct go_span *span)
{
	return span->pages_high - span->base == GO_PAGE_SIZE &&
	       span->element_size >= INLINE_MARKS_MIN && span->element_size <= GO_SCAN_SMALL_SIZE &&
	       !span->noscan;
}

/* How many objects fit before the bitmap, and before marks behind it. */
static uint64_t capacity(const struct go_span *span, uint64_t marks_size)
{
	uint64_t size = span->pages_high - span->base, rest = bitmap_size(span) + marks_size;
	return size > rest ? (size - rest) / span->element_size : 0;
}

/* The bitmap stands last, or before the mark bits. In most sizes the number of objects tells which;
 * where it does not, *inline_marks does: what the other spans have. */
static bool find_bitmap(const struct go_span *span, struct go_scan *scan, bool inline_marks)
{
	uint64_t without = capacity(span, 0), with = capacity(span, INLINE_MARKS_SIZE);
	uint64_t marks_size = 0;
	if (may_hold_marks(span) && inline_marks)
		marks_size = INLINE_MARKS_SIZE;
	if (scan->num_objects != (marks_size != 0 ? with : without))
		return false;
	scan->bitmap_addr = span->pages_high - bitmap_size(span) - marks_size;
	return true;
}

/* Do spans hold their marks? Those in which that makes a difference to the number of objects vote.
 * With GOEXPERIMENT=nogreenteagc they do not. */
static bool spans_hold_marks(const struct go_spans *spans, const struct go_scan *scans,
			     const struct go_heap_layout *layout)
{
	uint64_t yes = 0, no = 0;
	for (uint32_t i = 0; i < spans->list.num; i++) {
		const struct go_span *span = &spans->list.items[i];
		if (span->state != GO_SPAN_IN_USE || !may_hold_marks(span))
			continue;
		uint64_t without = capacity(span, 0), with = capacity(span, INLINE_MARKS_SIZE);
		if (with == without)
			continue;
		yes += scans[i].num_objects == with;
		no += scans[i].num_objects == without;
	}
	return yes > no || (yes == no && layout->minor >= 26);
}

static uint64_t span_field(const unsigned char *span, int off, int size)
{
	uint64_t value = 0;
	if (off >= 0)
		memcpy(&value, span + off, (size_t)size);
	return value;
}

/* A large object may end before its only element does. */
static uint64_t most_objects(const struct go_span *span)
{
	return span->size_class == 0 ? 1 : (span->limit - span->base) / span->element_size;
}

static bool read_scan(const struct go_heap_layout *layout, const struct go_span *span,
		      struct image *image, struct go_scan *scan)
{
	unsigned char bytes[160];
	if (image_read(image, span->addr, bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	scan->num_objects = span_field(bytes, layout->span_num, layout->span_num_size);
	scan->specials_addr = span_field(bytes, layout->span_specials, 8);
	scan->type_addr = span_field(bytes, layout->span_large_type, 8);
	bool user_arena = span_field(bytes, layout->span_user_arena, 1) == 1;
	if (span->noscan)
		scan->how = GO_SCAN_NONE;
	else if (!layout->precise_heap || user_arena)
		scan->how = GO_SCAN_ALL;
	else if (span->size_class == 0)
		scan->how = GO_SCAN_TYPE;
	else
		scan->how =
			span->element_size <= GO_SCAN_SMALL_SIZE ? GO_SCAN_BITMAP : GO_SCAN_HEADER;
	return scan->num_objects > 0 && scan->num_objects <= most_objects(span);
}

struct go_scan *go_scans_build(struct arena *arena, struct image *image,
			       const struct go_spans *spans, const struct go_heap_layout *layout,
			       uint64_t *num_objects_ret)
{
	struct go_scan *scans = arena_alloc_array(arena, spans->list.num, sizeof(*scans));
	uint64_t num_objects = 0;
	for (uint32_t i = 0; i < spans->list.num; i++) {
		const struct go_span *span = &spans->list.items[i];
		struct go_scan *scan = &scans[i];
		if (span->state != GO_SPAN_IN_USE)
			continue;
		if (!read_scan(layout, span, image, scan)) {
			/* Its objects are found by its limit, and looked into word by word. */
			scan->num_objects = most_objects(span);
			scan->how = span->noscan ? GO_SCAN_NONE : GO_SCAN_ALL;
		}
		scan->first_object = num_objects;
		num_objects += scan->num_objects;
	}
	bool inline_marks = layout->inline_marks && spans_hold_marks(spans, scans, layout);
	for (uint32_t i = 0; i < spans->list.num; i++)
		if (scans[i].how == GO_SCAN_BITMAP &&
		    !find_bitmap(&spans->list.items[i], &scans[i], inline_marks))
			scans[i].how = GO_SCAN_ALL;
	*num_objects_ret = num_objects;
	return scans;
}
