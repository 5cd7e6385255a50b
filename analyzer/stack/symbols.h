/* symbols.h - names for code addresses: function, file and line, inlined functions.
 *
 * In: all distinct addresses at once. Out: for each, one or more frames, innermost inlined
 * function first. Debug information first (DWARF lines and inlines), then .symtab, then .dynsym,
 * of the file, its separate debug file and its mini-debuginfo. A symbol counts only when the
 * address lies within its size: never a nearest wrong name.
 */
#ifndef CORELEAKS_STACK_SYMBOLS_H
#define CORELEAKS_STACK_SYMBOLS_H

#include "base/progress.h"
#include "task/go_tables.h"

struct code_address {
	uint64_t lookup; /* runtime address to name: the pc, or the byte before a return address */
	int32_t module;	 /* index in modules, -1: none maps it */
};

struct symbol_frame {
	const char *function; /* demangled, without parameters; NULL unknown */
	uint64_t low;	  /* runtime address where the function begins; 0 when inlined or unknown */
	const char *file; /* as the debug information has it; NULL unknown */
	uint32_t line;	  /* 0 unknown */
	bool inlined;	  /* into the next frame */
	bool wrapper;	  /* code that Go's compiler made; Go's own tracebacks leave it out */
	const char *origin; /* of Go's code: as in coreleaks_frame; NULL unknown */
};

struct symbol {
	uint32_t first, num; /* in symbols.frames; num >= 1 always */
};

struct symbols {
	struct symbol *by_address; /* parallel to the addresses given */
	struct {
		struct symbol_frame *items;
		uint32_t num, capacity;
	} frames;
};

/* All text lives as long as arena and files. Addresses without a name get one frame with nulls.
 * go: what is in Go's tables (perhaps none) is named by them; image is read for that alone. */
void symbols_build(struct symbols *ret, struct arena *arena, struct gaps *gaps,
		   struct progress *progress, const struct modules *modules,
		   struct elf_files *files, const struct go_tables *go, struct image *image,
		   const struct code_address *addresses, uint32_t num_addresses);

#endif
