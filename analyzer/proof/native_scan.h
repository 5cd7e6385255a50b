/* native_scan.h - looks through a native process's memory for words that may be pointers, and marks
 * the chunks they lead to: one scanner a thread of ours, all for one native_mark. */
#ifndef CORELEAKS_PROOF_NATIVE_SCAN_H
#define CORELEAKS_PROOF_NATIVE_SCAN_H

#include "base/work_pool.h"
#include "proof/native_memory.h"

struct native_mark;

/* What leads to a place: a word in memory, or a register of a thread. */
struct native_source {
	uint64_t addr; /* of the word; 0: a register */
	int32_t task;  /* whose stack or register it is; -1 none */
	uint8_t reg;   /* DWARF number; UINT8_MAX: a vector or segment register */
};

/* A pointer into a heap, of which the chunk is still to be found. */
struct native_found {
	const struct native_area *area;
	uint64_t addr;
	struct native_source source;
};

enum {
	NATIVE_SCAN_AHEAD = 16,
	NATIVE_SCAN_BEFORE = 256, /* bytes before a chunk at which a word may stand for it */
};

struct native_scanner {
	struct native_mark *mark;
	struct arena *arena;
	struct work_pool *pool; /* of those that scan beside this one; NULL: it is alone */
	bool ticks;		/* tells of the progress of all */
	struct {
		uint64_t *items; /* chunks that are marked, and still to be looked through */
		uint32_t num, capacity;
	} queue;
	struct {
		struct range *items; /* other memory to look through */
		uint32_t num, capacity;
	} words;
	struct native_found found[NATIVE_SCAN_AHEAD]; /* a ring: the last of those found … */
	uint32_t num_found;			      /* in all, modulo 2^32 */
	uint32_t num_waiting;			      /* … that are not marked yet */
	const struct native_area *last;		      /* found */
	uint64_t scanned_size;			      /* bytes that the mark does not count yet */
};

void native_scanner_init(struct native_scanner *ret, struct native_mark *mark, struct arena *arena,
			 struct work_pool *pool);
/* The chunk that begins at addr is marked. */
void native_scanner_push(struct native_scanner *scanner, uint64_t addr);
/* A word found at source may be a pointer. */
void native_scan_word(struct native_scanner *scanner, uint64_t word, struct native_source source);
/* Words anywhere. source: of the first; its address stays 0 when that is none of memory. */
void native_scan_bytes(struct native_scanner *scanner, const unsigned char *bytes, uint64_t size,
		       struct native_source source);
/* Memory of which the core may lack parts. task: whose stack it is; -1 none. */
void native_scan_memory(struct native_scanner *scanner, struct range range, int32_t task);
/* Marks a chunk that begins so many units of 16 bytes behind its heap's begin. */
void native_scan_mark(struct native_scanner *scanner, const struct native_area *area, uint64_t unit,
		      struct native_source source);
/* Looks through all that is marked and what that leads to, or until so many chunks wait. */
void native_scanner_drain(struct native_scanner *scanner, uint32_t max_waiting);
/* Has the mark count all that was scanned: what the report says of it is the same each time. */
void native_scanner_count(struct native_scanner *scanner);
/* Goes on with what other scanners of its pool give. False: nothing is left to do. */
bool native_scanner_help(struct native_scanner *scanner);

static inline bool native_test_bit(const uint64_t *bits, uint64_t index)
{
	return (bits[index / 64] >> (index % 64) & 1) != 0;
}

#endif
