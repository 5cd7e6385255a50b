#include "proof/wait_graph.h"

#include <check.h>

Suite *wait_graph_suite(void);

enum {
	NORMAL = 0, /* glibc's kinds of mutex */
	RECURSIVE = 1,
	ERRORCHECK = 2,
	ADAPTIVE = 3,
	ROBUST = 16,
	PI = 32,
	SHARED = 128,
	NO_ELISION = 0x200,
	MANY = 100000,
};

#define LOCKS	UINT64_C(0x555500000000)
#define THREADS UINT64_C(0x7f0000000000)
#define GONE	4000000 /* the id of a thread that nobody knows */

static struct arena arena;
static struct tasks tasks;
static struct waits waits;
static struct nptl nptl;
static struct notes notes;
static struct modules modules;
static struct wait_graph_input input;
static struct wait_graph graph;
static uint32_t waits_capacity;
static int32_t by_task[MANY + 128];

static void setup(void)
{
	arena_init(&arena, 0);
	tasks = (struct tasks){0};
	waits = (struct waits){0};
	waits_capacity = 0;
	nptl = (struct nptl){.present = true, .lists_whole = true};
	notes = (struct notes){.has_mappings = true};
	modules = (struct modules){.main_index = -1};
	input = (struct wait_graph_input){
		.tasks = &tasks,
		.waits = &waits,
		.nptl = &nptl,
		.notes = &notes,
		.modules = &modules,
		.notes_whole = true,
	};
}

static void teardown(void)
{
	arena_deinit(&arena);
}

/* A descriptor on glibc's lists; task -1: no task of the core is that thread. */
static uint32_t add_descriptor(int32_t tid, int32_t task, enum nptl_life life)
{
	uint32_t index = nptl.threads.num;
	*array_add(&arena, &nptl.threads) = (struct nptl_thread){
		.pd_addr = THREADS + index * UINT64_C(0x10000),
		.tid = tid,
		.task = task,
		.life = life,
	};
	return index;
}

/* A thread that runs. Its index as a task is its index in nptl.threads, too, as long as there are
 * no other descriptors. */
static uint32_t add_thread(int32_t tid)
{
	uint32_t task = tasks.list.num;
	*array_add(&arena, &tasks.list) = (struct task){.kind = CORELEAKS_KIND_THREAD, .id = tid};
	*array_add(&arena, &notes.threads) = (struct note_thread){.tid = tid};
	if (task >= waits_capacity)
		waits.by_task = array_reserve(&arena, waits.by_task, &waits_capacity,
					      sizeof(struct wait *));
	waits.by_task[task] = arena_alloc(&arena, sizeof(struct wait));
	*waits.by_task[task] = (struct wait){.reason = "running", .holder = -1};
	nptl.by_task = by_task;
	by_task[task] = (int32_t)add_descriptor(tid, (int32_t)task, NPTL_ALIVE);
	return task;
}

/* num threads with the ids 1, 2, 3 … */
static void add_threads(uint32_t num)
{
	for (uint32_t i = 0; i < num; i++)
		add_thread((int32_t)i + 1);
}

static struct wait *wait_for(uint32_t task, enum wait_object object, uint64_t addr)
{
	*waits.by_task[task] = (struct wait){
		.object = object,
		.certain = true,
		.word_known = true,
		.addr = addr,
		.futex_addr = addr,
		.holder = -1,
	};
	return waits.by_task[task];
}

static struct wait *wait_held(uint32_t task, enum wait_object object, uint64_t addr, uint32_t owner)
{
	struct wait *wait = wait_for(task, object, addr);
	wait->holder = (int32_t)owner;
	wait->holder_tid = nptl.threads.items[owner].tid;
	return wait;
}

/* On a lock that the owner has taken: one a owner. */
static struct wait *wait_lock(uint32_t task, uint32_t owner)
{
	return wait_held(task, WAIT_MUTEX, LOCKS + owner * UINT64_C(64), owner);
}

static struct wait *wait_join(uint32_t task, uint32_t target)
{
	return wait_held(task, WAIT_THREAD, nptl.threads.items[target].pd_addr, target);
}

/* On a lock whose owner is no thread of the process. */
static struct wait *wait_gone(uint32_t task, uint64_t addr)
{
	struct wait *wait = wait_for(task, WAIT_MUTEX, addr);
	wait->holder_tid = GONE;
	return wait;
}

static void build(void)
{
	wait_graph_build(&graph, &arena, &input);
	wait_graph_finish(&graph, &arena, &input);
}

static const struct wait_root *only_root(enum wait_root_kind kind)
{
	build();
	ck_assert_uint_eq(graph.roots.num, 1);
	ck_assert_int_eq(graph.roots.items[0].kind, kind);
	return &graph.roots.items[0];
}

static void expect_no_roots(void)
{
	build();
	ck_assert_uint_eq(graph.roots.num, 0);
}

static void expect_ids(const uint32_t *indexes, uint32_t num, uint32_t num_ids, const int64_t *ids)
{
	ck_assert_uint_eq(num, num_ids);
	for (uint32_t i = 0; i < num; i++)
		ck_assert_int_eq(tasks.list.items[indexes[i]].id, ids[i]);
}

#define IDS(...)                                                                                   \
	sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[])                            \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

/* ---- Edges ------------------------------------------------------------------------------- */

