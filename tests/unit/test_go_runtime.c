#include "fake_go.h"
#include "task/go_facts.h"

#include <check.h>
#include <string.h>

Suite *go_runtime_suite(void);

static struct fake_go go;
static bool ready;

static void begin(int minor, const char *version)
{
	fake_go_init(&go, minor, version);
	ready = true;
}

/* Tests run for the oldest and the newest layout. */
static void begin_known(int i)
{
	begin(i == 0 ? 19 : 27, i == 0 ? "go1.19.8" : "go1.27.4");
}

static void setup(void)
{
	ready = false;
}

static void teardown(void)
{
	if (ready)
		fake_go_deinit(&go);
}

/* The program stands in memory as it was put, whatever the analyzer thought of its version. */
static void expect_program(void)
{
	ck_assert(go.runtime.present && go.runtime.recognised);
	ck_assert_uint_eq(go.runtime.allgs.num, 8);
	ck_assert_uint_eq(go.runtime.allspans.num, 10);
	ck_assert_uint_eq(go.runtime.allspans.addr, FAKE_GO_ALLSPANS);
	ck_assert_uint_eq(go.runtime.allp.addr, FAKE_GO_ALLP);
	ck_assert_uint_eq(go.runtime.allm, go.last_m);
	ck_assert_uint_eq(go.runtime.sched_addr, FAKE_GO_SCHED);
	ck_assert_uint_eq(go.runtime.gc_addr, FAKE_GO_GC);
	ck_assert_uint_eq(go.runtime.num_wait_reasons, FAKE_GO_NUM_REASONS);
	ck_assert_str_eq(go.runtime.wait_reasons[FAKE_GO_NUM_REASONS - 1], "sleep");
	ck_assert_uint_eq(go.goroutines.list.num, 7);
	ck_assert_uint_eq(go.goroutines.num_dead, 1);
	ck_assert_uint_eq(go.goroutines.num_damaged, 0);
	ck_assert_uint_eq(go.goroutines.ms.num, 3);
	for (uint32_t i = 0; i < go.goroutines.num_threads; i++)
		ck_assert_int_ge(go.goroutines.m_of_thread[i], 0);
	ck_assert_int_eq(fake_go_task(&go, 17)->state, CORELEAKS_STATE_WAITING);
	ck_assert_str_eq(fake_go_task(&go, 17)->hint->reason, "chan receive");
	ck_assert_int_eq(fake_go_task(&go, 19)->state, CORELEAKS_STATE_RUNNABLE);
	ck_assert_int_eq(fake_go_task(&go, 20)->state, CORELEAKS_STATE_SYSCALL);
	ck_assert_int_eq(fake_go_task(&go, 33)->state, CORELEAKS_STATE_RUNNING);
	ck_assert_int_eq(goroutines_common(&go.goroutines, fake_go_goroutine(&go, 17))->wait_since,
			 INT64_C(75000000000));
	ck_assert_uint_eq(go.goroutines.origins.items[fake_go_goroutine(&go, 17)->origin].gopc,
			  fake_go_pc(FAKE_MAIN, 0x90));
	ck_assert_uint_eq(go.goroutines.origins.items[fake_go_goroutine(&go, 1)->origin].start_addr,
			  fake_go_pc(FAKE_RUNTIME_MAIN, 0));
	ck_assert_int_eq(fake_go_goroutine(&go, 17)->parent_id,
			 go.layout.g_parent != GO_NONE ? 1 : 0);
	for (uint32_t i = 0; i < go.runtime.tables.modules.num; i++)
		ck_assert_uint_eq(go.runtime.tables.modules.items[i].gofunc_addr, FAKE_GO_GOFUNC);
}

/* ---- Versions and layouts ---- */

