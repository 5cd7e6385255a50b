#include "proof/go_roots.h"

#include "proof/go_queued.h"

enum { MAX_SPECIALS = 1 << 24, MAX_DATA_SIZE = 1 << 30 };

void go_roots_init(struct go_roots *roots, const struct go_runtime *runtime,
		   const struct go_heap_layout *layout, struct image *image)
{
	*roots = (struct go_roots){.runtime = runtime, .layout = layout, .image = image};
}

/* ---- Variables ----------------------------------------------------------------------------- */

/* 64 words at addr of which mask tells the pointers. */
static void mark_words(struct go_roots *roots, struct go_marker *marker, uint64_t addr,
		       uint64_t mask, uint64_t num)
{
	uint64_t words[64];
	if (mask == 0)
		return;
	size_t done = image_read(roots->image, addr, words, num * 8) / 8;
	for (uint64_t i = 0; i < num; i++) {
		if ((mask >> i & 1) == 0)
			continue;
		if (i < done || image_read_u64(roots->image, addr + 8 * i, &words[i]))
			go_marker_pointer(marker, addr + 8 * i, words[i]);
		else
			go_marker_unreadable(marker, addr + 8 * i, 1);
		roots->num_words++;
	}
}

/* The compiler's mask of the section has a bit a word (runtime/symtab.go, gcdatamask). Without it
 * every word may be a pointer. */
static void mark_section(struct go_roots *roots, struct go_marker *marker, uint64_t low,
			 uint64_t high, uint64_t mask_addr)
{
	if (low == 0 || high <= low || high - low > MAX_DATA_SIZE)
		return;
	bool missing = false;
	for (uint64_t addr = low & ~UINT64_C(7); addr < high; addr += 512) {
		uint64_t mask = UINT64_MAX, num = (high - addr + 7) / 8;
		if (num > 64)
			num = 64;
		size_t size = (size_t)(num + 7) / 8;
		uint64_t bits = 0;
		if (mask_addr != 0 &&
		    image_read(roots->image, mask_addr + (addr - low) / 64, &bits, size) == size)
			mask = bits;
		else
			missing = true;
		if (num < 64)
			mask &= (UINT64_C(1) << num) - 1;
		mark_words(roots, marker, addr, mask, num);
	}
	roots->num_masks_missing += missing;
}

void go_roots_variables(struct go_roots *roots, struct go_marker *marker)
{
	/* Words of moduledata (runtime/symtab.go, the same since 1.19). */
	enum { DATA = 26, DATA_END = 27, BSS = 28, BSS_END = 29 };
	for (uint32_t i = 0; i < roots->runtime->tables.modules.num; i++) {
		const uint64_t *words = roots->runtime->tables.modules.items[i].words;
		mark_section(roots, marker, words[DATA], words[DATA_END],
			     words[roots->layout->module_data_mask / 8]);
		mark_section(roots, marker, words[BSS], words[BSS_END],
			     words[roots->layout->module_bss_mask / 8]);
	}
}

/* Of what was overwritten nothing is used any more (runtime/mwbbuf.go), and a processor's cache of
 * pages is numbers, of which one may look like an object's address (runtime/mpagecache.go; its
 * place is that of 1.19 and 1.21, whose heaps do not tell pointers from numbers). */
static void mark_processor(const struct go_roots *roots, struct go_marker *marker,
			   struct go_object object)
{
	enum { OVERWRITTEN_SIZE = 514 * 8, PAGES = 72, PAGES_SIZE = 3 * 8 };
	uint64_t low = go_marker_addr(marker, object);
	uint64_t high = low + marker->spans->list.items[object.span].element_size;
	if (roots->layout->p_overwritten < 0) {
		go_marker_scan(marker, object);
		return;
	}
	uint64_t skip = low + (uint64_t)roots->layout->p_overwritten;
	go_marker_words(marker, low, low + PAGES);
	go_marker_words(marker, low + PAGES + PAGES_SIZE, skip < high ? skip : high);
	go_marker_words(marker, skip + OVERWRITTEN_SIZE, high);
}

