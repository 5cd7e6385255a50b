/* filter.h - marks the groups that the options hide. Removes nothing. */
#ifndef CORELEAKS_GROUP_FILTER_H
#define CORELEAKS_GROUP_FILTER_H

#include "group/groups.h"

/* Sets hidden_by to the first option that hides the group: --kind, --state, --reason,
 * --min-count, --focus, --ignore. A regular expression is tried on each frame's function,
 * FILE:LINE and module of the group's representative stack. */
struct coreleaks_error *filter_groups(struct groups *groups, struct arena *arena,
				      const struct groups_input *input);

#endif
