/* image.h - the process's memory: the core's bytes first, then the mapped file's for what was
 * not dumped. Caches windows of the file, so that reading a stack costs one system call. */
#ifndef CORELEAKS_CORE_IMAGE_H
#define CORELEAKS_CORE_IMAGE_H

#include "core/modules.h"

struct image_window {
	uint64_t addr;
	uint32_t size;
	uint32_t used; /* tick of the last use */
	unsigned char bytes[4096];
};

enum { IMAGE_NUM_WINDOWS = 16 };

struct image {
	const struct dump *dump;
	const struct modules *modules;
	uint32_t tick, last;
	struct image_window windows[IMAGE_NUM_WINDOWS];
};

enum image_presence {
	IMAGE_PRESENT,	  /* can be read */
	IMAGE_NOT_DUMPED, /* mapped, but its bytes were not written to the core */
	IMAGE_CUT,	  /* mapped, but lies beyond the end of the file */
	IMAGE_UNMAPPED,
};

void image_init(struct image *image, const struct dump *dump, const struct modules *modules);
/* Bytes read from addr on; stops at the first byte that cannot be had. */
size_t image_read(struct image *image, uint64_t addr, void *buffer, size_t size);
bool image_read_u64(struct image *image, uint64_t addr, uint64_t *ret);
/* Expects reads of [addr, addr + size), and of little else near it. */
void image_expect(struct image *image, uint64_t addr, uint64_t size);
/* size bytes at addr to keep: the mapped file's own where one file holds them all, else a copy in
 * the arena. No bytes when not all of them can be read. Live as long as arena and files. */
struct bytes image_view(struct image *image, struct arena *arena, uint64_t addr, size_t size);
enum image_presence image_presence(const struct image *image, uint64_t addr);
/* End of the segment that holds addr; 0 when there is none. */
uint64_t image_segment_high(const struct image *image, uint64_t addr);
bool image_executable(const struct image *image, uint64_t addr);

#endif