START_TEST(a_known_version)
{
	begin_known(_i);
	fake_go_program(&go);
	fake_go_open(&go);
	expect_program();
	ck_assert_str_eq(go.runtime.version, go.version);
	ck_assert_int_eq(go.runtime.minor, go.layout.minor);
	ck_assert_int_eq(go.runtime.layout.minor, go.layout.minor);
	ck_assert_uint_eq(go.runtime.tables.wrapper_id, go.layout.wrapper_id);
	ck_assert_ptr_null(fake_go_gap(&go, "go-layout"));
	ck_assert_ptr_null(fake_go_gap(&go, "goroutines-unreadable"));
}
END_TEST

/* Found by content alone, the layout is that of the version it really is. */
START_TEST(an_unknown_version)
{
	begin(_i == 0 ? 19 : 27, _i == 0 ? "go1.18.3" : "devel go1.31-abc");
	fake_go_program(&go);
	fake_go_open(&go);
	expect_program();
	ck_assert_int_eq(go.runtime.minor, _i == 0 ? 18 : 31);
	ck_assert_int_eq(go.runtime.layout.minor, GO_NONE);
	ck_assert_ptr_nonnull(strstr(fake_go_gap(&go, "go-layout"), "not in the table"));
	fake_world_expect_gap(&go.world, "go-layout", false);
}
END_TEST

/* As in a runtime that was patched, or a version whose structs moved on. */
START_TEST(laid_out_otherwise)
{
	begin_known(_i);
	struct fake_go_layout *layout = &go.layout;
	layout->g_status += 8;
	layout->g_goid += 8;
	layout->g_waitsince += 8;
	layout->g_waitreason += 8;
	layout->g_gopc += 8;
	layout->g_startpc += 8;
	layout->g_labels += 8;
	if (layout->g_parent != GO_NONE)
		layout->g_parent += 8;
	layout->m_curg += 8;
	layout->m_alllink += 16;
	fake_go_program(&go);
	fake_go_open(&go);
	expect_program();
	ck_assert_int_eq(go.runtime.layout.minor, GO_NONE);
	ck_assert_ptr_nonnull(strstr(fake_go_gap(&go, "go-layout"), "g.goid"));
	fake_world_expect_gap(&go.world, "go-layout", false);
}
END_TEST

/* Only the oldest M has a goroutine: how Ms are linked shows in those that variables lead to. */
START_TEST(most_ms_are_idle)
{
	begin(_i == 0 ? 19 : 27, "go1.31.0");
	go.layout.m_alllink -= 16;
	fake_go_program(&go);
	fake_go_put32(&go, go.gs[5] + (uint64_t)go.layout.g_status, GO_STATUS_RUNNABLE);
	fake_go_put(&go, go.gs[5] + 48, 0);
	fake_go_open(&go);
	ck_assert(go.runtime.recognised);
	ck_assert_int_eq(go.runtime.layout.m_alllink, go.layout.m_alllink);
	ck_assert_uint_eq(go.goroutines.ms.num, 3);
	/* What content does not show is not said. */
	static struct go_facts facts;
	go_facts_build(&facts, &go.runtime, &go.goroutines, &go.spans, go.world.image);
	ck_assert_int_eq(facts.start_ns, 0);
}
END_TEST

/* The goroutine that a signal interrupted stands behind the current one, where a known version has
 * the current one. */
START_TEST(an_interrupted_goroutine)
{
	begin(27, "go1.31.0");
	uint64_t table = (uint64_t)go.layout.m_curg;
	go.layout.m_curg -= 8;
	fake_go_program(&go);
	for (uint32_t i = 5; i <= 6; i++)
		fake_go_put(&go, fake_go_get(&go, go.gs[i] + 48) + table, go.gs[i]);
	fake_go_open(&go);
	expect_program();
	ck_assert_int_eq(go.runtime.layout.m_curg, go.layout.m_curg);
}
END_TEST

static void expect_native_only(const char *words)
{
	ck_assert(go.runtime.present && !go.runtime.recognised);
	ck_assert_uint_eq(go.goroutines.list.num, 0);
	ck_assert_uint_eq(go.tasks.list.num, go.num_threads);
	fake_world_expect_gap(&go.world, "go-layout", true);
	ck_assert_ptr_nonnull(strstr(fake_go_gap(&go, "go-layout"), words));
	ck_assert_ptr_nonnull(strstr(fake_go_gap(&go, "go-layout"), "native threads only"));
}

