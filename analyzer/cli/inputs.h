/* inputs.h - the dumps that a command line names: files, and what lies in folders. */
#ifndef CORELEAKS_CLI_INPUTS_H
#define CORELEAKS_CLI_INPUTS_H

#include "cli/settings.h"

struct inputs {
	char **paths; /* of dumps, each allocated */
	uint32_t num, capacity;
	char **executables; /* candidates: those named, and programs that lie beside dumps */
	uint32_t num_executables, executables_capacity;
	bool from_folder; /* some dump was found in a folder */
};

enum inputs_order { INPUTS_BY_NAME, INPUTS_BY_TIME };

/* Takes the command's arguments; in folders, files that are dumps (with reports: JSON reports and
 * goroutine profiles too), in that order. Returns 0 or an exit code, after a message. */
int inputs_find(struct inputs *inputs, const struct settings *settings, bool reports,
		enum inputs_order order);
void inputs_free(struct inputs *inputs);
/* The last part of a path. */
const char *inputs_base_name(const char *path);
/* Whether path is a report or profile rather than a core: 1 yes, 0 no, -1 it may be either. */
int inputs_is_report(const char *path);
/* Whether it is, or may be, a goroutine profile of Go's own. */
bool inputs_is_profile(const char *path);

#endif
