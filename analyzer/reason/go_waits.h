/* go_waits.h - what each goroutine waits on: channels, locks, timers, file descriptors, contexts.
 *
 * In: queue entries, stacks with names, the clock. Out: one wait a goroutine; each distinct object
 * decoded once. An entry that its queue does not hold is a wake-up under way: said, never judged.
 */
#ifndef CORELEAKS_REASON_GO_WAITS_H
#define CORELEAKS_REASON_GO_WAITS_H

#include "stack/stacks.h"
#include "task/go_facts.h"
#include "task/go_queues.h"
#include "task/go_types.h"

struct go_wait {
	const struct coreleaks_go_object *object; /* NULL none */
	const struct coreleaks_case *cases;
	uint32_t num_cases;
	bool is_select;
	bool cases_ordered; /* as in the source */
	bool waking;	    /* a queue has let go of it */
	bool timed;	    /* when_ns ends it */
	bool in_bubble;	    /* of testing/synctest, whose clock when_ns is by */
	int64_t when_ns;    /* monotonic */
	int64_t left_ns;    /* from the dump, at most; INT64_MIN: the time of the dump is unknown */
	int64_t fd;	    /* that it waits for; -1 none */
	bool writes;	    /* fd: to write, else to read */
};

struct go_waits_input {
	const struct go_runtime *runtime;
	const struct goroutines *goroutines;
	const struct go_spans *spans;
	const struct go_queues *queues;
	const struct go_facts *facts;
	const struct tasks *tasks;
	const struct stacks *stacks;
	struct image *image;
};

struct go_waits {
	struct go_waits_input input;
	struct arena *arena;
	struct coreleaks_go_object *objects;
	uint32_t num_objects;
	struct coreleaks_case *cases;	/* parallel to the queues' entries */
	struct coreleaks_case *ordered; /* room for those of one select */
	uint32_t *select_offs;		/* parallel to stacks: see go_selects_find() */
};

void go_waits_build(struct go_waits *ret, struct arena *arena, struct gaps *gaps,
		    const struct go_waits_input *input);

/* What that goroutine waits on. Reads its stack: call it once each. Cases that are ordered hold
 * until the next call. */
struct go_wait go_waits_of(struct go_waits *waits, uint32_t goroutine);

/* What is left until then: at most, since the clock stands for the latest moment known. */
int64_t go_waits_left(const struct go_facts *facts, int64_t when_ns);

#endif
