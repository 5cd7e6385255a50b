#include "report/go_census.h"

#include "base/addresses.h"
#include "report/go_wait_words.h"
#include "report/words.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NAMED = 3 };

struct counted {
	const struct coreleaks_go_object *object;
	uint32_t num_groups; /* that wait for it */
};

struct census {
	struct arena *arena;
	struct addresses seen; /* object -> index in list */
	struct {
		struct counted *items;
		uint32_t num, capacity;
	} list;
	bool whole; /* groups list all their objects */
};

static void count(struct census *census, const struct coreleaks_group *group)
{
	census->whole &= group->num_objects == group->num_all_objects;
	for (uint32_t i = 0; i < group->num_objects; i++) {
		const struct coreleaks_go_object *object = group->objects[i].go;
		bool is_new;
		if (object == NULL)
			continue;
		uint32_t index = addresses_add(&census->seen, (uint64_t)(uintptr_t)object, &is_new);
		if (is_new)
			array_add(census->arena, &census->list)->object = object;
		census->list.items[index].num_groups++;
	}
}

static int by_waiters(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;
	if (x->object->num_waiters != y->object->num_waiters)
		return x->object->num_waiters > y->object->num_waiters ? -1 : 1;
	return (x->object->addr > y->object->addr) - (x->object->addr < y->object->addr);
}

/* "2 channels (5 receivers, 1 sender)" of one kind. */
static void add_kind(struct text *text, const struct census *census, const char *kind,
		     const char *one, const char *many)
{
	uint64_t num = 0, receivers = 0, senders = 0, waiters = 0;
	for (uint32_t i = 0; i < census->list.num; i++) {
		const struct coreleaks_go_object *object = census->list.items[i].object;
		if (strcmp(object->kind, kind) != 0)
			continue;
		num++;
		receivers += object->num_receivers;
		senders += object->num_senders;
		waiters += object->num_waiters;
	}
	if (num == 0)
		return;
	text_addf(text, "%s%s %s (", text->size > 0 ? ", " : "", words_number(text->arena, num),
		  num == 1 ? one : many);
	if (strcmp(kind, "channel") == 0)
		text_addf(text, "%s %s, %s %s)", words_number(text->arena, receivers),
			  receivers == 1 ? "receiver" : "receivers",
			  words_number(text->arena, senders), senders == 1 ? "sender" : "senders");
	else
		text_addf(text, "%s %s)", words_number(text->arena, waiters),
			  waiters == 1 ? "waiter" : "waiters");
}

static const char *sums(struct arena *arena, const struct census *census)
{
	static const char *const kinds[][3] = {
		{"channel", "channel", "channels"},
		{"context", "context", "contexts"},
		{"timer", "timer's channel", "timers' channels"},
		{"go-mutex", "sync.Mutex", "sync.Mutexes"},
		{"go-rwmutex", "sync.RWMutex", "sync.RWMutexes"},
		{"waitgroup", "sync.WaitGroup", "sync.WaitGroups"},
		{"go-cond", "sync.Cond", "sync.Conds"},
		{"semaphore", "semaphore", "semaphores"},
	};
	struct text text;
	text_init(&text, arena);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		add_kind(&text, census, kinds[i][0], kinds[i][1], kinds[i][2]);
	return arena_format(arena, "goroutines wait for %s%s", census->whole ? "" : "at least ",
			    text.bytes);
}

void go_census_text(struct screen *screen, const struct write_job *job)
{
	const struct report_view *view = job->view;
	struct census census = {.arena = job->arena, .whole = true};
	uint32_t num_shared = 0;
	addresses_init(&census.seen, job->arena);
	for (uint32_t i = 0; i < view->num_groups; i++)
		count(&census, view->groups[i]);
	for (uint32_t i = 0; i < census.list.num; i++)
		num_shared += census.list.items[i].num_groups > 1;
	if (num_shared == 0)
		return;
	screen->indent = 2;
	screen_words(screen, STYLE_PLAIN, sums(job->arena, &census));
	screen_end_line(screen);
	qsort(census.list.items, census.list.num, sizeof(*census.list.items), by_waiters);
	for (uint32_t i = 0, named = 0; i < census.list.num && named < MAX_NAMED; i++) {
		const struct counted *counted = &census.list.items[i];
		const char *state = go_wait_words_state(job->arena, counted->object);
		if (counted->num_groups < 2)
			continue;
		named++;
		screen_words(screen, STYLE_PLAIN,
			     arena_format(job->arena, "%s: %s waiters in %s groups%s%s",
					  go_wait_words_name(job->arena, counted->object),
					  words_number(job->arena, counted->object->num_waiters),
					  words_number(job->arena, counted->num_groups),
					  state != NULL ? "; " : "", state != NULL ? state : ""));
		screen_end_line(screen);
	}
	if (num_shared > MAX_NAMED) {
		screen_words(screen, STYLE_PLAIN,
			     arena_format(job->arena, "%s more have waiters in several groups",
					  words_number(job->arena, num_shared - MAX_NAMED)));
		screen_end_line(screen);
	}
}
