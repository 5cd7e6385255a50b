/* dwarf_lines.h - functions, inlined functions and source lines from a module's debug information.
 *
 * In: ascending addresses of the ELF file. Out: for each its frames, innermost first. Reads the
 * file's own DWARF or its separate debug file's; a file that cannot be read becomes a gap. With
 * dwarf_names.c the only place that asks libdw for DIEs and line tables.
 */
#ifndef CORELEAKS_STACK_DWARF_LINES_H
#define CORELEAKS_STACK_DWARF_LINES_H

#include "base/progress.h"
#include "core/elf_files.h"
#include "stack/dwarf_names.h"

struct dwarf_frame {
	struct dwarf_name function;
	uint64_t
		low; /* address in the ELF file where this part of the function begins; 0 unknown */
	const char *file; /* NULL unknown */
	uint32_t line;	  /* 0 unknown */
};

struct dwarf_hit {
	struct dwarf_frame *frames; /* all but the last are inlined */
	uint32_t num;		    /* 0: nothing known */
};

/* hits has room for num items and is zeroed. Names and files end up in texts. */
void dwarf_lines_find(struct arena *arena, struct gaps *gaps, struct elf_files *files,
		      struct elf_file *file, struct progress *progress, struct intern *texts,
		      struct demangler *demangler, const uint64_t *addrs, uint32_t num,
		      struct dwarf_hit *hits);

#endif
