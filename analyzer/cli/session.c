#include "cli/session.h"

#include "cli/bus_error.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/on_leak.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/rules_file.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_nr)
{
	(void)signal_nr;
	interrupted = 1;
}

/* The first Ctrl-C asks the analysis to stop and report what it knows, the second one kills. A
 * SIGINT that was ignored at the start (nohup, a background job) stays ignored. */
static void catch_interrupt(void)
{
	struct sigaction action = {0}, before;
	action.sa_handler = on_interrupt;
	action.sa_flags = (int)SA_RESETHAND;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGINT, &action, NULL);
}

/* While the report is written, Ctrl-C kills at once. */
static void release_interrupt(void)
{
	struct sigaction before;
	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == on_interrupt)
		signal(SIGINT, SIG_DFL);
}

static bool on_progress(void *data, const char *phase, uint64_t done, uint64_t total)
{
	progress_bar_update(data, phase, done, total);
	return !interrupted;
}

static const char *spool_dir(const struct settings *settings)
{
	if (settings->analysis.spool_dir != NULL)
		return settings->analysis.spool_dir;
	const char *dir = getenv("TMPDIR");
	/* /tmp is memory on many machines, and an unpacked core is large. */
	return dir != NULL && *dir == '/' ? dir : "/var/tmp";
}

/* A word in the place of CORE that is no file may be a misspelt subcommand. */
static void hint_at_subcommand(const struct settings *settings, const struct coreleaks_error *error,
			       const char *core_path)
{
	const char *guess = subcommand_guess(core_path);
	if (settings->subcommand == NULL && guess != NULL && error->code == CORELEAKS_ERROR_OPEN &&
	    error->errno_value == ENOENT)
		message("did you mean the subcommand '%s'?", guess);
}

static int report_error(const struct settings *settings, struct coreleaks_error *error,
			const char *core_path)
{
	int code = error->code == CORELEAKS_ERROR_USAGE ? EXIT_USAGE : EXIT_FAILED;
	message("%s", error->message);
	hint_at_subcommand(settings, error, core_path);
	coreleaks_error_free(error);
	return code;
}

/* The user named a file: it must not be left unused in silence, least of all when the report goes
 * to a file. */
static void warn_of_executable(const struct settings *settings,
			       const struct coreleaks_analysis *analysis)
{
	const struct coreleaks_core *core = coreleaks_core_info(analysis);
	const char *given = settings->analysis.executable;
	if (settings->quiet || given == NULL)
		return;
	bool used = core->executable_file != NULL && strcmp(core->executable_file, given) == 0;
	if (used && core->executable_verified)
		return;
	for (uint32_t i = 0; i < coreleaks_num_gaps(analysis); i++) {
		const char *detail = coreleaks_gap(analysis, i)->detail;
		if (strstr(detail, given) != NULL) {
			message("warning: %s", detail);
			return;
		}
	}
	message("warning: %s %s", given,
		used ? "may not be the core's executable: the build-ids could not be compared"
		     : "was not used");
}

/* A finding all of whose groups are hidden is out of what the user chose to look at. */
static bool is_in_view(const struct coreleaks_analysis *analysis,
		       const struct coreleaks_finding *finding)
{
	for (uint32_t i = 0; i < finding->num_groups; i++) {
		if (coreleaks_group(analysis, finding->groups[i])->hidden_by == NULL)
			return true;
	}
	return finding->num_groups == 0;
}

static int exit_code(const struct settings *settings, const struct coreleaks_analysis *analysis)
{
	for (uint32_t i = 0; i < coreleaks_num_findings(analysis); i++) {
		const struct coreleaks_finding *finding = coreleaks_finding(analysis, i);
		if ((int32_t)finding->certainty <= settings->fail_on && !finding->allowed &&
		    is_in_view(analysis, finding))
			return EXIT_FINDINGS;
	}
	for (uint32_t i = 0; i < coreleaks_num_gaps(analysis); i++) {
		if (coreleaks_gap(analysis, i)->incomplete)
			return EXIT_INCOMPLETE;
	}
	return EXIT_CLEAN;
}

struct coreleaks_error *session_analyse(const struct settings *settings, const char *core_path,
					struct coreleaks_analysis **ret)
{
	struct progress_bar bar;
	struct coreleaks_options options = settings->analysis;
	struct coreleaks_analysis *analysis = NULL;
	options.spool_dir = spool_dir(settings);
	options.progress = on_progress;
	options.progress_data = &bar;
	progress_bar_init(&bar, settings->quiet && settings->progress == WHEN_AUTO
					? WHEN_NEVER
					: (enum when)settings->progress);
	bus_error_catch();
	catch_interrupt();
	struct coreleaks_error *error = coreleaks_open(core_path, &options, &analysis);
	if (error == NULL)
		error = coreleaks_run(analysis);
	release_interrupt();
	progress_bar_deinit(&bar);
	if (error == NULL)
		*ret = analysis;
	else
		coreleaks_close(analysis);
	return error;
}

int session_run(struct settings *settings, const char *core_path, const char *name)
{
	if (settings->fail_on == FAIL_ON_GROWTH || settings->fail_on == FAIL_ON_NEW) {
		message("--fail-on %s is for check and compare",
			settings->fail_on == FAIL_ON_NEW ? "new" : "growth");
		return EXIT_USAGE;
	}
	int code = output_check(settings, name == NULL);
	if (code != 0)
		return code;
	if (!rules_file_read(settings, false))
		return EXIT_USAGE;
	struct coreleaks_analysis *analysis = NULL;
	struct coreleaks_error *error = session_analyse(settings, core_path, &analysis);
	if (error != NULL)
		return report_error(settings, error, core_path);
	warn_of_executable(settings, analysis);
	code = exit_code(settings, analysis);
	bool fine = output_write(settings, analysis, name);
	if (settings->on_leak != NULL && code == EXIT_FINDINGS) {
		const struct output_source source = {analysis, NULL, output_write_analysis};
		on_leak_run(settings, &source);
	}
	code = fine ? code : EXIT_FAILED;
	coreleaks_close(analysis);
	return code;
}
