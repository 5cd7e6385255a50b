#include "cli/output.h"

#include "cli/message.h"
#include "cli/report_file.h"
#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { FILE_WIDTH = 100 };

/* Gathers what the library writes into large writes. */
struct sink {
	int fd;
	int errno_value; /* of the write that failed; 0 none */
	size_t used;
	char buffer[64 * 1024];
};

static bool sink_flush(struct sink *sink)
{
	const char *bytes = sink->buffer;
	while (sink->used > 0 && sink->errno_value == 0) {
		ssize_t written = write(sink->fd, bytes, sink->used);
		if (written >= 0) {
			bytes += written;
			sink->used -= (size_t)written;
		} else if (errno == EAGAIN) {
			/* Somebody else made the pipe non-blocking. */
			struct pollfd pollfd = {.fd = sink->fd, .events = POLLOUT};
			poll(&pollfd, 1, -1);
		} else if (errno != EINTR) {
			sink->errno_value = errno;
		}
	}
	sink->used = 0;
	return sink->errno_value == 0;
}

static bool sink_write(void *data, const char *bytes, size_t size)
{
	struct sink *sink = data;
	while (size > 0) {
		size_t room = sizeof(sink->buffer) - sink->used;
		size_t part = size < room ? size : room;
		memcpy(sink->buffer + sink->used, bytes, part);
		sink->used += part;
		bytes += part;
		size -= part;
		if (sink->used == sizeof(sink->buffer) && !sink_flush(sink))
			return false;
	}
	return true;
}

struct suffix {
	const char *name;
	enum coreleaks_format format;
};

/* NULL: the path's end tells no format. */
static const struct suffix *find_suffix(const char *path)
{
	static const struct suffix suffixes[] = {
		{".txt", CORELEAKS_FORMAT_TEXT},
		{".json", CORELEAKS_FORMAT_JSON},
	};
	size_t length = strlen(path);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t suffix_length = strlen(suffixes[i].name);
		if (length > suffix_length &&
		    strcmp(path + length - suffix_length, suffixes[i].name) == 0)
			return &suffixes[i];
	}
	return NULL;
}

static bool is_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

int output_check(const struct settings *settings)
{
	for (uint32_t i = 0; i < settings->num_outputs; i++) {
		const char *path = settings->outputs[i];
		if (is_stdout(path))
			continue;
		if (find_suffix(path) == NULL && !settings->format_given) {
			message("--output %s: no format for this suffix is built yet; use .txt, "
				".json or --format",
				path);
			return EXIT_USAGE;
		}
		if (!report_file_check(path, settings->force))
			return EXIT_FAILED;
	}
	return 0;
}

/* Writes one report to fd. path is for messages. */
static bool write_to(int fd, const char *path, const struct coreleaks_write_options *options,
		     const struct coreleaks_analysis *analysis, const char *name)
{
	struct sink sink = {.fd = fd};
	struct coreleaks_error *error =
		name == NULL ? coreleaks_write(analysis, options, sink_write, &sink)
			     : coreleaks_write_one(analysis, name, options, sink_write, &sink);
	/* A reader that has seen enough is no failure. */
	bool fine = (error == NULL && sink_flush(&sink)) || sink.errno_value == EPIPE;
	if (!fine && sink.errno_value != 0)
		message("cannot write %s: %s", path, strerror(sink.errno_value));
	else if (!fine && error != NULL)
		message("%s", error->message);
	coreleaks_error_free(error);
	return fine;
}

/* What suits the reader of all outputs alike. */
static struct coreleaks_write_options write_options(const struct settings *settings)
{
	struct coreleaks_write_options options = settings->write;
	options.ascii = !terminal_is_utf8();
	options.width = FILE_WIDTH;
	options.color = false;
	return options;
}

static bool write_stdout(const struct settings *settings, const struct coreleaks_analysis *analysis,
			 const char *name)
{
	struct coreleaks_write_options options = write_options(settings);
	options.color = terminal_wants_color((enum when)settings->color);
	options.width = terminal_width(FILE_WIDTH);
	return write_to(STDOUT_FILENO, "standard output", &options, analysis, name);
}

static bool write_file(const struct settings *settings, const char *path,
		       const struct coreleaks_analysis *analysis, const char *name)
{
	struct coreleaks_write_options options = write_options(settings);
	const struct suffix *suffix = find_suffix(path);
	if (suffix != NULL)
		options.format = suffix->format;
	struct report_file file;
	if (!report_file_open(&file, path))
		return false;
	bool fine = write_to(file.fd, path, &options, analysis, name) &&
		    report_file_commit(&file, settings->force);
	report_file_close(&file);
	return fine;
}

bool output_write(const struct settings *settings, const struct coreleaks_analysis *analysis,
		  const char *name)
{
	if (settings->num_outputs == 0)
		return write_stdout(settings, analysis, name);
	bool fine = true;
	for (uint32_t i = 0; i < settings->num_outputs; i++) {
		const char *path = settings->outputs[i];
		fine &= is_stdout(path) ? write_stdout(settings, analysis, name)
					: write_file(settings, path, analysis, name);
	}
	return fine;
}
