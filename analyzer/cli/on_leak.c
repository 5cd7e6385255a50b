#include "cli/on_leak.h"

#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file and not a pipe: a command that does not read it cannot make anybody wait. */
static int json_file(const struct settings *settings, const struct output_source *source)
{
	struct coreleaks_write_options options = settings->write;
	int fd = memfd_create("coreleaks-json", MFD_CLOEXEC);
	if (fd < 0) {
		message("--on-leak: cannot make a file in memory: %s", strerror(errno));
		return -1;
	}
	options.format = CORELEAKS_FORMAT_JSON;
	options.brief = true;
	if (output_write_to(fd, "--on-leak", source, &options) && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

bool on_leak_run(const struct settings *settings, const struct output_source *source)
{
	int status = 0;
	int fd = json_file(settings, source);
	if (fd < 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		if (dup2(fd, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
			execl("/bin/sh", "sh", "-c", settings->on_leak, (char *)NULL);
		_exit(127);
	}
	int errno_value = errno;
	close(fd);
	if (pid < 0) {
		message("--on-leak: cannot start a process: %s", strerror(errno_value));
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