START_TEST(nothing_gives_nothing)
{
	expect_no_roots();
	add_threads(3);
	expect_no_roots();
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(graph.edges[i].to, -1);
		ck_assert_int_eq(graph.edges[i].blocked_by, -1);
	}
}
END_TEST

START_TEST(what_has_an_owner_makes_an_edge)
{
	static const struct {
		enum wait_object object;
		bool edge;
	} rows[] = {
		{WAIT_NO_OBJECT, false}, {WAIT_MUTEX, true},	  {WAIT_RWLOCK, true},
		{WAIT_CONDITION, false}, {WAIT_SEMAPHORE, false}, {WAIT_BARRIER, false},
		{WAIT_THREAD, true},	 {WAIT_ONCE, false},	  {WAIT_FUTEX, false},
		{WAIT_FD, false},
	};
	add_threads(2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wait_held(0, rows[i].object, LOCKS, 1);
		expect_no_roots();
		ck_assert_msg(graph.edges[0].to == (rows[i].edge ? 1 : -1), "object %zu", i);
		ck_assert_uint_eq(graph.edges[0].caveats, 0);
		ck_assert_int_eq(graph.edges[0].blocked_by, graph.edges[0].to);
	}
}
END_TEST

static void spoil_kind(struct wait *wait)
{
	wait->certain = false;
}

static void spoil_by_waking(struct wait *wait)
{
	wait->in_flight = true;
}

static void spoil_word(struct wait *wait)
{
	wait->word_known = false;
}

static void spoil_by_time(struct wait *wait)
{
	wait->clock = WAIT_REMAINING;
}

static void spoil_by_date(struct wait *wait)
{
	wait->clock = WAIT_UNTIL_REALTIME;
}

static void spoil_by_clock(struct wait *wait)
{
	wait->clock = WAIT_UNTIL_MONOTONIC;
}

static void spoil_holder(struct wait *wait)
{
	wait->holder = -1;
	wait->holder_tid = 0;
}

/* Each premise of 'this wait ends only by that task', taken away. A holder still keeps those
 * waiting that may give up, or that wait for what only looks like a lock. */
START_TEST(a_doubt_makes_no_edge)
{
	static const struct {
		void (*spoil)(struct wait *wait);
		bool blocked;
	} rows[] = {
		{spoil_kind, true},    {spoil_by_waking, false}, {spoil_word, false},
		{spoil_by_time, true}, {spoil_by_date, true},	 {spoil_by_clock, true},
		{spoil_holder, false},
	};
	static const enum wait_object objects[] = {WAIT_MUTEX, WAIT_RWLOCK, WAIT_THREAD};
	add_threads(2);
	for (size_t i = 0; i < 3 * 7; i++) {
		struct wait *wait = wait_held(0, objects[i / 7], LOCKS, 1);
		wait_held(1, objects[i / 7], LOCKS + 64, 0);
		only_root(WAIT_ROOT_CYCLE);
		rows[i % 7].spoil(wait);
		expect_no_roots();
		ck_assert_int_eq(graph.edges[0].to, -1);
		ck_assert_int_eq(graph.edges[1].to, 0);
		ck_assert_msg(graph.edges[0].blocked_by == (rows[i % 7].blocked ? 1 : -1),
			      "row %zu", i % 7);
	}
}
END_TEST

START_TEST(who_is_no_task_ends_a_walk)
{
	add_threads(3);
	uint32_t finished = add_descriptor(0, -1, NPTL_FINISHED);
	uint32_t in_flight = add_descriptor(77, -1, NPTL_IN_FLIGHT);
	wait_join(0, finished);
	wait_join(1, in_flight);
	wait_lock(2, in_flight);
	expect_no_roots();
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(graph.edges[i].to, -1);
		ck_assert_int_eq(graph.edges[i].blocked_by, -1);
	}
}
END_TEST

/* ---- Cycles ------------------------------------------------------------------------------ */

START_TEST(cycle_in_waiting_order_from_its_lowest_id)
{
	static const int32_t ids[] = {30, 20, 50, 10, 40};
	for (int i = 0; i < 5; i++)
		add_thread(ids[i]);
	/* 30 -> 10 -> 20 -> 50 -> 40 -> 30 */
	wait_lock(0, 3);
	wait_held(3, WAIT_RWLOCK, LOCKS + 4096, 1);
	wait_join(1, 2);
	wait_lock(2, 4);
	wait_lock(4, 0);
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	expect_ids(root->tasks, root->num_tasks, IDS(10, 20, 50, 40, 30));
	ck_assert_uint_eq(root->num_behind, 0);
	ck_assert_uint_eq(root->caveats, 0);
	ck_assert_uint_eq(root->behind_caveats, 0);
}
END_TEST

/* A thread waits for what it holds itself. */
START_TEST(only_some_mutexes_block_their_owner)
{
	static const struct {
		uint32_t kind;
		bool blocks;
	} rows[] = {
		{NORMAL, true},
		{ADAPTIVE, true},
		{NORMAL | NO_ELISION, true},
		{NORMAL | ROBUST, true},
		{NORMAL | PI, true},
		{ADAPTIVE | PI | ROBUST, true},
		{RECURSIVE, false},
		{ERRORCHECK, false},
		{RECURSIVE | NO_ELISION, false},
		{ERRORCHECK | PI, false},
		{RECURSIVE | PI | ROBUST, false},
	};
	add_threads(2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wait_lock(1, 1)->mutex_kind = rows[i].kind;
		build();
		ck_assert_msg(graph.roots.num == rows[i].blocks, "row %zu", i);
		ck_assert_int_eq(graph.edges[1].blocked_by, rows[i].blocks ? 1 : -1);
		if (!rows[i].blocks)
			continue;
		const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
		expect_ids(root->tasks, root->num_tasks, IDS(2));
	}
}
END_TEST

