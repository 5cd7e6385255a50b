#include "compare/summary.h"

#include "base/error.h"
#include "base/intern.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { MAX_UNPACKED = 1 << 30 };

int64_t summary_time(const char *text)
{
	struct tm tm = {0};
	if (text == NULL)
		return INT64_MIN;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	return end != NULL && *end == 'Z' ? (int64_t)timegm(&tm) : INT64_MIN;
}

uint64_t summary_num_waiting(const struct coreleaks_summary *summary)
{
	uint64_t num = 0;
	for (uint32_t i = 0; i < summary->groups.num; i++) {
		const struct summary_group *group = &summary->groups.items[i];
		if (!group->is_system && group->state != NULL &&
		    strcmp(group->state, "waiting") == 0)
			num += group->count;
	}
	return num;
}

uint64_t summary_num_of(const struct coreleaks_summary *summary, int32_t kind)
{
	bool threads = kind != CORELEAKS_KIND_GOROUTINE, goroutines = kind != CORELEAKS_KIND_THREAD;
	uint64_t num = 0;
	if (summary->num_filtered == 0)
		return (uint64_t)((threads && summary->num_threads > 0 ? summary->num_threads : 0) +
				  (goroutines && summary->num_goroutines > 0
					   ? summary->num_goroutines
					   : 0));
	for (uint32_t i = 0; i < summary->groups.num; i++) {
		const struct summary_group *group = &summary->groups.items[i];
		if (!group->is_system && (group->is_thread ? threads : goroutines))
			num += group->count;
	}
	return num;
}

uint64_t summary_num_tasks(const struct coreleaks_summary *summary)
{
	return summary_num_of(summary, -1);
}

/* Go prints none of the runtime's own functions: traceback.go, showfuncinfo(). Its profiles have
 * them, and goexit at the end is in some of them only. */
static bool is_printed(const struct summary_frame *frame)
{
	const char *name = frame->function;
	if (frame->wrapper)
		return false;
	return name == NULL || strncmp(name, "runtime.", 8) != 0 ||
	       (name[8] >= 'A' && name[8] <= 'Z');
}

void summary_name_group(struct coreleaks_summary *summary, struct summary_group *group)
{
	struct text text;
	text_init(&text, &summary->arena);
	text_add(&text, group->is_thread ? "t" : "g");
	for (uint32_t i = 0; i < group->num_frames; i++) {
		const struct summary_frame *frame = &group->frames[i];
		if (!is_printed(frame))
			continue;
		text_add(&text, "\n");
		if (frame->function != NULL)
			text_add(&text, frame->function);
		else
			text_addf(&text, "%s+0x%" PRIx64,
				  frame->module != NULL ? frame->module : "", frame->module_offset);
	}
	group->functions = text.bytes;
	text_init(&text, &summary->arena);
	text_addf(&text, "%s\n\n%s\n%s", group->functions,
		  group->creator != NULL && group->creator->function != NULL
			  ? group->creator->function
			  : "",
		  group->reason != NULL ? group->reason : "");
	group->functions_of = text.bytes;
}

/* ---- Our own report ------------------------------------------------------------------------ */

static enum coreleaks_verdict verdict_named(const char *name)
{
	for (int i = 0; name != NULL && i <= CORELEAKS_VERDICT_BENIGN; i++)
		if (strcmp(coreleaks_verdict_name((enum coreleaks_verdict)i), name) == 0)
			return (enum coreleaks_verdict)i;
	return CORELEAKS_VERDICT_UNKNOWN;
}

static struct summary_frame frame_from_json(const struct json *json)
{
	const char *offset = json_text(json, "module_offset");
	return (struct summary_frame){
		.function = json_text(json, "function"),
		.file = json_text(json, "file"),
		.line = json_count(json, "line"),
		.module = json_text(json, "module"),
		.module_offset = offset != NULL ? strtoull(offset, NULL, 16) : 0,
		.runtime = json_bool(json, "runtime"),
		.wrapper = json_bool(json, "wrapper"),
	};
}

