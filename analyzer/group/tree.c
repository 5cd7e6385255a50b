#include "group/tree.h"

#include "base/intern.h"

#include <string.h>

struct builder {
	struct tree *tree;
	struct arena *arena;
	struct intern ids, functions;
	struct {
		uint32_t *items;
		uint32_t num, capacity;
	} by_id, by_function; /* nodes, parallel to the keys of ids and functions */
};

static uint32_t add_node(struct builder *builder, const struct tree_node *node)
{
	struct tree *tree = builder->tree;
	*array_add(builder->arena, &tree->nodes) = *node;
	return tree->nodes.num - 1;
}

const char *tree_start(const struct coreleaks_task *task, const struct coreleaks_stack *stack,
		       const char *routine)
{
	if (task->kind != CORELEAKS_KIND_GOROUTINE)
		return routine;
	/* "go f(x)" begins with a wrapper that calls f. */
	for (uint32_t i = stack->num_frames; i-- > 0 && stack->end == CORELEAKS_STACK_COMPLETE;) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		if (frame->function == NULL)
			break;
		if (!frame->wrapper && strcmp(frame->function, "runtime.goexit") != 0)
			return frame->function;
	}
	return task->start;
}

static void add_task(struct builder *builder, const struct coreleaks_task *task, const char *start,
		     uint32_t index)
{
	bool is_new = true;
	const struct tree_node node = {
		.kind = TREE_TASK,
		.task = index,
		.parent = TREE_NONE,
		.id = task->id,
		.function = start,
		.created = task->creation != NULL ? task->creation->frame : NULL,
	};
	uint32_t at = add_node(builder, &node);
	if (task->kind != CORELEAKS_KIND_GOROUTINE)
		return;
	intern_add(&builder->ids, &task->id, sizeof(task->id), &is_new);
	if (is_new)
		*array_add(builder->arena, &builder->by_id) = at;
	builder->tree->num_same_id += !is_new;
}

/* The goroutine of that id, which has ended when it is no task. function: in which it made a child.
 */
static uint32_t node_of_id(struct builder *builder, int64_t id, const char *function)
{
	bool is_new;
	uint32_t key = intern_add(&builder->ids, &id, sizeof(id), &is_new);
	if (is_new) {
		const struct tree_node node = {
			.kind = TREE_ENDED,
			.task = TREE_NONE,
			.parent = TREE_NONE,
			.id = id,
		};
		*array_add(builder->arena, &builder->by_id) = add_node(builder, &node);
		builder->tree->num_ended++;
	}
	struct tree_node *node = &builder->tree->nodes.items[builder->by_id.items[key]];
	if (node->kind == TREE_ENDED && node->function == NULL)
		node->function = function;
	return builder->by_id.items[key];
}

static uint32_t node_of_function(struct builder *builder, const char *function)
{
	bool is_new;
	uint32_t key = intern_add(&builder->functions, function, strlen(function), &is_new);
	if (is_new) {
		const struct tree_node node = {
			.kind = TREE_FUNCTION,
			.task = TREE_NONE,
			.parent = TREE_NONE,
			.function = function,
		};
		*array_add(builder->arena, &builder->by_function) = add_node(builder, &node);
	}
	return builder->by_function.items[key];
}

static const struct coreleaks_frame *frame_of(const struct coreleaks_creation *creation)
{
	return creation != NULL ? creation->frame : NULL;
}

static const char *name_of(const struct coreleaks_creation *creation)
{
	const struct coreleaks_frame *frame = frame_of(creation);
	return frame != NULL ? frame->function : NULL;
}

/* What the runtime recorded of those that have ended: each says where it was made, and the next
 * one is who made it. */
static void link_ancestors(struct builder *builder, const struct coreleaks_task *task)
{
	const struct coreleaks_ancestor *ancestors = task->ancestors;
	for (uint32_t i = 0; i < task->num_ancestors; i++) {
		uint32_t at = node_of_id(builder, ancestors[i].id, NULL);
		struct tree_node node = builder->tree->nodes.items[at];
		if (node.created == NULL)
			node.created = frame_of(ancestors[i].creation);
		if (node.parent == TREE_NONE && i + 1 < task->num_ancestors)
			node.parent = node_of_id(builder, ancestors[i + 1].id,
						 name_of(ancestors[i].creation));
		if (node.kind == TREE_ENDED)
			builder->tree->nodes.items[at] = node;
	}
}

