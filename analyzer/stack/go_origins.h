/* go_origins.h - who made each goroutine, what it began with, and whether it is the runtime's own.
 */
#ifndef CORELEAKS_STACK_GO_ORIGINS_H
#define CORELEAKS_STACK_GO_ORIGINS_H

#include "stack/stacks.h"

struct go_origin_names {
	struct coreleaks_frame creator; /* the go statement; function NULL: none, or unknown */
	struct coreleaks_frame start;	/* function NULL: none, or unknown */
	bool runtime;			/* it starts in the runtime, which counts it as its own */
};

struct go_origins {
	struct go_origin_names *items; /* parallel to goroutines->origins */
	bool *system;		       /* parallel to goroutines: the runtime's own */
	uint32_t num_system;
	uint32_t num_runtime; /* that start in the runtime, whatever they run now */
};

void go_origins_build(struct go_origins *ret, struct arena *arena, const struct go_tables *tables,
		      const struct goroutines *goroutines, const struct stacks *stacks,
		      const struct modules *modules);
/* The go statement that returns to gopc; function NULL: none, or unknown. */
struct coreleaks_frame go_origins_creator(const struct go_tables *tables,
					  const struct modules *modules, uint64_t gopc);

#endif
