#include "report/wait_words.h"

#include "group/user_frame.h"
#include "proof/publish.h"
#include "report/go_wait_words.h"
#include "report/interrupted.h"
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

static bool is_kind(const char *kind, const char *wanted)
{
	return kind != NULL && strcmp(kind, wanted) == 0;
}

const char *wait_words_object(struct arena *arena, const struct coreleaks_object *object)
{
	struct text text;
	if (is_kind(object->kind, "fd"))
		return arena_format(arena, "fd %" PRIu64, object->addr);
	text_init(&text, arena);
	if (object->certain)
		text_addf(&text, "%s 0x%" PRIx64, object->kind, object->addr);
	else
		text_addf(&text, "looks like a %s at 0x%" PRIx64, object->kind, object->addr);
	if (object->symbol != NULL && object->type != NULL)
		text_addf(&text, " (%s, %s)", object->symbol, object->type);
	else if (object->symbol != NULL || object->type != NULL)
		text_addf(&text, " (%s)", object->symbol != NULL ? object->symbol : object->type);
	return text.bytes;
}

struct coreleaks_object wait_words_of_go(const struct coreleaks_go_object *go)
{
	return (struct coreleaks_object){
		.kind = go->kind,
		.addr = go->addr,
		.type = go->type,
		.certain = true,
		.num_waiters = go->num_waiters,
		.holder_task = -1,
		.candidates_known = go->candidates_known,
		.candidates = go->candidates,
		.num_candidates = go->num_candidates,
		.num_all_candidates = go->num_all_candidates,
		.go = go,
	};
}

struct coreleaks_object wait_words_of(const struct report_view *view, uint32_t task)
{
	return publish_object_of(view_wait(view, task));
}

/* A finding says so; without one it may be a thread of another process. */
static bool owner_is_gone(const struct report_view *view, const struct coreleaks_object *object)
{
	if (object->holder_exited)
		return true;
	for (uint32_t i = 0; i < view->num_findings; i++) {
		const struct coreleaks_finding *finding = view->findings[i];
		if (strcmp(finding->rule, "abandoned-lock") == 0 && finding->num_tasks > 0 &&
		    view_wait(view, finding->tasks[0])->addr == object->addr)
			return true;
	}
	return false;
}

const char *wait_words_holder(struct arena *arena, const struct report_view *view,
			      const struct coreleaks_object *object)
{
	if (object->holder_task >= 0)
		return arena_format(arena, "held by thread %" PRId64,
				    view_task(view, object->holder_task)->id);
	if (object->holder_id == 0)
		return object->holder_exited ? "held by a thread that has ended" : NULL;
	return arena_format(arena, "held by thread %" PRId64 ", %s", object->holder_id,
			    owner_is_gone(view, object) ? "which has ended"
							: "which the core does not have");
}

const char *wait_words_timeout(struct arena *arena, const struct coreleaks_wait *wait)
{
	if (wait->timeout_kind == NULL)
		return NULL;
	if (wait->timeout_ns <= 0)
		return "with a time limit";
	if (strcmp(wait->timeout_kind, "remaining") == 0)
		return arena_format(arena, "for at most %s more",
				    words_duration(arena, wait->timeout_ns));
	if (strcmp(wait->timeout_kind, "realtime") == 0) {
		const char *when = words_time(arena, wait->timeout_ns / 1000000000);
		if (when != NULL)
			return arena_format(arena, "until %s", when);
	}
	/* Linux counts it from its own start; the core does not tell how long that is ago. */
	if (strcmp(wait->timeout_kind, "monotonic") == 0)
		return arena_format(arena, "until %s after the machine's start",
				    words_duration(arena, wait->timeout_ns));
	return arena_format(arena, "until %" PRId64 ".%" PRId64 " s on the %s clock",
			    wait->timeout_ns / 1000000000,
			    wait->timeout_ns % 1000000000 / 100000000, wait->timeout_kind);
}

/* "joins thread 4711" */
static const char *joins(struct arena *arena, const struct report_view *view,
			 const struct coreleaks_object *object)
{
	if (object->holder_task >= 0)
		return arena_format(arena, "joins thread %" PRId64,
				    view_task(view, object->holder_task)->id);
	if (object->holder_id != 0)
		return arena_format(arena, "joins thread %" PRId64, object->holder_id);
	return arena_format(arena, "joins the thread 0x%" PRIx64, object->addr);
}