/* Neither the table nor the content says where a goroutine's start is. */
START_TEST(not_recognised)
{
	begin_known(_i);
	fake_go_program(&go);
	for (uint32_t i = 0; i < go.num_gs; i++)
		fake_go_put(&go, go.gs[i] + (uint64_t)go.layout.g_startpc, 0);
	fake_go_open(&go);
	expect_native_only("layout not recognised");
}
END_TEST

START_TEST(no_list_of_goroutines)
{
	begin_known(_i);
	fake_go_program(&go);
	fake_go_put(&go, FAKE_GO_ALLGS, 0);
	fake_go_open(&go);
	expect_native_only("was not found");
}
END_TEST

/* Of two lists that look alike the longer one is taken. */
START_TEST(overlapping_lists)
{
	begin_known(_i);
	fake_go_program(&go);
	for (uint64_t i = 0; i < 3; i++) {
		/* Before the real one, and behind it. */
		uint64_t addr = FAKE_GO_ALLGS - 0x60 + 0x40 * i;
		fake_go_put(&go, addr, fake_go_get(&go, FAKE_GO_ALLGS));
		fake_go_put(&go, addr + 8, 2 + i);
		fake_go_put(&go, addr + 16, go.num_gs);
	}
	fake_go_open(&go);
	expect_program();
	ck_assert_uint_eq(go.runtime.allgs.addr, FAKE_GO_ALLGS);
}
END_TEST

START_TEST(huge_lists)
{
	begin_known(_i);
	fake_go_program(&go);
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t addr = FAKE_GO_GLOBALS + 0x40 * i;
		const uint64_t huge[] = {UINT64_MAX, UINT64_C(1) << 61, UINT64_C(1) << 27};
		fake_go_put(&go, addr, fake_go_get(&go, FAKE_GO_ALLGS));
		fake_go_put(&go, addr + 8, huge[i]);
		fake_go_put(&go, addr + 16, huge[i]);
	}
	fake_go_open(&go);
	expect_program();
}
END_TEST

/* ---- Damage ---- */

START_TEST(damaged_goroutines_are_counted)
{
	begin_known(_i);
	fake_go_program(&go);
	fake_go_put32(&go, go.gs[2] + (uint64_t)go.layout.g_status, 7);
	fake_go_open(&go);
	ck_assert(go.runtime.recognised);
	ck_assert_uint_eq(go.goroutines.num_damaged, 1);
	ck_assert_uint_eq(go.goroutines.list.num, 6);
	ck_assert_ptr_null(fake_go_task(&go, 18));
	fake_world_expect_gap(&go.world, "goroutines-unreadable", true);
	ck_assert_str_eq(fake_go_gap(&go, "goroutines-unreadable"),
			 "1 of 8 goroutines could not be read");
}
END_TEST

/* Of more than there may be the first are kept, with the threads before them; and it is said. */
START_TEST(more_tasks_than_the_limit)
{
	begin_known(_i);
	fake_go_program(&go);
	fake_go_open(&go);
	uint32_t num_threads = go.goroutines.num_threads, num = go.goroutines.list.num;
	ck_assert_uint_gt(num, 4);
	ck_assert_ptr_null(fake_go_gap(&go, "task-limit"));
	for (uint32_t max_num = num_threads; max_num <= num_threads + num; max_num++) {
		gaps_init(&go.world.gaps, &go.world.arena);
		go.tasks.list.num = num_threads;
		go.tasks.max_num = max_num;
		goroutines_add(&go.goroutines, &go.tasks, &go.world.arena, &go.world.gaps,
			       &go.runtime, &go.world.notes, go.world.image);
		ck_assert_uint_eq(go.tasks.list.num, max_num);
		ck_assert_uint_eq(go.goroutines.list.num, max_num - num_threads);
		/* Whether the records that are left are in use is not known. */
		ck_assert(go.goroutines.num_left_out > 0 || max_num == num_threads + num);
		ck_assert_uint_eq(fake_world_num_gaps(&go.world, "task-limit"),
				  go.goroutines.num_left_out > 0);
	}
	ck_assert_uint_le(go.goroutines.num_left_out, 1);
	gaps_init(&go.world.gaps, &go.world.arena);
	go.tasks.list.num = num_threads;
	go.tasks.max_num = num_threads + 3;
	goroutines_add(&go.goroutines, &go.tasks, &go.world.arena, &go.world.gaps, &go.runtime,
		       &go.world.notes, go.world.image);
	ck_assert_int_eq(go.tasks.list.items[num_threads].id, 1);
	ck_assert_ptr_nonnull(
		strstr(fake_go_gap(&go, "task-limit"), " of 8 records of goroutines"));
}
END_TEST

