#include "cli/session.h"

#include "cli/bus_error.h"
#include "cli/commands.h"
#include "cli/contain.h"
#include "cli/message.h"
#include "cli/on_leak.h"
#include "cli/output.h"
#include "cli/rules_file.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

void session_stop(int signal_nr)
{
	(void)signal_nr;
	interrupted = 1;
}

const char *session_spool_dir(const struct settings *settings)
{
	if (settings->analysis.spool_dir != NULL)
		return settings->analysis.spool_dir;
	const char *dir = getenv("TMPDIR");
	/* /tmp is memory on many machines, and an unpacked core is large. */
	return dir != NULL && *dir == '/' ? dir : "/var/tmp";
}

/* A word in the place of CORE that is no file may be a misspelt subcommand. */
static void hint_at_subcommand(const struct settings *settings, const char *core_path)
{
	const char *guess = subcommand_guess(core_path);
	if (settings->subcommand == NULL && guess != NULL)
		message("did you mean the subcommand '%s'?", guess);
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

/* Of several candidates the one that has the name of the core's own executable. A single one that
 * the user named is meant whatever its name. */
static const char *choose_executable(const struct session *session)
{
	const struct settings *settings = session->settings;
	const struct inputs *inputs = session->inputs;
	const char *path = session->core_path;
	struct coreleaks_analysis *analysis;
	const char *chosen = NULL;
	if (settings->analysis.executable != NULL || inputs == NULL || inputs->num_executables == 0)
		return settings->analysis.executable;
	if (inputs->num == 1 && inputs->num_executables == 1 && !inputs->from_folder)
		return inputs->executables[0];
	/* Standard input can be read only once. */
	if (strcmp(path, "-") == 0)
		return inputs->executables[0];
	struct coreleaks_options options = settings->analysis;
	options.rules = NULL;
	struct coreleaks_error *error = coreleaks_open(path, &options, &analysis);
	if (error != NULL) {
		coreleaks_error_free(error);
		return NULL;
	}
	const char *own = coreleaks_core_info(analysis)->executable;
	bool found = coreleaks_core_info(analysis)->executable_verified;
	for (uint32_t i = 0; i < inputs->num_executables && own != NULL && !found; i++)
		if (strcmp(inputs_base_name(inputs->executables[i]), inputs_base_name(own)) == 0)
			chosen = inputs->executables[i];
	coreleaks_close(analysis);
	return chosen;
}

/* ---- The analysis, wherever it runs -------------------------------------------------------- */

struct look {
	const struct channel *channel;
	struct progress_bar *bar;
	const char *phase; /* that was told last */
};

static bool on_progress(void *data, const char *phase, uint64_t done, uint64_t total)
{
	struct look *look = data;
	bool due = progress_bar_due(look->bar);
	if (due || look->phase != phase)
		look->channel->progress(look->channel->data, phase, done, total, due);
	look->phase = phase;
	return !interrupted;
}

static struct coreleaks_error *analyse(const struct session *session, struct look *look,
				       const struct channel *channel,
				       struct coreleaks_analysis **ret)
{
	const struct settings *settings = session->settings;
	struct coreleaks_options options = settings->analysis;
	struct coreleaks_analysis *analysis = NULL;
	options.spool_dir = session_spool_dir(settings);
	options.progress = on_progress;
	options.progress_data = look;
	options.executable = choose_executable(session);
	options.last_floor = session->last_floor;
	options.left_out = session->left_out;
	bus_error_catch();
	struct coreleaks_error *error = coreleaks_open(session->core_path, &options, &analysis);
	if (channel->opened != NULL)
		channel->opened(channel->data);
	if (error == NULL)
		error = coreleaks_run(analysis);
	if (error == NULL)
		*ret = analysis;
	else
		coreleaks_close(analysis);
	return error;
}

static void write_document(const struct coreleaks_analysis *analysis,
			   const struct document *document, uint32_t index,
			   const struct channel *channel)
{
	struct coreleaks_write_options options = document->options;
	options.sandbox = channel->sandbox;
	if (!channel->begin(channel->data, index))
		return;
	struct coreleaks_error *error =
		document->name == NULL
			? coreleaks_write(analysis, &options, channel->bytes, channel->data)
			: coreleaks_write_one(analysis, document->name, &options, channel->bytes,
					      channel->data);
	channel->end(channel->data, error != NULL ? error->message : NULL);
	coreleaks_error_free(error);
}

void session_work(struct session *session, const struct channel *channel)
{
	struct look look = {channel, session->bar, NULL};
	struct coreleaks_analysis *analysis = NULL;
	struct coreleaks_error *error = analyse(session, &look, channel, &analysis);
	if (error != NULL) {
		session->code = error->code == CORELEAKS_ERROR_USAGE ? EXIT_USAGE : EXIT_FAILED;
		session->not_there =
			error->code == CORELEAKS_ERROR_OPEN && error->errno_value == ENOENT;
		session->why = strdup(error->message);
		coreleaks_error_free(error);
		return;
	}
	if (session->warns)
		warn_of_executable(session->settings, analysis);
	session->code = exit_code(session->settings, analysis);
	for (uint32_t i = 0; i < session->documents->num; i++) {
		const struct document *document = &session->documents->items[i];
		if (!document->whole && (!document->if_findings || session->code == EXIT_FINDINGS))
			write_document(analysis, document, i, channel);
	}
	coreleaks_close(analysis);
}

/* ---- The command --------------------------------------------------------------------------- */

static bool add_documents(struct documents *documents, const char *name, int *leak_fd_ret)
{
	const struct settings *settings = documents->settings;
	if (!output_add(documents, name))
		return false;
	if (settings->on_leak == NULL)
		return true;
	*leak_fd_ret = on_leak_file();
	if (*leak_fd_ret < 0)
		return true;
	const struct coreleaks_write_options options = on_leak_options(settings);
	if (!documents_add(documents, &options, "--on-leak", NULL, *leak_fd_ret))
		return false;
	documents->items[documents->num - 1].if_findings = true;
	return true;
}

static int conclude(const struct session *session, int leak_fd)
{
	const struct settings *settings = session->settings;
	if (session->why != NULL) {
		message("%s", session->why);
		if (session->not_there)
			hint_at_subcommand(settings, session->core_path);
		return session->code;
	}
	const struct documents *documents = session->documents;
	if (leak_fd >= 0 && session->code == EXIT_FINDINGS &&
	    documents->items[documents->num - 1].whole)
		on_leak_start(settings, leak_fd);
	return documents->failed ? EXIT_FAILED : session->code;
}

int session_run(struct settings *settings, const char *core_path, const char *name)
{
	if (settings->fail_on == FAIL_ON_GROWTH || settings->fail_on == FAIL_ON_NEW) {
		message("--fail-on %s is for check and compare",
			settings->fail_on == FAIL_ON_NEW ? "new" : "growth");
		return EXIT_USAGE;
	}
	int code = output_check(settings, name == NULL), leak_fd = -1;
	if (code != 0)
		return code;
	if (!rules_file_read(settings, false))
		return EXIT_USAGE;
	struct documents documents;
	struct session session = {
		.settings = settings,
		.core_path = core_path,
		.documents = &documents,
		.warns = true,
	};
	documents_init(&documents, settings);
	code = EXIT_FAILED;
	if (add_documents(&documents, name, &leak_fd)) {
		contain_run(&session);
		code = conclude(&session, leak_fd);
	}
	if (leak_fd >= 0)
		close(leak_fd);
	free(session.why);
	documents_free(&documents);
	return code;
}
