/* check.h - many dumps judged together: which are red, and their groups merged by signature.
 *
 * A pure function of summaries, which it borrows. */
#ifndef CORELEAKS_COMPARE_CHECK_H
#define CORELEAKS_COMPARE_CHECK_H

#include "compare/summary.h"

struct check_dump {
	const struct coreleaks_summary *summary;
	enum coreleaks_outcome outcome;
	uint64_t num_red;      /* tasks in red groups */
	bool forgiven;	       /* they are no more than the slack */
	bool *is_red;	       /* parallel to the summary's groups */
	uint32_t num_findings; /* red ones without groups */
};

struct check_part {
	uint32_t dump;
	uint64_t count;
};

struct check_group {
	const struct summary_group *group; /* the largest part of that verdict */
	enum coreleaks_verdict verdict;	   /* the strongest */
	bool is_red, is_allowed;	   /* in some dump; in all that have it */
	uint64_t count, num_judged;	   /* tasks; those of them that have that verdict */
	struct {
		struct check_part *items; /* in the order of dumps, a dump once */
		uint32_t num, capacity;
	} parts;
};

struct check_rule {
	const struct summary_rule *rule;
	uint64_t num_matched, num_hidden; /* in all dumps */
	bool over, broad;		  /* in some dump */
};

struct coreleaks_check {
	struct arena arena;
	struct coreleaks_check_options options;
	struct check_dump *dumps;
	uint32_t num_dumps;
	struct {
		struct check_group *items; /* red ones first, then by verdict, dumps, count */
		uint32_t num, capacity;
	} groups;
	struct {
		struct check_rule *items; /* of the user's file, in its order */
		uint32_t num, capacity;
	} rules;
	struct coreleaks_check_info info;
};

/* The sum of a loose signature's tasks in the dump that has most of them; 0: none. */
uint64_t check_most_of(const struct coreleaks_check *check, const char *loose);

#endif
