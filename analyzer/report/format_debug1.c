#include "report/escape.h"
#include "report/samples.h"

#include <inttypes.h>

/* pprof's parser of this format reads with bufio.Scanner, whose lines have at most 64 KiB
 * (Go 1.27, bufio.MaxScanTokenSize; pprof's profile/legacy_profile.go, parseGoCount). */
enum { MAX_PCS = 3000, MAX_PIECE_SIZE = 8 * 1024 };

/* Escaped, and cut where it would make a line too long for its readers. */
static void format_debug1_piece(struct text *out, const struct write_job *job, const char *piece)
{
	struct text escaped;
	text_init(&escaped, job->arena);
	escape_terminal(&escaped, piece, false);
	size_t size = escaped.size;
	if (size > MAX_PIECE_SIZE) {
		size = MAX_PIECE_SIZE;
		while (((unsigned char)escaped.bytes[size] & 0xc0) == 0x80)
			size--;
	}
	text_add_bytes(out, escaped.bytes, size);
	if (size < escaped.size)
		text_addf(out, "...(%zu more bytes)", escaped.size - size);
}

static void format_debug1_pcs(struct text *out, const struct sample *sample)
{
	uint32_t num = 0, num_left_out = 0;
	text_addf(out, "%" PRIu64 " @", sample->num);
	for (uint32_t i = 0; i < sample->stack->num_frames; i++) {
		if (sample->stack->frames[i].inlined)
			continue;
		if (num < MAX_PCS)
			text_addf(out, " 0x%" PRIx64, sample->stack->frames[i].pc);
		num_left_out += num >= MAX_PCS;
		num++;
	}
	/* The readers want one address at least. */
	if (num == 0)
		text_addf(out, " 0x%" PRIx64, sample->task != NULL ? sample->task->pc : 0);
	text_add(out, "\n");
	if (num_left_out > 0)
		text_addf(out, "# %" PRIu32 " outermost addresses are left out\n", num_left_out);
}

/* As Go writes them: JSON, in runtime/pprof/label.go's order. */
static void format_debug1_labels(struct text *out, const struct write_job *job,
				 const struct coreleaks_task *task)
{
	if (task == NULL || task->num_labels == 0)
		return;
	struct text labels;
	text_init(&labels, job->arena);
	for (uint32_t i = 0; i < task->num_labels; i++) {
		text_add(&labels, i == 0 ? "\"" : ", \"");
		escape_json(&labels, task->labels[i].key);
		text_add(&labels, "\":\"");
		escape_json(&labels, task->labels[i].value);
		text_add(&labels, "\"");
	}
	text_add(out, "# labels: {");
	if (labels.size <= MAX_PIECE_SIZE)
		text_add_bytes(out, labels.bytes, labels.size);
	text_addf(out, "}%s\n", labels.size > MAX_PIECE_SIZE ? " (too long)" : "");
}

static void format_debug1_facts(struct text *out, const struct write_job *job,
				const struct sample *sample)
{
	const struct coreleaks_group *group = sample->group;
	text_add(out, "# ");
	escape_terminal(out, samples_state(sample), false);
	text_addf(out, ", %s, group %s", coreleaks_verdict_name(group->verdict), group->id);
	for (uint32_t i = 0; i < group->num_rules; i++)
		text_addf(out, ", %s", group->rules[i]);
	text_add(out, "\n");
	if (sample->stack->end != CORELEAKS_STACK_COMPLETE)
		text_addf(out, "# the stack's end is %s\n",
			  coreleaks_stack_end_name(sample->stack->end));
	const struct coreleaks_frame *creator =
		sample->task != NULL ? samples_creator(sample->task) : NULL;
	if (creator != NULL) {
		text_add(out, "# created by ");
		format_debug1_piece(out, job, samples_frame_name(job->arena, creator));
		text_add(out, "\n");
	}
}

static void format_debug1_frame(struct text *out, const struct write_job *job,
				const struct coreleaks_frame *frame)
{
	text_addf(out, "#\t0x%" PRIx64 "\t", frame->pc);
	format_debug1_piece(out, job, samples_frame_name(job->arena, frame));
	if (frame->function != NULL)
		text_addf(out, "+0x%" PRIx64, frame->function_offset);
	if (frame->file != NULL) {
		text_add(out, "\t");
		format_debug1_piece(out, job, frame->file);
		text_addf(out, ":%" PRIu32, frame->line);
	}
	text_add(out, "\n");
}

struct text format_debug1_make(const struct write_job *job)
{
	struct text out;
	struct samples samples;
	text_init(&out, job->arena);
	struct kind_counts counts = samples_counts(job);
	samples_build(&samples, job, counts.kind);
	text_addf(&out, "%s profile: total %" PRIu64 "\n", coreleaks_kind_name(counts.kind),
		  counts.num_tasks + counts.num_finished);
	if (counts.num_finished > 0)
		text_addf(&out, "# %" PRIu64 " of them have finished, and were never joined\n",
			  counts.num_finished);
	samples_notes(&out, job, &counts);
	for (uint32_t i = 0; i < samples.num; i++) {
		const struct sample *sample = &samples.items[i];
		text_add(&out, i == 0 ? "" : "\n");
		format_debug1_pcs(&out, sample);
		format_debug1_labels(&out, job, sample->task);
		format_debug1_facts(&out, job, sample);
		for (uint32_t k = 0; k < sample->stack->num_frames; k++)
			format_debug1_frame(&out, job, &sample->stack->frames[k]);
		write_flush(job, &out);
	}
	return out;
}
