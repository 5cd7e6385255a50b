/* go_symbols.h - names, inlined calls, files and lines of Go code, by Go's own tables: the same for
 * stripped programs. */
#ifndef CORELEAKS_STACK_GO_SYMBOLS_H
#define CORELEAKS_STACK_GO_SYMBOLS_H

#include "stack/symbols.h"
#include "task/go_tables.h"

/* Appends the frames at the runtime address lookup, innermost first; false: no code of Go's. */
bool go_symbols_add(struct symbols *symbols, struct arena *arena, struct image *image,
		    const struct go_tables *tables, uint64_t lookup, struct symbol *ret);

#endif
