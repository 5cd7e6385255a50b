#include "stack/creations.h"

bool creations_is_library(const char *name)
{
	static const char *const prefixes[] = {
		"std::", "<std::", "__gnu_cxx::", "core::", "<core::", "alloc::", "<alloc::"};
	for (size_t i = 0; name != NULL && i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* The innermost frame that is not of a language's library; NULL: none. */
static const struct coreleaks_frame *program_frame(const struct coreleaks_stack *call)
{
	for (uint32_t i = 0; i < call->num_frames; i++)
		if (!creations_is_library(call->frames[i].function))
			return &call->frames[i];
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

struct candidate {
	const struct coreleaks_frame *frame;
	uint64_t function_low;
	bool inferred;
};

static bool same_function(const struct candidate *a, const struct candidate *b)
{
	if (a->frame->function == NULL || b->frame->function == NULL)
		return a->frame->function == b->frame->function && a->function_low != 0 &&
		       a->function_low == b->function_low;
	return same_text(a->frame->function, b->frame->function) &&
	       same_text(a->frame->file, b->frame->file) &&
	       same_text(a->frame->module, b->frame->module);
}

static bool same_place(const struct candidate *a, const struct candidate *b)
{
	return same_function(a, b) && a->frame->line == b->frame->line &&
	       (a->frame->line != 0 || a->frame->pc == b->frame->pc);
}

/* All candidates lie in one function: the line too, if it is one. A call that creates a thread
 * tells more than one that only may. */
static struct coreleaks_creation of_one_function(struct arena *arena,
						 const struct candidate *candidates, uint32_t num)
{
	const struct candidate *best = &candidates[0];
	bool one_place = true;
	for (uint32_t i = 1; i < num; i++)
		if (best->inferred && !candidates[i].inferred)
			best = &candidates[i];
	for (uint32_t i = 0; i < num; i++)
		if (candidates[i].inferred == best->inferred)
			one_place &= same_place(&candidates[i], best);
	struct coreleaks_frame *frame = (struct coreleaks_frame *)(void *)arena_copy_bytes(
		arena, best->frame, sizeof(*frame));
	if (!one_place)
		frame->line = 0;
	return (struct coreleaks_creation){
		.frame = frame, .num_places = 1, .inferred = best->inferred};
}

static struct coreleaks_creation decide(struct arena *arena, const struct creators *creators,
					const struct creator_target *target,
					const struct coreleaks_stack *calls)
{
	struct candidate *all = arena_alloc_array(arena, target->num, sizeof(*all));
	uint32_t num = 0, num_functions = 0;
	for (uint32_t i = target->first; i < target->first + target->num; i++) {
		const struct coreleaks_frame *frame = program_frame(&calls[i]);
		const struct creator_place *place = &creators->places.items[i];
		if (frame != NULL)
			all[num++] =
				(struct candidate){frame, place->function_low, place->inferred};
	}
	for (uint32_t i = 0; i < num; i++) {
		bool is_first = true;
		for (uint32_t k = 0; k < i && is_first; k++)
			is_first = !same_function(&all[k], &all[i]);
		num_functions += is_first;
	}
	if (target->lost)
		return (struct coreleaks_creation){0};
	if (num_functions == 1 && target->num_unclear == 0)
		return of_one_function(arena, all, num);
	return (struct coreleaks_creation){
		.num_places = num_functions == 0 ? 0 : num_functions + target->num_unclear};
}

const struct coreleaks_creation **creations_build(const struct creators *creators,
						  struct arena *arena,
						  const struct coreleaks_stack *calls,
						  uint32_t num_threads)
{
	struct coreleaks_creation *all =
		arena_alloc_array(arena, creators->targets.num, sizeof(*all));
	const struct coreleaks_creation **result =
		arena_alloc_array(arena, num_threads, sizeof(*result));
	for (uint32_t i = 0; i < creators->targets.num; i++)
		all[i] = decide(arena, creators, &creators->targets.items[i], calls);
	/* Nobody has looked for creators: the floor of stacks is left out. */
	for (uint32_t i = 0; i < num_threads && creators->by_thread != NULL; i++) {
		uint32_t target = creators->by_thread[i];
		if (target != UINT32_MAX && all[target].num_places > 0)
			result[i] = &all[target];
	}
	return result;
}
