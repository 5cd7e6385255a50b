#include "report/write.h"

#include <string.h>

#define DOCUMENT(name)                                                                             \
	.begin = format_##name##_begin, .core = format_##name##_core, .end = format_##name##_end

static const struct format formats[] = {
	[CORELEAKS_FORMAT_TEXT] = {"text", {".txt"}, .make = report_text_make},
	[CORELEAKS_FORMAT_JSON] = {"json", {".json"}, .make = report_json_make},
	[CORELEAKS_FORMAT_DEBUG2] = {"debug2", {".debug2"}, .make = format_debug2_make},
	[CORELEAKS_FORMAT_DEBUG1] = {"debug1", {".debug1"}, .make = format_debug1_make},
	[CORELEAKS_FORMAT_GOLEAK] = {"goleak", {".goleak"}, .make = format_goleak_make},
	[CORELEAKS_FORMAT_PPROF] = {"pprof", {".pb.gz", ".pprof"}, .make = format_pprof_make},
	[CORELEAKS_FORMAT_FOLDED] = {"folded", {".folded"}, .make = format_folded_make},
	[CORELEAKS_FORMAT_PROMETHEUS] = {"prometheus", {".prom"}, .make = format_prometheus_make},
	[CORELEAKS_FORMAT_LOGFMT] = {"logfmt", {".logfmt"}, .make = format_logfmt_make},
	[CORELEAKS_FORMAT_NDJSON] = {"ndjson", {".ndjson", ".jsonl"}, DOCUMENT(ndjson)},
	[CORELEAKS_FORMAT_GITLAB] = {"gitlab",
				     {".gitlab.json", ".codequality.json"},
				     DOCUMENT(gitlab)},
	[CORELEAKS_FORMAT_GITHUB] = {"github", {".github"}, DOCUMENT(github)},
	[CORELEAKS_FORMAT_JUNIT] = {"junit", {".junit.xml", ".junit"}, DOCUMENT(junit)},
	[CORELEAKS_FORMAT_SARIF] = {"sarif", {".sarif", ".sarif.json"}, DOCUMENT(sarif)},
	[CORELEAKS_FORMAT_MARKDOWN] = {"markdown", {".md", ".markdown"}, DOCUMENT(markdown)},
	[CORELEAKS_FORMAT_SPEEDSCOPE] = {"speedscope",
					 {".speedscope.json"},
					 .make = format_speedscope_make},
	[CORELEAKS_FORMAT_DOT] = {"dot", {".dot", ".gv"}, DOCUMENT(dot)},
	[CORELEAKS_FORMAT_HTML] = {"html", {".html", ".htm"}, DOCUMENT(html)},
};

enum { NUM_FORMATS = sizeof(formats) / sizeof(formats[0]), NUM_SUFFIXES = 2 };

const struct format *format_find(enum coreleaks_format format)
{
	return (unsigned)format < NUM_FORMATS ? &formats[format] : NULL;
}

struct text format_make(const struct format *format, const struct write_job *job)
{
	struct document doc = {.num_cores = 0};
	if (format->make != NULL)
		return format->make(job);
	json_out_init(&doc.json, job->arena);
	format->begin(&doc, job);
	size_t begin_size = doc.json.out.size;
	format->core(&doc, job);
	/* The end of notes is more of them; that of others closes the document. */
	if (!job->options->part || format->core == format_github_core)
		format->end(&doc, job);
	if (job->options->part && doc.json.out.size > 0) {
		doc.json.out.bytes += begin_size;
		doc.json.out.size -= begin_size;
	}
	return doc.json.out;
}

const char *coreleaks_format_name(enum coreleaks_format format)
{
	return (unsigned)format < NUM_FORMATS ? formats[format].name : NULL;
}

const char *coreleaks_format_suffix(enum coreleaks_format format)
{
	return (unsigned)format < NUM_FORMATS ? formats[format].suffixes[0] : NULL;
}

int32_t coreleaks_format_by_name(const char *name)
{
	for (int32_t i = 0; i < NUM_FORMATS; i++) {
		if (strcmp(formats[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* A suffix alone is a hidden file's name, not a suffix: then false, and *alone_ret is true. */
static bool format_ends(const char *path, const char *suffix, bool *alone_ret)
{
	size_t length = strlen(path), suffix_length = strlen(suffix);
	if (length < suffix_length || strcmp(path + length - suffix_length, suffix) != 0)
		return false;
	if (length > suffix_length && path[length - suffix_length - 1] != '/')
		return true;
	*alone_ret = true;
	return false;
}

/* The longest suffix decides: .speedscope.json is no plain .json. */
int32_t coreleaks_format_by_path(const char *path)
{
	int32_t format = -1;
	size_t longest = 0;
	bool alone = false;
	for (int32_t i = 0; i < NUM_FORMATS; i++) {
		for (int k = 0; k < NUM_SUFFIXES && formats[i].suffixes[k] != NULL; k++) {
			size_t length = strlen(formats[i].suffixes[k]);
			if (length > longest && format_ends(path, formats[i].suffixes[k], &alone)) {
				longest = length;
				format = i;
			}
		}
	}
	return alone ? -1 : format;
}
