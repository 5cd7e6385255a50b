#include "group/signature.h"

#include "base/intern.h"

#include <inttypes.h>

static void signature_add_field(struct text *out, const char *field)
{
	text_add(out, field);
	text_add_bytes(out, "", 1);
}

/* Without printf: large programs have a million frames. */
static void signature_add_number(struct text *out, uint64_t number, unsigned base)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number != 0);
	text_add_bytes(out, digits + at, sizeof(digits) - at);
}

/* The module by its build-id, so that two files of one name stay apart; else by its name. */
static void signature_add_place(struct text *out, const struct coreleaks_frame *frame,
				bool by_build_id)
{
	text_add(out, "=");
	if (frame->module == NULL) {
		signature_add_number(out, frame->pc, 16);
		return;
	}
	text_add(out, by_build_id && frame->build_id != NULL ? frame->build_id : frame->module);
	text_add(out, "+");
	signature_add_number(out, frame->module_offset, 16);
}

static void signature_add_frame(struct text *out, const struct coreleaks_frame *frame,
				enum signature_detail detail)
{
	const char *function = frame->function;
	if (detail == SIGNATURE_PC) {
		signature_add_place(out, frame, true);
		if (frame->inlined && function != NULL) {
			text_add(out, "/");
			text_add(out, function);
		}
	} else if (detail == SIGNATURE_LOOSE && function == NULL) {
		text_add(out, "=");
		text_add(out, frame->module != NULL ? frame->module : "");
	} else if (function == NULL) {
		signature_add_place(out, frame, detail == SIGNATURE_LINE);
	} else {
		text_add(out, function);
		if (detail == SIGNATURE_LINE && frame->line != 0) {
			text_add(out, "@");
			text_add(out, frame->file != NULL ? frame->file : "");
			text_add(out, ":");
			signature_add_number(out, frame->line, 10);
		} else if (detail == SIGNATURE_LINE) {
			text_add(out, "+");
			signature_add_number(out, frame->function_offset, 16);
		}
	}
	text_add_bytes(out, "", 1);
}

void signature_add_stack(struct text *out, const struct coreleaks_stack *stack,
			 enum signature_detail detail)
{
	signature_add_field(out, coreleaks_stack_end_name(stack->end));
	for (uint32_t i = 0; i < stack->num_frames; i++)
		signature_add_frame(out, &stack->frames[i], detail);
}

const char *signature_make(struct text *scratch, const struct signature_parts *parts)
{
	text_clear(scratch);
	signature_add_field(scratch, "1");
	signature_add_field(scratch, coreleaks_kind_name(parts->kind));
	signature_add_field(scratch, coreleaks_state_name(parts->state));
	signature_add_field(scratch, parts->reason != NULL ? parts->reason : "");
	signature_add_field(scratch, parts->object != NULL ? parts->object : "");
	signature_add_field(scratch, parts->timed ? "timed" : "");
	if (parts->interrupted != NULL) {
		text_add(scratch, "was ");
		signature_add_field(scratch, parts->interrupted);
	}
	signature_add_field(scratch, parts->by);
	text_add_bytes(scratch, parts->bytes, parts->size);
	uint64_t hash = intern_hash(scratch->bytes, scratch->size);
	return arena_format(scratch->arena, "%c-%012" PRIx64,
			    parts->kind == CORELEAKS_KIND_GOROUTINE ? 'g' : 't', hash >> 16);
}