/* The core was cut: what it lacks of the list, and of the goroutines on it, hides no others. */
START_TEST(goroutines_beyond_the_end_of_the_core)
{
	const uint64_t missing = FAKE_GO_HEAP - 0x100000;
	begin_known(_i);
	fake_go_program(&go);
	fake_segment(&go.world.core, missing, NULL, 0, 4096, PF_R | PF_W);
	fake_go_put(&go, fake_go_get(&go, FAKE_GO_ALLGS) + 2 * 8, missing + 64);
	fake_go_open(&go);
	ck_assert(go.runtime.recognised);
	ck_assert_uint_eq(go.goroutines.num_damaged, 1);
	ck_assert_uint_eq(go.goroutines.list.num, 6);
	fake_world_expect_gap(&go.world, "goroutines-unreadable", true);
}
END_TEST

/* Where nothing was mapped no goroutine can have been: that is no list of them. */
START_TEST(goroutines_where_nothing_was)
{
	begin_known(_i);
	fake_go_program(&go);
	fake_go_put(&go, fake_go_get(&go, FAKE_GO_ALLGS) + 2 * 8, FAKE_GO_HEAP - 0x100000);
	fake_go_open(&go);
	expect_native_only("was not found");
}
END_TEST

static void expect_given_up_chain(void)
{
	ck_assert(go.runtime.recognised);
	ck_assert_uint_le(go.goroutines.ms.num, 1);
	ck_assert_uint_eq(go.goroutines.list.num, 7);
	ck_assert_uint_eq(go.goroutines.num_damaged, 0);
	ck_assert_ptr_nonnull(fake_go_gap(&go, "go-layout"));
}

/* Behind the program's moduledata stand those of plugins: the chain leads back, to half of one that
 * is a copy, to what is none, or out of the core. The program is read as ever. */
START_TEST(chains_of_modules_that_lie)
{
	const uint64_t copy = FAKE_GO_GLOBALS_END - 1024;
	const uint64_t nexts[] = {
		FAKE_GO_MODULE, FAKE_GO_MODULE + 8, FAKE_GO_HEAP, 1, UINT64_MAX - 7, copy};
	for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++) {
		begin_known(_i);
		fake_go_program(&go);
		fake_go_put(&go, FAKE_GO_MODULE + (uint64_t)go.layout.module_next, nexts[i]);
		if (nexts[i] == copy)
			memcpy(fake_go_at(&go, copy), fake_go_at(&go, FAKE_GO_MODULE), 640);
		fake_go_open(&go);
		expect_program();
		ck_assert_uint_le(go.runtime.tables.modules.num, 2);
		if (i + 1 < sizeof(nexts) / sizeof(nexts[0]))
			teardown();
	}
}
END_TEST

/* The chain of Ms comes back to its newest: that is said, and the goroutines are read. */
START_TEST(a_ring_of_ms)
{
	begin_known(_i);
	fake_go_program(&go);
	uint64_t second = fake_go_get(&go, go.last_m + (uint64_t)go.layout.m_alllink);
	uint64_t third = fake_go_get(&go, second + (uint64_t)go.layout.m_alllink);
	fake_go_put(&go, third + (uint64_t)go.layout.m_alllink, go.last_m);
	fake_go_open(&go);
	expect_given_up_chain();
	ck_assert_ptr_nonnull(strstr(fake_go_gap(&go, "go-layout"), "m.alllink"));
}
END_TEST