void go_roots_processors(struct go_roots *roots, struct go_marker *marker)
{
	const struct go_slice *allp = &roots->runtime->allp;
	for (uint64_t i = 0; i < allp->num; i++) {
		struct go_object object;
		uint64_t addr = allp->data_addr + 8 * i, p;
		/* They are masked: looked into here and nowhere else. */
		if (!image_read_u64(roots->image, addr, &p))
			go_marker_unreadable(marker, addr, 1);
		else if (go_marker_find(marker, p, &object))
			mark_processor(roots, marker, object);
		else
			roots->num_damaged++;
	}
}

/* ---- Finalizers ---------------------------------------------------------------------------- */

/* A finalizer will be handed the object and can reach what it holds, even when nothing else does.
 */
static void mark_finalizer(struct go_roots *roots, struct go_marker *marker, uint64_t special,
			   uint64_t object_addr)
{
	struct go_object object;
	go_marker_pointer(marker, special, object_addr);
	if (go_marker_find(marker, object_addr, &object))
		go_marker_scan(marker, object);
	go_marker_words(marker, special + (uint64_t)roots->layout->special_data,
			special + (uint64_t)roots->layout->special_data + 8);
	roots->num_finalizers++;
}

static void add_special(struct go_roots *roots, struct go_marker *marker, uint64_t special,
			uint32_t kind, uint64_t object_addr)
{
	enum { CLEANUP_SIZE = 32 }; /* at most: call, function, argument, id */
	const struct go_heap_layout *layout = roots->layout;
	uint64_t data = special + (uint64_t)layout->special_data, handle;
	if (kind == (uint32_t)layout->kind_finalizer) {
		mark_finalizer(roots, marker, special, object_addr);
	} else if (layout->kind_cleanup != GO_NONE && kind == (uint32_t)layout->kind_cleanup) {
		go_marker_words(marker, data, data + CLEANUP_SIZE);
		roots->num_cleanups++;
	} else if (layout->kind_weak != GO_NONE && kind == (uint32_t)layout->kind_weak) {
		if (image_read_u64(roots->image, data, &handle))
			*array_add(marker->arena, &roots->weak) =
				(struct go_weak){handle, object_addr};
		else
			roots->num_damaged++;
	}
}

static void add_specials(struct go_roots *roots, struct go_marker *marker, uint32_t span_index)
{
	const struct go_heap_layout *layout = roots->layout;
	const struct go_span *span = &marker->spans->list.items[span_index];
	uint64_t special = marker->scans[span_index].specials_addr;
	uint64_t most = 16 * marker->scans[span_index].num_objects + 1024;
	for (uint64_t i = 0; special != 0; i++) {
		unsigned char bytes[32];
		uint64_t offset = 0;
		if (i >= most ||
		    image_read(roots->image, special, bytes, sizeof(bytes)) != sizeof(bytes)) {
			roots->num_damaged++;
			return;
		}
		memcpy(&offset, bytes + 8, (size_t)layout->special_offset_size);
		uint64_t addr = span->base + offset;
		if (span->size_class != 0)
			addr -= offset % span->element_size;
		add_special(roots, marker, special, bytes[layout->special_kind], addr);
		memcpy(&special, bytes, sizeof(special));
	}
}

void go_roots_finalizers(struct go_roots *roots, struct go_marker *marker)
{
	for (uint32_t i = 0; i < marker->spans->list.num; i++)
		if (marker->spans->list.items[i].state == GO_SPAN_IN_USE)
			add_specials(roots, marker, i);
	roots->num_queued = go_queued_mark(roots->runtime, roots->layout, roots->image, marker);
}

bool go_roots_weak(struct go_roots *roots, struct go_marker *marker)
{
	uint64_t before = marker->num_marked;
	for (uint32_t i = 0; i < roots->weak.num; i++) {
		struct go_object handle;
		if (go_marker_find(marker, roots->weak.items[i].handle_addr, &handle) &&
		    !go_marker_is_marked(marker, handle))
			continue;
		go_marker_pointer(marker, roots->weak.items[i].handle_addr,
				  roots->weak.items[i].object_addr);
	}
	return marker->num_marked != before;
}
