#include "report/wait_picture.h"

#include "base/intern.h"
#include "group/user_frame.h"
#include "report/samples.h"
#include "report/screen.h"
#include "report/words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAME = 44, NONE = UINT32_MAX };

struct builder {
	struct arena *arena;
	const struct report_view *view;
	struct wait_picture *picture;
	uint32_t max_nodes;
	bool *in_circle;       /* by task */
	bool *is_single;       /* by task: it has a node of its own */
	uint32_t group;	       /* of the tasks that are being added */
	struct intern objects; /* (kind, address) */
	struct intern nodes;   /* keys of nodes: their numbers */
	struct intern edges;
	struct {
		struct seen_object {
			uint32_t waiter; /* group of the first */
			bool shared;	 /* other groups wait for it, too */
			bool drawn;	 /* counted in its node */
		} * items;
		uint32_t num, capacity;
	} seen;
};

static bool is_thread(const struct coreleaks_wait *wait)
{
	return strcmp(wait->object, "thread") == 0;
}

static bool has_holder(const struct coreleaks_wait *wait)
{
	return wait->holder_task >= 0 || wait->holder_id != 0 || wait->holder_exited;
}

/* On the stack: there is one for every task. */
struct key {
	char text[160];
};

static struct key key_make(const char *format, ...) __attribute__((format(printf, 1, 2)));

static struct key key_make(const char *format, ...)
{
	struct key key;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(key.text, sizeof(key.text), format, arguments);
	va_end(arguments);
	return key;
}

/* A node for the key, or NONE: there is no room. *new_ret: it is to be filled in. */
static uint32_t node_of(struct builder *builder, struct key key, bool *new_ret)
{
	size_t size = strlen(key.text);
	uint32_t id = intern_find(&builder->nodes, key.text, size);
	*new_ret = false;
	if (id != UINT32_MAX)
		return id;
	if (builder->picture->nodes.num >= builder->max_nodes)
		return NONE;
	*new_ret = true;
	array_add(builder->arena, &builder->picture->nodes)->group = NONE;
	return intern_add(&builder->nodes, key.text, size, NULL);
}

static struct picture_node *at(struct builder *builder, uint32_t node)
{
	return &builder->picture->nodes.items[node];
}

static void add_edge(struct builder *builder, struct picture_edge edge)
{
	bool is_new;
	struct key key = key_make("%" PRIu32 " %" PRIu32 " %d", edge.from, edge.to, edge.held);
	uint32_t id = intern_add(&builder->edges, key.text, strlen(key.text), &is_new);
	if (is_new)
		*array_add(builder->arena, &builder->picture->edges) = edge;
	else if (edge.stuck)
		builder->picture->edges.items[id].stuck = true;
}

static void fill_task(struct builder *builder, uint32_t node, uint32_t task, uint32_t group)
{
	struct picture_node *of = at(builder, node);
	of->task = (int32_t)task;
	of->group = group;
	of->stuck = builder->in_circle[task];
	of->verdict =
		group != NONE ? builder->view->groups[group]->verdict : CORELEAKS_VERDICT_UNKNOWN;
}

/* The node of a task that others wait for, or that is in a circle. */
static uint32_t single_node(struct builder *builder, uint32_t task, uint32_t group)
{
	bool is_new;
	uint32_t node = node_of(builder, key_make("t%" PRIu32, task), &is_new);
	if (is_new) {
		fill_task(builder, node, task, group);
		at(builder, node)->num = 1;
	} else if (node != NONE && group != NONE && at(builder, node)->group == NONE) {
		fill_task(builder, node, task, group);
	}
	return node;
}

/* Who holds the object without being a task of the core. */
static uint32_t gone_node(struct builder *builder, const struct coreleaks_wait *wait)
{
	bool is_new;
	struct key key = wait->holder_id != 0 ? key_make("h%" PRId64, wait->holder_id)
					      : key_make("H%" PRIx64, wait->addr);
	uint32_t node = node_of(builder, key, &is_new);
	if (is_new) {
		at(builder, node)->task = -1;
		at(builder, node)->holder_id = wait->holder_id;
		at(builder, node)->num = 1;
		at(builder, node)->verdict = CORELEAKS_VERDICT_UNKNOWN;
	}
	return node;
}

static uint32_t holder_node(struct builder *builder, const struct coreleaks_wait *wait)
{
	if (wait->holder_task >= 0)
		return single_node(builder, (uint32_t)wait->holder_task, NONE);
	return gone_node(builder, wait);
}