static void frames_from_json(struct coreleaks_summary *summary, struct summary_group *group,
			     const struct json *json)
{
	const struct json *frames = json_get(json, "frames");
	uint32_t num = frames != NULL ? frames->num : 0;
	struct summary_frame *result = arena_alloc_array(&summary->arena, num, sizeof(*result));
	for (const struct json *at = json_first(json, "frames");
	     at != NULL && group->num_frames < num; at = at->next)
		result[group->num_frames++] = frame_from_json(at);
	group->frames = result;
	const struct json *creator = json_get(json, "created_by");
	if (creator != NULL && creator->type == JSON_OBJECT) {
		struct summary_frame *frame = arena_alloc(&summary->arena, sizeof(*frame));
		*frame = frame_from_json(creator);
		group->creator = frame;
	}
}

static const char *join_texts(struct coreleaks_summary *summary, const struct json *first)
{
	struct text text;
	text_init(&text, &summary->arena);
	for (const struct json *at = first; at != NULL; at = at->next) {
		if (at->type != JSON_TEXT)
			continue;
		text_add(&text, text.size > 0 ? ", " : "");
		text_add(&text, at->text);
	}
	return text.size > 0 ? text.bytes : NULL;
}

static void group_from_json(struct coreleaks_summary *summary, const struct json *json)
{
	const char *kind = json_text(json, "kind");
	const char *signature = json_text(json, "signature");
	struct summary_group group = {
		.id = json_text(json, "id"),
		.signature = signature != NULL ? signature : "",
		.loose = json_text(json, "loose_signature"),
		.is_thread = kind == NULL || strcmp(kind, "goroutine") != 0,
		.is_system = json_text(json, "system") != NULL,
		.state = json_text(json, "state"),
		.reason = json_text(json, "reason"),
		.verdict = verdict_named(json_text(json, "verdict")),
		.rules = join_texts(summary, json_first(json, "rules")),
		.allowed_by = json_text(json, "allowed_by"),
		.count = json_count(json, "count"),
		.stack_size = json_count(json, "stack_bytes"),
		.max_wait_ns = json_int(json_get(json, "wait_ns"), "max", -1),
	};
	if (group.loose == NULL)
		group.loose = group.signature;
	const struct json *members = json_get(json, "members");
	int64_t *ids = arena_alloc_array(&summary->arena, members != NULL ? members->num : 0,
					 sizeof(*ids));
	for (const struct json *at = json_first(json, "members"); at != NULL; at = at->next)
		if (at->type == JSON_NUMBER)
			ids[group.num_ids++] = at->number;
	group.ids = ids;
	frames_from_json(summary, &group, json);
	summary_name_group(summary, &group);
	*array_add(&summary->arena, &summary->groups) = group;
}

static void finding_from_json(struct coreleaks_summary *summary, const struct intern *ids,
			      const struct json *json)
{
	const struct json *groups = json_get(json, "groups");
	uint32_t *indexes = arena_alloc_array(&summary->arena, groups != NULL ? groups->num : 0,
					      sizeof(*indexes));
	struct summary_finding finding = {
		.rule = json_text(json, "rule"),
		.title = json_text(json, "title"),
		.certainty = verdict_named(json_text(json, "certainty")),
		.hidden = json_bool(json, "hidden"),
		.allowed = json_bool(json, "allowed"),
		.groups = indexes,
	};
	if (finding.rule == NULL || finding.title == NULL)
		return;
	for (const struct json *at = json_first(json, "groups"); at != NULL; at = at->next) {
		uint32_t index = at->type == JSON_TEXT
					 ? intern_find(ids, at->text, strlen(at->text))
					 : UINT32_MAX;
		if (index != UINT32_MAX)
			indexes[finding.num_groups++] = index;
	}
	*array_add(&summary->arena, &summary->findings) = finding;
}

static void rule_from_json(struct coreleaks_summary *summary, const struct json *json)
{
	if (json_bool(json, "builtin") || json_text(json, "rule") == NULL)
		return;
	*array_add(&summary->arena, &summary->rules) = (struct summary_rule){
		.text = json_text(json, "rule"),
		.reason = json_text(json, "reason"),
		.until = json_text(json, "until"),
		.line = json_count(json, "line"),
		.max = json_int(json, "max", -1),
		.num_matched = json_count(json, "matched"),
		.num_hidden = json_count(json, "hidden"),
		.expired = json_bool(json, "expired"),
		.over = json_bool(json, "over_max"),
		.broad = json_bool(json, "too_broad"),
	};
}

