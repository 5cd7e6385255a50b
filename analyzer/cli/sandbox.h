/* sandbox.h - takes from this process what reading a core does not need: programs, the network,
 * other processes, writing anywhere but to one pipe. Files can still be opened for reading. */
#ifndef CORELEAKS_CLI_SANDBOX_H
#define CORELEAKS_CLI_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

enum sandbox_stage {
	SANDBOX_OPENING, /* files without a name may be made and written, to unpack a core into */
	SANDBOX_READING, /* nothing is written any more */
};

/* Why this process cannot be confined, known before it is tried: one phrase; NULL: it can. */
const char *sandbox_obstacle(void);

/* Cannot be undone; the second stage follows the first, or stands alone. pipe_fd: what may be
 * written. max_memory: bytes the analysis may allocate; 0 unlimited. Returns NULL or why there is
 * no filter: the limits hold then all the same. */
const char *sandbox_enter(enum sandbox_stage stage, int pipe_fd, uint64_t max_memory);

#endif
