#include "cli/handlers.h"

#include "cli/message.h"
#include "cli/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *format_list(char *buffer, size_t size,
			const char *(*word_of)(enum coreleaks_format format))
{
	size_t used = 0;
	const char *word;
	for (int i = 0; (word = word_of((enum coreleaks_format)i)) != NULL && used < size; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%s", i == 0 ? "" : ", ",
					 word);
	return buffer;
}

bool handle_flag(const struct option_row *row, struct settings *settings, void *field,
		 const char *value)
{
	(void)row;
	(void)settings;
	(void)value;
	*(bool *)field = true;
	return true;
}

bool handle_text(const struct option_row *row, struct settings *settings, void *field,
		 const char *value)
{
	(void)row;
	(void)settings;
	*(const char **)field = value;
	return true;
}

static bool explain(const struct option_row *row, const char *value, enum value_problem problem,
		    const char *form)
{
	if (problem == VALUE_TOO_LARGE)
		message("--%s: %s is too large", row->name, value);
	else if (problem == VALUE_WRONG)
		message("--%s: '%s' is not %s", row->name, value, form);
	return problem == VALUE_FINE;
}

bool handle_count(const struct option_row *row, struct settings *settings, void *field,
		  const char *value)
{
	(void)settings;
	uint64_t count;
	if (!explain(row, value, value_number(value, &count), "a number"))
		return false;
	if (count > UINT32_MAX)
		return explain(row, value, VALUE_TOO_LARGE, NULL);
	if (count < row->minimum) {
		message("--%s: must be at least %u", row->name, row->minimum);
		return false;
	}
	*(uint32_t *)field = (uint32_t)count;
	return true;
}

bool handle_id(const struct option_row *row, struct settings *settings, void *field,
	       const char *value)
{
	(void)settings;
	uint64_t id;
	if (!explain(row, value, value_number(value, &id), "a goroutine's number"))
		return false;
	if (id > INT64_MAX)
		return explain(row, value, VALUE_TOO_LARGE, NULL);
	if (id == 0) {
		message("--%s: must be more than 0", row->name);
		return false;
	}
	*(int64_t *)field = (int64_t)id;
	return true;
}

bool handle_size(const struct option_row *row, struct settings *settings, void *field,
		 const char *value)
{
	(void)settings;
	uint64_t size;
	if (!explain(row, value, value_size(value, &size),
		     "a size: a number of bytes, or one with K, M, G or T"))
		return false;
	if (size == 0) {
		message("--%s: must be more than 0", row->name);
		return false;
	}
	*(uint64_t *)field = size;
	return true;
}

bool handle_duration(const struct option_row *row, struct settings *settings, void *field,
		     const char *value)
{
	(void)settings;
	uint64_t duration_ns;
	if (!explain(row, value, value_duration(value, &duration_ns),
		     "a duration, as 30s, 500ms or 1m30s"))
		return false;
	if (duration_ns < row->minimum) {
		message("--%s: must be more than 0", row->name);
		return false;
	}
	*(uint64_t *)field = duration_ns;
	return true;
}

/* A word ending in ':' stands for all values that begin with it. */
static bool word_fits(const struct word *word, const char *value)
{
	size_t length = strlen(word->name);
	if (length > 0 && word->name[length - 1] == ':')
		return strncmp(word->name, value, length) == 0;
	return strcmp(word->name, value) == 0;
}

bool handle_word(const struct option_row *row, struct settings *settings, void *field,
		 const char *value)
{
	(void)settings;
	for (const struct word *word = row->words; word->name != NULL; word++) {
		if (!word_fits(word, value))
			continue;
		*(int32_t *)field = word->value;
		return true;
	}
	char known[256] = "";
	size_t used = 0;
	for (const struct word *word = row->words; word->name != NULL; word++) {
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
						 used == 0 ? "" : ", ", word->name);
	}
	message("--%s: '%s' is none of %s", row->name, value, known);
	return false;
}

static bool label_has_key(const struct option_row *row, const char *label)
{
	if (*label == '\0' || *label == '=')
		message("--%s: the label's key is missing", row->name);
	return *label != '\0' && *label != '=';
}

bool handle_group_by(const struct option_row *row, struct settings *settings, void *field,
		     const char *value)
{
	static const char label[] = "label:";
	if (!handle_word(row, settings, field, value))
		return false;
	if (strncmp(value, label, strlen(label)) != 0)
		return true;
	settings->analysis.group_label = value + strlen(label);
	return label_has_key(row, settings->analysis.group_label);
}

bool handle_label(const struct option_row *row, struct settings *settings, void *field,
		  const char *value)
{
	return label_has_key(row, value) && handle_text(row, settings, field, value);
}

bool handle_format(const struct option_row *row, struct settings *settings, void *field,
		   const char *value)
{
	int32_t format = coreleaks_format_by_name(value);
	if (format < 0) {
		char known[256];
		message("--%s: '%s' is none of %s", row->name, value,
			format_list(known, sizeof(known), coreleaks_format_name));
		return false;
	}
	*(enum coreleaks_format *)field = (enum coreleaks_format)format;
	settings->format_given = true;
	return true;
}

bool handle_json(const struct option_row *row, struct settings *settings, void *field,
		 const char *value)
{
	(void)row;
	(void)value;
	*(enum coreleaks_format *)field = CORELEAKS_FORMAT_JSON;
	settings->format_given = true;
	return true;
}

bool handle_output(const struct option_row *row, struct settings *settings, void *field,
		   const char *value)
{
	(void)field;
	for (uint32_t i = 0; i < settings->num_outputs; i++) {
		if (strcmp(settings->outputs[i], value) == 0) {
			message("--%s: %s is given twice", row->name, value);
			return false;
		}
	}
	if (settings->num_outputs == MAX_OUTPUTS) {
		message("--%s: more than %d of them", row->name, MAX_OUTPUTS);
		return false;
	}
	settings->outputs[settings->num_outputs++] = value;
	return true;
}

bool handle_debug_dir(const struct option_row *row, struct settings *settings, void *field,
		      const char *value)
{
	(void)row;
	(void)field;
	char *joined;
	const char *before = settings->debug_dirs;
	if (asprintf(&joined, "%s%s%s", before != NULL ? before : "", before != NULL ? ":" : "",
		     value) < 0) {
		message("out of memory");
		return false;
	}
	free(settings->debug_dirs);
	settings->debug_dirs = joined;
	settings->analysis.debug_dirs = joined;
	return true;
}

bool handle_verbose(const struct option_row *row, struct settings *settings, void *field,
		    const char *value)
{
	(void)row;
	(void)settings;
	(void)value;
	++*(uint32_t *)field;
	return true;
}

/* What comes before {file} decides where a link leads: names in the core must not. */
static bool is_link(const char *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char *const scripts[] = {"javascript:", "vbscript:", "data:"};
	size_t length = strspn(value, letters);
	length += strspn(value + length, "0123456789+-.");
	length += strspn(value + length, letters);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (strncasecmp(value, scripts[i], strlen(scripts[i])) == 0)
			return false;
	return strspn(value, letters) > 0 && value[length] == ':';
}

bool handle_source_url(const struct option_row *row, struct settings *settings, void *field,
		       const char *value)
{
	(void)settings;
	if (strstr(value, "{file}") == NULL || !is_link(value)) {
		message("--%s: '%s' is not a link with {file} in it, as "
			"https://host/{file}#L{line}",
			row->name, value);
		return false;
	}
	*(const char **)field = value;
	return true;
}
