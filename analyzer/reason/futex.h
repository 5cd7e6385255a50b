/* futex.h - from a futex wait to the lock, condition, semaphore … that it belongs to. */
#ifndef CORELEAKS_REASON_FUTEX_H
#define CORELEAKS_REASON_FUTEX_H

#include "reason/api_frames.h"
#include "reason/waits.h"

struct futex_wait {
	const struct task *task;
	const struct nptl_thread *thread; /* NULL: not a glibc thread */
	const struct nptl *nptl;
	struct image *image;
	struct api_frame api;
	bool static_glibc;   /* the program itself carries glibc */
	uint64_t inner_size; /* bytes of stack that glibc's innermost frames take; 0 unknown */
	uint64_t addr;	     /* of the futex word */
	uint32_t op;	     /* without its flags */
	uint32_t expected;   /* the word's value when the wait began */
	uint32_t word;	     /* its value now */
	bool word_known;
};

/* Fills all of *ret but its clock. */
void futex_decode(const struct futex_wait *futex, struct wait *ret);

#endif
