#include "cli/commands.h"
#include "cli/message.h"
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct subcommand subcommands[] = {
	{"report", report_command},   {"show", show_command}, {"check", check_command},
	{"compare", compare_command}, {"watch", NULL},
};

enum { NUM_SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

const struct subcommand *subcommand_find(const char *name)
{
	for (size_t i = 0; i < NUM_SUBCOMMANDS; i++) {
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	}
	return NULL;
}

/* Letters to add, drop or exchange to make word into name. */
static unsigned distance(const char *word, const char *name)
{
	enum { LONGEST = 16 };
	unsigned row[LONGEST + 1];
	size_t word_length = strlen(word), name_length = strlen(name);
	if (word_length > LONGEST || name_length > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= name_length; i++)
		row[i] = (unsigned)i;
	for (size_t i = 1; i <= word_length; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t k = 1; k <= name_length; k++) {
			unsigned best = diagonal + (word[i - 1] != name[k - 1]);
			diagonal = row[k];
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			row[k] = best;
		}
	}
	return row[name_length];
}

const char *subcommand_guess(const char *word)
{
	enum { CLOSE = 2 };
	const char *guess = NULL;
	unsigned best = CLOSE + 1;
	for (size_t i = 0; i < NUM_SUBCOMMANDS; i++) {
		unsigned letters = distance(word, subcommands[i].name);
		if (letters < best) {
			best = letters;
			guess = subcommands[i].name;
		}
	}
	return guess;
}

/* A file opened later must not become standard output: the report would go into it. The ends are
 * the wrong way round, so that using them fails as it does with a closed one. */
static void open_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			abort();
	}
}

/* --help and --version leave the program inside argp, which does not ask whether they arrived. */
static void check_stdout(void)
{
	if (fflush(stdout) != 0 && errno != EPIPE) {
		message("cannot write standard output: %s", strerror(errno));
		_exit(EXIT_FAILED);
	}
}

/* A misspelt one must not end in a list of missing files that does not name it. Of --debug-dir's
 * folders some may be missing, as on any search path. */
static void warn_of_sysroot(const struct settings *settings)
{
	const char *path = settings->analysis.sysroot;
	struct stat status;
	if (settings->quiet || path == NULL || *path == '\0')
		return;
	int problem = stat(path, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
	if (problem != 0)
		message("warning: --sysroot: %s: %s", path, strerror(problem));
}

int main(int argc, char **argv)
{
	open_standard_files();
	setlocale(LC_CTYPE, "");
	/* A reader that has seen enough closes the pipe: other outputs and the exit code stay. */
	signal(SIGPIPE, SIG_IGN);
	atexit(check_stdout);
	struct settings settings;
	int code = options_parse(&settings, argc, argv);
	if (code == 0 && settings.list_rules) {
		fputs(coreleaks_builtin_rules(), stdout);
	} else if (code == 0) {
		const char *name = settings.subcommand != NULL ? settings.subcommand : "report";
		code = subcommand_find(name)->run(&settings);
		/* Last: the first line tells why a run has failed. */
		warn_of_sysroot(&settings);
	}
	options_free(&settings);
	return code;
}
