/* go_selects.h - the cases of a select as they stand in the source, nil channels too.
 *
 * The runtime keeps the entries of a select in the order of its locks and leaves nil channels out;
 * the compiler's array of cases is on the goroutine's stack. */
#ifndef CORELEAKS_REASON_GO_SELECTS_H
#define CORELEAKS_REASON_GO_SELECTS_H

#include "reason/go_waits.h"

enum { GO_SELECT_MAX_CASES = 1 << 16, GO_SELECT_MAX_KNOWN = 256 };

/* Where stacks call selectgo: bytes from the innermost stack pointer to selectgo's caller's;
 * parallel to stacks, 0 none. */
uint32_t *go_selects_find(struct arena *arena, const struct stacks *stacks);

/* The goroutine's cases in the source's order, as indexes of its queue entries, UINT32_MAX for a
 * nil channel; *num_ret of them, of which the first *num_sends_ret send. false: they cannot be
 * told. */
bool go_selects_order(uint32_t order[GO_SELECT_MAX_KNOWN], const struct go_waits_input *input,
		      uint32_t goroutine, uint32_t caller_off, uint32_t *num_ret,
		      uint32_t *num_sends_ret);

#endif
