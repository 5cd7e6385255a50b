/* image.h - the process's memory: the core's bytes first, then the mapped file's for what was
 * not dumped. Caches windows of the file, so that reading a stack costs one system call; of a core
 * that is mapped (dump_map()) it copies from there. */
#ifndef CORELEAKS_CORE_IMAGE_H
#define CORELEAKS_CORE_IMAGE_H

#include "core/modules.h"

struct image_window {
	uint64_t addr;
	uint32_t size;
	uint32_t used; /* tick of the last use */
};

enum {
	IMAGE_NUM_WINDOWS = 16,
	IMAGE_WINDOW_SIZE = 4096,
	/* Go allots small stacks in such blocks (runtime/stack.go, _StackCacheSize). */
	IMAGE_NUM_BLOCKS = 4,
	IMAGE_BLOCK_SIZE = 1 << 15,
};

/* What a segment holds of a mapped core. */
struct image_part {
	uint64_t addr, size;
	const unsigned char *bytes;
};

struct image {
	const struct dump *dump;
	const struct modules *modules;
	struct image_part part; /* the last that was read from */
	uint32_t tick;
	struct image_window *last; /* that was used; NULL none */
	struct image_window windows[IMAGE_NUM_WINDOWS];
	struct image_window blocks[IMAGE_NUM_BLOCKS]; /* size 0: nothing was read of it yet */
	unsigned char
		bytes[IMAGE_NUM_WINDOWS * IMAGE_WINDOW_SIZE + IMAGE_NUM_BLOCKS * IMAGE_BLOCK_SIZE];
};

enum image_presence {
	IMAGE_PRESENT,	  /* can be read */
	IMAGE_NOT_DUMPED, /* mapped, but its bytes were not written to the core */
	IMAGE_CUT,	  /* mapped, but lies beyond the end of the file */
	IMAGE_UNMAPPED,
};

/* The machine is AArch64, else x86-64. */
bool image_is_arm64(const struct image *image);
void image_init(struct image *image, const struct dump *dump, const struct modules *modules);
/* Bytes read from addr on; stops at the first byte that cannot be had. */
size_t image_read(struct image *image, uint64_t addr, void *buffer, size_t size);
bool image_read_u64(struct image *image, uint64_t addr, uint64_t *ret);
/* Expects reads from sp to the end of that stack, and of little else near it. */
void image_expect(struct image *image, struct range stack, uint64_t sp);
/* Of a mapped core: these bytes will be read soon. Does nothing where that is not quickly done. */
void image_prefetch(const struct image *image, uint64_t addr, uint64_t size);
/* size bytes at addr to keep: the mapped file's own where one file holds them all, else a copy in
 * the arena. No bytes when not all of them can be read. Live as long as arena and files. */
struct bytes image_view(struct image *image, struct arena *arena, uint64_t addr, size_t size);
enum image_presence image_presence(const struct image *image, uint64_t addr);
/* End of the segment that holds addr; 0 when there is none. */
uint64_t image_segment_high(const struct image *image, uint64_t addr);
bool image_executable(const struct image *image, uint64_t addr);

#endif
