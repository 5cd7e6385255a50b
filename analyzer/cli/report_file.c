#include "cli/report_file.h"

#include "cli/inputs.h"
#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const char *path)
{
	message("cannot write %s: %s", path, strerror(errno));
	return false;
}

static int open_directory(const char *path)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	size_t length = (size_t)(inputs_base_name(path) - path);
	if (length == 0)
		return open(".", flags);
	char *dir = strndup(path, length);
	if (dir == NULL)
		return -1;
	int fd = open(dir, flags);
	int errno_value = errno;
	free(dir);
	errno = errno_value;
	return fd;
}

/* Nothing but a regular file is ever replaced: not a link, which may point anywhere, nor a device
 * or a pipe that somebody else reads. */
static bool may_replace(int dir_fd, const char *path, bool force)
{
	struct stat status;
	if (fstatat(dir_fd, inputs_base_name(path), &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || complain(path);
	if (S_ISLNK(status.st_mode))
		message("cannot write %s: it is a symbolic link", path);
	else if (!S_ISREG(status.st_mode))
		message("cannot write %s: it is not a regular file", path);
	else if (!force)
		message("cannot write %s: it exists; --force replaces it", path);
	else
		return true;
	return false;
}

bool report_file_check(const char *path, bool force)
{
	int dir_fd = open_directory(path);
	if (dir_fd < 0)
		return complain(path);
	bool fine = may_replace(dir_fd, path, force);
	close(dir_fd);
	return fine;
}

bool report_file_open(struct report_file *file, const char *path)
{
	enum { ATTEMPTS = 100 };
	memset(file, 0, sizeof(*file));
	file->path = path;
	file->base = inputs_base_name(path);
	file->fd = -1;
	file->dir_fd = open_directory(path);
	if (file->dir_fd < 0)
		return complain(path);
	for (int i = 0; i < ATTEMPTS && file->fd < 0; i++) {
		uint64_t random;
		char name[64];
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			break;
		snprintf(name, sizeof(name), ".coreleaks-%016llx.tmp", (unsigned long long)random);
		file->fd = openat(file->dir_fd, name,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (file->fd >= 0)
			memcpy(file->temporary, name, sizeof(name));
		else if (errno != EEXIST)
			break;
	}
	if (file->fd >= 0)
		return true;
	complain(path);
	report_file_close(file);
	return false;
}

/* Names the temporary file without replacing anything. Not all file systems know both ways. */
static int name_new_file(struct report_file *file)
{
	int failed = renameat2(file->dir_fd, file->temporary, file->dir_fd, file->base,
			       RENAME_NOREPLACE);
	if (failed == 0 || (errno != EINVAL && errno != ENOSYS))
		return failed;
	if (linkat(file->dir_fd, file->temporary, file->dir_fd, file->base, 0) != 0)
		return -1;
	return unlinkat(file->dir_fd, file->temporary, 0);
}

bool report_file_commit(struct report_file *file, bool force)
{
	int fd = file->fd;
	file->fd = -1;
	if (close(fd) != 0)
		return complain(file->path);
	if (!may_replace(file->dir_fd, file->path, force))
		return false;
	int failed = force ? renameat(file->dir_fd, file->temporary, file->dir_fd, file->base)
			   : name_new_file(file);
	if (failed != 0)
		return complain(file->path);
	file->temporary[0] = '\0';
	return true;
}

void report_file_close(struct report_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->dir_fd < 0)
		return;
	if (file->temporary[0] != '\0')
		unlinkat(file->dir_fd, file->temporary, 0);
	close(file->dir_fd);
}
