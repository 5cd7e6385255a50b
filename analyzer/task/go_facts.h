/* go_facts.h - what the Go runtime says of the program as a whole: GC, heap, clock, threads.
 *
 * Times are CLOCK_MONOTONIC ns. The core does not hold the time at which it was made: now_ns is the
 * latest moment that the runtime noted, so every age is at least what it says. */
#ifndef CORELEAKS_TASK_GO_FACTS_H
#define CORELEAKS_TASK_GO_FACTS_H

#include "task/go_spans.h"
#include "task/goroutines.h"

struct go_facts {
	uint32_t gomaxprocs; /* 0 unknown */
	bool heap_known;
	uint64_t heap_size;   /* bytes of spans in use; MemStats.HeapInuse */
	uint64_t stack_size;  /* bytes of goroutines' stacks; MemStats.StackInuse */
	int64_t num_gcs;      /* completed; -1 unknown */
	uint64_t num_created; /* goroutines ever made; 0 unknown */
	uint64_t last_id;     /* none has a higher number; 0 unknown */
	int64_t num_system;   /* the runtime's own count of its goroutines; -1 unknown */
	int64_t now_ns;	      /* 0 unknown */
	int64_t start_ns;     /* of the program, if its GOMAXPROCS never changed; 0 unknown */
	int64_t last_gc_ns;   /* end of the last GC; 0 none or unknown */
	int64_t gc_ends_ns[GO_NUM_GC_ENDS]; /* of the last num_gc_ends GCs, oldest first */
	uint32_t num_gc_ends;
};

void go_facts_build(struct go_facts *ret, const struct go_runtime *runtime,
		    const struct goroutines *goroutines, const struct go_spans *spans,
		    struct image *image);

/* Number of the first GC that began after that moment, counted from 1; 0: not known. A goroutine
 * that a GC found blocked was so before it. */
int64_t go_facts_gc_after(const struct go_facts *facts, int64_t since_ns);
/* From when on a goroutine with this g.waitsince is sure to wait; 0 unknown. */
int64_t go_facts_waits_since(const struct go_facts *facts, int64_t waitsince);

#endif
