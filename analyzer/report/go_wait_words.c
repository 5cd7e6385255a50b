#include "report/go_wait_words.h"

#include "report/words.h"

#include <inttypes.h>
#include <string.h>

static bool is_kind(const struct coreleaks_go_object *object, const char *kind)
{
	return strcmp(object->kind, kind) == 0;
}

static const char *number_of(struct arena *arena, uint64_t num, const char *one, const char *many)
{
	return arena_format(arena, "%s %s", words_number(arena, num), num == 1 ? one : many);
}

/* ---- Objects ------------------------------------------------------------------------------- */

const char *go_wait_words_name(struct arena *arena, const struct coreleaks_go_object *object)
{
	static const struct {
		const char *kind, *name;
	} names[] = {{"go-mutex", "sync.Mutex"},
		     {"go-rwmutex", "sync.RWMutex"},
		     {"waitgroup", "sync.WaitGroup"},
		     {"go-cond", "sync.Cond"},
		     {"semaphore", "semaphore"}};
	if (object->is_channel && object->element != NULL)
		return arena_format(arena, "chan %s 0x%" PRIx64, object->element, object->addr);
	if (object->is_channel && object->known)
		return arena_format(arena, "channel 0x%" PRIx64 " of %" PRIu64 "-byte elements",
				    object->addr, object->element_size);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_kind(object, names[i].kind))
			return arena_format(arena, "%s 0x%" PRIx64, names[i].name, object->addr);
	return arena_format(arena, "%s 0x%" PRIx64, object->kind, object->addr);
}

/* "in at most 59 s", "2 s ago" */
static const char *moment(struct arena *arena, int64_t left_ns)
{
	if (left_ns == INT64_MIN)
		return "at a known time";
	if (left_ns <= 0)
		return arena_format(arena, "%s ago or more", words_duration(arena, -left_ns));
	return arena_format(arena, "in at most %s", words_duration(arena, left_ns));
}

static void add_buffer(struct text *text, const struct coreleaks_go_object *object)
{
	if (object->capacity == 0)
		text_add(text, "unbuffered");
	else if (object->length == object->capacity)
		text_addf(text, "buffer of %s full", words_number(text->arena, object->capacity));
	else if (object->length == 0)
		text_addf(text, "buffer of %s empty", words_number(text->arena, object->capacity));
	else
		text_addf(text, "%s in a buffer of %s", words_number(text->arena, object->length),
			  words_number(text->arena, object->capacity));
	if (object->closed)
		text_add(text, ", closed");
	if (!object->queues_known)
		return;
	text_addf(text, "; %s, %s",
		  object->num_receivers == 0
			  ? "no receiver"
			  : number_of(text->arena, object->num_receivers, "receiver", "receivers"),
		  object->num_senders == 0
			  ? "no sender"
			  : number_of(text->arena, object->num_senders, "sender", "senders"));
}

static void add_timer(struct text *text, const struct coreleaks_go_object *object)
{
	if (!object->timed) {
		text_add(text, "a timer's, which is stopped");
		return;
	}
	if (object->period_ns > 0)
		text_addf(text, "a ticker's, every %s: next ",
			  words_duration(text->arena, object->period_ns));
	else
		text_add(text, "a timer's: fires ");
	text_add(text, moment(text->arena, object->left_ns));
}

/* "context.timerCtx 0x… < context.valueCtx 0x… < context.backgroundCtx" */
static void add_contexts(struct text *text, const struct coreleaks_go_object *object)
{
	text_add(text, "Done() of ");
	for (uint32_t i = 0; i < object->num_contexts; i++) {
		const struct coreleaks_context *context = &object->contexts[i];
		const char *type = context->type != NULL ? context->type : "a context";
		bool root = strstr(type, "backgroundCtx") != NULL ||
			    strstr(type, "todoCtx") != NULL || strstr(type, "emptyCtx") != NULL;
		text_add(text, i > 0 ? ", from " : "");
		text_add(text, root ? (strstr(type, "todo") != NULL	    ? "context.TODO()"
				       : strstr(type, "background") != NULL ? "context.Background()"
									    : "the root context")
				    : type);
		if (!root && i == 0)
			text_addf(text, " 0x%" PRIx64, context->addr);
	}
	text_addf(text, "; ends %s",
		  object->timed ? moment(text->arena, object->left_ns) : "when it is cancelled");
}

static void add_rwmutex(struct text *text, const struct coreleaks_go_object *object)
{
	if (object->locked)
		text_add(text, "a writer holds it");
	else if (object->num_readers > 0)
		text_addf(text, "%s",
			  object->num_readers == 1
				  ? "1 reader holds it"
				  : arena_format(text->arena, "%s readers hold it",
						 words_number(text->arena, object->num_readers)));
	else
		text_add(text, "nobody holds it");
	if (object->writer_waits)
		text_add(text, ", a writer waits");
}

