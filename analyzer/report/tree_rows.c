#include "report/tree_rows.h"

#include "base/intern.h"
#include "group/user_frame.h"

#include <stdlib.h>
#include <string.h>

/* A visible node among its siblings. */
struct sibling {
	uint32_t node, class;
	uint64_t num_tasks;
	int64_t id;
};

struct maker {
	struct tree_rows *rows;
	const struct report_view *view;
	struct arena *arena;
	struct intern words, classes;
	/* Parallel to the nodes. */
	uint64_t *num_tasks;	/* shown ones of the subtree; 0: the node is not visible */
	uint32_t *class;	/* equal subtrees are of one class */
	uint32_t *first, *next; /* children, and siblings */
	struct {
		struct sibling *items;
		uint32_t num, capacity;
	} siblings; /* of one call */
	struct text key;
	struct {
		struct tree_row *items;
		uint32_t num, capacity;
	} open; /* rows that are to be added, the next one last */
};

static bool is_shown(const struct maker *maker, const struct tree_node *node)
{
	return node->task != TREE_NONE && maker->view->task_is_shown[node->task];
}

/* Counts each subtree, and links visible children to their parents. */
static void link_visible(struct maker *maker)
{
	const struct tree *tree = &maker->rows->tree;
	for (uint32_t i = 0; i < tree->nodes.num; i++)
		maker->first[i] = maker->next[i] = TREE_NONE;
	for (uint32_t i = tree->nodes.num; i-- > 0;) {
		uint32_t at = tree->order[i], parent = tree->nodes.items[at].parent;
		maker->num_tasks[at] += is_shown(maker, &tree->nodes.items[at]);
		if (parent == TREE_NONE || maker->num_tasks[at] == 0)
			continue;
		maker->num_tasks[parent] += maker->num_tasks[at];
		maker->next[at] = maker->first[parent];
		maker->first[parent] = at;
	}
}

static uint32_t word_id(struct maker *maker, const char *word)
{
	return word != NULL ? intern_add_text(&maker->words, word) + 1 : 0;
}

static int compare_uint32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* What a row says of the node itself, but for its id. */
static void add_own_key(struct maker *maker, const struct tree_node *node)
{
	const struct coreleaks_task *task =
		node->task != TREE_NONE ? view_task(maker->view, node->task) : NULL;
	const uint32_t own[] = {
		(uint32_t)node->kind,
		is_shown(maker, node),
		word_id(maker, node->function),
		task != NULL ? (uint32_t)task->state : 0,
		task != NULL ? word_id(maker, task->reason) : 0,
		node->created != NULL,
		node->created != NULL ? word_id(maker, node->created->function) : 0,
		node->created != NULL ? word_id(maker, node->created->file) : 0,
		node->created != NULL ? node->created->line : 0,
	};
	text_add_bytes(&maker->key, own, sizeof(own));
}

static void classify(struct maker *maker)
{
	const struct tree *tree = &maker->rows->tree;
	struct {
		uint32_t *items;
		uint32_t num, capacity;
	} children = {0};
	for (uint32_t i = tree->nodes.num; i-- > 0;) {
		uint32_t at = tree->order[i];
		if (maker->num_tasks[at] == 0)
			continue;
		text_clear(&maker->key);
		add_own_key(maker, &tree->nodes.items[at]);
		children.num = 0;
		for (uint32_t k = maker->first[at]; k != TREE_NONE; k = maker->next[k])
			*array_add(maker->arena, &children) = maker->class[k];
		if (children.num > 0) {
			qsort(children.items, children.num, sizeof(*children.items),
			      compare_uint32);
			text_add_bytes(&maker->key, children.items,
				       children.num * sizeof(*children.items));
		}
		maker->class[at] =
			intern_add(&maker->classes, maker->key.bytes, maker->key.size, NULL);
	}
}

