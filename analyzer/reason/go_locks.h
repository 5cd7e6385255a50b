/* go_locks.h - the locks of package sync: which one a semaphore's waiter waits for, and what the
 * lock's own words say. */
#ifndef CORELEAKS_REASON_GO_LOCKS_H
#define CORELEAKS_REASON_GO_LOCKS_H

#include "core/image.h"
#include "coreleaks.h"

/* Which lock a stack waits for, by the functions of package sync on it. */
struct go_lock_place {
	const char *kind;  /* go-mutex …; semaphore: of something else */
	uint32_t sema_off; /* from the lock to the semaphore's word */
	const char *use;   /* "sync.Once": the lock is part of it; NULL none */
};

struct go_lock_place go_lock_place_of(const struct coreleaks_stack *stack);

/* Reads what the lock itself says; object->kind and addr are set. */
void go_lock_decode(struct coreleaks_go_object *object, struct image *image);

#endif
