/* fake_proof.h - a fake Go program whose objects each have their own place, bits and spans, and the
 * search for goroutines that nothing can wake.
 *
 * States mspan, special and the queues of finalizers anew, for Go 1.19 and 1.27. */
#ifndef CORELEAKS_TESTS_FAKE_PROOF_H
#define CORELEAKS_TESTS_FAKE_PROOF_H

#include "fake_go_queues.h"
#include "proof/go_reach.h"

enum {
	FAKE_GLOBAL = 0x50b800,	      /* a variable that may hold pointers, … */
	FAKE_PLAIN_GLOBAL = 0x50a600, /* … and one that may not */
	FAKE_BOX_SIZE = 64,
	FAKE_LARGE_SIZE = 1024,
};

enum fake_special { FAKE_FINALIZER, FAKE_CLEANUP, FAKE_WEAK };

struct fake_proof {
	struct fake_go go;
	uint64_t next_box, next_plain, next_large, next_other, missing;
	uint64_t *specials; /* of each span of objects: the mspan's word */
	bool notes_lost, keep_parents;
	struct go_queues queues;
	struct go_origins origins;
	struct stacks stacks;
	struct go_reach_input search; /* once it was searched */
	struct go_reach reach;
};

/* minor: 19, where any word of an object may be a pointer, or 27. */
void fake_proof_init(struct fake_proof *proof, int minor);
void fake_proof_deinit(struct fake_proof *proof);
/* Objects with nothing in them: of 64 bytes, of 64 bytes that hold no pointers, of 1024 bytes that
 * begin with their type. */
uint64_t fake_proof_box(struct fake_proof *proof);
uint64_t fake_proof_plain(struct fake_proof *proof);
uint64_t fake_proof_large(struct fake_proof *proof);
/* size zeroed bytes that are the runtime's own. */
uint64_t fake_proof_other(struct fake_proof *proof, uint64_t size);
/* Writes a pointer at addr, and the bit that says so. */
void fake_proof_point(struct fake_proof *proof, uint64_t addr, uint64_t to);
/* Function values for a special, and where the entry of a queue would be. */
void fake_proof_special(struct fake_proof *proof, uint64_t object, enum fake_special kind,
			uint64_t data);
/* Opens it all, and searches. */
void fake_proof_run(struct fake_proof *proof);
/* What keeps that goroutine; GO_KEPT_BY_NOTHING: proved. */
enum go_kept fake_proof_kept(const struct fake_proof *proof, int64_t id);
/* Is it among those that may be stuck? */
bool fake_proof_is_candidate(const struct fake_proof *proof, int64_t id);

#endif
