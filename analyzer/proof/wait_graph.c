#include "proof/wait_graph.h"

#include <stdlib.h>
#include <string.h>

enum {
	KIND_TYPE_MASK =
		3, /* glibc mutex __kind: 0 normal, 1 recursive, 2 errorcheck, 3 adaptive */
	KIND_RECURSIVE = 1,
	KIND_ERRORCHECK = 2,
	KIND_ROBUST = 16,
	KIND_PI = 32,
	KIND_SHARED = 128,
};

struct graph_builder {
	struct wait_graph *graph;
	struct arena *arena;
	const struct wait_graph_input *input;
	int32_t *tids; /* ascending */
	uint32_t num_tids;
	bool ids_known; /* as the process sees them, of all threads */
	int32_t process_id;
};

/* The file mapped at an address; NULL: none. */
static const struct note_mapping *find_mapping(const struct notes *notes, uint64_t addr)
{
	uint32_t low = 0, high = notes->mappings.num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct note_mapping *mapping = &notes->mappings.items[middle];
		if (range_contains(mapping->range, addr))
			return mapping;
		if (addr < mapping->range.low)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* A mapped file that is no program or library: memory that another process may share. It may lie
 * in a hole that a library leaves between its segments, as
 * glibc 2.31's ld.so does, which the kernel maps. Memory of a library without a file is what it has
 * zeroed. */
static bool in_shared_mapping(const struct wait_graph_input *input, uint64_t addr)
{
	int32_t index = modules_find(input->modules, addr);
	const struct note_mapping *mapping = find_mapping(input->notes, addr);
	if (index >= 0) {
		const char *path = input->modules->list.items[index].info.path;
		return mapping != NULL && strcmp(mapping->path, path) != 0;
	}
	/* Without the list of mapped files nothing tells. */
	return mapping != NULL || !input->notes->has_mappings;
}

static bool has_recorded_owner(const struct wait *wait)
{
	return wait->object == WAIT_MUTEX || wait->object == WAIT_RWLOCK;
}

bool wait_graph_anyone_unlocks(const struct wait *wait)
{
	uint32_t type = wait->mutex_kind & KIND_TYPE_MASK;
	if (wait->object != WAIT_MUTEX)
		return wait->object == WAIT_RWLOCK;
	return (wait->mutex_kind & (KIND_ROBUST | KIND_PI)) == 0 && type != KIND_RECURSIVE &&
	       type != KIND_ERRORCHECK;
}

/* A wait that only another task can end, all of whose facts were read. */
static bool is_solid(const struct wait *wait)
{
	return wait->certain && wait->clock == WAIT_FOREVER && wait->word_known && !wait->in_flight;
}

static uint32_t sharing_caveats(const struct wait_graph_input *input, const struct wait *wait)
{
	uint32_t caveats = 0;
	/* glibc marks every robust mutex as shared (nptl/pthread_mutex_init.c). */
	if (has_recorded_owner(wait) &&
	    (wait->mutex_kind & (KIND_SHARED | KIND_ROBUST)) == KIND_SHARED)
		caveats |= WAIT_CAVEAT_SHARED_LOCK;
	else if (in_shared_mapping(input, wait->addr))
		caveats |= WAIT_CAVEAT_SHARED_MEMORY;
	return caveats;
}

static uint32_t object_caveats(const struct wait_graph_input *input, const struct wait *wait)
{
	const struct program_powers *powers = &input->powers;
	uint32_t caveats = sharing_caveats(input, wait);
	/* Joining, unlike locking, is a cancellation point (POSIX 2.9.5.2). */
	if (wait->object == WAIT_THREAD && powers->cancels)
		caveats |= WAIT_CAVEAT_CANCELLED;
	if (powers->cancels_anywhere)
		caveats |= WAIT_CAVEAT_CANCELLED_ANYWHERE;
	if (powers->leaves_waits)
		caveats |= WAIT_CAVEAT_LEFT;
	if (powers->unread)
		caveats |= WAIT_CAVEAT_UNREAD;
	if ((input->coroutines || powers->switches_stacks) && wait_graph_anyone_unlocks(wait))
		caveats |= WAIT_CAVEAT_COROUTINES;
	return caveats;
}

static struct wait_edge make_edge(const struct graph_builder *builder, uint32_t task)
{
	const struct wait_graph_input *input = builder->input;
	const struct wait *wait = input->waits->by_task[task];
	struct wait_edge edge = {.to = -1, .blocked_by = -1};
	bool has_owner = has_recorded_owner(wait) || wait->object == WAIT_THREAD;
	/* Who is woken up already is not kept any more by whom it waited for. */
	if (!has_owner || wait->holder < 0 || !wait->word_known || wait->in_flight)
		return edge;
	/* Of threads that share a descriptor any may be the holder. */
	if (input->nptl->threads.items[wait->holder].shared)
		return edge;
	int32_t to = input->nptl->threads.items[wait->holder].task;
	uint32_t type = wait->mutex_kind & KIND_TYPE_MASK;
	/* Recursive and error-checking mutexes do not block their owner. */
	if (wait->object == WAIT_MUTEX && to == (int32_t)task &&
	    (type == KIND_RECURSIVE || type == KIND_ERRORCHECK))
		return edge;
	edge.blocked_by = to;
	if (!is_solid(wait))
		return edge;
	edge.to = to;
	edge.caveats = object_caveats(input, wait);
	return edge;
}

static int task_compare(const void *a, const void *b, void *data)
{
	const struct task *items = data;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (items[x].id != items[y].id)
		return items[x].id < items[y].id ? -1 : 1;
	return (x > y) - (x < y);
}

static void sort_tasks(const struct graph_builder *builder, uint32_t *tasks, uint32_t num)
{
	if (num > 1)
		qsort_r(tasks, num, sizeof(*tasks), task_compare,
			builder->input->tasks->list.items);
}

static void add_cycle(struct graph_builder *builder, uint32_t start)
{
	const struct wait_edge *edges = builder->graph->edges;
	const struct task *items = builder->input->tasks->list.items;
	struct wait_root root = {.kind = WAIT_ROOT_CYCLE};
	uint32_t first = start, at = start;
	do {
		root.num_tasks++;
		if (task_compare(&at, &first, (void *)(uintptr_t)items) < 0)
			first = at;
		at = (uint32_t)edges[at].to;
	} while (at != start);
	root.tasks = arena_alloc_array(builder->arena, root.num_tasks, sizeof(*root.tasks));
	at = first;
	for (uint32_t i = 0; i < root.num_tasks; i++) {
		root.tasks[i] = at;
		root.caveats |= edges[at].caveats;
		at = (uint32_t)edges[at].to;
	}
	*array_add(builder->arena, &builder->graph->roots) = root;
}

static void find_cycles(struct graph_builder *builder)
{
	const struct wait_edge *edges = builder->graph->edges;
	uint32_t num = builder->input->tasks->list.num;
	uint32_t *walk_of = arena_alloc_array(builder->arena, num, sizeof(*walk_of));
	for (uint32_t i = 0; i < num; i++) {
		uint32_t at = i, walk = i + 1;
		while (walk_of[at] == 0 && edges[at].to >= 0) {
			walk_of[at] = walk;
			at = (uint32_t)edges[at].to;
		}
		if (walk_of[at] == walk && edges[at].to >= 0)
			add_cycle(builder, at);
	}
}

static int tid_compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

/* All ids that some thread has or may yet have: of notes and of glibc's lists, where those being
 * created or torn down have theirs negated. In a pid namespace the notes' may be those of the
 * outside: of a thread without a descriptor the inner one is not known then. */
static void collect_tids(struct graph_builder *builder)
{
	const struct nptl *nptl = builder->input->nptl;
	const struct notes *notes = builder->input->notes;
	uint32_t num = 0;
	bool is_namespace = false, has_nameless = false;
	int32_t *tids = arena_alloc_array(
		builder->arena, (size_t)nptl->threads.num + notes->threads.num, sizeof(*tids));
	for (uint32_t i = 0; i < nptl->threads.num; i++) {
		int32_t tid = nptl->threads.items[i].tid;
		tids[num++] = tid < 0 && tid != INT32_MIN ? -tid : tid;
	}
	for (uint32_t i = 0; i < notes->threads.num; i++) {
		int32_t tid = (int32_t)notes->threads.items[i].tid;
		int32_t index = i < builder->input->tasks->list.num ? nptl->by_task[i] : -1;
		has_nameless |= index < 0;
		is_namespace |= index >= 0 && !nptl->threads.items[index].shared &&
				nptl->threads.items[index].tid != tid;
		tids[num++] = tid;
	}
	builder->ids_known = !is_namespace || !has_nameless;
	if (num > 1)
		qsort(tids, num, sizeof(*tids), tid_compare);
	builder->tids = tids;
	builder->num_tids = num;
}

static bool tid_exists(const struct graph_builder *builder, int32_t tid)
{
	return builder->num_tids > 0 &&
	       bsearch(&tid, builder->tids, builder->num_tids, sizeof(tid), tid_compare) != NULL;
}

/* The kernel hands on robust mutexes when their owner dies, and priority-inheriting ones to those
 * who had come before. */
static bool is_handed_on(const struct wait *wait)
{
	return (wait->mutex_kind & KIND_ROBUST) != 0 ||
	       ((wait->mutex_kind & KIND_PI) != 0 && !wait->refused);
}

/* A list of threads with a gap cannot tell who is gone. Of a lock that processes share the owner
 * may be another one's thread; but what the kernel has refused is lost whoever owns it. */
static bool is_abandoned(const struct graph_builder *builder, const struct wait *wait)
{
	const struct wait_graph_input *input = builder->input;
	return has_recorded_owner(wait) && is_solid(wait) && wait->holder < 0 &&
	       wait->holder_tid != 0 && !is_handed_on(wait) &&
	       (wait->refused || sharing_caveats(input, wait) == 0) && input->nptl->present &&
	       input->nptl->lists_whole && input->notes_whole && builder->ids_known &&
	       !tid_exists(builder, wait->holder_tid);
}

/* The process's own id as its threads see it; INT32_MAX unknown. */
static int32_t process_id(const struct wait_graph_input *input)
{
	for (uint32_t i = 0; i < input->notes->threads.num && i < input->tasks->list.num; i++)
		if (input->notes->threads.items[i].tid == input->notes->pid &&
		    input->nptl->by_task[i] >= 0)
			return input->nptl->threads.items[input->nptl->by_task[i]].tid;
	return INT32_MAX;
}

/* The child's copy of the lock names the parent's thread, whose only descendant is the child's
 * first thread. When there is none that does not wait for the lock itself, nobody is left to
 * unlock. Ids are given out in ascending order: one above the process's own was one of its
 * threads'. */
static uint32_t forking_caveats(const struct graph_builder *builder, const struct wait_root *root)
{
	const struct wait_graph_input *input = builder->input;
	const struct wait *wait = input->waits->by_task[root->tasks[0]];
	return input->powers.forks && wait_graph_anyone_unlocks(wait) &&
			       root->num_tasks < input->tasks->list.num &&
			       wait->holder_tid < builder->process_id
		       ? WAIT_CAVEAT_FORKED
		       : 0;
}

static int object_compare(const void *a, const void *b, void *data)
{
	struct wait *const *items = data;
	uint64_t x = items[*(const uint32_t *)a]->addr, y = items[*(const uint32_t *)b]->addr;
	return x != y ? (x > y) - (x < y)
		      : (*(const uint32_t *)a > *(const uint32_t *)b) -
				(*(const uint32_t *)a < *(const uint32_t *)b);
}

static void find_abandoned(struct graph_builder *builder)
{
	struct wait *const *waits = builder->input->waits->by_task;
	uint32_t num = builder->input->tasks->list.num, num_found = 0;
	uint32_t *found = arena_alloc_array(builder->arena, num, sizeof(*found));
	/* The same owner's id is asked for once by all waiters of a lock. */
	for (uint32_t i = 0; i < num; i++)
		if (has_recorded_owner(waits[i]) && waits[i]->holder < 0 &&
		    waits[i]->holder_tid != 0)
			found[num_found++] = i;
	if (num_found > 1)
		qsort_r(found, num_found, sizeof(*found), object_compare, (void *)(uintptr_t)waits);
	for (uint32_t i = 0, end; i < num_found; i = end) {
		struct wait_root root = {.kind = WAIT_ROOT_ABANDONED};
		uint64_t addr = waits[found[i]]->addr;
		bool abandoned = false;
		for (end = i; end < num_found && waits[found[end]]->addr == addr; end++) {
			const struct wait *wait = waits[found[end]];
			/* Waiters of one lock differ only in their own wait. */
			if (!abandoned && !is_abandoned(builder, wait))
				continue;
			if (!is_solid(wait) || is_handed_on(wait))
				continue;
			abandoned = true;
			root.caveats |= object_caveats(builder->input, wait);
			found[i + root.num_tasks++] = found[end];
		}
		if (!abandoned)
			continue;
		root.tasks = found + i;
		sort_tasks(builder, root.tasks, root.num_tasks);
		root.caveats |= forking_caveats(builder, &root);
		*array_add(builder->arena, &builder->graph->roots) = root;
	}
}

/* The waiters of each task, as lists: first[task] -> task + 1, next[task] -> task + 1. */
struct reverse {
	uint32_t *first, *next;
};

static struct reverse reverse_edges(struct graph_builder *builder)
{
	uint32_t num = builder->input->tasks->list.num;
	struct reverse reverse = {
		arena_alloc_array(builder->arena, num, sizeof(uint32_t)),
		arena_alloc_array(builder->arena, num, sizeof(uint32_t)),
	};
	for (uint32_t i = num; i-- > 0;) {
		int32_t to = builder->graph->edges[i].to;
		if (to < 0)
			continue;
		reverse.next[i] = reverse.first[to];
		reverse.first[to] = i + 1;
	}
	return reverse;
}

/* Everybody who waits, directly or not, for the tasks in queue (num of them, already marked). */
static uint32_t follow_waiters(const struct reverse *reverse, bool *marked, uint32_t *queue,
			       uint32_t num)
{
	for (uint32_t i = 0; i < num; i++) {
		for (uint32_t waiter = reverse->first[queue[i]]; waiter != 0;
		     waiter = reverse->next[waiter - 1]) {
			if (marked[waiter - 1])
				continue;
			marked[waiter - 1] = true;
			queue[num++] = waiter - 1;
		}
	}
	return num;
}

static void find_behind(struct graph_builder *builder, const struct reverse *reverse)
{
	uint32_t num = builder->input->tasks->list.num;
	uint32_t *queue = arena_alloc_array(builder->arena, num, sizeof(*queue));
	bool *marked = arena_alloc_array(builder->arena, num, sizeof(*marked));
	for (uint32_t i = 0; i < builder->graph->roots.num; i++) {
		struct wait_root *root = &builder->graph->roots.items[i];
		memcpy(queue, root->tasks, root->num_tasks * sizeof(*queue));
		for (uint32_t k = 0; k < root->num_tasks; k++)
			marked[queue[k]] = true;
		uint32_t num_found = follow_waiters(reverse, marked, queue, root->num_tasks);
		root->num_behind = num_found - root->num_tasks;
		root->behind = (uint32_t *)(void *)arena_copy_bytes(
			builder->arena, queue + root->num_tasks, root->num_behind * sizeof(*queue));
		root->behind_caveats = root->caveats;
		for (uint32_t k = 0; k < root->num_behind; k++)
			root->behind_caveats |= builder->graph->edges[root->behind[k]].caveats;
		sort_tasks(builder, root->behind, root->num_behind);
	}
}

/* A circle's order is that of its waiting. */
static void sort_root(const struct graph_builder *builder, struct wait_root *root)
{
	if (root->kind == WAIT_ROOT_UNREACHABLE)
		sort_tasks(builder, root->tasks, root->num_tasks);
}

static int root_compare(const void *a, const void *b, void *data)
{
	const struct wait_root *x = a, *y = b;
	return task_compare(&x->tasks[0], &y->tasks[0], data);
}

void wait_graph_build(struct wait_graph *ret, struct arena *arena,
		      const struct wait_graph_input *input)
{
	struct graph_builder builder = {.graph = ret, .arena = arena, .input = input};
	uint32_t num = input->tasks->list.num;
	*ret = (struct wait_graph){0};
	ret->edges = arena_alloc_array(arena, num, sizeof(*ret->edges));
	for (uint32_t i = 0; i < num; i++) {
		ret->edges[i] = make_edge(&builder, i);
		ret->has_edges |= ret->edges[i].blocked_by >= 0;
	}
	if (ret->has_edges)
		find_cycles(&builder);
	collect_tids(&builder);
	builder.process_id = process_id(input);
	find_abandoned(&builder);
}

void wait_graph_add_root(struct wait_graph *graph, struct arena *arena,
			 const struct wait_root *root)
{
	*array_add(arena, &graph->roots) = *root;
}

void wait_graph_finish(struct wait_graph *graph, struct arena *arena,
		       const struct wait_graph_input *input)
{
	struct graph_builder builder = {.graph = graph, .arena = arena, .input = input};
	for (uint32_t i = 0; i < graph->roots.num; i++)
		sort_root(&builder, &graph->roots.items[i]);
	if (graph->roots.num > 1)
		qsort_r(graph->roots.items, graph->roots.num, sizeof(*graph->roots.items),
			root_compare, input->tasks->list.items);
	if (graph->roots.num == 0)
		return;
	struct reverse reverse = reverse_edges(&builder);
	find_behind(&builder, &reverse);
}
