/* baseline.h - the file of --write-baseline. */
#ifndef CORELEAKS_CLI_BASELINE_H
#define CORELEAKS_CLI_BASELINE_H

#include "cli/settings.h"

/* Whether the file may be written, before the analysis. False after a message. */
bool baseline_check(const struct settings *settings);
/* Writes allow rules for the groups with findings (all: for every group). Rules of a file that is
 * replaced stay, but its allow rules. False after a message. */
bool baseline_write(const struct settings *settings, const struct coreleaks_check *check, bool all);

#endif
