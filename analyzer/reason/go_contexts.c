#include "reason/go_contexts.h"

#include "reason/go_channels.h"

/* context/context.go, 1.19 to 1.27: cancelCtx {Context, mu, done atomic.Value, children, err …};
 * timerCtx and afterFuncCtx begin with one. */
enum { CTX_DONE_TYPE = 24, CTX_DONE = 32 };

enum { FIRST_WITH_CAUSE = 21 }; /* minor version: a cancelCtx has a cause too */

/* sizeof(cancelCtx); the other two take 32 bytes more. Both are sizes that the heap has. */
static uint64_t cancel_ctx_size(const struct go_waits_input *input)
{
	int32_t minor = input->runtime->minor;
	return minor < 0 || minor >= FIRST_WITH_CAUSE ? 80 : 64;
}

static const uint64_t max_heap_size = UINT64_C(1) << 29; /* bytes of the heap looked through */

struct search {
	struct arena *arena;
	const struct go_waits_input *input;
	struct go_types *types;
	struct addresses channels;	     /* that may be a context's */
	struct coreleaks_go_object **wanted; /* parallel to channels */
	uint32_t num_left;		     /* of these, without a context yet */
};

/* ---- The chain of parents ------------------------------------------------------------------ */

/* How a context of that type leads to its parent: an interface at its begin. */
static const struct {
	const char *type;
	bool has_parent;
	bool ends_cancelling; /* what its parent does is nothing to it */
} ctx_types[] = {
	{"context.cancelCtx", true, false},	  {"context.timerCtx", true, false},
	{"context.afterFuncCtx", true, false},	  {"context.valueCtx", true, false},
	{"context.stopCtx", true, false},	  {"signal.signalCtx", true, false},
	{"context.withoutCancelCtx", true, true},
};

static bool leads_on(const char *type)
{
	for (size_t i = 0; type != NULL && i < sizeof(ctx_types) / sizeof(ctx_types[0]); i++)
		if (strcmp(type, ctx_types[i].type) == 0)
			return ctx_types[i].has_parent && !ctx_types[i].ends_cancelling;
	return false;
}

/* timerCtx.timer stands behind the cancelCtx; the runtime's timer begins behind time.Timer's
 * channel and, since 1.23, a word more. */
static void read_deadline(const struct search *search, struct coreleaks_context *context)
{
	int32_t minor = search->input->runtime->minor;
	uint64_t at = context->addr + (minor < 0 || minor >= FIRST_WITH_CAUSE ? 80 : 64),
		 timer_addr;
	int64_t period_ns;
	uint64_t into = search->input->runtime->layout.hchan_timer >= 0 ? 16 : 8;
	context->left_ns = INT64_MIN;
	if (strcmp(context->type, "context.timerCtx") != 0 ||
	    !image_read_u64(search->input->image, at, &timer_addr) || timer_addr == 0)
		return;
	context->timed =
		go_timer_read(search->input, timer_addr + into, &context->when_ns, &period_ns);
	if (context->timed)
		context->left_ns = go_waits_left(search->input->facts, context->when_ns);
}

static const char *without_star(const char *type)
{
	return type != NULL && type[0] == '*' ? type + 1 : type;
}

/* The owner's own type is not recorded: a timerCtx has its timer behind the cancelCtx. */
static const char *type_of_owner(const struct search *search, uint64_t addr)
{
	uint64_t at = cancel_ctx_size(search->input), timer_addr;
	struct range object;
	if (!go_spans_object(search->input->spans, addr, &object) ||
	    object.high - object.low < at + 32 ||
	    !image_read_u64(search->input->image, addr + at, &timer_addr) ||
	    !go_spans_object(search->input->spans, timer_addr, &object) || object.low != timer_addr)
		return "context.cancelCtx";
	return "context.timerCtx";
}