static void add_lock(struct text *text, const struct coreleaks_go_object *object)
{
	if (is_kind(object, "go-mutex"))
		text_addf(text, "%s, %s%s", object->locked ? "locked" : "not locked",
			  number_of(text->arena, object->num_counted, "waiter", "waiters"),
			  object->starving ? ", starving" : "");
	else if (is_kind(object, "go-rwmutex"))
		add_rwmutex(text, object);
	else if (is_kind(object, "waitgroup"))
		text_addf(text, "waiting for %s more Done()",
			  object->counter > 0 ? words_number(text->arena, (uint64_t)object->counter)
					      : "no");
	else if (is_kind(object, "go-cond") && object->locker_addr != 0)
		text_addf(text, "its lock is 0x%" PRIx64, object->locker_addr);
	if (object->use != NULL)
		text_addf(text, "; part of a %s", object->use);
}

const char *go_wait_words_state(struct arena *arena, const struct coreleaks_go_object *object)
{
	struct text text;
	text_init(&text, arena);
	if (!object->known)
		return "it cannot be read";
	if (is_kind(object, "timer"))
		add_timer(&text, object);
	else if (is_kind(object, "context"))
		add_contexts(&text, object);
	else if (object->is_channel)
		add_buffer(&text, object);
	else
		add_lock(&text, object);
	return text.size > 0 ? text.bytes : NULL;
}

const char *go_wait_words_case(struct arena *arena, const struct coreleaks_case *one)
{
	const char *verb = one->send ? "send to" : "receive from";
	if (one->channel == NULL)
		return arena_format(arena, "%s a nil channel, never", verb);
	const char *state = go_wait_words_state(arena, one->channel);
	return arena_format(arena, "%s %s%s%s%s", verb, go_wait_words_name(arena, one->channel),
			    state != NULL ? " (" : "", state != NULL ? state : "",
			    state != NULL ? ")" : "");
}

/* ---- Tasks --------------------------------------------------------------------------------- */

static void add_select(struct text *text, const struct coreleaks_wait *wait)
{
	enum { MAX_CASES = 6 };
	text_add(text, "select: ");
	for (uint32_t i = 0; i < wait->num_cases && i < MAX_CASES; i++)
		text_addf(text, "%s%s", i > 0 ? "; " : "",
			  go_wait_words_case(text->arena, &wait->cases[i]));
	if (wait->num_cases > MAX_CASES)
		text_addf(text, "; %s more cases",
			  words_number(text->arena, wait->num_cases - MAX_CASES));
	if (wait->num_cases == 0)
		text_add(text, "no case that can ever be ready");
}

static void add_fd(struct text *text, const struct coreleaks_wait *wait)
{
	text_addf(text, "waits to %s fd %" PRIu64 ", ", wait->writes ? "write to" : "read from",
		  wait->addr);
	if (wait->timeout_kind == NULL)
		text_add(text, "without a deadline");
	else if (strcmp(wait->timeout_kind, "remaining") == 0)
		text_addf(text, "deadline %s", moment(text->arena, wait->timeout_ns));
	else
		text_add(text, "with a deadline");
}

static void add_object(struct text *text, const struct coreleaks_wait *wait)
{
	const char *state = go_wait_words_state(text->arena, wait->go);
	if (wait->num_cases > 0)
		text_add(text, wait->cases[0].send ? "sends to " : "receives from ");
	else
		text_add(text, "waits for ");
	text_addf(text, "%s%s%s", go_wait_words_name(text->arena, wait->go),
		  state != NULL ? ": " : "", state != NULL ? state : "");
}

/* What else than a select, a lock or a descriptor one waits for ends by the clock. */
static void add_end(struct text *text, const struct coreleaks_wait *wait)
{
	if (wait->timeout_kind != NULL && strcmp(wait->timeout_kind, "remaining") == 0)
		text_addf(text, "wakes %s", moment(text->arena, wait->timeout_ns));
	else if (wait->timeout_kind != NULL)
		text_add(text, "wakes by itself");
}

const char *go_wait_words_task(struct arena *arena, const struct report_view *view, uint32_t task)
{
	const struct coreleaks_wait *wait = view_wait(view, task);
	struct text text;
	if (view_alike(view, task)->kind != CORELEAKS_KIND_GOROUTINE)
		return NULL;
	text_init(&text, arena);
	if (wait->is_select && (wait->num_cases > 0 || wait->cases_ordered))
		add_select(&text, wait);
	else if (wait->go != NULL)
		add_object(&text, wait);
	else if (wait->object != NULL && strcmp(wait->object, "fd") == 0)
		add_fd(&text, wait);
	else
		add_end(&text, wait);
	if (wait->waking)
		text_addf(&text, "%swaking: its wake-up is under way", text.size > 0 ? "; " : "");
	return text.size > 0 ? text.bytes : NULL;
}

/* ---- Groups -------------------------------------------------------------------------------- */

