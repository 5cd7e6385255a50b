#include "core/image.h"

bool image_is_arm64(const struct image *image)
{
	return image->dump != NULL && image->dump->is_arm64;
}

void image_init(struct image *image, const struct dump *dump, const struct modules *modules)
{
	memset(image, 0, sizeof(*image));
	image->dump = dump;
	image->modules = modules;
}

/* Bytes of the mapped file that stand for memory that was not dumped; none when there are none.
 * Never for bytes that were dumped and then cut off, and for writable memory only when the core
 * shows that it was never written: both may have changed since the file was mapped. */
static struct bytes image_file_bytes(const struct image *image, const struct segment *segment,
				     uint64_t addr)
{
	const struct bytes none = {0};
	int32_t index = modules_find(image->modules, addr);
	if (segment != NULL && addr - segment->range.low < segment->dumped_size)
		return none;
	if (index < 0 || image->modules->list.items[index].file == NULL)
		return none;
	const struct module *module = &image->modules->list.items[index];
	uint64_t vaddr = addr - module->bias;
	for (uint32_t i = 0; i < module->file->num_loads; i++) {
		const struct elf_load *load = &module->file->loads[i];
		if (vaddr < load->vaddr || vaddr - load->vaddr >= load->bytes.size)
			continue;
		bool untouched = segment != NULL && segment->dumped_size == 0;
		size_t into = (size_t)(vaddr - load->vaddr);
		size_t left = load->bytes.size - into;
		if (load->writable && !untouched)
			return none;
		if (segment != NULL && left > segment->range.high - addr)
			left = (size_t)(segment->range.high - addr);
		return (struct bytes){load->bytes.data + into, left};
	}
	return none;
}

static unsigned char *window_bytes(struct image *image, const struct image_window *window)
{
	const struct image_window *blocks = image->blocks;
	if (window >= blocks && window < blocks + IMAGE_NUM_BLOCKS)
		return image->bytes + IMAGE_NUM_WINDOWS * IMAGE_WINDOW_SIZE +
		       (size_t)(window - blocks) * IMAGE_BLOCK_SIZE;
	return image->bytes + (size_t)(window - image->windows) * IMAGE_WINDOW_SIZE;
}

static struct image_window *find_window(struct image_window *windows, uint32_t num, uint64_t addr)
{
	for (uint32_t i = 0; i < num; i++)
		if (addr - windows[i].addr < windows[i].size)
			return &windows[i];
	return NULL;
}

/* The window or block that holds addr already; NULL none. */
static const struct image_window *image_window_at(struct image *image, uint64_t addr)
{
	struct image_window *window = image->last;
	if (window != NULL && addr - window->addr < window->size)
		return window;
	window = find_window(image->windows, IMAGE_NUM_WINDOWS, addr);
	if (window == NULL)
		window = find_window(image->blocks, IMAGE_NUM_BLOCKS, addr);
	if (window != NULL) {
		window->used = ++image->tick;
		image->last = window;
	}
	return window;
}

static struct image_window *oldest_of(struct image_window *windows, uint32_t num)
{
	struct image_window *oldest = &windows[0];
	for (uint32_t i = 1; i < num; i++)
		if (windows[i].used < oldest->used)
			oldest = &windows[i];
	return oldest;
}

/* Fills a window from start on, at most to the end of the segment. */
static void image_fill(struct image *image, struct image_window *window,
		       const struct segment *segment, uint64_t start, uint64_t max_size)
{
	uint64_t end = start + max_size;
	if (start < segment->range.low)
		start = segment->range.low;
	window->size = (uint32_t)dump_read(image->dump, start, window_bytes(image, window),
					   (size_t)(end - start));
	window->addr = start;
	window->used = ++image->tick;
	image->last = window;
}

/* The core's own bytes from addr on, in place; none when they are not there or the core is not
 * mapped. */
static struct bytes image_mapped(struct image *image, uint64_t addr)
{
	struct image_part *part = &image->part;
	if (addr - part->addr >= part->size) {
		if (image->dump->map == NULL)
			return (struct bytes){0};
		const struct segment *segment = dump_find_segment(image->dump, addr);
		if (segment == NULL || addr - segment->range.low >= segment->file_size)
			return (struct bytes){0};
		*part = (struct image_part){
			.addr = segment->range.low,
			.size = segment->file_size,
			.bytes = image->dump->map + segment->file_off,
		};
	}
	uint64_t into = addr - part->addr;
	return (struct bytes){part->bytes + into, (size_t)(part->size - into)};
}

/* The window that holds addr, filled with at most max_size bytes if need be; NULL when the core
 * does not hold it. */
static const struct image_window *image_window_for(struct image *image, uint64_t addr,
						   uint64_t max_size)
{
	const struct image_window *found = image_window_at(image, addr);
	if (found != NULL)
		return found;
	/* Stacks are read upwards: begin just below the address. */
	uint64_t start = addr & ~UINT64_C(63);
	const struct segment *segment = dump_find_segment(image->dump, addr);
	if (segment == NULL || addr - segment->range.low >= segment->file_size)
		return NULL;
	struct image_window *window = oldest_of(image->windows, IMAGE_NUM_WINDOWS);
	max_size += addr - start;
	image_fill(image, window, segment, start,
		   max_size < IMAGE_WINDOW_SIZE ? max_size : IMAGE_WINDOW_SIZE);
	return addr - window->addr < window->size ? window : NULL;
}

