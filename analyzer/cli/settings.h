/* settings.h - what a command line asks for, as options.c reads it and the commands use it. */
#ifndef CORELEAKS_CLI_SETTINGS_H
#define CORELEAKS_CLI_SETTINGS_H

#include "coreleaks.h"

/* Exit codes: part of the contract with users' scripts. */
enum {
	EXIT_CLEAN = 0,
	EXIT_FINDINGS = 1,
	EXIT_FAILED = 2,
	EXIT_INCOMPLETE = 3,
	EXIT_USAGE = 64,
};

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

/* --fail-on; the others are enum coreleaks_verdict. */
enum { FAIL_ON_DEFAULT = -2, FAIL_ON_NONE = -1, FAIL_ON_GROWTH = 100, FAIL_ON_NEW = 101 };

enum { MAX_OUTPUTS = 32 };

struct settings {
	struct coreleaks_options analysis;
	struct coreleaks_write_options write; /* what all outputs share; format: of stdout */
	bool format_given;
	int32_t fail_on;	 /* enum coreleaks_verdict or one of FAIL_ON_… */
	int32_t color, progress; /* enum when */
	bool quiet;
	bool force;
	const char *config; /* file of rules; NULL none was named */
	char *rules;	    /* its text */
	bool list_rules;
	char *debug_dirs;
	char *hint;			  /* of write.hint */
	const char *outputs[MAX_OUTPUTS]; /* of -o, in order; "-": standard output */
	uint32_t num_outputs;
	const char *subcommand; /* of the table in main.c; NULL: none was named */
	const char **arguments; /* behind the subcommand */
	uint32_t num_arguments;
	uint32_t num_plain_arguments; /* of these, before "--" */
	/* Of check and compare. */
	uint32_t many_formats;	    /* a bit for each format that has a form for many dumps */
	bool joins;		    /* formats that coreleaks_join() takes, too */
	bool reads_reports;	    /* reports and profiles, as if they were dumps */
	const char *write_baseline; /* FILE; NULL none */
	const char *on_leak;	    /* command for the shell; NULL none */
	uint32_t max_delta;
	uint64_t iterations;
	bool idle;
	bool no_sandbox;
};

#endif
