/* dwarf_session.h - one module's debug information while it is read: opens it with its dwz file,
 * closes it even when memory runs out, and walks its address ranges.
 *
 * libdw is kept from looking for files by itself: it would open whatever a hostile file names.
 */
#ifndef CORELEAKS_STACK_DWARF_SESSION_H
#define CORELEAKS_STACK_DWARF_SESSION_H

#include "core/elf_files.h"

#include <elfutils/libdw.h>

struct dwarf_session {
	struct arena *arena;
	struct gaps *gaps;
	struct elf_files *files;
	struct elf_file *file; /* that holds the DWARF */
	Dwarf *dwarf, *alt;    /* alt: the dwz file's, or NULL */
	bool damaged;	       /* reported already */
};

/* False: there is none, or it cannot be read, which is reported. */
bool dwarf_session_open(struct dwarf_session *session, struct arena *arena, struct gaps *gaps,
			struct elf_files *files, struct elf_file *file);
void dwarf_session_close(struct dwarf_session *session);
/* Reports libdw's last error, once a session. */
void dwarf_session_damaged(struct dwarf_session *session);

/* One after the other the ranges of die's code; begin with *off 0. Leaves out what the linker
 * has dropped. */
bool dwarf_session_next_range(struct dwarf_session *session, Dwarf_Die *die, ptrdiff_t *off,
			      Dwarf_Addr *base, struct range *ret);
/* The range of die's code that holds addr. */
bool dwarf_session_covers(struct dwarf_session *session, Dwarf_Die *die, uint64_t addr,
			  struct range *ret);
/* The split unit (.dwo) that belongs to a skeleton, or the unit itself. */
Dwarf_Die dwarf_session_whole_unit(struct dwarf_session *session, Dwarf_Die *unit);

#endif
