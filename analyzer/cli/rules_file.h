/* rules_file.h - the file of ignore and allow rules, as text. */
#ifndef CORELEAKS_CLI_RULES_FILE_H
#define CORELEAKS_CLI_RULES_FILE_H

#include "cli/settings.h"

/* Reads the file of --config, else .coreleaks in the current directory when may_guess, into the
 * settings. Returns false after a message. */
bool rules_file_read(struct settings *settings, bool may_guess);
/* The text of a file, allocated; NULL: there is none. False after a message. */
bool rules_file_text(const char *path, char **ret);

#endif
