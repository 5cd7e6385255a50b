/* documents.h - what is to be written of one analysis, and the way of each document to its place:
 * standard output, a report file, or an open file. The analysis hands over bytes alone, so that it
 * may run in another process. */
#ifndef CORELEAKS_CLI_DOCUMENTS_H
#define CORELEAKS_CLI_DOCUMENTS_H

#include "cli/report_file.h"
#include "cli/settings.h"

struct document {
	struct coreleaks_write_options options;
	const char *name; /* of coreleaks_write_one(); NULL the whole report */
	const char *path; /* for messages; without fd the report file that is made */
	char *own_path;	  /* path, when it is ours to free */
	int fd;		  /* where it goes; -1: a report file */
	bool if_findings; /* written when the exit code says so */
	bool whole;	  /* it has arrived */
};

struct sink;

struct documents {
	const struct settings *settings;
	struct document *items;
	uint32_t num, capacity;
	bool failed; /* one could not be written: a message said so */
	/* Of the document on its way. */
	uint32_t current;
	bool open, dropped;
	struct report_file file;
	struct sink *sink;
};

void documents_init(struct documents *documents, const struct settings *settings);
void documents_free(struct documents *documents);
/* fd: -1 for a report file. path is borrowed, or with own given away. False after a message. */
bool documents_add(struct documents *documents, const struct coreleaks_write_options *options,
		   const char *path, char *own, int fd);

/* In the process that owns the places. Bytes come between begin and end; problem: why the document
 * is not whole, NULL: it is. A reader that closed standard output early is no failure. */
bool documents_begin(struct documents *documents, uint32_t index);
/* Returns false when no more are wanted. */
bool documents_bytes(struct documents *documents, const char *bytes, size_t size);
void documents_end(struct documents *documents, const char *problem);

#endif
