#include "proof/go_paths.h"

#include "stack/data_symbols.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MAX_STEPS = 48, MAX_WISHED = 4096 };

struct steps {
	struct coreleaks_evidence *items;
	uint32_t num, capacity;
};

struct paths {
	struct arena *arena;
	const struct go_paths_input *input;
	struct go_types types;
	struct steps steps; /* of the goroutine at hand */
	bool *seen;	    /* goroutines on the way of the one at hand */
};

static void add(struct paths *paths, uint64_t addr, const char *what)
{
	*array_add(paths->arena, &paths->steps) = (struct coreleaks_evidence){what, addr};
}

/* ---- Where the search came from ------------------------------------------------------------- */

static int64_t id_of(const struct paths *paths, uint32_t goroutine)
{
	const struct go_reach_input *search = paths->input->search;
	return search->tasks->list.items[search->goroutines->first_task + goroutine].id;
}

/* The goroutine on whose stack, or in whose record, addr lies; -1 none. */
static int64_t owner_of(const struct paths *paths, uint64_t addr, bool *on_stack_ret)
{
	const struct go_reach_input *search = paths->input->search;
	uint64_t g_size = (uint64_t)search->runtime->layout.g_size;
	for (uint32_t i = 0; i < search->goroutines->list.num; i++) {
		const struct goroutine *g = &search->goroutines->list.items[i];
		*on_stack_ret = range_contains(g->stack, addr);
		if (*on_stack_ret || addr - g->addr < g_size)
			return i;
	}
	for (uint32_t i = 0; i < search->queues->sudogs.num; i++)
		if (search->queues->sudogs.items[i].addr == addr)
			return search->queues->sudogs.items[i].goroutine;
	return -1;
}

/* "[sp+104] in main.setup" */
static const char *slot_text(const struct paths *paths, uint32_t goroutine, uint64_t addr)
{
	struct go_reach *reach = paths->input->reach;
	struct go_place place = go_goroutine_roots_place(&reach->goroutine_roots, goroutine, addr);
	if (place.function == NULL)
		return arena_format(paths->arena, "at 0x%" PRIx64, addr);
	return arena_format(paths->arena, "[sp+%" PRIu64 "] in %s%s", place.off, place.function,
			    reach->goroutine_roots.by_words[goroutine] ? " (maybe dead)" : "");
}

static bool is_in_list(const struct paths *paths, uint64_t addr, const struct go_slice *list)
{
	struct range object;
	for (uint64_t i = 0; i < list->num; i++) {
		uint64_t item;
		if (image_read_u64(paths->input->search->image, list->data_addr + 8 * i, &item) &&
		    go_spans_object(paths->input->search->spans, item, &object) &&
		    range_contains(object, addr))
			return true;
	}
	return false;
}

static void add_variable(struct paths *paths, uint64_t addr)
{
	const struct go_reach_input *search = paths->input->search;
	const char *name = NULL;
	if (!range_contains(search->runtime->globals, addr) &&
	    modules_find(search->modules, addr) < 0) {
		add(paths, addr, "the Go runtime's lists of finalizers and cleanups");
		return;
	}
	data_symbols_find(paths->arena, paths->input->files, search->modules, &addr, 1, &name);
	add(paths, addr,
	    name != NULL ? arena_format(paths->arena, "variable %s", name)
			 : arena_format(paths->arena, "variable at 0x%" PRIx64, addr));
}

static void add_kept(struct paths *paths, uint32_t goroutine);

/* The end of a path: addr is in no object that was looked into. */
static void add_root(struct paths *paths, uint64_t addr)
{
	const struct go_reach_input *search = paths->input->search;
	bool on_stack;
	if (addr == 0) {
		add(paths, 0, "a register of a thread that runs");
		return;
	}
	int64_t owner = owner_of(paths, addr, &on_stack);
	if (owner >= 0) {
		uint32_t goroutine = (uint32_t)owner;
		add(paths, addr,
		    on_stack ? arena_format(paths->arena, "goroutine %" PRId64 "'s stack slot %s",
					    id_of(paths, goroutine),
					    slot_text(paths, goroutine, addr))
			     : arena_format(paths->arena,
					    "the Go runtime's record of goroutine %" PRId64,
					    id_of(paths, goroutine)));
		if (!paths->seen[goroutine] &&
		    paths->input->reach->kept[goroutine] != GO_KEPT_UNKNOWN)
			add_kept(paths, goroutine);
		return;
	}
	if (is_in_list(paths, addr, &search->runtime->allp)) {
		add(paths, addr, "a timer, or another list of the Go runtime's processors");
		return;
	}
	for (uint32_t i = 0; i < search->goroutines->ms.num; i++) {
		const struct go_m *m = &search->goroutines->ms.items[i];
		if (range_contains(m->g0_stack, addr) || range_contains(m->signal_stack, addr)) {
			add(paths, addr,
			    arena_format(paths->arena, "the stack of thread %" PRId64, m->procid));
			return;
		}
	}
	add_variable(paths, addr);
}

/* ---- The way -------------------------------------------------------------------------------- */

