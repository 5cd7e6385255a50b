/* go_types.h - names of a Go program's types, as it prints them ("main.message", "chan int").
 *
 * A type is the address of its descriptor (internal/abi.Type), which lies in the program's own
 * file. */
#ifndef CORELEAKS_TASK_GO_TYPES_H
#define CORELEAKS_TASK_GO_TYPES_H

#include "base/addresses.h"
#include "task/go_runtime.h"

struct go_types {
	struct arena *arena;
	struct image *image;
	const struct go_runtime *runtime;
	struct addresses addrs; /* of those asked for -> index of names */
	struct {
		const char **items;
		uint32_t num, capacity;
	} names;
};

void go_types_init(struct go_types *types, struct arena *arena, struct image *image,
		   const struct go_runtime *runtime);
/* NULL: there is no type, or its name cannot be read. */
const char *go_types_name(struct go_types *types, uint64_t type_addr);
/* The type of an interface's value: its first word is the type's itself, or leads to it. */
const char *go_types_dynamic(struct go_types *types, uint64_t first_word, bool has_methods);

#endif
