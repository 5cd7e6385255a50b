/* native_why.h - what keeps the objects of waiting threads within reach, in words: from the pointer
 * to it up to a global, a register or a stack. */
#ifndef CORELEAKS_PROOF_NATIVE_WHY_H
#define CORELEAKS_PROOF_NATIVE_WHY_H

#include "proof/native_reach.h"
#include "stack/stacks.h"

struct native_why_input {
	struct native_reach *reach; /* that was asked to explain */
	const struct tasks *tasks;
	const struct waits *waits;
	const struct stacks *stacks;
	const struct modules *modules;
	struct elf_files *files;
};

/* Sets kept_by of the public waits, which are parallel to tasks. */
void native_why_build(const struct coreleaks_wait **public_waits, struct arena *arena,
		      const struct native_why_input *input);

#endif