/* Every variable leads into it. */
START_TEST(many_ways_into_a_ring_of_ms)
{
	begin_known(_i);
	fake_go_program(&go);
	uint64_t second = fake_go_get(&go, go.last_m + (uint64_t)go.layout.m_alllink);
	fake_go_put(&go, second + (uint64_t)go.layout.m_alllink, go.last_m);
	for (uint64_t addr = 0x50e100; addr < FAKE_GO_GLOBALS_END; addr += 8)
		fake_go_put(&go, addr, addr % 16 == 0 ? second : go.last_m);
	fake_go_open(&go);
	expect_given_up_chain();
}
END_TEST

/* Ms one inside the other, 40 bytes apart; the last of them is none. */
START_TEST(many_ways_into_a_long_chain)
{
	enum { NUM = 1000, APART = 40 };
	begin_known(_i);
	fake_go_program(&go);
	uint64_t chain = fake_go_alloc(&go, NUM * APART + 512);
	uint64_t own = fake_go_alloc(&go, NUM * 8 + 512);
	for (uint64_t i = 0; i < NUM; i++) {
		uint64_t m = chain + APART * i;
		fake_go_put(&go, m, own + 8 * i);
		fake_go_put(&go, m + (uint64_t)go.layout.m_alllink, i + 1 < NUM ? m + APART : 8);
		/* The ids of the first two's own goroutines are 0. */
		if (i != 13 && i != 14)
			fake_go_put(&go, own + 8 * i + 48, m);
	}
	for (uint64_t addr = FAKE_GO_GLOBALS; addr < FAKE_GO_GLOBALS_END; addr += 8)
		if (fake_go_get(&go, addr) == 0)
			fake_go_put(&go, addr, chain + APART * (addr / 8 % 2));
	fake_go_open(&go);
	ck_assert(go.runtime.present);
	ck_assert_ptr_nonnull(strstr(fake_go_gap(&go, "go-layout"), "given up"));
	fake_world_expect_gap(&go.world, "go-layout", true);
}
END_TEST

/* Variables at the very top of the address space. */
START_TEST(variables_that_wrap)
{
	begin_known(_i);
	fake_go_program(&go);
	for (uint64_t i = 0; i < 8; i++)
		fake_go_put(&go, FAKE_GO_MODULE + 192 + 8 * i, UINT64_MAX - 0x3000 + 0x680 * i);
	fake_go_open(&go);
	expect_native_only("was not found");
}
END_TEST

/* ---- Statuses ---- */

struct status_case {
	uint32_t status;
	int state; /* -1: dead, -2: damaged */
	const char *reason;
};

static const struct status_case status_cases[] = {
	{0, -1, NULL},
	{1, CORELEAKS_STATE_RUNNABLE, "runnable"},
	{2, CORELEAKS_STATE_RUNNING, "running"},
	{3, CORELEAKS_STATE_SYSCALL, "syscall"},
	{4, CORELEAKS_STATE_WAITING, "select"},
	{5, -2, NULL},
	{6, -1, NULL},
	{7, -2, NULL},
	{8, CORELEAKS_STATE_RUNNING, "copystack"},
	{9, CORELEAKS_STATE_RUNNABLE, "preempted"},
	{10, CORELEAKS_STATE_WAITING, "select"},
	{11, -1, NULL},
	{12, -2, NULL},
};

