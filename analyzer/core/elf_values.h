/* elf_values.h - the addresses of symbols by their names, from .dynsym and .symtab. */
#ifndef CORELEAKS_CORE_ELF_VALUES_H
#define CORELEAKS_CORE_ELF_VALUES_H

#include "core/elf_files.h"

/* values_ret[i]: address in the ELF file of names[i], 0 unknown. One pass over each table; the
 * dynamic one first. Data and functions alike. */
void elf_values_find(const struct elf_file *file, const char *const *names, uint32_t num_names,
		     uint64_t *values_ret);

/* Which of these (64 at most) the file takes from another: bit i for names[i]. By undefined names
 * in its dynamic symbols; where one of those is dlsym(), or leads to it, by strings in its data
 * too. */
uint64_t elf_values_imports(const struct elf_file *file, const char *const *names,
			    uint32_t num_names);

/* Where its writable memory is, with what it only zeroes: the range number index of these, in the
 * file's terms. False: it has no more. */
bool elf_values_writable(const struct elf_file *file, uint32_t index, struct range *ret);

#endif
