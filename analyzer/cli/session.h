/* session.h - one analysis from the command line: opens the core, runs the analysis under the
 * progress bar and Ctrl-C, writes the outputs, finds the exit code. */
#ifndef CORELEAKS_CLI_SESSION_H
#define CORELEAKS_CLI_SESSION_H

#include "cli/settings.h"

/* Opens and runs the analysis under the progress bar and Ctrl-C. *ret is yours. */
struct coreleaks_error *session_analyse(const struct settings *settings, const char *core_path,
					struct coreleaks_analysis **ret);
/* Writes all of the report, or what name names when it is not NULL. Returns the exit code. */
int session_run(struct settings *settings, const char *core_path, const char *name);

#endif
