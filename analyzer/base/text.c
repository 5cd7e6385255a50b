#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_init(struct text *text, struct arena *arena)
{
	*text = (struct text){.arena = arena};
}

void text_clear(struct text *text)
{
	text->size = 0;
	if (text->bytes != NULL)
		text->bytes[0] = '\0';
}

void text_reserve(struct text *text, size_t more)
{
	size_t needed = text->size + more + 1;
	if (needed <= text->capacity)
		return;
	size_t capacity = text->capacity == 0 ? 256 : text->capacity * 2;
	if (capacity < needed)
		capacity = needed;
	text->bytes = arena_grow(text->arena, text->bytes, text->capacity, capacity);
	text->capacity = capacity;
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_addf(struct text *text, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length > 0) {
		text_reserve(text, (size_t)length);
		vsnprintf(text->bytes + text->size, (size_t)length + 1, format, again);
		text->size += (size_t)length;
	}
	va_end(again);
}
