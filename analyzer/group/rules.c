#include "group/rules.h"

#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* What is known while a text is read. */
struct rules_reader {
	struct arena *arena;
	struct rules *rules;
	const char *name;    /* of the text; NULL: built-in */
	const char *section; /* NULL: none yet */
	const char *today;   /* YYYY-MM-DD; NULL: nothing expires */
	uint32_t line;
};

static const struct {
	const char *word;
	enum rule_what what;
} words[] = {
	{"created-by", RULE_CREATED_BY},
	{"in", RULE_IN},
	{"any", RULE_ANY},
	{"module", RULE_MODULE},
	{"created by", RULE_CREATED_BY},
};

static const char *const attributes[] = {"max=", "until=", "reason="};

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct coreleaks_error *complain(const struct rules_reader *reader, const char *what,
					const char *text)
{
	return error_new(CORELEAKS_ERROR_USAGE, 0, reader->name, "%s:%" PRIu32 ": %s: %s",
			 reader->name != NULL ? reader->name : "built-in rules", reader->line, what,
			 text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

/* Cuts blanks off the end. */
static void trim(char *text)
{
	size_t size = strlen(text);
	while (size > 0 && is_blank(text[size - 1]))
		text[--size] = '\0';
}

/* When text begins with word and a blank: what stands behind them. */
static char *after_word(char *text, const char *word)
{
	size_t size = strlen(word);
	if (strncmp(text, word, size) != 0 || !is_blank(text[size]))
		return NULL;
	return skip_blanks(text + size);
}

/* Undoes the quotes of "…", where \ makes the next character plain. Returns what stands behind
 * them, NULL: they are not closed. */
static char *unquote(char *at, char **ret)
{
	char *out = at;
	*ret = at;
	for (char *in = at + 1; *in != '\0'; in++) {
		if (*in == '"') {
			*out = '\0';
			return in + 1;
		}
		if (*in == '\\' && in[1] != '\0')
			in++;
		*out++ = *in;
	}
	return NULL;
}

static bool is_attribute(const char *at)
{
	for (size_t i = 0; i < NUM(attributes); i++)
		if (strncmp(at, attributes[i], strlen(attributes[i])) == 0)
			return true;
	return false;
}

/* Where the attributes begin: at a blank, in no quotes. */
static char *find_attributes(char *text)
{
	bool quoted = false;
	for (char *at = text; *at != '\0'; at++) {
		if (*at == '\\' && quoted && at[1] != '\0')
			at++;
		else if (*at == '"' && (quoted || at == text || is_blank(at[-1])))
			quoted = !quoted;
		else if (!quoted && is_blank(*at) && is_attribute(at + 1))
			return at;
	}
	return NULL;
}

static bool is_date(const char *text)
{
	static const char form[] = "dddd-dd-dd";
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	int month = (text[5] - '0') * 10 + text[6] - '0',
	    day = (text[8] - '0') * 10 + text[9] - '0';
	return text[10] == '\0' && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool read_count(const char *text, uint64_t *ret)
{
	uint64_t number = 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || number > INT64_MAX / 10 - 9)
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
	}
	*ret = number;
	return true;
}

static struct coreleaks_error *take_attribute(const struct rules_reader *reader, struct rule *rule,
					      const char *attribute, const char *value)
{
	uint64_t max;
	if (strcmp(attribute, "max=") == 0) {
		if (!read_count(value, &max))
			return complain(reader, "max= is no number", value);
		rule->info.max = (int64_t)max;
	} else if (strcmp(attribute, "until=") == 0) {
		if (!is_date(value))
			return complain(reader, "until= is no date as 2026-12-31", value);
		rule->info.until = value;
		rule->info.expired = reader->today != NULL && strcmp(value, reader->today) < 0;
	} else {
		rule->info.reason = value;
	}
	return NULL;
}

/* The line's tail: max=N until=DATE reason="…", each once or not at all, in any order. */
static struct coreleaks_error *read_attributes(const struct rules_reader *reader, struct rule *rule,
					       char *at)
{
	while (*(at = skip_blanks(at)) != '\0') {
		size_t i = 0;
		while (i < NUM(attributes) &&
		       strncmp(at, attributes[i], strlen(attributes[i])) != 0)
			i++;
		if (i == NUM(attributes))
			return complain(reader, "not one of max=, until=, reason=", at);
		char *value = at + strlen(attributes[i]);
		if (*value == '"') {
			at = unquote(value, &value);
			if (at == NULL)
				return complain(reader, "quotes are not closed", rule->info.text);
			if (*at != '\0' && !is_blank(*at))
				return complain(reader, "no blank behind the quotes", at);
		} else {
			for (at = value; *at != '\0' && !is_blank(*at); at++)
				continue;
			if (*at != '\0')
				*at++ = '\0';
		}
		struct coreleaks_error *error = take_attribute(reader, rule, attributes[i], value);
		if (error != NULL)
			return error;
	}
	return NULL;
}

/* Cuts " [state]" off the end. Names have no blank before a bracket: main.F[...] has none. */
static const char *cut_state(char *text)
{
	size_t size = strlen(text);
	if (size < 2 || text[size - 1] != ']')
		return NULL;
	for (char *at = text + size - 1; at > text; at--) {
		if (*at != '[' || !is_blank(at[-1]))
			continue;
		text[size - 1] = '\0';
		char *state = at + 1;
		*at = '\0';
		trim(text);
		return state;
	}
	return NULL;
}

static struct coreleaks_error *read_pattern(const struct rules_reader *reader, struct rule *rule,
					    char *at)
{
	bool named =
		rule->what == RULE_TOP || rule->what == RULE_IN || rule->what == RULE_CREATED_BY;
	char *pattern = at;
	if (*at == '"') {
		char *rest = unquote(at, &pattern);
		if (rest == NULL)
			return complain(reader, "quotes are not closed", rule->info.text);
		rest = skip_blanks(rest);
		if (*rest == '[' && rest[strlen(rest) - 1] == ']') {
			rest[strlen(rest) - 1] = '\0';
			rule->state = rest + 1;
		} else if (*rest != '\0') {
			return complain(reader, "unexpected behind the quotes", rest);
		}
	} else if (named) {
		rule->state = cut_state(at);
	}
	if (*pattern == '\0')
		return complain(reader, "nothing to match", rule->info.text);
	size_t size = strlen(pattern);
	if (named && size > 3 && strcmp(pattern + size - 3, "...") == 0) {
		pattern[size - 3] = '\0';
		rule->is_prefix = true;
	}
	rule->pattern = pattern;
	return NULL;
}

static bool is_signature(const char *text)
{
	if ((text[0] != 't' && text[0] != 'g') || text[1] != '-')
		return false;
	return strlen(text + 2) == 12 && strspn(text + 2, "0123456789abcdef") == 12;
}

static struct coreleaks_error *read_rule(const struct rules_reader *reader, char *line)
{
	struct rule rule = {.what = RULE_TOP};
	char *attribute = find_attributes(line);
	if (attribute != NULL)
		*attribute++ = '\0';
	trim(line);
	rule.info = (struct coreleaks_rule){
		.text = arena_copy_text(reader->arena, line),
		.set = reader->section,
		.line = reader->name != NULL ? reader->line : 0,
		.max = -1,
		.is_builtin = reader->name == NULL,
	};
	struct coreleaks_error *error =
		attribute != NULL ? read_attributes(reader, &rule, attribute) : NULL;
	if (error != NULL)
		return error;
	char *rest = after_word(line, "ignore");
	for (size_t i = 0; rest != NULL && i < NUM(words); i++) {
		char *behind = after_word(rest, words[i].word);
		if (behind == NULL)
			continue;
		rule.what = words[i].what;
		rest = behind;
		break;
	}
	if (rest == NULL && (rest = after_word(line, "allow")) != NULL) {
		rule.what = RULE_ALLOW;
		rule.info.allows = true;
		if (!is_signature(rest))
			return complain(reader, "no signature as t-0123456789ab", rest);
	}
	if (rest == NULL)
		return complain(reader, "no rule: it begins with neither ignore nor allow", line);
	error = read_pattern(reader, &rule, rest);
	if (error == NULL)
		*array_add(reader->arena, &reader->rules->list) = rule;
	return error;
}

static struct coreleaks_error *read_line(struct rules_reader *reader, char *line)
{
	line = skip_blanks(line);
	trim(line);
	if (*line == '\0' || *line == '#')
		return NULL;
	size_t size = strlen(line);
	if (*line != '[')
		return read_rule(reader, line);
	if (line[size - 1] != ']' || size < 3)
		return complain(reader, "no section as [name]", line);
	line[size - 1] = '\0';
	reader->section = line + 1;
	return NULL;
}

/* Rules keep pointers into their own copy of the text. */
static struct coreleaks_error *read_text(struct rules_reader *reader, const char *text)
{
	char *rest = arena_copy_text(reader->arena, text);
	reader->line = 0;
	reader->section = NULL;
	while (rest != NULL) {
		char *line = rest, *end = strchr(rest, '\n');
		rest = end != NULL ? end + 1 : NULL;
		if (end != NULL)
			*end = '\0';
		size_t size = strlen(line);
		if (size > 0 && line[size - 1] == '\r')
			line[size - 1] = '\0';
		reader->line++;
		struct coreleaks_error *error = read_line(reader, line);
		if (error != NULL)
			return error;
	}
	return NULL;
}

static const char *today(struct arena *arena, int64_t now)
{
	struct tm tm;
	time_t when = (time_t)now;
	if (now == 0 || gmtime_r(&when, &tm) == NULL)
		return NULL;
	return arena_format(arena, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

struct coreleaks_error *rules_build(struct rules *ret, struct arena *arena,
				    const struct coreleaks_options *options)
{
	struct rules rules = {0};
	struct rules_reader reader = {
		.arena = arena,
		.rules = &rules,
		.name = options->rules_name != NULL ? options->rules_name : "rules",
		.today = today(arena, options->now),
	};
	struct coreleaks_error *error =
		options->rules != NULL ? read_text(&reader, options->rules) : NULL;
	if (error != NULL)
		return error;
	rules.num_of_user = rules.list.num;
	reader.name = NULL;
	error = read_text(&reader, rule_sets_text());
	if (error == NULL)
		*ret = rules;
	return error;
}

uint64_t rule_limit(const struct rule *rule, const struct coreleaks_options *options)
{
	return rule->info.max < 0 ? UINT64_MAX : (uint64_t)rule->info.max + options->slack;
}
