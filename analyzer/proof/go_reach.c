#include "proof/go_reach.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NO_WAITER = UINT32_MAX };

struct search {
	struct go_reach *reach;
	const struct go_reach_input *input;
	struct arena *arena;
	struct progress *progress;
	/* Goroutines by the object they wait for: a list in entries of the queues. */
	uint32_t *first_waiter; /* by number in marker.watched */
	uint32_t num_watched;
	uint32_t *next_waiter; /* parallel to queues->sudogs */
	enum go_kept stage;
	struct go_crew crew;
	uint32_t num_told; /* of the marker's wakings: their goroutines are revived */
	struct {
		uint32_t *items; /* goroutines to go on from */
		uint32_t num, capacity;
	} revived;
};

static void add_obstacle(struct search *search, const char *text)
{
	*array_add(search->arena, &search->reach->obstacles) = text;
}

static void add_caveat(struct search *search, const char *text)
{
	*array_add(search->arena, &search->reach->caveats) = text;
}

/* ---- Before marking ------------------------------------------------------------------------ */

/* The runtime's own structures lead from anything to any goroutine: none of them is looked into on
 * the way. A goroutine is, once it is known to be alive; Ms and Ps are in their own stages. */
static void mask(struct search *search)
{
	struct go_marker *marker = &search->reach->marker;
	const struct go_reach_input *input = search->input;
	const struct go_slice *allgs = &input->runtime->allgs;
	const struct go_slice *allp = &input->runtime->allp;
	for (uint64_t i = 0; i < allgs->num; i++) {
		uint64_t g;
		if (pages_read(&marker->pages, allgs->data_addr + 8 * i, &g, sizeof(g)))
			go_marker_mask(marker, g);
	}
	for (uint32_t i = 0; i < input->goroutines->ms.num; i++) {
		uint64_t m = input->goroutines->ms.items[i].addr, g;
		const uint64_t own[] = {m + GO_M_G0,
					m + (uint64_t)input->runtime->layout.m_gsignal};
		go_marker_mask(marker, m);
		for (size_t k = 0; k < 2; k++)
			if (image_read_u64(input->image, own[k], &g))
				go_marker_mask(marker, g);
	}
	for (uint64_t i = 0; i < allp->num; i++) {
		uint64_t p;
		if (image_read_u64(input->image, allp->data_addr + 8 * i, &p))
			go_marker_mask(marker, p);
	}
	for (uint32_t i = 0; i < input->queues->sudogs.num; i++) {
		const struct go_sudog *sudog = &input->queues->sudogs.items[i];
		if (search->reach->roles[sudog->goroutine] != GO_ROLE_LIVE)
			go_marker_mask(marker, sudog->addr);
	}
}

static void watch(struct search *search)
{
	struct go_marker *marker = &search->reach->marker;
	const struct go_queues *queues = search->input->queues;
	uint32_t num = queues->sudogs.num;
	search->next_waiter = arena_alloc_array(search->arena, num, sizeof(uint32_t));
	search->first_waiter = arena_alloc_array(search->arena, num, sizeof(uint32_t));
	for (uint32_t i = 0; i < num; i++) {
		const struct go_sudog *sudog = &queues->sudogs.items[i];
		struct go_object object;
		uint32_t number;
		if (search->reach->roles[sudog->goroutine] != GO_ROLE_WAITS)
			continue;
		/* What lies outside of the heap can be reached. On a stack there is none: the
		 * compiler takes what is given to the runtime for something that others get. */
		if (!go_marker_find(marker, sudog->object_addr, &object)) {
			search->reach->roles[sudog->goroutine] = GO_ROLE_LIVE;
			continue;
		}
		go_marker_watch(marker, object, &number);
		if (number >= search->num_watched) {
			search->first_waiter[number] = NO_WAITER;
			search->num_watched = number + 1;
		}
		search->next_waiter[i] = search->first_waiter[number];
		search->first_waiter[number] = i;
	}
}

