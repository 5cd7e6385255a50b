#include "cli/bus_error.h"

#include "cli/commands.h"
#include "cli/message.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINE = 4096 + 128 };

/* Nothing here may allocate or lock: the signal may have come anywhere. */
static uint64_t read_hex(const char **text)
{
	uint64_t value = 0;
	for (;; ++*text) {
		char c = **text;
		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return value;
	}
}

/* The path on a line of /proc/self/maps that holds addr; NULL: another line, or no file. */
static const char *path_of_line(const char *line, uint64_t addr)
{
	uint64_t low = read_hex(&line), high;
	if (*line++ != '-')
		return NULL;
	high = read_hex(&line);
	return addr >= low && addr < high ? strchr(line, '/') : NULL;
}

static bool find_mapped_file(uint64_t addr, char *path_ret)
{
	char line[MAX_LINE];
	size_t used = 0;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && read(fd, line + used, 1) == 1) {
		if (line[used] != '\n') {
			used += used + 1 < sizeof(line);
			continue;
		}
		line[used] = '\0';
		used = 0;
		const char *path = path_of_line(line, addr);
		if (path == NULL)
			continue;
		memcpy(path_ret, path, strlen(path) + 1);
		message_make_harmless(path_ret);
		close(fd);
		return true;
	}
	if (fd >= 0)
		close(fd);
	return false;
}

static void on_bus_error(int signal_nr, siginfo_t *info, void *context)
{
	static const char said[] =
		": became shorter, or could not be read, while it was in use; try again";
	static const char unknown[] = "a file of the core";
	static char line[MAX_LINE + sizeof(said)];
	(void)context;
	/* Sent by somebody: nothing was read in vain. */
	if (info->si_code <= 0) {
		signal(signal_nr, SIG_DFL);
		raise(signal_nr);
		return;
	}
	if (!find_mapped_file((uint64_t)(uintptr_t)info->si_addr, line))
		memcpy(line, unknown, sizeof(unknown));
	memcpy(line + strlen(line), said, sizeof(said));
	message_give_up(line);
}

void bus_error_catch(void)
{
	struct sigaction action = {0};
	action.sa_sigaction = on_bus_error;
	action.sa_flags = SA_SIGINFO;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
