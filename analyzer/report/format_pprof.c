#include "base/intern.h"
#include "report/escape.h"
#include "report/gzip.h"
#include "report/protobuf.h"
#include "report/samples.h"

#include <string.h>

/* Field numbers of profile.proto (github.com/google/pprof, proto/profile.proto). */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING_TABLE = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,
	VALUE_TYPE_TYPE = 1,
	VALUE_TYPE_UNIT = 2,
	SAMPLE_LOCATION_ID = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_STR = 2,
	ANY_ID = 1, /* of mappings, locations and functions */
	MAPPING_MEMORY_START = 2,
	MAPPING_MEMORY_LIMIT = 3,
	MAPPING_FILENAME = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,
	MAPPING_HAS_FILENAMES = 8,
	MAPPING_HAS_LINE_NUMBERS = 9,
	MAPPING_HAS_INLINE_FRAMES = 10,
	LOCATION_MAPPING_ID = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION_ID = 1,
	LINE_LINE = 2,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILENAME = 4,
};

/* What the frames in a mapping lack. */
struct mapping {
	bool used, lacks_names, lacks_files, lacks_lines;
};

/* Functions and locations are interned as encoded messages without their ids: equal ones are
 * one. An id is the number of arrival from 1. */
struct pprof {
	const struct write_job *job;
	struct intern strings, functions, locations;
	struct mapping *mappings; /* parallel to the view's modules */
	struct text samples;
	/* Messages under construction, one a level: cleared, never released. */
	struct text clean, label, function, line, location, packed, sample;
};

static uint64_t pprof_string(struct pprof *pprof, const char *text)
{
	text_clear(&pprof->clean);
	escape_terminal(&pprof->clean, text != NULL ? text : "", false);
	return intern_add(&pprof->strings, pprof->clean.bytes, pprof->clean.size, NULL);
}

static uint64_t pprof_function(struct pprof *pprof, const char *name, const char *file)
{
	struct text *message = &pprof->function;
	text_clear(message);
	protobuf_number(message, FUNCTION_NAME, pprof_string(pprof, name));
	protobuf_number(message, FUNCTION_SYSTEM_NAME, pprof_string(pprof, name));
	protobuf_number(message, FUNCTION_FILENAME, pprof_string(pprof, file));
	return (uint64_t)intern_add(&pprof->functions, message->bytes, message->size, NULL) + 1;
}

/* The id of the mapping that holds addr; 0 none. Modules stand in the order of their addresses. */
static uint64_t pprof_mapping(struct pprof *pprof, uint64_t addr)
{
	const struct report_view *view = pprof->job->view;
	for (uint32_t i = 0; i < view->num_modules; i++) {
		if (addr >= view->modules[i]->low && addr < view->modules[i]->high) {
			pprof->mappings[i].used = true;
			return (uint64_t)i + 1;
		}
	}
	return 0;
}

static void pprof_line(struct pprof *pprof, const struct coreleaks_frame *frame, uint64_t mapping)
{
	struct mapping none = {0}, *facts = &none;
	if (mapping != 0)
		facts = &pprof->mappings[mapping - 1];
	facts->lacks_names |= frame->function == NULL;
	facts->lacks_files |= frame->file == NULL;
	facts->lacks_lines |= frame->line == 0;
	if (frame->function == NULL && !frame->signal)
		return;
	const char *name = samples_frame_name(pprof->job->arena, frame);
	text_clear(&pprof->line);
	protobuf_number(&pprof->line, LINE_FUNCTION_ID, pprof_function(pprof, name, frame->file));
	protobuf_number(&pprof->line, LINE_LINE, frame->line);
	protobuf_message(&pprof->location, LOCATION_LINE, &pprof->line);
}

static uint64_t pprof_location_id(struct pprof *pprof)
{
	const struct text *location = &pprof->location;
	return (uint64_t)intern_add(&pprof->locations, location->bytes, location->size, NULL) + 1;
}

/* The frames from first on that share one program counter, innermost first; *next_ret: the first
 * behind them. */
static uint64_t pprof_location(struct pprof *pprof, const struct coreleaks_stack *stack,
			       uint32_t first, uint32_t *next_ret)
{
	const struct coreleaks_frame *frames = stack->frames;
	/* A caller's pc is where its call returns to: one before it is the call itself. */
	bool exact = first == 0 || frames[first - 1].signal || frames[first].pc == 0;
	uint64_t addr = frames[first].pc - !exact;
	uint64_t mapping = pprof_mapping(pprof, addr);
	text_clear(&pprof->location);
	protobuf_number(&pprof->location, LOCATION_MAPPING_ID, mapping);
	protobuf_number(&pprof->location, LOCATION_ADDRESS, addr);
	uint32_t last = first;
	while (frames[last].inlined && last + 1 < stack->num_frames)
		last++;
	for (uint32_t i = first; i <= last; i++)
		pprof_line(pprof, &frames[i], mapping);
	*next_ret = last + 1;
	return pprof_location_id(pprof);
}

