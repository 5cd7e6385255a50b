/* Every format with names that mean something to its readers: each stays what it is, a name. */
#include "fake_view.h"

#include "report/escape.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

Suite *hostile_suite(void);

static const char *const names[] = {
	"<script>alert(1)</script>",
	"\"><img src=x onerror=alert(1)>",
	"' onload='alert(1)",
	"</pre></details></td></svg><h1>",
	"<!-- --> -->",
	"<![CDATA[ x ]]>",
	"]]><failure/>",
	"&lt;b&gt; &#60; &amp",
	"two\nlines",
	"two\r\n::error::three",
	"%0A::error::four%25",
	"::set-output name=x::y",
	"`tick` ``` ~~~",
	"| pipe | cell |",
	"**bold** _it_ # h",
	"[link](https://example.invalid)",
	"![image](https://example.invalid)",
	"https://example.invalid/x www.example.invalid",
	"@everyone #1",
	"javascript:alert(1)",
	"../../etc/passwd",
	"quote\" back\\slash \\\" \\N \\l \\G",
	"} node [label=x]; {",
	"\033[31mred\033]0;title\a",
	"bidi \342\200\256 and \342\201\246 isolate",
	"invalid \377\300 bytes \303",
	"nul-like \\0 and \\u0000",
	"{file} {line}",
	"semi;colon 7",
	"C:\\windows\\x.c",
	" blank ",
	"",
};
enum { NUM_NAMES = sizeof(names) / sizeof(names[0]) };

static struct fake_view fake;

/* Every text of a view that the core or the file system decides is this name. */
static void hostile_group(uint32_t at, const char *name)
{
	struct coreleaks_frame frames[] = {fake_libc_frame("futex_wait"), fake_frame(name, 7),
					   fake_frame("plain", 8), fake_frame(NULL, 0)};
	frames[1].module = name;
	frames[1].module_path = name;
	frames[2].file = name;
	frames[3].file = NULL;
	frames[3].module = name;
	struct coreleaks_frame *creator = arena_alloc(&fake.arena, sizeof(*creator));
	struct coreleaks_creation *creation = arena_alloc(&fake.arena, sizeof(*creation));
	struct coreleaks_label *label = arena_alloc(&fake.arena, sizeof(*label));
	*creator = frames[1];
	*creation = (struct coreleaks_creation){.frame = creator, .num_places = 1};
	*label = (struct coreleaks_label){name, name};
	int64_t id = fake.next_id;
	struct coreleaks_group *group =
		fake_view_group(&fake, arena_format(&fake.arena, "t-%012x", (unsigned)at), 2,
				fake_view_stack(&fake, frames, 4));
	group->creation = creation;
	group->loose_signature = group->signature;
	group->labels = label;
	group->num_labels = 1;
	group->key = name;
	group->reason = name;
	for (int64_t i = id; i < id + 2; i++) {
		fake_view_task(&fake, i)->creation = creation;
		fake_view_task(&fake, i)->reason = name;
		fake_view_mutex(&fake, i, 0x1000 + at, i == id ? id + 1 : id);
		fake_view_wait(&fake, i)->symbol = name;
		fake_view_wait(&fake, i)->type = name;
		fake_view_wait(&fake, i)->start = name;
	}
}

static void fill(void)
{
	fake_view_init(&fake);
	for (uint32_t i = 0; i < NUM_NAMES; i++)
		hostile_group(i, names[i]);
	fake_view_objects(&fake);
	for (uint32_t i = 0; i < NUM_NAMES; i++) {
		struct coreleaks_finding *finding = fake_view_lock_finding(
			&fake, "deadlock-cycle", names[i], i,
			i % 2 == 0 ? CORELEAKS_VERDICT_PROVED : CORELEAKS_VERDICT_LIKELY);
		struct coreleaks_evidence *evidence = arena_alloc(&fake.arena, sizeof(*evidence));
		evidence->what = names[i];
		finding->evidence = evidence;
		finding->caveats = &names[i];
		finding->num_caveats = 1;
		fake_view_gap(&fake, "file-missing", i % 2 == 0, names[i], 1);
		fake_view_module(&fake, names[i], names[i], names[i]);
	}
	fake.core.path = "<core>\"'&\n::error::|`]]>";
	fake.core.command = "<command>\n::error::|`]]>";
	fake.core.executable = "/bin/<exe>\n::error::|`]]>";
	fake.options.source_url = "https://example.invalid/{file}#L{line}";
}

