#include "group/groups.h"

#include "base/intern.h"
#include "base/range.h"
#include "group/filter.h"
#include "group/kin.h"
#include "group/signature.h"
#include "group/system_threads.h"
#include "group/task_order.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* All that keeps two tasks apart; one small hash a task. */
struct group_key {
	uint32_t shape; /* of the canonical bytes of its stack, its own key, or its object */
	uint32_t kind;
	uint32_t state;
	uint32_t reason; /* id in texts, from 1; 0 unknown */
	uint32_t object; /* the same */
	uint32_t timed;
	uint32_t interrupted; /* the same, of what a signal interrupted; 0 nothing */
	uint32_t creator;     /* of goroutines: id in shapes, from 1; 0 unknown */
	uint32_t system;      /* 1 + that of reasons; 0 the program's own */
	uint32_t hidden_by;   /* the same, of the option that hides the task; 0 shown */
};

/* How many members of a group have a certain stack. */
struct group_stack {
	uint32_t group, stack_id;
};

/* Where a task went. */
struct recent {
	const struct coreleaks_task *row; /* NULL: none yet */
	uint32_t task;
	uint32_t group, stack_count; /* indexes */
};

enum { NUM_RECENT = 256 };

struct groups_work {
	struct arena *arena;
	const struct groups_input *input;
	struct groups *groups; /* in order of arrival, until sorted */
	struct text bytes;
	struct intern shapes;  /* canonical bytes */
	struct intern reasons; /* texts */
	struct intern keys;    /* struct group_key -> index of groups */
	struct intern stacks;  /* struct group_stack -> index of stack_counts */
	struct {
		uint32_t *items;
		uint32_t num, capacity;
	} stack_counts;
	const struct runtime **systems; /* parallel to tasks */
	const char **kin_hiders;	/* the same, or NULL */
	struct intern creations;	/* address of a goroutine's coreleaks_creation -> index */
	struct {
		uint32_t *items; /* parallel: id in shapes */
		uint32_t num, capacity;
	} creation_shapes;
	uint32_t *shape_by_stack;	  /* the last one stands for a task without a stack */
	struct recent recent[NUM_RECENT]; /* by stack */
};

const struct coreleaks_stack *groups_stack(const struct groups_input *input, uint32_t stack_id)
{
	static const struct coreleaks_stack none = {.end = CORELEAKS_STACK_UNREADABLE};
	return stack_id < input->num_stacks ? &input->stacks[stack_id] : &none;
}

static uint32_t groups_stack_slot(const struct groups_input *input, uint32_t stack_id)
{
	return stack_id < input->num_stacks ? stack_id : input->num_stacks;
}

static enum signature_detail groups_detail(const struct coreleaks_options *options)
{
	if (options->group_by == CORELEAKS_GROUP_BY_FUNCTION)
		return SIGNATURE_FUNCTION;
	if (options->group_by == CORELEAKS_GROUP_BY_PC)
		return SIGNATURE_PC;
	return SIGNATURE_LINE;
}

static void groups_find_shapes(struct groups_work *work)
{
	const struct groups_input *input = work->input;
	enum signature_detail detail = groups_detail(input->options);
	work->shape_by_stack = arena_alloc_array(work->arena, (size_t)input->num_stacks + 1,
						 sizeof(*work->shape_by_stack));
	for (uint32_t i = 0; i <= input->num_stacks; i++) {
		text_clear(&work->bytes);
		signature_add_stack(&work->bytes, groups_stack(input, i), detail);
		work->shape_by_stack[i] =
			intern_add(&work->shapes, work->bytes.bytes, work->bytes.size, NULL);
	}
}

/* The text that the user's callback gives for a task. */
static uint32_t groups_user_shape(struct groups_work *work, uint32_t task)
{
	const struct coreleaks_options *options = work->input->options;
	const char *key = NULL;
	if (options->group_key != NULL)
		key = options->group_key(options->group_key_data, work->input->analysis, task);
	return intern_add_text(&work->shapes, key != NULL ? key : "");
}

