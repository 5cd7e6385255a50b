/* demangle.h - linker names to the names of the source: C++, Rust (both manglings), D.
 *
 * Without parameters, return type and hash; without symbol versions and the suffixes that
 * compilers give to clones of a function (.cold, .part.0, .constprop.0 ...). Names are hostile:
 * length, recursion and output are limited.
 */
#ifndef CORELEAKS_STACK_DEMANGLE_H
#define CORELEAKS_STACK_DEMANGLE_H

#include "base/arena.h"

#include <stdbool.h>

enum { DEMANGLE_MAX_SIZE = 64 * 1024 }; /* of names, going in and coming out */

struct demangler {
	char *input, *output; /* DEMANGLE_MAX_SIZE bytes and a NUL */
	size_t output_size;
	bool too_long;
	jmp_buf stop; /* out of a demangler whose output has no end */
};

void demangler_init(struct demangler *demangler, struct arena *arena);
/* The source's name for these bytes, or the bytes themselves, cut to DEMANGLE_MAX_SIZE.
 * NUL-terminated; valid until the next call. */
const char *demangle(struct demangler *demangler, const char *name, size_t size);

#endif
