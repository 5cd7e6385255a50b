/* session.h - one analysis from the command line: opens the core, runs the analysis, writes its
 * documents through a channel, finds the exit code. Does not know which process it is in. */
#ifndef CORELEAKS_CLI_SESSION_H
#define CORELEAKS_CLI_SESSION_H

#include "cli/documents.h"
#include "cli/inputs.h"
#include "cli/progress_bar.h"

struct session {
	const struct settings *settings;
	const char *core_path;
	const struct inputs *inputs; /* with executables to choose from; NULL: there are none */
	struct documents *documents;
	bool warns;	 /* of an executable that was named and is not used */
	bool whole_only; /* what is left of an analysis that died is not wanted */
	struct progress_bar *bar;
	int32_t last_floor;   /* of the options of the library */
	const char *left_out; /* likewise */

	/* What came out. */
	int code;	/* the exit code */
	bool not_there; /* there is no file of the core's name */
	char *why;	/* there is no analysis: one line, from malloc(); NULL: there is one */
};

/* Where an analysis sends what it makes. */
struct channel {
	void *data;
	const char *sandbox; /* for the JSON report */
	bool (*begin)(void *data, uint32_t document);
	bool (*bytes)(void *data, const char *bytes, size_t size);
	void (*end)(void *data, const char *problem);
	/* draw: the bar is due. Else the phase is a new one. */
	void (*progress)(void *data, const char *phase, uint64_t done, uint64_t total, bool draw);
	void (*opened)(void *data); /* the core is open; NULL: nobody asks */
};

void session_work(struct session *session, const struct channel *channel);
/* A handler of signals: the analysis stops, what it has is written. */
void session_stop(int signal_nr);
/* Where cores are unpacked. */
const char *session_spool_dir(const struct settings *settings);
/* Writes all of the report, or what name names when it is not NULL. Returns the exit code. */
int session_run(struct settings *settings, const char *core_path, const char *name);

#endif
