/* dump.h - the core dump as a file: its segments in address order and raw reads.
 *
 * In: a path. Out: segments, note ranges, what is missing. Knows nothing of notes' contents,
 * modules or tasks. Reads with pread: a file that shrinks meanwhile is a short read.
 */
#ifndef CORELEAKS_CORE_DUMP_H
#define CORELEAKS_CORE_DUMP_H

#include "base/arena.h"
#include "base/gaps.h"
#include "base/progress.h"
#include "base/range.h"

#include <elf.h>

struct segment {
	struct range
		range; /* addresses [p_vaddr, p_vaddr + p_memsz), cut where a lower one overlaps */
	uint64_t file_off;    /* of range.low in the file */
	uint64_t dumped_size; /* bytes that were dumped: p_filesz */
	uint64_t file_size;   /* of these, bytes that the file still holds */
	uint32_t flags;	      /* PF_R | PF_W | PF_X */
};

struct dump {
	int fd;
	const char *path;
	uint64_t size;	     /* of the file; bytes */
	bool is_arm64;	     /* the process's machine; else x86-64 */
	int64_t captured_at; /* mtime, seconds since 1970; INT64_MIN: standard input */
	struct {
		struct segment *items; /* by ascending address, not overlapping */
		uint32_t num, capacity;
	} segments;
	struct {
		Elf64_Phdr *items; /* PT_NOTE, in file order */
		uint32_t num, capacity;
	} notes;
	uint64_t missing_size;	  /* bytes that headers promise beyond the end of the file */
	const unsigned char *map; /* of dump_map(); NULL: not yet */
	size_t map_size;
};

struct dump_options {
	const char *spool_dir;	/* for compressed cores and standard input */
	uint64_t max_core_size; /* bytes it may unpack to */
};

/* On success the dump holds an open file: dump_deinit() closes it. The dump must be zeroed. */
struct coreleaks_error *dump_open(struct dump *dump, struct arena *arena, struct gaps *gaps,
				  struct progress *progress, const char *path,
				  const struct dump_options *options);
void dump_deinit(struct dump *dump);

/* Bytes read: less than size at the end of the file. */
size_t dump_pread(const struct dump *dump, uint64_t off, void *buffer, size_t size);
/* All size bytes of the file in place, for what reads much of it here and there. NULL: it cannot be
 * mapped, or has been cut off since it was opened. Whoever cuts it off later ends the process: for
 * all else read it. */
const unsigned char *dump_map(struct dump *dump);
/* The next part of the file within [off, end) that is no hole; false: there is none. Holes read as
 * zeros. */
bool dump_next_data(const struct dump *dump, uint64_t off, uint64_t end, struct range *ret);
/* The segment that holds addr, or NULL. */
const struct segment *dump_find_segment(const struct dump *dump, uint64_t addr);
/* Bytes at addr that the core itself holds, at most to the end of one segment. */
size_t dump_read(const struct dump *dump, uint64_t addr, void *buffer, size_t size);

#endif
