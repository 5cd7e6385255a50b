/* text.h - growing text in an arena; bytes in, one NUL-terminated string out. */
#ifndef CORELEAKS_BASE_TEXT_H
#define CORELEAKS_BASE_TEXT_H

#include "base/arena.h"

#include <string.h>

struct text {
	struct arena *arena;
	char *bytes; /* NUL-terminated; NULL while empty and never written to */
	size_t size; /* without the NUL */
	size_t capacity;
};

void text_init(struct text *text, struct arena *arena);
void text_add(struct text *text, const char *string);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for so many bytes more. */
void text_reserve(struct text *text, size_t more);

static inline void text_add_bytes(struct text *text, const void *bytes, size_t size)
{
	if (text->capacity - text->size <= size)
		text_reserve(text, size);
	if (size > 0)
		memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
}

/* Forgets the content, keeps the memory. */
void text_clear(struct text *text);

#endif
