/* go_runtime.h - finds the Go runtime in a core by its content alone: version, function tables,
 * goroutines, Ms, spans, the words for wait reasons. Needs neither symbols nor DWARF; nothing is
 * keyed on addresses. */
#ifndef CORELEAKS_TASK_GO_RUNTIME_H
#define CORELEAKS_TASK_GO_RUNTIME_H

#include "task/go_layout.h"

/* From memstats.last_gc_unix (runtime/mstats.go, the same in 1.19 to 1.27). */
enum {
	GO_GC_ENDS_OFF = 2064,	   /* wall clock ns at which the last 256 GCs ended, a ring */
	GO_GC_COUNT_OFF = 4112,	   /* uint32 GCs, uint32 forced ones */
	GO_GC_NANOTIME_OFF = 4128, /* last_gc_unix by the monotonic clock */
	GO_NUM_GC_ENDS = 256,
};

/* A Go slice in memory, and where its header stands. */
struct go_slice {
	uint64_t addr; /* of the slice's header; 0: not found */
	uint64_t data_addr;
	uint64_t num;
};

struct go_runtime {
	bool present;	     /* the program has Go's function tables */
	bool recognised;     /* goroutines can be read: layout is valid */
	const char *version; /* as the program has it: "go1.22.12"; NULL unknown */
	int32_t minor;	     /* of "go1.MINOR"; -1 unknown */
	struct go_tables tables;
	struct range globals; /* of the program's Go variables */
	struct go_layout layout;
	struct go_slice allgs, allspans, allp;
	uint64_t allm;		   /* newest M; 0 not found */
	uint64_t sched_addr;	   /* the scheduler's state (schedt); 0 not found */
	uint64_t gc_addr;	   /* memstats.last_gc_unix; 0: no GC yet, or not found */
	const char **wait_reasons; /* by number, in the runtime's own words */
	uint32_t num_wait_reasons;
};

/* present is false for programs without Go. */
void go_runtime_build(struct go_runtime *ret, struct arena *arena, struct gaps *gaps,
		      struct image *image, const struct notes *notes);

/* Address of mheap.sweepgen, twice the number of GCs; 0 unknown. */
uint64_t go_runtime_sweepgen_addr(const struct go_runtime *runtime);

#endif
