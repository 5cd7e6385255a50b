/* publish_go_waits.h - what goroutines wait on, as coreleaks.h has it. */
#ifndef CORELEAKS_PROOF_PUBLISH_GO_WAITS_H
#define CORELEAKS_PROOF_PUBLISH_GO_WAITS_H

#include "reason/go_waits.h"

/* Fills in the goroutines' part of waits, which are parallel to tasks. */
void publish_go_waits(const struct coreleaks_wait **waits, struct arena *arena,
		      struct go_waits *go);

#endif
