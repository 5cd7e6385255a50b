#include "core/image.h"

#include <gelf.h>
#include <limits.h>

void image_init(struct image *image, const struct dump *dump, const struct modules *modules)
{
	*image = (struct image){.dump = dump, .modules = modules};
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
	size_t num, file_size;
	const char *bytes = elf_rawfile(module->file->elf, &file_size);
	if (bytes == NULL || elf_getphdrnum(module->file->elf, &num) != 0)
		return none;
	for (size_t i = 0; i < num && i < INT_MAX; i++) {
		GElf_Phdr header;
		if (gelf_getphdr(module->file->elf, (int)i, &header) == NULL ||
		    header.p_type != PT_LOAD || vaddr < header.p_vaddr ||
		    vaddr - header.p_vaddr >= header.p_filesz)
			continue;
		bool untouched = segment != NULL && segment->dumped_size == 0;
		uint64_t into = vaddr - header.p_vaddr;
		if (((header.p_flags & PF_W) != 0 && !untouched) || header.p_offset > file_size ||
		    into >= file_size - header.p_offset)
			return none;
		uint64_t left = header.p_filesz - into;
		if (left > file_size - header.p_offset - into)
			left = file_size - header.p_offset - into;
		if (segment != NULL && left > segment->range.high - addr)
			left = segment->range.high - addr;
		return (struct bytes){(const unsigned char *)bytes + header.p_offset + into,
				      (size_t)left};
	}
	return none;
}

/* The window that holds addr, filled with at most max_size bytes if need be; NULL when the core
 * does not hold it. */
static const struct image_window *image_window_for(struct image *image, uint64_t addr,
						   uint64_t max_size)
{
	struct image_window *oldest = &image->windows[0];
	struct image_window *window = &image->windows[image->last];
	if (addr - window->addr < window->size)
		return window;
	for (uint32_t i = 0; i < IMAGE_NUM_WINDOWS; i++) {
		window = &image->windows[i];
		if (addr - window->addr < window->size) {
			window->used = ++image->tick;
			image->last = i;
			return window;
		}
		if (window->used < oldest->used)
			oldest = window;
	}
	/* Stacks are read upwards: begin just below the address. */
	uint64_t start = addr & ~UINT64_C(63);
	const struct segment *segment = dump_find_segment(image->dump, addr);
	if (segment == NULL || addr - segment->range.low >= segment->file_size)
		return NULL;
	if (start < segment->range.low)
		start = segment->range.low;
	max_size += addr - start;
	if (max_size > sizeof(oldest->bytes))
		max_size = sizeof(oldest->bytes);
	oldest->size = (uint32_t)dump_read(image->dump, start, oldest->bytes, (size_t)max_size);
	oldest->addr = start;
	oldest->used = ++image->tick;
	image->last = (uint32_t)(oldest - image->windows);
	return addr - start < oldest->size ? oldest : NULL;
}

void image_expect(struct image *image, uint64_t addr, uint64_t size)
{
	image_window_for(image, addr, size);
}

size_t image_read(struct image *image, uint64_t addr, void *buffer, size_t size)
{
	size_t done = 0;
	while (done < size && addr <= UINT64_MAX - done) {
		uint64_t at = addr + done;
		size_t left = size - done;
		const struct image_window *window =
			image_window_for(image, at, sizeof(window->bytes));
		if (window != NULL) {
			size_t into = (size_t)(at - window->addr);
			size_t part = window->size - into < left ? window->size - into : left;
			memcpy((char *)buffer + done, window->bytes + into, part);
			done += part;
			continue;
		}
		const struct bytes file =
			image_file_bytes(image, dump_find_segment(image->dump, at), at);
		size_t part = file.size < left ? file.size : left;
		if (part == 0)
			break;
		memcpy((char *)buffer + done, file.data, part);
		done += part;
	}
	return done;
}

bool image_read_u64(struct image *image, uint64_t addr, uint64_t *ret)
{
	const struct image_window *window = image_window_for(image, addr, sizeof(window->bytes));
	if (window != NULL && window->size - (addr - window->addr) >= sizeof(*ret)) {
		memcpy(ret, window->bytes + (addr - window->addr), sizeof(*ret));
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
