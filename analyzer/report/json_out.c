#include "report/json_out.h"

#include "report/escape.h"

#include <inttypes.h>

void json_out_init(struct json_out *json, struct arena *arena)
{
	*json = (struct json_out){0};
	text_init(&json->out, arena);
}

static void json_out_break(struct json_out *json)
{
	text_add_bytes(&json->out, "\n", 1);
	for (uint32_t i = 0; i < json->depth; i++)
		text_add_bytes(&json->out, " ", 1);
}

/* What stands before a value: comma, line break, key. */
static void json_out_lead(struct json_out *json, const char *key)
{
	if (json->has_items)
		text_add_bytes(&json->out, ",", 1);
	if (json->inline_depth == 0 && json->depth > 0)
		json_out_break(json);
	json->has_items = true;
	if (key == NULL)
		return;
	text_add_bytes(&json->out, "\"", 1);
	escape_json(&json->out, key);
	text_add_bytes(&json->out, "\":", 2);
}

void json_out_begin(struct json_out *json, const char *key, char bracket, enum json_shape shape)
{
	json_out_lead(json, key);
	text_add_bytes(&json->out, &bracket, 1);
	json->depth++;
	json->has_items = false;
	if (shape == JSON_INLINE && json->inline_depth == 0)
		json->inline_depth = json->depth;
}

void json_out_end(struct json_out *json, char bracket)
{
	bool is_inline = json->inline_depth != 0;
	if (json->inline_depth == json->depth)
		json->inline_depth = 0;
	json->depth--;
	if (!is_inline && json->has_items)
		json_out_break(json);
	text_add_bytes(&json->out, &bracket, 1);
	json->has_items = true;
	if (json->depth == 0)
		text_add_bytes(&json->out, "\n", 1);
}

void json_out_text(struct json_out *json, const char *key, const char *value)
{
	if (value == NULL) {
		json_out_null(json, key);
		return;
	}
	json_out_lead(json, key);
	text_add_bytes(&json->out, "\"", 1);
	escape_json(&json->out, value);
	text_add_bytes(&json->out, "\"", 1);
}

/* Without printf, as addresses: a report has millions of them. */
static void json_out_digits(struct json_out *json, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	text_add_bytes(&json->out, digits + at, sizeof(digits) - at);
}

void json_out_int(struct json_out *json, const char *key, int64_t value)
{
	json_out_lead(json, key);
	if (value < 0)
		text_add_bytes(&json->out, "-", 1);
	json_out_digits(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_out_uint(struct json_out *json, const char *key, uint64_t value)
{
	json_out_lead(json, key);
	json_out_digits(json, value);
}

void json_out_bool(struct json_out *json, const char *key, bool value)
{
	json_out_lead(json, key);
	text_add(&json->out, value ? "true" : "false");
}

void json_out_null(struct json_out *json, const char *key)
{
	json_out_lead(json, key);
	text_add(&json->out, "null");
}

void json_out_addr(struct json_out *json, const char *key, uint64_t addr)
{
	char digits[sizeof("\"0x\"") + 16];
	size_t at = sizeof(digits);
	digits[--at] = '"';
	do {
		digits[--at] = "0123456789abcdef"[addr & 15];
		addr >>= 4;
	} while (addr != 0);
	digits[--at] = 'x';
	digits[--at] = '0';
	digits[--at] = '"';
	json_out_lead(json, key);
	text_add_bytes(&json->out, digits + at, sizeof(digits) - at);
}

void json_out_known_addr(struct json_out *json, const char *key, uint64_t addr)
{
	if (addr != 0)
		json_out_addr(json, key, addr);
	else
		json_out_null(json, key);
}

void json_out_known_size(struct json_out *json, const char *key, uint64_t size)
{
	if (size != 0)
		json_out_uint(json, key, size);
	else
		json_out_null(json, key);
}

void json_out_share(struct json_out *json, const char *key, double value)
{
	uint32_t millionths = value <= 0 ? 0 : value >= 1 ? 1000000 : (uint32_t)(value * 1e6 + 0.5);
	json_out_lead(json, key);
	text_addf(&json->out, "%" PRIu32 ".%06" PRIu32, millionths / 1000000, millionths % 1000000);
	while (json->out.bytes[json->out.size - 1] == '0' &&
	       json->out.bytes[json->out.size - 2] != '.')
		json->out.bytes[--json->out.size] = '\0';
}
