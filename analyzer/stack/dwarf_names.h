/* dwarf_names.h - the name of a function in DWARF: the linker's where it has one, else the
 * source's with its enclosing namespaces and classes. */
#ifndef CORELEAKS_STACK_DWARF_NAMES_H
#define CORELEAKS_STACK_DWARF_NAMES_H

#include "base/intern.h"
#include "stack/demangle.h"

#include <elfutils/libdw.h>

enum dwarf_name_kind {
	DWARF_NAME_NONE = 0,
	DWARF_NAME_SOURCE, /* C and such: as written in the source */
	DWARF_NAME_LINKAGE,
	DWARF_NAME_SCOPED, /* C++ without a linkage name: put together from its scopes */
};

struct dwarf_name {
	const char *text; /* ready to be shown; NULL for DWARF_NAME_NONE */
	enum dwarf_name_kind kind;
};

struct dwarf_names {
	struct intern *texts; /* where all names end up */
	struct demangler *demangler;
	bool damaged; /* some DIE could not be read */
};

struct dwarf_name dwarf_name_of(struct dwarf_names *names, Dwarf_Die *function);
/* Of two functions that are the same code (assembly code has aliases): whether a's name is the
 * plainer one. */
bool dwarf_name_plainer(Dwarf_Die *a, Dwarf_Die *b);

#endif
