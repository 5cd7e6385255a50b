/* output.h - where reports go: standard output and the files of -o. A report file appears whole
 * or not at all, and never in the place of something else. */
#ifndef CORELEAKS_CLI_OUTPUT_H
#define CORELEAKS_CLI_OUTPUT_H

#include "cli/documents.h"

/* What is wrong with the outputs asked for and can be known before the analysis: formats, files
 * that exist. Returns 0 or an exit code, after a message. */
int output_check(const struct settings *settings, bool whole_report);

/* Adds all outputs: of the whole report, or of what name names when it is not NULL. Returns false
 * after a message. */
bool output_add(struct documents *documents, const char *name);

/* What can be written, and how the library writes it. */
struct output_source {
	const void *of;
	struct coreleaks_error *(*write)(const struct output_source *source,
					 const struct coreleaks_write_options *options,
					 coreleaks_sink sink, void *sink_data);
};

/* Writes to fd in large pieces. path is for messages. False after a message. */
bool output_write_to(int fd, const char *path, const struct output_source *source,
		     const struct coreleaks_write_options *options);

/* ---- Of many dumps: standard output always, and the files of -o. A path with {} in it is a file a
 * dump, {} standing for the dump's name; so is, of a single dump, one in a format that has no form
 * for many. ---- */

/* As output_check(). */
int output_check_many(const struct settings *settings, uint32_t num_dumps);
/* Adds the files of one dump. */
bool output_add_of_dump(struct documents *documents, const char *name, uint32_t num_dumps);
/* Writes standard output and the other files. */
/* parts: for each output, and for each dump in it, what output_joins() asks for; or NULL. */
bool output_write_many(const struct settings *settings, const struct output_source *source,
		       uint32_t num_dumps, const struct coreleaks_part *parts);
/* Whether this output, by its index, is one document made of parts of all dumps. */
bool output_joins(const struct settings *settings, uint32_t index, uint32_t num_dumps);
/* Adds the dump's part of it, to go to fd. */
bool output_add_part(struct documents *documents, uint32_t index, int fd);

#endif
