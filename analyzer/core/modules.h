/* modules.h - which program and libraries were mapped where, and which files stand for them.
 *
 * From NT_FILE; from the dynamic linker's link map when that note is absent; the vDSO from the
 * core itself. A file whose build-id differs from the core's is refused. */
#ifndef CORELEAKS_CORE_MODULES_H
#define CORELEAKS_CORE_MODULES_H

#include "core/elf_files.h"
#include "core/notes.h"

struct module {
	struct coreleaks_module info;
	const char *name;   /* path without directories */
	struct range range; /* all of its PT_LOADs in memory */
	uint64_t bias;	    /* runtime address minus address in the ELF file */
	bool main_program;
	bool vdso;
	struct elf_file *file; /* NULL: none, see info.problem */
};

struct modules {
	struct {
		struct module *items; /* by ascending address */
		uint32_t num, capacity;
	} list;
	int32_t main_index; /* -1 unknown */
};

/* executable: the file the user gave for the main program, or NULL. */
void modules_build(struct modules *ret, struct arena *arena, struct gaps *gaps,
		   const struct dump *dump, const struct notes *notes, struct elf_files *files,
		   const char *executable);
/* Is a module of that name (without directories) glibc: libc, or libpthread before 2.34? */
bool module_is_libc(const char *name);
/* Index of the module that holds addr, or -1. */
int32_t modules_find(const struct modules *modules, uint64_t addr);

#endif
