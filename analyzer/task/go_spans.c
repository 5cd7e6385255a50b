#include "task/go_spans.h"

#include <stdlib.h>

enum { MAX_SPANS = 1 << 27, SPAN_SIZE = 160 /* at least what is read of an mspan */ };

/* ---- Reading ------------------------------------------------------------------------------- */

static uint64_t field(const unsigned char *span, int off)
{
	uint64_t value;
	memcpy(&value, span + off, sizeof(value));
	return value;
}

/* false: damaged. A dead one has no pages. */
static bool read_span(const struct go_runtime *runtime, struct image *image, uint64_t addr,
		      struct go_span *ret)
{
	enum { START = 24, PAGES = 32 }; /* runtime/mheap.go, mspan: the same in 1.19 to 1.27 */
	const struct go_layout *layout = &runtime->layout;
	unsigned char span[SPAN_SIZE];
	uint64_t size;
	if (image_read(image, addr, span, sizeof(span)) != sizeof(span))
		return false;
	*ret = (struct go_span){
		.addr = addr,
		.base = field(span, START),
		.state = span[layout->span_state],
		.size_class = span[layout->span_class] >> 1,
		.noscan = (span[layout->span_class] & 1) != 0,
	};
	if (ret->state == GO_SPAN_DEAD)
		return true;
	if (ret->state > GO_SPAN_MANUAL || ret->base % GO_PAGE_SIZE != 0 || ret->base == 0 ||
	    __builtin_mul_overflow(field(span, PAGES), (uint64_t)GO_PAGE_SIZE, &size) ||
	    size == 0 || __builtin_add_overflow(ret->base, size, &ret->pages_high))
		return false;
	ret->limit = ret->base;
	if (ret->state == GO_SPAN_MANUAL)
		return true;
	ret->limit = field(span, layout->span_limit);
	ret->element_size = field(span, layout->span_elemsize);
	return ret->element_size > 0 && ret->limit > ret->base && ret->limit <= ret->pages_high;
}

static void read_spans(struct go_spans *spans, struct arena *arena,
		       const struct go_runtime *runtime, struct image *image)
{
	enum { STEP = 4096 };
	const struct go_slice *allspans = &runtime->allspans;
	uint64_t *addrs = arena_alloc_array(arena, STEP, sizeof(*addrs));
	for (uint64_t i = 0; i < allspans->num; i += STEP) {
		size_t num = allspans->num - i < STEP ? (size_t)(allspans->num - i) : STEP;
		size_t done = image_read(image, allspans->data_addr + 8 * i, addrs, num * 8) / 8;
		spans->num_damaged += (uint32_t)(num - done);
		for (size_t k = 0; k < done; k++) {
			struct go_span span;
			if (!read_span(runtime, image, addrs[k], &span))
				spans->num_damaged++;
			else if (span.state != GO_SPAN_DEAD)
				*array_add(arena, &spans->list) = span;
		}
	}
}

/* ---- Order --------------------------------------------------------------------------------- */

struct place {
	uint64_t base;
	uint32_t index;
};

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->base != y->base)
		return x->base < y->base ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Of spans that overlap the first stays. */
static void sort_spans(struct go_spans *spans, struct arena *arena)
{
	uint32_t num = spans->list.num, kept = 0;
	struct place *places = arena_alloc_array(arena, num, sizeof(*places));
	struct go_span *sorted = arena_alloc_array(arena, num, sizeof(*sorted));
	for (uint32_t i = 0; i < num; i++)
		places[i] = (struct place){spans->list.items[i].base, i};
	qsort(places, num, sizeof(*places), place_compare);
	for (uint32_t i = 0; i < num; i++) {
		const struct go_span *span = &spans->list.items[places[i].index];
		if (kept > 0 && span->base < sorted[kept - 1].pages_high)
			spans->num_damaged++;
		else
			sorted[kept++] = *span;
	}
	spans->list.items = sorted;
	spans->list.num = kept;
	spans->list.capacity = num;
}

/* About as many blocks as spans, however far these lie apart. */
static void index_spans(struct go_spans *spans, struct arena *arena)
{
	uint32_t num = spans->list.num, next = 0;
	if (num == 0)
		return;
	spans->low = spans->list.items[0].base;
	spans->high = spans->list.items[num - 1].pages_high;
	spans->shift = 13; /* no two spans begin in the same page */
	while ((spans->high - spans->low) >> spans->shift > 4 * (uint64_t)num)
		spans->shift++;
	uint64_t num_blocks = ((spans->high - spans->low) >> spans->shift) + 2;
	spans->blocks = arena_alloc_array(arena, num_blocks, sizeof(*spans->blocks));
	for (uint64_t i = 0; i < num_blocks; i++) {
		while (next < num &&
		       (spans->list.items[next].pages_high - 1 - spans->low) >> spans->shift < i)
			next++;
		spans->blocks[i] = next;
	}
}

void go_spans_build(struct go_spans *ret, struct arena *arena, struct gaps *gaps,
		    const struct go_runtime *runtime, struct image *image)
{
	*ret = (struct go_spans){0};
	if (!runtime->recognised || runtime->allspans.addr == 0 ||
	    runtime->allspans.num > MAX_SPANS)
		return;
	ret->known = true;
	read_spans(ret, arena, runtime, image);
	sort_spans(ret, arena);
	index_spans(ret, arena);
	if (ret->num_damaged > 0)
		gaps_add(gaps, "go-heap", false,
			 "%u of %llu entries in Go's list of its memory could not be read or "
			 "contradict others: what lies there is not known",
			 ret->num_damaged, (unsigned long long)runtime->allspans.num);
}

/* ---- Look-up ------------------------------------------------------------------------------- */

const struct go_span *go_spans_find(const struct go_spans *spans, uint64_t addr)
{
	if (addr < spans->low || addr >= spans->high)
		return NULL;
	uint64_t block = (addr - spans->low) >> spans->shift;
	uint32_t low = spans->blocks[block], high = spans->blocks[block + 1];
	/* The first span that ends behind addr: at low, at high or between. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (spans->list.items[middle].pages_high > addr)
			high = middle;
		else
			low = middle + 1;
	}
	const struct go_span *span = &spans->list.items[low];
	return low < spans->list.num && span->base <= addr ? span : NULL;
}

bool go_spans_object(const struct go_spans *spans, uint64_t addr, struct range *ret)
{
	const struct go_span *span = go_spans_find(spans, addr);
	if (span == NULL || addr >= span->limit)
		return false;
	uint64_t low = addr - (addr - span->base) % span->element_size;
	/* The rest behind the last whole element is no object. */
	if (span->limit - low < span->element_size)
		return false;
	*ret = (struct range){low, low + span->element_size};
	return true;
}
