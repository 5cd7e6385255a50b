/* goroutines.h - the goroutines of a Go program, as tasks: state, reason, where to unwind from,
 * which thread runs which.
 *
 * In: the runtime that was found, the threads (already tasks). Out: one task and one goroutine for
 * each that is not dead. Dead ones are counted. */
#ifndef CORELEAKS_TASK_GOROUTINES_H
#define CORELEAKS_TASK_GOROUTINES_H

#include "base/worker.h"
#include "task/go_runtime.h"
#include "task/tasks.h"

struct goroutine {
	uint64_t addr; /* of its g */
	struct range stack;
	int64_t parent_id;     /* 0 unknown: before Go 1.21, or made by none */
	uint64_t waiting_addr; /* its first sudog: what it stands in queues with; 0 none */
	uint64_t timer_addr;   /* what time.Sleep waits for; 0 it never slept */
	uint32_t origin;       /* index of where it comes from */
	uint32_t common;       /* index of what many have alike */
	int32_t thread;	       /* task of the thread that runs it, or that it is locked to; -1 */
	bool locked;	       /* to its thread */
	bool leaked;	       /* Go's own leak profile marked it (1.26 on) */
	bool in_c;	       /* its thread runs C for it */
	bool exact; /* the pc is that of an interrupted instruction, not a return address */
};

struct go_common {
	int64_t wait_since;	 /* monotonic ns when a GC first saw it blocked; 0 never */
	uint64_t labels_addr;	 /* pprof labels; 0 none */
	uint64_t ancestors_addr; /* 0 none */
};

/* Where goroutines come from. */
struct go_origin {
	uint64_t gopc;	     /* after the go statement that made them; 0 none (cgo callbacks) */
	uint64_t start_addr; /* their function; 0 none */
};

/* A goroutine that has ended, whose record no other one has used since. */
struct go_ended {
	int64_t id, parent_id; /* parent_id 0: unknown */
	uint32_t origin;       /* of goroutines that live too; others are not kept */
};

/* One of the runtime's threads. */
struct go_m {
	uint64_t addr;
	int64_t procid;
	int32_t thread; /* its task; -1 none: not started, or ended */
	uint64_t curg_addr;
	struct range g0_stack, signal_stack, curg_stack;
};

struct goroutines {
	uint32_t first_task; /* goroutine i is task first_task + i */
	struct {
		struct goroutine *items; /* in the runtime's order */
		uint32_t num, capacity;
	} list;
	struct {
		struct go_origin *items;
		uint32_t num, capacity;
	} origins;
	struct {
		struct go_ended *items;
		uint32_t num, capacity;
	} ended; /* in the runtime's order */
	struct {
		struct go_common *items;
		uint32_t num, capacity;
	} commons;
	struct {
		struct go_m *items;
		uint32_t num, capacity;
	} ms;
	int32_t *m_of_thread;	   /* parallel to the threads' tasks; -1: no thread of Go's */
	uint32_t num_threads;	   /* elements of m_of_thread */
	uint32_t num_dead;	   /* gs kept for reuse */
	uint32_t num_damaged;	   /* gs that could not be read */
	uint64_t num_left_out;	   /* gs that were not looked at: there are too many tasks */
	struct worker second_half; /* of an analysis that ended meanwhile: to be released */
	uint32_t num_spare;	   /* of the dead: kept for threads of C that will call Go */
};

/* The task's goroutine, or NULL. */
const struct goroutine *goroutines_of_task(const struct goroutines *goroutines, uint32_t task);

static inline const struct go_common *goroutines_common(const struct goroutines *goroutines,
							const struct goroutine *goroutine)
{
	return &goroutines->commons.items[goroutine->common];
}

/* Adds the tasks; none when the runtime was not recognised. */
void goroutines_add(struct goroutines *ret, struct tasks *tasks, struct arena *arena,
		    struct gaps *gaps, const struct go_runtime *runtime, const struct notes *notes,
		    struct image *image);

#endif
