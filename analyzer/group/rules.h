/* rules.h - ignore and allow rules: the built-in sets' and the user's file, as text.
 *
 * A line a rule; grammar in the manual, FILES. Parsing knows no groups; matching says which rule
 * takes which group, and what verdict that means is for the floor of proofs. */
#ifndef CORELEAKS_GROUP_RULES_H
#define CORELEAKS_GROUP_RULES_H

#include "group/groups.h"

enum rule_what {
	RULE_TOP,	 /* a function on top of the stack, above the program's own */
	RULE_IN,	 /* a function anywhere in the stack */
	RULE_CREATED_BY, /* the function that creates the task */
	RULE_ANY,	 /* a regular expression, tried as --ignore is */
	RULE_MODULE,	 /* a file name with * and ? of some frame */
	RULE_ALLOW,	 /* a signature, or a loose one */
};

enum { RULE_NONE = -1 };

struct rule {
	struct coreleaks_rule info;
	enum rule_what what;
	const char *pattern;
	bool is_prefix;	   /* RULE_TOP to RULE_CREATED_BY: pattern is the beginning of a name */
	const char *state; /* the beginning of the reason or state; NULL any */
	const bool *texts; /* RULE_ANY: matching texts of filter_texts */
};

struct rules {
	struct {
		struct rule *items; /* the user's first */
		uint32_t num, capacity;
	} list;
	uint32_t num_of_user;
};

/* Which rules take a group: the first that applies. */
struct rule_match {
	int32_t ignore; /* index of rules, or RULE_NONE */
	int32_t allow;
};

/* The built-in sets, in the grammar of rules; each [section] is a set. */
const char *rule_sets_text(void);
bool is_rule_set(const char *name);

/* Reads options->rules and the built-in sets. Fails on a line that is no rule. */
struct coreleaks_error *rules_build(struct rules *ret, struct arena *arena,
				    const struct coreleaks_options *options);
/* Counts what each rule matches. A rule that has expired, or that matches more tasks than its max
 * and the options' slack, takes no group. *ret is parallel to groups. Fails on a bad regular
 * expression. */
struct coreleaks_error *rules_match(struct rules *rules, struct rule_match **ret,
				    struct arena *arena, const struct groups *groups,
				    const struct groups_input *input);
/* How many tasks its max and the options' slack let it take; UINT64_MAX any number. */
uint64_t rule_limit(const struct rule *rule, const struct coreleaks_options *options);

#endif