/* Of a block with small stacks the first one is read alone, and with the second all of them. */
void image_expect(struct image *image, struct range stack, uint64_t sp)
{
	enum { MAX_SMALL = 4096 };
	uint64_t start = sp & ~(uint64_t)(IMAGE_BLOCK_SIZE - 1);
	const struct segment *segment = dump_find_segment(image->dump, sp);
	struct image_window *block = NULL;
	if (image->dump->map != NULL || image_window_at(image, sp) != NULL)
		return;
	for (uint32_t i = 0; i < IMAGE_NUM_BLOCKS; i++)
		if (image->blocks[i].addr == start && image->blocks[i].size == 0)
			block = &image->blocks[i];
	if (stack.high - stack.low > MAX_SMALL || start > UINT64_MAX - IMAGE_BLOCK_SIZE ||
	    segment == NULL || sp - segment->range.low >= segment->file_size) {
		image_window_for(image, sp, stack.high - sp);
	} else if (block != NULL) {
		image_fill(image, block, segment, start, IMAGE_BLOCK_SIZE);
	} else {
		block = oldest_of(image->blocks, IMAGE_NUM_BLOCKS);
		*block = (struct image_window){.addr = start, .used = ++image->tick};
		image_window_for(image, sp, stack.high - sp);
	}
}

/* The core's own bytes from addr on, valid until the next call; none: it does not hold them. */
static inline struct bytes image_held(struct image *image, uint64_t addr)
{
	const struct bytes mapped = image_mapped(image, addr);
	if (mapped.size > 0 || image->dump->map != NULL)
		return mapped;
	const struct image_window *window = image_window_for(image, addr, IMAGE_WINDOW_SIZE);
	if (window == NULL)
		return (struct bytes){0};
	size_t into = (size_t)(addr - window->addr);
	return (struct bytes){window_bytes(image, window) + into, window->size - into};
}

void image_prefetch(const struct image *image, uint64_t addr, uint64_t size)
{
	const struct image_part *part = &image->part;
	uint64_t into = addr - part->addr;
	if (into >= part->size || size > part->size - into)
		return;
	for (uint64_t off = 0; off < size; off += 64)
		__builtin_prefetch(part->bytes + into + off);
}

size_t image_read(struct image *image, uint64_t addr, void *buffer, size_t size)
{
	size_t done = 0;
	while (done < size && addr <= UINT64_MAX - done) {
		uint64_t at = addr + done;
		size_t left = size - done;
		struct bytes bytes = image_held(image, at);
		if (bytes.size == 0)
			bytes = image_file_bytes(image, dump_find_segment(image->dump, at), at);
		size_t part = bytes.size < left ? bytes.size : left;
		if (part == 0)
			break;
		memcpy((char *)buffer + done, bytes.data, part);
		done += part;
	}
	return done;
}

bool image_read_u64(struct image *image, uint64_t addr, uint64_t *ret)
{
	const struct bytes bytes = image_held(image, addr);
	if (bytes.size >= sizeof(*ret)) {
		memcpy(ret, bytes.data, sizeof(*ret));
		return true;
	}
	uint64_t value;
	if (image_read(image, addr, &value, sizeof(value)) != sizeof(value))
		return false;
	*ret = value;
	return true;
}

struct bytes image_view(struct image *image, struct arena *arena, uint64_t addr, size_t size)
{
	const struct bytes file =
		image_file_bytes(image, dump_find_segment(image->dump, addr), addr);
	uint64_t last;
	if (file.size >= size)
		return (struct bytes){file.data, size};
	/* Nothing is allocated for what a damaged size merely promises. */
	if (size == 0 || __builtin_add_overflow(addr, size - 1, &last) ||
	    image_presence(image, addr) != IMAGE_PRESENT ||
	    image_presence(image, last) != IMAGE_PRESENT)
		return (struct bytes){0};
	unsigned char *copy = arena_alloc(arena, size);
	if (image_read(image, addr, copy, size) != size)
		return (struct bytes){0};
	return (struct bytes){copy, size};
}

enum image_presence image_presence(const struct image *image, uint64_t addr)
{
	const struct segment *segment = dump_find_segment(image->dump, addr);
	if (segment != NULL && addr - segment->range.low < segment->file_size)
		return IMAGE_PRESENT;
	if (image_file_bytes(image, segment, addr).size > 0)
		return IMAGE_PRESENT;
	if (segment == NULL)
		return IMAGE_UNMAPPED;
	return addr - segment->range.low < segment->dumped_size ? IMAGE_CUT : IMAGE_NOT_DUMPED;
}

uint64_t image_segment_high(const struct image *image, uint64_t addr)
{
	const struct segment *segment = dump_find_segment(image->dump, addr);
	return segment != NULL ? segment->range.high : 0;
}

bool image_executable(const struct image *image, uint64_t addr)
{
	const struct segment *segment = dump_find_segment(image->dump, addr);
	return segment != NULL && (segment->flags & PF_X) != 0;
}
