/* names.h - the program's names for what tasks wait on and for where threads begin; and finished
 * threads by where they began. */
#ifndef CORELEAKS_PROOF_NAMES_H
#define CORELEAKS_PROOF_NAMES_H

#include "proof/publish.h"

struct names_input {
	const struct tasks *tasks;
	const struct waits *waits;
	const struct nptl *nptl;
	const struct start *starts;		     /* parallel to nptl's threads */
	const struct coreleaks_creation **creations; /* parallel to nptl's threads */
	const struct stack_memory *memory;	     /* parallel to nptl's threads */
	const struct stacks *stacks;		     /* whose entries are the starts' */
	const struct modules *modules;
	struct elf_files *files;
};

void names_build(struct publish_names *ret, struct arena *arena, const struct names_input *input);

/* All stacks: the tasks' and, behind them, one of a single frame for each start routine of
 * finished threads. */
struct finished {
	struct coreleaks_stack *stacks;
	uint32_t num_stacks;
	struct finished_threads *threads;
	uint32_t num_threads;  /* elements of threads */
	uint32_t num_finished; /* of all elements */
};

void finished_build(struct finished *ret, struct arena *arena, const struct names_input *input,
		    const struct publish_names *names);

#endif