static const char *object_text(struct paths *paths, struct go_object object, uint64_t addr)
{
	const struct go_marker *marker = &paths->input->reach->marker;
	const struct go_span *span = &marker->spans->list.items[object.span];
	uint64_t base = go_marker_addr(marker, object), type = 0;
	if (marker->scans[object.span].how == GO_SCAN_HEADER)
		image_read_u64(paths->input->search->image, base, &type);
	else if (marker->scans[object.span].how == GO_SCAN_TYPE)
		type = marker->scans[object.span].type_addr;
	const char *name = type != 0 ? go_types_name(&paths->types, type) : NULL;
	return arena_format(paths->arena,
			    "object 0x%" PRIx64 " of %" PRIu64 " bytes%s%s, at +%" PRIu64, base,
			    span->element_size, name != NULL ? ", " : "", name != NULL ? name : "",
			    addr - base);
}

/* From a marked object back to where the search came from. */
static void add_way(struct paths *paths, struct go_object object)
{
	const struct go_marker *marker = &paths->input->reach->marker;
	for (uint32_t i = 0; i < MAX_STEPS; i++) {
		uint64_t addr = go_marker_parent(marker, object);
		struct go_object holder;
		if (addr == 0 || !go_marker_find(marker, addr, &holder) ||
		    go_marker_is_masked(marker, holder)) {
			add_root(paths, addr);
			return;
		}
		add(paths, addr, object_text(paths, holder, addr));
		object = holder;
	}
	add(paths, 0, "and so on");
}

static const char *const kept_words[] = {
	[GO_KEPT_BY_GOROUTINE] = "goroutine",
	[GO_KEPT_BY_TIMER] = "timer",
	[GO_KEPT_BY_GLOBAL] = "variable",
	[GO_KEPT_BY_WAITING] = "waiting goroutine",
};

/* What that goroutine waits for, and the way to it. */
static void add_kept(struct paths *paths, uint32_t goroutine)
{
	const struct go_queues *queues = paths->input->search->queues;
	const struct go_queue_entries *entries = &queues->of[goroutine];
	paths->seen[goroutine] = true;
	for (uint32_t i = 0; i < entries->num && paths->steps.num < MAX_STEPS; i++) {
		const struct go_sudog *sudog = &queues->sudogs.items[entries->first + i];
		struct go_object object;
		if (!go_marker_find(&paths->input->reach->marker, sudog->object_addr, &object) ||
		    !go_marker_is_marked(&paths->input->reach->marker, object))
			continue;
		add(paths, sudog->object_addr,
		    arena_format(paths->arena,
				 "goroutine %" PRId64 " waits for 0x%" PRIx64 ", which is held by",
				 id_of(paths, goroutine), sudog->object_addr));
		add_way(paths, object);
		return;
	}
}

/* ---- Who is asked for ----------------------------------------------------------------------- */

static bool waits_for(const struct paths *paths, uint32_t goroutine, uint64_t addr)
{
	const struct go_queues *queues = paths->input->search->queues;
	const struct go_queue_entries *entries = &queues->of[goroutine];
	for (uint32_t i = 0; i < entries->num; i++)
		if (queues->sudogs.items[entries->first + i].object_addr == addr)
			return true;
	return false;
}

static void explain(struct paths *paths, const struct coreleaks_wait **waits, uint32_t goroutine)
{
	const struct go_reach_input *search = paths->input->search;
	uint32_t task = search->goroutines->first_task + goroutine;
	enum go_kept kept = (enum go_kept)paths->input->reach->kept[goroutine];
	if (waits[task]->kept_by != NULL || kept == GO_KEPT_UNKNOWN || kept == GO_KEPT_BY_NOTHING)
		return;
	paths->steps = (struct steps){0};
	memset(paths->seen, 0, search->goroutines->list.num * sizeof(*paths->seen));
	add(paths, 0,
	    arena_format(paths->arena,
			 "it may still be woken: a %s keeps what it waits for reachable",
			 kept_words[kept]));
	add_kept(paths, goroutine);
	/* Others may share the wait. */
	struct coreleaks_wait *wait = arena_alloc(paths->arena, sizeof(*wait));
	*wait = *waits[task];
	waits[task] = wait;
	wait->kept_by = paths->steps.items;
	wait->num_kept_by = paths->steps.num;
}

void go_paths_publish(struct public_tasks *tasks, const struct coreleaks_wait **waits,
		      struct arena *arena, const struct go_paths_input *input)
{
	const struct go_reach_input *search = input->search;
	const struct goroutines *goroutines = search->goroutines;
	struct paths paths = {.arena = arena, .input = input};
	if (!input->reach->made)
		return;
	public_tasks_set_keepers(tasks, arena, input->reach->kept, kept_words,
				 sizeof(kept_words) / sizeof(kept_words[0]));
	if (input->reach->marker.parents == NULL)
		return;
	go_types_init(&paths.types, arena, search->image, search->runtime);
	paths.seen = arena_alloc_array(arena, goroutines->list.num, sizeof(*paths.seen));
	const char *wish = input->wish != NULL ? input->wish : "";
	const char *colon = strchr(wish, ':');
	int64_t id = colon != NULL ? strtoll(colon + 1, NULL, 10) : 0;
	uint64_t addr = strncmp(wish, "0x", 2) == 0 ? strtoull(wish, NULL, 16) : 0;
	for (uint32_t i = 0, num = 0; i < goroutines->list.num && num < MAX_WISHED; i++) {
		if ((id == 0 || id_of(&paths, i) != id) &&
		    (addr == 0 || !waits_for(&paths, i, addr)))
			continue;
		explain(&paths, waits, i);
		num++;
	}
	for (uint32_t i = 0; i < input->num_firsts && i < MAX_WISHED; i++)
		if (goroutines_of_task(goroutines, input->firsts[i]) != NULL)
			explain(&paths, waits, input->firsts[i] - goroutines->first_task);
}
