/* json_out.h - writes JSON piece by piece into growing text: commas, line breaks, escapes.
 *
 * Knows no report. Its memory is the arena's, so that running out of it is one thing to handle. */
#ifndef CORELEAKS_REPORT_JSON_OUT_H
#define CORELEAKS_REPORT_JSON_OUT_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum json_shape {
	JSON_LINES,  /* an item a line */
	JSON_INLINE, /* all in one line; what is inside is in that line too */
};

struct json_out {
	struct text out;
	uint32_t depth;	       /* of open objects and arrays */
	uint32_t inline_depth; /* the outermost one that is inline; 0 none */
	bool has_items;	       /* the innermost open one */
};

void json_out_init(struct json_out *json, struct arena *arena);
/* Inside an object the key comes first; inside an array it is NULL. */
void json_out_begin(struct json_out *json, const char *key, char bracket, enum json_shape shape);
/* bracket: the closing one. */
void json_out_end(struct json_out *json, char bracket);
void json_out_text(struct json_out *json, const char *key, const char *value); /* NULL: null */
void json_out_int(struct json_out *json, const char *key, int64_t value);
void json_out_uint(struct json_out *json, const char *key, uint64_t value);
void json_out_bool(struct json_out *json, const char *key, bool value);
void json_out_null(struct json_out *json, const char *key);
/* "0x…" */
void json_out_addr(struct json_out *json, const char *key, uint64_t addr);
/* The same; 0: null. */
void json_out_known_addr(struct json_out *json, const char *key, uint64_t addr);
/* A number of which 0 means unknown: null. */
void json_out_known_size(struct json_out *json, const char *key, uint64_t size);
/* A share from 0 to 1, in millionths; the same in every locale. */
void json_out_share(struct json_out *json, const char *key, double value);

#endif
