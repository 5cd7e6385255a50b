/* call_names.h - the number of a system call by the function of glibc that makes it: a table, for
 * where registers and code have lost it. */
#ifndef CORELEAKS_REASON_CALL_NAMES_H
#define CORELEAKS_REASON_CALL_NAMES_H

#include "coreleaks.h"

#include <stdbool.h>

/* The call that the stack's innermost frames make; callee as for api_frame_find(). -1 unknown.
 * Of select only the number is for sure: *form_known_ret tells whether the arguments' form is. */
int32_t call_number_by_name(const struct coreleaks_stack *stack, const char *callee,
			    bool static_glibc, bool *form_known_ret);

#endif