START_TEST(statuses)
{
	for (uint32_t i = 0; i < sizeof(status_cases) / sizeof(status_cases[0]); i++) {
		const struct status_case *row = &status_cases[i];
		for (uint32_t scan = 0; scan <= 0x1000; scan += 0x1000) {
			begin_known(_i);
			fake_go_program(&go);
			uint64_t g = fake_go_g(&go, 50, row->status | scan);
			*(unsigned char *)fake_go_at(&go, g + 176) = 3;
			fake_go_put(&go, g + (uint64_t)go.layout.g_syscallsp,
				    fake_go_get(&go, g + 8) - 64);
			fake_go_put(&go, g + (uint64_t)go.layout.g_syscallpc,
				    fake_go_pc(FAKE_SYSCALL, 0x20));
			fake_go_open(&go);
			const struct task *task = fake_go_task(&go, 50);
			ck_assert_uint_eq(go.goroutines.num_dead, 1 + (row->state == -1));
			ck_assert_uint_eq(go.goroutines.num_damaged, row->state == -2);
			ck_assert_int_eq(task != NULL, row->state >= 0);
			if (task != NULL) {
				ck_assert_int_eq((int)task->state, row->state);
				ck_assert_str_eq(task->hint->reason, row->reason);
				ck_assert_int_eq(fake_go_goroutine(&go, 50)->leaked,
						 row->status == 10);
			}
			fake_go_deinit(&go);
			ready = false;
		}
	}
}
END_TEST

/* A number that the runtime has no words for. */
START_TEST(an_unknown_reason)
{
	begin_known(_i);
	fake_go_program(&go);
	*(unsigned char *)fake_go_at(&go, go.gs[1] + 176) = FAKE_GO_NUM_REASONS;
	*(unsigned char *)fake_go_at(&go, go.gs[2] + 176) = 0;
	fake_go_open(&go);
	ck_assert_str_eq(fake_go_task(&go, 17)->hint->reason, "waiting");
	ck_assert_str_eq(fake_go_task(&go, 18)->hint->reason, "waiting");
}
END_TEST

START_TEST(spare_and_locked)
{
	begin_known(_i);
	fake_go_program(&go);
	uint64_t extra = fake_go_m(&go, 0);
	uint64_t g = fake_go_g(&go, 0, _i == 0 ? GO_STATUS_DEAD : GO_STATUS_DEAD_EXTRA);
	fake_go_put(&go, g + 48, extra);
	fake_go_put(&go, go.gs[1] + (uint64_t)go.layout.g_lockedm, extra - 512 - 2 * 464);
	fake_go_open(&go);
	ck_assert_uint_eq(go.goroutines.num_dead, 2);
	ck_assert_uint_eq(go.goroutines.num_spare, 1);
	ck_assert(fake_go_goroutine(&go, 17)->locked);
	ck_assert(!fake_go_goroutine(&go, 18)->locked);
}
END_TEST

/* Records of goroutines that have ended. Of each of the others something forbids to count it: it is
 * being made, never was one, belongs to a thread of C, or nobody that lives came from there. */
START_TEST(ended)
{
	begin_known(_i);
	fake_go_program(&go);
	const struct fake_go_layout *layout = &go.layout;
	fake_go_g(&go, 40, GO_STATUS_DEAD);
	fake_go_put(&go, fake_go_g(&go, 41, GO_STATUS_DEAD) + 64, fake_go_pc(FAKE_WORKER, 0));
	fake_go_g(&go, 0, GO_STATUS_DEAD);
	fake_go_put(&go, fake_go_g(&go, 42, GO_STATUS_DEAD) + 48, fake_go_m(&go, 0));
	fake_go_put(&go, fake_go_g(&go, 43, GO_STATUS_DEAD) + (uint64_t)layout->g_gopc,
		    fake_go_pc(FAKE_MAIN, 0x94));
	fake_go_put(&go, fake_go_g(&go, 44, GO_STATUS_DEAD) + (uint64_t)layout->g_gopc, 0);
	fake_go_g(&go, 45, GO_STATUS_IDLE);
	fake_go_open(&go);
	ck_assert_uint_eq(go.goroutines.ended.num, 1);
	const struct go_ended *one = &go.goroutines.ended.items[0];
	ck_assert_int_eq(one->id, 40);
	ck_assert_int_eq(one->parent_id, _i == 0 ? 0 : 1);
	ck_assert_uint_eq(one->origin, fake_go_goroutine(&go, 17)->origin);
}
END_TEST