/* Of all formats that are text: UTF-8, without controls and marks that a terminal obeys. */
static void expect_clean(const char *format, const char *text)
{
	size_t size = strlen(text);
	for (size_t i = 0; i < size;) {
		size_t length;
		uint32_t point = escape_decode(text + i, size - i, &length);
		bool fine = point == '\n' || point == '\t' || (point >= 0x20 && point < 0x7f) ||
			    (point > 0x9f && point != UINT32_MAX);
		fine = fine && (point < 0x202a || point > 0x202e) &&
		       (point < 0x2066 || point > 0x2069);
		ck_assert_msg(fine, "%s: U+%04x in %.80s", format, point,
			      text + (i > 30 ? i - 30 : 0));
		i += length;
	}
}

static uint32_t count(const char *text, const char *part)
{
	uint32_t num = 0;
	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		num++;
	return num;
}

static void expect_json_value(const char *format, const char *text, size_t size)
{
	json_error_t error;
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(json != NULL, "%s: %s: %.200s", format, error.text, text);
	json_decref(json);
}

static void expect_json(const char *format, const char *text)
{
	expect_json_value(format, text, strlen(text));
}

static void expect_json_lines(const char *format, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		expect_json_value(format, text, length);
		text += length + 1;
	}
}

/* Commands alone, as many as are allowed, and no name has become a property. */
static void expect_github(const char *format, const char *text)
{
	(void)format;
	ck_assert_uint_eq(count(text, "\n"), 10 + 10);
	for (; *text != '\0'; text = strchr(text, '\n') + 1) {
		ck_assert_msg(strncmp(text, "::error ", 8) == 0 ||
				      strncmp(text, "::warning ", 10) == 0,
			      "%.100s", text);
		const char *end = strstr(text + 2, "::");
		ck_assert_ptr_nonnull(end);
		ck_assert_ptr_nonnull(memmem(text, (size_t)(end - text), "title=", 6));
		ck_assert_ptr_null(memmem(text, (size_t)(end - text), "set-output", 10));
	}
}

/* No element but ours: every '<' begins one of these, every '&' one of the escapes. */
static void expect_elements(const char *format, const char *text, const char *const *elements)
{
	for (const char *at = text; (at = strpbrk(at, "<&")) != NULL; at++) {
		bool fine = false;
		if (*at == '&') {
			fine = at[1] == '#' && strspn(at + 2, "0123456789") >= 2 &&
			       at[2 + strspn(at + 2, "0123456789")] == ';';
		} else {
			const char *name = at + 1 + (at[1] == '/');
			size_t length = strcspn(name, " \t\n/>");
			for (int i = 0; elements[i] != NULL && !fine; i++)
				fine = strlen(elements[i]) == length &&
				       strncmp(elements[i], name, length) == 0;
		}
		ck_assert_msg(fine, "%s: %.120s", format, at);
	}
}

static void expect_junit(const char *format, const char *text)
{
	static const char *const elements[] = {
		"?xml",	    "testsuites", "testsuite", "properties", "property",
		"testcase", "failure",	  "error",     "system-out", NULL,
	};
	expect_elements(format, text, elements);
	ck_assert_uint_eq(count(text, "<failure "), 1);
	ck_assert_uint_eq(count(text, "]]>"), 0);
	ck_assert_uint_eq(count(text, "<testsuite "), 1);
}

static void blank_out(char *text, const char *begin, const char *end)
{
	for (char *at = text; (at = strstr(at, begin)) != NULL;)
		memset(at, 'x', (size_t)(strstr(at, end) - at));
}