/* A stack of which nothing is known still has a name to be seen by. */
static uint64_t pprof_no_location(struct pprof *pprof)
{
	text_clear(&pprof->location);
	text_clear(&pprof->line);
	protobuf_number(&pprof->line, LINE_FUNCTION_ID, pprof_function(pprof, "[no stack]", NULL));
	protobuf_message(&pprof->location, LOCATION_LINE, &pprof->line);
	return pprof_location_id(pprof);
}

static void pprof_label(struct pprof *pprof, const char *key, const char *value)
{
	text_clear(&pprof->label);
	protobuf_number(&pprof->label, LABEL_KEY, pprof_string(pprof, key));
	protobuf_number(&pprof->label, LABEL_STR, pprof_string(pprof, value));
	protobuf_message(&pprof->sample, SAMPLE_LABEL, &pprof->label);
}

static void pprof_labels(struct pprof *pprof, const struct sample *sample)
{
	const struct coreleaks_task *task = sample->task;
	const struct coreleaks_group *group = sample->group;
	const char *reason = task != NULL ? task->reason : group->reason;
	pprof_label(pprof, "state",
		    coreleaks_state_name(task != NULL ? task->state : group->state));
	if (reason != NULL)
		pprof_label(pprof, "reason", reason);
	pprof_label(pprof, "verdict", coreleaks_verdict_name(group->verdict));
	if (sample->stack->end != CORELEAKS_STACK_COMPLETE)
		pprof_label(pprof, "stack_end", coreleaks_stack_end_name(sample->stack->end));
	const struct coreleaks_frame *creator = task != NULL ? samples_creator(task) : NULL;
	if (creator != NULL)
		pprof_label(pprof, "created_by", samples_frame_name(pprof->job->arena, creator));
	for (uint32_t i = 0; task != NULL && i < task->num_labels; i++)
		pprof_label(pprof, task->labels[i].key, task->labels[i].value);
}

/* int64 in profile.proto. */
static uint64_t pprof_value(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : value;
}

static void pprof_sample(struct pprof *pprof, const struct sample *sample, enum coreleaks_kind kind)
{
	struct text *out = &pprof->sample, *packed = &pprof->packed;
	text_clear(out);
	text_clear(packed);
	for (uint32_t i = 0; i < sample->stack->num_frames;)
		protobuf_packed(packed, pprof_location(pprof, sample->stack, i, &i));
	if (sample->stack->num_frames == 0)
		protobuf_packed(packed, pprof_no_location(pprof));
	protobuf_message(out, SAMPLE_LOCATION_ID, packed);
	text_clear(packed);
	protobuf_packed(packed, pprof_value(sample->num));
	if (kind == CORELEAKS_KIND_GOROUTINE) {
		protobuf_packed(packed, pprof_value(sample->stack_size));
		protobuf_packed(packed, pprof_value(sample->wait_ns));
	}
	protobuf_message(out, SAMPLE_VALUE, packed);
	pprof_labels(pprof, sample);
	protobuf_message(&pprof->samples, PROFILE_SAMPLE, out);
}

static void pprof_value_type(struct pprof *pprof, struct text *out, uint32_t field,
			     const char *type, const char *unit)
{
	struct text message;
	text_init(&message, pprof->job->arena);
	protobuf_number(&message, VALUE_TYPE_TYPE, pprof_string(pprof, type));
	protobuf_number(&message, VALUE_TYPE_UNIT, pprof_string(pprof, unit));
	protobuf_message(out, field, &message);
}

static void pprof_mappings(struct pprof *pprof, struct text *out)
{
	const struct report_view *view = pprof->job->view;
	for (uint32_t i = 0; i < view->num_modules; i++) {
		const struct coreleaks_module *module = view->modules[i];
		const struct mapping *facts = &pprof->mappings[i];
		struct text message;
		if (!facts->used)
			continue;
		text_init(&message, pprof->job->arena);
		protobuf_number(&message, ANY_ID, (uint64_t)i + 1);
		protobuf_number(&message, MAPPING_MEMORY_START, module->low);
		protobuf_number(&message, MAPPING_MEMORY_LIMIT, module->high);
		protobuf_number(&message, MAPPING_FILENAME, pprof_string(pprof, module->path));
		protobuf_number(&message, MAPPING_BUILD_ID, pprof_string(pprof, module->build_id));
		protobuf_number(&message, MAPPING_HAS_FUNCTIONS, !facts->lacks_names);
		protobuf_number(&message, MAPPING_HAS_FILENAMES, !facts->lacks_files);
		protobuf_number(&message, MAPPING_HAS_LINE_NUMBERS, !facts->lacks_lines);
		/* Where there are lines, inlined calls were looked for as well. */
		protobuf_number(&message, MAPPING_HAS_INLINE_FRAMES, !facts->lacks_lines);
		protobuf_message(out, PROFILE_MAPPING, &message);
	}
}

