/* screen.h - lines of text for a terminal: styles, columns, wrapping, shortened names.
 *
 * All text that is given to it is escaped on its way out. Knows no report. */
#ifndef CORELEAKS_REPORT_SCREEN_H
#define CORELEAKS_REPORT_SCREEN_H

#include "base/text.h"
#include "coreleaks.h"

/* The text's look; without colours all are plain. */
enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_RED,
	STYLE_YELLOW,
	STYLE_CYAN,
	STYLE_GREEN,
	STYLE_BLUE,
	STYLE_MAGENTA,
	STYLE_BOLD_GREEN,
	STYLE_BOLD_BLUE,
	STYLE_BOLD_MAGENTA,
};

enum glyph { GLYPH_ELLIPSIS, GLYPH_TIMES, GLYPH_ARROW, GLYPH_DOT };

struct screen {
	struct text out;
	struct text scratch, name; /* of one call */
	uint32_t width;		   /* columns; 0 unlimited */
	uint32_t column;	   /* of the cursor in the current line */
	uint32_t indent;	   /* of the lines that a long one is continued on */
	enum style style;	   /* of what was written last */
	bool color, ascii;
};

void screen_init(struct screen *screen, struct arena *arena,
		 const struct coreleaks_write_options *options);
void screen_end_line(struct screen *screen);
/* Blanks up to the column; at least one when the line has gone beyond it. */
void screen_pad(struct screen *screen, uint32_t column);
/* Text that stays in one piece, wherever the line ends. */
void screen_put(struct screen *screen, enum style style, const char *text);
void screen_putf(struct screen *screen, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same; starts a new line first when it would go beyond the width. */
void screen_fit(struct screen *screen, enum style style, const char *text);
/* Words, with a line break instead of a blank where the line is full. */
void screen_words(struct screen *screen, enum style style, const char *text);
/* A name in at most max_columns (0: any), shortened inside its template arguments, then in the
 * middle. */
void screen_name(struct screen *screen, enum style style, const char *name, uint32_t max_columns);
const char *screen_glyph(const struct screen *screen, enum glyph glyph);
/* A bar of ten cells. */
void screen_bar(struct screen *screen, enum style style, double share);
/* Columns that the text takes once it is escaped. */
uint32_t screen_columns(struct screen *screen, const char *text);
/* Columns left in this line; UINT32_MAX when the width is unlimited. */
uint32_t screen_left(const struct screen *screen);

#endif
