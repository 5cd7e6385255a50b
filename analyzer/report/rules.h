/* rules.h - what each rule of a finding means, for formats that explain their rules. */
#ifndef CORELEAKS_REPORT_RULES_H
#define CORELEAKS_REPORT_RULES_H

#include <stdbool.h>
#include <stdint.h>

struct rule_words {
	const char *name;
	const char *title; /* one line */
	const char *help;  /* what to look at */
	bool checked;	   /* every analysis of a core tries it */
};

/* Rows 0 to N - 1, then NULL. */
const struct rule_words *rules_row(uint32_t index);
/* The row of that name; UINT32_MAX: a rule without words. */
uint32_t rules_find(const char *name);

#endif
