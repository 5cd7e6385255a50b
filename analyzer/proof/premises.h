/* premises.h - what the program's files say it may do behind a proof's back. */
#ifndef CORELEAKS_PROOF_PREMISES_H
#define CORELEAKS_PROOF_PREMISES_H

#include "core/modules.h"

/* May some module besides libc end a thread's wait by cancelling or signalling it? True also when
 * a module's file is missing, unverified, or is a static program: then nothing tells. */
bool premises_cancels(const struct modules *modules);

#endif