/* The index of the count. */
static uint32_t groups_stack_count(struct groups_work *work, uint32_t group, uint32_t stack_id)
{
	struct group_stack pair = {group, groups_stack_slot(work->input, stack_id)};
	bool is_new;
	uint32_t id = intern_add(&work->stacks, &pair, sizeof(pair), &is_new);
	if (is_new)
		array_add(work->arena, &work->stack_counts);
	return id;
}

/* Kind and address of the task's object; none for tasks without one. */
static uint32_t groups_object_shape(struct groups_work *work, uint32_t task)
{
	const struct coreleaks_wait *wait = work->input->waits[task];
	text_clear(&work->bytes);
	if (wait->object != NULL)
		text_addf(&work->bytes, "%s 0x%" PRIx64, wait->object, wait->addr);
	/* And all other channels of a select. */
	for (uint32_t i = 0; i < wait->num_cases; i++)
		if (wait->cases[i].channel != NULL && wait->cases[i].channel != wait->go)
			text_addf(&work->bytes, " 0x%" PRIx64, wait->cases[i].channel->addr);
	return intern_add_text(&work->shapes, work->bytes.bytes);
}

/* What the task did before a signal came whose handler it is in; NULL: it is in none. */
static const char *groups_interrupted(const struct groups_input *input, uint32_t task)
{
	const struct coreleaks_wait *interrupted = input->waits[task]->interrupted;
	if (interrupted == NULL)
		return NULL;
	return interrupted->reason != NULL ? interrupted->reason : "unknown";
}

/* The place that creates the task, as far as it is known. */
static void groups_add_creation(struct text *out, const struct coreleaks_creation *creation,
				enum signature_detail detail)
{
	if (creation == NULL)
		return;
	if (creation->frame == NULL) {
		text_addf(out, "one of %" PRIu32, creation->num_places);
		return;
	}
	const struct coreleaks_stack stack = {.frames = creation->frame, .num_frames = 1};
	signature_add_stack(out, &stack, detail);
}

/* Goroutines of one stack that different places made are different groups. Their creations are few
 * and shared: each is looked at once. */
static uint32_t groups_goroutine_creator(struct groups_work *work,
					 const struct coreleaks_creation *creation)
{
	bool is_new;
	if (creation == NULL)
		return 0;
	uint32_t id = intern_add(&work->creations, &creation, sizeof(creation), &is_new);
	if (is_new) {
		text_clear(&work->bytes);
		groups_add_creation(&work->bytes, creation, groups_detail(work->input->options));
		*array_add(work->arena, &work->creation_shapes) =
			intern_add(&work->shapes, work->bytes.bytes, work->bytes.size, NULL);
	}
	return work->creation_shapes.items[id] + 1;
}

static uint32_t groups_creator_shape(struct groups_work *work, uint32_t task)
{
	text_clear(&work->bytes);
	groups_add_creation(&work->bytes, groups_task(work->input, task)->creation, SIGNATURE_LINE);
	return intern_add(&work->shapes, work->bytes.bytes, work->bytes.size, NULL);
}

/* NULL: the task has no such label. */
static const char *groups_label(const struct groups_input *input, uint32_t task)
{
	const char *key = input->options->group_label;
	return filter_label(groups_task(input, task), key, strlen(key));
}

/* "KEY=VALUE", or that there is no such label: an empty one is something else. */
static uint32_t groups_label_shape(struct groups_work *work, uint32_t task)
{
	const char *key = work->input->options->group_label;
	const char *value = groups_label(work->input, task);
	text_clear(&work->bytes);
	text_addf(&work->bytes, "%s%s%s", value != NULL ? key : "no label ",
		  value != NULL ? "=" : key, value != NULL ? value : "");
	return intern_add_text(&work->shapes, work->bytes.bytes);
}

/* The option that hides this task, whatever its group; NULL none. */
static const char *groups_hider(const struct groups_work *work, uint32_t index)
{
	if (work->kin_hiders != NULL && work->kin_hiders[index] != NULL)
		return work->kin_hiders[index];
	return filter_task(work->input->options, groups_task(work->input, index));
}

