/* report_file.h - makes one file under its final name only once it is complete. */
#ifndef CORELEAKS_CLI_REPORT_FILE_H
#define CORELEAKS_CLI_REPORT_FILE_H

#include <limits.h>
#include <stdbool.h>

struct report_file {
	const char *path;	      /* as the user gave it */
	const char *base;	      /* its last part */
	int dir_fd;		      /* the directory it lies in */
	int fd;			      /* of the temporary file */
	char temporary[NAME_MAX + 1]; /* its name in that directory; "" none */
};

/* Whether path can become a report file: its directory is there and nothing stands in its place
 * (with force: at most a regular file). False after a message. */
bool report_file_check(const char *path, bool force);

/* Opens a temporary file, mode 0600, beside path. False after a message. */
bool report_file_open(struct report_file *file, const char *path);
/* Gives it its name. False after a message. */
bool report_file_commit(struct report_file *file, bool force);
/* Releases all; removes the temporary file if it was not committed. */
void report_file_close(struct report_file *file);

#endif
