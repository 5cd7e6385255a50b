#include "report/escape.h"
#include "report/headline.h"
#include "report/results.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

/* A step's annotations beyond the tenth of a kind are dropped (GitHub's documentation of workflow
 * commands, 2024): so the tenth says how many more there are. */
enum { MAX_NOTES = 10, MAX_SIZE = 32 * 1024 /* of 64 KiB a message; here by whole lines */ };
enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_NOTICE };

static const char *const level_names[] = {"error", "warning", "notice"};

/* What the runner undoes in messages (actions/toolkit 1.10, command.ts), and of properties. */
static void add_escaped(struct text *out, const char *string, bool property)
{
	struct text clean;
	text_init(&clean, out->arena);
	escape_terminal(&clean, string, false);
	text_add(&clean, "");
	for (const char *at = clean.bytes; *at != '\0'; at++) {
		if (*at == '%' || (property && (*at == ':' || *at == ',')))
			text_addf(out, "%%%02X", *at);
		else
			text_add_bytes(out, at, 1);
	}
}

/* Lines of clean text, as many as an annotation may have. */
static void add_lines(struct text *out, const char *clean)
{
	for (; *clean != '\0'; clean++) {
		if (*clean == '\n' && clean[1] == '\0')
			break;
		if (*clean == '\n' && out->size > MAX_SIZE) {
			text_add(out, "%0A…");
			break;
		}
		if (*clean == '\n')
			text_add(out, "%0A");
		else if (*clean == '%')
			text_add(out, "%25");
		else
			text_add_bytes(out, clean, 1);
	}
}

/* Counts one that nobody is going to see. */
static bool note_is_too_many(struct document *doc, enum level level)
{
	doc->num_notes[level] += doc->num_notes[level] >= MAX_NOTES;
	return doc->num_notes[level] > MAX_NOTES;
}

static void note_add(struct document *doc, enum level level, const struct text *line)
{
	uint64_t num = ++doc->num_notes[level];
	if (num < MAX_NOTES)
		text_add(&doc->json.out, line->bytes);
	else if (num == MAX_NOTES)
		doc->last_note[level] = line->bytes;
}

static void note_begin(struct text *line, const struct write_job *job, enum level level,
		       const struct coreleaks_frame *frame, const char *title)
{
	text_init(line, job->arena);
	text_addf(line, "::%s ", level_names[level]);
	/* A path elsewhere would be no file of the repository. */
	if (frame != NULL && results_is_relative(frame->file)) {
		text_add(line, "file=");
		add_escaped(line, frame->file, true);
		text_addf(line, ",line=%" PRIu32 ",", results_line(frame));
	}
	text_add(line, "title=");
	add_escaped(line, title, true);
	text_add(line, "::");
}

static void add_result(struct document *doc, const struct write_job *job, struct results *results,
		       const struct result *result)
{
	const struct coreleaks_finding *finding = result->finding;
	struct text line;
	enum level level =
		finding->certainty < CORELEAKS_VERDICT_SUSPECT ? LEVEL_ERROR : LEVEL_WARNING;
	if (finding->allowed) /* by the baseline */
		level = LEVEL_NOTICE;
	if (note_is_too_many(doc, level))
		return;
	note_begin(&line, job, level, result->frame,
		   arena_format(job->arena, "%s: %s", words_verdict(finding->certainty),
				finding->rule));
	add_lines(&line, results_words(job, finding));
	text_add(&line, "%0A");
	if (result->group != NULL) {
		add_lines(&line, results_words_of_group(results, job, result));
		text_add(&line, "%0A");
	}
	add_escaped(&line, job->view->core->path, false);
	text_add(&line, "\n");
	note_add(doc, level, &line);
}

static void add_simple(struct document *doc, const struct write_job *job, enum level level,
		       const char *title, const char *message)
{
	struct text line;
	note_begin(&line, job, level, NULL, title);
	add_escaped(&line, message, false);
	text_add(&line, "\n");
	note_add(doc, level, &line);
}

void format_github_begin(struct document *doc, const struct write_job *job)
{
	(void)job;
	text_add(&doc->json.out, "");
}

void format_github_core(struct document *doc, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct results results;
	results_build(&results, job, &doc->seen);
	for (uint32_t i = 0; i < results.num; i++)
		add_result(doc, job, &results, &results.items[i]);
	for (uint32_t i = 0; i < view->num_gaps; i++)
		if (view->gaps[i]->incomplete)
			add_simple(doc, job, LEVEL_WARNING, "INCOMPLETE",
				   arena_format(job->arena, "%s: %s", view->core->path,
						view->gaps[i]->detail));
	if (results.num == 0)
		add_simple(doc, job, LEVEL_NOTICE, "coreleaks",
			   arena_format(job->arena, "%s: %s", view->core->path,
					headline_no_claim(job)));
	doc->num_cores++;
}

void format_github_end(struct document *doc, const struct write_job *job)
{
	for (int level = LEVEL_ERROR; level <= LEVEL_NOTICE; level++) {
		uint64_t num = doc->num_notes[level];
		if (num == MAX_NOTES)
			text_add(&doc->json.out, doc->last_note[level]);
		else if (num > MAX_NOTES)
			text_addf(&doc->json.out, "::%s title=coreleaks::%s more like these\n",
				  level_names[level],
				  words_number(job->arena, num - (MAX_NOTES - 1)));
	}
}