/* ---- Where a goroutine is to be unwound from ---- */

static void expect_context(int64_t id, uint64_t pc, bool exact)
{
	const struct task *task = fake_go_task(&go, id);
	ck_assert_ptr_nonnull(task);
	ck_assert_msg(task->pc == pc, "goroutine %lld at 0x%llx, not 0x%llx", (long long)id,
		      (unsigned long long)task->pc, (unsigned long long)pc);
	ck_assert_int_eq(fake_go_goroutine(&go, id)->exact, exact);
}

START_TEST(contexts)
{
	begin_known(_i);
	fake_go_program(&go);
	/* What it saved before the call is not where it is. */
	fake_go_put(&go, go.gs[5] + 56, 0);
	fake_go_put(&go, go.gs[5] + 64, 0);
	fake_go_open(&go);
	expect_context(17, fake_go_pc(FAKE_GOPARK, 0x80), false);
	expect_context(19, fake_go_pc(FAKE_WORKER, 0), false);
	expect_context(20, fake_go_pc(FAKE_SYSCALL, 0x20), false);
	expect_context(33, fake_go_pc(FAKE_MAIN, 0x10), true);
	ck_assert_int_eq(go.tasks.list.items[fake_go_goroutine(&go, 33)->thread].id, 101);
	ck_assert_int_eq(go.tasks.list.items[fake_go_goroutine(&go, 20)->thread].id, 102);
	ck_assert_int_eq(fake_go_goroutine(&go, 17)->thread, -1);
	ck_assert(!fake_go_goroutine(&go, 20)->in_c);
}
END_TEST

/* A signal frame (Linux, struct rt_sigframe) on the M's signal stack. */
static void put_signal_frame(uint64_t m, uint64_t addr, uint64_t pc, uint64_t sp)
{
	uint64_t signal = fake_go_get(&go, m + (uint64_t)go.layout.m_gsignal);
	uint64_t low = fake_go_get(&go, signal), high = fake_go_get(&go, signal + 8);
	fake_go_put(&go, addr, 7);
	fake_go_put(&go, addr + 16, low);
	fake_go_put(&go, addr + 32, high - low);
	fake_go_put(&go, addr + 160, sp);
	fake_go_put(&go, addr + 168, pc);
}

static uint64_t running_m(void)
{
	return fake_go_get(&go, go.gs[6] + 48);
}

START_TEST(below_a_signal_handler)
{
	begin_known(_i);
	fake_go_program(&go);
	uint64_t signal = fake_go_get(&go, running_m() + (uint64_t)go.layout.m_gsignal);
	uint64_t low = fake_go_get(&go, signal);
	put_signal_frame(running_m(), low + 0x400, fake_go_pc(FAKE_MAIN, 0x14), go.threads[1].sp);
	go.threads[1].pc = fake_go_pc(FAKE_SYSCALL, 0x40);
	go.threads[1].sp = low + 0x200;
	fake_go_open(&go);
	expect_context(33, fake_go_pc(FAKE_MAIN, 0x14), true);
}
END_TEST

/* No frame on it: what the goroutine saved stands. A signal stack that claims all of memory takes
 * no longer to search. */
START_TEST(a_signal_stack_without_a_frame)
{
	begin_known(_i % 2);
	fake_go_program(&go);
	uint64_t signal = fake_go_get(&go, running_m() + (uint64_t)go.layout.m_gsignal);
	go.threads[1].sp = fake_go_get(&go, signal) + 0x200;
	fake_go_put(&go, go.gs[6] + 64, fake_go_pc(FAKE_WORKER, 0x90));
	if (_i >= 2)
		fake_go_put(&go, signal + 8, UINT64_MAX);
	fake_go_open(&go);
	expect_context(33, fake_go_pc(FAKE_WORKER, 0x90), false);
}
END_TEST

