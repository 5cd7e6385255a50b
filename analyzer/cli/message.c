#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* U+0080 to U+009F are control characters of eight bits; U+061C, U+200E, U+200F, U+202A to U+202E
 * and U+2066 to U+2069 are those of direction, U+2028 and U+2029 end lines. All as UTF-8. */
static size_t harmful_size(const unsigned char *c)
{
	if ((c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) || (c[0] == 0xd8 && c[1] == 0x9c))
		return 2;
	if (c[0] == 0xe2 && c[1] == 0x80 &&
	    (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae)))
		return 3;
	if (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)
		return 3;
	return c[0] < 0x20 || c[0] == 0x7f;
}

void message_make_harmless(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++)
		for (size_t size = harmful_size(c); size > 0; size--)
			c[size - 1] = '?';
}

void message(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text;
	if (vasprintf(&text, format, args) < 0) {
		fputs("coreleaks: out of memory\n", stderr);
	} else {
		message_make_harmless(text);
		fprintf(stderr, "coreleaks: %s\n", text);
		free(text);
	}
	va_end(args);
}
