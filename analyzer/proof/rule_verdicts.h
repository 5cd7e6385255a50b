/* rule_verdicts.h - what rules mean for verdicts: benign groups, accepted groups, and a baseline
 * that is exceeded.
 *
 * An ignore rule never touches what is proved or likely; an allow rule changes no verdict. */
#ifndef CORELEAKS_PROOF_RULE_VERDICTS_H
#define CORELEAKS_PROOF_RULE_VERDICTS_H

#include "group/rules.h"
#include "proof/findings.h"

/* Which rules decided about a group; both may be NULL. */
struct ruled {
	const struct coreleaks_rule *ignored_by, *allowed_by;
};

/* Matches the rules and changes findings accordingly: suspicions about benign groups alone go,
 * over-baseline comes. *ret is parallel to groups. */
struct coreleaks_error *rule_verdicts_build(struct ruled **ret, struct arena *arena,
					    struct findings *findings, struct rules *rules,
					    const struct groups *groups,
					    const struct groups_input *input);
/* What is said of it as a reason for hiding: the name of a built-in set, or the rule itself. */
const char *rule_name(const struct coreleaks_rule *rule);

#endif
