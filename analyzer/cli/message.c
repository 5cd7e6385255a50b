#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void make_harmless(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		/* U+0080 to U+009F: control characters of eight bits, as UTF-8. */
		if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			c[0] = c[1] = '?';
	}
}

void message(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text;
	if (vasprintf(&text, format, args) < 0) {
		fputs("coreleaks: out of memory\n", stderr);
	} else {
		make_harmless(text);
		fprintf(stderr, "coreleaks: %s\n", text);
		free(text);
	}
	va_end(args);
}
