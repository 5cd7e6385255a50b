#include "cli/on_leak.h"

#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int on_leak_file(void)
{
	int fd = memfd_create("coreleaks-json", MFD_CLOEXEC);
	if (fd < 0)
		message("--on-leak: cannot make a file in memory: %s", strerror(errno));
	return fd;
}

struct coreleaks_write_options on_leak_options(const struct settings *settings)
{
	struct coreleaks_write_options options = settings->write;
	options.format = CORELEAKS_FORMAT_JSON;
	options.brief = true;
	return options;
}

bool on_leak_run(const struct settings *settings, const struct output_source *source)
{
	const struct coreleaks_write_options options = on_leak_options(settings);
	int fd = on_leak_file();
	if (fd < 0)
		return false;
	bool fine =
		output_write_to(fd, "--on-leak", source, &options) && on_leak_start(settings, fd);
	close(fd);
	return fine;
}

bool on_leak_start(const struct settings *settings, int fd)
{
	int status = 0;
	if (lseek(fd, 0, SEEK_SET) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		if (dup2(fd, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
			execl("/bin/sh", "sh", "-c", settings->on_leak, (char *)NULL);
		_exit(127);
	}
	if (pid < 0) {
		message("--on-leak: cannot start a process: %s", strerror(errno));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	message("--on-leak: the command ended with %s %d", WIFSIGNALED(status) ? "signal" : "code",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return false;
}
