/* options.h - the table of all options and the reading of the command line with it. */
#ifndef CORELEAKS_CLI_OPTIONS_H
#define CORELEAKS_CLI_OPTIONS_H

#include "cli/settings.h"

/* Fills settings from the command line. Returns 0, or EXIT_USAGE after a message. Leaves the
 * program for --help, --usage, --version and what argp itself finds wrong. */
int options_parse(struct settings *settings, int argc, char **argv);
void options_free(struct settings *settings);

#endif
