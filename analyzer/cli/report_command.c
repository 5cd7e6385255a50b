#include "cli/commands.h"

#include "cli/hint.h"
#include "cli/message.h"
#include "cli/session.h"

/* `coreleaks [report] CORE [EXE]` */
int report_command(struct settings *settings)
{
	if (settings->num_arguments == 0) {
		message("report: a CORE is missing");
		return EXIT_USAGE;
	}
	if (settings->num_arguments > 2) {
		const char *guess = subcommand_guess(settings->arguments[0]);
		message("too many arguments: '%s'", settings->arguments[2]);
		if (settings->subcommand == NULL && guess != NULL)
			message("did you mean the subcommand '%s'?", guess);
		return EXIT_USAGE;
	}
	if (settings->num_arguments == 2) {
		if (settings->analysis.executable != NULL) {
			message("the executable is given twice: --executable %s and %s",
				settings->analysis.executable, settings->arguments[1]);
			return EXIT_USAGE;
		}
		settings->analysis.executable = settings->arguments[1];
		hint_add(settings, "executable", settings->arguments[1]);
	}
	return session_run(settings, settings->arguments[0], NULL);
}