START_TEST(recursive_and_errorcheck_block_others)
{
	add_threads(2);
	wait_lock(0, 1)->mutex_kind = RECURSIVE;
	wait_lock(1, 0)->mutex_kind = ERRORCHECK;
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	expect_ids(root->tasks, root->num_tasks, IDS(1, 2));
}
END_TEST

START_TEST(behind_a_cycle)
{
	add_threads(9);
	wait_lock(0, 1);
	wait_lock(1, 0);
	wait_lock(7, 0); /* a tree: 8 and 4 wait for 1 and 2; 3 and 6 for 8; 5 for 3 */
	wait_join(3, 1);
	wait_lock(2, 7);
	wait_held(5, WAIT_RWLOCK, LOCKS + 4096, 7);
	wait_join(4, 2);
	wait_lock(8, 6); /* 9 waits for 7, who runs */
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	expect_ids(root->tasks, root->num_tasks, IDS(1, 2));
	expect_ids(root->behind, root->num_behind, IDS(3, 4, 5, 6, 8));
}
END_TEST

START_TEST(each_root_has_its_own_behind)
{
	add_threads(8);
	wait_lock(0, 0);
	wait_lock(1, 0);
	wait_lock(2, 3);
	wait_lock(3, 2);
	wait_lock(4, 3);
	wait_lock(5, 4);
	wait_gone(6, LOCKS + 4096);
	wait_lock(7, 6);
	build();
	ck_assert_uint_eq(graph.roots.num, 3);
	const struct wait_root *roots = graph.roots.items;
	expect_ids(roots[0].tasks, roots[0].num_tasks, IDS(1));
	expect_ids(roots[0].behind, roots[0].num_behind, IDS(2));
	expect_ids(roots[1].tasks, roots[1].num_tasks, IDS(3, 4));
	expect_ids(roots[1].behind, roots[1].num_behind, IDS(5, 6));
	expect_ids(roots[2].tasks, roots[2].num_tasks, IDS(7));
	expect_ids(roots[2].behind, roots[2].num_behind, IDS(8));
}
END_TEST

START_TEST(roots_by_the_lowest_id_in_them)
{
	static const int32_t ids[] = {90, 80, 70, 60, 25, 20, 10};
	for (int i = 0; i < 7; i++)
		add_thread(ids[i]);
	wait_lock(0, 1);
	wait_lock(1, 0);
	wait_gone(2, LOCKS + 4096);
	wait_gone(3, LOCKS + 8192);
	wait_lock(4, 5);
	wait_lock(5, 4);
	wait_gone(6, LOCKS + 8192);
	build();
	ck_assert_uint_eq(graph.roots.num, 4);
	const struct wait_root *roots = graph.roots.items;
	expect_ids(roots[0].tasks, roots[0].num_tasks, IDS(10, 60));
	expect_ids(roots[1].tasks, roots[1].num_tasks, IDS(20, 25));
	expect_ids(roots[2].tasks, roots[2].num_tasks, IDS(70));
	expect_ids(roots[3].tasks, roots[3].num_tasks, IDS(80, 90));
}
END_TEST

/* Damaged cores may give two threads one id. */
START_TEST(equal_ids_are_different_tasks)
{
	add_thread(5);
	add_thread(5);
	add_thread(5);
	wait_lock(0, 1);
	wait_lock(1, 0);
	wait_lock(2, 1);
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_eq(root->num_tasks, 2);
	ck_assert_uint_eq(root->tasks[0], 0);
	ck_assert_uint_eq(root->tasks[1], 1);
	ck_assert_uint_eq(root->num_behind, 1);
	ck_assert_uint_eq(root->behind[0], 2);
}
END_TEST

/* ---- Caveats ----------------------------------------------------------------------------- */

START_TEST(locks_shared_between_processes_weaken)
{
	add_threads(3);
	for (int is_mutex = 0; is_mutex < 2; is_mutex++) {
		wait_held(0, is_mutex ? WAIT_MUTEX : WAIT_RWLOCK, LOCKS, 1)->mutex_kind = SHARED;
		wait_lock(1, 0);
		wait_lock(2, 0);
		const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
		ck_assert_uint_ne(root->caveats, 0);
		ck_assert_uint_ne(graph.edges[0].caveats, 0);
		ck_assert_uint_eq(graph.edges[1].caveats, 0);
		ck_assert_uint_ne(root->behind_caveats, 0);
	}
	/* glibc sets the bit in every robust mutex: there it says nothing. */
	wait_lock(0, 1)->mutex_kind = SHARED | ROBUST;
	ck_assert_uint_eq(only_root(WAIT_ROOT_CYCLE)->caveats, 0);
	/* A thread is never shared. */
	wait_join(0, 1)->mutex_kind = SHARED;
	ck_assert_uint_eq(only_root(WAIT_ROOT_CYCLE)->caveats, 0);
}
END_TEST

START_TEST(who_stands_behind_weakens_no_cycle)
{
	add_threads(4);
	wait_lock(0, 1);
	wait_lock(1, 0);
	wait_lock(2, 1)->mutex_kind = SHARED;
	wait_lock(3, 2);
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_eq(root->caveats, 0);
	ck_assert_uint_ne(root->behind_caveats, 0);
	expect_ids(root->behind, root->num_behind, IDS(3, 4));
}
END_TEST

