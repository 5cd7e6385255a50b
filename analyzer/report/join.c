#include "report/write.h"

#include "base/error.h"
#include "report/escape.h"
#include "report/failures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What has been joined so far. */
struct joint {
	struct arena *arena;
	struct text *out;
	uint32_t depth;	    /* of JSON's open brackets */
	uint32_t num_parts; /* that were not empty */
	uint64_t num_left_out;
	uint64_t num_notes[DOCUMENT_NUM_LEVELS];
	const char *last_note[DOCUMENT_NUM_LEVELS];
};

/* How the parts of one format become a document. failure: a dump without a part, and why. */
struct joiner {
	enum coreleaks_format format;
	void (*part)(struct joint *joint, const char *bytes, size_t size);
	void (*failure)(struct joint *joint, const char *name, const char *why);
	void (*end)(struct joint *joint);
};

static void join_plain(struct joint *joint, const char *bytes, size_t size)
{
	text_add_bytes(joint->out, bytes, size);
}

/* Elements of an array. */
static void join_elements(struct joint *joint, const char *bytes, size_t size)
{
	if (joint->num_parts > 0)
		text_add(joint->out, ",");
	text_add_bytes(joint->out, bytes, size);
}

static void junit_failure(struct joint *joint, const char *name, const char *why)
{
	text_add(joint->out, "  <testsuite name=\"");
	escape_xml(joint->out, name);
	text_add(joint->out,
		 "\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" time=\"0\">\n"
		 "    <testcase classname=\"coreleaks\" name=\"complete\" time=\"0\">\n"
		 "      <error message=\"the core could not be analysed\" "
		 "type=\"failed\">");
	escape_xml(joint->out, why);
	text_add(joint->out, "</error>\n    </testcase>\n  </testsuite>\n");
}

/* Formats of JSON: a part as their own writers would make it. */
static void json_failure(struct joint *joint, const char *name, const char *why,
			 void (*write)(struct json_out *json, const char *name, const char *why))
{
	struct json_out json;
	json_out_init(&json, joint->arena);
	json.depth = joint->depth;
	write(&json, name, why);
	if (joint->depth > 0)
		join_elements(joint, json.out.bytes, json.out.size);
	else
		join_plain(joint, json.out.bytes, json.out.size);
	joint->num_parts++;
}

static void ndjson_failure(struct joint *joint, const char *name, const char *why)
{
	json_failure(joint, name, why, format_ndjson_failure);
}

static void gitlab_failure(struct joint *joint, const char *name, const char *why)
{
	json_failure(joint, name, why, format_gitlab_failure);
}

static void sarif_failure(struct joint *joint, const char *name, const char *why)
{
	json_failure(joint, name, why, format_sarif_failure);
}

/* ---- GitHub: ten notes of a level in all --------------------------------------------------- */

enum { MAX_NOTES = 10 };

static const char *const note_levels[DOCUMENT_NUM_LEVELS] = {"error", "warning", "notice"};

/* A part's own line about notes it left out: how many. Nothing else may stand there: a dump that
 * failed is told about under its own name. */
static uint64_t notes_left_out(const char *line, const char *level)
{
	static const char head[] = " title=coreleaks::";
	const char *at = line + 2 + strlen(level);
	uint64_t number = 0;
	if (strncmp(at, head, strlen(head)) != 0)
		return 0;
	for (at += strlen(head); (*at >= '0' && *at <= '9') || *at == ','; at++)
		if (*at != ',' && number < UINT32_MAX)
			number = number * 10 + (uint64_t)(*at - '0');
	return strcmp(at, " more like these") == 0 ? number : 0;
}

static void join_note(struct joint *joint, const char *line)
{
	for (int level = 0; level < DOCUMENT_NUM_LEVELS; level++) {
		size_t size = strlen(note_levels[level]);
		if (strncmp(line, "::", 2) != 0 || strncmp(line + 2, note_levels[level], size) != 0)
			continue;
		uint64_t more = notes_left_out(line, note_levels[level]);
		if (more > 0) {
			joint->num_notes[level] += more;
			joint->num_left_out += more;
			return;
		}
		uint64_t num = ++joint->num_notes[level];
		if (num < MAX_NOTES)
			text_addf(joint->out, "%s\n", line);
		else if (num == MAX_NOTES)
			joint->last_note[level] = line;
	}
}

static void join_notes(struct joint *joint, const char *bytes, size_t size)
{
	char *rest = arena_copy_bytes(joint->arena, bytes, size), *line;
	while ((line = strsep(&rest, "\n")) != NULL)
		join_note(joint, line);
}

static void note_failure(struct joint *joint, const char *name, const char *why)
{
	struct text line;
	text_init(&line, joint->arena);
	text_add(&line, "::error title=coreleaks::");
	escape_also(&line, name, "%");
	text_add(&line, ": ");
	escape_also(&line, why, "%");
	join_note(joint, line.bytes);
}