static void link_task(struct builder *builder, const struct coreleaks_task *task, uint32_t at)
{
	const char *place = name_of(task->creation);
	int64_t id = task->creator_id;
	uint32_t parent = TREE_NONE;
	if (id == 0 && task->num_ancestors > 0)
		id = task->ancestors[0].id;
	if (id != 0) {
		parent = node_of_id(builder, id, place);
	} else if (place != NULL) {
		parent = node_of_function(builder, place);
		builder->tree->num_by_function++;
	}
	builder->tree->nodes.items[at].parent = parent;
	link_ancestors(builder, task);
}

/* Where all that began with a function were made by one other function, that is where what the
 * function made comes from, too. */
static void link_functions(struct builder *builder, uint32_t num_tasks)
{
	struct tree *tree = builder->tree;
	bool *differ = arena_alloc_array(builder->arena, (size_t)tree->nodes.num + 1, 1);
	for (uint32_t i = 0; i < num_tasks; i++) {
		const struct tree_node *node = &tree->nodes.items[i];
		if (node->function == NULL)
			continue;
		uint32_t key =
			intern_find(&builder->functions, node->function, strlen(node->function));
		if (key == UINT32_MAX)
			continue;
		uint32_t at = builder->by_function.items[key];
		struct tree_node *function = &tree->nodes.items[at];
		if (node->parent == at)
			continue; /* made by its like */
		bool by_function = node->parent != TREE_NONE &&
				   tree->nodes.items[node->parent].kind == TREE_FUNCTION;
		if (!by_function ||
		    (function->parent != TREE_NONE && function->parent != node->parent))
			differ[at] = true;
		else
			function->parent = node->parent;
	}
	for (uint32_t i = 0; i < tree->nodes.num; i++)
		if (differ[i])
			tree->nodes.items[i].parent = TREE_NONE;
}

/* Follows each node up to what is done already. A node that is met again closes a circle: its link
 * is cut. Functions that make each other are no damage. */
static void make_order(struct builder *builder)
{
	enum { NEW, OPEN, DONE };
	struct tree *tree = builder->tree;
	uint32_t num = tree->nodes.num, num_ordered = 0;
	unsigned char *marks = arena_alloc_array(builder->arena, (size_t)num + 1, 1);
	uint32_t *path = arena_alloc_array(builder->arena, (size_t)num + 1, sizeof(*path));
	tree->order = arena_alloc_array(builder->arena, (size_t)num + 1, sizeof(*tree->order));
	for (uint32_t i = 0; i < num; i++) {
		uint32_t depth = 0, at = i;
		for (; at != TREE_NONE && marks[at] == NEW; at = tree->nodes.items[at].parent) {
			marks[at] = OPEN;
			path[depth++] = at;
		}
		if (at != TREE_NONE && marks[at] == OPEN) {
			tree->num_circles += tree->nodes.items[at].kind != TREE_FUNCTION;
			/* The last one of the path points back to it. */
			tree->nodes.items[path[depth - 1]].parent = TREE_NONE;
		}
		while (depth > 0) {
			marks[path[--depth]] = DONE;
			tree->order[num_ordered++] = path[depth];
		}
	}
}

void tree_build(struct tree *ret, struct arena *arena, const struct coreleaks_task *const *tasks,
		const char *const *starts, uint32_t num, enum coreleaks_kind kind)
{
	struct builder builder = {.tree = ret, .arena = arena};
	*ret = (struct tree){0};
	intern_init(&builder.ids, arena);
	intern_init(&builder.functions, arena);
	for (uint32_t i = 0; i < num; i++)
		if (tasks[i]->kind == kind)
			add_task(&builder, tasks[i], starts[i], i);
	uint32_t num_tasks = ret->nodes.num;
	for (uint32_t i = 0; i < num_tasks; i++)
		link_task(&builder, tasks[ret->nodes.items[i].task], i);
	link_functions(&builder, num_tasks);
	make_order(&builder);
	for (uint32_t i = 0; i < ret->nodes.num; i++)
		ret->num_lost += ret->nodes.items[i].kind == TREE_ENDED &&
				 ret->nodes.items[i].parent == TREE_NONE;
}
