#include "cli/terminal.h"

#include "cli/values.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_dumb(void)
{
	const char *term = getenv("TERM");
	return term == NULL || strcmp(term, "dumb") == 0;
}

bool terminal_wants_color(enum when when)
{
	if (when != WHEN_AUTO)
		return when == WHEN_ALWAYS;
	/* no-color.org: any value but the empty one. */
	const char *no_color = getenv("NO_COLOR");
	if (no_color != NULL && *no_color != '\0')
		return false;
	return !is_dumb() && isatty(STDOUT_FILENO);
}

uint32_t terminal_width(uint32_t fallback)
{
	enum { NARROWEST = 40, WIDEST = 10000 };
	uint64_t columns = 0;
	const char *text = getenv("COLUMNS");
	struct winsize size;
	if (text == NULL || value_number(text, &columns) != VALUE_FINE || columns == 0)
		columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
	if (columns == 0)
		columns = fallback;
	if (columns < NARROWEST)
		return NARROWEST;
	return columns > WIDEST ? WIDEST : (uint32_t)columns;
}

bool terminal_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool terminal_has_live_line(void)
{
	return isatty(STDERR_FILENO) && !is_dumb();
}
