#include "cli/rules_file.h"

#include "cli/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_SIZE = 16 << 20 };

static const char usual_name[] = ".coreleaks";

static char *read_text(FILE *file, const char *path)
{
	char *text = NULL;
	size_t size = 0, capacity = 0;
	while (!feof(file)) {
		if (capacity - size < 4096) {
			capacity = capacity == 0 ? 8192 : capacity * 2;
			char *longer = realloc(text, capacity);
			if (longer == NULL)
				break;
			text = longer;
		}
		size += fread(text + size, 1, capacity - size - 1, file);
		if (ferror(file) || size > MAX_SIZE)
			break;
	}
	if (text != NULL && feof(file) && memchr(text, '\0', size) == NULL) {
		text[size] = '\0';
		return text;
	}
	message("cannot read %s: %s", path,
		ferror(file)	  ? strerror(errno)
		: size > MAX_SIZE ? "it is too large for a file of rules"
		: !feof(file)	  ? "out of memory"
				  : "it is no text");
	free(text);
	return NULL;
}

bool rules_file_text(const char *path, char **ret)
{
	FILE *file = fopen(path, "re");
	*ret = NULL;
	if (file == NULL) {
		if (errno == ENOENT)
			return true;
		message("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	*ret = read_text(file, path);
	fclose(file);
	return *ret != NULL;
}

bool rules_file_read(struct settings *settings, bool may_guess)
{
	const char *path = settings->config;
	if (path == NULL && may_guess)
		path = usual_name;
	if (path == NULL)
		return true;
	if (!rules_file_text(path, &settings->rules))
		return false;
	if (settings->rules == NULL && settings->config != NULL) {
		message("cannot read %s: %s", path, strerror(ENOENT));
		return false;
	}
	settings->analysis.rules = settings->rules;
	settings->analysis.rules_name = path;
	settings->analysis.now = (int64_t)time(NULL);
	return true;
}
