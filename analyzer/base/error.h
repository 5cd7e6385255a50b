/* error.h - makes the library's error values; knows nothing of what went wrong. */
#ifndef CORELEAKS_BASE_ERROR_H
#define CORELEAKS_BASE_ERROR_H

#include "coreleaks.h"

/* Returns a new error. message is printf-like and should name the file itself; path (may be NULL)
 * is only kept for programs. errno_value 0: none; otherwise ": strerror" is appended. Out of
 * memory gives a static error instead: never NULL. */
struct coreleaks_error *error_new(enum coreleaks_error_code code, int errno_value, const char *path,
				  const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
