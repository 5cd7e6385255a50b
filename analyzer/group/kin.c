#include "group/kin.h"

#include "base/error.h"
#include "group/tree.h"

#include <regex.h>

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
	int code = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (code != 0) {
		char message[256];
		regerror(code, &regex, message, sizeof(message));
		return error_new(CORELEAKS_ERROR_USAGE, 0, NULL,
				 "--ancestor: '%s' is no regular expression: %s", pattern, message);
	}
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

static void mark_root(bool *in, const struct tree *tree, int64_t goid)
{
	for (uint32_t i = 0; i < tree->nodes.num; i++) {
		uint32_t at = tree->order[i];
		const struct tree_node *node = &tree->nodes.items[at];
		in[at] = (node->kind != TREE_FUNCTION && node->id == goid) ||
			 (node->parent != TREE_NONE && in[node->parent]);
	}
}

static void build(struct tree *tree, struct arena *arena, const struct groups_input *input)
{
	size_t num = (size_t)input->num_tasks + 1;
	const struct coreleaks_task **tasks = arena_alloc_array(arena, num, sizeof(*tasks));
	const char **starts = arena_alloc_array(arena, num, sizeof(*starts));
	for (uint32_t i = 0; i < input->num_tasks; i++) {
		tasks[i] = &input->tasks[i];
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
	if (options->root_goid != 0)
		mark_root(by_root, &tree, options->root_goid);
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
