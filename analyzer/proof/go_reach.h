/* go_reach.h - which waiting goroutines nothing can wake any more: from all that a Go program can
 * still use, mark what it can reach; a goroutine whose channel or lock was marked may go on, so
 * mark from its stack, too; and so on. What is left over can never be reached.
 *
 * Marks in stages, so that for each goroutine that may go on it is known what keeps it. */
#ifndef CORELEAKS_PROOF_GO_REACH_H
#define CORELEAKS_PROOF_GO_REACH_H

#include "base/progress.h"
#include "proof/go_candidates.h"
#include "proof/go_crew.h"
#include "proof/go_roots.h"
#include "proof/go_thread_roots.h"
#include "stack/stacks.h"

/* In the order of the stages: the first that reaches a goroutine's object counts. */
enum go_kept {
	GO_KEPT_UNKNOWN,      /* it does not wait for another goroutine, or there is no proof */
	GO_KEPT_BY_GOROUTINE, /* that runs or will: directly, or through others that it keeps */
	GO_KEPT_BY_TIMER,     /* and by no such goroutine */
	GO_KEPT_BY_GLOBAL,    /* a variable, and by no goroutine or timer */
	GO_KEPT_BY_WAITING, /* another waiting goroutine that itself only a timer or variable keeps
			     */
	GO_KEPT_BY_NOTHING, /* proved: nothing reaches it */
};

struct go_reach_input {
	const struct go_runtime *runtime;
	const struct goroutines *goroutines;
	const struct tasks *tasks;
	const struct go_origins *origins;
	const struct go_queues *queues;
	const struct stacks *stacks;
	const struct go_spans *spans;
	const struct notes *notes;
	struct image *image;
	const struct modules *modules;
	bool notes_whole;  /* no thread's note was lost */
	bool keep_parents; /* for go_marker_parent() */
};

struct go_reach {
	bool made;	/* kept is valid */
	uint8_t *kept;	/* enum go_kept, parallel to goroutines; NULL: not searched */
	uint8_t *roles; /* enum go_role */
	struct {
		const char **items; /* why nothing is proved */
		uint32_t num, capacity;
	} obstacles;
	struct {
		const char **items; /* what weakens the proof */
		uint32_t num, capacity;
	} caveats;
	struct go_marker marker;
	struct go_heap_layout layout;
	struct go_roots roots;
	struct go_thread_roots threads;
	struct go_goroutine_roots goroutine_roots;
	uint32_t num_roots;	 /* goroutines that were alive by what they do */
	uint32_t num_candidates; /* those that were not */
	uint32_t num_revived;	 /* of these: that something reaches */
};

/* Does nothing for a program that is not Go. */
#define GO_REACH_UNKNOWN_LAYOUT                                                                    \
	"the layout of this version of the Go runtime was found by its content, not in the table " \
	"of known ones"

/* Were the files of all Go code found to be those that ran? */
bool go_reach_files_verified(const struct go_reach_input *input);
void go_reach_build(struct go_reach *ret, struct arena *arena, struct gaps *gaps,
		    struct progress *progress, const struct go_reach_input *input);

#endif