/* Outside of <pre>: no character that Markdown gives a meaning but where the format puts it. */
static void expect_markdown(const char *format, const char *text)
{
	static const char *const elements[] = {"code", "span", "details", "summary", "pre", NULL};
	char *copy = strdup(text);
	for (char *at = copy; (at = strstr(at, "](<")) != NULL;) {
		ck_assert_msg(strncmp(at, "](<https://example.invalid/", 27) == 0, "%.90s", at);
		ck_assert_uint_eq(strcspn(at + 3, ">"), strcspn(at + 3, "\n<>\"' ()"));
		size_t length = strcspn(at, ">") + 2;
		memset(at, 'x', length);
	}
	expect_elements(format, copy, elements);
	blank_out(copy, "<pre>", "</pre>");
	blank_out(copy, "<summary>", "</summary>"); /* an HTML block, up to the empty line */
	ck_assert_ptr_null(strpbrk(copy, "`~@$\\]{}="));
	ck_assert_ptr_null(strstr(copy, "www."));
	ck_assert_ptr_null(strstr(copy, "__"));
	ck_assert_ptr_null(strstr(copy, "!["));
	for (char *at = copy; at != NULL; at = strchr(at, '\n')) {
		uint32_t num_pipes = 0;
		at += *at == '\n';
		for (char *c = at; *c != '\0' && *c != '\n'; c++)
			num_pipes += *c == '|';
		ck_assert_msg(num_pipes == 0 || num_pipes == 7, "%.100s", at);
		ck_assert_msg(strchr("#*|<x \n", *at) != NULL || at == copy ||
				      strncmp(at, "&#60;core", 9) == 0,
			      "a line of another kind: %.100s", at);
	}
	free(copy);
}

/* A statement a line: quotes come in pairs, and nothing but ours is outside of them. */
static void expect_dot(const char *format, const char *text)
{
	(void)format;
	for (; *text != '\0'; text = strchr(text, '\n') + 1) {
		bool quoted = false;
		for (const char *at = text; *at != '\n'; at++) {
			if (quoted && *at == '\\') {
				ck_assert_ptr_nonnull(strchr("\\\"nl", at[1]));
				at++;
			} else if (quoted && *at == '&') {
				ck_assert_int_eq(strncmp(at, "&amp;", 5), 0);
			} else if (*at == '"') {
				quoted = !quoted;
			} else {
				ck_assert(quoted || strchr("<&'`|@$%", *at) == NULL);
			}
		}
		ck_assert_msg(!quoted, "%.100s", text);
	}
}

/* Every attribute is one of these, in quotes that nothing inside closes. */
static void expect_attributes(const char *tag)
{
	static const char known[] =
		" aria-hidden aria-label charset class colspan content cx cy d height hidden href "
		"http-equiv id lang marker-end markerHeight markerUnits markerWidth name open "
		"orient placeholder r refX refY rel role rx text-anchor title type viewBox width x "
		"x1 x2 y y1 y2 ";
	const char *at = tag + strcspn(tag, " >");
	while (*at == ' ') {
		char name[32];
		size_t length = strcspn(++at, "= >");
		ck_assert_msg(length > 0 && length < 20, "%.100s", tag);
		snprintf(name, sizeof(name), " %.*s ", (int)length, at);
		ck_assert_msg(strstr(known, name) != NULL, "attribute %s: %.100s", name, tag);
		at += length;
		if (*at != '=')
			continue;
		ck_assert_msg(at[1] == '"', "%.100s", tag);
		at += 2 + strcspn(at + 2, "\"");
		at++;
	}
	ck_assert_msg(*at == '>' || strncmp(at, "/>", 2) == 0, "%.100s", tag);
}

static void expect_html(const char *format, const char *text)
{
	static const char *const elements[] = {
		"!doctype", "html",    "head",	  "meta",   "title",  "style",	"body",	 "main",
		"header",   "h1",      "h2",	  "h3",	    "p",      "span",	"code",	 "strong",
		"dl",	    "dt",      "dd",	  "div",    "ul",     "li",	"ol",	 "a",
		"details",  "summary", "section", "input",  "button", "table",	"thead", "tbody",
		"tr",	    "th",      "td",	  "svg",    "g",      "rect",	"text",	 "path",
		"defs",	    "marker",  "footer",  "script", "line",   "circle", NULL,
	};
	char *copy = strdup(text);
	ck_assert_uint_eq(count(text, "<script"), 1);
	ck_assert_uint_eq(count(text, "<style"), 1);
	blank_out(copy, "<style>", "</style>");
	blank_out(copy, "<script>", "</script>");
	expect_elements(format, copy, elements);
	for (const char *at = copy; (at = strchr(at, '<')) != NULL; at++)
		if (at[1] != '/' && at[1] != '!')
			expect_attributes(at);
	for (const char *at = copy; (at = strstr(at, "href=\"")) != NULL; at++)
		ck_assert_msg(at[6] == '#' || strncmp(at + 6, "https://example.invalid/", 24) == 0,
			      "%.100s", at);
	free(copy);
}

