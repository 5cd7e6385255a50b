#include "cli/hint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-+=:,./@%";
	return *text != '\0' && text[strspn(text, plain)] == '\0';
}

/* value as one word of a shell, allocated; NULL: out of memory. */
static char *quote(const char *value)
{
	if (is_plain(value))
		return strdup(value);
	char *quoted = malloc(4 * strlen(value) + sizeof("''"));
	if (quoted == NULL)
		return NULL;
	char *end = quoted;
	*end++ = '\'';
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '\'')
			end = stpcpy(end, "'\\''");
		else
			*end++ = *c;
	}
	stpcpy(end, "'");
	return quoted;
}

void hint_add(struct settings *settings, const char *option, const char *value)
{
	char *quoted = quote(value), *longer;
	const char *before = settings->hint != NULL ? settings->hint : "coreleaks";
	if (quoted != NULL && asprintf(&longer, "%s --%s=%s", before, option, quoted) >= 0) {
		free(settings->hint);
		settings->hint = longer;
		settings->write.hint = longer;
	}
	free(quoted);
}
