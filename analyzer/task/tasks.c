#include "task/tasks.h"

void tasks_build(struct tasks *ret, struct arena *arena, struct gaps *gaps,
		 const struct notes *notes, struct image *image)
{
	static task_source *const sources[] = {threads_add};
	*ret = (struct tasks){0};
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		sources[i](ret, arena, gaps, notes, image);
}
