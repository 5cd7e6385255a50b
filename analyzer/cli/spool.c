#include "cli/spool.h"

#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_SIZE = 1 << 20, PAGE = 4096 };

/* Reads until the buffer is full or the input ends; -1: it cannot be read. */
static ssize_t fill(char *buffer)
{
	size_t used = 0;
	while (used < BUFFER_SIZE) {
		ssize_t got = read(STDIN_FILENO, buffer + used, BUFFER_SIZE - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

static bool write_at(int fd, const char *bytes, size_t size, uint64_t off)
{
	while (size > 0) {
		ssize_t put = pwrite(fd, bytes, size, (off_t)off);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		bytes += put;
		size -= (size_t)put;
		off += (uint64_t)put;
	}
	return true;
}

static bool write_sparse(int fd, const char *bytes, size_t size, uint64_t off)
{
	static const char zeros[PAGE];
	for (size_t at = 0; at < size; at += PAGE) {
		size_t part = size - at < PAGE ? size - at : PAGE;
		if (memcmp(bytes + at, zeros, part) != 0 &&
		    !write_at(fd, bytes + at, part, off + at))
			return false;
	}
	return true;
}

/* The rest is read and dropped: the kernel's writer must not be left waiting. */
static bool copy(int fd, uint64_t max_size, const char *path)
{
	uint64_t size = 0, dropped = 0;
	bool fine = true;
	ssize_t got;
	char *buffer = malloc(BUFFER_SIZE);
	if (buffer == NULL) {
		message("out of memory");
		return false;
	}
	while ((got = fill(buffer)) > 0) {
		uint64_t part = max_size - size < (uint64_t)got ? max_size - size : (uint64_t)got;
		fine = fine && write_sparse(fd, buffer, (size_t)part, size);
		size += part;
		dropped += (uint64_t)got - part;
	}
	if (got < 0)
		message("cannot read standard input: %s", strerror(errno));
	fine = fine && ftruncate(fd, (off_t)size) == 0;
	if (!fine)
		message("cannot write %s: %s", path, strerror(errno));
	else if (dropped > 0)
		message("%s: the core is larger than %" PRIu64 " bytes: %" PRIu64 " are cut off",
			path, max_size, dropped);
	free(buffer);
	return fine && got == 0;
}

static int create(const char *dir, char **path_ret)
{
	enum { ATTEMPTS = 100 };
	for (int i = 0; i < ATTEMPTS; i++) {
		uint32_t random;
		char *path, stamp[32];
		time_t now = time(NULL);
		struct tm tm;
		if (getrandom(&random, sizeof(random), 0) != sizeof(random) ||
		    gmtime_r(&now, &tm) == NULL ||
		    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm) == 0 ||
		    asprintf(&path, "%s/core.%s.%08" PRIx32, dir, stamp, random) < 0)
			return -1;
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			*path_ret = path;
			return fd;
		}
		free(path);
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

bool spool_take(struct spool *spool, const struct settings *settings, struct inputs *inputs)
{
	const char *dir = settings->analysis.spool_dir;
	if (dir == NULL || inputs->num != 1 || strcmp(inputs->paths[0], "-") != 0)
		return true;
	int fd = create(dir, &spool->path);
	if (fd < 0) {
		message("cannot make a file in %s: %s", dir, strerror(errno));
		return false;
	}
	bool fine = copy(fd, settings->analysis.max_core_size, spool->path);
	if (close(fd) != 0 && fine) {
		message("cannot write %s: %s", spool->path, strerror(errno));
		fine = false;
	}
	char *path = strdup(spool->path);
	if (path == NULL)
		return false;
	free(inputs->paths[0]);
	inputs->paths[0] = path;
	return fine;
}

void spool_end(struct spool *spool, bool remove)
{
	if (spool->path == NULL)
		return;
	if (!remove)
		message("kept: %s", spool->path);
	else if (unlink(spool->path) != 0)
		message("cannot remove %s: %s", spool->path, strerror(errno));
	free(spool->path);
	spool->path = NULL;
}
