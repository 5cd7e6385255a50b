/* native_memory.h - the process's memory as a proof about native threads sees it: threads' stacks,
 * chunks of glibc's heap, and all the rest, which counts as reachable.
 *
 * Where anything is in doubt it is the rest. */
#ifndef CORELEAKS_PROOF_NATIVE_MEMORY_H
#define CORELEAKS_PROOF_NATIVE_MEMORY_H

#include "task/heap_chunks.h"
#include "task/nptl.h"

/* Memory that belongs to one thread's frames, its static TLS and its descriptor. */
struct native_block {
	struct range range;
	uint64_t frames_high; /* where its frames and TLS end and its descriptor begins */
	uint64_t sp;	      /* its frames lie above; 0: it has no task */
	int32_t task;	      /* -1: the thread has ended */
	int32_t thread;	      /* index of nptl's threads; -1 unknown */
	bool own;	      /* its task runs on it: else all of it is in use */
	bool nameable; /* its frames may be reached by pointers that nobody can tell from others:
			  the main thread's, when its end is unknown */
};

struct native_area {
	struct range range;
	const struct heap *heap; /* NULL: a block */
	uint32_t index;		 /* of the heap, or of the block */
};

/* Memory that counts as reachable. */
struct native_root {
	struct range range;
	uint64_t file_off;
};

struct native_memory {
	struct dump *dump;
	const unsigned char *file; /* all of the core */
	struct heaps heaps;
	struct {
		struct native_block *items;
		uint32_t num, capacity;
	} blocks;
	struct {
		struct native_area *items; /* heaps and blocks by ascending address */
		uint32_t num, capacity;
	} areas;
	struct {
		struct native_root *items;
		uint32_t num, capacity;
	} roots;
	int32_t *block_of_task;	  /* the block of each task's own stack; -1 none */
	int32_t *block_of_thread; /* the same of each of nptl's */
	struct range main_pd;	  /* the main thread's descriptor: no root; empty: unknown */
	int32_t main_task;	  /* -1 unknown */
	const char *forbidden;	  /* why nothing at all can be proved; NULL: it can */
	struct range undumped;	  /* writable, and not in the core; empty: there is none */
	struct range advised;	  /* not in the core, either because it was never touched or by
				     MADV_DONTDUMP; empty: there is none */
};

struct native_memory_input {
	const struct tasks *tasks;
	const struct nptl *nptl;
	const struct notes *notes;
	const struct modules *modules;
	struct dump *dump;
	struct image *image;
	bool carves_stacks; /* see struct program_powers */
};

void native_memory_build(struct native_memory *ret, struct arena *arena,
			 const struct native_memory_input *input);
/* The area that holds addr, or NULL: it is a root, or not mapped. */
const struct native_area *native_memory_find(const struct native_memory *memory, uint64_t addr);
/* The bytes at addr, of which *size_ret are left in its segment; NULL: not in the core. */
const unsigned char *native_memory_bytes(const struct native_memory *memory, uint64_t addr,
					 uint64_t *size_ret);

#endif
