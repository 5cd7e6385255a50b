/* escape.h - text of the core, which is hostile, made fit for a terminal or for JSON. */
#ifndef CORELEAKS_REPORT_ESCAPE_H
#define CORELEAKS_REPORT_ESCAPE_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* The first code point of size bytes (size > 0); *size_ret: the bytes it takes. No valid UTF-8:
 * UINT32_MAX, and one byte. */
uint32_t escape_decode(const char *bytes, size_t size, size_t *size_ret);
/* Control characters, those that change the direction of text or are invisible, and bytes that
 * are no UTF-8 come out as \x1b or \u202e; under ascii all that is not ASCII. */
void escape_terminal(struct text *out, const char *string, bool ascii);
/* The same in UTF-8, and the ASCII characters of also come out as \x3b too. */
void escape_also(struct text *out, const char *string, const char *also);
/* The inside of a JSON string. Bytes that are no UTF-8 become U+FFFD; what a terminal must not
 * get is written as \u202e, which reads as the same character. */
void escape_json(struct text *out, const char *string);
/* Code points in valid UTF-8. */
uint32_t escape_columns(const char *bytes, size_t size);

#endif