static void expect_nothing(const char *format, const char *text)
{
	(void)format;
	ck_assert_uint_gt(strlen(text), 0);
}

static const struct {
	enum coreleaks_format format;
	void (*expect)(const char *format, const char *text);
} rows[] = {
	{CORELEAKS_FORMAT_TEXT, expect_nothing},      {CORELEAKS_FORMAT_JSON, expect_json},
	{CORELEAKS_FORMAT_DEBUG2, expect_nothing},    {CORELEAKS_FORMAT_DEBUG1, expect_nothing},
	{CORELEAKS_FORMAT_GOLEAK, expect_nothing},    {CORELEAKS_FORMAT_PPROF, NULL}, /* binary */
	{CORELEAKS_FORMAT_FOLDED, expect_nothing},    {CORELEAKS_FORMAT_PROMETHEUS, expect_nothing},
	{CORELEAKS_FORMAT_LOGFMT, expect_nothing},    {CORELEAKS_FORMAT_NDJSON, expect_json_lines},
	{CORELEAKS_FORMAT_GITLAB, expect_json},	      {CORELEAKS_FORMAT_GITHUB, expect_github},
	{CORELEAKS_FORMAT_JUNIT, expect_junit},	      {CORELEAKS_FORMAT_SARIF, expect_json},
	{CORELEAKS_FORMAT_MARKDOWN, expect_markdown}, {CORELEAKS_FORMAT_SPEEDSCOPE, expect_json},
	{CORELEAKS_FORMAT_DOT, expect_dot},	      {CORELEAKS_FORMAT_HTML, expect_html},
};
enum { NUM_ROWS = sizeof(rows) / sizeof(rows[0]) };

START_TEST(test_format)
{
	const char *name = coreleaks_format_name(rows[_i].format);
	fill();
	const struct text out = fake_view_format(&fake, rows[_i].format);
	if (rows[_i].expect != NULL) {
		ck_assert_uint_eq(strlen(out.bytes), out.size);
		expect_clean(name, out.bytes);
		rows[_i].expect(name, out.bytes);
	}
	const struct text again = fake_view_format(&fake, rows[_i].format);
	ck_assert_uint_eq(again.size, out.size);
	ck_assert_mem_eq(again.bytes, out.bytes, out.size);
	fake_view_deinit(&fake);
}
END_TEST

START_TEST(test_every_format_has_a_row)
{
	for (int i = 0; i < NUM_ROWS; i++)
		ck_assert_int_eq((int)rows[i].format, i);
	ck_assert_ptr_null(coreleaks_format_name((enum coreleaks_format)NUM_ROWS));
}
END_TEST

/* ---- Pages of many dumps ------------------------------------------------------------------- */

enum { NUM_DUMPS = NUM_NAMES + 2 };

static struct coreleaks_summary *dumps[NUM_DUMPS];

/* Two dumps of hostile content and name, and one of each name that cannot be analysed. */
static void read_dumps(void)
{
	fill();
	fake.options.brief = true;
	const struct text report = fake_view_format(&fake, CORELEAKS_FORMAT_JSON);
	for (uint32_t i = 0; i < 2; i++)
		ck_assert_ptr_null(coreleaks_summary_read(fake.core.path, 0, report.bytes,
							  report.size, &dumps[i]));
	for (uint32_t i = 0; i < NUM_NAMES; i++)
		ck_assert_ptr_null(coreleaks_summary_failed(names[i], names[NUM_NAMES - 1 - i],
							    &dumps[2 + i]));
}

