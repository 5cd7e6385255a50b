#include "cli/message.h"

#include "cli/settings.h"
#include "cli/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int pipe_fd = -1;

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

void message_to(int fd)
{
	pipe_fd = fd;
}

void message_say(const char *text)
{
	static const char name[] = "coreleaks: ";
	if (pipe_fd >= 0) {
		const struct wire_head head = {.kind = WIRE_MESSAGE};
		wire_send(pipe_fd, &head, text, strlen(text));
		return;
	}
	/* One call: lines of several processes do not mix. */
	const struct iovec parts[] = {{(void *)(uintptr_t)name, strlen(name)},
				      {(void *)(uintptr_t)text, strlen(text)},
				      {(void *)(uintptr_t) "\n", 1}};
	ssize_t ignored = writev(STDERR_FILENO, parts, sizeof(parts) / sizeof(parts[0]));
	(void)ignored;
}

void message_give_up(const char *text)
{
	const struct wire_head head = {.kind = WIRE_RESULT, .number = EXIT_FAILED, .done = 1};
	if (pipe_fd < 0) {
		message_say(text);
		_exit(EXIT_FAILED);
	}
	wire_send(pipe_fd, &head, text, strlen(text));
	_exit(EXIT_SUCCESS);
}

void message(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text;
	if (vasprintf(&text, format, args) < 0) {
		message_say("out of memory");
	} else {
		message_make_harmless(text);
		message_say(text);
		free(text);
	}
	va_end(args);
}
