#include "group/user_frame.h"
#include "report/escape.h"
#include "report/html.h"
#include "report/samples.h"
#include "report/words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Widths are millionths of the picture's. */
enum { WHOLE = 1000000, MIN_WIDTH = 1000, TEXT_WIDTH = 12000, ROW_HEIGHT = 18, MAX_DEPTH = 80 };

/* A function where others have called it, in the same order. */
struct call {
	const char *name;
	bool runtime, rest; /* rest: deeper frames, which are not drawn */
	uint64_t num;
	uint32_t first_child, next; /* 0 none */
};

struct flame {
	const struct write_job *job;
	struct text *out;
	struct {
		struct call *items;
		uint32_t num, capacity;
	} calls; /* 0: all */
	uint32_t num_narrow, depth;
};

static uint32_t child_of(struct flame *flame, uint32_t parent, const char *name, bool runtime,
			 bool rest)
{
	struct call *calls = flame->calls.items;
	for (uint32_t at = calls[parent].first_child; at != 0; at = calls[at].next)
		if (calls[at].rest == rest && strcmp(calls[at].name, name) == 0)
			return at;
	struct call *call = array_add(flame->job->arena, &flame->calls);
	uint32_t index = flame->calls.num - 1;
	calls = flame->calls.items; /* it may have moved */
	*call = (struct call){.name = name, .runtime = runtime, .rest = rest};
	call->next = calls[parent].first_child;
	calls[parent].first_child = index;
	return index;
}

static void add_sample(struct flame *flame, const struct sample *sample, uint32_t root)
{
	const struct coreleaks_stack *stack = sample->stack;
	struct arena *arena = flame->job->arena;
	uint32_t at = root, depth = 0;
	flame->calls.items[at].num += sample->num;
	if (sample->task == NULL || stack->end != CORELEAKS_STACK_COMPLETE) {
		const char *name = sample->task == NULL
					   ? "[finished thread]"
					   : arena_format(arena, "[stack %s]",
							  coreleaks_stack_end_name(stack->end));
		at = child_of(flame, at, name, true, false);
		flame->calls.items[at].num += sample->num;
	}
	for (uint32_t i = stack->num_frames; i-- > 0 && depth < MAX_DEPTH; depth++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		bool rest = depth == MAX_DEPTH - 1 && i > 0;
		at = child_of(flame, at,
			      rest ? arena_format(arena, "… %" PRIu32 " more frames", i + 1)
				   : samples_frame_name(arena, frame),
			      user_frame_is_runtime(frame), rest);
		flame->calls.items[at].num += sample->num;
	}
}