/* The members' waits end within these times of the dump. */
static void add_ends(struct text *text, const struct report_view *view,
		     const struct coreleaks_group *group)
{
	int64_t first = INT64_MAX, last = INT64_MIN;
	uint32_t num = 0;
	for (uint32_t i = 0; i < group->num_tasks; i++) {
		const struct coreleaks_wait *wait = view_wait(view, group->tasks[i]);
		if (wait->timeout_kind == NULL || strcmp(wait->timeout_kind, "remaining") != 0)
			continue;
		num++;
		first = wait->timeout_ns < first ? wait->timeout_ns : first;
		last = wait->timeout_ns > last ? wait->timeout_ns : last;
	}
	if (num == 0)
		return;
	const char *soonest = moment(text->arena, first), *latest = moment(text->arena, last);
	text_addf(text, "%s%s %s", text->size > 0 ? "; " : "",
		  num == 1		    ? "wakes"
		  : group->num_tasks == num ? "all wake"
					    : number_of(text->arena, num, "wakes", "wake"),
		  soonest);
	if (strcmp(soonest, latest) != 0)
		text_addf(text, ", the last %s", latest);
}

static uint32_t count_waking(const struct report_view *view, const struct coreleaks_group *group)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < group->num_tasks; i++)
		num += view_wait(view, group->tasks[i])->waking;
	return num;
}

/* A member that waits for the group's foremost object. */
static uint32_t example_of(const struct report_view *view, const struct coreleaks_group *group)
{
	for (uint32_t i = 0; group->num_objects > 0 && i < group->num_tasks; i++) {
		const struct coreleaks_wait *wait = view_wait(view, group->tasks[i]);
		if (wait->object != NULL && wait->addr == group->objects[0].addr)
			return group->tasks[i];
	}
	return group->tasks[0];
}

static const char *noun_of(const char *kind, bool many)
{
	static const struct {
		const char *kind, *one, *many;
	} nouns[] = {{"fd", "descriptor", "descriptors"},
		     {"timer", "timer's channel", "timers' channels"},
		     {"context", "context", "contexts"},
		     {"channel", "channel", "channels"}};
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
		if (strcmp(kind, nouns[i].kind) == 0)
			return many ? nouns[i].many : nouns[i].one;
	return many ? "locks" : "lock";
}

/* Do all members wait for the same? Of selects the same foremost channel is enough. */
static bool all_same(const struct report_view *view, const struct coreleaks_group *group)
{
	const struct coreleaks_wait *first = view_wait(view, group->tasks[0]);
	for (uint32_t i = 1; i < group->num_tasks; i++) {
		const struct coreleaks_wait *wait = view_wait(view, group->tasks[i]);
		if (wait->addr != first->addr || (wait->object == NULL) != (first->object == NULL))
			return false;
	}
	return true;
}

/* Members that wait for different things: how many, before one of them is told. */
static void add_differences(struct text *text, const struct report_view *view,
			    const struct coreleaks_group *group, uint32_t example)
{
	const char *kind = view_wait(view, example)->object;
	uint64_t num = group->num_all_objects;
	if (all_same(view, group))
		return;
	if (view_wait(view, example)->is_select || kind == NULL)
		text_add(text, "what they wait for differs");
	else if (num == group->num_tasks)
		text_addf(text, "each waits for a %s of its own", noun_of(kind, false));
	else
		text_addf(text, "they wait for %s different %s", words_number(text->arena, num),
			  noun_of(kind, true));
	text_addf(text, "; goroutine %" PRIi64 " ", view_task(view, example)->id);
}

/* Channels that are nil are never ready: the runtime says so, and nothing else is known. */
static const char *never_ready(const struct coreleaks_group *group)
{
	if (group->reason == NULL)
		return NULL;
	if (strcmp(group->reason, "chan receive (nil chan)") == 0)
		return "receives from a nil channel, which is never ready; the Done() of "
		       "context.Background() is one";
	if (strcmp(group->reason, "chan send (nil chan)") == 0)
		return "sends to a nil channel, which is never ready";
	if (strcmp(group->reason, "select (no cases)") == 0)
		return "a select without cases never ends";
	return NULL;
}

const char *go_wait_words_group(struct arena *arena, const struct report_view *view,
				const struct coreleaks_group *group)
{
	struct text text;
	if (group->kind != CORELEAKS_KIND_GOROUTINE || group->num_tasks == 0)
		return NULL;
	text_init(&text, arena);
	uint32_t example = example_of(view, group), num_waking = count_waking(view, group);
	const struct coreleaks_wait *wait = view_wait(view, example);
	bool tells = wait->object != NULL || (wait->is_select && wait->cases_ordered);
	if (never_ready(group) != NULL)
		text_add(&text, never_ready(group));
	if (tells)
		add_differences(&text, view, group, example);
	if (tells && wait->is_select)
		add_select(&text, wait);
	else if (tells && wait->go != NULL)
		add_object(&text, wait);
	else if (tells)
		add_fd(&text, wait);
	/* One's own end is told with the timer, the context or the descriptor. */
	if (group->num_tasks > 1 || !tells)
		add_ends(&text, view, group);
	if (num_waking > 0)
		text_addf(&text, "%swaking: the wake-up of %s is under way",
			  text.size > 0 ? "; " : "", words_number(arena, num_waking));
	return text.size > 0 ? text.bytes : NULL;
}