static void add_mapping(uint64_t low, uint64_t high, const char *path)
{
	*array_add(&arena, &notes.mappings) =
		(struct note_mapping){.range = {low, high}, .path = path};
}

START_TEST(memory_that_others_may_share_weakens)
{
	static const struct {
		uint64_t addr;
		bool shared;
	} rows[] = {
		{LOCKS + 0xfff, false},	 {LOCKS + 0x1000, true},
		{LOCKS + 0x1fff, true},	 {LOCKS + 0x2000, false},
		{LOCKS + 0x5000, true},	 {LOCKS + 0x6000, true},
		{LOCKS + 0x7000, false}, {LOCKS + 0x9100, false}, /* a module's file */
		{LOCKS + 0xa000, true}, /* in the hole between two of its segments */
		{LOCKS + 0xb000, false}, {LOCKS + 0xc000, false}, /* its zeroed memory */
		{LOCKS + 0xd000, true},	 {0, false},
		{UINT64_MAX, false},
	};
	static const char shared[] = "/dev/shm/locks", library[] = "/lib/liblocks.so";
	add_mapping(LOCKS + 0x1000, LOCKS + 0x2000, shared);
	add_mapping(LOCKS + 0x5000, LOCKS + 0x6000, shared);
	add_mapping(LOCKS + 0x6000, LOCKS + 0x7000, shared);
	add_mapping(LOCKS + 0x9000, LOCKS + 0xa000, library);
	add_mapping(LOCKS + 0xa000, LOCKS + 0xb000, shared);
	add_mapping(LOCKS + 0xb000, LOCKS + 0xc000, library);
	add_mapping(LOCKS + 0xd000, LOCKS + 0xe000, shared);
	*array_add(&arena, &modules.list) =
		(struct module){.range = {LOCKS + 0x9000, LOCKS + 0xd000}, .info.path = library};
	add_threads(2);
	wait_lock(1, 0)->addr = 0x10000;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int is_mutex = 0; is_mutex < 2; is_mutex++) {
			wait_held(0, is_mutex ? WAIT_MUTEX : WAIT_RWLOCK, rows[i].addr, 1);
			const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
			ck_assert_msg((root->caveats != 0) == rows[i].shared, "row %zu", i);
		}
		wait_gone(0, rows[i].addr);
		build();
		ck_assert_msg(graph.roots.num == !rows[i].shared, "row %zu", i);
	}
}
END_TEST

START_TEST(unknown_mappings_weaken)
{
	add_threads(3);
	wait_lock(0, 1);
	wait_lock(1, 0);
	wait_gone(2, LOCKS + 4096);
	notes.has_mappings = false;
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_ne(root->caveats, 0);
	notes.has_mappings = true;
	build();
	ck_assert_uint_eq(graph.roots.num, 2);
	ck_assert_uint_eq(graph.roots.items[0].caveats, 0);
}
END_TEST

/* Joining is a cancellation point, locking is none. */
START_TEST(cancelling_weakens_joins_alone)
{
	add_threads(4);
	input.powers.cancels = true;
	wait_lock(0, 1);
	wait_lock(1, 0);
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_eq(root->caveats, 0);
	wait_join(2, 1);
	wait_lock(3, 2);
	root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_eq(root->caveats, 0);
	ck_assert_uint_ne(root->behind_caveats, 0);
	wait_join(1, 0);
	root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_ne(root->caveats, 0);
	input.powers.cancels = false;
	root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_eq(root->caveats, 0);
	ck_assert_uint_eq(root->behind_caveats, 0);
}
END_TEST

/* Where only the owner unlocks, a coroutine cannot do so in another thread. */
START_TEST(coroutines_weaken_what_anyone_unlocks)
{
	static const struct {
		enum wait_object object;
		uint32_t kind;
		bool weakened;
	} rows[] = {
		{WAIT_MUTEX, NORMAL, true},	  {WAIT_MUTEX, ADAPTIVE, true},
		{WAIT_MUTEX, RECURSIVE, false},	  {WAIT_MUTEX, ERRORCHECK, false},
		{WAIT_MUTEX, NORMAL | PI, false}, {WAIT_MUTEX, NORMAL | ROBUST, false},
		{WAIT_RWLOCK, 0, true},		  {WAIT_THREAD, 0, false},
	};
	add_threads(4);
	input.coroutines = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wait_join(0, 1);
		wait_held(1, rows[i].object, LOCKS, 0)->mutex_kind = rows[i].kind;
		wait_join(2, 1);
		const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
		uint32_t expected = rows[i].weakened ? WAIT_CAVEAT_COROUTINES : 0;
		ck_assert_msg(root->caveats == expected, "row %zu", i);
		ck_assert_uint_eq(root->behind_caveats, expected);
	}
	/* Who is behind a proved circle, but for what anyone unlocks. */
	wait_lock(2, 1);
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_eq(root->caveats, 0);
	ck_assert_uint_eq(root->behind_caveats, WAIT_CAVEAT_COROUTINES);
	wait_gone(3, LOCKS + 4096);
	build();
	ck_assert_uint_eq(graph.roots.num, 2);
	ck_assert_uint_eq(graph.roots.items[1].caveats, WAIT_CAVEAT_COROUTINES);
	/* Of a refused mutex nobody's unlocking matters. */
	wait_gone(3, LOCKS + 4096)->mutex_kind = PI;
	waits.by_task[3]->refused = true;
	build();
	ck_assert_uint_eq(graph.roots.items[1].caveats, 0);
}
END_TEST

