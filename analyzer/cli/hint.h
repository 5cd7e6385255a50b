/* hint.h - the command that the text report quotes in its hints: coreleaks with those options of
 * this run without which the hinted command would not find the same groups. */
#ifndef CORELEAKS_CLI_HINT_H
#define CORELEAKS_CLI_HINT_H

#include "cli/settings.h"

/* Adds an option to settings->write.hint, quoted for a shell. Without memory there is none. */
void hint_add(struct settings *settings, const char *option, const char *value);

#endif
