/* tasks.h - the units of analysis, wherever they come from.
 *
 * A task_source turns a part of the core into tasks. Nothing above asks where one came from. */
#ifndef CORELEAKS_TASK_TASKS_H
#define CORELEAKS_TASK_TASKS_H

#include "core/image.h"

/* DWARF register numbers of x86-64 (System V psABI 1.0, figure 3.36); 16 is the return address. */
enum {
	REGISTER_RAX = 0,
	REGISTER_RBX = 3,
	REGISTER_RBP = 6,
	REGISTER_RSP = 7,
	REGISTER_RIP = 16,
	NUM_REGISTERS = 17
};

struct registers {
	uint64_t values[NUM_REGISTERS];
	uint32_t known; /* bit n: values[n] is known */
};

/* What the kernel knows of a task's wait. */
struct wait_hint {
	int32_t syscall_nr; /* -1: in no system call */
	bool blocked;	    /* asleep in that call, not just passing through */
	uint64_t args[6];   /* of the system call */
	const char *reason; /* in the words of the task's own runtime; NULL: it has none */
};

struct task {
	/* There may be millions: no byte for nothing. */
	enum coreleaks_kind kind : 8;
	enum coreleaks_state state : 8;
	int32_t signal; /* taken when the core was written; 0 none */
	int64_t id;
	uint64_t stack_size;		   /* bytes in use; 0 unknown */
	uint64_t pc, sp, bp;		   /* where it stands; 0 unknown */
	uint64_t lr;			   /* AArch64: the link register; 0 unknown */
	const struct registers *registers; /* x86-64 thread: all of them; else none */
	const struct wait_hint *hint;	   /* tasks may share one */
};

enum { TASKS_MAX = NOTES_MAX_THREADS };

struct tasks {
	struct {
		struct task *items;
		uint32_t num, capacity;
	} list;
	uint32_t max_num; /* what is beyond is left out, which a gap says */
};

/* Adds the tasks of one kind. */
typedef void task_source(struct tasks *tasks, struct arena *arena, struct gaps *gaps,
			 const struct notes *notes, struct image *image);

/* Room for so many tasks in all. */
void tasks_room(struct tasks *tasks, struct arena *arena, uint32_t num);

/* All tasks of the core, from all sources. */
void tasks_build(struct tasks *ret, struct arena *arena, struct gaps *gaps,
		 const struct notes *notes, struct image *image);

task_source threads_add;

#endif
