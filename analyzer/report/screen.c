#include "report/screen.h"

#include "report/escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BAR_CELLS = 10 };

void screen_init(struct screen *screen, struct arena *arena,
		 const struct coreleaks_write_options *options)
{
	*screen = (struct screen){
		.width = options->width,
		.color = options->color,
		.ascii = options->ascii,
	};
	text_init(&screen->out, arena);
	text_init(&screen->scratch, arena);
	text_init(&screen->name, arena);
}

/* UTF-8 and what stands for it in ASCII. */
const char *screen_glyph(const struct screen *screen, enum glyph glyph)
{
	static const char *const glyphs[][2] = {
		[GLYPH_ELLIPSIS] = {"…", ".."},
		[GLYPH_TIMES] = {"×", "x"},
		[GLYPH_ARROW] = {"←", "<-"},
		[GLYPH_DOT] = {"·", "-"},
	};
	return glyphs[glyph][screen->ascii];
}

/* Only changes are written: a screen of text has few. */
static void screen_style(struct screen *screen, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",
		[STYLE_BOLD] = "\033[1m",
		[STYLE_DIM] = "\033[2m",
		[STYLE_RED] = "\033[1;31m",
		[STYLE_YELLOW] = "\033[33m",
		[STYLE_CYAN] = "\033[36m",
		[STYLE_GREEN] = "\033[32m",
		[STYLE_BLUE] = "\033[34m",
		[STYLE_MAGENTA] = "\033[35m",
		[STYLE_BOLD_GREEN] = "\033[1;32m",
		[STYLE_BOLD_BLUE] = "\033[1;34m",
		[STYLE_BOLD_MAGENTA] = "\033[1;35m",
	};
	if (!screen->color || style == screen->style)
		return;
	if (screen->style != STYLE_PLAIN)
		text_add(&screen->out, "\033[0m");
	text_add(&screen->out, codes[style]);
	screen->style = style;
}

/* Bytes that are escaped already. */
static void screen_add(struct screen *screen, enum style style, const char *bytes, size_t size)
{
	if (size == 0)
		return;
	screen_style(screen, style);
	text_add_bytes(&screen->out, bytes, size);
	screen->column += escape_columns(bytes, size);
}

/* Escaped text, valid until the next call. */
static const struct text *screen_escape(struct screen *screen, const char *text)
{
	text_clear(&screen->scratch);
	escape_terminal(&screen->scratch, text, screen->ascii);
	return &screen->scratch;
}

uint32_t screen_columns(struct screen *screen, const char *text)
{
	const struct text *escaped = screen_escape(screen, text);
	return escape_columns(escaped->bytes, escaped->size);
}

uint32_t screen_left(const struct screen *screen)
{
	if (screen->width == 0)
		return UINT32_MAX;
	return screen->width > screen->column ? screen->width - screen->column : 0;
}

void screen_end_line(struct screen *screen)
{
	while (screen->out.size > 0 && screen->out.bytes[screen->out.size - 1] == ' ')
		screen->out.bytes[--screen->out.size] = '\0';
	screen_style(screen, STYLE_PLAIN);
	text_add_bytes(&screen->out, "\n", 1);
	screen->column = 0;
}

void screen_pad(struct screen *screen, uint32_t column)
{
	do
		screen_add(screen, STYLE_PLAIN, " ", 1);
	while (screen->column < column);
}

void screen_put(struct screen *screen, enum style style, const char *text)
{
	const struct text *escaped = screen_escape(screen, text);
	screen_add(screen, style, escaped->bytes, escaped->size);
}

/* Numbers and short words of our own only: longer text is cut. */
void screen_putf(struct screen *screen, enum style style, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	screen_put(screen, style, text);
}

static void screen_continue(struct screen *screen)
{
	screen_end_line(screen);
	if (screen->indent > 0)
		screen_pad(screen, screen->indent);
}

void screen_fit(struct screen *screen, enum style style, const char *text)
{
	const struct text *escaped = screen_escape(screen, text);
	if (escape_columns(escaped->bytes, escaped->size) > screen_left(screen) &&
	    screen->column > screen->indent)
		screen_continue(screen);
	screen_add(screen, style, escaped->bytes, escaped->size);
}

