#include "stack/dwarf_units.h"

#include <dwarf.h>

uint32_t dwarf_units_lower_bound(const uint64_t *addrs, uint32_t num, uint64_t addr)
{
	uint32_t low = 0, high = num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (addrs[middle] < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t find_in_table(struct dwarf_session *session, const uint64_t *addrs, uint32_t num,
			      Dwarf_Off *unit_offs)
{
	Dwarf_Aranges *table;
	Dwarf_Off off;
	Dwarf_Die unit;
	struct range range;
	size_t table_size;
	uint32_t num_found = 0;
	if (dwarf_getaranges(session->dwarf, &table, &table_size) != 0)
		return 0;
	for (uint32_t i = 0; i < num; i++) {
		Dwarf_Arange *entry = dwarf_getarange_addr(table, addrs[i]);
		/* The unit must agree: tables may be stale, or have entries of dropped code. */
		if (entry == NULL || dwarf_getarangeinfo(entry, NULL, NULL, &off) != 0 ||
		    dwarf_offdie(session->dwarf, off, &unit) == NULL ||
		    !dwarf_session_covers(session, &unit, addrs[i], &range))
			continue;
		unit_offs[i] = off;
		num_found++;
	}
	return num_found;
}

static uint32_t claim(struct dwarf_session *session, Dwarf_Die *unit, const uint64_t *addrs,
		      uint32_t num, Dwarf_Off *unit_offs)
{
	struct range range;
	Dwarf_Addr base;
	uint32_t num_found = 0;
	for (ptrdiff_t off = 0; dwarf_session_next_range(session, unit, &off, &base, &range);) {
		uint32_t i = dwarf_units_lower_bound(addrs, num, range.low);
		for (; i < num && addrs[i] < range.high; i++) {
			if (unit_offs[i] != 0)
				continue;
			unit_offs[i] = dwarf_dieoffset(unit);
			num_found++;
		}
	}
	return num_found;
}

void dwarf_units_find(struct dwarf_session *session, struct progress *progress,
		      const uint64_t *addrs, uint32_t num, Dwarf_Off *unit_offs)
{
	Dwarf_CU *previous = NULL, *next;
	Dwarf_Half version;
	uint8_t type;
	Dwarf_Die unit;
	uint32_t num_found = find_in_table(session, addrs, num, unit_offs);
	for (uint64_t done = 0; num_found < num; done++) {
		if (!progress_tick(progress, "symbols", done, 0))
			return;
		int result = dwarf_get_units(session->dwarf, previous, &next, &version, &type,
					     &unit, NULL);
		if (result < 0)
			dwarf_session_damaged(session);
		if (result != 0)
			return;
		if (dwarf_tag(&unit) <= 0)
			dwarf_session_damaged(session);
		else if (type == DW_UT_compile || type == DW_UT_skeleton)
			num_found += claim(session, &unit, addrs, num, unit_offs);
		previous = next;
	}
}
