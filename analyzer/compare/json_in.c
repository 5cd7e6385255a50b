#include "compare/json_in.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

struct reader {
	struct arena *arena;
	const char *at, *begin, *end;
	const char *problem; /* the first one */
	uint32_t depth;
};

static bool fail(struct reader *reader, const char *what)
{
	if (reader->problem == NULL)
		reader->problem = arena_format(reader->arena, "%s at byte %zu", what,
					       (size_t)(reader->at - reader->begin));
	return false;
}

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) != NULL &&
	       *reader->at != '\0')
		reader->at++;
}

static bool take(struct reader *reader, const char *word)
{
	size_t size = strlen(word);
	if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
		return false;
	reader->at += size;
	return true;
}

static bool read_hex(struct reader *reader, uint32_t *ret)
{
	uint32_t value = 0;
	if (reader->end - reader->at < 4)
		return fail(reader, "a cut escape");
	for (int i = 0; i < 4; i++) {
		char c = *reader->at++;
		uint32_t digit = c >= '0' && c <= '9'	? (uint32_t)(c - '0')
				 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
				 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
							: 16;
		if (digit > 15)
			return fail(reader, "a wrong escape");
		value = value * 16 + digit;
	}
	*ret = value;
	return true;
}

static char *put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

/* \uXXXX, or two of them; halves of pairs and NUL become U+FFFD. */
static char *read_unicode(struct reader *reader, char *out)
{
	uint32_t code, low;
	if (!read_hex(reader, &code))
		return NULL;
	if (code >= 0xd800 && code < 0xdc00 && reader->end - reader->at >= 6 &&
	    reader->at[0] == '\\' && reader->at[1] == 'u') {
		reader->at += 2;
		if (!read_hex(reader, &low))
			return NULL;
		code = low >= 0xdc00 && low < 0xe000
			       ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
			       : 0xfffd;
	}
	if (code == 0 || (code >= 0xd800 && code < 0xe000))
		code = 0xfffd;
	return put_utf8(out, code);
}

static char *read_escape(struct reader *reader, char *out)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char c = *reader->at++;
	if (c == 'u')
		return read_unicode(reader, out);
	const char *letter = c != '\0' ? strchr(letters, c) : NULL;
	if (letter == NULL) {
		fail(reader, "a wrong escape");
		return NULL;
	}
	*out++ = meant[letter - letters];
	return out;
}

/* At the opening quote. No text grows when its escapes are undone. */
static const char *read_text(struct reader *reader)
{
	const char *close = reader->at + 1;
	while (close < reader->end && *close != '"')
		close += *close == '\\' && reader->end - close > 1 ? 2 : 1;
	if (close >= reader->end) {
		fail(reader, "a text that does not end");
		return NULL;
	}
	char *text = arena_alloc(reader->arena, (size_t)(close - reader->at));
	char *out = text;
	reader->at++;
	while (reader->at < close) {
		unsigned char c = (unsigned char)*reader->at++;
		if (c == '\\') {
			out = read_escape(reader, out);
			if (out == NULL)
				return NULL;
		} else if (c < 0x20) {
			fail(reader, "a control character in a text");
			return NULL;
		} else {
			*out++ = (char)c;
		}
	}
	*out = '\0';
	reader->at = close + 1;
	return text;
}

static bool read_number(struct reader *reader, struct json *json)
{
	enum { LONGEST = 64 };
	char digits[LONGEST];
	size_t size = 0;
	while (reader->at < reader->end && size < LONGEST - 1 && *reader->at != '\0' &&
	       strchr("+-0123456789.eE", *reader->at) != NULL)
		digits[size++] = *reader->at++;
	digits[size] = '\0';
	char *end;
	json->type = JSON_NUMBER;
	json->number = strtoll(digits, &end, 10);
	/* Decimal points are not read as such in every locale: whole numbers are what counts. */
	json->real = *end == '\0' ? (double)json->number : strtod(digits, NULL);
	if (size == 0 || end == digits)
		return fail(reader, "no value");
	return true;
}

static bool read_value(struct reader *reader, struct json *json);

static bool read_elements(struct reader *reader, struct json *json, char closing)
{
	struct json **end = &json->first;
	reader->at++;
	skip_space(reader);
	if (reader->at < reader->end && *reader->at == closing) {
		reader->at++;
		return true;
	}
	for (;;) {
		struct json *element = arena_alloc(reader->arena, sizeof(*element));
		skip_space(reader);
		if (closing == '}') {
			if (reader->at >= reader->end || *reader->at != '"')
				return fail(reader, "no key");
			element->key = read_text(reader);
			skip_space(reader);
			if (element->key == NULL || !take(reader, ":"))
				return fail(reader, "no colon");
		}
		if (!read_value(reader, element))
			return false;
		*end = element;
		end = &element->next;
		json->num++;
		skip_space(reader);
		if (take(reader, ","))
			continue;
		if (reader->at >= reader->end || *reader->at != closing)
			return fail(reader, "no comma");
		reader->at++;
		return true;
	}
}

static bool read_nested(struct reader *reader, struct json *json)
{
	bool object = *reader->at == '{';
	json->type = object ? JSON_OBJECT : JSON_ARRAY;
	if (++reader->depth > MAX_DEPTH)
		return fail(reader, "too deep");
	bool fine = read_elements(reader, json, object ? '}' : ']');
	reader->depth--;
	return fine;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by MAX_DEPTH */
static bool read_value(struct reader *reader, struct json *json)
{
	skip_space(reader);
	if (reader->at >= reader->end)
		return fail(reader, "it ends");
	if (*reader->at == '{' || *reader->at == '[')
		return read_nested(reader, json);
	if (*reader->at == '"') {
		json->type = JSON_TEXT;
		json->text = read_text(reader);
		return json->text != NULL;
	}
	if (take(reader, "null"))
		return true;
	json->type = JSON_BOOL;
	json->boolean = take(reader, "true");
	if (json->boolean || take(reader, "false"))
		return true;
	return read_number(reader, json);
}

const struct json *json_in_read(struct arena *arena, const char *bytes, size_t size,
				const char **problem_ret)
{
	struct reader reader = {.arena = arena, .at = bytes, .begin = bytes, .end = bytes + size};
	struct json *json = arena_alloc(arena, sizeof(*json));
	bool fine = read_value(&reader, json);
	skip_space(&reader);
	if (fine && reader.at != reader.end)
		fine = fail(&reader, "more behind the value");
	*problem_ret = reader.problem;
	return fine ? json : NULL;
}

const struct json *json_get(const struct json *json, const char *key)
{
	if (json == NULL || json->type != JSON_OBJECT)
		return NULL;
	for (const struct json *at = json->first; at != NULL; at = at->next)
		if (strcmp(at->key, key) == 0)
			return at;
	return NULL;
}

const char *json_text(const struct json *json, const char *key)
{
	const struct json *value = json_get(json, key);
	return value != NULL && value->type == JSON_TEXT ? value->text : NULL;
}

int64_t json_int(const struct json *json, const char *key, int64_t other)
{
	const struct json *value = json_get(json, key);
	return value != NULL && value->type == JSON_NUMBER ? value->number : other;
}

uint64_t json_count(const struct json *json, const char *key)
{
	int64_t number = json_int(json, key, 0);
	return number > 0 ? (uint64_t)number : 0;
}

bool json_bool(const struct json *json, const char *key)
{
	const struct json *value = json_get(json, key);
	return value != NULL && value->type == JSON_BOOL && value->boolean;
}

const struct json *json_first(const struct json *json, const char *key)
{
	const struct json *value = json_get(json, key);
	return value != NULL ? value->first : NULL;
}