static struct key object_key(const struct coreleaks_wait *wait)
{
	return key_make("%" PRIx64 " %.100s", wait->addr, wait->object);
}

static bool is_shared(struct builder *builder, const struct coreleaks_wait *wait)
{
	struct key key = object_key(wait);
	uint32_t id = intern_find(&builder->objects, key.text, strlen(key.text));
	return has_holder(wait) || (id != UINT32_MAX && builder->seen.items[id].shared);
}

/* What nobody holds and one group alone waits for is one node, however many they are. */
static uint32_t object_node(struct builder *builder, const struct coreleaks_wait *wait)
{
	bool is_new;
	bool shared = is_shared(builder, wait);
	struct key object = object_key(wait);
	struct key key = shared ? key_make("o%s", object.text)
				: key_make("g%" PRIu32 " %.100s", builder->group, wait->object);
	uint32_t node = node_of(builder, key, &is_new);
	if (node == NONE)
		return NONE;
	if (is_new) {
		*at(builder, node) = (struct picture_node){
			.is_object = true,
			.group = NONE,
			.task = -1,
			.verdict = CORELEAKS_VERDICT_UNKNOWN,
			.object = {.kind = wait->object,
				   .addr = wait->addr,
				   .symbol = wait->symbol,
				   .type = wait->type,
				   .certain = wait->certain},
		};
	}
	uint32_t id = intern_find(&builder->objects, object.text, strlen(object.text));
	if (id != UINT32_MAX && !builder->seen.items[id].drawn) {
		builder->seen.items[id].drawn = true;
		at(builder, node)->num++;
	}
	return node;
}

/* The tasks of one group that wait for one thing share a node. */
static uint32_t waiter_node(struct builder *builder, uint32_t task, uint32_t target)
{
	bool is_new;
	if (builder->is_single[task])
		return single_node(builder, task, builder->group);
	uint32_t node = node_of(builder, key_make("w%" PRIu32 " %" PRIu32, builder->group, target),
				&is_new);
	if (is_new)
		fill_task(builder, node, task, builder->group);
	if (node != NONE)
		at(builder, node)->num++;
	return node;
}

static void add_wait(struct builder *builder, uint32_t task)
{
	const struct coreleaks_wait *wait = view_wait(builder->view, task);
	bool joins = is_thread(wait) && has_holder(wait);
	bool held = has_holder(wait) && !joins;
	bool stuck = builder->in_circle[task] && wait->holder_task >= 0 &&
		     builder->in_circle[wait->holder_task];
	uint32_t target = joins ? holder_node(builder, wait) : object_node(builder, wait);
	uint32_t node = target != NONE ? waiter_node(builder, task, target) : NONE;
	if (node == NONE) {
		builder->picture->num_left_out++;
		return;
	}
	add_edge(builder, (struct picture_edge){node, target, false, joins, stuck});
	if (!joins)
		at(builder, target)->stuck = at(builder, target)->stuck || stuck;
	uint32_t holder = held ? holder_node(builder, wait) : NONE;
	if (holder != NONE)
		add_edge(builder, (struct picture_edge){target, holder, true, false, stuck});
}

static void mark_circles(struct builder *builder)
{
	const struct report_view *view = builder->view;
	for (uint32_t i = 0; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		if (strcmp(finding->rule, "deadlock-cycle") != 0 &&
		    strcmp(finding->rule, "self-deadlock") != 0)
			continue;
		for (uint32_t k = 0; k < finding->num_tasks; k++) {
			builder->in_circle[finding->tasks[k]] = true;
			builder->is_single[finding->tasks[k]] = true;
		}
	}
}

/* Which tasks others wait for, and which objects several groups do. */
static void look_around(struct builder *builder, uint32_t group, uint32_t task)
{
	const struct coreleaks_wait *wait = view_wait(builder->view, task);
	bool is_new;
	if (wait->object == NULL)
		return;
	if (wait->holder_task >= 0)
		builder->is_single[wait->holder_task] = true;
	struct key key = object_key(wait);
	uint32_t id = intern_add(&builder->objects, key.text, strlen(key.text), &is_new);
	if (is_new)
		array_add(builder->arena, &builder->seen)->waiter = group;
	else if (builder->seen.items[id].waiter != group)
		builder->seen.items[id].shared = true;
}

