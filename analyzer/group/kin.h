/* kin.h - which tasks the options --root-goid and --ancestor leave out. */
#ifndef CORELEAKS_GROUP_KIN_H
#define CORELEAKS_GROUP_KIN_H

#include "group/groups.h"

/* For each task the option that hides it, NULL: none. *ret is NULL where neither is set. Threads
 * are nobody's kin. Fails on a bad regular expression, and on a number that no goroutine had. */
struct coreleaks_error *kin_hiders(const char ***ret, struct arena *arena,
				   const struct groups_input *input);
/* The option that hides what is no task. */
const char *kin_hider_of_none(const struct coreleaks_options *options);

#endif
