#include "proof/publish.h"
#include "report/interrupted.h"

#include "base/intern.h"
#include "report/wait_words.h"
#include "report/words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool same_word(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int object_compare(const void *a, const void *b)
{
	const struct interrupted_object *x = a, *y = b;
	if (x->num_members != y->num_members)
		return x->num_members > y->num_members ? -1 : 1;
	if (x->object.addr != y->object.addr)
		return x->object.addr < y->object.addr ? -1 : 1;
	return strcmp(x->object.kind, y->object.kind);
}

static void count_object(struct arena *arena, const struct coreleaks_wait *wait,
			 struct intern *seen, struct interrupted_object *objects)
{
	bool is_new;
	if (wait->object == NULL)
		return;
	const char *key = arena_format(arena, "%s %" PRIx64, wait->object, wait->addr);
	struct interrupted_object *object = &objects[intern_add(seen, key, strlen(key), &is_new)];
	if (is_new)
		object->object = publish_object_of(wait);
	object->num_members++;
}

struct interrupted_group interrupted_of_group(struct arena *arena, const struct report_view *view,
					      const struct coreleaks_group *group)
{
	struct interrupted_group result = {0};
	struct intern seen;
	for (uint32_t i = 0; i < group->num_tasks; i++)
		result.num_tasks += view_wait(view, group->tasks[i])->interrupted != NULL;
	if (result.num_tasks == 0)
		return result;
	intern_init(&seen, arena);
	result.objects = arena_alloc_array(arena, result.num_tasks, sizeof(*result.objects));
	for (uint32_t i = 0, num = 0; i < group->num_tasks; i++) {
		const struct coreleaks_wait *wait = view_wait(view, group->tasks[i])->interrupted;
		if (wait == NULL)
			continue;
		if (num++ == 0)
			result.reason = wait->reason;
		result.differ |= !same_word(result.reason, wait->reason);
		count_object(arena, wait, &seen, result.objects);
	}
	if (result.differ)
		result.reason = NULL;
	result.num_objects = seen.keys.num;
	if (result.num_objects > 1)
		qsort(result.objects, result.num_objects, sizeof(*result.objects), object_compare);
	return result;
}

/* "mutex 0x55d0, held by thread 4720", "read on fd 5", "join of thread 4711" */
static void add_object(struct text *text, const struct report_view *view, const char *reason,
		       const struct coreleaks_object *object)
{
	const char *holder = wait_words_holder(text->arena, view, object);
	if (strcmp(object->kind, "thread") == 0) {
		text_add(text, "join of ");
		if (object->holder_id != 0)
			text_addf(text, "thread %" PRId64, object->holder_id);
		else
			text_addf(text, "the thread 0x%" PRIx64, object->addr);
		return;
	}
	if (!object->certain)
		text_add(text, "what ");
	else if (reason != NULL && strcmp(reason, object->kind) != 0)
		text_addf(text, "%s on ", reason);
	text_add(text, wait_words_object(text->arena, object));
	if (holder != NULL)
		text_addf(text, ", %s", holder);
}

static void add_reason(struct text *text, const char *reason)
{
	text_add(text, reason != NULL ? reason : "unknown");
}

const char *interrupted_words_task(struct arena *arena, const struct report_view *view,
				   uint32_t task)
{
	const struct coreleaks_wait *wait = view_wait(view, task)->interrupted;
	struct text text;
	if (wait == NULL)
		return NULL;
	const char *timeout = wait_words_timeout(arena, wait);
	const struct coreleaks_object object = publish_object_of(wait);
	text_init(&text, arena);
	text_add(&text, "in signal handler (was: ");
	if (object.kind != NULL)
		add_object(&text, view, wait->reason, &object);
	else
		add_reason(&text, wait->reason);
	if (wait->mutex_addr != 0)
		text_addf(&text, ", having given up mutex 0x%" PRIx64, wait->mutex_addr);
	if (timeout != NULL)
		text_addf(&text, ", %s", timeout);
	if (wait->waking)
		text_add(&text, "; the word it slept on has changed since");
	text_add(&text, ")");
	return text.bytes;
}

const char *interrupted_words_group(struct arena *arena, const struct report_view *view,
				    const struct coreleaks_group *group)
{
	struct interrupted_group them = interrupted_of_group(arena, view, group);
	struct text text;
	if (them.num_tasks == 0)
		return NULL;
	if (group->num_tasks == 1)
		return interrupted_words_task(arena, view, group->tasks[0]);
	text_init(&text, arena);
	if (them.num_tasks == group->num_tasks)
		text_add(&text, "in signal handlers (");
	else
		text_addf(&text, "%s in signal handlers (", words_number(arena, them.num_tasks));
	text_add(&text, "were: ");
	if (them.differ)
		text_add(&text, "different things");
	else if (them.num_objects > 0)
		add_object(&text, view, them.reason, &them.objects[0].object);
	else
		add_reason(&text, them.reason);
	if (!them.differ && them.num_objects > 1)
		text_addf(&text, "; and %s more", words_number(arena, them.num_objects - 1));
	text_add(&text, ")");
	return text.bytes;
}
