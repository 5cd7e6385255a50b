#include "group/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_SIZE = 20000 };

/* How much one level of parentheses comes to. */
struct level {
	uint64_t before; /* all but the last part */
	uint64_t last;	 /* what a repetition would repeat */
};

/* Behind the set's closing bracket. */
static const char *skip_set(const char *at)
{
	at += *at == '^';
	at += *at == ']';
	while (*at != '\0' && *at != ']') {
		char kind = at[1];
		bool named = *at == '[' && (kind == ':' || kind == '.' || kind == '=');
		const char *end = named ? strchr(at + 2, kind) : NULL;
		at = end != NULL && end[1] == ']' ? end + 2 : at + 1;
	}
	return at + (*at == ']');
}

/* The larger number of {n,m}, and *at behind it; 1: it is no repetition. */
static uint64_t bound_of(const char **at)
{
	char *end;
	uint64_t low = strtoul(*at, &end, 10), high = low;
	if (*end == ',')
		high = strtoul(end + 1, &end, 10);
	if (*end != '}')
		return 1;
	*at = end + 1;
	/* {n,}: n of them, and one more that repeats. */
	return high > low ? high : low + 1;
}

/* glibc's regcomp() (2.41, posix/regcomp.c) copies what is repeated, for x+ once and for x{n,m} m
 * times: repetitions of repetitions multiply. Returns more than MAX_SIZE for what is too large. */
static uint64_t size_of(const char *pattern)
{
	struct level levels[MAX_DEPTH] = {{0, 0}};
	uint32_t depth = 0;
	for (const char *at = pattern; *at != '\0';) {
		struct level *level = &levels[depth];
		char letter = *at++;
		uint64_t times = letter == '+' ? 2 : letter == '{' ? bound_of(&at) : 1;
		if (times > MAX_SIZE || level->before > MAX_SIZE || level->last > MAX_SIZE)
			return MAX_SIZE + 1;
		if (letter == '*' || letter == '+' || letter == '?' || letter == '{') {
			level->last *= times;
			continue;
		}
		if (letter == ')' && depth > 0) {
			uint64_t inside = level->before + level->last + 1;
			levels[--depth].last = inside;
			continue;
		}
		level->before += level->last;
		level->last = 1;
		if (letter == '(' && ++depth == MAX_DEPTH)
			return MAX_SIZE + 1;
		if (letter == '(')
			levels[depth] = (struct level){0, 0};
		else if (letter == '[')
			at = skip_set(at);
		else if (letter == '\\' && *at != '\0')
			at++;
	}
	uint64_t size = 0;
	for (uint32_t i = 0; i <= depth; i++)
		size += levels[i].before + levels[i].last;
	return size;
}

struct coreleaks_error *pattern_compile(regex_t *ret, const char *what, const char *pattern)
{
	if (size_of(pattern) > MAX_SIZE)
		return error_new(CORELEAKS_ERROR_USAGE, 0, NULL,
				 "%s: '%.100s' is too large a regular expression", what, pattern);
	int code = regcomp(ret, pattern, REG_EXTENDED | REG_NOSUB);
	if (code == 0)
		return NULL;
	char message[256];
	regerror(code, ret, message, sizeof(message));
	return error_new(CORELEAKS_ERROR_USAGE, 0, NULL, "%s: '%s' is no regular expression: %s",
			 what, pattern, message);
}