static int compare_words(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* A goroutine that a thread has in hand, or whose place in a queue it has, may be waking up. */
static void revive_touched(struct search *search)
{
	struct go_marker *marker = &search->reach->marker;
	const struct go_reach_input *input = search->input;
	uint64_t *items = marker->touched.items;
	uint32_t num = marker->touched.num;
	if (num == 0)
		return;
	qsort(items, num, sizeof(*items), compare_words);
	for (uint32_t i = 0; i < input->goroutines->list.num; i++) {
		const uint64_t *addr = &input->goroutines->list.items[i].addr;
		if (bsearch(addr, items, num, sizeof(*items), compare_words) != NULL)
			search->reach->roles[i] = GO_ROLE_LIVE;
	}
	for (uint32_t i = 0; i < input->queues->sudogs.num; i++) {
		const struct go_sudog *sudog = &input->queues->sudogs.items[i];
		if (bsearch(&sudog->addr, items, num, sizeof(*items), compare_words) != NULL)
			search->reach->roles[sudog->goroutine] = GO_ROLE_LIVE;
	}
}

/* ---- Marking ------------------------------------------------------------------------------- */

static void revive(struct search *search, uint32_t goroutine, enum go_kept kept)
{
	struct go_reach *reach = search->reach;
	if (reach->roles[goroutine] == GO_ROLE_LIVE || reach->kept[goroutine] != GO_KEPT_UNKNOWN)
		return;
	reach->kept[goroutine] = (uint8_t)kept;
	reach->num_revived++;
	*array_add(search->arena, &search->revived) = goroutine;
}

/* False: nobody waits for anything that was marked since the last time. */
static bool revive_waiters(struct search *search, enum go_kept kept)
{
	const struct go_wakings *wakings = search->reach->marker.wakings;
	const struct go_sudog *sudogs = search->input->queues->sudogs.items;
	uint32_t num = atomic_load(&wakings->num);
	if (search->num_told == num)
		return false;
	search->revived.num = 0;
	for (; search->num_told < num; search->num_told++) {
		uint32_t k = search->first_waiter[wakings->items[search->num_told]];
		for (; k != NO_WAITER; k = search->next_waiter[k])
			revive(search, sudogs[k].goroutine, kept);
	}
	return true;
}

static bool is_stopped(const struct search *search)
{
	return search->progress->cancelled || search->progress->timed_out;
}

/* Marks all that the stage's roots reach. Goroutines that they reach directly are the stage's;
 * those reached through these are kept by waiting ones. */
static void finish_stage(struct search *search)
{
	struct go_marker *marker = &search->reach->marker;
	enum go_kept kept = search->stage;
	do {
		go_crew_mark(&search->crew, NULL, 0);
		while (!is_stopped(search) && revive_waiters(search, kept)) {
			if (search->stage != GO_KEPT_BY_GOROUTINE)
				kept = GO_KEPT_BY_WAITING;
			go_crew_mark(&search->crew, search->revived.items, search->revived.num);
		}
	} while (!is_stopped(search) && go_roots_weak(&search->reach->roots, marker));
}

static void mark_goroutines(struct search *search)
{
	struct go_reach *reach = search->reach;
	uint32_t num = search->input->goroutines->list.num;
	for (uint32_t i = 0; i < num; i++) {
		if (reach->roles[i] != GO_ROLE_LIVE) {
			reach->num_candidates++;
			continue;
		}
		reach->num_roots++;
		*array_add(search->arena, &search->revived) = i;
	}
	go_crew_mark(&search->crew, search->revived.items, search->revived.num);
}

static void mark(struct search *search)
{
	struct go_reach *reach = search->reach;
	struct go_marker *marker = &reach->marker;
	const struct go_reach_input *input = search->input;
	marker->note_touched = true;
	go_thread_roots_mark(&reach->threads, marker);
	marker->note_touched = false;
	revive_touched(search);
	search->stage = GO_KEPT_BY_GOROUTINE;
	go_roots_finalizers(&reach->roots, marker);
	mark_goroutines(search);
	finish_stage(search);
	search->stage = GO_KEPT_BY_TIMER;
	go_roots_processors(&reach->roots, marker);
	go_thread_roots_processors(&reach->threads, marker);
	finish_stage(search);
	search->stage = GO_KEPT_BY_GLOBAL;
	go_roots_variables(&reach->roots, marker);
	for (uint32_t i = 0; i < input->goroutines->ms.num; i++) {
		struct go_object object;
		if (go_marker_find(marker, input->goroutines->ms.items[i].addr, &object))
			go_marker_scan(marker, object);
	}
	finish_stage(search);
	for (uint32_t i = 0; i < input->goroutines->list.num; i++)
		if (reach->roles[i] != GO_ROLE_LIVE && reach->kept[i] == GO_KEPT_UNKNOWN)
			reach->kept[i] = GO_KEPT_BY_NOTHING;
}

/* ---- What stands in the way ---------------------------------------------------------------- */

/* Known before anything is marked. */
static void check_before(struct search *search)
{
	const struct go_reach_input *input = search->input;
	const struct go_runtime *runtime = input->runtime;
	if (!input->spans->known || input->spans->list.num == 0)
		add_obstacle(search, "Go's list of its memory was not found");
	if (input->spans->num_damaged > 0)
		add_obstacle(search, "entries of Go's list of its memory could not be read");
	if (runtime->allm == 0)
		add_obstacle(search, "the Go runtime's list of its threads was not found");
	if (runtime->allp.num == 0)
		add_obstacle(search, "the Go runtime's list of its processors was not found");
	if (runtime->num_wait_reasons == 0)
		add_obstacle(search, "the Go runtime's words for waits were not found");
	if (input->goroutines->num_damaged > 0)
		add_obstacle(search, "some goroutines could not be read");
	if (!input->notes_whole)
		add_obstacle(search, "the registers of some threads may be missing from the core");
	if (runtime->layout.minor == GO_NONE)
		add_caveat(search, GO_REACH_UNKNOWN_LAYOUT);
}

bool go_reach_files_verified(const struct go_reach_input *input)
{
	for (uint32_t i = 0; i < input->runtime->tables.modules.num; i++) {
		int32_t index =
			modules_find(input->modules, input->runtime->tables.modules.items[i].addr);
		if (index < 0 || !input->modules->list.items[index].info.verified)
			return false;
	}
	return true;
}

static void check_after(struct search *search)
{
	struct go_reach *reach = search->reach;
	const struct go_marker *marker = &reach->marker;
	if (is_stopped(search))
		add_obstacle(search, "the search was stopped early");
	if (marker->num_unreadable > 0)
		add_obstacle(search,
			     arena_format(search->arena,
					  "%" PRIu64 " words of reachable memory are not "
					  "in the core, the first at 0x%" PRIx64,
					  marker->num_unreadable, marker->first_unreadable_addr));
	if (reach->roots.num_damaged > 0)
		add_obstacle(search, "the runtime's lists of processors or finalizers could not be "
				     "read");
	if (reach->threads.num_missing > 0)
		add_obstacle(search, arena_format(search->arena,
						  "the registers of %" PRIu32 " threads that "
						  "run Go code are not in the core",
						  reach->threads.num_missing));
	if (reach->threads.num_lost > 0)
		add_obstacle(search, "the stack of a thread that runs was not found");
	if (reach->threads.num_without_vectors > 0)
		add_caveat(search, arena_format(search->arena,
						"the vector registers of %" PRIu32 " running "
						"threads are not in the core: one may hold a "
						"pointer that is nowhere else",
						reach->threads.num_without_vectors));
	if (!go_reach_files_verified(search->input))
		add_caveat(search, "the program's file could not be verified: where its variables' "
				   "and types' pointers are was read from it");
}

/* One gap for all that forbids a proof that would otherwise have been made. */
static void tell_obstacles(struct search *search, struct gaps *gaps)
{
	const struct go_reach *reach = search->reach;
	for (uint32_t i = 0; i < reach->obstacles.num; i++)
		gaps_add(gaps, "proof", true, "no goroutine is proved stuck: %s",
			 reach->obstacles.items[i]);
}

static struct go_heap_layout layout_of(const struct go_runtime *runtime)
{
	struct go_heap_layout layout = go_heap_layout_for(runtime->minor);
	go_heap_layout_adapt(&layout, runtime->tables.build_info.version);
	return layout;
}

void go_reach_build(struct go_reach *ret, struct arena *arena, struct gaps *gaps,
		    struct progress *progress, const struct go_reach_input *input)
{
	struct search search = {.reach = ret, .input = input, .arena = arena, .progress = progress};
	*ret = (struct go_reach){.layout = layout_of(input->runtime)};
	if (!input->runtime->recognised || input->goroutines->list.num == 0)
		return;
	check_before(&search);
	if (ret->obstacles.num > 0) {
		tell_obstacles(&search, gaps);
		return;
	}
	go_marker_init(&ret->marker, arena, input->image, input->spans, &ret->layout,
		       input->keep_parents);
	go_roots_init(&ret->roots, input->runtime, &ret->layout, input->image);
	ret->threads = (struct go_thread_roots){
		.runtime = input->runtime,
		.goroutines = input->goroutines,
		.tasks = input->tasks,
		.notes = input->notes,
		.image = input->image,
	};
	go_thread_roots_init(&ret->threads, arena);
	const struct go_candidates_input candidates_input = {
		.runtime = input->runtime,
		.layout = &ret->layout,
		.goroutines = input->goroutines,
		.tasks = input->tasks,
		.origins = input->origins,
		.queues = input->queues,
		.pages = &ret->marker.pages,
	};
	struct go_candidates candidates;
	go_candidates_build(&candidates, arena, &candidates_input);
	ret->roles = candidates.roles;
	ret->kept = arena_alloc_array(arena, input->goroutines->list.num, sizeof(*ret->kept));
	if (candidates.num == 0)
		return;
	ret->goroutine_roots = (struct go_goroutine_roots){
		.runtime = input->runtime,
		.layout = &ret->layout,
		.goroutines = input->goroutines,
		.tasks = input->tasks,
		.queues = input->queues,
		.stack_ids = input->stacks->by_task,
		.num_stacks = input->stacks->list.num,
	};
	go_goroutine_roots_init(&ret->goroutine_roots, arena, input->image);
	mask(&search);
	watch(&search);
	go_marker_begin(&ret->marker);
	search.crew = (struct go_crew){
		.arena = arena,
		.progress = progress,
		.image = input->image,
		.marker = &ret->marker,
		.roots = &ret->goroutine_roots,
		.num_threads = work_pool_num_threads(arena),
	};
	mark(&search);
	check_after(&search);
	tell_obstacles(&search, gaps);
	ret->made = ret->obstacles.num == 0;
}