/* What ends any wait weakens all, whatever they are for. */
START_TEST(powers_that_end_any_wait)
{
	static const struct {
		struct program_powers powers;
		uint32_t caveat;
	} rows[] = {
		{{.cancels_anywhere = true}, WAIT_CAVEAT_CANCELLED_ANYWHERE},
		{{.leaves_waits = true}, WAIT_CAVEAT_LEFT},
		{{.unread = true}, WAIT_CAVEAT_UNREAD},
	};
	static const uint32_t kinds[] = {NORMAL, RECURSIVE, ERRORCHECK, NORMAL | PI,
					 NORMAL | ROBUST};
	add_threads(3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		input.powers = rows[i].powers;
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			wait_lock(0, 1)->mutex_kind = kinds[k];
			wait_lock(1, 0)->mutex_kind = kinds[k];
			ck_assert_uint_eq(only_root(WAIT_ROOT_CYCLE)->caveats, rows[i].caveat);
		}
		wait_join(0, 1);
		wait_join(1, 0);
		ck_assert_uint_eq(only_root(WAIT_ROOT_CYCLE)->caveats, rows[i].caveat);
		wait_gone(0, LOCKS);
		*waits.by_task[1] = (struct wait){.holder = -1};
		ck_assert_uint_eq(only_root(WAIT_ROOT_ABANDONED)->caveats, rows[i].caveat);
	}
}
END_TEST

START_TEST(switching_stacks_weakens_what_anyone_unlocks)
{
	add_threads(2);
	input.powers.switches_stacks = true;
	wait_lock(0, 1)->mutex_kind = ERRORCHECK;
	wait_lock(1, 0)->mutex_kind = RECURSIVE;
	ck_assert_uint_eq(only_root(WAIT_ROOT_CYCLE)->caveats, 0);
	wait_lock(1, 0);
	ck_assert_uint_eq(only_root(WAIT_ROOT_CYCLE)->caveats, WAIT_CAVEAT_COROUTINES);
}
END_TEST

/* Whose locks record one descriptor's id may be any of the threads that have it. */
START_TEST(shared_descriptors_make_no_edges)
{
	add_threads(3);
	nptl.threads.items[0].shared = true;
	wait_lock(0, 0);
	expect_no_roots();
	wait_lock(0, 1);
	wait_lock(1, 0);
	expect_no_roots();
	ck_assert_int_eq(graph.edges[1].blocked_by, -1);
	/* What the thread waits for itself is known as ever. */
	wait_lock(1, 1);
	ck_assert_uint_eq(only_root(WAIT_ROOT_CYCLE)->num_behind, 1);
}
END_TEST

START_TEST(every_caveat_is_kept)
{
	add_threads(3);
	input.coroutines = input.powers.cancels = true;
	wait_lock(0, 1)->mutex_kind = SHARED;
	wait_join(1, 0);
	wait_lock(2, 0)->mutex_kind = ERRORCHECK;
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	uint32_t expected =
		WAIT_CAVEAT_SHARED_LOCK | WAIT_CAVEAT_CANCELLED | WAIT_CAVEAT_COROUTINES;
	ck_assert_uint_eq(root->caveats, expected);
	ck_assert_uint_eq(root->behind_caveats, expected);
	for (uint32_t bit = 1; bit <= WAIT_CAVEAT_UNDUMPED; bit <<= 1)
		ck_assert_ptr_nonnull(wait_caveats_words((enum wait_caveat)bit));
}
END_TEST

/* ---- Locks whose owner is gone ----------------------------------------------------------- */

START_TEST(abandoned_lock_names_its_direct_waiters)
{
	add_threads(5);
	wait_gone(3, LOCKS);
	wait_gone(1, LOCKS)->mutex_kind = ERRORCHECK;
	wait_lock(0, 3);
	wait_join(4, 0);
	const struct wait_root *root = only_root(WAIT_ROOT_ABANDONED);
	expect_ids(root->tasks, root->num_tasks, IDS(2, 4));
	expect_ids(root->behind, root->num_behind, IDS(1, 5));
	ck_assert_uint_eq(root->caveats, 0);
	ck_assert_uint_eq(root->behind_caveats, 0);
	ck_assert_int_eq(graph.edges[3].to, -1);
}
END_TEST

/* One lock, several ways to wait for it: only who waits for ever is stuck. */
START_TEST(abandoned_lock_leaves_out_who_may_wake)
{
	add_threads(6);
	wait_gone(0, LOCKS)->clock = WAIT_UNTIL_REALTIME;
	wait_gone(1, LOCKS)->clock = WAIT_UNTIL_MONOTONIC;
	wait_gone(2, LOCKS);
	wait_gone(3, LOCKS)->in_flight = true;
	wait_gone(4, LOCKS);
	wait_lock(5, 0);
	const struct wait_root *root = only_root(WAIT_ROOT_ABANDONED);
	expect_ids(root->tasks, root->num_tasks, IDS(3, 5));
	ck_assert_uint_eq(root->num_behind, 0);
	wait_gone(2, LOCKS)->clock = WAIT_UNTIL_REALTIME;
	wait_gone(4, LOCKS)->clock = WAIT_UNTIL_REALTIME;
	expect_no_roots();
}
END_TEST