static void free_dumps(void)
{
	for (uint32_t i = 0; i < NUM_DUMPS; i++)
		coreleaks_summary_free(dumps[i]);
	fake_view_deinit(&fake);
}

static bool take(void *data, const char *bytes, size_t size)
{
	text_add_bytes(data, bytes, size);
	return true;
}

static const struct {
	enum coreleaks_format format;
	void (*expect)(const char *format, const char *text);
	bool of_check, of_comparison;
} pages[] = {
	{CORELEAKS_FORMAT_TEXT, expect_nothing, true, true},
	{CORELEAKS_FORMAT_GOLEAK, expect_nothing, true, false},
	{CORELEAKS_FORMAT_JSON, expect_json, true, true},
	{CORELEAKS_FORMAT_HTML, expect_html, true, true},
	{CORELEAKS_FORMAT_DOT, expect_dot, true, false},
};
enum { NUM_PAGES = sizeof(pages) / sizeof(pages[0]) };

static void expect_page(struct text *page, int index)
{
	const char *name = coreleaks_format_name(pages[index].format);
	text_add(page, "");
	ck_assert_uint_eq(strlen(page->bytes), page->size);
	expect_clean(name, page->bytes);
	pages[index].expect(name, page->bytes);
	text_clear(page);
}

START_TEST(test_page)
{
	const struct coreleaks_summary *const *all = (const void *)dumps;
	struct coreleaks_write_options options;
	struct coreleaks_check *check;
	struct coreleaks_comparison *comparison;
	struct coreleaks_check_options check_options;
	struct coreleaks_compare_options compare_options;
	struct text page;
	read_dumps();
	text_init(&page, &fake.arena);
	coreleaks_write_options_init(&options);
	coreleaks_check_options_init(&check_options);
	coreleaks_compare_options_init(&compare_options);
	options.format = pages[_i].format;
	ck_assert_ptr_null(coreleaks_check_new(all, NUM_DUMPS, &check_options, &check));
	ck_assert_ptr_null(coreleaks_comparison_new(all, NUM_DUMPS, &compare_options, &comparison));
	if (pages[_i].of_check) {
		ck_assert_ptr_null(coreleaks_check_write(check, &options, take, &page));
		expect_page(&page, _i);
	}
	if (pages[_i].of_comparison) {
		ck_assert_ptr_null(coreleaks_comparison_write(comparison, &options, take, &page));
		expect_page(&page, _i);
	}
	coreleaks_check_free(check);
	coreleaks_comparison_free(comparison);
	free_dumps();
}
END_TEST

/* A rule a line, and no name ends its reason. */
START_TEST(test_baseline)
{
	struct coreleaks_check_options check_options;
	struct coreleaks_check *check;
	struct text out;
	read_dumps();
	text_init(&out, &fake.arena);
	coreleaks_check_options_init(&check_options);
	ck_assert_ptr_null(
		coreleaks_check_new((const void *)dumps, NUM_DUMPS, &check_options, &check));
	ck_assert_ptr_null(coreleaks_check_write_baseline(check, true, take, &out));
	text_add(&out, "");
	expect_clean("baseline", out.bytes);
	uint32_t num = 0;
	for (const char *at = out.bytes; *at != '\0'; at = strchr(at, '\n') + 1) {
		size_t length = strcspn(at, "\n");
		char *line = strndup(at, length);
		bool rule = strncmp(line, "allow t-", 8) == 0;
		ck_assert_msg(rule || *line == '#', "%s", line);
		ck_assert_msg(!rule || (count(line, "\"") == 2 && line[length - 1] == '"'), "%s",
			      line);
		num += rule;
		free(line);
	}
	ck_assert_uint_eq(num, NUM_NAMES);
	coreleaks_check_free(check);
	free_dumps();
}
END_TEST

Suite *hostile_suite(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tcase = tcase_create("hostile");
	tcase_add_loop_test(tcase, test_format, 0, NUM_ROWS);
	tcase_add_loop_test(tcase, test_page, 0, NUM_PAGES);
	tcase_add_test(tcase, test_baseline);
	tcase_add_test(tcase, test_every_format_has_a_row);
	suite_add_tcase(suite, tcase);
	return suite;
}
