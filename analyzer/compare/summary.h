/* summary.h - what is known of one dump, for comparing many: groups, findings, counts, time.
 *
 * Read from a JSON report of ours, or from a profile or dump of Go's own (no findings there, and
 * no signatures: those are compared by function names). Owns all its memory. */
#ifndef CORELEAKS_COMPARE_SUMMARY_H
#define CORELEAKS_COMPARE_SUMMARY_H

#include "base/arena.h"
#include "base/text.h"
#include "compare/json_in.h"
#include "coreleaks.h"

enum summary_source {
	SUMMARY_REPORT, /* schema coreleaks/1 */
	SUMMARY_DEBUG2, /* has reasons and creators, but no signatures */
	SUMMARY_FRAMES, /* pprof, debug=1: stacks and counts alone */
	SUMMARY_FAILED, /* could not be analysed */
};

struct summary_frame {
	const char *function, *file, *module; /* NULL unknown */
	uint64_t module_offset, line;
	bool runtime; /* libc's, or the language's */
	bool wrapper; /* made by Go's compiler: Go prints it nowhere */
};

struct summary_group {
	const char *id;		       /* of findings; NULL in foreign sources */
	const char *signature, *loose; /* NULL in foreign sources */
	const char *functions;	       /* names alone, without what Go does not print */
	const char *functions_of;      /* the same with creator and reason */
	bool is_thread;
	bool is_system;		    /* a runtime keeps its tasks for itself */
	const char *state, *reason; /* NULL unknown */
	enum coreleaks_verdict verdict;
	const char *rules; /* names of its findings, separated by ", "; NULL none */
	const char *allowed_by;
	uint64_t count, stack_size;
	int64_t max_wait_ns; /* -1 unknown */
	const int64_t *ids;
	uint32_t num_ids;
	const struct summary_frame *frames; /* innermost first */
	uint32_t num_frames;
	const struct summary_frame *creator; /* NULL unknown */
};

struct summary_finding {
	const char *rule, *title;
	enum coreleaks_verdict certainty;
	bool hidden, allowed;
	const uint32_t *groups; /* indexes */
	uint32_t num_groups;
};

struct summary_gap {
	const char *kind, *detail;
	bool incomplete;
};

struct summary_rule {
	const char *text, *reason, *until;
	uint64_t line;
	int64_t max; /* -1 none */
	uint64_t num_matched, num_hidden;
	bool expired, over, broad;
};

struct coreleaks_summary {
	struct arena arena;
	enum summary_source source;
	const char *name;			     /* path of the dump */
	const char *failure;			     /* SUMMARY_FAILED: why; else NULL */
	int64_t pid;				     /* 0 unknown */
	const char *command, *executable, *build_id; /* NULL unknown */
	int64_t time;				     /* seconds since 1970; INT64_MIN unknown */
	bool complete;
	bool is_go;
	enum coreleaks_verdict verdict;
	int64_t num_threads, num_goroutines, num_created; /* -1 unknown */
	uint64_t num_hidden, num_filtered;	 /* of the former those that options leave out */
	uint64_t stack_size;			 /* of the tasks that options chose */
	int64_t heap_size, num_gcs, num_running; /* -1 unknown */
	struct {
		struct summary_group *items;
		uint32_t num, capacity;
	} groups;
	struct {
		struct summary_finding *items;
		uint32_t num, capacity;
	} findings;
	struct {
		struct summary_gap *items;
		uint32_t num, capacity;
	} gaps;
	struct {
		struct summary_rule *items;
		uint32_t num, capacity;
	} rules;
};

/* Fills in what the JSON report says; false: it is none of ours. */
bool summary_from_json(struct coreleaks_summary *summary, const struct json *json);
/* debug=1 or debug=2 text of Go; false: neither. */
bool summary_from_text(struct coreleaks_summary *summary, const char *bytes, size_t size);
/* profile.proto, unpacked; false: none, or damaged. */
bool summary_from_pprof(struct coreleaks_summary *summary, const void *bytes, size_t size);

/* Sets functions and functions_of from frames, creator and reason. */
void summary_name_group(struct coreleaks_summary *summary, struct summary_group *group);
/* How many of its tasks wait, but a runtime's own. */
uint64_t summary_num_waiting(const struct coreleaks_summary *summary);
/* How many there are of one kind, -1 of both; where options choose, of those alone. */
uint64_t summary_num_of(const struct coreleaks_summary *summary, int32_t kind);
uint64_t summary_num_tasks(const struct coreleaks_summary *summary);
/* Seconds since 1970 of "2026-11-20T20:20:00Z"; INT64_MIN: no such time. */
int64_t summary_time(const char *text);

#endif
