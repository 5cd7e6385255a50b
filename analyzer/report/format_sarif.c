#include "group/user_frame.h"
#include "report/failures.h"
#include "report/escape.h"
#include "report/results.h"
#include "report/rules.h"
#include "report/samples.h"
#include "report/wait_words.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_SIDES = 16, MAX_STACK = 64 };

static const char *level_of(enum coreleaks_verdict certainty)
{
	return certainty < CORELEAKS_VERDICT_SUSPECT ? "error" : "warning";
}

/* In a message "[text](target)" is a link (SARIF 2.1.0, 3.11.6): names must not make one. */
static const char *no_links(struct arena *arena, const char *message)
{
	struct text out;
	if (strstr(message, "](") == NULL)
		return message;
	text_init(&out, arena);
	for (; *message != '\0'; message++) {
		if (*message == '[' || *message == ']' || *message == '\\')
			text_add(&out, "\\");
		text_add_bytes(&out, message, 1);
	}
	return out.bytes;
}

static void add_message(struct json_out *json, const char *key, const char *words)
{
	json_out_begin(json, key, '{', JSON_INLINE);
	json_out_text(json, "text", words);
	json_out_end(json, '}');
}

static void add_artifact(struct json_out *json, const char *file)
{
	struct text uri;
	text_init(&uri, json->out.arena);
	if (*file == '/')
		text_add(&uri, "file://");
	escape_uri(&uri, file);
	json_out_begin(json, "artifactLocation", '{', JSON_INLINE);
	json_out_text(json, "uri", uri.bytes);
	if (*file != '/')
		json_out_text(json, "uriBaseId", "%SRCROOT%");
	json_out_end(json, '}');
}

/* The inside of a location. */
static void add_place(struct json_out *json, const struct coreleaks_frame *frame)
{
	if (frame->file != NULL && *frame->file != '\0') {
		json_out_begin(json, "physicalLocation", '{', JSON_INLINE);
		add_artifact(json, frame->file);
		if (frame->line != 0) {
			json_out_begin(json, "region", '{', JSON_INLINE);
			json_out_uint(json, "startLine", frame->line);
			json_out_end(json, '}');
		}
		json_out_end(json, '}');
	}
	json_out_begin(json, "logicalLocations", '[', JSON_INLINE);
	json_out_begin(json, NULL, '{', JSON_INLINE);
	json_out_text(json, "fullyQualifiedName", samples_frame_name(json->out.arena, frame));
	json_out_text(json, "kind", "function");
	json_out_end(json, '}');
	json_out_end(json, ']');
}

static void add_location(struct json_out *json, const char *key,
			 const struct coreleaks_frame *frame, const char *words)
{
	json_out_begin(json, key, '{', JSON_INLINE);
	add_place(json, frame);
	if (words != NULL)
		add_message(json, "message", words);
	json_out_end(json, '}');
}