/* An option that leaves tasks out has its name there, of rules it is theirs. */
static void count_filtered(struct coreleaks_summary *summary, const struct json *hidden_by)
{
	for (const struct json *at = hidden_by; at != NULL; at = at->next)
		if (at->key != NULL && at->type == JSON_NUMBER && at->number > 0 &&
		    strncmp(at->key, "--", 2) == 0)
			summary->num_filtered += (uint64_t)at->number;
	if (summary->num_filtered == 0)
		return;
	summary->stack_size = 0;
	for (uint32_t i = 0; i < summary->groups.num; i++)
		if (!summary->groups.items[i].is_system)
			summary->stack_size += summary->groups.items[i].stack_size;
}

bool summary_from_json(struct coreleaks_summary *summary, const struct json *json)
{
	const char *schema = json_text(json, "schema");
	const struct json *core = json_get(json, "core"), *go = json_get(json, "go");
	const struct json *sums = json_get(json, "summary");
	if (schema == NULL || strcmp(schema, "coreleaks/1") != 0 || core == NULL || sums == NULL)
		return false;
	summary->source = SUMMARY_REPORT;
	summary->pid = json_int(core, "pid", 0);
	summary->command = json_text(core, "command");
	summary->executable = json_text(json_get(core, "executable"), "path");
	summary->build_id = json_text(json_get(core, "executable"), "build_id");
	summary->time = summary_time(json_text(core, "captured_at"));
	summary->complete = json_bool(core, "complete");
	summary->is_go = go != NULL && go->type == JSON_OBJECT;
	summary->verdict = verdict_named(json_text(sums, "verdict"));
	summary->num_threads = json_int(sums, "threads", -1);
	summary->num_goroutines = json_int(sums, "goroutines", -1);
	/* As runtime.NumGoroutine() counts, and all of Go's own profiles: without the runtime's. */
	if (json_int(go, "num_goroutine", -1) >= 0)
		summary->num_goroutines = json_int(go, "num_goroutine", -1);
	summary->num_hidden = json_count(sums, "hidden");
	summary->stack_size = json_count(sums, "stack_bytes");
	summary->num_created = json_int(go, "created_goroutines", -1);
	summary->heap_size = json_int(go, "heap_bytes", -1);
	summary->num_gcs = json_int(go, "gc_cycles", -1);
	const struct json *reasons = json_get(sums, "by_reason");
	summary->num_running = json_int(reasons, "running", 0) + json_int(reasons, "runnable", 0);
	for (const struct json *at = json_first(json, "groups"); at != NULL; at = at->next)
		group_from_json(summary, at);
	count_filtered(summary, json_first(sums, "hidden_by"));
	struct intern ids;
	intern_init(&ids, &summary->arena);
	for (uint32_t i = 0; i < summary->groups.num; i++) {
		/* One id a group: the number is the index, even of reports that repeat one. */
		bool is_new;
		const char *id = summary->groups.items[i].id;
		const char *unique = id != NULL ? id : "";
		intern_add(&ids, unique, strlen(unique), &is_new);
		if (!is_new)
			intern_add(&ids, &i, sizeof(i), NULL);
	}
	for (const struct json *at = json_first(json, "findings"); at != NULL; at = at->next)
		finding_from_json(summary, &ids, at);
	for (const struct json *at = json_first(json, "rules"); at != NULL; at = at->next)
		rule_from_json(summary, at);
	for (const struct json *at = json_first(json, "gaps"); at != NULL; at = at->next) {
		const char *kind = json_text(at, "kind"), *detail = json_text(at, "detail");
		if (kind != NULL && detail != NULL)
			*array_add(&summary->arena, &summary->gaps) =
				(struct summary_gap){kind, detail, json_bool(at, "incomplete")};
	}
	return true;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* What is packed by gzip, in the arena; NULL: it is not, is damaged, or unpacks to too much. */
static char *unpack(struct arena *arena, const char *bytes, size_t size, size_t *ret_size)
{
	enum { MOST_PACKED = 1032 }; /* deflate cannot do better: zlib's technical notes */
	z_stream stream = {0};
	const unsigned char *end = (const unsigned char *)bytes + size;
	if (size < 18 || size > UINT32_MAX)
		return NULL;
	/* The last four bytes are the size, which may lie. */
	size_t capacity =
		end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
	if (capacity > MAX_UNPACKED || capacity / MOST_PACKED > size)
		return NULL;
	char *out = arena_alloc(arena, capacity + 1);
	if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
		return NULL;
	stream.next_in = (Bytef *)(uintptr_t)bytes;
	stream.avail_in = (uInt)size;
	stream.next_out = (Bytef *)out;
	stream.avail_out = (uInt)capacity + 1;
	int status = inflate(&stream, Z_FINISH);
	*ret_size = stream.total_out;
	inflateEnd(&stream);
	return status == Z_STREAM_END ? out : NULL;
}

static struct coreleaks_error *fill(struct coreleaks_summary *summary, const char *bytes,
				    size_t size)
{
	const char *problem;
	size_t at = 0;
	while (at < size && strchr(" \t\r\n", bytes[at]) != NULL && bytes[at] != '\0')
		at++;
	if (at < size && bytes[at] == '{') {
		const struct json *json = json_in_read(&summary->arena, bytes, size, &problem);
		if (json == NULL)
			return error_new(CORELEAKS_ERROR_READ, 0, summary->name, "%s: no JSON: %s",
					 summary->name, problem);
		if (!summary_from_json(summary, json))
			return error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, summary->name,
					 "%s: no report of schema coreleaks/1", summary->name);
		return NULL;
	}
	if (size >= 2 && (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b) {
		size_t unpacked_size;
		char *unpacked = unpack(&summary->arena, bytes, size, &unpacked_size);
		if (unpacked != NULL && summary_from_pprof(summary, unpacked, unpacked_size))
			return NULL;
	} else if (summary_from_text(summary, bytes, size)) {
		return NULL;
	}
	return error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, summary->name,
			 "%s: neither a core, nor a JSON report, a pprof profile or goroutine text",
			 summary->name);
}

