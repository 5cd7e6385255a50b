/* task_order.h - tasks by ascending id; of equal ids by ascending index. */
#ifndef CORELEAKS_GROUP_TASK_ORDER_H
#define CORELEAKS_GROUP_TASK_ORDER_H

#include "group/groups.h"

struct task_order {
	int64_t id;
	uint32_t index;
};

const struct task_order *task_order_build(struct arena *arena, const struct groups_input *input);
/* Gives its memory back. */
void task_order_drop(struct arena *arena, const struct task_order *order, uint32_t num);

#endif