static void add_stack(struct json_out *json, const struct write_job *job,
		      const struct coreleaks_group *group)
{
	const struct coreleaks_stack *stack = view_stack(job->view, group->stack_id);
	uint32_t num = stack->num_frames < MAX_STACK ? stack->num_frames : MAX_STACK;
	json_out_begin(json, "stacks", '[', JSON_LINES);
	json_out_begin(json, NULL, '{', JSON_LINES);
	add_message(json, "message",
		    arena_format(job->arena, "%s of %" PRIu32 " %s, group %s%s",
				 num < stack->num_frames ? "innermost frames" : "stack",
				 view_group_count(group),
				 view_noun_of_kind(group->kind, view_group_count(group)), group->id,
				 stack->end == CORELEAKS_STACK_COMPLETE
					 ? ""
					 : "; it could not be followed to its end"));
	json_out_begin(json, "frames", '[', JSON_LINES);
	for (uint32_t i = 0; i < num; i++) {
		json_out_begin(json, NULL, '{', JSON_INLINE);
		add_location(json, "location", &stack->frames[i], NULL);
		if (stack->frames[i].module != NULL)
			json_out_text(json, "module", stack->frames[i].module);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
	json_out_end(json, ']');
}

/* How one task came to where it waits: the program's own frames, outermost first. */
static void add_side(struct json_out *json, const struct write_job *job, uint32_t task)
{
	const struct report_view *view = job->view;
	const struct coreleaks_stack *stack = view_stack(view, view_alike(view, task)->stack_id);
	const char *name = arena_format(job->arena, "%s %" PRId64,
					coreleaks_kind_name(view_alike(view, task)->kind),
					view_task(view, task)->id);
	const char *words = no_links(job->arena, wait_words_task(job->arena, view, task));
	bool any = user_frame_first(stack) != NULL;
	uint32_t last = stack->num_frames < MAX_STACK ? stack->num_frames : MAX_STACK;
	if (stack->num_frames == 0)
		return;
	json_out_begin(json, NULL, '{', JSON_LINES);
	json_out_text(json, "id", name);
	add_message(json, "message", arena_format(job->arena, "%s %s", name, words));
	json_out_begin(json, "locations", '[', JSON_LINES);
	for (uint32_t i = last; i-- > 0;) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		bool innermost = frame == (any ? user_frame_first(stack) : &stack->frames[0]);
		if (any && user_frame_is_runtime(frame))
			continue;
		json_out_begin(json, NULL, '{', JSON_INLINE);
		add_location(json, "location", frame, innermost ? words : NULL);
		json_out_text(json, "importance", innermost ? "essential" : "important");
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
}

/* The sides of a deadlock: what each of its tasks does. */
static void add_sides(struct json_out *json, const struct write_job *job,
		      const struct coreleaks_finding *finding)
{
	static const char *const rules[] = {"deadlock-cycle", "self-deadlock", "abandoned-lock"};
	bool has_sides = false, has_frames = false;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		has_sides = has_sides || strcmp(finding->rule, rules[i]) == 0;
	for (uint32_t i = 0; i < finding->num_tasks && i < MAX_SIDES; i++) {
		uint32_t stack_id = view_alike(job->view, finding->tasks[i])->stack_id;
		has_frames = has_frames || view_stack(job->view, stack_id)->num_frames > 0;
	}
	if (!has_sides || !has_frames)
		return;
	json_out_begin(json, "codeFlows", '[', JSON_LINES);
	json_out_begin(json, NULL, '{', JSON_LINES);
	json_out_begin(json, "threadFlows", '[', JSON_LINES);
	for (uint32_t i = 0; i < finding->num_tasks && i < MAX_SIDES; i++)
		add_side(json, job, finding->tasks[i]);
	json_out_end(json, ']');
	json_out_end(json, '}');
	json_out_end(json, ']');
}

static void add_properties(struct json_out *json, const struct write_job *job,
			   const struct coreleaks_finding *finding, const char *link)
{
	json_out_begin(json, "properties", '{', JSON_LINES);
	json_out_text(json, "certainty", coreleaks_verdict_name(finding->certainty));
	json_out_text(json, "core", job->view->core->path);
	json_out_uint(json, "tasks", finding->num_tasks + (uint64_t)finding->num_pthreads);
	json_out_begin(json, "groups", '[', JSON_INLINE);
	for (uint32_t i = 0; i < finding->num_groups; i++)
		json_out_text(json, NULL, job->view->groups[finding->groups[i]]->id);
	json_out_end(json, ']');
	json_out_begin(json, "evidence", '[', JSON_LINES);
	for (uint32_t i = 0; i < finding->num_evidence; i++)
		json_out_text(json, NULL, finding->evidence[i].what);
	json_out_end(json, ']');
	json_out_begin(json, "caveats", '[', JSON_LINES);
	for (uint32_t i = 0; i < finding->num_caveats; i++)
		json_out_text(json, NULL, finding->caveats[i]);
	json_out_end(json, ']');
	if (link != NULL)
		json_out_text(json, "sourceUrl", link);
	json_out_end(json, '}');
}

static void add_result(struct json_out *json, const struct write_job *job,
		       const struct result *result)
{
	const struct coreleaks_finding *finding = result->finding;
	const struct coreleaks_group *group = result->group;
	uint32_t rule = rules_find(finding->rule);
	const char *link = result->frame != NULL ? results_link(job, result->frame) : NULL;
	const char *words = no_links(job->arena, finding->title);
	json_out_begin(json, NULL, '{', JSON_LINES);
	json_out_text(json, "ruleId", finding->rule);
	if (rule != UINT32_MAX)
		json_out_uint(json, "ruleIndex", rule);
	json_out_text(json, "level", level_of(finding->certainty));
	add_message(json, "message",
		    link != NULL ? arena_format(job->arena, "%s [source](%s)", words, link)
				 : words);
	json_out_begin(json, "locations", '[', JSON_INLINE);
	if (result->frame != NULL)
		add_location(json, NULL, result->frame, NULL);
	json_out_end(json, ']');
	json_out_begin(json, "partialFingerprints", '{', JSON_INLINE);
	json_out_text(json, "coreleaks/v1", result->fingerprint);
	json_out_end(json, '}');
	add_sides(json, job, finding);
	if (group != NULL)
		add_stack(json, job, group);
	if (group != NULL && group->creation != NULL && group->creation->frame != NULL) {
		json_out_begin(json, "relatedLocations", '[', JSON_INLINE);
		add_location(
			json, NULL, group->creation->frame,
			no_links(job->arena, wait_words_creation(job->arena, group->creation)));
		json_out_end(json, ']');
	}
	if (finding->allowed) {
		json_out_begin(json, "suppressions", '[', JSON_INLINE);
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind", "external");
		json_out_text(json, "justification", "the baseline accepts it");
		json_out_end(json, '}');
		json_out_end(json, ']');
	}
	add_properties(json, job, finding, link);
	json_out_end(json, '}');
	write_flush(job, &json->out);
}

static void add_tool(struct json_out *json)
{
	json_out_begin(json, "tool", '{', JSON_LINES);
	json_out_begin(json, "driver", '{', JSON_LINES);
	json_out_text(json, "name", "coreleaks");
	json_out_text(json, "version", CORELEAKS_VERSION);
	json_out_text(json, "semanticVersion", CORELEAKS_VERSION);
	json_out_begin(json, "rules", '[', JSON_LINES);
	for (uint32_t i = 0; rules_row(i) != NULL; i++) {
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "id", rules_row(i)->name);
		add_message(json, "shortDescription", rules_row(i)->title);
		add_message(json, "fullDescription", rules_row(i)->title);
		add_message(json, "help", rules_row(i)->help);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
	json_out_end(json, '}');
}

/* What could not be read: of the run, not of a result. */
static void add_invocation(struct json_out *json, const struct report_view *view)
{
	json_out_begin(json, "invocations", '[', JSON_LINES);
	json_out_begin(json, NULL, '{', JSON_LINES);
	json_out_bool(json, "executionSuccessful", view->core->complete);
	json_out_begin(json, "toolExecutionNotifications", '[', JSON_LINES);
	for (uint32_t i = 0; i < view->num_gaps; i++) {
		const struct coreleaks_gap *gap = view->gaps[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "level", gap->incomplete ? "error" : "note");
		add_message(json, "message",
			    no_links(json->out.arena, arena_format(json->out.arena, "%s: %s",
								   gap->kind, gap->detail)));
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
	json_out_end(json, ']');
}

void format_sarif_failure(struct json_out *json, const char *name, const char *why)
{
	struct arena *arena = json->out.arena;
	json_out_begin(json, NULL, '{', JSON_LINES);
	add_tool(json);
	json_out_begin(json, "invocations", '[', JSON_LINES);
	json_out_begin(json, NULL, '{', JSON_LINES);
	json_out_bool(json, "executionSuccessful", false);
	json_out_begin(json, "toolExecutionNotifications", '[', JSON_LINES);
	json_out_begin(json, NULL, '{', JSON_INLINE);
	json_out_text(json, "level", "error");
	add_message(
		json, "message",
		no_links(arena, arena_format(arena, "%s could not be analysed: %s", name, why)));
	json_out_end(json, '}');
	json_out_end(json, ']');
	json_out_end(json, '}');
	json_out_end(json, ']');
	json_out_begin(json, "results", '[', JSON_LINES);
	json_out_end(json, ']');
	json_out_end(json, '}');
}

void format_sarif_begin(struct document *doc, const struct write_job *job)
{
	(void)job;
	json_out_begin(&doc->json, NULL, '{', JSON_LINES);
	json_out_text(&doc->json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_out_text(&doc->json, "version", "2.1.0");
	json_out_begin(&doc->json, "runs", '[', JSON_LINES);
}

/* A run a core. */
void format_sarif_core(struct document *doc, const struct write_job *job)
{
	struct json_out *json = &doc->json;
	struct results results;
	results_build(&results, job, &doc->seen);
	json_out_begin(json, NULL, '{', JSON_LINES);
	add_tool(json);
	/* Runs of one file are told apart by it. */
	json_out_begin(json, "automationDetails", '{', JSON_INLINE);
	json_out_text(json, "id",
		      arena_format(job->arena, "coreleaks/%s/%" PRIu32, results_program(job->view),
				   doc->num_cores));
	json_out_end(json, '}');
	add_invocation(json, job->view);
	json_out_text(json, "columnKind", "utf16CodeUnits");
	json_out_begin(json, "results", '[', JSON_LINES);
	for (uint32_t i = 0; i < results.num; i++)
		add_result(json, job, &results.items[i]);
	json_out_end(json, ']');
	json_out_end(json, '}');
	doc->num_cores++;
}

void format_sarif_end(struct document *doc, const struct write_job *job)
{
	(void)job;
	json_out_end(&doc->json, ']');
	json_out_end(&doc->json, '}');
}
