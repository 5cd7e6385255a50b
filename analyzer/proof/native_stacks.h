/* native_stacks.h - which memory is the stack of which thread, and only that. */
#ifndef CORELEAKS_PROOF_NATIVE_STACKS_H
#define CORELEAKS_PROOF_NATIVE_STACKS_H

#include "base/ranges.h"
#include "proof/native_memory.h"

/* Sets blocks, block_of_task, block_of_thread, main_task and main_pd. files: where files are
 * mapped; there are no stacks. *ranges_ret: all that is taken. */
void native_stacks_build(struct native_memory *memory, struct arena *arena,
			 const struct native_memory_input *input, const struct ranges *files,
			 struct ranges *ranges_ret);

#endif
