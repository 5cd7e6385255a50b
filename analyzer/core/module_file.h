/* module_file.h - finds the file that stands for one mapped program or library, and checks that
 * it is the one that was mapped: by build-id, else by its layout. */
#ifndef CORELEAKS_CORE_MODULE_FILE_H
#define CORELEAKS_CORE_MODULE_FILE_H

#include "core/modules.h"

struct module_files {
	const struct dump *dump;
	const struct notes *notes;
	struct elf_files *files;
	struct gaps *gaps;
	const char *executable; /* the user's file for the main program, or NULL */
	bool executable_used;
	bool executable_refused;	/* it is not the one that was mapped; a gap says so */
	const char *executable_problem; /* why it could not be opened, or NULL */
	struct elf_layout *layout;	/* room for that of one file at a time; NULL: not yet */
};

/* Where something was mapped. */
struct module_place {
	const char *path;
	uint64_t header_addr; /* address of the file's first byte */
	const struct note_mapping
		*mappings; /* of this file, ascending; NULL: known to be a module */
	uint32_t num_mappings;
	bool is_program; /* by the auxiliary vector; else whoever holds its entry is */
};

/* False: it is a data file. */
bool module_file_find(struct module_files *module_files, const struct module_place *place,
		      struct module *ret);

#endif