static void follow(struct search *search, struct coreleaks_go_object *object, uint64_t addr)
{
	enum { MAX_PARENTS = 64 };
	struct coreleaks_context chain[MAX_PARENTS];
	uint32_t num = 0;
	const char *type = type_of_owner(search, addr);
	for (;;) {
		uint64_t parent[2];
		chain[num] = (struct coreleaks_context){.addr = addr, .type = type};
		if (type != NULL)
			read_deadline(search, &chain[num]);
		num++;
		if (num == MAX_PARENTS || !leads_on(type) ||
		    image_read(search->input->image, addr, parent, sizeof(parent)) !=
			    sizeof(parent) ||
		    parent[0] == 0)
			break;
		type = without_star(go_types_dynamic(search->types, parent[0], true));
		addr = parent[1];
	}
	struct coreleaks_context *contexts =
		arena_alloc_array(search->arena, num, sizeof(*contexts));
	memcpy(contexts, chain, num * sizeof(*contexts));
	object->kind = "context";
	object->owner_addr = contexts[0].addr;
	object->contexts = contexts;
	object->num_contexts = num;
	for (uint32_t i = 0; i < num; i++)
		if (contexts[i].timed &&
		    (!object->timed || contexts[i].when_ns < object->when_ns)) {
			object->timed = true;
			object->when_ns = contexts[i].when_ns;
			object->left_ns = contexts[i].left_ns;
		}
	search->num_left--;
}

/* ---- The heap ------------------------------------------------------------------------------ */

static void look_at(struct search *search, uint64_t addr, const unsigned char *bytes)
{
	uint64_t channel, type_addr;
	memcpy(&channel, bytes + CTX_DONE, sizeof(channel));
	uint32_t number = channel != 0 ? addresses_find(&search->channels, channel) : UINT32_MAX;
	if (number == UINT32_MAX || search->wanted[number]->owner_addr != 0)
		return;
	memcpy(&type_addr, bytes + CTX_DONE_TYPE, sizeof(type_addr));
	const char *type = go_types_name(search->types, type_addr);
	if (type != NULL && strcmp(type, "chan struct {}") == 0)
		follow(search, search->wanted[number], addr);
}

static void search_span(struct search *search, const struct go_span *span)
{
	enum { STEP = 8192 };
	unsigned char bytes[STEP];
	uint64_t size = span->element_size, each = STEP / size * size;
	for (uint64_t addr = span->base; addr < span->limit && search->num_left > 0; addr += each) {
		uint64_t want = span->limit - addr < each ? span->limit - addr : each;
		size_t have = image_read(search->input->image, addr, bytes, (size_t)want);
		for (size_t at = 0; at + size <= have; at += (size_t)size)
			look_at(search, addr + at, bytes + at);
	}
}

void go_contexts_find(struct coreleaks_go_object *objects, uint32_t num_objects,
		      struct arena *arena, struct gaps *gaps, struct go_types *types,
		      const struct go_waits_input *input)
{
	struct search search = {
		.arena = arena,
		.input = input,
		.types = types,
		.wanted =
			arena_alloc_array(arena, num_objects, sizeof(struct coreleaks_go_object *)),
	};
	uint64_t left_size = max_heap_size;
	addresses_init(&search.channels, arena);
	for (uint32_t i = 0; i < num_objects; i++)
		if (objects[i].is_channel && objects[i].known && objects[i].element_size == 0 &&
		    objects[i].capacity == 0)
			search.wanted[addresses_add(&search.channels, objects[i].addr, NULL)] =
				&objects[i];
	search.num_left = search.channels.list.num;
	for (uint32_t i = 0; i < input->spans->list.num && search.num_left > 0; i++) {
		const struct go_span *span = &input->spans->list.items[i];
		if (span->state != GO_SPAN_IN_USE || span->noscan ||
		    (span->element_size != cancel_ctx_size(input) &&
		     span->element_size != cancel_ctx_size(input) + 32))
			continue;
		if (span->limit - span->base > left_size) {
			gaps_add(gaps, "context-search-limit", false,
				 "only %u MiB of the heap were searched for the contexts whose end "
				 "goroutines wait for",
				 (unsigned)(max_heap_size >> 20));
			return;
		}
		left_size -= span->limit - span->base;
		search_span(&search, span);
	}
}
