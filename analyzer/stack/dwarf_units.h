/* dwarf_units.h - which compilation unit each code address belongs to. */
#ifndef CORELEAKS_STACK_DWARF_UNITS_H
#define CORELEAKS_STACK_DWARF_UNITS_H

#include "base/progress.h"
#include "stack/dwarf_session.h"

/* addrs: ascending. unit_offs: for each the offset of its unit's DIE; stays 0: none. One look at
 * the address table, and one pass over all units for what that does not have (clang). */
void dwarf_units_find(struct dwarf_session *session, struct progress *progress,
		      const uint64_t *addrs, uint32_t num, Dwarf_Off *unit_offs);
/* Index of the first of the ascending addrs that is >= addr. */
uint32_t dwarf_units_lower_bound(const uint64_t *addrs, uint32_t num, uint64_t addr);

#endif
