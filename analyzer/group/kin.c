#include "group/kin.h"

#include "base/error.h"
#include "group/pattern.h"
#include "group/tree.h"

#include <inttypes.h>

const char *kin_hider_of_none(const struct coreleaks_options *options)
{
	if (options->root_goid != 0)
		return "--root-goid";
	return options->ancestor != NULL ? "--ancestor" : NULL;
}

static bool fits(const regex_t *regex, const char *name)
{
	return name != NULL && regexec(regex, name, 0, NULL, 0) == 0;
}

static const char *creator_of(const struct tree_node *node)
{
	return node->created != NULL ? node->created->function : NULL;
}

/* Marks what the function made, and what that made: parents stand before their children. Takes
 * nothing from the arena while the compiled expression lives: a trap would lose it. */
static struct coreleaks_error *mark_ancestor(bool *in, const struct tree *tree, const char *pattern)
{
	regex_t regex;
	struct coreleaks_error *error = pattern_compile(&regex, "--ancestor", pattern);
	if (error != NULL)
		return error;
	for (uint32_t i = 0; i < tree->nodes.num; i++) {
		uint32_t at = tree->order[i];
		const struct tree_node *node = &tree->nodes.items[at];
		in[at] = fits(&regex, creator_of(node));
		if (!in[at] && node->parent != TREE_NONE)
			in[at] = in[node->parent] ||
				 fits(&regex, tree->nodes.items[node->parent].function);
	}
	regfree(&regex);
	return NULL;
}

/* Is there anything of that goroutine: itself, what descends from it, its name? */
static bool mark_root(bool *in, const struct tree *tree, int64_t goid)
{
	bool found = false;
	for (uint32_t i = 0; i < tree->nodes.num; i++) {
		uint32_t at = tree->order[i];
		const struct tree_node *node = &tree->nodes.items[at];
		in[at] = (node->kind != TREE_FUNCTION && node->id == goid) ||
			 (node->parent != TREE_NONE && in[node->parent]);
		found |= in[at];
	}
	return found;
}

/* A goroutine of which nothing is left has ended, and what it made has, too: to look at it is no
 * mistake. One that never was is. */
static struct coreleaks_error *tell_missing(const struct groups_input *input,
					    const struct tree *tree)
{
	const char *path = input->core_path != NULL ? input->core_path : "core";
	int64_t goid = input->options->root_goid;
	if (tree->nodes.num == 0)
		return error_new(CORELEAKS_ERROR_NOT_FOUND, 0, input->core_path,
				 "%s: --root-goid: the core shows no goroutines", path);
	if (input->last_goid != 0 && (uint64_t)goid > input->last_goid)
		return error_new(CORELEAKS_ERROR_NOT_FOUND, 0, input->core_path,
				 "%s: --root-goid: the program never had a goroutine %" PRIi64
				 " (no number is above %" PRIu64 ")",
				 path, goid, input->last_goid);
	if (input->gaps != NULL)
		gaps_add(input->gaps, "root-goid", false,
			 "goroutine %" PRIi64 " of --root-goid has ended, and nothing is known to "
			 "descend from it",
			 goid);
	return NULL;
}

/* Goroutines whose parent no version before 1.21 keeps may descend from the one asked for. */
static void tell_unknown(const struct groups_input *input, const struct tree *tree)
{
	if (input->gaps != NULL && tree->num_by_function > 0)
		gaps_add(input->gaps, "creator-unknown", false,
			 "of %" PRIu32 " goroutines only the function that made them is known, not "
			 "the goroutine: --root-goid leaves them out",
			 tree->num_by_function);
}

static void build(struct tree *tree, struct arena *arena, const struct groups_input *input)
{
	size_t num = (size_t)input->num_tasks + 1;
	const struct coreleaks_task **tasks = arena_alloc_array(arena, num, sizeof(*tasks));
	const char **starts = arena_alloc_array(arena, num, sizeof(*starts));
	for (uint32_t i = 0; i < input->num_tasks; i++) {
		/* Who made whom is each one's own. */
		tasks[i] = input->row_of != NULL ? coreleaks_task(input->analysis, i)
						 : &input->tasks[i];
		starts[i] = tree_start(tasks[i], groups_stack(input, tasks[i]->stack_id), NULL);
	}
	tree_build(tree, arena, tasks, starts, input->num_tasks, CORELEAKS_KIND_GOROUTINE);
}

struct coreleaks_error *kin_hiders(const char ***ret, struct arena *arena,
				   const struct groups_input *input)
{
	const struct coreleaks_options *options = input->options;
	struct tree tree;
	*ret = NULL;
	if (options->root_goid == 0 && options->ancestor == NULL)
		return NULL;
	build(&tree, arena, input);
	bool *by_root = arena_alloc_array(arena, (size_t)tree.nodes.num + 1, sizeof(bool));
	bool *by_function = arena_alloc_array(arena, (size_t)tree.nodes.num + 1, sizeof(bool));
	if (options->ancestor != NULL) {
		struct coreleaks_error *error =
			mark_ancestor(by_function, &tree, options->ancestor);
		if (error != NULL)
			return error;
	}
	if (options->root_goid != 0) {
		struct coreleaks_error *error = NULL;
		if (!mark_root(by_root, &tree, options->root_goid))
			error = tell_missing(input, &tree);
		if (error != NULL)
			return error;
		tell_unknown(input, &tree);
	}
	const char **hiders =
		arena_alloc_array(arena, (size_t)input->num_tasks + 1, sizeof(*hiders));
	for (uint32_t i = 0; i < input->num_tasks; i++)
		hiders[i] = kin_hider_of_none(options);
	for (uint32_t i = 0; i < tree.nodes.num; i++) {
		uint32_t task = tree.nodes.items[i].task;
		if (task == TREE_NONE)
			continue;
		hiders[task] = options->root_goid != 0 && !by_root[i]	      ? "--root-goid"
			       : options->ancestor != NULL && !by_function[i] ? "--ancestor"
									      : NULL;
	}
	*ret = hiders;
	return NULL;
}