static int compare_calls(const void *a, const void *b, void *data)
{
	const struct flame *flame = data;
	const struct call *x = &flame->calls.items[*(const uint32_t *)a];
	const struct call *y = &flame->calls.items[*(const uint32_t *)b];
	if (x->num != y->num)
		return x->num > y->num ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* "12.3456%" */
static const char *percent(struct arena *arena, uint64_t millionths)
{
	return arena_format(arena, "%" PRIu64 ".%04" PRIu64 "%%", millionths / 10000,
			    millionths % 10000);
}

/* The colour says the same of the same name everywhere. */
static const char *color_of(const struct call *call, char color[3])
{
	uint32_t hash = 5381;
	if (call->runtime)
		return "kr";
	for (const char *at = call->name; *at != '\0'; at++)
		hash = hash * 33 + (unsigned char)*at;
	color[0] = 'k';
	color[1] = (char)('0' + hash % 6);
	color[2] = '\0';
	return color;
}

static void add_call(struct flame *flame, uint32_t index, uint64_t x, uint64_t width,
		     uint32_t depth)
{
	const struct call *call = &flame->calls.items[index];
	struct arena *arena = flame->job->arena;
	struct text *out = flame->out;
	uint64_t total = flame->calls.items[0].num;
	char color[3];
	text_addf(out,
		  "<svg class=\"f %s\" x=\"%s\" y=\"%" PRIu32
		  "\" width=\"%s\" height=\"%d\"><title>",
		  depth == 0 ? "ka" : color_of(call, color), percent(arena, x), depth * ROW_HEIGHT,
		  percent(arena, width), ROW_HEIGHT);
	escape_xml(out, call->name);
	text_addf(out, " · %s of %s (%s)</title><rect width=\"100%%\" height=\"%d\"/>",
		  words_number(arena, call->num), words_number(arena, total),
		  words_share(arena, call->num, total), ROW_HEIGHT - 1);
	if (width >= TEXT_WIDTH) {
		text_add(out, "<text x=\"4\" y=\"13\">");
		escape_xml(out, words_short_name(call->name));
		text_add(out, "</text>");
	}
	text_add(out, "</svg>\n");
	if (depth > flame->depth)
		flame->depth = depth;
}

/* The call and what it calls; as deep as a stack may be, at most. */
static void draw(struct flame *flame, uint32_t index, uint64_t x, uint64_t width, uint32_t depth)
{
	uint64_t total = flame->calls.items[0].num;
	uint32_t num = 0;
	add_call(flame, index, x, width, depth);
	for (uint32_t at = flame->calls.items[index].first_child; at != 0;
	     at = flame->calls.items[at].next)
		num++;
	if (num == 0)
		return;
	uint32_t *children = arena_alloc_array(flame->job->arena, num, sizeof(*children));
	num = 0;
	for (uint32_t at = flame->calls.items[index].first_child; at != 0;
	     at = flame->calls.items[at].next)
		children[num++] = at;
	qsort_r(children, num, sizeof(*children), compare_calls, flame);
	for (uint32_t i = 0; i < num; i++) {
		uint64_t part = (uint64_t)((__uint128_t)flame->calls.items[children[i]].num *
					   WHOLE / total);
		if (part < MIN_WIDTH)
			flame->num_narrow++;
		else
			draw(flame, children[i], x, part, depth + 1);
		x += part;
	}
}

static uint64_t add_kind(struct flame *flame, enum coreleaks_kind kind, bool both)
{
	struct samples samples;
	uint64_t num = 0;
	if (flame->job->options->kind >= 0 && flame->job->options->kind != (int32_t)kind)
		return 0;
	samples_build(&samples, flame->job, kind);
	if (samples.num == 0)
		return 0;
	uint32_t root = both ? child_of(flame, 0, view_noun_of_kind(kind, 2), true, false) : 0;
	for (uint32_t i = 0; i < samples.num; i++) {
		add_sample(flame, &samples.items[i], root);
		num += samples.items[i].num;
	}
	if (both)
		flame->calls.items[0].num += num;
	return num;
}

static bool has_kind(const struct report_view *view, enum coreleaks_kind kind)
{
	for (uint32_t i = 0; i < view->num_shown_groups; i++)
		if (view->groups[i]->kind == kind)
			return true;
	return false;
}

void html_flame(struct text *out, const struct write_job *job)
{
	struct text body;
	const struct report_view *view = job->view;
	struct flame flame = {.job = job, .out = &body};
	bool both = has_kind(view, CORELEAKS_KIND_GOROUTINE) &&
		    has_kind(view, CORELEAKS_KIND_THREAD) && job->options->kind < 0;
	text_init(&body, job->arena);
	array_add(job->arena, &flame.calls)->name = "all";
	uint64_t num_goroutines = add_kind(&flame, CORELEAKS_KIND_GOROUTINE, both);
	uint64_t num_threads = add_kind(&flame, CORELEAKS_KIND_THREAD, both);
	uint64_t num = num_goroutines + num_threads;
	const char *noun = num_goroutines > 0 && num_threads > 0
				   ? "tasks"
				   : view_noun_of_kind(num_goroutines > 0 ? CORELEAKS_KIND_GOROUTINE
									  : CORELEAKS_KIND_THREAD,
						       num);
	if (num == 0)
		return;
	flame.calls.items[0].name =
		arena_format(job->arena, "%s %s", words_number(job->arena, num), noun);
	draw(&flame, 0, 0, WHOLE, 0);
	text_addf(out,
		  "<section>\n<h2>Flame graph</h2>\n<p class=\"dim\">Callers on top, as wide as "
		  "there are tasks; grey is the language's runtime. With scripts allowed a click "
		  "widens a frame.</p>\n<div class=\"scroll\"><svg class=\"flame\" role=\"img\" "
		  "aria-label=\"Flame graph of all stacks\" width=\"100%%\" height=\"%" PRIu32
		  "\">\n",
		  (flame.depth + 1) * ROW_HEIGHT);
	text_add_bytes(out, body.bytes, body.size);
	text_add(out, "</svg></div>\n");
	if (flame.num_narrow > 0)
		text_addf(out, "<p class=\"dim\">%s %s narrower than 0.1 %% %s not drawn.</p>\n",
			  words_number(job->arena, flame.num_narrow),
			  flame.num_narrow == 1 ? "call" : "calls",
			  flame.num_narrow == 1 ? "is" : "are");
	text_add(out, "</section>\n");
}