/* The interned messages, now with their ids. */
static void pprof_table(struct pprof *pprof, struct text *out, uint32_t field,
			const struct intern *table)
{
	struct text message;
	text_init(&message, pprof->job->arena);
	for (uint32_t i = 0; i < table->keys.num; i++) {
		text_clear(&message);
		protobuf_number(&message, ANY_ID, (uint64_t)i + 1);
		text_add_bytes(&message, table->keys.items[i].bytes, table->keys.items[i].size);
		protobuf_message(out, field, &message);
	}
}

static void pprof_head(struct pprof *pprof, struct text *out, const struct kind_counts *counts)
{
	const char *kind = coreleaks_kind_name(counts->kind);
	struct text notes;
	pprof_value_type(pprof, out, PROFILE_SAMPLE_TYPE, kind, "count");
	if (counts->kind == CORELEAKS_KIND_GOROUTINE) {
		pprof_value_type(pprof, out, PROFILE_SAMPLE_TYPE, "stack", "bytes");
		pprof_value_type(pprof, out, PROFILE_SAMPLE_TYPE, "wait", "nanoseconds");
	}
	pprof_value_type(pprof, out, PROFILE_PERIOD_TYPE, kind, "count");
	protobuf_number(out, PROFILE_PERIOD, 1);
	protobuf_number(out, PROFILE_DEFAULT_SAMPLE_TYPE, pprof_string(pprof, kind));
	int64_t time_ns = pprof->job->view->core->captured_at;
	if (time_ns > 0 && !__builtin_mul_overflow(time_ns, (int64_t)1000000000, &time_ns))
		protobuf_number(out, PROFILE_TIME_NANOS, (uint64_t)time_ns);
	text_init(&notes, pprof->job->arena);
	samples_notes(&notes, pprof->job, counts);
	for (char *line = notes.bytes, *end; line != NULL && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		protobuf_number(out, PROFILE_COMMENT, pprof_string(pprof, line + 2));
	}
}

static void pprof_init(struct pprof *pprof, const struct write_job *job)
{
	*pprof = (struct pprof){.job = job};
	struct text *texts[] = {
		&pprof->samples, &pprof->clean,	   &pprof->label,  &pprof->function,
		&pprof->line,	 &pprof->location, &pprof->packed, &pprof->sample,
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		text_init(texts[i], job->arena);
		text_add(texts[i], ""); /* so that there are bytes to intern even when empty */
	}
	intern_init(&pprof->strings, job->arena);
	intern_init(&pprof->functions, job->arena);
	intern_init(&pprof->locations, job->arena);
	pprof->mappings = arena_alloc_array(job->arena, (size_t)job->view->num_modules + 1,
					    sizeof(*pprof->mappings));
	pprof_string(pprof, ""); /* string 0 has to be empty */
}

struct text format_pprof_make(const struct write_job *job)
{
	struct pprof pprof;
	struct text profile, packed;
	struct samples samples;
	struct kind_counts counts = samples_counts(job);
	pprof_init(&pprof, job);
	samples_build(&samples, job, counts.kind);
	text_init(&profile, job->arena);
	pprof_head(&pprof, &profile, &counts);
	for (uint32_t i = 0; i < samples.num; i++)
		pprof_sample(&pprof, &samples.items[i], counts.kind);
	text_add_bytes(&profile, pprof.samples.bytes, pprof.samples.size);
	pprof_mappings(&pprof, &profile);
	pprof_table(&pprof, &profile, PROFILE_LOCATION, &pprof.locations);
	pprof_table(&pprof, &profile, PROFILE_FUNCTION, &pprof.functions);
	for (uint32_t i = 0; i < pprof.strings.keys.num; i++)
		protobuf_bytes(&profile, PROFILE_STRING_TABLE, pprof.strings.keys.items[i].bytes,
			       pprof.strings.keys.items[i].size);
	text_init(&packed, job->arena);
	gzip_add(&packed, &profile);
	return packed;
}
