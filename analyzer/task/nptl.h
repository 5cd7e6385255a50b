/* nptl.h - glibc's own view of its threads: their descriptors (struct pthread), which of them has
 * finished. Needs no debug information; glibc 2.31 to 2.41.
 *
 * A descriptor is named by its address, which is the value of pthread_t. */
#ifndef CORELEAKS_TASK_NPTL_H
#define CORELEAKS_TASK_NPTL_H

#include "task/tasks.h"

enum nptl_life {
	NPTL_ALIVE,	/* a task of the core is this thread */
	NPTL_FINISHED,	/* has ended, nobody has joined it yet */
	NPTL_IN_FLIGHT, /* being created or torn down */
};

struct nptl_thread {
	uint64_t pd_addr;
	int32_t tid;  /* as the process sees it (pid namespaces); 0 ended */
	int32_t task; /* index of its task; -1 none */
	enum nptl_life life;
	bool detached;
	bool shared;	       /* by several tasks: threads cloned by hand */
	uint64_t start_addr;   /* start routine; 0 for the main thread */
	uint64_t arg_addr;     /* its argument, as it was */
	uint64_t cleanup_addr; /* newest cleanup buffer; 0 none */
	uint64_t stack_addr;   /* lowest address of its stack block; 0 unknown */
	uint64_t stack_size;   /* bytes reserved, with guard; 0 unknown */
	uint64_t guard_size;   /* of these, at its low end; 0 none, or memory that the user gave */
};

/* Offsets in struct pthread. */
struct nptl_layout {
	uint32_t tid_off, list_off, start_off, cancel_off, size;
	uint32_t stack_off; /* stackblock, stackblock_size, guardsize; 0 unknown */
};

/* The stack of a thread that is gone, kept for the next one. */
struct nptl_cached {
	uint64_t pd_addr, stack_addr, stack_size, guard_size; /* as in struct nptl_thread */
};

struct nptl {
	bool present; /* glibc's threads were found */
	struct nptl_layout layout;
	struct {
		struct nptl_thread *items; /* by ascending pd_addr */
		uint32_t num, capacity;
	} threads;
	int32_t *by_task; /* index in threads of each task; -1 none */
	uint32_t *by_tid; /* indexes of the live ones by ascending tid */
	uint32_t num_alive;
	uint32_t num_finished;
	struct {
		struct nptl_cached *items;
		uint32_t num, capacity;
	} cached;
	bool lists_whole; /* every ring of descriptors could be followed to its end */
};

void nptl_build(struct nptl *ret, struct arena *arena, struct gaps *gaps, struct image *image,
		const struct notes *notes, const struct tasks *tasks);
/* The thread with that descriptor address, or -1. */
int32_t nptl_find(const struct nptl *nptl, uint64_t pd_addr);
/* The live thread with that id (as mutexes record it), or -1. */
int32_t nptl_find_tid(const struct nptl *nptl, int32_t tid);

#endif
