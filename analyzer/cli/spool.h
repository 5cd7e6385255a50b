/* spool.h - a core from standard input that is kept when it is not clean: for core_pattern. */
#ifndef CORELEAKS_CLI_SPOOL_H
#define CORELEAKS_CLI_SPOOL_H

#include "cli/inputs.h"

struct spool {
	char *path; /* of the file; NULL: nothing is spooled */
};

/* With --spool and "-" as the only input: writes standard input to a new file in that folder, with
 * holes for pages of zeros and no more than the core may have, and makes it the input. False after
 * a message. */
bool spool_take(struct spool *spool, const struct settings *settings, struct inputs *inputs);
/* Removes the file, or says where it is. */
void spool_end(struct spool *spool, bool remove);

#endif