static struct group_key groups_key(struct groups_work *work, uint32_t index)
{
	const struct coreleaks_task *task = groups_task(work->input, index);
	enum coreleaks_group_by by = work->input->options->group_by;
	struct group_key key = {
		.kind = (uint32_t)task->kind,
		.state = (uint32_t)task->state,
	};
	uint32_t reason = 0;
	if (work->systems[index] != NULL)
		key.system = intern_add_text(&work->reasons, work->systems[index]->name) + 1;
	const char *hider = groups_hider(work, index);
	if (hider != NULL)
		key.hidden_by = intern_add_text(&work->reasons, hider) + 1;
	if (task->reason != NULL)
		reason = intern_add_text(&work->reasons, task->reason) + 1;
	if (by == CORELEAKS_GROUP_BY_OBJECT) {
		key.shape = groups_object_shape(work, index);
		key.reason = task->object == NULL ? reason : 0;
		return key;
	}
	if (by == CORELEAKS_GROUP_BY_CREATOR) {
		key.shape = groups_creator_shape(work, index);
		return key;
	}
	if (by == CORELEAKS_GROUP_BY_LABEL) {
		key.shape = groups_label_shape(work, index);
		return key;
	}
	key.reason = reason;
	if (by == CORELEAKS_GROUP_BY_REASON)
		return key;
	key.shape = by == CORELEAKS_GROUP_BY_KEY
			    ? groups_user_shape(work, index)
			    : work->shape_by_stack[groups_stack_slot(work->input, task->stack_id)];
	if (task->object != NULL)
		key.object = intern_add_text(&work->reasons, task->object) + 1;
	key.timed = task->timed;
	if (task->kind == CORELEAKS_KIND_GOROUTINE && by != CORELEAKS_GROUP_BY_KEY)
		key.creator = groups_goroutine_creator(work, task->creation);
	const char *interrupted = groups_interrupted(work->input, index);
	if (interrupted != NULL)
		key.interrupted = intern_add_text(&work->reasons, interrupted) + 1;
	return key;
}

void group_add_memory(struct group *group, const struct coreleaks_task *task)
{
	group->stack_size = size_sum(group->stack_size, task->stack_size);
	group->stack_reserved_size =
		size_sum(group->stack_reserved_size, task->stack_reserved_size);
	group->stack_resident_size =
		size_sum(group->stack_resident_size, task->stack_resident_size);
}

