#include "report/go_words.h"

#include "report/words.h"

#include <inttypes.h>
#include <string.h>

static void add_waits(struct text *text, const struct coreleaks_group *group)
{
	const int64_t second_ns = 1000000000;
	if (group->num_waits == 0)
		return;
	text_addf(text, "for at least %s", words_duration(text->arena, group->max_wait_ns));
	if (group->min_wait_ns / second_ns < group->max_wait_ns / second_ns)
		text_addf(text, " (the youngest %s)",
			  words_duration(text->arena, group->min_wait_ns));
	if (group->first_gc > 0)
		text_addf(text, ", since before GC #%" PRIi64, group->first_gc);
	if (group->num_waits < group->num_tasks)
		text_addf(text, "; %s of them not seen blocked by a GC",
			  words_number(text->arena, group->num_tasks - group->num_waits));
}

static void add_number(struct text *text, uint32_t num, const char *one, const char *many)
{
	if (num > 0)
		text_addf(text, "%s%s %s", text->size > 0 ? "; " : "",
			  words_number(text->arena, num), num == 1 ? one : many);
}

/* What the members keep: stacks and the runtime's records of them, threads, and what they have of
 * what is waited for. A single one's own descriptor or timer is told with its wait. */
static void add_resources(struct text *text, const struct report_view *view,
			  const struct coreleaks_group *group)
{
	uint64_t size = group->stack_reserved_size;
	if (view->go != NULL && view->go->g_size > 0 && size > 0)
		size += (uint64_t)view->go->g_size * group->num_tasks;
	if (size > 0)
		text_addf(text, "%s%s %s", text->size > 0 ? "; " : "",
			  group->num_tasks == 1 ? "keeps" : "keep", words_size(text->arena, size));
	if (group->num_tasks > 1) {
		add_number(text, group->num_fds, "descriptor", "descriptors");
		add_number(text, group->num_timers, "timer", "timers");
		add_number(text, group->num_threads - group->num_locked, "thread", "threads");
	}
	if (group->num_locked > 0)
		text_addf(text, "%s%s locked to threads of their own", text->size > 0 ? "; " : "",
			  words_number(text->arena, group->num_locked));
	add_number(text, group->num_locks, "lock that others wait for",
		   "locks that others wait for");
	add_number(text, group->num_maybe_locks, "lock, perhaps, that others wait for",
		   "locks, perhaps, that others wait for");
}

const char *go_words_group(struct arena *arena, const struct report_view *view,
			   const struct coreleaks_group *group)
{
	struct text text;
	if (group->kind != CORELEAKS_KIND_GOROUTINE)
		return NULL;
	text_init(&text, arena);
	add_waits(&text, group);
	add_resources(&text, view, group);
	for (uint32_t i = 0; i < group->num_labels; i++)
		text_addf(&text, "%s%s=%s",
			  i > 0		  ? ", "
			  : text.size > 0 ? "; labels "
					  : "labels ",
			  group->labels[i].key, group->labels[i].value);
	return text.size > 0 ? text.bytes : NULL;
}

/* " · BEFORE 12 AFTER" */
static void add_known(struct text *text, const char *dot, const char *before, int64_t value,
		      const char *after)
{
	if (value >= 0)
		text_addf(text, " %s %s%s%s", dot, before,
			  words_number(text->arena, (uint64_t)value), after);
}

const char *go_words_program(struct arena *arena, const struct coreleaks_go *go, const char *dot)
{
	struct text text;
	if (go == NULL || !go->recognised)
		return NULL;
	text_init(&text, arena);
	text_add(&text, go->version != NULL ? go->version : "Go of unknown version");
	add_known(&text, dot, "", go->num_goroutine, " goroutines");
	add_known(&text, dot, "", go->num_system, " of the runtime");
	add_known(&text, dot, "", go->num_created, " created");
	if (go->num_marked_leaked > 0)
		add_known(&text, dot, "", go->num_marked_leaked, " marked leaked by Go itself");
	add_known(&text, dot, "GOMAXPROCS ", go->gomaxprocs, "");
	add_known(&text, dot, "", go->num_threads, " threads");
	if (go->heap_size >= 0)
		text_addf(&text, " %s heap %s", dot, words_size(arena, (uint64_t)go->heap_size));
	if (go->stack_size >= 0)
		text_addf(&text, " %s stacks %s", dot, words_size(arena, (uint64_t)go->stack_size));
	add_known(&text, dot, "", go->num_gcs, go->num_gcs == 1 ? " GC" : " GCs");
	if (go->last_gc_age_ns >= 0)
		text_addf(&text, ", the last at least %s ago",
			  words_duration(arena, go->last_gc_age_ns));
	if (go->uptime_ns > 0)
		text_addf(&text, " %s up at least %s", dot, words_duration(arena, go->uptime_ns));
	return text.bytes;
}
