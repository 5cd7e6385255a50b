/* terminal.h - what the environment says of the place where the report is read. */
#ifndef CORELEAKS_CLI_TERMINAL_H
#define CORELEAKS_CLI_TERMINAL_H

#include "cli/settings.h"

/* Whether colours belong on standard output. */
bool terminal_wants_color(enum when when);
/* Columns: of COLUMNS, of the terminal at standard output, or fallback; never under 40. */
uint32_t terminal_width(uint32_t fallback);
/* Whether the locale's characters are UTF-8. setlocale() comes first. */
bool terminal_is_utf8(void);
/* Whether standard error is a terminal that can rewrite a line. */
bool terminal_has_live_line(void);

#endif
