/* addresses.h - gives equal addresses the same small number: 0, 1, 2 … in order of arrival.
 *
 * Like intern.h, for millions of addresses: those that lie near each other are near each other in
 * the table too, so that going through a heap in order stays within few cache lines. */
#ifndef CORELEAKS_BASE_ADDRESSES_H
#define CORELEAKS_BASE_ADDRESSES_H

#include "base/arena.h"

#include <stdbool.h>

struct addresses {
	struct arena *arena;
	struct {
		uint64_t *items; /* by number */
		uint32_t num, capacity;
	} list;
	uint32_t *slots; /* open addressing; 0 empty, else number + 1 */
	uint32_t num_slots;
};

void addresses_init(struct addresses *addresses, struct arena *arena);
/* Makes room for num of them, so that adding them moves nothing. */
void addresses_reserve(struct addresses *addresses, uint32_t num);
/* Its number; *new_ret (may be NULL) tells whether it was seen for the first time. */
uint32_t addresses_add(struct addresses *addresses, uint64_t addr, bool *new_ret);
/* Its number, or UINT32_MAX when never added. */
uint32_t addresses_find(const struct addresses *addresses, uint64_t addr);

#endif
