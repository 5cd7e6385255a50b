#include "group/task_order.h"

enum { NUM_BYTES = sizeof(int64_t), NUM_VALUES = 256 };

/* A byte of the id, so that negative ones come first. */
static unsigned byte_of(int64_t id, int byte)
{
	return (unsigned)(((uint64_t)id ^ UINT64_C(1) << 63) >> (8 * byte)) & 0xff;
}

/* By one byte, and as before where it is equal; false: it is the same in all, nothing was moved. */
static bool sort_by_byte(const struct task_order *from, struct task_order *to, uint32_t num,
			 int byte)
{
	uint32_t first[NUM_VALUES] = {0}, sum = 0;
	for (uint32_t i = 0; i < num; i++)
		first[byte_of(from[i].id, byte)]++;
	if (first[byte_of(from[0].id, byte)] == num)
		return false;
	for (int i = 0; i < NUM_VALUES; i++) {
		uint32_t count = first[i];
		first[i] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < num; i++)
		to[first[byte_of(from[i].id, byte)]++] = from[i];
	return true;
}

const struct task_order *task_order_build(struct arena *arena, const struct groups_input *input)
{
	uint32_t num = input->num_tasks;
	struct task_order *order = arena_alloc_array(arena, num, sizeof(*order)), *other;
	bool sorted = true;
	for (uint32_t i = 0; i < num; i++) {
		order[i] = (struct task_order){groups_task_id(input, i), i};
		sorted &= i == 0 || order[i - 1].id <= order[i].id;
	}
	if (sorted)
		return order;
	other = arena_alloc_array(arena, num, sizeof(*other));
	for (int byte = 0; byte < NUM_BYTES; byte++) {
		struct task_order *from = order;
		if (!sort_by_byte(from, other, num, byte))
			continue;
		order = other;
		other = from;
	}
	task_order_drop(arena, other, num);
	return order;
}

void task_order_drop(struct arena *arena, const struct task_order *order, uint32_t num)
{
	arena_drop(arena, (void *)(uintptr_t)order, num * sizeof(*order));
}
