/* filter.h - marks the groups that the options hide. Removes nothing. */
#ifndef CORELEAKS_GROUP_FILTER_H
#define CORELEAKS_GROUP_FILTER_H

#include "base/intern.h"
#include "base/text.h"
#include "group/groups.h"

/* The value of the task's label of that key; NULL: it has none. */
const char *filter_label(const struct coreleaks_task *task, const char *key, size_t key_size);
/* The option that hides this task, whatever its group: --label or --min-age; NULL none. */
const char *filter_task(const struct coreleaks_options *options, const struct coreleaks_task *task);

/* Sets hidden_by to the first option that hides the group: --kind, --state, --reason,
 * --min-count, --focus, --ignore. A regular expression is tried on each frame's function,
 * FILE:LINE, module and "origin:WORD" of the group's representative stack. What filter_task() has
 * hidden stays so.
 */
struct coreleaks_error *filter_groups(struct groups *groups, struct arena *arena,
				      const struct groups_input *input);

/* All distinct texts of frames that expressions are tried on. */
struct filter_texts {
	struct intern texts;
	struct text place, origin; /* scratch for FILE:LINE, origin:WORD */
};

void filter_texts_build(struct filter_texts *filter, struct arena *arena,
			const struct groups *groups, const struct groups_input *input);
/* For each text, whether the expression matches. what names the expression in errors. */
struct coreleaks_error *filter_texts_match(const struct filter_texts *filter, struct arena *arena,
					   const char *what, const char *pattern, bool **ret);
/* Does one of these match a frame? */
bool filter_texts_any(struct filter_texts *texts, const struct coreleaks_stack *stack,
		      const bool *matches);

#endif
