/* comparison.h - dumps in the order of time: what is new, grew, shrank, went away.
 *
 * A pure function of summaries, which it borrows. */
#ifndef CORELEAKS_COMPARE_COMPARISON_H
#define CORELEAKS_COMPARE_COMPARISON_H

#include "compare/summary.h"

enum comparison_change { CHANGE_NEW, CHANGE_GROWN, CHANGE_SAME, CHANGE_SHRUNK, CHANGE_RESOLVED };

/* What makes groups of different dumps the same. */
enum comparison_key { KEY_SIGNATURE, KEY_LOOSE, KEY_FUNCTIONS_OF, KEY_FUNCTIONS };

struct comparison_row {
	const struct summary_group *group;	  /* of the last dump that has it */
	uint64_t *counts;			  /* a dump each */
	uint64_t *stack_sizes;			  /* the same */
	enum comparison_change change;		  /* from the first dump to the last */
	enum coreleaks_verdict verdict;		  /* in the last dump; BENIGN: not judged */
	bool grows;				  /* in every interval: a finding */
	const struct summary_group *first, *last; /* the largest of those dumps; NULL none */
	uint64_t num_stuck;			  /* tasks that wait in both of these, by id */
};

struct comparison_finding {
	const char *rule, *title;
	const struct comparison_row *row; /* NULL: about the process */
};

struct coreleaks_comparison {
	struct arena arena;
	struct coreleaks_compare_options options;
	const struct coreleaks_summary **dumps; /* without those that failed */
	uint32_t num_dumps;
	const struct coreleaks_summary **failed;
	uint32_t num_failed;
	enum comparison_key key;
	int32_t kind; /* enum coreleaks_kind that all dumps have; -1 both */
	bool is_one_process;
	bool is_one_program;
	bool has_times;	  /* known, and ascending */
	uint64_t *totals; /* tasks of a dump that are compared, hidden ones too */
	struct {
		struct comparison_row *items; /* changes first, by size */
		uint32_t num, capacity;
	} rows;
	struct {
		struct comparison_finding *items;
		uint32_t num, capacity;
	} findings;
	struct coreleaks_comparison_info info;
};

const char *comparison_change_name(enum comparison_change change);
const char *comparison_key_name(enum comparison_key key);
/* "goroutines", "threads" or "tasks": what is compared. */
const char *comparison_noun(const struct coreleaks_comparison *comparison);
/* Minutes from one dump to another; 0: unknown. */
double comparison_minutes(const struct coreleaks_comparison *comparison, uint32_t from,
			  uint32_t to);

#endif
