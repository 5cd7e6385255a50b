/* publish_tasks.h - tasks as coreleaks.h has them, each made when it is asked for.
 *
 * In: the columns of tasks, goroutines, stacks and waits. Out: rows, one a thread, and one for all
 * goroutines that are alike in all but what is each one's own. A million share a few. */
#ifndef CORELEAKS_PROOF_PUBLISH_TASKS_H
#define CORELEAKS_PROOF_PUBLISH_TASKS_H

#include "stack/go_origins.h"
#include "stack/stacks.h"
#include "task/go_facts.h"
#include "task/stack_memory.h"

struct publish_go_input {
	const struct go_runtime *runtime;
	const struct goroutines *goroutines;
	const struct go_facts *facts;
	const struct go_origins *origins;
	const struct tasks *tasks;
	struct image *image;
	const struct modules *modules;
};

struct publish_tasks_input {
	const struct tasks *tasks;
	const struct stacks *stacks;
	const struct nptl *nptl;
	const struct stack_memory *memory;
	const struct coreleaks_creation *const *creations;
	const struct coreleaks_wait *const *waits; /* final */
	const struct publish_go_input *go;
};

struct public_tasks {
	const struct tasks *tasks;
	const struct goroutines *goroutines;
	struct {
		struct coreleaks_task *items; /* a goroutine's has 0 for what is its own */
		uint32_t num, capacity;
	} rows;
	uint32_t *row_of;	       /* parallel to tasks; NULL: not made yet */
	struct coreleaks_task **parts; /* of PUBLIC_TASKS_PART tasks each; NULL: nobody asked */
};

enum { PUBLIC_TASKS_PART = 16 };

void publish_tasks(struct public_tasks *ret, struct arena *arena,
		   const struct publish_tasks_input *input);

static inline const struct coreleaks_task *public_tasks_row(const struct public_tasks *tasks,
							    uint32_t task)
{
	return &tasks->rows.items[tasks->row_of[task]];
}

/* The whole task, which then lives as long as the arena. NULL: no floor runs, and memory ran out.
 */
const struct coreleaks_task *public_tasks_get(struct public_tasks *tasks, struct arena *arena,
					      uint32_t task);
/* Tells the goroutines' keepers: keepers[kept[i]] is that of goroutine i. Rows that were handed out
 * before stay as they are. */
void public_tasks_set_keepers(struct public_tasks *tasks, struct arena *arena,
			      const unsigned char *kept, const char *const *keepers,
			      uint32_t num_keepers);
/* Time between two of the program's moments; -1 unknown. */
int64_t publish_age(int64_t now_ns, int64_t since_ns);

#endif
