#include "task/tasks.h"

void tasks_room(struct tasks *tasks, struct arena *arena, uint32_t num)
{
	const struct task *old = tasks->list.items;
	uint32_t num_old = tasks->list.num;
	if (num <= tasks->list.capacity)
		return;
	array_room(arena, &tasks->list, num);
	if (num_old > 0)
		memcpy(tasks->list.items, old, num_old * sizeof(*old));
}

void tasks_build(struct tasks *ret, struct arena *arena, struct gaps *gaps,
		 const struct notes *notes, struct image *image)
{
	static task_source *const sources[] = {threads_add};
	*ret = (struct tasks){.max_num = TASKS_MAX};
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		sources[i](ret, arena, gaps, notes, image);
}
