/* symtab.h - names from a module's ELF symbol tables: its own, its separate debug file's, its
 * mini-debuginfo's, its dynamic one; and PLT entries by their relocations.
 *
 * In: ascending addresses of the ELF file. Out: for each the linker's name of the function around
 * it. One pass over each table, without sorting it. A name is only given when the symbol's size
 * covers the address, or when a symbol without size can be nothing else.
 */
#ifndef CORELEAKS_STACK_SYMTAB_H
#define CORELEAKS_STACK_SYMTAB_H

#include "core/elf_files.h"

struct symtab_name {
	struct bytes name; /* in the file's memory, no NUL; data NULL: unknown */
	uint64_t low;	   /* address in the ELF file where the function begins */
	bool plt;	   /* the entry for name in the procedure linkage table */
};

/* ret has room for num names and is zeroed. */
void symtab_find(struct arena *arena, struct gaps *gaps, struct elf_files *files,
		 struct elf_file *file, const uint64_t *addrs, uint32_t num,
		 struct symtab_name *ret);

#endif
