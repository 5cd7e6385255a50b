#include "report/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *words_number(struct arena *arena, uint64_t number)
{
	char digits[21], result[28];
	size_t size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number);
	size_t used = 0;
	for (size_t i = 0; i < size; i++) {
		if (i > 0 && (size - i) % 3 == 0)
			result[used++] = ',';
		result[used++] = digits[i];
	}
	return arena_copy_bytes(arena, result, used);
}

const char *words_share(struct arena *arena, uint64_t part, uint64_t whole)
{
	if (whole == 0)
		return "0.0 %";
	uint64_t tenths = (uint64_t)(((__uint128_t)part * 2000 + whole) / 2 / whole);
	if (tenths == 0 && part > 0)
		return "<0.1 %";
	if (tenths >= 1000 && part < whole)
		tenths = 999;
	return arena_format(arena, "%" PRIu64 ".%" PRIu64 " %%", tenths / 10, tenths % 10);
}

const char *words_size(struct arena *arena, uint64_t size)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t whole = size, tenths = 0;
	int unit = 0;
	for (; whole >= 1024; unit++) {
		tenths = whole % 1024 * 10 / 1024;
		whole /= 1024;
	}
	if (unit == 0 || whole >= 10)
		return arena_format(arena, "%" PRIu64 " %s", whole, units[unit]);
	return arena_format(arena, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths, units[unit]);
}

const char *words_stacks(struct arena *arena, uint64_t reserved_size, uint64_t resident_size,
			 uint64_t used_size)
{
	const uint64_t sizes[] = {reserved_size, resident_size, used_size};
	static const char *const names[] = {"reserved", "resident", "in use"};
	struct text line;
	text_init(&line, arena);
	for (int i = 0; i < 3; i++)
		if (sizes[i] != 0)
			text_addf(&line, "%s%s %s", line.size > 0 ? ", " : "",
				  words_size(arena, sizes[i]), names[i]);
	return line.size > 0 ? line.bytes : NULL;
}

const char *words_signal(struct arena *arena, int32_t signal)
{
	const char *name = sigabbrev_np(signal);
	if (name == NULL)
		return arena_format(arena, "signal %" PRId32, signal);
	return arena_format(arena, "SIG%s", name);
}

const char *words_time(struct arena *arena, int64_t seconds)
{
	struct tm tm;
	time_t when = (time_t)seconds;
	if (seconds == INT64_MIN || gmtime_r(&when, &tm) == NULL)
		return NULL;
	return arena_format(arena, "%d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year + 1900,
			    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

const char *words_wait(const struct coreleaks_group *group)
{
	if (group->reason != NULL)
		return group->reason;
	return group->state == CORELEAKS_STATE_WAITING ? "waiting, reason unknown"
						       : coreleaks_state_name(group->state);
}

const char *words_verdict(enum coreleaks_verdict verdict)
{
	static const char *const words[] = {"PROVED", "LIKELY", "SUSPECT", "UNKNOWN", "BENIGN"};
	return (unsigned)verdict < sizeof(words) / sizeof(words[0]) ? words[verdict] : "UNKNOWN";
}

enum style words_verdict_style(enum coreleaks_verdict verdict)
{
	return verdict < CORELEAKS_VERDICT_UNKNOWN ? STYLE_RED : STYLE_PLAIN;
}

const char *words_short_name(const char *name)
{
	const char *start = name;
	/* What stands in brackets has a path of its own, and operator/ is C++'s. */
	for (const char *at = name; *at != '\0' && strchr("([<{ ", *at) == NULL; at++)
		if (*at == '/' && strchr(at, '.') != NULL)
			start = at + 1;
	return start;
}

const char *words_quote(struct arena *arena, const char *text)
{
	struct text quoted;
	if (*text != '\0' && *text != '-' &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			 "_-./+,:@%=") == strlen(text))
		return text;
	text_init(&quoted, arena);
	text_add(&quoted, "'");
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			text_add(&quoted, "'\\''");
		else
			text_add_bytes(&quoted, text, 1);
	}
	text_add(&quoted, "'");
	return quoted.bytes;
}

/* 3.2 s, 250 ms, 2 h 5 min */
const char *words_duration(struct arena *arena, int64_t ns)
{
	uint64_t ms = (uint64_t)(ns < 0 ? 0 : ns) / 1000000, s = ms / 1000;
	if (ns > 0 && ms == 0)
		return "1 ms";
	if (ms < 1000)
		return arena_format(arena, "%" PRIu64 " ms", ms);
	if (s < 120)
		return arena_format(arena, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	if (s < 7200)
		return arena_format(arena, "%" PRIu64 " min", s / 60);
	if (s < 172800)
		return arena_format(arena, "%" PRIu64 " h", s / 3600);
	return arena_format(arena, "%s days", words_number(arena, s / 86400));
}
