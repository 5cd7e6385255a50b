#include "base/intern.h"
#include "group/user_frame.h"
#include "report/failures.h"
#include "report/results.h"

#include <inttypes.h>
#include <string.h>

/* Severities of GitLab's code quality report (17.0, ee/doc/ci/testing/code_quality): info, minor,
 * major, critical, blocker. */
static const char *severity(enum coreleaks_verdict certainty)
{
	static const char *const words[] = {"critical", "major", "minor"};
	return certainty < CORELEAKS_VERDICT_UNKNOWN ? words[certainty] : "info";
}

/* A place is demanded: without a line the program's name stands for it. */
static const char *path_of(const struct write_job *job, const struct result *result)
{
	if (result->frame != NULL)
		return result->frame->file;
	return results_program(job->view);
}

static void add_location(struct json_out *json, const char *path, uint64_t line)
{
	json_out_begin(json, "location", '{', JSON_INLINE);
	json_out_text(json, "path", path);
	json_out_begin(json, "lines", '{', JSON_INLINE);
	json_out_uint(json, "begin", line);
	json_out_end(json, '}');
	json_out_end(json, '}');
}

void format_gitlab_failure(struct json_out *json, const char *name, const char *why)
{
	const char *key = arena_format(json->out.arena, "not-analysed %s", name);
	size_t size = strlen(key);
	json_out_begin(json, NULL, '{', JSON_LINES);
	json_out_text(json, "description",
		      arena_format(json->out.arena, "%s could not be analysed: %s", name, why));
	json_out_text(json, "check_name", "not-analysed");
	json_out_text(json, "fingerprint",
		      arena_format(json->out.arena, "%016" PRIx64 "%016" PRIx64,
				   intern_hash(key, size), intern_hash(key, size - 1)));
	json_out_text(json, "severity", "critical");
	add_location(json, name, 1);
	json_out_end(json, '}');
}

void format_gitlab_begin(struct document *doc, const struct write_job *job)
{
	(void)job;
	json_out_begin(&doc->json, NULL, '[', JSON_LINES);
}

void format_gitlab_core(struct document *doc, const struct write_job *job)
{
	struct json_out *json = &doc->json;
	struct results results;
	results_build(&results, job, &doc->seen);
	for (uint32_t i = 0; i < results.num; i++) {
		const struct result *result = &results.items[i];
		if (result->finding->allowed) /* by the baseline; the format cannot say so */
			continue;
		json_out_begin(json, NULL, '{', JSON_LINES);
		json_out_text(json, "description",
			      arena_format(job->arena, "%s (%s)", result->finding->title,
					   coreleaks_verdict_name(result->finding->certainty)));
		json_out_text(json, "check_name", result->finding->rule);
		json_out_text(json, "fingerprint", result->fingerprint);
		json_out_text(json, "severity", severity(result->finding->certainty));
		add_location(json, path_of(job, result),
			     result->frame != NULL ? results_line(result->frame) : 1);
		json_out_end(json, '}');
		write_flush(job, &json->out);
	}
	doc->num_cores++;
}

void format_gitlab_end(struct document *doc, const struct write_job *job)
{
	(void)job;
	json_out_end(&doc->json, ']');
}
