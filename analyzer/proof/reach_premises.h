/* reach_premises.h - who may know an object after all of which no live memory of the process does:
 * the kernel, a pipe, memory that is not in the core. By what the program's files take from libc.
 */
#ifndef CORELEAKS_PROOF_REACH_PREMISES_H
#define CORELEAKS_PROOF_REACH_PREMISES_H

#include "proof/premises.h"
#include "proof/wait_caveats.h"

struct reach_premises_input {
	const struct program_powers *powers;
	const struct modules *modules;
	const struct notes *notes;
	const struct tasks *tasks;
	bool undumped; /* writable memory is not in the core */
	bool advised;  /* the same of memory that only madvise() explains, or that it was never used
			*/
};

/* Bits of enum wait_caveat. */
uint32_t reach_premises_caveats(const struct reach_premises_input *input);

#endif
