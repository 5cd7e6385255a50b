#include "group/task_order.h"

/* Of ids up to four million two digits differ. */
enum { DIGIT_BITS = 11, NUM_VALUES = 1 << DIGIT_BITS };

/* Ascends with the id, negative ones first. */
static uint64_t key_of(int64_t id)
{
	return (uint64_t)id ^ UINT64_C(1) << 63;
}

/* By the bits from shift on that a digit has, and as before where they are equal. */
static void sort_by_digit(const struct task_order *from, struct task_order *to, uint32_t num,
			  int shift)
{
	uint32_t first[NUM_VALUES] = {0}, sum = 0;
	for (uint32_t i = 0; i < num; i++)
		first[key_of(from[i].id) >> shift & (NUM_VALUES - 1)]++;
	for (int i = 0; i < NUM_VALUES; i++) {
		uint32_t count = first[i];
		first[i] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < num; i++)
		to[first[key_of(from[i].id) >> shift & (NUM_VALUES - 1)]++] = from[i];
}

const struct task_order *task_order_build(struct arena *arena, const struct groups_input *input)
{
	uint32_t num = input->num_tasks;
	struct task_order *order = arena_alloc_full(arena, num, sizeof(*order)), *other;
	uint64_t differing = 0;
	bool sorted = true;
	for (uint32_t i = 0; i < num; i++) {
		order[i] = (struct task_order){groups_task_id(input, i), i};
		sorted &= i == 0 || order[i - 1].id <= order[i].id;
		differing |= key_of(order[i].id) ^ key_of(order[0].id);
	}
	if (sorted)
		return order;
	other = arena_alloc_full(arena, num, sizeof(*other));
	for (int shift = 0; shift < 64; shift += DIGIT_BITS) {
		struct task_order *from = order;
		if ((differing >> shift & (NUM_VALUES - 1)) == 0)
			continue;
		sort_by_digit(from, other, num, shift);
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
