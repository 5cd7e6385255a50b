/* commands.h - the subcommands: each takes the parsed command line and returns the exit code. */
#ifndef CORELEAKS_CLI_COMMANDS_H
#define CORELEAKS_CLI_COMMANDS_H

#include "cli/settings.h"

int report_command(struct settings *settings);
int show_command(struct settings *settings);
int check_command(struct settings *settings);
int compare_command(struct settings *settings);

struct subcommand {
	const char *name;
	int (*run)(struct settings *settings); /* NULL: not built yet */
};

/* The row of that name, or NULL. */
const struct subcommand *subcommand_find(const char *name);
/* The name of the subcommand that word is likely to be misspelt from, or NULL. */
const char *subcommand_guess(const char *word);

#endif
