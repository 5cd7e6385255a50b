/* instructions.h - how long x86-64 instructions are, and whether a file's code makes system calls
 * of its own, by the instruction. Knows nothing of what they do. */
#ifndef CORELEAKS_STACK_INSTRUCTIONS_H
#define CORELEAKS_STACK_INSTRUCTIONS_H

#include "core/elf_files.h"

/* Bytes of the instruction at off; 0: there is none, or its end is missing. */
uint32_t instruction_size(struct bytes code, uint64_t off);
/* Is there a `syscall` among these instructions? Where the bytes of one may as well be a part of
 * another instruction, they are taken for one. */
bool instructions_enter_kernel(struct bytes code);
/* The same of all code of a file. */
bool file_enters_kernel(const struct elf_file *file);

#endif
