#include "cli/commands.h"

#include "cli/message.h"
#include "cli/session.h"

#include <string.h>

/* `coreleaks show CORE ID` */
int show_command(struct settings *settings)
{
	if (settings->num_arguments < 2) {
		message("show: %s is missing", settings->num_arguments == 0 ? "a CORE" : "an ID");
		return EXIT_USAGE;
	}
	if (settings->num_arguments > 2) {
		message("show: too many arguments: '%s'", settings->arguments[2]);
		return EXIT_USAGE;
	}
	const char *name = settings->arguments[1];
	settings->analysis.explain = strcmp(name, "tree") != 0;
	settings->analysis.explained = name;
	return session_run(settings, settings->arguments[0], name);
}
