#include "cli/inputs.h"

#include "cli/message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_SIZE = 32 };

enum file_kind { FILE_OTHER, FILE_DUMP, FILE_PACKED, FILE_PROGRAM, FILE_REPORT, FILE_PROFILE };

/* What files begin with. ELF files are looked at more closely. */
static const struct {
	const char *bytes;
	size_t size;
	enum file_kind kind;
} magics[] = {
	{"\x7f"
	 "ELF",
	 4, FILE_DUMP},
	{"\x28\xb5\x2f\xfd", 4, FILE_PACKED}, /* zstd */
	{"\xfd"
	 "7zXZ",
	 5, FILE_PACKED},
	{"\x04\x22\x4d\x18", 4, FILE_PACKED}, /* lz4 */
	{"\x1f\x8b", 2, FILE_PACKED},	      /* gzip */
	{"BZh", 3, FILE_PACKED},
	{"{", 1, FILE_REPORT},
	{"goroutine ", 10, FILE_PROFILE},
	{"# left out: ", 12, FILE_PROFILE}, /* our own debug2 */
	{"# incomplete: ", 14, FILE_PROFILE},
};

static enum file_kind kind_of_head(const char *head, size_t size)
{
	enum { ELF_TYPE_OFF = 16, ELF_TYPE_CORE = 4 };
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (size < magics[i].size || memcmp(head, magics[i].bytes, magics[i].size) != 0)
			continue;
		if (magics[i].kind == FILE_DUMP && size > ELF_TYPE_OFF &&
		    head[ELF_TYPE_OFF] != ELF_TYPE_CORE)
			return FILE_PROGRAM;
		return magics[i].kind;
	}
	return FILE_OTHER;
}

static enum file_kind kind_of_file(int dir_fd, const char *path)
{
	char head[HEAD_SIZE];
	int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return FILE_OTHER;
	ssize_t size = read(fd, head, sizeof(head));
	close(fd);
	return size > 0 ? kind_of_head(head, (size_t)size) : FILE_OTHER;
}