static void end_notes(struct joint *joint)
{
	for (int level = 0; level < DOCUMENT_NUM_LEVELS; level++) {
		uint64_t num = joint->num_notes[level];
		if (num == MAX_NOTES && joint->last_note[level] != NULL)
			text_addf(joint->out, "%s\n", joint->last_note[level]);
		else if (num >= MAX_NOTES)
			text_addf(joint->out, "::%s title=coreleaks::%" PRIu64 " more like these\n",
				  note_levels[level], num - (MAX_NOTES - 1));
	}
}

/* ---- Markdown: no more than GitHub takes ---------------------------------------------------- */

enum { MAX_MARKDOWN = 1024 * 1024 - 8192 };

static void join_markdown(struct joint *joint, const char *bytes, size_t size)
{
	if (joint->out->size + size > MAX_MARKDOWN)
		joint->num_left_out++;
	else
		text_add_bytes(joint->out, bytes, size);
}

static void markdown_failure(struct joint *joint, const char *name, const char *why)
{
	struct text text;
	text_init(&text, joint->arena);
	text_add(&text, "\n### ERROR: ");
	escape_markdown(&text, name);
	text_add(&text, ": ");
	escape_markdown(&text, why);
	text_add(&text, "\n");
	join_markdown(joint, text.bytes, text.size);
}

static void end_markdown(struct joint *joint)
{
	if (joint->num_left_out > 0)
		text_addf(joint->out, "\n%" PRIu64 " more dump%s\n", joint->num_left_out,
			  joint->num_left_out == 1 ? "" : "s");
}

static const struct joiner joiners[] = {
	{CORELEAKS_FORMAT_NDJSON, join_plain, ndjson_failure, NULL},
	{CORELEAKS_FORMAT_GITLAB, join_elements, gitlab_failure, NULL},
	{CORELEAKS_FORMAT_GITHUB, join_notes, note_failure, end_notes},
	{CORELEAKS_FORMAT_JUNIT, join_plain, junit_failure, NULL},
	{CORELEAKS_FORMAT_SARIF, join_elements, sarif_failure, NULL},
	{CORELEAKS_FORMAT_MARKDOWN, join_markdown, markdown_failure, end_markdown},
};

static const struct joiner *joiner_of(enum coreleaks_format format)
{
	for (size_t i = 0; i < sizeof(joiners) / sizeof(joiners[0]); i++)
		if (joiners[i].format == format)
			return &joiners[i];
	return NULL;
}

bool coreleaks_format_joins(enum coreleaks_format format)
{
	return joiner_of(format) != NULL;
}

static void join(struct text *ret, struct arena *arena, const struct joiner *joiner,
		 const struct coreleaks_part *parts, uint32_t num)
{
	const struct format *format = format_find(joiner->format);
	struct document doc = {.num_cores = 0};
	struct coreleaks_write_options options;
	coreleaks_write_options_init(&options);
	const struct write_job job = {.arena = arena, .options = &options};
	json_out_init(&doc.json, arena);
	format->begin(&doc, &job);
	struct joint joint = {.arena = arena, .out = &doc.json.out, .depth = doc.json.depth};
	for (uint32_t i = 0; i < num; i++) {
		const struct coreleaks_part *part = &parts[i];
		if (part->failure != NULL && joiner->failure != NULL)
			joiner->failure(&joint, part->name, part->failure);
		if (part->failure != NULL || part->size == 0)
			continue;
		joiner->part(&joint, part->bytes, part->size);
		joint.num_parts++;
	}
	doc.json.has_items = joint.num_parts > 0;
	if (joiner->end != NULL)
		joiner->end(&joint);
	else
		format->end(&doc, &job);
	*ret = doc.json.out;
}

struct coreleaks_error *coreleaks_join(enum coreleaks_format format,
				       const struct coreleaks_part *parts, uint32_t num,
				       coreleaks_sink sink, void *sink_data)
{
	jmp_buf trap;
	struct arena arena;
	struct text out;
	struct coreleaks_error *volatile error = NULL;
	const struct joiner *joiner = joiner_of(format);
	if (joiner == NULL)
		return error_new(CORELEAKS_ERROR_USAGE, 0, NULL, "no format of many dumps");
	arena_init(&arena, 0);
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		join(&out, &arena, joiner, parts, num);
		if (out.size > 0 && !sink(sink_data, out.bytes, out.size))
			error = error_new(CORELEAKS_ERROR_READ, 0, NULL,
					  "the report could not be written");
	} else {
		error = error_new(CORELEAKS_ERROR_MEMORY, 0, NULL, "out of memory for the report");
	}
	arena.trap = NULL;
	arena_deinit(&arena);
	return error;
}
