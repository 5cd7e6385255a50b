/* json_in.h - reads JSON text, which is hostile, into a tree in an arena.
 *
 * Strict: one value, no comments, depth and size bounded. Of a key given twice the first counts. */
#ifndef CORELEAKS_COMPARE_JSON_IN_H
#define CORELEAKS_COMPARE_JSON_IN_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	bool boolean;
	int64_t number;		   /* cut to whole numbers, and to what fits */
	double real;		   /* the number as it stands */
	const char *text;	   /* UTF-8 as far as the input is; without NUL inside */
	const char *key;	   /* in an object */
	struct json *first, *next; /* elements; the next one of the parent's */
	uint32_t num;		   /* elements */
};

/* NULL: no JSON; *problem_ret says why, with the byte. */
const struct json *json_in_read(struct arena *arena, const char *bytes, size_t size,
				const char **problem_ret);

/* All take NULL for json, and give the neutral answer for a missing key or another type. */
const struct json *json_get(const struct json *json, const char *key);
const char *json_text(const struct json *json, const char *key);	   /* NULL */
int64_t json_int(const struct json *json, const char *key, int64_t other); /* other */
uint64_t json_count(const struct json *json, const char *key);		   /* 0 */
bool json_bool(const struct json *json, const char *key);		   /* false */
/* The first element of an array or object; NULL. */
const struct json *json_first(const struct json *json, const char *key);

#endif
