#include "report/escape.h"

#include <inttypes.h>
#include <string.h>

#define INVALID UINT32_MAX

/* Controls, direction marks and invisible characters (Unicode 15, general categories Cc, Cf, Zl,
 * Zp), without which no text loses its meaning. */
static const struct {
	uint32_t first, last;
} unsafe_ranges[] = {
	{0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad},	{0x061c, 0x061c},
	{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},	{0x2060, 0x206f},
	{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

static bool escape_is_unsafe(uint32_t point)
{
	for (size_t i = 0; i < sizeof(unsafe_ranges) / sizeof(unsafe_ranges[0]); i++) {
		if (point >= unsafe_ranges[i].first && point <= unsafe_ranges[i].last)
			return true;
	}
	return false;
}

uint32_t escape_decode(const char *bytes, size_t size, size_t *size_ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *at = (const unsigned char *)bytes;
	size_t length;
	uint32_t point;
	*size_ret = 1;
	if (at[0] < 0x80)
		return at[0];
	if ((at[0] & 0xe0) == 0xc0) {
		length = 2;
		point = at[0] & 0x1f;
	} else if ((at[0] & 0xf0) == 0xe0) {
		length = 3;
		point = at[0] & 0x0f;
	} else if ((at[0] & 0xf8) == 0xf0) {
		length = 4;
		point = at[0] & 0x07;
	} else {
		return INVALID;
	}
	if (length > size)
		return INVALID;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return INVALID;
		point = point << 6 | (at[i] & 0x3f);
	}
	if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return INVALID;
	*size_ret = length;
	return point;
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Not 0 when one of the bytes is 0. */
static uint64_t escape_has_zero(uint64_t bytes)
{
	return (bytes - EACH_BYTE) & ~bytes & EACH_BYTE << 7;
}

/* Eight bytes of which none needs a look. */
static bool escape_all_plain(const char *bytes)
{
	uint64_t eight;
	memcpy(&eight, bytes, sizeof(eight));
	uint64_t below_space = (eight - EACH_BYTE * 0x20) & ~eight & EACH_BYTE << 7;
	uint64_t not_ascii = eight & EACH_BYTE << 7;
	return (below_space | not_ascii | escape_has_zero(eight ^ EACH_BYTE * 0x7f) |
		escape_has_zero(eight ^ EACH_BYTE * '"') |
		escape_has_zero(eight ^ EACH_BYTE * '\\')) == 0;
}

/* The bytes at the start that need no look: most names are nothing else. */
static size_t escape_plain_size(const char *bytes, size_t size)
{
	size_t i = 0;
	while (size - i >= 8 && escape_all_plain(bytes + i))
		i += 8;
	while (i < size && bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '"' &&
	       bytes[i] != '\\')
		i++;
	return i;
}

static void escape_terminal_bytes(struct text *out, const char *string, size_t size, bool ascii)
{
	for (size_t i = 0; i < size;) {
		size_t length = escape_plain_size(string + i, size - i);
		text_add_bytes(out, string + i, length);
		i += length;
		if (i == size)
			break;
		uint32_t point = escape_decode(string + i, size - i, &length);
		if (point == INVALID || (point < 0x80 && escape_is_unsafe(point)))
			text_addf(out, "\\x%02x", (unsigned char)string[i]);
		else if (escape_is_unsafe(point) || (ascii && point >= 0x80))
			text_addf(out, "\\u%04" PRIx32, point);
		else
			text_add_bytes(out, string + i, length);
		i += length;
	}
}

void escape_terminal(struct text *out, const char *string, bool ascii)
{
	escape_terminal_bytes(out, string, strlen(string), ascii);
}

void escape_also(struct text *out, const char *string, const char *also)
{
	for (;;) {
		size_t length = strcspn(string, also);
		escape_terminal_bytes(out, string, length, false);
		string += length;
		if (*string == '\0')
			return;
		text_addf(out, "\\x%02x", (unsigned char)*string++);
	}
}

void escape_json(struct text *out, const char *string)
{
	size_t size = strlen(string);
	for (size_t i = 0; i < size;) {
		size_t length = escape_plain_size(string + i, size - i);
		text_add_bytes(out, string + i, length);
		i += length;
		if (i == size)
			break;
		uint32_t point = escape_decode(string + i, size - i, &length);
		if (point == INVALID)
			text_add(out, "\xef\xbf\xbd");
		else if (point == '"' || point == '\\')
			text_addf(out, "\\%c", (char)point);
		else if (!escape_is_unsafe(point))
			text_add_bytes(out, string + i, length);
		else if (point < 0x10000)
			text_addf(out, "\\u%04" PRIx32, point);
		else
			text_addf(out, "\\u%04" PRIx32 "\\u%04" PRIx32,
				  0xd800 + ((point - 0x10000) >> 10),
				  0xdc00 + ((point - 0x10000) & 0x3ff));
		i += length;
	}
}

/* What a terminal may get, in memory of its own. */
static struct text escape_clean(struct text *out, const char *string)
{
	struct text clean;
	text_init(&clean, out->arena);
	escape_terminal(&clean, string, false);
	text_add(&clean, "");
	return clean;
}

void escape_xml_lines(struct text *out, const char *clean)
{
	while (*clean != '\0') {
		size_t length = strcspn(clean, "<>&\"'");
		text_add_bytes(out, clean, length);
		clean += length;
		if (*clean != '\0')
			text_addf(out, "&#%d;", *clean++);
	}
}

void escape_xml(struct text *out, const char *string)
{
	escape_xml_lines(out, escape_clean(out, string).bytes);
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether at begins something that Markdown or GitHub gives a meaning. Underscores inside words and
 * colons before blanks have none. */
static bool escape_is_markup(const char *start, const char *at)
{
	if (*at == '_')
		return at == start || !is_word(at[-1]) || !is_word(at[1]);
	if (*at == ':')
		return at[1] != ' ';
	return strncasecmp(at, "www.", 4) == 0 || strchr("!\"#$%&*+;<=>?[\\]^`{|}~", *at) != NULL;
}

void escape_markdown(struct text *out, const char *string)
{
	const struct text clean = escape_clean(out, string);
	for (const char *at = clean.bytes; *at != '\0'; at++) {
		if (*at == '@') /* alone in an element: no name follows that could be mentioned */
			text_add(out, "<span>&#64;</span>");
		else if (escape_is_markup(clean.bytes, at))
			text_addf(out, "&#%d;", *at);
		else
			text_add_bytes(out, at, 1);
	}
}

void escape_uri(struct text *out, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/";
	for (; *path != '\0'; path++) {
		if (strchr(plain, *path) != NULL)
			text_add_bytes(out, path, 1);
		else
			text_addf(out, "%%%02X", (unsigned char)*path);
	}
}

uint32_t escape_columns(const char *bytes, size_t size)
{
	uint32_t columns = 0;
	for (size_t i = 0; i < size; i++)
		columns += ((unsigned char)bytes[i] & 0xc0) != 0x80;
	return columns;
}

void escape_dot(struct text *out, const char *words)
{
	struct text clean;
	text_init(&clean, out->arena);
	escape_terminal(&clean, words, false);
	text_add(&clean, "");
	for (const char *at = clean.bytes; *at != '\0'; at++) {
		if (*at == '&')
			text_add(out, "&amp;");
		else if (*at == '"' || *at == '\\')
			text_addf(out, "\\%c", *at);
		else
			text_add_bytes(out, at, 1);
	}
}