START_TEST(abandoned_kinds)
{
	static const struct {
		uint32_t kind;
		bool abandoned;
	} rows[] = {
		{NORMAL, true},
		{RECURSIVE, true},
		{ERRORCHECK, true},
		{ADAPTIVE, true},
		{NORMAL | NO_ELISION, true},
		/* The kernel hands these on. */
		{NORMAL | ROBUST, false},
		{NORMAL | PI, false},
		{RECURSIVE | ROBUST | PI, false},
		/* Another process may hold it. */
		{NORMAL | SHARED, false},
	};
	add_threads(1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wait_gone(0, LOCKS)->mutex_kind = rows[i].kind;
		build();
		ck_assert_msg(graph.roots.num == rows[i].abandoned, "row %zu", i);
	}
	/* One read-write lock and its writer. */
	wait_gone(0, LOCKS)->object = WAIT_RWLOCK;
	only_root(WAIT_ROOT_ABANDONED);
	wait_gone(0, LOCKS)->object = WAIT_RWLOCK;
	waits.by_task[0]->mutex_kind = SHARED;
	expect_no_roots();
}
END_TEST

START_TEST(abandoned_needs_whole_lists)
{
	add_threads(1);
	wait_gone(0, LOCKS);
	only_root(WAIT_ROOT_ABANDONED);
	nptl.present = false;
	expect_no_roots();
	nptl.present = true;
	nptl.lists_whole = false;
	expect_no_roots();
	nptl.lists_whole = true;
	input.notes_whole = false;
	expect_no_roots();
	input.notes_whole = true;
	only_root(WAIT_ROOT_ABANDONED);
}
END_TEST

START_TEST(abandoned_needs_every_premise)
{
	add_threads(1);
	wait_gone(0, LOCKS)->certain = false;
	expect_no_roots();
	wait_gone(0, LOCKS)->word_known = false;
	expect_no_roots();
	wait_gone(0, LOCKS)->holder_tid = 0;
	expect_no_roots();
	wait_gone(0, LOCKS)->object = WAIT_CONDITION;
	expect_no_roots();
	wait_gone(0, LOCKS)->object = WAIT_THREAD;
	expect_no_roots();
	wait_gone(0, LOCKS);
	only_root(WAIT_ROOT_ABANDONED);
}
END_TEST

static struct wait *wait_refused(uint32_t task, uint64_t addr, uint32_t kind)
{
	struct wait *wait = wait_gone(task, addr);
	wait->futex_addr = THREADS + 0x123;
	wait->mutex_kind = kind;
	wait->refused = true;
	return wait;
}

/* What the kernel refused it hands to nobody, and no other process unlocks it. */
START_TEST(refused_locks_are_abandoned)
{
	add_threads(3);
	for (uint32_t type = 0; type < 4; type++) {
		wait_refused(0, LOCKS, PI | type);
		wait_refused(1, LOCKS, PI | type);
		const struct wait_root *root = only_root(WAIT_ROOT_ABANDONED);
		expect_ids(root->tasks, root->num_tasks, IDS(1, 2));
		ck_assert_uint_eq(root->caveats, 0);
	}
	/* Who came before is handed it. */
	wait_gone(1, LOCKS)->mutex_kind = PI;
	const struct wait_root *root = only_root(WAIT_ROOT_ABANDONED);
	expect_ids(root->tasks, root->num_tasks, IDS(1));
	/* The owner may be another process's thread: then it is a deadlock, not abandoned. */
	wait_refused(0, LOCKS, PI | SHARED);
	wait_lock(2, 0);
	root = only_root(WAIT_ROOT_ABANDONED);
	ck_assert_uint_ne(root->caveats, 0);
	expect_ids(root->behind, root->num_behind, IDS(3));
	ck_assert_uint_ne(root->behind_caveats, 0);
	notes.has_mappings = false;
	wait_refused(0, LOCKS, PI);
	ck_assert_uint_ne(only_root(WAIT_ROOT_ABANDONED)->caveats, 0);
	notes.has_mappings = true;
	/* Robust ones are never refused for their owner's death. */
	wait_refused(0, LOCKS, PI | ROBUST);
	expect_no_roots();
	wait_refused(0, LOCKS, PI)->clock = WAIT_UNTIL_REALTIME;
	expect_no_roots();
	wait_refused(0, LOCKS, PI);
	nptl.lists_whole = false;
	expect_no_roots();
}
END_TEST

