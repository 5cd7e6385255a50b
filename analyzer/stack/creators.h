/* creators.h - which place in the code creates a thread.
 *
 * glibc does not record who called pthread_create(), but that code forms the address of the start
 * routine (for std::thread the address of its state's virtual table, in Rust that of the closure).
 * In: threads and where they start. Out: the calls in the code that can have created each. */
#ifndef CORELEAKS_STACK_CREATORS_H
#define CORELEAKS_STACK_CREATORS_H

#include "core/image.h"
#include "task/starts.h"

struct creator_place {
	uint64_t pc;	       /* behind the call */
	uint64_t function_low; /* 0 unknown */
	uint32_t target;
	bool inferred; /* it hands the address to some other function than pthread_create() */
};

/* An address that is looked for. */
struct creator_target {
	uint32_t first, num;  /* its places */
	uint32_t num_unclear; /* other ways by which the address gets about: tables, mere reads */
	bool lost;	      /* there are more places than could be looked at */
};

struct creators {
	struct {
		struct creator_place *items; /* by target, then pc */
		uint32_t num, capacity;
	} places;
	struct {
		struct creator_target *items;
		uint32_t num, capacity;
	} targets;
	uint32_t *by_thread; /* target of each of nptl's threads; UINT32_MAX none */
};

void creators_find(struct creators *ret, struct arena *arena, struct gaps *gaps,
		   struct elf_files *files, struct image *image, const struct nptl *nptl,
		   const struct start *starts);

#endif
