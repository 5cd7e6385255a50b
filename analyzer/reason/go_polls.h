/* go_polls.h - goroutines that wait for a file descriptor, or sleep. */
#ifndef CORELEAKS_REASON_GO_POLLS_H
#define CORELEAKS_REASON_GO_POLLS_H

#include "reason/go_waits.h"

/* IO wait: the descriptor, the direction, the deadline. */
void go_poll_decode(struct go_wait *wait, const struct go_waits_input *input, uint32_t goroutine);
/* sleep: when it ends. */
void go_sleep_decode(struct go_wait *wait, const struct go_waits_input *input, uint32_t goroutine);

#endif