START_TEST(who_may_unlock)
{
	static const struct {
		enum wait_object object;
		uint32_t kind;
		bool anyone;
	} rows[] = {
		{WAIT_MUTEX, NORMAL, true},
		{WAIT_MUTEX, ADAPTIVE, true},
		{WAIT_MUTEX, NORMAL | SHARED | NO_ELISION, true},
		{WAIT_MUTEX, RECURSIVE, false},
		{WAIT_MUTEX, ERRORCHECK, false},
		{WAIT_MUTEX, NORMAL | ROBUST, false},
		{WAIT_MUTEX, ADAPTIVE | PI, false},
		{WAIT_RWLOCK, 0, true},
		{WAIT_RWLOCK, SHARED, true},
		{WAIT_THREAD, 0, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct wait wait = {.object = rows[i].object, .mutex_kind = rows[i].kind};
		ck_assert_msg(wait_graph_anyone_unlocks(&wait) == rows[i].anyone, "row %zu", i);
	}
}
END_TEST

/* A thread with the owner's id that is no task: it is just being created or torn down. */
/* In a child the first thread may unlock what its parent's had locked; where only owners unlock it
 * cannot, and where all wait nobody is left to. */
START_TEST(forks_weaken_what_others_may_unlock)
{
	add_threads(2);
	input.powers.forks = true;
	wait_gone(0, LOCKS);
	ck_assert_uint_eq(only_root(WAIT_ROOT_ABANDONED)->caveats, WAIT_CAVEAT_FORKED);
	/* Whose id is older than the process was its parent's. */
	notes.pid = 2;
	ck_assert_uint_eq(only_root(WAIT_ROOT_ABANDONED)->caveats, 0);
	nptl.threads.items[1].tid = GONE + 1;
	ck_assert_uint_eq(only_root(WAIT_ROOT_ABANDONED)->caveats, WAIT_CAVEAT_FORKED);
	waits.by_task[0]->mutex_kind = ERRORCHECK;
	ck_assert_uint_eq(only_root(WAIT_ROOT_ABANDONED)->caveats, 0);
	wait_gone(0, LOCKS);
	wait_gone(1, LOCKS);
	ck_assert_uint_eq(only_root(WAIT_ROOT_ABANDONED)->caveats, 0);
}
END_TEST

/* A core made outside of the process' pid namespace has other ids than the process knows: who has
 * no descriptor may own anything. */
START_TEST(nameless_threads_in_a_namespace_may_own)
{
	add_threads(2);
	wait_gone(0, LOCKS);
	only_root(WAIT_ROOT_ABANDONED);
	notes.threads.items[0].tid = 70001;
	only_root(WAIT_ROOT_ABANDONED);
	by_task[1] = -1;
	expect_no_roots();
	notes.threads.items[0].tid = 1;
	only_root(WAIT_ROOT_ABANDONED);
}
END_TEST

START_TEST(owner_in_flight_is_not_gone)
{
	add_threads(1);
	wait_gone(0, LOCKS);
	uint32_t index = add_descriptor(GONE, -1, NPTL_IN_FLIGHT);
	expect_no_roots();
	nptl.threads.items[index].tid = -GONE;
	expect_no_roots();
	nptl.threads.items[index].tid = GONE - 1;
	only_root(WAIT_ROOT_ABANDONED);
	nptl.threads.items[index] = (struct nptl_thread){.task = -1, .life = NPTL_FINISHED};
	only_root(WAIT_ROOT_ABANDONED);
}
END_TEST

/* A thread without a descriptor (clone() by hand), or one whose descriptor has another id. */
START_TEST(owner_with_a_note_is_not_gone)
{
	add_threads(2);
	wait_gone(0, LOCKS);
	notes.threads.items[1].tid = GONE;
	expect_no_roots();
	notes.threads.items[1].tid = GONE + 1;
	only_root(WAIT_ROOT_ABANDONED);
}
END_TEST

/* ---- Size and order ---------------------------------------------------------------------- */

/* A way through all tasks, from a linear congruence: step is coprime to num. */
static uint32_t nth_of(uint32_t i, uint32_t num)
{
	return (uint32_t)((uint64_t)i * 7919 % num);
}

START_TEST(one_cycle_of_many)
{
	add_threads(MANY);
	for (uint32_t i = 0; i < MANY; i++)
		wait_lock(nth_of(i, MANY), nth_of(i + 1, MANY));
	const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
	ck_assert_uint_eq(root->num_tasks, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		ck_assert_uint_eq(root->tasks[i], nth_of(i, MANY));
}
END_TEST

START_TEST(one_chain_of_many)
{
	add_threads(MANY);
	/* Backwards and forwards: the walk may not begin anew for each task. */
	for (int backwards = 0; backwards < 2; backwards++) {
		uint32_t end = backwards ? 0 : MANY - 1;
		for (uint32_t i = 0; i < MANY; i++)
			if (i != end)
				wait_lock(i, backwards ? i - 1 : i + 1);
		*waits.by_task[end] = (struct wait){.holder = -1};
		expect_no_roots();
		wait_lock(end, end);
		const struct wait_root *root = only_root(WAIT_ROOT_CYCLE);
		ck_assert_uint_eq(root->tasks[0], end);
		ck_assert_uint_eq(root->num_behind, MANY - 1);
		for (uint32_t i = 0; i < MANY - 1; i++)
			ck_assert_uint_eq(root->behind[i], i + (end == 0));
	}
}
END_TEST

START_TEST(many_roots)
{
	add_threads(MANY);
	for (uint32_t i = 0; i < MANY; i += 4) {
		wait_lock(i, i + 1);
		wait_lock(i + 1, i);
		wait_lock(i + 2, i + 1);
		wait_lock(i + 3, i + 3);
	}
	build();
	ck_assert_uint_eq(graph.roots.num, MANY / 2);
	ck_assert_uint_eq(graph.roots.items[0].num_behind, 1);
	ck_assert_uint_eq(graph.roots.items[MANY / 2 - 1].tasks[0], MANY - 1);
}
END_TEST

/* Many wait for a thread that is being torn down, each for another lock, or all for one; or for
 * threads that are gone. */
START_TEST(many_owners_without_a_task)
{
	add_threads(MANY);
	add_descriptor(GONE, -1, NPTL_IN_FLIGHT);
	for (uint32_t i = 0; i < MANY; i++)
		wait_gone(i, LOCKS);
	expect_no_roots();
	for (uint32_t i = 0; i < MANY; i++)
		wait_gone(i, LOCKS + i * 64);
	expect_no_roots();
	for (uint32_t i = 0; i < MANY; i++)
		wait_gone(i, LOCKS + i * 64)->holder_tid = GONE + 1;
	build();
	ck_assert_uint_eq(graph.roots.num, MANY);
}
END_TEST

/* A graph of everything, its tasks in the order of the core: the answer is the same in ids. */
static void build_mixed(uint32_t step)
{
	enum { NUM = 101 };
	uint32_t index_of[NUM];
	for (uint32_t i = 0; i < NUM; i++) {
		uint32_t id = i * step % NUM;
		index_of[id] = add_thread((int32_t)id + 1);
	}
	for (uint32_t id = 0; id < NUM; id++) {
		uint32_t task = index_of[id], to = index_of[id * id % NUM];
		if (id % 10 == 3)
			wait_gone(task, LOCKS + 0x100000 + id % 3 * 64);
		else if (id % 10 != 7)
			wait_lock(task, to);
	}
	build();
}

START_TEST(order_of_the_core_changes_nothing)
{
	build_mixed(1);
	struct wait_graph first = graph;
	struct tasks first_tasks = tasks;
	ck_assert_uint_gt(first.roots.num, 3);
	build();
	ck_assert_uint_eq(graph.roots.num, first.roots.num);
	tasks = (struct tasks){0};
	waits = (struct waits){0};
	waits_capacity = 0;
	nptl = (struct nptl){.present = true, .lists_whole = true};
	notes = (struct notes){.has_mappings = true};
	build_mixed(38);
	ck_assert_uint_eq(graph.roots.num, first.roots.num);
	for (uint32_t i = 0; i < graph.roots.num; i++) {
		const struct wait_root *a = &first.roots.items[i], *b = &graph.roots.items[i];
		ck_assert_uint_eq(a->num_tasks, b->num_tasks);
		ck_assert_uint_eq(a->num_behind, b->num_behind);
		for (uint32_t k = 0; k < a->num_tasks; k++)
			ck_assert_int_eq(first_tasks.list.items[a->tasks[k]].id,
					 tasks.list.items[b->tasks[k]].id);
		for (uint32_t k = 0; k < a->num_behind; k++)
			ck_assert_int_eq(first_tasks.list.items[a->behind[k]].id,
					 tasks.list.items[b->behind[k]].id);
	}
}
END_TEST

static TCase *edges_case(void)
{
	TCase *tests = tcase_create("edges");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_gives_nothing);
	tcase_add_test(tests, what_has_an_owner_makes_an_edge);
	tcase_add_test(tests, a_doubt_makes_no_edge);
	tcase_add_test(tests, who_is_no_task_ends_a_walk);
	tcase_add_test(tests, cycle_in_waiting_order_from_its_lowest_id);
	tcase_add_test(tests, only_some_mutexes_block_their_owner);
	tcase_add_test(tests, recursive_and_errorcheck_block_others);
	tcase_add_test(tests, behind_a_cycle);
	tcase_add_test(tests, each_root_has_its_own_behind);
	tcase_add_test(tests, roots_by_the_lowest_id_in_them);
	tcase_add_test(tests, equal_ids_are_different_tasks);
	tcase_add_test(tests, locks_shared_between_processes_weaken);
	tcase_add_test(tests, who_stands_behind_weakens_no_cycle);
	tcase_add_test(tests, memory_that_others_may_share_weakens);
	tcase_add_test(tests, unknown_mappings_weaken);
	tcase_add_test(tests, cancelling_weakens_joins_alone);
	tcase_add_test(tests, coroutines_weaken_what_anyone_unlocks);
	tcase_add_test(tests, powers_that_end_any_wait);
	tcase_add_test(tests, switching_stacks_weakens_what_anyone_unlocks);
	tcase_add_test(tests, shared_descriptors_make_no_edges);
	tcase_add_test(tests, every_caveat_is_kept);
	return tests;
}

static TCase *roots_case(void)
{
	TCase *tests = tcase_create("roots");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 10); /* far below what quadratic time would take */
	tcase_add_test(tests, abandoned_lock_names_its_direct_waiters);
	tcase_add_test(tests, abandoned_lock_leaves_out_who_may_wake);
	tcase_add_test(tests, abandoned_kinds);
	tcase_add_test(tests, refused_locks_are_abandoned);
	tcase_add_test(tests, who_may_unlock);
	tcase_add_test(tests, abandoned_needs_whole_lists);
	tcase_add_test(tests, abandoned_needs_every_premise);
	tcase_add_test(tests, forks_weaken_what_others_may_unlock);
	tcase_add_test(tests, nameless_threads_in_a_namespace_may_own);
	tcase_add_test(tests, owner_in_flight_is_not_gone);
	tcase_add_test(tests, owner_with_a_note_is_not_gone);
	tcase_add_test(tests, one_cycle_of_many);
	tcase_add_test(tests, one_chain_of_many);
	tcase_add_test(tests, many_roots);
	tcase_add_test(tests, many_owners_without_a_task);
	tcase_add_test(tests, order_of_the_core_changes_nothing);
	return tests;
}

Suite *wait_graph_suite(void)
{
	Suite *suite = suite_create("wait_graph");
	suite_add_tcase(suite, edges_case());
	suite_add_tcase(suite, roots_case());
	return suite;
}