static enum file_kind kind_of_argument(const char *path)
{
	struct stat status;
	if (strcmp(path, "-") == 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return FILE_OTHER;
	return kind_of_file(AT_FDCWD, path);
}

int inputs_is_report(const char *path)
{
	enum file_kind kind = kind_of_argument(path);
	if (kind == FILE_PACKED)
		return -1;
	return kind == FILE_REPORT || kind == FILE_PROFILE;
}

/* By its name where it is packed: reading it would cost as much as the analysis. */
bool inputs_is_profile(const char *path)
{
	enum file_kind kind = kind_of_argument(path);
	return kind == FILE_PROFILE ||
	       (kind == FILE_PACKED && coreleaks_format_by_path(path) == CORELEAKS_FORMAT_PPROF);
}

static bool add(char ***list, uint32_t *num, uint32_t *capacity, char *path)
{
	if (path != NULL && *num == *capacity) {
		uint32_t room = *capacity == 0 ? 16 : *capacity * 2;
		char **longer = realloc(*list, room * sizeof(*longer));
		if (longer == NULL) {
			free(path);
			path = NULL;
		} else {
			*list = longer;
			*capacity = room;
		}
	}
	if (path == NULL) {
		message("out of memory");
		return false;
	}
	(*list)[(*num)++] = path;
	return true;
}

static bool add_dump(struct inputs *inputs, char *path)
{
	return add(&inputs->paths, &inputs->num, &inputs->capacity, path);
}

static bool add_executable(struct inputs *inputs, char *path)
{
	return add(&inputs->executables, &inputs->num_executables, &inputs->executables_capacity,
		   path);
}

/* ---- Folders ------------------------------------------------------------------------------- */

/* What a folder holds besides. */
struct left_out {
	uint32_t num_links, num_others;
};

/* A file that calls itself a core is one, however damaged: it must not be passed over. */
static bool is_named_core(const char *name)
{
	return strncmp(name, "core", 4) == 0 || strstr(name, ".core") != NULL;
}

static bool add_entry(struct inputs *inputs, int dir_fd, const char *dir, const char *name,
		      bool reports, struct left_out *left_out)
{
	struct stat status;
	if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return true;
	/* Whoever may write into a folder of dumps could make root read any file by a link. */
	if (S_ISLNK(status.st_mode) && (geteuid() == 0 || fstatat(dir_fd, name, &status, 0) != 0)) {
		left_out->num_links++;
		return true;
	}
	enum file_kind kind = S_ISREG(status.st_mode) ? kind_of_file(dir_fd, name) : FILE_OTHER;
	bool dump = kind == FILE_DUMP || kind == FILE_PACKED ||
		    ((kind == FILE_REPORT || kind == FILE_PROFILE) && reports) ||
		    (S_ISREG(status.st_mode) && kind == FILE_OTHER && is_named_core(name));
	left_out->num_others += !dump && kind != FILE_PROGRAM;
	if (!dump && kind != FILE_PROGRAM)
		return true;
	char *path = NULL;
	size_t length = strlen(dir);
	if (asprintf(&path, "%s%s%s", dir, length > 0 && dir[length - 1] == '/' ? "" : "/", name) <
	    0)
		path = NULL;
	return dump ? add_dump(inputs, path) : add_executable(inputs, path);
}

const char *inputs_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* The last 20060102-150405 in the file's name, as monitors write it; NULL: none. */
static const char *stamp_of(const char *path)
{
	static const char form[] = "dddddddd-dddddd";
	const char *found = NULL;
	for (const char *at = inputs_base_name(path); *at != '\0'; at++) {
		size_t i = 0;
		while (form[i] != '\0' &&
		       (form[i] == 'd' ? at[i] >= '0' && at[i] <= '9' : at[i] == form[i]))
			i++;
		if (form[i] == '\0')
			found = at;
	}
	return found;
}

static int by_stamp(const void *a, const void *b)
{
	int order = strncmp(stamp_of(*(char *const *)a), stamp_of(*(char *const *)b), 15);
	return order != 0 ? order : by_name(a, b);
}

static int by_mtime(const void *a, const void *b)
{
	struct stat x = {0}, y = {0};
	if (stat(*(char *const *)a, &x) != 0 || stat(*(char *const *)b, &y) != 0)
		return by_name(a, b);
	if (x.st_mtim.tv_sec != y.st_mtim.tv_sec)
		return x.st_mtim.tv_sec < y.st_mtim.tv_sec ? -1 : 1;
	if (x.st_mtim.tv_nsec != y.st_mtim.tv_nsec)
		return x.st_mtim.tv_nsec < y.st_mtim.tv_nsec ? -1 : 1;
	return by_name(a, b);
}

static void sort(char **paths, uint32_t num, enum inputs_order order)
{
	bool stamped = true;
	for (uint32_t i = 0; i < num; i++)
		stamped &= stamp_of(paths[i]) != NULL;
	if (num > 0)
		qsort(paths, num, sizeof(*paths),
		      order == INPUTS_BY_NAME ? by_name
		      : stamped		      ? by_stamp
					      : by_mtime);
}

static int add_folder(struct inputs *inputs, const char *dir, bool reports, enum inputs_order order,
		      bool quiet)
{
	struct left_out left_out = {0};
	uint32_t num_before = inputs->num;
	struct dirent *entry;
	DIR *stream = opendir(dir);
	if (stream == NULL) {
		message("cannot read %s: %s", dir, strerror(errno));
		return EXIT_FAILED;
	}
	bool fine = true;
	while (fine && (entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.')
			fine = add_entry(inputs, dirfd(stream), dir, entry->d_name, reports,
					 &left_out);
	closedir(stream);
	if (!fine)
		return EXIT_FAILED;
	sort(inputs->paths + num_before, inputs->num - num_before, order);
	inputs->from_folder = true;
	if (left_out.num_links > 0)
		message("%s: %u symbolic links are not followed", dir, left_out.num_links);
	if (left_out.num_others > 0 && !quiet)
		message("%s: %u entries that are no dumps are left out", dir, left_out.num_others);
	if (inputs->num == num_before) {
		message("%s: no dump in this folder", dir);
		return EXIT_FAILED;
	}
	return 0;
}

int inputs_find(struct inputs *inputs, const struct settings *settings, bool reports,
		enum inputs_order order)
{
	memset(inputs, 0, sizeof(*inputs));
	for (uint32_t i = 0; i < settings->num_arguments; i++) {
		const char *argument = settings->arguments[i];
		struct stat status;
		int code = 0;
		if (i >= settings->num_plain_arguments)
			code = add_executable(inputs, strdup(argument)) ? 0 : EXIT_FAILED;
		else if (strcmp(argument, "-") != 0 && stat(argument, &status) == 0 &&
			 S_ISDIR(status.st_mode))
			code = add_folder(inputs, argument, reports, order, settings->quiet);
		else
			code = add_dump(inputs, strdup(argument)) ? 0 : EXIT_FAILED;
		if (code != 0)
			return code;
	}
	return 0;
}

void inputs_free(struct inputs *inputs)
{
	for (uint32_t i = 0; i < inputs->num; i++)
		free(inputs->paths[i]);
	for (uint32_t i = 0; i < inputs->num_executables; i++)
		free(inputs->executables[i]);
	free(inputs->paths);
	free(inputs->executables);
	memset(inputs, 0, sizeof(*inputs));
}
