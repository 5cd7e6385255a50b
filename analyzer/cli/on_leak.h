/* on_leak.h - the command of --on-leak. */
#ifndef CORELEAKS_CLI_ON_LEAK_H
#define CORELEAKS_CLI_ON_LEAK_H

#include "cli/output.h"

/* Gives the command to the shell as it stands, with the JSON on its standard input, and waits for
 * it. Nothing of the dump is in the command line. Its output goes to standard error. False after a
 * message: it could not be run, or failed. */
bool on_leak_run(const struct settings *settings, const struct output_source *source);

/* The same in parts, where the report comes in bytes. A file and not a pipe: a command that does
 * not read it cannot make anybody wait. -1 after a message. */
int on_leak_file(void);
struct coreleaks_write_options on_leak_options(const struct settings *settings);
bool on_leak_start(const struct settings *settings, int fd);

#endif