START_TEST(on_the_threads_own_stack)
{
	begin_known(_i);
	fake_go_program(&go);
	uint64_t g0 = fake_go_get(&go, running_m());
	go.threads[1].sp = fake_go_get(&go, g0) + 0x200;
	fake_go_put(&go, go.gs[6] + 56, fake_go_get(&go, go.gs[6] + 8) - 0x100);
	fake_go_put(&go, go.gs[6] + 64, fake_go_pc(FAKE_WORKER, 0x90));
	fake_go_open(&go);
	expect_context(33, fake_go_pc(FAKE_WORKER, 0x90), false);
}
END_TEST

START_TEST(in_a_call_of_c)
{
	begin_known(_i);
	fake_go_program(&go);
	go.threads[0].pc = 0x7f0000001000;
	go.threads[0].sp = 0x7ffc00001000;
	fake_go_open(&go);
	expect_context(20, fake_go_pc(FAKE_SYSCALL, 0x20), false);
	ck_assert(fake_go_goroutine(&go, 20)->in_c);
}
END_TEST

/* In a pid namespace the runtime's thread ids are other ones: the stacks tell. */
START_TEST(thread_ids_of_a_namespace)
{
	begin_known(_i);
	fake_go_program(&go);
	for (uint32_t i = 0; i < go.num_threads; i++)
		go.threads[i].tid += 5000;
	fake_go_open(&go);
	expect_program();
	ck_assert_int_eq(go.tasks.list.items[fake_go_goroutine(&go, 33)->thread].id, 5101);
	expect_context(33, fake_go_pc(FAKE_MAIN, 0x10), true);
}
END_TEST

Suite *go_runtime_suite(void)
{
	Suite *suite = suite_create("go_runtime");
	TCase *tests = tcase_create("go_runtime");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, a_known_version, 0, 2);
	tcase_add_loop_test(tests, an_unknown_version, 0, 2);
	tcase_add_loop_test(tests, laid_out_otherwise, 0, 2);
	tcase_add_loop_test(tests, most_ms_are_idle, 0, 2);
	tcase_add_test(tests, an_interrupted_goroutine);
	tcase_add_loop_test(tests, not_recognised, 0, 2);
	tcase_add_loop_test(tests, no_list_of_goroutines, 0, 2);
	tcase_add_loop_test(tests, overlapping_lists, 0, 2);
	tcase_add_loop_test(tests, huge_lists, 0, 2);
	tcase_add_loop_test(tests, more_tasks_than_the_limit, 0, 2);
	tcase_add_loop_test(tests, goroutines_beyond_the_end_of_the_core, 0, 2);
	tcase_add_loop_test(tests, goroutines_where_nothing_was, 0, 2);
	tcase_add_loop_test(tests, damaged_goroutines_are_counted, 0, 2);
	tcase_add_loop_test(tests, chains_of_modules_that_lie, 0, 2);
	tcase_add_loop_test(tests, a_ring_of_ms, 0, 2);
	tcase_add_loop_test(tests, many_ways_into_a_ring_of_ms, 0, 2);
	tcase_add_loop_test(tests, many_ways_into_a_long_chain, 0, 2);
	tcase_add_loop_test(tests, variables_that_wrap, 0, 2);
	tcase_add_loop_test(tests, statuses, 0, 2);
	tcase_add_loop_test(tests, an_unknown_reason, 0, 2);
	tcase_add_loop_test(tests, spare_and_locked, 0, 2);
	tcase_add_loop_test(tests, ended, 0, 2);
	tcase_add_loop_test(tests, contexts, 0, 2);
	tcase_add_loop_test(tests, below_a_signal_handler, 0, 2);
	tcase_add_loop_test(tests, a_signal_stack_without_a_frame, 0, 4);
	tcase_add_loop_test(tests, on_the_threads_own_stack, 0, 2);
	tcase_add_loop_test(tests, in_a_call_of_c, 0, 2);
	tcase_add_loop_test(tests, thread_ids_of_a_namespace, 0, 2);
	suite_add_tcase(suite, tests);
	return suite;
}
