/* escape.h - text of the core, which is hostile, made fit for a terminal, for JSON, XML, Markdown.
 */
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
/* Made fit for a terminal, then for text and attributes of XML and HTML. */
void escape_xml(struct text *out, const char *string);
/* The same of lines that are fit for a terminal already: their ends stay. */
void escape_xml_lines(struct text *out, const char *clean);
/* Inline text of Markdown, and a cell of its tables: nothing in it is markup, a link or a mention.
 */
void escape_markdown(struct text *out, const char *string);
/* A path in a URI: all but letters, digits and -._~/ as %2E. */
void escape_uri(struct text *out, const char *path);
/* Code points in valid UTF-8. */
uint32_t escape_columns(const char *bytes, size_t size);

/* For Graphviz, inside of a quoted label: backslashes, quotes and entities would mean something. */
void escape_dot(struct text *out, const char *words);

#endif
