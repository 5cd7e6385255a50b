/* values.h - turns the text of an option's value into the value, strictly: nothing may be left
 * over and nothing wraps around. */
#ifndef CORELEAKS_CLI_VALUES_H
#define CORELEAKS_CLI_VALUES_H

#include <stdint.h>

enum value_problem {
	VALUE_FINE,
	VALUE_WRONG,	 /* not of that form */
	VALUE_TOO_LARGE, /* does not fit */
};

/* Decimal digits only: no sign, no blanks. */
enum value_problem value_number(const char *text, uint64_t *ret);
/* Bytes: digits, then nothing or one of K, M, G, T (powers of 1024). */
enum value_problem value_size(const char *text, uint64_t *ret);
/* Nanoseconds: seconds as bare digits, or digits and unit, repeated: 500ms, 90s, 1m30s, 2h, 1d. */
enum value_problem value_duration(const char *text, uint64_t *ret_ns);

#endif