static void add_holder(struct text *text, const struct report_view *view,
		       const struct coreleaks_object *object)
{
	const char *holder = wait_words_holder(text->arena, view, object);
	if (holder != NULL)
		text_addf(text, ", %s", holder);
}

static const char *running(struct arena *arena, const struct report_view *view, uint32_t task)
{
	const struct coreleaks_frame *frame =
		user_frame_first(view_stack(view, view_alike(view, task)->stack_id));
	if (frame == NULL || frame->function == NULL)
		return "running";
	return arena_format(arena, "running in %s", frame->function);
}

/* Waits on an object. */
static void add_wait_on(struct text *text, const struct report_view *view, uint32_t task)
{
	const struct coreleaks_wait *wait = view_wait(view, task);
	const struct coreleaks_object object = wait_words_of(view, task);
	if (is_kind(wait->object, "thread")) {
		text_add(text, joins(text->arena, view, &object));
		return;
	}
	text_addf(text, "waits for %s%s",
		  object.certain || is_kind(object.kind, "fd") ? "" : "what ",
		  wait_words_object(text->arena, &object));
	if (is_kind(wait->object, "fd"))
		text_addf(text, " (%s)",
			  view_alike(view, task)->reason != NULL ? view_alike(view, task)->reason
								 : "?");
	add_holder(text, view, &object);
	if (wait->mutex_addr != 0)
		text_addf(text, ", having given up mutex 0x%" PRIx64, wait->mutex_addr);
}

const char *wait_words_edge(struct arena *arena, const struct report_view *view, uint32_t task)
{
	struct text text;
	text_init(&text, arena);
	add_wait_on(&text, view, task);
	return text.bytes;
}

static void add_task(struct text *text, const struct report_view *view, uint32_t task)
{
	const struct coreleaks_task *about = view_task(view, task);
	const struct coreleaks_wait *wait = view_wait(view, task);
	const char *timeout = wait_words_timeout(text->arena, wait);
	const char *go = go_wait_words_task(text->arena, view, task);
	if (go != NULL) {
		text_add(text, go);
		return;
	}
	if (about->state == CORELEAKS_STATE_RUNNING) {
		text_addf(text, "is %s", running(text->arena, view, task));
		return;
	}
	if (wait->object != NULL)
		add_wait_on(text, view, task);
	else if (is_kind(about->reason, "sleep"))
		text_add(text, "sleeps");
	else
		text_addf(text, "waits: %s",
			  about->reason != NULL ? about->reason : "it is unknown for what");
	if (timeout != NULL)
		text_addf(text, ", %s", timeout);
	else if (wait->object != NULL)
		text_add(text, ", without a time limit");
	if (wait->waking)
		text_add(text, "; waking: its wake-up is under way");
}

const char *wait_words_task(struct arena *arena, const struct report_view *view, uint32_t task)
{
	const char *interrupted = interrupted_words_task(arena, view, task);
	struct text text;
	text_init(&text, arena);
	add_task(&text, view, task);
	if (interrupted != NULL)
		text_addf(&text, "; %s", interrupted);
	return text.bytes;
}

const char *wait_words_state(struct arena *arena, const struct report_view *view, uint32_t task)
{
	const struct coreleaks_task *about = view_task(view, task);
	const struct coreleaks_wait *wait = view_wait(view, task);
	const struct coreleaks_object object = wait_words_of(view, task);
	const char *timeout = wait_words_timeout(arena, wait);
	struct text text;
	if (about->state == CORELEAKS_STATE_RUNNING)
		return running(arena, view, task);
	text_init(&text, arena);
	if (is_kind(wait->object, "thread")) {
		text_add(&text, joins(arena, view, &object));
	} else if (wait->object != NULL && is_kind(about->reason, wait->object)) {
		text_add(&text, wait_words_object(arena, &object));
	} else {
		text_add(&text,
			 about->reason != NULL ? about->reason : "waiting, unknown for what");
		if (wait->object != NULL)
			text_addf(&text, ", %s", wait_words_object(arena, &object));
	}
	if (wait->object != NULL && !is_kind(wait->object, "thread"))
		add_holder(&text, view, &object);
	if (timeout != NULL)
		text_addf(&text, ", %s", timeout);
	if (wait->waking)
		text_add(&text, ", waking");
	return text.bytes;
}

