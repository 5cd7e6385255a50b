#include "base/gaps.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void gaps_init(struct gaps *gaps, struct arena *arena)
{
	*gaps = (struct gaps){0};
	intern_init(&gaps->keys, arena);
}

static void add_counted(struct gaps *gaps, const struct coreleaks_gap *gap)
{
	struct arena *arena = gaps->keys.arena;
	char *key = arena_format(arena, "%s %s", gap->kind, gap->detail);
	bool is_new;
	uint32_t id = intern_add(&gaps->keys, key, __builtin_strlen(key), &is_new);
	if (is_new) {
		*array_add(arena, &gaps->list) = (struct coreleaks_gap){
			.kind = gap->kind,
			.detail = arena_copy_text(arena, gap->detail),
		};
	}
	gaps->list.items[id].count += gap->count;
	gaps->list.items[id].incomplete |= gap->incomplete;
}

void gaps_add(struct gaps *gaps, const char *kind, bool incomplete, const char *format, ...)
{
	char detail[4096];
	va_list args;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	add_counted(gaps,
		    &(struct coreleaks_gap){
			    .kind = kind, .detail = detail, .count = 1, .incomplete = incomplete});
}

void gaps_add_all(struct gaps *gaps, const struct gaps *others)
{
	for (uint32_t i = 0; i < others->list.num; i++)
		add_counted(gaps, &others->list.items[i]);
}

bool gaps_has(const struct gaps *gaps, const char *kind)
{
	for (uint32_t i = 0; i < gaps->list.num; i++)
		if (strcmp(gaps->list.items[i].kind, kind) == 0)
			return true;
	return false;
}

bool gaps_incomplete(const struct gaps *gaps)
{
	for (uint32_t i = 0; i < gaps->list.num; i++)
		if (gaps->list.items[i].incomplete)
			return true;
	return false;
}
