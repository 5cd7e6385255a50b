/* native_mark.h - which memory of a process live code can reach: a conservative mark over glibc's
 * heap. Any word that could be a pointer is one.
 *
 * Live are roots, and the threads that are said to be. */
#ifndef CORELEAKS_PROOF_NATIVE_MARK_H
#define CORELEAKS_PROOF_NATIVE_MARK_H

#include "base/progress.h"
#include "proof/native_filter.h"
#include "proof/native_memory.h"
#include "proof/native_scan.h"

/* Why a chunk is marked. */
struct native_reason {
	uint64_t chunk_addr;
	struct native_source source;
};

/* Addresses have 48 bits: what is above may be a tag (canonical, 4 level paging). */
#define NATIVE_ADDR_MASK ((UINT64_C(1) << 48) - 1)
/* By how far glibc turns what it encodes (PTR_MANGLE). */
enum { NATIVE_GUARD_SHIFT = 17 };

struct native_mark {
	const struct native_memory *memory;
	const struct notes *notes;
	const struct tasks *tasks;
	struct arena *arena;
	struct progress *progress;
	uint64_t **marks;	    /* parallel to heaps: as their starts; set: reached */
	uint64_t **near;	    /* the same; set: a word leads to shortly before it */
	bool *live;		    /* parallel to tasks: its stack and registers count */
	bool *pinned;		    /* parallel to tasks: reached its frames */
	struct native_source *pins; /* parallel to tasks, when explaining: of those pinned, by what
				     */
	bool *held;		    /* parallel to nptl's threads: reached its pthread_t */
	bool *dead_read; /* parallel to blocks: a finished thread's, looked at all the same … */
	struct native_source *dead_reasons; /* … because of this, when explaining */
	struct native_scanner scanner;	    /* of this thread */
	unsigned num_threads;		    /* that may scan side by side */
	struct native_filter filter;
	struct range span;	       /* of all areas */
	uint64_t guard;		       /* glibc's, by which jmp_bufs are encoded */
	uint32_t result_off;	       /* in struct pthread: what a finished thread returned */
	_Atomic uint64_t scanned_size; /* bytes */
	atomic_bool stopped;	       /* cancelled, or out of time: nothing is known */
	bool every_byte;	       /* words may begin anywhere, or be encoded */
	bool explain;		       /* keeps reasons */
	bool reasons_sorted;
	struct {
		struct native_reason *items;
		uint32_t num, capacity;
	} reasons;
};

void native_mark_init(struct native_mark *mark, struct arena *arena, struct progress *progress,
		      const struct native_memory *memory, const struct native_memory_input *input);
/* Marks all that the roots reach. */
void native_mark_roots(struct native_mark *mark);
/* Marks what this thread's registers and live stack reach. */
void native_mark_task(struct native_mark *mark, uint32_t task);
/* Before anything is marked: words may begin at any byte, or be encoded as in a jmp_buf. */
void native_mark_begin_every_byte(struct native_mark *mark);
/* The same from now on; looks once more through all that was looked through. */
void native_mark_every_byte(struct native_mark *mark);
/* Marks what only words that lead to shortly before a chunk lead to: such as stand where an array
 * counts from one, or where a list's head would be an entry. After one of these two. False:
 * nothing is new. */
bool native_mark_near(struct native_mark *mark);
/* Is the chunk that holds addr marked? True of all that is no heap's. */
bool native_mark_reached(const struct native_mark *mark, uint64_t addr);
/* What led to the chunk that holds addr first; false: nothing, or nobody asked for reasons. */
bool native_mark_reason(struct native_mark *mark, uint64_t addr, struct native_source *ret);

#endif
