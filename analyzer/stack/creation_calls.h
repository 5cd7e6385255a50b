/* creation_calls.h - follows an address from the instruction that forms it to the call that takes
 * it. Knows which functions create threads. */
#ifndef CORELEAKS_STACK_CREATION_CALLS_H
#define CORELEAKS_STACK_CREATION_CALLS_H

#include "stack/code.h"

enum creation_kind {
	CREATION_ROUTINE, /* of a start routine */
	CREATION_STATE,	  /* of the virtual table of a std::thread's state */
	CREATION_CLOSURE, /* of the virtual table of what a Rust thread runs */
};

/* Functions that create threads, as runtime addresses. */
struct creation_functions {
	struct {
		struct creation_function {
			uint64_t addr;
			const char *name;
			uint8_t reg; /* that takes the start routine; CODE_MEMORY: the state */
		} * items;
		uint32_t num, capacity;
	} list;
};

struct creation_call {
	uint64_t next_addr; /* behind the call, in the ELF file */
	bool inferred;	    /* it does not create a thread itself */
};

enum { MAX_CREATION_CALLS = 16 };

void creation_functions_find(struct creation_functions *ret, struct arena *arena,
			     const struct modules *modules);
/* The calls that can take what ref forms, within the function around it. Returns their number. */
uint32_t creation_calls_after(const struct code *code, const struct creation_functions *functions,
			      enum creation_kind kind, const struct code_ref *ref,
			      struct creation_call calls_ret[MAX_CREATION_CALLS]);

#endif
