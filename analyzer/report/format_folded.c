#include "report/escape.h"
#include "report/samples.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct folded {
	const char *stack;
	uint64_t num;
};

static int compare_folded(const void *a, const void *b)
{
	return strcmp(((const struct folded *)a)->stack, ((const struct folded *)b)->stack);
}

/* Root first. What is no frame stands in brackets: finished threads, and a stack's lost root. */
static const char *format_folded_stack(const struct write_job *job, const struct sample *sample)
{
	const struct coreleaks_stack *stack = sample->stack;
	struct text out;
	text_init(&out, job->arena);
	if (sample->task == NULL)
		text_add(&out, "[finished thread]");
	if (stack->end != CORELEAKS_STACK_COMPLETE)
		text_addf(&out, "%s[stack %s]", out.size > 0 ? ";" : "",
			  coreleaks_stack_end_name(stack->end));
	else if (stack->num_frames == 0)
		text_addf(&out, "%s[no stack]", out.size > 0 ? ";" : "");
	for (uint32_t i = stack->num_frames; i-- > 0;) {
		text_add(&out, out.size > 0 ? ";" : "");
		escape_also(&out, samples_frame_name(job->arena, &stack->frames[i]), ";");
	}
	return out.bytes;
}

struct text format_folded_make(const struct write_job *job)
{
	struct text out;
	struct samples samples;
	text_init(&out, job->arena);
	struct kind_counts counts = samples_counts(job);
	samples_build(&samples, job, counts.kind);
	struct folded *lines =
		arena_alloc_array(job->arena, (size_t)samples.num + 1, sizeof(*lines));
	for (uint32_t i = 0; i < samples.num; i++) {
		lines[i].stack = format_folded_stack(job, &samples.items[i]);
		lines[i].num = samples.items[i].num;
	}
	if (samples.num > 0)
		qsort(lines, samples.num, sizeof(*lines), compare_folded);
	for (uint32_t i = 0; i < samples.num; i++) {
		if (i + 1 < samples.num && strcmp(lines[i].stack, lines[i + 1].stack) == 0) {
			lines[i + 1].num += lines[i].num;
			continue;
		}
		text_addf(&out, "%s %" PRIu64 "\n", lines[i].stack, lines[i].num);
		write_flush(job, &out);
	}
	return out;
}
