#include "base/addresses.h"

enum { NEAR_PROBES = 8, MIN_SLOTS = 64 };

void addresses_init(struct addresses *addresses, struct arena *arena)
{
	*addresses = (struct addresses){.arena = arena};
}

/* The slot that holds the address, or the empty one where it belongs. Neighbours in memory are
 * neighbours here; where that place is crowded the address is scattered. */
static uint32_t find_slot(const uint32_t *slots, uint32_t num_slots, const uint64_t *items,
			  uint64_t addr)
{
	uint32_t mask = num_slots - 1, slot = (uint32_t)(addr >> 4) & mask;
	for (uint32_t probe = 0; slots[slot] != 0; probe++) {
		if (items[slots[slot] - 1] == addr)
			return slot;
		slot = probe == NEAR_PROBES
			       ? (uint32_t)(addr * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask
			       : (slot + 1) & mask;
	}
	return slot;
}

static void make_slots(struct addresses *addresses, uint32_t num_slots)
{
	uint32_t *slots = arena_alloc_array(addresses->arena, num_slots, sizeof(*slots));
	for (uint32_t i = 0; i < addresses->list.num; i++)
		slots[find_slot(slots, num_slots, addresses->list.items,
				addresses->list.items[i])] = i + 1;
	addresses->slots = slots;
	addresses->num_slots = num_slots;
}

static void make_room(struct addresses *addresses)
{
	if (addresses->num_slots == 0)
		make_slots(addresses, MIN_SLOTS);
	else if (addresses->list.num >= addresses->num_slots / 2)
		make_slots(addresses, addresses->num_slots * 2);
}

void addresses_reserve(struct addresses *addresses, uint32_t num)
{
	uint32_t num_slots = MIN_SLOTS;
	if (num > UINT32_MAX / 4 || num <= addresses->list.num)
		return;
	while (num_slots / 2 < num)
		num_slots *= 2;
	if (num_slots > addresses->num_slots)
		make_slots(addresses, num_slots);
	if (num > addresses->list.capacity) {
		addresses->list.items =
			arena_grow(addresses->arena, addresses->list.items,
				   addresses->list.capacity * sizeof(*addresses->list.items),
				   num * sizeof(*addresses->list.items));
		addresses->list.capacity = num;
	}
}

uint32_t addresses_add(struct addresses *addresses, uint64_t addr, bool *new_ret)
{
	make_room(addresses);
	uint32_t slot =
		find_slot(addresses->slots, addresses->num_slots, addresses->list.items, addr);
	bool is_new = addresses->slots[slot] == 0;
	if (is_new) {
		*array_add(addresses->arena, &addresses->list) = addr;
		addresses->slots[slot] = addresses->list.num;
	}
	if (new_ret != NULL)
		*new_ret = is_new;
	return addresses->slots[slot] - 1;
}

uint32_t addresses_find(const struct addresses *addresses, uint64_t addr)
{
	if (addresses->num_slots == 0)
		return UINT32_MAX;
	return addresses->slots[find_slot(addresses->slots, addresses->num_slots,
					  addresses->list.items, addr)] -
	       1;
}