static bool same_word(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The index of the task's group, which is made when it is the first of its kind. */
static uint32_t groups_find(struct groups_work *work, uint32_t index)
{
	const struct coreleaks_task *task = groups_task(work->input, index);
	enum coreleaks_group_by by = work->input->options->group_by;
	bool by_key = by == CORELEAKS_GROUP_BY_KEY || by == CORELEAKS_GROUP_BY_LABEL;
	struct group_key key = groups_key(work, index);
	bool is_new;
	uint32_t id = intern_add(&work->keys, &key, sizeof(key), &is_new);
	if (is_new) {
		struct group *group = array_add(work->arena, &work->groups->list);
		group->kind = task->kind;
		group->state = task->state;
		group->reason = task->reason;
		group->object = task->object;
		group->timed = task->timed;
		group->system = work->systems[index] != NULL ? work->systems[index]->name : NULL;
		group->creation = task->creation;
		group->hidden_by = groups_hider(work, index);
		group->has_label =
			by == CORELEAKS_GROUP_BY_LABEL && groups_label(work->input, index) != NULL;
		group->key = by_key ? intern_text(&work->shapes, key.shape) : NULL;
	}
	return id;
}

/* All that a task's place under the three ways to group by stacks depends on. */
static bool groups_is_recent(const struct groups_work *work, const struct recent *recent,
			     uint32_t index)
{
	const struct coreleaks_task *a = groups_task(work->input, index), *b = recent->row;
	const struct coreleaks_wait *const *waits = work->input->waits;
	bool alike = b != NULL && (a == b || (a->stack_id == b->stack_id && a->kind == b->kind &&
					      a->state == b->state && a->reason == b->reason &&
					      a->object == b->object && a->timed == b->timed &&
					      a->creation == b->creation));
	return alike && groups_hider(work, index) == groups_hider(work, recent->task) &&
	       work->systems[index] == work->systems[recent->task] &&
	       waits[index]->interrupted == waits[recent->task]->interrupted;
}

/* The place of the task, remembered for those that are equal to it in all that counts. */
static const struct recent *groups_recent(struct groups_work *work, uint32_t index)
{
	const struct coreleaks_task *task = groups_task(work->input, index);
	struct recent *recent = &work->recent[task->stack_id % NUM_RECENT];
	enum coreleaks_group_by by = work->input->options->group_by;
	bool by_stack = by == CORELEAKS_GROUP_BY_LINE || by == CORELEAKS_GROUP_BY_FUNCTION ||
			by == CORELEAKS_GROUP_BY_PC;
	if (!by_stack || !groups_is_recent(work, recent, index)) {
		uint32_t group = groups_find(work, index);
		*recent = (struct recent){
			.row = task,
			.task = index,
			.group = group,
			.stack_count = groups_stack_count(work, group, task->stack_id),
		};
	}
	return recent;
}

static uint32_t groups_place(struct groups_work *work, uint32_t index)
{
	const struct coreleaks_task *task = groups_task(work->input, index);
	enum coreleaks_group_by by = work->input->options->group_by;
	const struct recent *place = groups_recent(work, index);
	struct group *group = &work->groups->list.items[place->group];
	group->timed &= task->timed;
	/* One object can have readers and writers: then its kind is all that they share. */
	if (!same_word(group->reason, task->reason))
		group->reason = by == CORELEAKS_GROUP_BY_OBJECT ? group->object : NULL;
	if (by != CORELEAKS_GROUP_BY_CREATOR && group->creation != task->creation)
		group->creation = NULL;
	if (!same_word(group->object, task->object))
		group->object = NULL;
	group->num_tasks++;
	group_add_memory(group, task);
	work->stack_counts.items[place->stack_count]++;
	return place->group;
}

/* For each task its group, or UINT32_MAX when the user left it out. */
static uint32_t *groups_place_all(struct groups_work *work)
{
	const struct groups_input *input = work->input;
	const struct coreleaks_options *options = input->options;
	uint32_t *result = arena_alloc_array(work->arena, input->num_tasks, sizeof(*result));
	for (uint32_t i = 0; i < input->num_tasks; i++) {
		if (options->select_task != NULL &&
		    !options->select_task(options->select_task_data, input->analysis, i)) {
			work->groups->num_deselected++;
			result[i] = UINT32_MAX;
		} else {
			result[i] = groups_place(work, i);
		}
	}
	return result;
}

/* Hands the tasks to their groups in ascending order, and counts them by kind. */
static void groups_fill(struct groups_work *work, const uint32_t *group_by_task)
{
	const struct groups_input *input = work->input;
	struct groups *groups = work->groups;
	uint64_t num_by_kind[2] = {0, 0};
	const struct task_order *order = task_order_build(work->arena, input);
	for (uint32_t i = 0; i < input->num_tasks; i++)
		num_by_kind[groups_task(input, i)->kind == CORELEAKS_KIND_GOROUTINE]++;
	for (uint32_t i = 0; i < groups->list.num; i++) {
		struct group *group = &groups->list.items[i];
		group->tasks =
			arena_alloc_array(work->arena, group->num_tasks, sizeof(*group->tasks));
		group->share = (double)group->num_tasks /
			       (double)num_by_kind[group->kind == CORELEAKS_KIND_GOROUTINE];
		group->num_tasks = 0;
	}
	for (uint32_t i = 0; i < input->num_tasks; i++) {
		if (group_by_task[order[i].index] == UINT32_MAX)
			continue;
		struct group *group = &groups->list.items[group_by_task[order[i].index]];
		group->tasks[group->num_tasks++] = order[i].index;
	}
	task_order_drop(work->arena, order, input->num_tasks);
}

/* The stack that most members have stands for the group. */
static void groups_choose_stacks(struct groups_work *work)
{
	uint32_t *best = arena_alloc_array(work->arena, work->groups->list.num, sizeof(*best));
	for (uint32_t i = 0; i < work->stack_counts.num; i++) {
		struct group_stack pair;
		memcpy(&pair, work->stacks.keys.items[i].bytes, sizeof(pair));
		uint32_t count = work->stack_counts.items[i];
		struct group *group = &work->groups->list.items[pair.group];
		if (count > best[pair.group] ||
		    (count == best[pair.group] && pair.stack_id < group->stack_id)) {
			best[pair.group] = count;
			group->stack_id = pair.stack_id;
		}
	}
}

/* What makes the group's tasks equal, as far as it is no stack. */
static void groups_sign_by(struct groups_work *work, const struct group *group,
			   struct signature_parts *parts)
{
	enum coreleaks_group_by by = work->input->options->group_by;
	parts->by = by == CORELEAKS_GROUP_BY_KEY       ? "key"
		    : by == CORELEAKS_GROUP_BY_LABEL   ? "label"
		    : by == CORELEAKS_GROUP_BY_REASON  ? "reason"
		    : by == CORELEAKS_GROUP_BY_OBJECT  ? "object"
		    : by == CORELEAKS_GROUP_BY_CREATOR ? "creator"
						       : "stack";
	/* Where the stack is not signed, this is what kept it apart from other tasks. */
	if (group->system != NULL && strcmp(parts->by, "stack") != 0)
		parts->by = arena_format(work->arena, "%s, %s", parts->by, group->system);
	if (by != CORELEAKS_GROUP_BY_REASON && by != CORELEAKS_GROUP_BY_OBJECT &&
	    by != CORELEAKS_GROUP_BY_CREATOR && by != CORELEAKS_GROUP_BY_LABEL)
		return;
	parts->timed = false;
	parts->interrupted = NULL;
	if (by == CORELEAKS_GROUP_BY_CREATOR || by == CORELEAKS_GROUP_BY_LABEL) {
		parts->reason = parts->object = NULL;
		return;
	}
	parts->size = 0;
	if (by == CORELEAKS_GROUP_BY_REASON || group->object == NULL) {
		parts->object = NULL;
		return;
	}
	const struct coreleaks_wait *wait = work->input->waits[group->tasks[0]];
	parts->reason = NULL;
	text_clear(&work->bytes);
	if (wait->symbol != NULL)
		text_add(&work->bytes, wait->symbol);
	else
		text_addf(&work->bytes, "0x%" PRIx64, wait->addr);
	parts->bytes = work->bytes.bytes;
	parts->size = work->bytes.size;
}

/* The signature that the group's stack gives in this detail. */
static const char *groups_sign_stack(struct groups_work *work, struct text *scratch,
				     struct signature_parts *parts, const struct group *group,
				     enum signature_detail detail)
{
	text_clear(&work->bytes);
	signature_add_stack(&work->bytes, groups_stack(work->input, group->stack_id), detail);
	if (group->kind == CORELEAKS_KIND_GOROUTINE)
		groups_add_creation(&work->bytes, group->creation, detail);
	parts->bytes = work->bytes.bytes;
	parts->size = work->bytes.size;
	return signature_make(scratch, parts);
}

static void groups_sign(struct groups_work *work)
{
	struct text scratch;
	text_init(&scratch, work->arena);
	for (uint32_t i = 0; i < work->groups->list.num; i++) {
		struct group *group = &work->groups->list.items[i];
		const struct group_key *key = work->keys.keys.items[i].bytes;
		const struct intern_key *shape = &work->shapes.keys.items[key->shape];
		struct signature_parts parts = {
			.kind = group->kind,
			.state = group->state,
			.reason = group->reason,
			.object = group->object,
			.timed = group->timed,
			.interrupted = groups_interrupted(work->input, group->tasks[0]),
			.bytes = shape->bytes,
			.size = shape->size,
		};
		groups_sign_by(work, group, &parts);
		bool by_stack = strcmp(parts.by, "stack") == 0;
		group->signature = by_stack ? groups_sign_stack(work, &scratch, &parts, group,
								groups_detail(work->input->options))
					    : signature_make(&scratch, &parts);
		if (strcmp(parts.by, "creator") == 0) {
			text_clear(&work->bytes);
			groups_add_creation(&work->bytes, group->creation, SIGNATURE_LOOSE);
			parts.bytes = work->bytes.bytes;
			parts.size = work->bytes.size;
		}
		group->loose_signature =
			by_stack ? groups_sign_stack(work, &scratch, &parts, group, SIGNATURE_LOOSE)
				 : signature_make(&scratch, &parts);
	}
}

uint32_t group_count(const struct group *group)
{
	return group->num_pthreads != 0 ? group->num_pthreads : group->num_tasks;
}

/* Finished threads are grouped already. */
static void groups_add_finished(struct groups_work *work)
{
	/* A thread that is none any more has no label, and waits for nothing. */
	const struct coreleaks_task nobody = {.kind = CORELEAKS_KIND_THREAD, .wait_ns = -1};
	const char *hider = kin_hider_of_none(work->input->options);
	if (hider == NULL)
		hider = filter_task(work->input->options, &nobody);
	struct text scratch;
	text_init(&scratch, work->arena);
	for (uint32_t i = 0; i < work->input->num_finished; i++) {
		const struct finished_threads *finished = &work->input->finished[i];
		struct group group = {
			.kind = CORELEAKS_KIND_THREAD,
			.state = CORELEAKS_STATE_EXITED,
			.pthreads = finished->pthreads,
			.num_pthreads = finished->num,
			.stack_reserved_size = finished->stack_reserved_size,
			.stack_resident_size = finished->stack_resident_size,
			.stack_id = finished->stack_id,
			.creation = finished->creation,
			.hidden_by = hider,
		};
		struct signature_parts parts = {
			.kind = group.kind,
			.state = group.state,
			.by = "stack",
		};
		group.signature = groups_sign_stack(work, &scratch, &parts, &group, SIGNATURE_LINE);
		group.loose_signature =
			groups_sign_stack(work, &scratch, &parts, &group, SIGNATURE_LOOSE);
		*array_add(work->arena, &work->groups->list) = group;
	}
}

static int group_compare(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	if (group_count(x) != group_count(y))
		return group_count(x) > group_count(y) ? -1 : 1;
	int order = strcmp(x->signature, y->signature);
	if (order != 0 || x->num_tasks == 0 || y->num_tasks == 0)
		return order;
	return (x->tasks[0] > y->tasks[0]) - (x->tasks[0] < y->tasks[0]);
}

struct coreleaks_error *groups_build(struct groups *ret, struct arena *arena,
				     const struct groups_input *input)
{
	struct groups result = {0};
	struct groups_work work = {.arena = arena, .input = input, .groups = &result};
	text_init(&work.bytes, arena);
	intern_init(&work.shapes, arena);
	intern_init(&work.reasons, arena);
	intern_init(&work.keys, arena);
	intern_init(&work.stacks, arena);
	intern_init(&work.creations, arena);
	work.systems = system_threads_build(arena, input);
	struct coreleaks_error *error = kin_hiders(&work.kin_hiders, arena, input);
	if (error != NULL)
		return error;
	groups_find_shapes(&work);
	uint32_t *group_by_task = groups_place_all(&work);
	groups_fill(&work, group_by_task);
	arena_drop(arena, group_by_task, input->num_tasks * sizeof(*group_by_task));
	arena_drop(arena, work.systems, input->num_tasks * sizeof(const struct runtime *));
	groups_choose_stacks(&work);
	groups_sign(&work);
	groups_add_finished(&work);
	if (result.list.num > 0)
		qsort(result.list.items, result.list.num, sizeof(*result.list.items),
		      group_compare);
	error = filter_groups(&result, arena, input);
	if (error == NULL)
		*ret = result;
	return error;
}
