#include "group/filter.h"

#include "base/error.h"
#include "base/intern.h"
#include "base/text.h"

#include <inttypes.h>
#include <regex.h>
#include <string.h>

/* All distinct texts of frames, and for each whether an expression matches it. */
struct filter {
	struct intern texts;
	struct text place; /* scratch for FILE:LINE */
	bool *focused, *ignored;
};

enum { TEXTS_A_FRAME = 3 };

/* The texts of a frame that expressions are tried on; NULL: the frame has none. */
static void filter_frame_texts(struct filter *filter, const struct coreleaks_frame *frame,
			       const char *ret[TEXTS_A_FRAME])
{
	ret[0] = frame->function;
	ret[1] = frame->module;
	ret[2] = NULL;
	if (frame->file != NULL) {
		text_clear(&filter->place);
		text_add(&filter->place, frame->file);
		text_addf(&filter->place, ":%" PRIu32, frame->line);
		ret[2] = filter->place.bytes;
	}
}

static void filter_collect(struct filter *filter, const struct groups *groups,
			   const struct groups_input *input)
{
	const char *texts[TEXTS_A_FRAME];
	for (uint32_t i = 0; i < groups->list.num; i++) {
		const struct coreleaks_stack *stack =
			groups_stack(input, groups->list.items[i].stack_id);
		for (uint32_t j = 0; j < stack->num_frames; j++) {
			filter_frame_texts(filter, &stack->frames[j], texts);
			for (int k = 0; k < TEXTS_A_FRAME; k++) {
				if (texts[k] != NULL)
					intern_add_text(&filter->texts, texts[k]);
			}
		}
	}
}

/* Takes nothing from the arena while the compiled expression lives: a trap would lose it. */
static struct coreleaks_error *filter_match(const struct filter *filter, const char *option,
					    const char *pattern, bool *ret)
{
	regex_t regex;
	int code = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (code != 0) {
		char message[256];
		regerror(code, &regex, message, sizeof(message));
		return error_new(CORELEAKS_ERROR_USAGE, 0, NULL,
				 "%s: '%s' is no regular expression: %s", option, pattern, message);
	}
	for (uint32_t i = 0; i < filter->texts.keys.num; i++)
		ret[i] = regexec(&regex, intern_text(&filter->texts, i), 0, NULL, 0) == 0;
	regfree(&regex);
	return NULL;
}

static bool filter_any_frame(struct filter *filter, const struct coreleaks_stack *stack,
			     const bool *matches)
{
	const char *texts[TEXTS_A_FRAME];
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		filter_frame_texts(filter, &stack->frames[i], texts);
		for (int k = 0; k < TEXTS_A_FRAME; k++) {
			if (texts[k] == NULL)
				continue;
			uint32_t id = intern_find(&filter->texts, texts[k], strlen(texts[k]));
			if (id != UINT32_MAX && matches[id])
				return true;
		}
	}
	return false;
}

static const char *filter_hider(struct filter *filter, const struct groups_input *input,
				const struct group *group)
{
	const struct coreleaks_options *options = input->options;
	if (options->kind >= 0 && (int32_t)group->kind != options->kind)
		return "--kind";
	if (options->state >= 0 && (int32_t)group->state != options->state)
		return "--state";
	if (options->reason != NULL &&
	    strcmp(options->reason, group->reason != NULL ? group->reason : "unknown") != 0)
		return "--reason";
	if (group_count(group) < options->min_count)
		return "--min-count";
	const struct coreleaks_stack *stack = groups_stack(input, group->stack_id);
	if (filter->focused != NULL && !filter_any_frame(filter, stack, filter->focused))
		return "--focus";
	if (filter->ignored != NULL && filter_any_frame(filter, stack, filter->ignored))
		return "--ignore";
	return NULL;
}

struct coreleaks_error *filter_groups(struct groups *groups, struct arena *arena,
				      const struct groups_input *input)
{
	const struct coreleaks_options *options = input->options;
	struct filter filter = {0};
	struct coreleaks_error *error = NULL;
	intern_init(&filter.texts, arena);
	text_init(&filter.place, arena);
	if (options->focus != NULL || options->ignore != NULL)
		filter_collect(&filter, groups, input);
	if (options->focus != NULL) {
		filter.focused = arena_alloc_array(arena, filter.texts.keys.num + 1, sizeof(bool));
		error = filter_match(&filter, "--focus", options->focus, filter.focused);
	}
	if (error == NULL && options->ignore != NULL) {
		filter.ignored = arena_alloc_array(arena, filter.texts.keys.num + 1, sizeof(bool));
		error = filter_match(&filter, "--ignore", options->ignore, filter.ignored);
	}
	if (error != NULL)
		return error;
	for (uint32_t i = 0; i < groups->list.num; i++) {
		struct group *group = &groups->list.items[i];
		group->hidden_by = filter_hider(&filter, input, group);
	}
	return NULL;
}
