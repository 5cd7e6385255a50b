#include "report/results.h"

#include "base/intern.h"
#include "group/user_frame.h"
#include "report/escape.h"
#include "report/report_text.h"
#include "report/text_findings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct coreleaks_frame *results_frame(const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		if (frame->file != NULL && *frame->file != '\0' && !frame->signal &&
		    !user_frame_is_runtime(frame))
			return frame;
	}
	return NULL;
}

uint32_t results_line(const struct coreleaks_frame *frame)
{
	return frame->line != 0 ? frame->line : 1;
}

const char *results_program(const struct report_view *view)
{
	const struct coreleaks_core *core = view->core;
	return user_frame_file_name(core->executable != NULL ? core->executable : core->path);
}

static void set_group(struct result *result, const struct report_view *view)
{
	const struct coreleaks_finding *finding = result->finding;
	for (uint32_t i = 0; i < finding->num_groups && result->group == NULL; i++) {
		if (view->groups[finding->groups[i]]->hidden_by != NULL)
			continue;
		result->group_index = finding->groups[i];
		result->group = view->groups[result->group_index];
		result->frame = results_frame(view_stack(view, result->group->stack_id));
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of the rule, the program and the stacks without lines and offsets. Equal ones are numbered. */
static const char *make_fingerprint(const struct write_job *job,
				    const struct coreleaks_finding *finding,
				    struct view_counts *seen)
{
	struct arena *arena = job->arena;
	struct text text;
	const char **names =
		arena_alloc_array(arena, (size_t)finding->num_groups + 1, sizeof(*names));
	for (uint32_t i = 0; i < finding->num_groups; i++)
		names[i] = job->view->groups[finding->groups[i]]->loose_signature;
	qsort(names, finding->num_groups, sizeof(*names), compare_names);
	text_init(&text, arena);
	text_addf(&text, "%s\n%s\n", finding->rule, results_program(job->view));
	for (uint32_t i = 0; i < finding->num_groups; i++)
		text_addf(&text, "%s\n", names[i]);
	uint64_t low = intern_hash(text.bytes, text.size);
	text_add(&text, "2");
	uint64_t high = intern_hash(text.bytes, text.size);
	const char *plain = arena_format(arena, "%016" PRIx64 "%016" PRIx64, high, low);
	if (seen->num == 0)
		intern_init(&seen->names, arena);
	uint32_t id = intern_add_text(&seen->names, plain);
	if (id == seen->num) {
		array_add(arena, seen)->name = plain;
		return plain;
	}
	uint64_t again = ++seen->items[id].num_tasks;
	return arena_format(arena, "%016" PRIx64 "%016" PRIx64, high, low + again);
}

void results_build(struct results *ret, const struct write_job *job, struct view_counts *seen)
{
	const struct report_view *view = job->view;
	struct results results = {0};
	for (uint32_t i = 0; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		if (view_finding_is_hidden(view, finding))
			continue;
		struct result *result = array_add(job->arena, &results);
		result->finding = finding;
		set_group(result, view);
		result->fingerprint = make_fingerprint(job, finding, seen);
	}
	results.group_words =
		arena_alloc_array(job->arena, view->num_groups, sizeof(*results.group_words));
	*ret = results;
}

/* Plain text of a fixed width, whatever the output's own options are. */
static struct coreleaks_write_options plain_options(const struct write_job *job, uint32_t width)
{
	struct coreleaks_write_options options = *job->options;
	options.width = width;
	options.color = false;
	options.ascii = false;
	return options;
}

const char *results_words(const struct write_job *job, const struct coreleaks_finding *finding)
{
	struct screen screen;
	const struct coreleaks_write_options options = plain_options(job, 0);
	const struct write_job plain = {job->arena, job->view, &options, NULL};
	screen_init(&screen, job->arena, &options);
	text_findings_all(&screen, &plain, finding);
	return screen.out.bytes;
}

const char *results_group_words(const struct write_job *job, uint32_t group)
{
	struct screen screen;
	const struct coreleaks_write_options options = plain_options(job, 100);
	const struct write_job plain = {job->arena, job->view, &options, NULL};
	screen_init(&screen, job->arena, &options);
	const struct group_columns columns = {.rank = 1};
	report_text_group(&screen, &plain, group, &columns);
	return screen.out.bytes;
}

const char *results_words_of_group(struct results *results, const struct write_job *job,
				   const struct result *result)
{
	const char **words = &results->group_words[result->group_index];
	if (result->group == NULL)
		return "";
	if (*words == NULL)
		*words = results_group_words(job, result->group_index);
	return *words;
}

bool results_is_relative(const char *path)
{
	/* No part of it leads upward, and it is no drive's or another URL's. */
	if (*path == '/' || *path == '\0' || strchr(path, '\\') != NULL)
		return false;
	for (const char *part = path; part != NULL; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return false;
	}
	return true;
}

const char *results_link(const struct write_job *job, const struct coreleaks_frame *frame)
{
	const char *template = job->options->source_url;
	const char *file = frame->file;
	struct text url;
	if (template == NULL || file == NULL || *file == '\0' || frame->line == 0 ||
	    user_frame_is_runtime(frame))
		return NULL;
	if (!results_is_relative(*file == '/' ? file + strspn(file, "/") : file) ||
	    (*file == '/' && job->options->strip_prefix != NULL))
		return NULL;
	text_init(&url, job->arena);
	while (*template != '\0') {
		size_t length = strcspn(template, "{");
		text_add_bytes(&url, template, length);
		template += length;
		if (strncmp(template, "{file}", 6) == 0) {
			escape_uri(&url, file);
			template += 6;
		} else if (strncmp(template, "{line}", 6) == 0) {
			text_addf(&url, "%" PRIu32, frame->line);
			template += 6;
		} else if (*template != '\0') {
			text_add_bytes(&url, template ++, 1);
		}
	}
	return url.bytes;
}