static struct coreleaks_error *out_of_memory(const char *name)
{
	return error_new(CORELEAKS_ERROR_MEMORY, 0, name, "%s: out of memory", name);
}

/* NULL: out of memory. */
static struct coreleaks_summary *new_summary(int64_t time)
{
	struct coreleaks_summary *summary = calloc(1, sizeof(*summary));
	if (summary == NULL)
		return NULL;
	arena_init(&summary->arena, 0);
	summary->time = time;
	summary->verdict = CORELEAKS_VERDICT_UNKNOWN;
	summary->num_threads = summary->num_goroutines = summary->num_created = -1;
	summary->heap_size = summary->num_gcs = summary->num_running = -1;
	return summary;
}

struct coreleaks_error *coreleaks_summary_read(const char *name, int64_t time, const char *bytes,
					       size_t size, struct coreleaks_summary **ret)
{
	jmp_buf trap;
	struct coreleaks_error *volatile error = NULL;
	struct coreleaks_summary *summary = new_summary(time);
	if (summary == NULL)
		return out_of_memory(name);
	summary->arena.trap = &trap;
	if (setjmp(trap) == 0) {
		summary->name = arena_copy_text(&summary->arena, name);
		error = fill(summary, bytes, size);
	} else {
		error = out_of_memory(name);
	}
	summary->arena.trap = NULL;
	if (error != NULL)
		coreleaks_summary_free(summary);
	else
		*ret = summary;
	return error;
}

struct coreleaks_error *coreleaks_summary_failed(const char *name, const char *why,
						 struct coreleaks_summary **ret)
{
	jmp_buf trap;
	struct coreleaks_summary *summary = new_summary(INT64_MIN);
	if (summary == NULL)
		return out_of_memory(name);
	summary->arena.trap = &trap;
	if (setjmp(trap) != 0) {
		coreleaks_summary_free(summary);
		return out_of_memory(name);
	}
	summary->source = SUMMARY_FAILED;
	summary->name = arena_copy_text(&summary->arena, name);
	summary->failure = arena_copy_text(&summary->arena, why);
	summary->arena.trap = NULL;
	*ret = summary;
	return NULL;
}

const char *coreleaks_summary_failure(const struct coreleaks_summary *summary)
{
	return summary->failure;
}

void coreleaks_summary_free(struct coreleaks_summary *summary)
{
	if (summary == NULL)
		return;
	arena_deinit(&summary->arena);
	free(summary);
}
