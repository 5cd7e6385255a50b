/* go_hints.h - how a way to get stuck is usually avoided: advice, no part of any proof. */
#ifndef CORELEAKS_PROOF_GO_HINTS_H
#define CORELEAKS_PROOF_GO_HINTS_H

#include "coreleaks.h"

/* For goroutines with that reason and stack; NULL none. */
const char *go_hints_for(const char *reason, const struct coreleaks_stack *stack);

#endif
