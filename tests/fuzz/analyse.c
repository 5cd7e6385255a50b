/* The whole way from a core to every report, and what must hold of each. */
#include "coreleaks.h"
#include "fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_MEMORY = 512 << 20 };

const char *fuzz_file(const unsigned char *bytes, size_t size)
{
	static char path[64];
	static int fd = -1;
	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
		abort();
	return path;
}

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "WRONG: %s: %s\n", what, text);
	abort();
}

/* What terminals and readers obey: controls besides the end of a line and tabs, and the characters
 * that turn the direction of writing. */
static bool is_dangerous(uint32_t point)
{
	return (point < 0x20 && point != '\n' && point != '\t') ||
	       (point >= 0x7f && point < 0xa0) || point == 0x061c || point == 0x200e ||
	       point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069);
}

/* Every textual report is UTF-8 without anything dangerous. */
static void check_text(const char *format, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size;) {
		uint32_t point = bytes[i];
		size_t length = point < 0x80	? 1
				: point >= 0xf0 ? 4
				: point >= 0xe0 ? 3
				: point >= 0xc2 ? 2
						: 0;
		if (length == 0 || length > size - i)
			fail(format, "is not UTF-8");
		if (length > 1)
			point &= 0xff >> (length + 1);
		for (size_t k = 1; k < length; k++) {
			if ((bytes[i + k] & 0xc0) != 0x80)
				fail(format, "is not UTF-8");
			point = point << 6 | (bytes[i + k] & 0x3f);
		}
		if (is_dangerous(point))
			fail(format, "a control character is not escaped");
		i += length;
	}
}

static bool collect(void *data, const char *bytes, size_t size)
{
	return fwrite(bytes, 1, size, data) == size;
}

bool fuzz_drop(void *data, const char *bytes, size_t size)
{
	*(size_t *)data += size + (size > 0 && bytes[0] == '\0');
	return true;
}

void fuzz_check_error(struct coreleaks_error *error)
{
	if (error != NULL && (strlen(error->message) < 5 || strchr(error->message, '\n') != NULL))
		fail("error", error->message);
	coreleaks_error_free(error);
}

/* Of a core: what it says is not repeated as it is. */
static void check_error(struct coreleaks_error *error)
{
	if (error != NULL)
		check_text("error", (const unsigned char *)error->message, strlen(error->message));
	fuzz_check_error(error);
}

static void write_all(struct coreleaks_analysis *analysis)
{
	for (int format = CORELEAKS_FORMAT_TEXT; coreleaks_format_name(format) != NULL; format++) {
		struct coreleaks_write_options options;
		char *text = NULL;
		size_t size = 0;
		FILE *stream = open_memstream(&text, &size);
		coreleaks_write_options_init(&options);
		options.format = (enum coreleaks_format)format;
		options.verbose = 1;
		check_error(coreleaks_write(analysis, &options, collect, stream));
		if (format == CORELEAKS_FORMAT_TEXT || format == CORELEAKS_FORMAT_JSON)
			check_error(coreleaks_write_one(analysis, "1", &options, collect, stream));
		fclose(stream);
		if (format != CORELEAKS_FORMAT_PPROF)
			check_text(coreleaks_format_name(format), (unsigned char *)text, size);
		free(text);
	}
}

static void check_sums(const struct coreleaks_analysis *analysis)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < coreleaks_num_groups(analysis); i++)
		num += coreleaks_group(analysis, i)->num_tasks;
	if (num + coreleaks_num_deselected(analysis) != coreleaks_num_tasks(analysis))
		fail("groups", "a task is in none, or in two");
}

void fuzz_analyse(const char *core_path, const char *executable)
{
	struct coreleaks_options options;
	struct coreleaks_analysis *analysis = NULL;
	coreleaks_options_init(&options);
	options.max_memory = MAX_MEMORY;
	options.debug_dirs = "/no/such/folder";
	options.executable = executable;
	options.threshold = 2;
	options.all = true;
	options.self_check = true;
	struct coreleaks_error *error = coreleaks_open(core_path, &options, &analysis);
	if (error != NULL) {
		check_error(error);
		return;
	}
	check_error(coreleaks_run(analysis));
	check_sums(analysis);
	write_all(analysis);
	coreleaks_close(analysis);
}
