#include "proof/go_never.h"

#include <string.h>

/* Where operations on nil channels and selects park (runtime/chan.go chansend, chanrecv;
 * runtime/select.go block, selectgo; 1.19 to 1.27). Each calls gopark itself. */
static bool is_parked_in(const struct coreleaks_stack *stack, enum go_role role)
{
	static const char *const channel[] = {"runtime.chanrecv", "runtime.chansend",
					      "runtime.selectgo", NULL};
	static const char *const no_cases[] = {"runtime.block", NULL};
	const char *const *names = role == GO_ROLE_NO_CASES ? no_cases : channel;
	if (stack->num_frames < 2 || stack->frames[0].function == NULL ||
	    stack->frames[1].function == NULL ||
	    strcmp(stack->frames[0].function, "runtime.gopark") != 0)
		return false;
	for (; *names != NULL; names++)
		if (strcmp(stack->frames[1].function, *names) == 0)
			return true;
	return false;
}

void go_never_build(struct go_never *ret, struct arena *arena, const struct go_reach_input *input,
		    const struct stacks *stacks)
{
	*ret = (struct go_never){0};
	if (!input->runtime->recognised || input->goroutines->list.num == 0)
		return;
	const struct go_heap_layout layout = go_heap_layout_for(input->runtime->minor);
	struct pages pages;
	pages_init(&pages, arena, input->image->dump);
	const struct go_candidates_input candidates_input = {
		.runtime = input->runtime,
		.layout = &layout,
		.goroutines = input->goroutines,
		.tasks = input->tasks,
		.origins = input->origins,
		.queues = input->queues,
		.pages = &pages,
		.queued_out = true,
	};
	struct go_candidates candidates;
	go_candidates_build(&candidates, arena, &candidates_input);
	ret->roles = candidates.roles;
	for (uint32_t i = 0; candidates.num > 0 && i < input->goroutines->list.num; i++) {
		uint32_t stack = stacks->by_task[input->goroutines->first_task + i];
		if (ret->roles[i] != GO_ROLE_LIVE &&
		    !is_parked_in(&stacks->list.items[stack], (enum go_role)ret->roles[i]))
			ret->roles[i] = GO_ROLE_LIVE;
	}
	if (input->runtime->layout.minor == GO_NONE)
		*array_add(arena, &ret->caveats) = GO_REACH_UNKNOWN_LAYOUT;
	if (!go_reach_files_verified(input))
		*array_add(arena, &ret->caveats) =
			"the program's file could not be verified: the words for waits and the "
			"functions' names were read from it";
}
