#include "report/many.h"

#include "base/error.h"
#include "base/intern.h"
#include "report/escape.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

void many_add(struct text *out, const char *text)
{
	escape_terminal(out, text != NULL ? text : "?", false);
}

void many_frame(struct text *out, const struct summary_frame *frame)
{
	if (frame->function != NULL)
		many_add(out, frame->function);
	else
		many_add(out, frame->module);
	if (frame->function == NULL)
		text_addf(out, "+0x%" PRIx64, frame->module_offset);
	text_add(out, "(...)\n\t");
	many_add(out, frame->file != NULL ? frame->file : frame->module);
	if (frame->file != NULL)
		text_addf(out, ":%" PRIu64, frame->line);
	text_add(out, "\n");
}

static const struct summary_frame *top_frame(const struct summary_group *group)
{
	for (uint32_t i = 0; i < group->num_frames; i++)
		if (!group->frames[i].runtime &&
		    (group->frames[i].function != NULL || group->frames[i].module != NULL))
			return &group->frames[i];
	return group->num_frames > 0 ? &group->frames[0] : NULL;
}

void many_top(struct text *out, const struct summary_group *group)
{
	const struct summary_frame *frame = top_frame(group);
	if (frame == NULL)
		text_add(out, "no readable stack");
	else if (frame->function != NULL)
		many_add(out, frame->function);
	else
		many_add(out, frame->module);
	if (frame != NULL && frame->function == NULL)
		text_addf(out, "+0x%" PRIx64, frame->module_offset);
}

const char *many_top_text(struct arena *arena, const struct summary_group *group)
{
	struct text top;
	text_init(&top, arena);
	many_top(&top, group);
	text_add(&top, ""); /* a name may be empty */
	return top.bytes;
}

const char *many_noun(const struct summary_group *group, uint64_t num)
{
	if (group->is_thread)
		return num == 1 ? "thread" : "threads";
	return num == 1 ? "goroutine" : "goroutines";
}

void many_tasks(struct text *out, const struct check_group *merged)
{
	if (merged->verdict < CORELEAKS_VERDICT_UNKNOWN && merged->num_judged < merged->count)
		text_addf(out, "%s of ", words_number(out->arena, merged->num_judged));
	text_addf(out, "%s %s", words_number(out->arena, merged->count),
		  many_noun(merged->group, merged->count));
}

