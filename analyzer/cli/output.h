/* output.h - where reports go: standard output and the files of -o. A report file appears whole
 * or not at all, and never in the place of something else. */
#ifndef CORELEAKS_CLI_OUTPUT_H
#define CORELEAKS_CLI_OUTPUT_H

#include "cli/settings.h"

/* What is wrong with the outputs asked for and can be known before the analysis: formats, files
 * that exist. Returns 0 or an exit code, after a message. */
int output_check(const struct settings *settings, bool whole_report);

/* Writes all outputs: of the whole report, or of what name names when it is not NULL. Returns
 * false after a message. A reader that closed standard output early is no failure. */
bool output_write(const struct settings *settings, const struct coreleaks_analysis *analysis,
		  const char *name);

#endif
