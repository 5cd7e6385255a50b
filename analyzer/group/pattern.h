/* pattern.h - regular expressions of options and rules, which may come from a file that somebody
 * else wrote: those whose compiled form would fill the memory are refused. */
#ifndef CORELEAKS_GROUP_PATTERN_H
#define CORELEAKS_GROUP_PATTERN_H

#include "base/error.h"

#include <regex.h>

/* what: the option or rule, for the error. *ret is released with regfree(). */
struct coreleaks_error *pattern_compile(regex_t *ret, const char *what, const char *pattern);

#endif
