/* contain.h - runs an analysis in a process of its own that can do nothing but read: the core is
 * untrusted. What it finds comes back through a pipe; when it dies, the floors that it had finished
 * are built again, without those above. */
#ifndef CORELEAKS_CLI_CONTAIN_H
#define CORELEAKS_CLI_CONTAIN_H

#include "cli/session.h"

/* Fills in what came out. With --no-sandbox in this process. */
void contain_run(struct session *session);

#endif
