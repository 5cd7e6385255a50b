#include "base/intern.h"
#include "report/samples.h"

#include <inttypes.h>

/* The file format of speedscope 1.x (file-format-schema.json): frames once, and a profile of
 * samples a kind of tasks, root first. */
struct speedscope {
	const struct write_job *job;
	struct samples samples[2]; /* by kind */
	struct intern names;	   /* of frames: name, file and line */
	struct {
		struct coreleaks_frame *items; /* by id of names */
		uint32_t num, capacity;
	} frames;
};

static uint32_t frame_id(struct speedscope *speedscope, const struct coreleaks_frame *frame)
{
	struct text key;
	bool is_new;
	text_init(&key, speedscope->job->arena);
	text_add(&key, samples_frame_name(speedscope->job->arena, frame));
	text_addf(&key, "\n%s\n%" PRIu32, frame->file != NULL ? frame->file : "", frame->line);
	uint32_t id = intern_add(&speedscope->names, key.bytes, key.size, &is_new);
	if (is_new) {
		struct coreleaks_frame *same =
			array_add(speedscope->job->arena, &speedscope->frames);
		*same = *frame;
		same->function = samples_frame_name(speedscope->job->arena, frame);
	}
	return id;
}

/* What is no frame stands in brackets, as in folded stacks. */
static uint32_t root_id(struct speedscope *speedscope, const struct sample *sample)
{
	struct coreleaks_frame frame = {.function = "[finished thread]"};
	if (sample->task != NULL)
		frame.function = arena_format(speedscope->job->arena, "[stack %s]",
					      coreleaks_stack_end_name(sample->stack->end));
	return frame_id(speedscope, &frame);
}

static void add_frames(struct json_out *json, struct speedscope *speedscope)
{
	json_out_begin(json, "shared", '{', JSON_LINES);
	json_out_begin(json, "frames", '[', JSON_LINES);
	for (uint32_t i = 0; i < speedscope->frames.num; i++) {
		const struct coreleaks_frame *frame = &speedscope->frames.items[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "name", frame->function);
		if (frame->file != NULL)
			json_out_text(json, "file", frame->file);
		if (frame->line != 0)
			json_out_uint(json, "line", frame->line);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_end(json, '}');
}

static bool needs_root(const struct sample *sample)
{
	return sample->task == NULL || sample->stack->end != CORELEAKS_STACK_COMPLETE ||
	       sample->stack->num_frames == 0;
}

static void add_profile(struct json_out *json, struct speedscope *speedscope,
			enum coreleaks_kind kind)
{
	const struct samples *samples = &speedscope->samples[kind];
	uint64_t total = 0;
	json_out_begin(json, NULL, '{', JSON_LINES);
	json_out_text(json, "type", "sampled");
	json_out_text(json, "name", view_noun_of_kind(kind, 2));
	json_out_text(json, "unit", "none");
	json_out_uint(json, "startValue", 0);
	for (uint32_t i = 0; i < samples->num; i++)
		total += samples->items[i].num;
	json_out_uint(json, "endValue", total);
	json_out_begin(json, "samples", '[', JSON_LINES);
	for (uint32_t i = 0; i < samples->num; i++) {
		const struct sample *sample = &samples->items[i];
		json_out_begin(json, NULL, '[', JSON_INLINE);
		if (needs_root(sample))
			json_out_uint(json, NULL, root_id(speedscope, sample));
		for (uint32_t k = sample->stack->num_frames; k-- > 0;)
			json_out_uint(json, NULL, frame_id(speedscope, &sample->stack->frames[k]));
		json_out_end(json, ']');
	}
	json_out_end(json, ']');
	json_out_begin(json, "weights", '[', JSON_INLINE);
	for (uint32_t i = 0; i < samples->num; i++)
		json_out_uint(json, NULL, samples->items[i].num);
	json_out_end(json, ']');
	json_out_end(json, '}');
}

/* Frames are numbered by a first walk over all samples. */
static void collect(struct speedscope *speedscope, enum coreleaks_kind kind)
{
	struct samples *samples = &speedscope->samples[kind];
	int32_t only = speedscope->job->options->kind;
	if (only >= 0 && only != (int32_t)kind)
		return;
	samples_build(samples, speedscope->job, kind);
	for (uint32_t i = 0; i < samples->num; i++) {
		const struct coreleaks_stack *stack = samples->items[i].stack;
		if (needs_root(&samples->items[i]))
			root_id(speedscope, &samples->items[i]);
		for (uint32_t k = stack->num_frames; k-- > 0;)
			frame_id(speedscope, &stack->frames[k]);
	}
}

struct text format_speedscope_make(const struct write_job *job)
{
	static const enum coreleaks_kind kinds[] = {CORELEAKS_KIND_GOROUTINE,
						    CORELEAKS_KIND_THREAD};
	struct json_out json;
	struct speedscope speedscope = {.job = job};
	json_out_init(&json, job->arena);
	intern_init(&speedscope.names, job->arena);
	collect(&speedscope, CORELEAKS_KIND_GOROUTINE);
	collect(&speedscope, CORELEAKS_KIND_THREAD);
	json_out_begin(&json, NULL, '{', JSON_LINES);
	json_out_text(&json, "$schema", "https://www.speedscope.app/file-format-schema.json");
	json_out_text(&json, "exporter", "coreleaks " CORELEAKS_VERSION);
	json_out_text(&json, "name", job->view->core->path);
	json_out_uint(&json, "activeProfileIndex", 0);
	add_frames(&json, &speedscope);
	json_out_begin(&json, "profiles", '[', JSON_LINES);
	for (int i = 0; i < 2; i++)
		if (speedscope.samples[kinds[i]].num > 0)
			add_profile(&json, &speedscope, kinds[i]);
	json_out_end(&json, ']');
	json_out_end(&json, '}');
	return json.out;
}