void screen_words(struct screen *screen, enum style style, const char *text)
{
	const struct text *escaped = screen_escape(screen, text);
	for (size_t at = 0; at < escaped->size;) {
		const char *word = escaped->bytes + at;
		size_t blanks = strspn(word, " ");
		size_t size = strcspn(word + blanks, " ");
		uint32_t columns = escape_columns(word, blanks + size);
		if (columns > screen_left(screen) && screen->column > screen->indent) {
			screen_continue(screen);
			screen_add(screen, style, word + blanks, size);
		} else {
			screen_add(screen, style, word, blanks + size);
		}
		at += blanks + size;
	}
}

/* Writes the name without its template arguments into ret: map<…>::find. False: unbalanced. */
static bool screen_drop_arguments(const char *name, const char *ellipsis, struct text *ret)
{
	uint32_t depth = 0;
	text_clear(ret);
	for (size_t i = 0; name[i] != '\0'; i++) {
		size_t operator_size = strncmp(name + i, "operator", 8) == 0
					       ? 8 + strspn(name + i + 8, "<>=-")
					       : 0;
		if (operator_size > 8) {
			if (depth == 0)
				text_add_bytes(ret, name + i, operator_size);
			i += operator_size - 1;
		} else if (name[i] == '<') {
			if (depth++ == 0 && i > 0) {
				text_add_bytes(ret, "<", 1);
				text_add(ret, ellipsis);
			} else if (i == 0) {
				return false;
			}
		} else if (name[i] == '>' && (i == 0 || name[i - 1] != '-')) {
			if (depth == 0)
				return false;
			if (--depth == 0)
				text_add_bytes(ret, ">", 1);
		} else if (depth == 0) {
			text_add_bytes(ret, name + i, 1);
		}
	}
	return depth == 0;
}

/* The size of the first columns of valid UTF-8. */
static size_t screen_prefix_size(const char *bytes, size_t size, uint32_t columns)
{
	size_t i = 0;
	while (i < size) {
		if (((unsigned char)bytes[i] & 0xc0) != 0x80 && columns-- == 0)
			break;
		i++;
	}
	return i;
}

void screen_name(struct screen *screen, enum style style, const char *name, uint32_t max_columns)
{
	const char *ellipsis = screen_glyph(screen, GLYPH_ELLIPSIS);
	const struct text *escaped = screen_escape(screen, name);
	const char *bytes = escaped->bytes;
	size_t size = escaped->size;
	uint32_t columns = escape_columns(bytes, size);
	if (max_columns != 0 && columns > max_columns &&
	    screen_drop_arguments(bytes, ellipsis, &screen->name)) {
		bytes = screen->name.bytes;
		size = screen->name.size;
		columns = escape_columns(bytes, size);
	}
	uint32_t dots = screen->ascii ? 2 : 1;
	if (max_columns == 0 || columns <= max_columns || max_columns < dots + 2) {
		screen_add(screen, style, bytes, size);
		return;
	}
	/* The end of a name tells more than its namespaces: it gets the larger part. */
	uint32_t head = (max_columns - dots) / 3;
	uint32_t tail = max_columns - dots - head;
	size_t head_size = screen_prefix_size(bytes, size, head);
	size_t tail_off = screen_prefix_size(bytes, size, columns - tail);
	screen_add(screen, style, bytes, head_size);
	screen_add(screen, style, ellipsis, strlen(ellipsis));
	screen_add(screen, style, bytes + tail_off, size - tail_off);
}

void screen_bar(struct screen *screen, enum style style, double share)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	uint32_t part = share <= 0 ? 0 : share >= 1 ? BAR_CELLS * 8 : (uint32_t)(share * 80);
	uint32_t end = screen->column + BAR_CELLS;
	if (part == 0 && share > 0)
		part = 1;
	text_clear(&screen->scratch);
	for (uint32_t i = 0; i < part / 8; i++)
		text_add(&screen->scratch, screen->ascii ? "#" : "█");
	if (!screen->ascii)
		text_add(&screen->scratch, eighths[part % 8]);
	else if (part % 8 >= 4)
		text_add(&screen->scratch, "#");
	screen_add(screen, style, screen->scratch.bytes, screen->scratch.size);
	if (screen->column < end)
		screen_pad(screen, end);
}
