/* go_holders.h - which goroutines use a lock or a channel that others wait for.
 *
 * Go's locks do not record who holds them. In: the objects, all goroutines' live stacks. Out: for
 * each object goroutines that do not wait for it and have its address (or that of the struct it is
 * in) on their stacks. A candidate may have let go of a lock, or never have had it. */
#ifndef CORELEAKS_REASON_GO_HOLDERS_H
#define CORELEAKS_REASON_GO_HOLDERS_H

#include "base/progress.h"
#include "reason/go_waits.h"

/* Fills in the candidates of waits->objects. */
void go_holders_find(struct go_waits *waits, struct gaps *gaps, struct progress *progress);

#endif
