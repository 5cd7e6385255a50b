/* go_spans.h - the memory that a Go program manages: which span and which object an address lies
 * in.
 *
 * In: the runtime's list of spans. Out: those in use and those of stacks, in order, with a look-up
 * that takes about the same time for ten spans and for a million. Whether an object is free is not
 * known: during a GC the runtime's own marks of that are out of date. */
#ifndef CORELEAKS_TASK_GO_SPANS_H
#define CORELEAKS_TASK_GO_SPANS_H

#include "task/go_runtime.h"

enum { GO_PAGE_SIZE = 8192 };

/* runtime/mheap.go, mSpanState */
enum { GO_SPAN_DEAD = 0, GO_SPAN_IN_USE = 1, GO_SPAN_MANUAL = 2 };

struct go_span {
	uint64_t base;
	uint64_t limit;	       /* objects lie in [base, limit) */
	uint64_t pages_high;   /* end of its pages: what lies behind limit belongs to no object */
	uint64_t element_size; /* bytes; 0: stacks, or memory that the runtime manages by hand */
	uint64_t addr;	       /* of the mspan */
	uint8_t state;	       /* GO_SPAN_IN_USE or GO_SPAN_MANUAL */
	uint8_t size_class;    /* 0: one large object */
	bool noscan;	       /* its objects hold no pointers */
};

struct go_spans {
	struct {
		struct go_span *items; /* by ascending base, not overlapping */
		uint32_t num, capacity;
	} list;
	bool known;	      /* the list was found */
	uint32_t num_damaged; /* entries that could not be read or contradict others: left out */
	/* For the look-up: [low, high) in blocks of 1 << shift bytes; blocks[i] is the first span
	 * that ends behind the block's begin. */
	uint64_t low, high;
	uint32_t shift;
	uint32_t *blocks;
};

void go_spans_build(struct go_spans *ret, struct arena *arena, struct gaps *gaps,
		    const struct go_runtime *runtime, struct image *image);

/* The span whose pages hold addr; NULL none. */
const struct go_span *go_spans_find(const struct go_spans *spans, uint64_t addr);

/* The object of the heap that addr points to or into. */
bool go_spans_object(const struct go_spans *spans, uint64_t addr, struct range *ret);

#endif
