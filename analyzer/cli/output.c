#include "cli/output.h"

#include "cli/handlers.h"
#include "cli/message.h"
#include "cli/report_file.h"
#include "cli/sink.h"
#include "cli/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_WIDTH = 100 };

static const char standard_output[] = "standard output";

static bool is_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* The format of the output at path, which --format decides where the path does not; -1 none. */
static int32_t format_of(const struct settings *settings, const char *path)
{
	int32_t format = is_stdout(path) ? -1 : coreleaks_format_by_path(path);
	if (format >= 0)
		return format;
	return is_stdout(path) || settings->format_given ? (int32_t)settings->write.format : -1;
}

static bool check_output(const struct settings *settings, const char *path, bool whole_report)
{
	int32_t format = format_of(settings, path);
	if (format < 0) {
		char known[256];
		message("--output %s: no format for this suffix; use one of %s, or --format", path,
			format_list(known, sizeof(known), coreleaks_format_suffix));
		return false;
	}
	if (!whole_report && format != CORELEAKS_FORMAT_TEXT && format != CORELEAKS_FORMAT_JSON) {
		message("show writes text and json; %s is a format of whole reports",
			coreleaks_format_name((enum coreleaks_format)format));
		return false;
	}
	if (format == CORELEAKS_FORMAT_PPROF && is_stdout(path) && isatty(STDOUT_FILENO)) {
		message("pprof is binary: write it to a file with -o, or through a pipe");
		return false;
	}
	return true;
}

int output_check(const struct settings *settings, bool whole_report)
{
	if (settings->num_outputs == 0 && !check_output(settings, "-", whole_report))
		return EXIT_USAGE;
	for (uint32_t i = 0; i < settings->num_outputs; i++) {
		if (!check_output(settings, settings->outputs[i], whole_report))
			return EXIT_USAGE;
		if (!is_stdout(settings->outputs[i]) &&
		    !report_file_check(settings->outputs[i], settings->force))
			return EXIT_FAILED;
	}
	return 0;
}

bool output_write_to(int fd, const char *path, const struct output_source *source,
		     const struct coreleaks_write_options *options)
{
	struct sink sink = {.fd = fd};
	struct coreleaks_error *error = source->write(source, options, sink_write, &sink);
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
	options.kind = settings->analysis.kind;
	if (settings->fail_on >= FAIL_ON_NONE && settings->fail_on <= CORELEAKS_VERDICT_SUSPECT)
		options.fail_on = settings->fail_on;
	return options;
}

static struct coreleaks_write_options stdout_options(const struct settings *settings)
{
	struct coreleaks_write_options options = write_options(settings);
	options.color = terminal_wants_color((enum when)settings->color);
	options.width = terminal_width(FILE_WIDTH);
	return options;
}

static bool write_stdout(const struct settings *settings, const struct output_source *source)
{
	const struct coreleaks_write_options options = stdout_options(settings);
	return output_write_to(STDOUT_FILENO, standard_output, source, &options);
}

static bool write_file(const struct settings *settings, const char *path,
		       const struct output_source *source)
{
	struct coreleaks_write_options options = write_options(settings);
	options.format = (enum coreleaks_format)format_of(settings, path);
	struct report_file file;
	if (!report_file_open(&file, path))
		return false;
	bool fine = output_write_to(file.fd, path, source, &options) &&
		    report_file_commit(&file, settings->force);
	report_file_close(&file);
	return fine;
}

static bool add_stdout(struct documents *documents)
{
	const struct coreleaks_write_options options = stdout_options(documents->settings);
	return documents_add(documents, &options, standard_output, NULL, STDOUT_FILENO);
}

/* own: path, when it is the document's to free. */
static bool add_file(struct documents *documents, const char *path, char *own)
{
	struct coreleaks_write_options options = write_options(documents->settings);
	options.format = (enum coreleaks_format)format_of(documents->settings, path);
	return documents_add(documents, &options, path, own, -1);
}

bool output_add(struct documents *documents, const char *name)
{
	const struct settings *settings = documents->settings;
	bool fine = settings->num_outputs > 0 || add_stdout(documents);
	for (uint32_t i = 0; i < settings->num_outputs && fine; i++) {
		const char *path = settings->outputs[i];
		fine = is_stdout(path) ? add_stdout(documents) : add_file(documents, path, NULL);
	}
	for (uint32_t i = 0; i < documents->num; i++)
		documents->items[i].name = name;
	return fine;
}

/* ---- Many dumps ---------------------------------------------------------------------------- */

static const char *place_of_name(const char *path)
{
	return strstr(path, "{}");
}

