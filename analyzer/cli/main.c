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

/* Why a path names no folder; 0: it names one. */
static int folder_problem(const char *path)
{
	struct stat status;
	return stat(path, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

/* Of a search path some folders may be missing, but not all. Below a sysroot they are looked for in
 * both places. GDB names the usual one, whether it is there or not. */
static void warn_of_debug_dirs(const char *dirs, const char *sysroot)
{
	char *copy = strdup(dirs), *rest = copy, *dir;
	const char *first = NULL;
	int problem = 0;
	while (copy != NULL && (dir = strsep(&rest, ":")) != NULL) {
		char *below = NULL;
		if (*dir == '\0')
			continue;
		int this_problem = strcmp(dir, "/usr/lib/debug") != 0 ? folder_problem(dir) : 0;
		if (this_problem != 0 && sysroot != NULL &&
		    asprintf(&below, "%s%s", sysroot, dir) >= 0 && folder_problem(below) == 0)
			this_problem = 0;
		free(below);
		if (this_problem == 0) {
			free(copy);
			return;
		}
		if (first == NULL) {
			first = dir;
			problem = this_problem;
		}
	}
	if (first != NULL)
		message("warning: --debug-dir: %s: %s", first, strerror(problem));
	free(copy);
}

/* A misspelt folder must not end in a list of missing files that does not name it. */
static void warn_of_folders(const struct settings *settings)
{
	const char *sysroot = settings->analysis.sysroot;
	if (sysroot != NULL && *sysroot == '\0')
		sysroot = NULL;
	if (settings->quiet)
		return;
	int problem = sysroot != NULL ? folder_problem(sysroot) : 0;
	if (problem != 0)
		message("warning: --sysroot: %s: %s", sysroot, strerror(problem));
	if (settings->analysis.debug_dirs != NULL)
		warn_of_debug_dirs(settings->analysis.debug_dirs, sysroot);
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
		warn_of_folders(&settings);
	}
	options_free(&settings);
	return code;
}
