#include "core/spool.h"

#include "base/error.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 20, PAGE = 4096 };

static bool begins_with_elf(const char *bytes, size_t size)
{
	return size >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0;
}

static bool is_seekable_elf(int fd)
{
	char magic[SELFMAG];
	ssize_t got = pread(fd, magic, sizeof(magic), 0);
	return got > 0 && begins_with_elf(magic, (size_t)got);
}

static int open_unlinked(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0)
		return fd;
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/coreleaks.XXXXXX", dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static bool is_zero(const char *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static bool write_all(int fd, const char *bytes, size_t size, uint64_t off)
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

/* Writes all but the pages of zeros, which stay holes. */
static bool write_sparse(int fd, const char *bytes, size_t size, uint64_t off)
{
	size_t start = 0;
	while (start < size) {
		size_t end = start;
		while (end < size) {
			size_t page = PAGE - (size_t)((off + end) % PAGE);
			if (page > size - end)
				page = size - end;
			if (is_zero(bytes + end, page)) {
				if (end == start)
					start = end + page;
				else
					break;
			}
			end += page;
		}
		if (end > start && !write_all(fd, bytes + start, end - start, off + start))
			return false;
		start = end;
	}
	return true;
}

struct spool {
	struct archive *archive;
	const char *path;
	int out_fd;
	uint64_t size; /* unpacked so far */
	char gap[512]; /* what is missing; "" nothing */
	char *buffer;
};

/* Unpacks until the stream ends. A stream that breaks off leaves what was unpacked. */
static struct coreleaks_error *spool_unpack(struct spool *spool, uint64_t max_size,
					    struct progress *progress)
{
	bool cut = false;
	for (uint64_t round = 0;; round++) {
		la_ssize_t got = archive_read_data(spool->archive, spool->buffer, READ_SIZE);
		if (got == ARCHIVE_RETRY)
			continue;
		if (got < 0) {
			if (spool->size == 0)
				return error_new(CORELEAKS_ERROR_READ, 0, spool->path,
						 "%s: cannot be unpacked: %s", spool->path,
						 archive_error_string(spool->archive));
			snprintf(spool->gap, sizeof(spool->gap),
				 "the compressed core breaks off after %.1f MiB: %s",
				 (double)spool->size / 1048576.0,
				 archive_error_string(spool->archive));
			break;
		}
		if (got == 0)
			break;
		if (spool->size == 0 && !begins_with_elf(spool->buffer, (size_t)got))
			return error_new(
				CORELEAKS_ERROR_NOT_A_CORE, 0, spool->path,
				"%s: not a core dump: it does not begin with an ELF header",
				spool->path);
		if ((uint64_t)got > max_size - spool->size) {
			snprintf(spool->gap, sizeof(spool->gap),
				 "the core unpacks to more than the limit of %llu bytes; the rest "
				 "is left out",
				 (unsigned long long)max_size);
			got = (la_ssize_t)(max_size - spool->size);
			cut = true;
		}
		if (got > 0 &&
		    !write_sparse(spool->out_fd, spool->buffer, (size_t)got, spool->size))
			return error_new(CORELEAKS_ERROR_READ, errno, spool->path,
					 "%s: writing the unpacked core failed after %llu MiB",
					 spool->path, (unsigned long long)(spool->size >> 20));
		spool->size += (uint64_t)got;
		if (cut)
			break;
		if (!progress_tick(progress, "unpacking", round * 256, 0))
			return error_new(CORELEAKS_ERROR_CANCELLED, 0, spool->path,
					 "%s: stopped while unpacking", spool->path);
	}
	if (ftruncate(spool->out_fd, (off_t)spool->size) != 0)
		return error_new(CORELEAKS_ERROR_READ, errno, spool->path,
				 "%s: writing the unpacked core failed", spool->path);
	return NULL;
}

static struct coreleaks_error *spool_run(struct spool *spool, int fd, const char *spool_dir,
					 uint64_t max_size, struct progress *progress)
{
	struct archive *archive = spool->archive;
	struct archive_entry *entry;
	/* raw: any one stream; empty: so that an empty input is no archive error. Only the filters
	 * that need no other program are asked for. */
	archive_read_support_filter_zstd(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_lz4(archive);
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_format_raw(archive);
	archive_read_support_format_empty(archive);
	int status = archive_read_open_fd(archive, fd, READ_SIZE);
	if (status == ARCHIVE_OK)
		status = archive_read_next_header(archive, &entry);
	if (status == ARCHIVE_EOF)
		return error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, spool->path,
				 "%s: not a core dump: the file is empty", spool->path);
	if (status != ARCHIVE_OK)
		return error_new(CORELEAKS_ERROR_READ, 0, spool->path, "%s: cannot be read: %s",
				 spool->path, archive_error_string(archive));
	spool->out_fd = open_unlinked(spool_dir);
	if (spool->out_fd < 0)
		return error_new(CORELEAKS_ERROR_READ, errno, spool_dir,
				 "%s: cannot make a file to unpack the core into", spool_dir);
	return spool_unpack(spool, max_size, progress);
}

struct coreleaks_error *spool_open(int fd, const char *path, const char *spool_dir,
				   uint64_t max_core_size, struct progress *progress,
				   struct gaps *gaps, int *ret_fd)
{
	if (is_seekable_elf(fd)) {
		*ret_fd = fd;
		return NULL;
	}
	struct coreleaks_error *error;
	struct spool spool = {
		.path = strcmp(path, "-") == 0 ? "standard input" : path,
		.out_fd = -1,
		.archive = archive_read_new(),
		.buffer = malloc(READ_SIZE),
	};
	if (spool.archive == NULL || spool.buffer == NULL)
		error = error_new(CORELEAKS_ERROR_MEMORY, 0, NULL, "out of memory");
	else
		error = spool_run(&spool, fd, spool_dir, max_core_size, progress);
	if (spool.archive != NULL)
		archive_read_free(spool.archive);
	free(spool.buffer);
	close(fd);
	if (error == NULL)
		*ret_fd = spool.out_fd;
	if (error == NULL && spool.gap[0] != '\0')
		gaps_add(gaps, "core-truncated", true, "%s", spool.gap);
	if (error != NULL && spool.out_fd >= 0)
		close(spool.out_fd);
	return error;
}