static bool is_for_many(const struct settings *settings, int32_t format)
{
	if (format < 0)
		return false;
	return (settings->many_formats >> format & 1) != 0 ||
	       (settings->joins && coreleaks_format_joins((enum coreleaks_format)format));
}

/* The page and the graph of one dump tell more of it than those of many would. */
static bool is_better_alone(const struct settings *settings, int32_t format)
{
	return settings->joins &&
	       (format == CORELEAKS_FORMAT_HTML || format == CORELEAKS_FORMAT_DOT);
}

static bool is_of_dump(const struct settings *settings, const char *path, uint32_t num_dumps)
{
	if (is_stdout(path))
		return false;
	int32_t format = format_of(settings, path);
	return place_of_name(path) != NULL ||
	       (num_dumps == 1 &&
		(!is_for_many(settings, format) || is_better_alone(settings, format)));
}

bool output_joins(const struct settings *settings, uint32_t index, uint32_t num_dumps)
{
	const char *path = settings->outputs[index];
	int32_t format = format_of(settings, path);
	return settings->joins && format >= 0 && !is_stdout(path) &&
	       coreleaks_format_joins((enum coreleaks_format)format) &&
	       !is_of_dump(settings, path, num_dumps);
}

bool output_add_part(struct documents *documents, uint32_t index, int fd)
{
	const struct settings *settings = documents->settings;
	const char *path = settings->outputs[index];
	struct coreleaks_write_options options = write_options(settings);
	options.format = (enum coreleaks_format)format_of(settings, path);
	options.part = true;
	return documents_add(documents, &options, path, NULL, fd);
}

/* The parts of one document. */
struct joint {
	const struct coreleaks_part *parts;
	uint32_t num;
};

static struct coreleaks_error *write_joint(const struct output_source *source,
					   const struct coreleaks_write_options *options,
					   coreleaks_sink sink, void *sink_data)
{
	const struct joint *joint = source->of;
	return coreleaks_join(options->format, joint->parts, joint->num, sink, sink_data);
}

static bool check_path_of_many(const struct settings *settings, const char *path,
			       uint32_t num_dumps)
{
	int32_t format = format_of(settings, path);
	if (!check_output(settings, path, true))
		return false;
	bool many = is_stdout(path) ? (settings->many_formats >> format & 1) != 0
				    : is_for_many(settings, format);
	if (many || is_of_dump(settings, path, num_dumps))
		return true;
	const char *name = coreleaks_format_name((enum coreleaks_format)format);
	if (is_stdout(path))
		message("%s writes no %s on standard output; use -o FILE", settings->subcommand,
			name);
	else
		message("--output %s: %s holds one dump; put {} into the name for a file a dump",
			path, name);
	return false;
}

int output_check_many(const struct settings *settings, uint32_t num_dumps)
{
	if (!check_path_of_many(settings, "-", num_dumps))
		return EXIT_USAGE;
	for (uint32_t i = 0; i < settings->num_outputs; i++) {
		const char *path = settings->outputs[i];
		if (!check_path_of_many(settings, path, num_dumps))
			return EXIT_USAGE;
		if (!is_stdout(path) && place_of_name(path) == NULL &&
		    !report_file_check(path, settings->force))
			return EXIT_FAILED;
	}
	return 0;
}

bool output_add_of_dump(struct documents *documents, const char *name, uint32_t num_dumps)
{
	const struct settings *settings = documents->settings;
	bool fine = true;
	for (uint32_t i = 0; i < settings->num_outputs && fine; i++) {
		const char *path = settings->outputs[i], *place = place_of_name(path);
		char *own = NULL;
		if (!is_of_dump(settings, path, num_dumps))
			continue;
		if (place != NULL &&
		    asprintf(&own, "%.*s%s%s", (int)(place - path), path, name, place + 2) < 0) {
			message("out of memory");
			return false;
		}
		fine = add_file(documents, own != NULL ? own : path, own);
	}
	return fine;
}

bool output_write_many(const struct settings *settings, const struct output_source *source,
		       uint32_t num_dumps, const struct coreleaks_part *parts)
{
	bool fine = write_stdout(settings, source);
	for (uint32_t i = 0; i < settings->num_outputs; i++) {
		const char *path = settings->outputs[i];
		if (parts != NULL && output_joins(settings, i, num_dumps)) {
			const struct joint joint = {&parts[(size_t)i * num_dumps], num_dumps};
			const struct output_source joined = {&joint, write_joint};
			fine &= write_file(settings, path, &joined);
		} else if (!is_stdout(path) && !is_of_dump(settings, path, num_dumps)) {
			fine &= write_file(settings, path, source);
		}
	}
	return fine;
}