/* A group with a finding, of which nothing has been drawn. */
static void add_alone(struct builder *builder, uint32_t index)
{
	const struct coreleaks_group *group = builder->view->groups[index];
	bool is_new;
	if (group->verdict >= CORELEAKS_VERDICT_UNKNOWN || group->num_tasks == 0)
		return;
	for (uint32_t i = 0; i < group->num_tasks; i++)
		if (view_wait(builder->view, group->tasks[i])->object != NULL)
			return;
	uint32_t node = node_of(builder, key_make("a%" PRIu32, index), &is_new);
	if (node == NONE)
		return;
	fill_task(builder, node, group->tasks[0], index);
	at(builder, node)->num = group->num_tasks;
}

void wait_picture_build(struct wait_picture *ret, struct arena *arena,
			const struct report_view *view, uint32_t max_nodes)
{
	size_t num = (size_t)view->num_tasks + 1;
	struct wait_picture picture = {.num_left_out = 0};
	struct builder builder = {
		.arena = arena, .view = view, .picture = &picture, .max_nodes = max_nodes};
	builder.in_circle = arena_alloc_array(arena, num, sizeof(*builder.in_circle));
	builder.is_single = arena_alloc_array(arena, num, sizeof(*builder.is_single));
	intern_init(&builder.objects, arena);
	intern_init(&builder.nodes, arena);
	intern_init(&builder.edges, arena);
	mark_circles(&builder);
	for (uint32_t i = 0; i < view->num_shown_groups; i++)
		for (uint32_t k = 0; k < view->groups[i]->num_tasks; k++)
			look_around(&builder, i, view->groups[i]->tasks[k]);
	for (uint32_t i = 0; i < view->num_shown_groups; i++) {
		const struct coreleaks_group *group = view->groups[i];
		builder.group = i;
		for (uint32_t k = 0; k < group->num_tasks; k++)
			if (view_wait(view, group->tasks[k])->object != NULL)
				add_wait(&builder, group->tasks[k]);
		add_alone(&builder, i);
	}
	*ret = picture;
}

/* A name as it fits into a box. */
static const char *short_name(struct arena *arena, const char *name)
{
	const struct coreleaks_write_options options = {.width = 0};
	struct screen screen;
	screen_init(&screen, arena, &options);
	screen_name(&screen, STYLE_PLAIN, name, MAX_NAME);
	return screen.out.size > 0 ? screen.out.bytes : "";
}

static uint32_t object_lines(const struct picture_node *node, struct arena *arena,
			     const char *lines[3])
{
	const struct coreleaks_object *object = &node->object;
	const char *maybe = object->certain || strcmp(object->kind, "fd") == 0 ? "" : "perhaps a ";
	uint32_t num = 0;
	if (node->num > 1)
		lines[num++] = arena_format(arena, "%s × %s%s", words_number(arena, node->num),
					    maybe, short_name(arena, object->kind));
	else if (strcmp(object->kind, "fd") == 0)
		lines[num++] = arena_format(arena, "fd %" PRIu64, object->addr);
	else
		lines[num++] = arena_format(arena, "%s%s 0x%" PRIx64, maybe,
					    short_name(arena, object->kind), object->addr);
	if (node->num == 1 && object->symbol != NULL)
		lines[num++] = short_name(arena, object->symbol);
	if (object->type != NULL)
		lines[num++] = short_name(arena, object->type);
	return num;
}

uint32_t wait_picture_lines(const struct picture_node *node, struct arena *arena,
			    const struct report_view *view, const char *lines[3])
{
	uint32_t num = 0;
	if (node->is_object)
		return object_lines(node, arena, lines);
	if (node->task < 0) {
		lines[num++] = node->holder_id != 0
				       ? arena_format(arena, "thread %" PRId64, node->holder_id)
				       : "a thread";
		lines[num++] = "not in the core";
		return num;
	}
	const struct coreleaks_task *task = view_task(view, node->task);
	const struct coreleaks_frame *frame = user_frame_first(view_stack(view, task->stack_id));
	if (node->num == 1)
		lines[num++] = arena_format(arena, "%s %" PRId64, view_noun_of_kind(task->kind, 1),
					    task->id);
	else
		lines[num++] = arena_format(arena, "%s %s", words_number(arena, node->num),
					    view_noun_of_kind(task->kind, node->num));
	if (frame != NULL)
		lines[num++] =
			short_name(arena, words_short_name(samples_frame_name(arena, frame)));
	lines[num++] = short_name(arena, task->reason != NULL ? task->reason
							      : coreleaks_state_name(task->state));
	return num;
}
