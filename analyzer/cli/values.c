#include "cli/values.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Reads the digits that *text begins with and moves it behind them. */
static enum value_problem read_digits(const char **text, uint64_t *ret)
{
	uint64_t number = 0;
	const char *c = *text;
	if (*c < '0' || *c > '9')
		return VALUE_WRONG;
	for (; *c >= '0' && *c <= '9'; c++) {
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*c - '0'), &number))
			return VALUE_TOO_LARGE;
	}
	*text = c;
	*ret = number;
	return VALUE_FINE;
}

enum value_problem value_number(const char *text, uint64_t *ret)
{
	uint64_t number;
	enum value_problem problem = read_digits(&text, &number);
	if (problem != VALUE_FINE)
		return problem;
	if (*text != '\0')
		return VALUE_WRONG;
	*ret = number;
	return VALUE_FINE;
}

enum value_problem value_size(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "KkMmGgTt";
	uint64_t number;
	enum value_problem problem = read_digits(&text, &number);
	if (problem != VALUE_FINE)
		return problem;
	if (*text != '\0') {
		const char *suffix = strchr(suffixes, *text);
		if (suffix == NULL || text[1] != '\0')
			return VALUE_WRONG;
		uint64_t unit = (uint64_t)1 << (10 * ((suffix - suffixes) / 2 + 1));
		if (__builtin_mul_overflow(number, unit, &number))
			return VALUE_TOO_LARGE;
	}
	*ret = number;
	return VALUE_FINE;
}

static uint64_t unit_ns(const char **text)
{
	/* "ms" stands before "m": the first row that fits is taken. */
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1u},
		{"us", 1000u},
		{"ms", 1000000u},
		{"s", 1000000000u},
		{"m", 60 * 1000000000ull},
		{"h", 3600 * 1000000000ull},
		{"d", 86400 * 1000000000ull},
	};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t length = strlen(units[i].name);
		if (strncmp(*text, units[i].name, length) == 0) {
			*text += length;
			return units[i].ns;
		}
	}
	return 0;
}

enum value_problem value_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t total_ns = 0;
	const char *start = text;
	do {
		uint64_t part_ns;
		enum value_problem problem = read_digits(&text, &part_ns);
		if (problem != VALUE_FINE)
			return problem;
		uint64_t unit = 1000000000u;
		bool bare = *text == '\0' && start[strspn(start, "0123456789")] == '\0';
		if (!bare && (unit = unit_ns(&text)) == 0)
			return VALUE_WRONG;
		if (__builtin_mul_overflow(part_ns, unit, &part_ns) ||
		    __builtin_add_overflow(total_ns, part_ns, &total_ns))
			return VALUE_TOO_LARGE;
	} while (*text != '\0');
	*ret_ns = total_ns;
	return VALUE_FINE;
}
