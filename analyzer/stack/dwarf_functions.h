/* dwarf_functions.h - where the functions of a module's file begin and end, by its .eh_frame: known
 * even when the file has no symbols. */
#ifndef CORELEAKS_STACK_DWARF_FUNCTIONS_H
#define CORELEAKS_STACK_DWARF_FUNCTIONS_H

#include "core/elf_files.h"

struct functions {
	struct range *items; /* of addresses in the ELF file, ascending; may overlap when damaged */
	uint32_t num, capacity;
};

void dwarf_functions_read(struct functions *ret, struct arena *arena, struct elf_file *file);
/* The function that holds addr, or NULL. */
const struct range *functions_find(const struct functions *functions, uint64_t addr);
bool functions_begin_at(const struct functions *functions, uint64_t addr);

#endif
