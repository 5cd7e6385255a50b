/* write.h - the writers of each format, as write.c calls them. */
#ifndef CORELEAKS_REPORT_WRITE_H
#define CORELEAKS_REPORT_WRITE_H

#include "base/text.h"
#include "report/json_out.h"
#include "report/screen.h"
#include "report/view.h"

/* Where the output goes while it is made. */
struct write_stream {
	coreleaks_sink sink;
	void *sink_data;
	bool failed; /* the sink wants no more */
};

/* What one call of coreleaks_write() works with. The options are whole: all fields are set. */
struct write_job {
	struct arena *arena;
	const struct report_view *view;
	const struct coreleaks_write_options *options;
	struct write_stream *stream; /* NULL: all output is kept for the end */
};

enum { DOCUMENT_NUM_LEVELS = 3 };

/* An output while it is made, of formats that may hold many cores in one: begun once, then a core
 * at a time, then ended. Only a core's part looks at the job's view. */
struct document {
	struct json_out json;	 /* json.out is the text of formats that are no JSON, too */
	uint32_t num_cores;	 /* before this one */
	struct view_counts seen; /* fingerprints given */
	uint64_t num_notes[DOCUMENT_NUM_LEVELS];    /* by level, as far as a format limits them */
	const char *last_note[DOCUMENT_NUM_LEVELS]; /* held back: there may be more */
};

/* A format: one row of the table in formats.c. It has make, or begin, core and end. */
struct format {
	const char *name;
	const char *suffixes[2]; /* of file names; the first is the usual one */
	struct text (*make)(const struct write_job *job);
	void (*begin)(struct document *doc, const struct write_job *job);
	void (*core)(struct document *doc, const struct write_job *job);
	void (*end)(struct document *doc, const struct write_job *job);
};

/* A group, a task or an object that a name stands for. */
struct one {
	const struct coreleaks_group *group;  /* NULL: a task or an object */
	uint32_t rank;			      /* of the group, from 1; 0: it is hidden */
	uint32_t task;			      /* index; of the first of that id */
	uint32_t num_same_id;		      /* tasks that have this id */
	bool is_tree;			      /* the creation tree of all */
	bool is_object;			      /* what task, the first of its waiters, waits for */
	uint32_t num_other_kinds;	      /* tasks that see another kind of object there */
	const struct coreleaks_go_object *go; /* the object is one of Go's; NULL */
};

/* NULL: there is none of that number. */
const struct format *format_find(enum coreleaks_format format);

/* The output of one core. */
struct text format_make(const struct format *format, const struct write_job *job);

/* Hands large outputs on in pieces: out is empty afterwards, or small enough to go on. */
void write_flush(const struct write_job *job, struct text *out);

/* Each gives what of the output was not handed on yet, valid as long as the arena. */
struct text report_text_make(const struct write_job *job);
struct text report_json_make(const struct write_job *job);
struct text format_debug2_make(const struct write_job *job);
struct text format_debug1_make(const struct write_job *job);
struct text format_goleak_make(const struct write_job *job);
struct text format_pprof_make(const struct write_job *job);
struct text format_folded_make(const struct write_job *job);
struct text format_prometheus_make(const struct write_job *job);
struct text format_logfmt_make(const struct write_job *job);
struct text format_speedscope_make(const struct write_job *job);
struct text show_text_make(const struct write_job *job, const struct one *one);
struct text show_json_make(const struct write_job *job, const struct one *one);
/* show_text_make() and show_json_make() of an object. */
void show_object_text(struct screen *screen, const struct write_job *job, const struct one *one);
void show_object_json(struct json_out *json, const struct write_job *job, const struct one *one);
/* The same of the creation tree. */
void show_tree_text(struct screen *screen, const struct write_job *job);
void show_tree_json(struct json_out *json, const struct write_job *job);

/* The parts of formats that may hold many cores. */
void format_ndjson_begin(struct document *doc, const struct write_job *job);
void format_ndjson_core(struct document *doc, const struct write_job *job);
void format_ndjson_end(struct document *doc, const struct write_job *job);
void format_gitlab_begin(struct document *doc, const struct write_job *job);
void format_gitlab_core(struct document *doc, const struct write_job *job);
void format_gitlab_end(struct document *doc, const struct write_job *job);
void format_github_begin(struct document *doc, const struct write_job *job);
void format_github_core(struct document *doc, const struct write_job *job);
void format_github_end(struct document *doc, const struct write_job *job);
void format_junit_begin(struct document *doc, const struct write_job *job);
void format_junit_core(struct document *doc, const struct write_job *job);
void format_junit_end(struct document *doc, const struct write_job *job);
void format_sarif_begin(struct document *doc, const struct write_job *job);
void format_sarif_core(struct document *doc, const struct write_job *job);
void format_sarif_end(struct document *doc, const struct write_job *job);
void format_markdown_begin(struct document *doc, const struct write_job *job);
void format_markdown_core(struct document *doc, const struct write_job *job);
void format_markdown_end(struct document *doc, const struct write_job *job);
void format_dot_begin(struct document *doc, const struct write_job *job);
void format_dot_core(struct document *doc, const struct write_job *job);
void format_dot_end(struct document *doc, const struct write_job *job);
void format_html_begin(struct document *doc, const struct write_job *job);
void format_html_core(struct document *doc, const struct write_job *job);
void format_html_end(struct document *doc, const struct write_job *job);

/* What name stands for. */
struct coreleaks_error *one_find(const struct report_view *view, struct arena *arena,
				 const char *name, struct one *ret);

#endif
