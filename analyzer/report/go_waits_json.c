#include "report/go_waits_json.h"

#include <string.h>

static void add_end(struct json_out *json, bool timed, int64_t when_ns, int64_t left_ns)
{
	if (timed) {
		json_out_int(json, "when_ns", when_ns);
		if (left_ns != INT64_MIN)
			json_out_int(json, "left_ns", left_ns);
		else
			json_out_null(json, "left_ns");
	} else {
		json_out_null(json, "when_ns");
		json_out_null(json, "left_ns");
	}
}

static void add_contexts(struct json_out *json, const struct coreleaks_go_object *object)
{
	json_out_begin(json, "contexts", '[', JSON_INLINE);
	for (uint32_t i = 0; i < object->num_contexts; i++) {
		const struct coreleaks_context *context = &object->contexts[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_known_addr(json, "address", context->addr);
		json_out_text(json, "type", context->type);
		add_end(json, context->timed, context->when_ns, context->left_ns);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
}

static void add_channel(struct json_out *json, const struct coreleaks_go_object *object)
{
	json_out_text(json, "element", object->element);
	json_out_uint(json, "element_size", object->element_size);
	json_out_uint(json, "capacity", object->capacity);
	json_out_uint(json, "length", object->length);
	json_out_bool(json, "closed", object->closed);
	if (object->queues_known) {
		json_out_uint(json, "senders", object->num_senders);
		json_out_uint(json, "receivers", object->num_receivers);
	} else {
		json_out_null(json, "senders");
		json_out_null(json, "receivers");
	}
	if (strcmp(object->kind, "channel") == 0)
		return;
	json_out_addr(json, "owner", object->owner_addr);
	add_end(json, object->timed, object->when_ns, object->left_ns);
	if (strcmp(object->kind, "context") == 0)
		add_contexts(json, object);
	else
		json_out_known_size(json, "period_ns", (uint64_t)object->period_ns);
}

void go_waits_json_detail(struct json_out *json, const struct coreleaks_go_object *object)
{
	if (!object->known)
		return;
	if (object->is_channel) {
		add_channel(json, object);
	} else if (strcmp(object->kind, "go-mutex") == 0) {
		json_out_bool(json, "locked", object->locked);
		json_out_uint(json, "waiters", object->num_counted);
		json_out_bool(json, "starving", object->starving);
	} else if (strcmp(object->kind, "go-rwmutex") == 0) {
		json_out_bool(json, "write_locked", object->locked);
		json_out_uint(json, "readers", object->num_readers);
		json_out_bool(json, "writer_waits", object->writer_waits);
	} else if (strcmp(object->kind, "waitgroup") == 0) {
		json_out_int(json, "counter", object->counter);
		json_out_uint(json, "waiters", object->num_counted);
	} else if (strcmp(object->kind, "go-cond") == 0) {
		json_out_known_addr(json, "locker", object->locker_addr);
	}
	if (!object->is_channel)
		json_out_text(json, "use", object->use);
}

static const char *direction(bool send)
{
	return send ? "send" : "receive";
}

static void add_cases(struct json_out *json, const struct coreleaks_wait *wait)
{
	json_out_begin(json, "cases", '[', JSON_INLINE);
	for (uint32_t i = 0; i < wait->num_cases; i++) {
		const struct coreleaks_case *one = &wait->cases[i];
		json_out_begin(json, NULL, '{', JSON_INLINE);
		json_out_text(json, "kind", one->channel != NULL ? one->channel->kind : NULL);
		json_out_known_addr(json, "address", one->channel != NULL ? one->channel->addr : 0);
		json_out_text(json, "direction", direction(one->send));
		json_out_bool(json, "queued", one->queued);
		json_out_end(json, '}');
	}
	json_out_end(json, ']');
	json_out_bool(json, "cases_ordered", wait->cases_ordered);
}

void go_waits_json_wait(struct json_out *json, const struct coreleaks_wait *wait)
{
	if (wait->object != NULL) {
		json_out_begin(json, "object", '{', JSON_INLINE);
		json_out_text(json, "kind", wait->object);
		json_out_addr(json, "address", wait->addr);
		json_out_end(json, '}');
	} else {
		json_out_null(json, "object");
	}
	if (wait->object != NULL && wait->go == NULL)
		json_out_text(json, "direction", wait->writes ? "write" : "read");
	else
		json_out_text(json, "direction",
			      !wait->is_select && wait->num_cases > 0
				      ? direction(wait->cases[0].send)
				      : NULL);
	if (wait->is_select)
		add_cases(json, wait);
	else
		json_out_null(json, "cases");
	if (wait->timeout_kind != NULL) {
		json_out_begin(json, "timeout", '{', JSON_INLINE);
		json_out_text(json, "kind", wait->timeout_kind);
		json_out_int(json, "ns", wait->timeout_ns);
		json_out_int(json, "when_ns", wait->when_ns);
		json_out_end(json, '}');
	} else {
		json_out_null(json, "timeout");
	}
	json_out_bool(json, "waking", wait->waking);
}
