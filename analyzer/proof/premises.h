/* premises.h - what the program may do behind a proof's back, by its files and its stacks. */
#ifndef CORELEAKS_PROOF_PREMISES_H
#define CORELEAKS_PROOF_PREMISES_H

#include "stack/stacks.h"
#include "task/nptl.h"

/* What the program can do, by the functions that its modules besides libc take from others. */
struct program_powers {
	bool unread;	       /* a module's file is missing, unverified, or is a static program: it
				  may have any power */
	bool cancels;	       /* or signals single threads */
	bool cancels_anywhere; /* not only at cancellation points */
	bool leaves_waits;     /* by jumps out of signal handlers, or by ending threads in them */
	bool handles_signals;
	bool switches_stacks; /* as coroutines do */
	bool carves_stacks;   /* it may run on a part of a thread's stack, and have others below */
	bool forks;
};

void premises_powers(struct program_powers *ret, const struct modules *modules);

struct premises_input {
	const struct tasks *tasks;
	const struct stacks *stacks;
	const struct nptl *nptl;
	const struct notes *notes;
	const struct image *image;
};

/* Does some thread run on a stack that is not its own, as coroutines do? Not one whose stack leads
 * back to its own: that is a signal handler on an alternate stack. Threads whose own stack is not
 * known do not count. */
bool premises_coroutines(const struct premises_input *input);

#endif
