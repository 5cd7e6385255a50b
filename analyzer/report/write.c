#include "report/write.h"

#include "base/error.h"
#include "report/redact.h"

#include <string.h>

struct write_call {
	const struct coreleaks_analysis *analysis;
	const char *name; /* NULL: the whole report */
	struct coreleaks_write_options options;
	struct write_stream stream;
	struct arena arena;
};

void coreleaks_write_options_init(struct coreleaks_write_options *options)
{
	*options = (struct coreleaks_write_options){
		.size = sizeof(*options),
		.format = CORELEAKS_FORMAT_TEXT,
		.limit = 20,
		.members = UINT32_MAX,
		.width = 100,
		.kind = -1,
		.fail_on = CORELEAKS_VERDICT_LIKELY,
	};
}

static void write_sink(struct write_stream *stream, const struct text *out)
{
	if (out->size > 0 && !stream->failed)
		stream->failed = !stream->sink(stream->sink_data, out->bytes, out->size);
}

void write_flush(const struct write_job *job, struct text *out)
{
	enum { PIECE_SIZE = 256 * 1024 };
	if (job->stream == NULL || out->size < PIECE_SIZE)
		return;
	write_sink(job->stream, out);
	text_clear(out);
}

static struct coreleaks_error *write_make(struct write_call *call)
{
	struct report_view view;
	struct one one;
	struct text text;
	view_init(&view, &call->arena, call->analysis);
	redact_view(&view, &call->arena, &call->options);
	const struct write_job job = {&call->arena, &view, &call->options, &call->stream};
	bool json = call->options.format == CORELEAKS_FORMAT_JSON;
	if (call->name != NULL) {
		struct coreleaks_error *error = one_find(&view, &call->arena, call->name, &one);
		if (error != NULL)
			return error;
		text = json ? show_json_make(&job, &one) : show_text_make(&job, &one);
	} else {
		text = format_make(format_find(call->options.format), &job);
	}
	write_sink(&call->stream, &text);
	if (call->stream.failed)
		return error_new(CORELEAKS_ERROR_READ, 0, NULL, "the report could not be written");
	return NULL;
}

/* Memory that runs out anywhere in a writer ends up here. */
static struct coreleaks_error *write_trapped(struct write_call *call)
{
	jmp_buf trap;
	struct coreleaks_error *error;
	call->arena.trap = &trap;
	if (setjmp(trap) == 0)
		error = write_make(call);
	else
		error = error_new(CORELEAKS_ERROR_MEMORY, 0, NULL, "out of memory for the report");
	call->arena.trap = NULL;
	return error;
}

static struct coreleaks_error *write_start(struct write_call *call,
					   const struct coreleaks_write_options *options)
{
	coreleaks_write_options_init(&call->options);
	if (options != NULL) {
		if (options->size == 0 || options->size > sizeof(*options))
			return error_new(CORELEAKS_ERROR_USAGE, 0, NULL,
					 "the options for writing are not initialised");
		/* A program built against an older header passes a shorter struct. */
		memcpy(&call->options, options, options->size);
	}
	const struct format *format = format_find(call->options.format);
	if (format == NULL)
		return error_new(CORELEAKS_ERROR_USAGE, 0, NULL, "there is no output format %d",
				 (int)call->options.format);
	if (call->name != NULL && format->make != report_text_make &&
	    format->make != report_json_make)
		return error_new(CORELEAKS_ERROR_USAGE, 0, NULL,
				 "%s is a format of whole reports: one thing is written as text or "
				 "json",
				 format->name);
	if (call->options.hint == NULL)
		call->options.hint = "coreleaks";
	arena_init(&call->arena, 0);
	struct coreleaks_error *error = write_trapped(call);
	arena_deinit(&call->arena);
	return error;
}

struct coreleaks_error *coreleaks_write(const struct coreleaks_analysis *analysis,
					const struct coreleaks_write_options *options,
					coreleaks_sink sink, void *sink_data)
{
	struct write_call call = {.analysis = analysis, .stream = {sink, sink_data, false}};
	return write_start(&call, options);
}

struct coreleaks_error *coreleaks_write_one(const struct coreleaks_analysis *analysis,
					    const char *name,
					    const struct coreleaks_write_options *options,
					    coreleaks_sink sink, void *sink_data)
{
	struct write_call call = {
		.analysis = analysis,
		.name = name,
		.stream = {sink, sink_data, false},
	};
	return write_start(&call, options);
}
