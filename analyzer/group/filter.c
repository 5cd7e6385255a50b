#include "group/filter.h"

#include "base/error.h"
#include "group/pattern.h"

#include <inttypes.h>
#include <string.h>

enum { TEXTS_A_FRAME = 4 };

/* Where a frame's code comes from is a text of its own, which only an expression that speaks of it
 * is tried on: "main" alone is to match names. */
static const char origin_text[] = "origin:";

/* The texts of a frame that expressions are tried on; NULL: the frame has none. */
static void filter_frame_texts(struct filter_texts *filter, const struct coreleaks_frame *frame,
			       const char *ret[TEXTS_A_FRAME])
{
	ret[0] = frame->function;
	ret[1] = frame->module;
	ret[2] = ret[3] = NULL;
	if (frame->origin != NULL) {
		text_clear(&filter->origin);
		text_addf(&filter->origin, "%s%s", origin_text, frame->origin);
		ret[3] = filter->origin.bytes;
	}
	if (frame->file != NULL) {
		text_clear(&filter->place);
		text_add(&filter->place, frame->file);
		text_addf(&filter->place, ":%" PRIu32, frame->line);
		ret[2] = filter->place.bytes;
	}
}

void filter_texts_build(struct filter_texts *filter, struct arena *arena,
			const struct groups *groups, const struct groups_input *input)
{
	intern_init(&filter->texts, arena);
	text_init(&filter->place, arena);
	text_init(&filter->origin, arena);
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
struct coreleaks_error *filter_texts_match(const struct filter_texts *filter, struct arena *arena,
					   const char *what, const char *pattern, bool **ret)
{
	regex_t regex;
	bool *matches = arena_alloc_array(arena, (size_t)filter->texts.keys.num + 1, sizeof(bool));
	struct coreleaks_error *error = pattern_compile(&regex, what, pattern);
	if (error != NULL)
		return error;
	bool with_origins = strstr(pattern, origin_text) != NULL;
	for (uint32_t i = 0; i < filter->texts.keys.num; i++) {
		const char *text = intern_text(&filter->texts, i);
		if (with_origins || strncmp(text, origin_text, sizeof(origin_text) - 1) != 0)
			matches[i] = regexec(&regex, text, 0, NULL, 0) == 0;
	}
	regfree(&regex);
	*ret = matches;
	return NULL;
}

bool filter_texts_any(struct filter_texts *filter, const struct coreleaks_stack *stack,
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

const char *filter_label(const struct coreleaks_task *task, const char *key, size_t key_size)
{
	for (uint32_t i = 0; i < task->num_labels; i++) {
		const struct coreleaks_label *label = &task->labels[i];
		if (strlen(label->key) == key_size && memcmp(label->key, key, key_size) == 0)
			return label->value;
	}
	return NULL;
}

static bool filter_has_label(const struct coreleaks_task *task, const char *wanted)
{
	size_t key_size = strcspn(wanted, "=");
	const char *value = filter_label(task, wanted, key_size);
	return value != NULL &&
	       (wanted[key_size] == '\0' || strcmp(value, wanted + key_size + 1) == 0);
}

const char *filter_task(const struct coreleaks_options *options, const struct coreleaks_task *task)
{
	if (options->label != NULL && !filter_has_label(task, options->label))
		return "--label";
	if (options->min_age_ns > 0 &&
	    (task->wait_ns < 0 || (uint64_t)task->wait_ns < options->min_age_ns))
		return "--min-age";
	return NULL;
}

/* What the expressions of the options match; NULL: there is none. */
struct filter {
	struct filter_texts texts;
	bool *focused, *ignored;
};

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
	if (filter->focused != NULL && !filter_texts_any(&filter->texts, stack, filter->focused))
		return "--focus";
	if (filter->ignored != NULL && filter_texts_any(&filter->texts, stack, filter->ignored))
		return "--ignore";
	return NULL;
}

struct coreleaks_error *filter_groups(struct groups *groups, struct arena *arena,
				      const struct groups_input *input)
{
	const struct coreleaks_options *options = input->options;
	struct filter filter = {0};
	struct coreleaks_error *error = NULL;
	if (options->focus != NULL || options->ignore != NULL)
		filter_texts_build(&filter.texts, arena, groups, input);
	if (options->focus != NULL)
		error = filter_texts_match(&filter.texts, arena, "--focus", options->focus,
					   &filter.focused);
	if (error == NULL && options->ignore != NULL)
		error = filter_texts_match(&filter.texts, arena, "--ignore", options->ignore,
					   &filter.ignored);
	if (error != NULL)
		return error;
	for (uint32_t i = 0; i < groups->list.num; i++) {
		struct group *group = &groups->list.items[i];
		const char *hider = filter_hider(&filter, input, group);
		if (hider != NULL)
			group->hidden_by = hider;
	}
	return NULL;
}