void many_json_time(struct json_out *json, const char *key, int64_t seconds)
{
	struct tm tm;
	time_t when = (time_t)seconds;
	char text[32];
	if (seconds == INT64_MIN || gmtime_r(&when, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		json_out_null(json, key);
	else
		json_out_text(json, key, text);
}

static void json_frame(struct json_out *json, const char *key, const struct summary_frame *frame)
{
	json_out_begin(json, key, '{', JSON_INLINE);
	json_out_text(json, "function", frame->function);
	json_out_text(json, "file", frame->file);
	if (frame->line != 0)
		json_out_uint(json, "line", frame->line);
	else
		json_out_null(json, "line");
	json_out_text(json, "module", frame->module);
	json_out_end(json, '}');
}

void many_json_stack(struct json_out *json, const struct summary_group *group)
{
	json_out_begin(json, "frames", '[', JSON_LINES);
	for (uint32_t i = 0; i < group->num_frames; i++)
		json_frame(json, NULL, &group->frames[i]);
	json_out_end(json, ']');
	if (group->creator != NULL)
		json_frame(json, "created_by", group->creator);
	else
		json_out_null(json, "created_by");
}

/* ---- Calls --------------------------------------------------------------------------------- */

/* One call: exactly one of check, baseline_of and comparison. */
struct many_call {
	const struct coreleaks_check *check;
	const struct coreleaks_check *baseline_of;
	bool all;
	const struct coreleaks_comparison *comparison;
	struct coreleaks_write_options options;
};

/* One line for a comment or a quoted reason: nothing in it ends either. */
static void add_plain(struct text *out, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		bool plain = *text >= ' ' && *text < 0x7f && *text != '"' && *text != '\\';
		text_add_bytes(out, plain ? text : "?", 1);
	}
}

static void write_baseline(struct text *out, const struct coreleaks_check *check, bool all)
{
	struct intern seen;
	intern_init(&seen, out->arena);
	text_add(out, "# Baseline of coreleaks check: groups that are known, by their loose "
		      "signatures.\n");
	for (uint32_t i = 0; i < check->groups.num; i++) {
		const struct check_group *merged = &check->groups.items[i];
		const struct summary_group *group = merged->group;
		bool is_new;
		if (group->loose == NULL || merged->verdict == CORELEAKS_VERDICT_BENIGN ||
		    (!all && merged->verdict == CORELEAKS_VERDICT_UNKNOWN))
			continue;
		intern_add(&seen, group->loose, strlen(group->loose), &is_new);
		if (!is_new)
			continue;
		text_addf(out, "allow %s max=%" PRIu64 " reason=\"", group->loose,
			  check_most_of(check, group->loose));
		text_addf(out, "%s: ", coreleaks_verdict_name(merged->verdict));
		add_plain(out, group->reason != NULL ? group->reason : "unknown");
		text_add(out, " in ");
		add_plain(out, many_top_text(out->arena, group));
		text_add(out, "\"\n");
	}
}

/* Names are the program's: in ASCII as everywhere. */
static struct text ascii_of(const struct text *text)
{
	struct text ret;
	size_t at = 0;
	text_init(&ret, text->arena);
	while (at < text->size) {
		size_t plain = 0, other = 0;
		while (at + plain < text->size && (unsigned char)text->bytes[at + plain] < 0x80)
			plain++;
		text_add_bytes(&ret, text->bytes + at, plain);
		at += plain;
		while (at + other < text->size && (unsigned char)text->bytes[at + other] >= 0x80)
			other++;
		escape_terminal(&ret, arena_copy_bytes(text->arena, text->bytes + at, other), true);
		at += other;
	}
	return ret;
}

static struct text make(struct arena *arena, const struct many_call *call)
{
	struct json_out json;
	struct text out;
	text_init(&out, arena);
	if (call->baseline_of != NULL) {
		write_baseline(&out, call->baseline_of, call->all);
		return out;
	}
	if (call->options.format == CORELEAKS_FORMAT_HTML) {
		if (call->check != NULL)
			check_html(&out, call->check);
		else
			comparison_html(&out, call->comparison);
		return out;
	}
	if (call->options.format == CORELEAKS_FORMAT_DOT) {
		check_dot(&out, call->check);
		return out;
	}
	if (call->options.format != CORELEAKS_FORMAT_JSON) {
		if (call->check != NULL)
			check_text(&out, call->check, &call->options);
		else
			comparison_text(&out, call->comparison, &call->options);
		return call->options.ascii ? ascii_of(&out) : out;
	}
	json_out_init(&json, arena);
	json_out_begin(&json, NULL, '{', JSON_LINES);
	if (call->check != NULL)
		check_json(&json, call->check, &call->options);
	else
		comparison_json(&json, call->comparison, &call->options);
	json_out_end(&json, '}');
	return json.out;
}

static struct coreleaks_error *write_many(const struct many_call *call, coreleaks_sink sink,
					  void *sink_data)
{
	jmp_buf trap;
	struct arena arena;
	struct coreleaks_error *volatile error = NULL;
	arena_init(&arena, 0);
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		struct text out = make(&arena, call);
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

static struct coreleaks_error *take_options(struct many_call *call,
					    const struct coreleaks_write_options *options,
					    const char *what, bool is_check)
{
	coreleaks_write_options_init(&call->options);
	if (options != NULL) {
		if (options->size == 0 || options->size > sizeof(*options))
			return error_new(CORELEAKS_ERROR_USAGE, 0, NULL,
					 "the options for writing are not initialised");
		memcpy(&call->options, options, options->size);
	}
	enum coreleaks_format format = call->options.format;
	if (format == CORELEAKS_FORMAT_TEXT || format == CORELEAKS_FORMAT_JSON ||
	    format == CORELEAKS_FORMAT_HTML ||
	    (is_check && (format == CORELEAKS_FORMAT_GOLEAK || format == CORELEAKS_FORMAT_DOT)))
		return NULL;
	const char *name = coreleaks_format_name(format);
	return error_new(CORELEAKS_ERROR_USAGE, 0, NULL, "%s is no format of a %s",
			 name != NULL ? name : "that", what);
}

struct coreleaks_error *coreleaks_check_write(const struct coreleaks_check *check,
					      const struct coreleaks_write_options *options,
					      coreleaks_sink sink, void *sink_data)
{
	struct many_call call = {.check = check};
	struct coreleaks_error *error = take_options(&call, options, "check", true);
	return error != NULL ? error : write_many(&call, sink, sink_data);
}

struct coreleaks_error *coreleaks_check_write_baseline(const struct coreleaks_check *check,
						       bool all, coreleaks_sink sink,
						       void *sink_data)
{
	const struct many_call call = {.baseline_of = check, .all = all};
	return write_many(&call, sink, sink_data);
}

struct coreleaks_error *coreleaks_comparison_write(const struct coreleaks_comparison *comparison,
						   const struct coreleaks_write_options *options,
						   coreleaks_sink sink, void *sink_data)
{
	struct many_call call = {.comparison = comparison};
	struct coreleaks_error *error = take_options(&call, options, "comparison", false);
	return error != NULL ? error : write_many(&call, sink, sink_data);
}
