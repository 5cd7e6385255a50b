/* api_frames.h - which waiting function of a library a stack stands in, by its public name. */
#ifndef CORELEAKS_REASON_API_FRAMES_H
#define CORELEAKS_REASON_API_FRAMES_H

#include "coreleaks.h"

#include <stdbool.h>
#include <stddef.h>

enum api {
	API_NONE,
	API_MUTEX,
	API_CONDITION,
	API_RWLOCK_READ,
	API_RWLOCK_WRITE,
	API_SEMAPHORE,
	API_BARRIER,
	API_ONCE,
	API_JOIN,
	API_FILE_LOCK, /* flockfile: a lock of glibc's own kind, with owner */
	API_ATOMIC,
	API_PARK,
	API_GUARD, /* a C++ function-local static is being initialised by another thread */
	API_FUTURE,
	API_LATCH,
};

struct api_frame {
	enum api api;
	bool glibc;	  /* the function is glibc's: objects have glibc's layouts */
	const char *what; /* type name to show, or NULL */
};

/* Looks at the innermost frames only, and not beyond a signal handler's. callee: the function of
 * the C library that the stack's own code called, or NULL. static_glibc: the program itself may
 * carry glibc. */
struct api_frame api_frame_find(const struct coreleaks_stack *stack, const char *callee,
				bool static_glibc);

/* A function of glibc by its plain name: without leading underscores, its internal aliases' "GI_",
 * version, and what marks variants for 64-bit time_t. */
struct glibc_name {
	const char *text;
	size_t length;
};

struct glibc_name glibc_name_of(const char *function);
bool glibc_name_is(struct glibc_name name, const char *wanted);

#endif