/* The longest of the members' time limits, when all have the same kind of one. */
static const struct coreleaks_wait *longest_wait(const struct report_view *view,
						 const struct coreleaks_group *group)
{
	const struct coreleaks_wait *longest = NULL;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		const struct coreleaks_wait *wait = view_wait(view, group->tasks[i]);
		if (wait->timeout_kind == NULL)
			return NULL;
		if (longest != NULL && strcmp(longest->timeout_kind, wait->timeout_kind) != 0)
			return NULL;
		if (longest == NULL || wait->timeout_ns > longest->timeout_ns)
			longest = wait;
	}
	return longest;
}

/* "mutexes" */
static const char *plural(struct arena *arena, const char *noun, uint32_t num)
{
	size_t size = strlen(noun);
	if (num == 1)
		return noun;
	return arena_format(arena, "%s%s", noun, size > 0 && noun[size - 1] == 'x' ? "es" : "s");
}

static void add_objects(struct text *text, const struct report_view *view,
			const struct coreleaks_group *group)
{
	const struct coreleaks_object *object = &group->objects[0];
	struct arena *arena = text->arena;
	uint32_t num_others = group->num_objects - 1;
	bool same_kind = true;
	for (uint32_t i = 1; i < group->num_objects; i++)
		same_kind = same_kind && is_kind(group->objects[i].kind, object->kind);
	if (is_kind(object->kind, "thread")) {
		text_add(text, joins(arena, view, object));
	} else {
		text_add(text, wait_words_object(arena, object));
		add_holder(text, view, object);
		if (object->num_waiters > 1)
			text_addf(text, "; %s wait for it",
				  words_number(arena, object->num_waiters));
	}
	if (num_others > 0)
		text_addf(text, "; and %s more %s", words_number(arena, num_others),
			  plural(arena, same_kind ? object->kind : "object", num_others));
}

const char *wait_words_group(struct arena *arena, const struct report_view *view,
			     const struct coreleaks_group *group)
{
	struct text text;
	uint32_t num_waking = 0;
	const struct coreleaks_wait *timed = longest_wait(view, group);
	text_init(&text, arena);
	if (group->num_objects > 0)
		add_objects(&text, view, group);
	if (timed != NULL)
		text_addf(&text, "%s%s", text.size > 0 ? "; " : "",
			  wait_words_timeout(arena, timed));
	for (uint32_t i = 0; i < group->num_tasks; i++)
		num_waking += view_wait(view, group->tasks[i])->waking;
	if (num_waking > 0 && group->num_tasks == 1)
		text_addf(&text, "%swaking: its wake-up is under way", text.size > 0 ? "; " : "");
	else if (num_waking > 0)
		text_addf(&text, "%swaking: the wake-up of %s is under way",
			  text.size > 0 ? "; " : "", words_number(arena, num_waking));
	return text.size > 0 ? text.bytes : NULL;
}

const char *wait_words_creation(struct arena *arena, const struct coreleaks_creation *creation)
{
	struct text text;
	if (creation == NULL)
		return NULL;
	if (creation->frame == NULL)
		return arena_format(arena, "created at one of %s places in the code",
				    words_number(arena, creation->num_places));
	const struct coreleaks_frame *frame = creation->frame;
	text_init(&text, arena);
	if (creation->recorded)
		text_add(&text, "created by ");
	else
		text_addf(&text,
			  "created by (%sfrom the code): ", creation->inferred ? "inferred " : "");
	if (frame->function != NULL)
		text_add(&text, frame->function);
	else
		text_addf(&text, "?? %s+0x%" PRIx64,
			  frame->module != NULL ? frame->module : "no module",
			  frame->module_offset);
	if (frame->file != NULL && frame->line != 0)
		text_addf(&text, " (%s:%" PRIu32 ")", user_frame_file_name(frame->file),
			  frame->line);
	else if (frame->file != NULL)
		text_addf(&text, " (%s)", user_frame_file_name(frame->file));
	if (creation->num_ended > 0)
		text_addf(&text, "; at least %s more made there %s ended",
			  words_number(arena, creation->num_ended),
			  creation->num_ended == 1 ? "has" : "have");
	return text.bytes;
}

const char *wait_words_start(struct arena *arena, const struct report_view *view,
			     const struct coreleaks_group *group)
{
	const struct coreleaks_stack *stack = view_stack(view, group->stack_id);
	const char *start = NULL;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		const char *next = view_wait(view, group->tasks[i])->start;
		if (next == NULL || (start != NULL && strcmp(start, next) != 0))
			return NULL;
		start = next;
	}
	if (start == NULL)
		return NULL;
	for (uint32_t i = 0; i < stack->num_frames; i++)
		if (is_kind(stack->frames[i].function, start))
			return NULL;
	return arena_format(arena, "started as %s", start);
}
