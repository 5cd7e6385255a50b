/* native_reach.h - threads that wait for what no live thread and no global can reach: the greatest
 * set of waiting threads of which none can ever be woken, but by one of them.
 *
 * After Saioc, Lange, Møller: "Dynamic partial deadlock detection and recovery via garbage
 * collection" (ASPLOS 2025), on glibc's heap and with locks' owners and joins. */
#ifndef CORELEAKS_PROOF_NATIVE_REACH_H
#define CORELEAKS_PROOF_NATIVE_REACH_H

#include "proof/native_mark.h"
#include "proof/wait_graph.h"
#include "task/goroutines.h"

enum native_place {
	NATIVE_NOWHERE, /* where anything may reach it */
	NATIVE_CHUNK,	/* in a chunk of the heap */
	NATIVE_STACK,	/* in a thread's frames or TLS */
};

struct native_reach {
	bool ran;		   /* there was something to prove, and nothing that forbids it */
	const char *forbidden;	   /* there was, but nothing may be proved: why; NULL */
	bool *unreachable;	   /* parallel to tasks: nobody live can name what it waits for */
	bool *before;		   /* parallel to tasks: a live word leads to shortly before it */
	bool lost_before;	   /* the same of the pthread_t of any that is lost */
	bool *signalled;	   /* parallel to tasks: a signal may wake it, or who wakes it */
	bool lost_signalled;	   /* the same of who knows the pthread_t of any that is lost */
	bool *lost;		   /* parallel to nptl's threads: finished, nobody can name it */
	enum native_place *places; /* parallel to tasks: of the word it sleeps on */
	uint32_t num_candidates;
	uint32_t num_live_threads; /* whose stacks and registers were looked through */
	uint32_t num_stuck;	   /* threads that were not looked through: they never go on */
	uint32_t num_elsewhere;	   /* wait in private memory that is not understood … */
	uint64_t elsewhere_addr;   /* … for example here */
	uint32_t caveats;	   /* of all that it proves: bits of enum wait_caveat */
	struct native_memory memory;
	struct native_mark mark;
};

struct native_reach_input {
	struct native_memory_input memory;
	const struct waits *waits;
	const struct wait_graph *graph; /* with its cycles and abandoned locks */
	const struct program_powers *powers;
	const struct goroutines *goroutines; /* whose threads wait in Go's memory by design */
	struct gaps *gaps;
	bool explain; /* keep what led to each chunk */
	struct progress *progress;
};

void native_reach_build(struct native_reach *ret, struct arena *arena,
			const struct native_reach_input *input);

#endif
