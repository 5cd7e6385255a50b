#include "report/write.h"

#include <string.h>

static const struct format formats[] = {
	[CORELEAKS_FORMAT_TEXT] = {"text", {".txt"}, report_text_make},
	[CORELEAKS_FORMAT_JSON] = {"json", {".json"}, report_json_make},
	[CORELEAKS_FORMAT_DEBUG2] = {"debug2", {".debug2"}, format_debug2_make},
	[CORELEAKS_FORMAT_DEBUG1] = {"debug1", {".debug1"}, format_debug1_make},
	[CORELEAKS_FORMAT_GOLEAK] = {"goleak", {".goleak"}, format_goleak_make},
	[CORELEAKS_FORMAT_PPROF] = {"pprof", {".pb.gz", ".pprof"}, format_pprof_make},
	[CORELEAKS_FORMAT_FOLDED] = {"folded", {".folded"}, format_folded_make},
	[CORELEAKS_FORMAT_PROMETHEUS] = {"prometheus", {".prom"}, format_prometheus_make},
	[CORELEAKS_FORMAT_LOGFMT] = {"logfmt", {".logfmt"}, format_logfmt_make},
};

enum { NUM_FORMATS = sizeof(formats) / sizeof(formats[0]), NUM_SUFFIXES = 2 };

const struct format *format_find(enum coreleaks_format format)
{
	return (unsigned)format < NUM_FORMATS ? &formats[format] : NULL;
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

/* A suffix alone is a hidden file's name, not a suffix. */
static bool format_ends(const char *path, const char *suffix)
{
	size_t length = strlen(path), suffix_length = strlen(suffix);
	return length > suffix_length && path[length - suffix_length - 1] != '/' &&
	       strcmp(path + length - suffix_length, suffix) == 0;
}

int32_t coreleaks_format_by_path(const char *path)
{
	for (int32_t i = 0; i < NUM_FORMATS; i++) {
		for (int k = 0; k < NUM_SUFFIXES && formats[i].suffixes[k] != NULL; k++) {
			if (format_ends(path, formats[i].suffixes[k]))
				return i;
		}
	}
	return -1;
}