static int compare_siblings(const void *a, const void *b)
{
	const struct sibling *x = a, *y = b;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

static void add_sibling(struct maker *maker, uint32_t at)
{
	const struct tree_node *node = &maker->rows->tree.nodes.items[at];
	if (maker->num_tasks[at] == 0)
		return;
	*array_add(maker->arena, &maker->siblings) = (struct sibling){
		.node = at,
		.class = maker->class[at],
		.num_tasks = maker->num_tasks[at],
		.id = node->id,
	};
}

/* The next row to add comes last: the one of most tasks, then the lowest id. */
static int compare_open(const void *a, const void *b)
{
	const struct tree_row *x = a, *y = b;
	if (x->num_tasks != y->num_tasks)
		return x->num_tasks < y->num_tasks ? -1 : 1;
	return (x->nodes[0] < y->nodes[0]) - (x->nodes[0] > y->nodes[0]);
}

/* Makes rows of the siblings that were gathered. */
static void open_rows(struct maker *maker, uint32_t parent, uint32_t depth)
{
	uint32_t first_open = maker->open.num, num = maker->siblings.num;
	const struct sibling *siblings = maker->siblings.items;
	if (num == 0)
		return;
	qsort(maker->siblings.items, num, sizeof(*maker->siblings.items), compare_siblings);
	uint32_t *nodes = arena_alloc_array(maker->arena, num, sizeof(*nodes));
	for (uint32_t i = 0; i < num; i++) {
		nodes[i] = siblings[i].node;
		if (i == 0 || siblings[i].class != siblings[i - 1].class)
			*array_add(maker->arena, &maker->open) = (struct tree_row){
				.parent = parent, .depth = depth, .nodes = &nodes[i]};
		struct tree_row *row = &maker->open.items[maker->open.num - 1];
		row->num++;
		row->num_tasks += siblings[i].num_tasks;
		row->has_children = maker->first[nodes[i]] != TREE_NONE;
	}
	qsort(maker->open.items + first_open, maker->open.num - first_open,
	      sizeof(*maker->open.items), compare_open);
}

static void count_row(struct maker *maker, const struct tree_row *row)
{
	struct tree_rows *rows = maker->rows;
	const struct tree *tree = &rows->tree;
	for (uint32_t i = 0; i < row->num; i++) {
		const struct tree_node *node = &tree->nodes.items[row->nodes[i]];
		bool ended = node->kind == TREE_ENDED;
		rows->num_ended += ended;
		rows->num_lost += ended && node->parent == TREE_NONE;
		rows->num_tasks += is_shown(maker, node);
		rows->num_by_function += is_shown(maker, node) && node->parent != TREE_NONE &&
					 tree->nodes.items[node->parent].kind == TREE_FUNCTION;
	}
}

static void add_rows(struct maker *maker)
{
	struct tree_rows *rows = maker->rows;
	for (uint32_t i = 0; i < rows->tree.nodes.num; i++)
		if (rows->tree.nodes.items[i].parent == TREE_NONE)
			add_sibling(maker, i);
	open_rows(maker, TREE_NONE, 0);
	while (maker->open.num > 0) {
		const struct tree_row row = maker->open.items[--maker->open.num];
		*array_add(maker->arena, &rows->list) = row;
		count_row(maker, &row);
		maker->siblings.num = 0;
		for (uint32_t i = 0; i < row.num; i++)
			for (uint32_t k = maker->first[row.nodes[i]]; k != TREE_NONE;
			     k = maker->next[k])
				add_sibling(maker, k);
		open_rows(maker, rows->list.num - 1, row.depth + 1);
	}
}

/* What a thread began with: where no start routine is known, as of the first one, the outermost
 * function that is not libc's. */
static const char *thread_start(const struct coreleaks_stack *stack, const char *routine)
{
	if (routine != NULL || stack->end != CORELEAKS_STACK_COMPLETE)
		return routine;
	for (uint32_t i = stack->num_frames; i-- > 0;)
		if (stack->frames[i].function != NULL && !user_frame_is_runtime(&stack->frames[i]))
			return stack->frames[i].function;
	return NULL;
}

void tree_rows_build(struct tree_rows *ret, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct maker maker = {.rows = ret, .view = view, .arena = job->arena};
	*ret = (struct tree_rows){.kind = view->num_goroutines > 0 ? CORELEAKS_KIND_GOROUTINE
								   : CORELEAKS_KIND_THREAD};
	if (job->options->kind >= 0)
		ret->kind = (enum coreleaks_kind)job->options->kind;
	const char **starts =
		arena_alloc_array(job->arena, (size_t)view->num_tasks + 1, sizeof(*starts));
	for (uint32_t i = 0; i < view->num_tasks; i++) {
		const struct coreleaks_stack *stack =
			view_stack(view, view_alike(view, i)->stack_id);
		starts[i] = tree_start(view_task(view, i), stack,
				       thread_start(stack, view_wait(view, i)->start));
	}
	tree_build(&ret->tree, job->arena, view_all_tasks(view, job->arena), starts,
		   view->num_tasks, ret->kind);
	size_t num = (size_t)ret->tree.nodes.num + 1;
	maker.num_tasks = arena_alloc_array(job->arena, num, sizeof(*maker.num_tasks));
	maker.class = arena_alloc_array(job->arena, num, sizeof(*maker.class));
	maker.first = arena_alloc_array(job->arena, num, sizeof(*maker.first));
	maker.next = arena_alloc_array(job->arena, num, sizeof(*maker.next));
	intern_init(&maker.words, job->arena);
	intern_init(&maker.classes, job->arena);
	text_init(&maker.key, job->arena);
	link_visible(&maker);
	classify(&maker);
	add_rows(&maker);
}
