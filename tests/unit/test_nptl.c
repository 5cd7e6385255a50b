#include "fake_world.h"
#include "task/nptl.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *nptl_suite(void);

/* Each descriptor stands in a stack block of its own. */
#define BLOCKS UINT64_C(0x7f2000000000)
#define CODE   UINT64_C(0x555500001000)
#define TABLE  UINT64_C(0x7f3000000000) /* a libc with a table of offsets */
#define LINKER UINT64_C(0x7f3100000000) /* the file whose symbols tell where heads are … */
#define HEADS  UINT64_C(0x7f4000000000) /* … and the memory where they are */

enum {
	NUM_BLOCKS = 12,
	BLOCK_SIZE = 0x4000,
	PD_IN_BLOCK = 0x3600,
	HEADS_SIZE = 0x1000,
	USER_HEAD = 0x100, /* the list of the main thread and of the user's own stacks */
	USED_HEAD = 0x200,
	NUM_THREADS = 5, /* with descriptors 0 … 4; 0 is the main thread's */
	EXITING = 0x10,	 /* bits of cancelhandling */
	CANCELABLE = 2,
};

/* glibc 2.36's, and 2.31's */
static const struct nptl_layout usual = {720, 704, 1592, 776, 2368, 1680};
static const struct nptl_layout older = {720, 704, 1600, 776, 2304, 1680};

static struct fake_world world;
static struct tasks tasks;
static struct modules modules;
static struct module module_items[3];
static struct nptl nptl;
static struct nptl_layout layout;
static unsigned char blocks[NUM_BLOCKS * BLOCK_SIZE], heads[HEADS_SIZE];
static bool hole_in_blocks;	/* the last block is not in the core */
static const char *linker_file; /* NULL: nothing tells where the heads are */

static uint64_t pd(uint32_t index)
{
	return BLOCKS + index * (uint64_t)BLOCK_SIZE + PD_IN_BLOCK;
}

static unsigned char *at(uint64_t addr)
{
	if (addr >= BLOCKS && addr - BLOCKS <= sizeof(blocks) - 8)
		return blocks + (addr - BLOCKS);
	ck_assert(addr >= HEADS && addr - HEADS <= sizeof(heads) - 8);
	return heads + (addr - HEADS);
}

static void put64(uint64_t addr, uint64_t value)
{
	memcpy(at(addr), &value, sizeof(value));
}

static void put32(uint64_t addr, uint32_t value)
{
	memcpy(at(addr), &value, sizeof(value));
}

static void put_tid(uint32_t index, int32_t tid)
{
	put32(pd(index) + layout.tid_off, (uint32_t)tid);
}

static void put_joinid(uint32_t index, uint64_t addr)
{
	put64(pd(index) + layout.start_off - 24, addr);
}

static void put_cancelhandling(uint32_t index, uint32_t bits)
{
	put32(pd(index) + layout.cancel_off, bits);
}

/* A thread that runs worker(index). */
static void put_descriptor(uint32_t index, int32_t tid)
{
	put64(pd(index), pd(index));
	put64(pd(index) + 16, pd(index));
	put_tid(index, tid);
	put_cancelhandling(index, CANCELABLE);
	put_joinid(index, 0);
	put64(pd(index) + layout.start_off, index != 0 ? CODE : 0);
	put64(pd(index) + layout.start_off + 8, index);
	put64(pd(index) + layout.stack_off, index != 0 ? pd(index) - PD_IN_BLOCK : 0);
	put64(pd(index) + layout.stack_off + 8, index != 0 ? BLOCK_SIZE : 0);
	put64(pd(index) + layout.stack_off + 16, index != 0 ? 4096 : 0);
}

/* The ring of a list's head and descriptors from first to before last. */
static void put_ring(uint64_t head_addr, uint32_t first, uint32_t last)
{
	uint64_t before = head_addr;
	for (uint32_t i = first; i <= last; i++) {
		uint64_t node = i < last ? pd(i) + layout.list_off : head_addr;
		put64(before, node);
		put64(node + 8, before);
		before = node;
	}
}

static void put_threads(uint32_t num_descriptors)
{
	for (uint32_t i = 0; i < num_descriptors; i++)
		put_descriptor(i, 100 + (int32_t)i);
	put_ring(HEADS + USER_HEAD, 0, 1);
	put_ring(HEADS + USED_HEAD, 1, num_descriptors);
}

static char *usual_linker_file;

/* Symbols of a dynamic linker, or of a static program: from 0x1000 on as HEADS from 0. */
static char *compile_linker(const char *name, const char *symbols)
{
	char *source;
	ck_assert_int_gt(asprintf(&source,
				  ".macro name symbol, at\n"
				  ".globl \\symbol\n .type \\symbol, @object\n .size \\symbol, 16\n"
				  ".set \\symbol, base + \\at\n"
				  ".endm\n"
				  ".data\n .globl base\n base: .skip 4096\n %s\n",
				  symbols),
			 0);
	char *path = fake_compile(name, "assembler", source, "-shared -nostdlib");
	free(source);
	return path;
}

static void files_setup(void)
{
	fake_scratch_setup();
	usual_linker_file = compile_linker("ld-usual.so", "name _dl_stack_user, 0x100\n"
							  "name _dl_stack_used, 0x200");
}

static void files_teardown(void)
{
	free(usual_linker_file);
	fake_scratch_teardown();
}

static void setup(void)
{
	fake_world_init(&world);
	memset(blocks, 0, sizeof(blocks));
	memset(heads, 0, sizeof(heads));
	layout = usual;
	hole_in_blocks = false;
	linker_file = usual_linker_file;
	put_threads(NUM_THREADS);
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static void add_note(int32_t tid, uint64_t fs_base)
{
	struct user_regs_struct regs = {.fs_base = fs_base, .orig_rax = UINT64_MAX};
	fake_thread(&world.core, tid, 0, &regs);
}

/* Notes of the threads from first to before last, in a mixed order. */
static void add_notes(uint32_t first, uint32_t last)
{
	for (uint32_t i = last; i-- > first;)
		add_note(100 + (int32_t)i, pd(i));
}

/* The linker's file stands where its symbols lead to the heads; other files where they are. */
static void add_modules(void)
{
	struct module linker = {.name = "other.so", .range = {HEADS, HEADS + HEADS_SIZE}};
	modules = (struct modules){.list = {module_items, 0, 3}, .main_index = -1};
	for (uint32_t i = 0; i < world.modules.list.num; i++) {
		const struct module *module = &world.modules.list.items[i];
		ck_assert_uint_lt(modules.list.num, 2);
		if (linker_file == NULL || module->range.low != LINKER) {
			module_items[modules.list.num++] = *module;
			continue;
		}
		linker.name = module->name;
		linker.file = module->file;
		linker.bias = HEADS - fake_symbol(linker_file, "base");
	}
	module_items[modules.list.num++] = linker;
}

static void build(void)
{
	size_t size = sizeof(blocks) - (hole_in_blocks ? BLOCK_SIZE : 0);
	fake_segment(&world.core, BLOCKS, blocks, size, size, PF_R | PF_W);
	if (linker_file != NULL)
		fake_map(&world.core, linker_file, linker_file, LINKER, 0);
	fake_segment(&world.core, HEADS, heads, sizeof(heads), sizeof(heads), PF_R | PF_W);
	fake_world_open_image(&world);
	add_modules();
	image_init(world.image, &world.dump, &modules);
	tasks_build(&tasks, &world.arena, &world.gaps, &world.notes, world.image);
	nptl_build(&nptl, &world.arena, &world.gaps, world.image, &world.notes, &tasks);
}

static const struct nptl_thread *thread(uint32_t index)
{
	int32_t found = nptl_find(&nptl, pd(index));
	ck_assert_msg(found >= 0, "descriptor %u was not found", index);
	return &nptl.threads.items[found];
}

static void expect_cut(void)
{
	ck_assert(nptl.present && !nptl.lists_whole);
	fake_world_expect_gap(&world, "thread-list-cut", false);
}

static void expect_absent(void)
{
	ck_assert(!nptl.present);
	ck_assert_uint_eq(nptl.threads.num, 0);
	ck_assert_uint_eq(nptl.num_alive, 0);
	ck_assert_uint_eq(nptl.num_finished, 0);
	for (uint32_t i = 0; i < tasks.list.num; i++)
		ck_assert_int_eq(nptl.by_task[i], -1);
	ck_assert_int_eq(nptl_find(&nptl, pd(0)), -1);
	ck_assert_int_eq(nptl_find_tid(&nptl, 100), -1);
}

/* ---- Sound lists ------------------------------------------------------------------------- */

START_TEST(all_threads_of_both_lists)
{
	put64(pd(3) + layout.cancel_off - 16, 0x1234);
	add_notes(0, NUM_THREADS);
	build();
	ck_assert(nptl.present && nptl.lists_whole);
	ck_assert_uint_eq(nptl.threads.num, NUM_THREADS);
	ck_assert_uint_eq(nptl.num_alive, NUM_THREADS);
	ck_assert_uint_eq(nptl.num_finished, 0);
	for (uint32_t i = 0; i < NUM_THREADS; i++) {
		const struct nptl_thread *found = &nptl.threads.items[i];
		ck_assert_uint_eq(found->pd_addr, pd(i));
		ck_assert_int_eq(found->tid, 100 + (int32_t)i);
		ck_assert_int_eq(found->task, (int32_t)(NUM_THREADS - 1 - i));
		ck_assert_int_eq(nptl.by_task[found->task], (int32_t)i);
		ck_assert_int_eq(found->life, NPTL_ALIVE);
		ck_assert(!found->detached);
		ck_assert_uint_eq(found->start_addr, i != 0 ? CODE : 0);
		ck_assert_uint_eq(found->arg_addr, i);
		ck_assert_uint_eq(found->cleanup_addr, i == 3 ? 0x1234 : 0);
		ck_assert_int_eq(nptl_find_tid(&nptl, found->tid), (int32_t)i);
	}
	ck_assert_int_eq(nptl_find_tid(&nptl, 99), -1);
	ck_assert_int_eq(nptl_find_tid(&nptl, 100 + NUM_THREADS), -1);
	ck_assert_int_eq(nptl_find(&nptl, pd(1) + 1), -1);
	ck_assert_int_eq(nptl_find(&nptl, 0), -1);
	ck_assert_uint_eq(fake_world_num_gaps(&world, "thread-list-cut"), 0);
}
END_TEST

/* One live thread leads to all others on its list; but lists without one may stay unknown. */
START_TEST(a_ring_from_any_of_its_threads)
{
	for (uint32_t i = 1; i < NUM_THREADS; i++) {
		teardown();
		setup();
		linker_file = NULL;
		add_note(100 + (int32_t)i, pd(i));
		build();
		expect_cut();
		ck_assert_uint_eq(nptl.threads.num, NUM_THREADS - 1);
		ck_assert_uint_eq(nptl.num_alive, 1);
		ck_assert_int_eq(thread(i)->life, NPTL_ALIVE);
		ck_assert_int_eq(thread(i % 4 + 1)->life, NPTL_IN_FLIGHT);
	}
}
END_TEST

/* All have ended but the main thread, which is on another list. */
START_TEST(a_list_on_which_nobody_is_alive)
{
	for (uint32_t i = 1; i < NUM_THREADS; i++) {
		put_tid(i, 0);
		put_cancelhandling(i, EXITING);
	}
	add_note(100, pd(0));
	build();
	ck_assert(nptl.present && nptl.lists_whole);
	ck_assert_uint_eq(nptl.num_finished, NUM_THREADS - 1);
	ck_assert_uint_eq(nptl.num_alive, 1);
}
END_TEST

START_TEST(empty_lists)
{
	put_ring(HEADS + USED_HEAD, 1, 1);
	add_note(100, pd(0));
	build();
	ck_assert(nptl.present && nptl.lists_whole);
	ck_assert_uint_eq(nptl.threads.num, 1);
	ck_assert_uint_eq(nptl.layout.stack_off, 0);
}
END_TEST

/* Both lists must have been seen, from the head or from a thread on them. */
START_TEST(heads_that_are_missing)
{
	static const struct {
		const char *symbols;
		uint32_t num_notes; /* 1: the main thread alone */
		bool whole;
	} rows[] = {
		{"", NUM_THREADS, true},
		{"", 1, false},
		{"name _dl_stack_used, 0x200", 1, true},
		{"name _dl_stack_user, 0x100", 1, false},
		{"name _dl_stack_user, 0x100", 2, true},
		/* No list there; no memory there. */
		{"name _dl_stack_user, 0x100\n name _dl_stack_used, 0x800", NUM_THREADS, false},
		{"name _dl_stack_user, 0x100\n name _dl_stack_used, 0x10000000", NUM_THREADS,
		 false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		teardown();
		setup();
		char *file = compile_linker("ld-row.so", rows[i].symbols);
		linker_file = file;
		add_notes(0, rows[i].num_notes);
		build();
		ck_assert(nptl.present);
		ck_assert_msg(nptl.lists_whole == rows[i].whole, "row %zu", i);
		ck_assert_uint_eq(nptl.num_alive, rows[i].num_notes);
		ck_assert_uint_eq(fake_world_num_gaps(&world, "thread-list-cut"), !rows[i].whole);
		free(file);
	}
}
END_TEST

START_TEST(finished_is_more_than_a_missing_id)
{
	static const struct {
		int32_t tid;
		uint32_t cancelhandling;
		bool joined;
		enum nptl_life life;
	} rows[] = {
		{0, EXITING, false, NPTL_FINISHED},
		{0, EXITING | CANCELABLE, false, NPTL_FINISHED},
		{0, 0, false, NPTL_IN_FLIGHT}, /* listed before clone() */
		{0, CANCELABLE, false, NPTL_IN_FLIGHT},
		{0, ~(uint32_t)EXITING, false, NPTL_IN_FLIGHT},
		{0, EXITING, true, NPTL_IN_FLIGHT},    /* somebody is just joining it */
		{900, EXITING, false, NPTL_IN_FLIGHT}, /* ends, but no note */
		{900, 0, false, NPTL_IN_FLIGHT},
		{-1, EXITING, false, NPTL_IN_FLIGHT},
	};
	enum { NUM_ROWS = sizeof(rows) / sizeof(rows[0]) };
	_Static_assert(NUM_ROWS + 2 <= NUM_BLOCKS, "a block for each");
	put_threads(NUM_ROWS + 2);
	for (uint32_t i = 0; i < NUM_ROWS; i++) {
		put_tid(i + 2, rows[i].tid);
		put_cancelhandling(i + 2, rows[i].cancelhandling);
		put_joinid(i + 2, rows[i].joined ? pd(1) : 0);
	}
	add_notes(0, 2);
	build();
	ck_assert(nptl.lists_whole);
	ck_assert_uint_eq(nptl.num_finished, 2);
	ck_assert_uint_eq(nptl.num_alive, 2);
	for (uint32_t i = 0; i < NUM_ROWS; i++) {
		ck_assert_msg(thread(i + 2)->life == rows[i].life, "row %u", i);
		ck_assert_int_eq(thread(i + 2)->tid, rows[i].tid);
		ck_assert_int_eq(thread(i + 2)->task, -1);
		ck_assert_uint_eq(thread(i + 2)->start_addr, CODE);
	}
	ck_assert_int_eq(nptl_find_tid(&nptl, 0), -1);
	ck_assert_int_eq(nptl_find_tid(&nptl, 900), -1);
}
END_TEST

START_TEST(only_its_own_address_means_detached)
{
	put_joinid(1, pd(1)); /* detached */
	put_joinid(2, pd(3)); /* 3 joins 2 */
	put_joinid(3, pd(0));
	put_joinid(4, pd(4));
	put_tid(4, 0); /* detached and ended: it takes care of itself */
	put_cancelhandling(4, EXITING);
	add_notes(0, 4);
	build();
	ck_assert(thread(1)->detached);
	ck_assert(!thread(2)->detached);
	ck_assert(!thread(3)->detached);
	ck_assert(thread(4)->detached);
	ck_assert_int_eq(thread(4)->life, NPTL_IN_FLIGHT);
	ck_assert_uint_eq(nptl.num_finished, 0);
}
END_TEST

/* gcore from outside a pid namespace: notes have the host's ids, mutexes have the process's. */
START_TEST(ids_of_a_pid_namespace)
{
	for (uint32_t i = 0; i < NUM_THREADS; i++)
		put_tid(i, 2 + (int32_t)i);
	add_notes(0, NUM_THREADS);
	build();
	ck_assert(nptl.present && nptl.lists_whole);
	for (uint32_t i = 0; i < NUM_THREADS; i++) {
		ck_assert_int_eq(thread(i)->tid, 2 + (int32_t)i);
		ck_assert_int_eq(thread(i)->life, NPTL_ALIVE);
		ck_assert_int_eq(tasks.list.items[thread(i)->task].id, 100 + i);
		ck_assert_int_eq(nptl_find_tid(&nptl, 2 + (int32_t)i), (int32_t)i);
		ck_assert_int_eq(nptl_find_tid(&nptl, 100 + (int32_t)i), -1);
	}
}
END_TEST

START_TEST(live_thread_without_id_has_its_notes)
{
	put_tid(2, 0);
	put_cancelhandling(2, EXITING);
	add_notes(0, NUM_THREADS);
	build();
	ck_assert_int_eq(thread(2)->life, NPTL_ALIVE);
	ck_assert_int_eq(thread(2)->tid, 102);
	ck_assert_int_eq(nptl_find_tid(&nptl, 102), 2);
	ck_assert_uint_eq(nptl.num_finished, 0);
}
END_TEST

/* ---- Stacks ------------------------------------------------------------------------------ */

START_TEST(stack_blocks)
{
	put_threads(NUM_THREADS);
	put_tid(4, 0);
	put_cancelhandling(4, EXITING);
	add_notes(0, 4);
	build();
	ck_assert_uint_eq(nptl.layout.stack_off, usual.stack_off);
	ck_assert_uint_eq(thread(0)->stack_addr, 0);
	ck_assert_uint_eq(thread(0)->stack_size, 0);
	for (uint32_t i = 1; i < NUM_THREADS; i++) {
		ck_assert_uint_eq(thread(i)->stack_addr, pd(i) - PD_IN_BLOCK);
		ck_assert_uint_eq(thread(i)->stack_size, BLOCK_SIZE);
	}
}
END_TEST

/* Where the three words stand differs from version to version. */
START_TEST(stack_blocks_elsewhere)
{
	layout.stack_off = 1720;
	memset(blocks, 0, sizeof(blocks));
	put_threads(NUM_THREADS);
	add_notes(0, NUM_THREADS);
	build();
	ck_assert_uint_eq(nptl.layout.stack_off, 1720);
	ck_assert_uint_eq(thread(1)->stack_addr, pd(1) - PD_IN_BLOCK);
}
END_TEST

START_TEST(no_stack_blocks)
{
	static const struct {
		uint64_t into, size, guard; /* where the block begins in the real one */
	} rows[] = {
		{8, BLOCK_SIZE - 8, 4096},   {0, BLOCK_SIZE, 100},
		{0, BLOCK_SIZE, BLOCK_SIZE}, {0, BLOCK_SIZE + 0x4000, 4096},
		{0, PD_IN_BLOCK, 4096},	     {0, 0, 0},
		{0, UINT64_MAX, 4096},	     {BLOCK_SIZE, BLOCK_SIZE, 0},
		{0, UINT64_MAX - 4095, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		teardown();
		setup();
		for (uint32_t k = 1; k < NUM_THREADS; k++) {
			put64(pd(k) + layout.stack_off, pd(k) - PD_IN_BLOCK + rows[i].into);
			put64(pd(k) + layout.stack_off + 8, rows[i].size);
			put64(pd(k) + layout.stack_off + 16, rows[i].guard);
		}
		add_notes(0, NUM_THREADS);
		build();
		ck_assert_msg(nptl.layout.stack_off == 0, "row %zu", i);
		ck_assert_uint_eq(thread(1)->stack_addr, 0);
		ck_assert_uint_eq(thread(1)->stack_size, 0);
	}
}
END_TEST

/* ---- Damaged lists ------------------------------------------------------------------------ */

START_TEST(list_without_memory)
{
	static const uint64_t addrs[] = {0,
					 1,
					 8,
					 UINT64_MAX,
					 UINT64_MAX - 7,
					 (uint64_t)1 << 63,
					 BLOCKS - 8,
					 HEADS + HEADS_SIZE};
	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		teardown();
		setup();
		put64(pd(2) + layout.list_off, addrs[i]);
		add_notes(0, 3);
		build();
		expect_cut();
		/* The live ones are found all the same. */
		for (uint32_t k = 0; k < 3; k++)
			ck_assert_int_eq(thread(k)->life, NPTL_ALIVE);
	}
}
END_TEST

START_TEST(list_that_does_not_lead_back)
{
	put64(pd(3) + layout.list_off + 8, pd(1) + layout.list_off);
	add_notes(0, 3);
	build();
	expect_cut();
	ck_assert_uint_eq(nptl.num_alive, 3);
}
END_TEST

/* Every step looks sound, but it never comes back to where it began. */
START_TEST(list_that_loops)
{
	put_ring(pd(2) + layout.list_off, 3, NUM_THREADS);
	add_note(100, pd(0));
	add_note(101, pd(1));
	add_note(103, pd(3));
	build();
	expect_cut();
	ck_assert_uint_eq(nptl.num_alive, 3);
	ck_assert_uint_le(nptl.threads.num, NUM_THREADS);
}
END_TEST

/* It comes back, but meets no library's data: none of glibc's lists. */
START_TEST(list_without_head)
{
	put_descriptor(NUM_THREADS, 900);
	put_ring(pd(NUM_THREADS) + layout.list_off, 0, 0);
	add_note(900, pd(NUM_THREADS));
	add_notes(0, NUM_THREADS);
	build();
	expect_cut();
	ck_assert_uint_eq(nptl.num_alive, NUM_THREADS + 1);
}
END_TEST

START_TEST(list_into_a_block_that_is_missing)
{
	hole_in_blocks = true;
	put_threads(NUM_BLOCKS);
	add_notes(0, 2);
	build();
	expect_cut();
	ck_assert_uint_eq(nptl.num_finished, 0);
}
END_TEST

START_TEST(cut_list_is_told_once)
{
	put64(pd(1) + layout.list_off, 0);
	put64(pd(3) + layout.list_off, 0);
	add_notes(0, NUM_THREADS);
	build();
	expect_cut();
	ck_assert_uint_eq(fake_world_num_gaps(&world, "thread-list-cut"), 1);
}
END_TEST

/* ---- Threads that are none of glibc's ------------------------------------------------------ */

START_TEST(threads_without_descriptors)
{
	add_note(500, 0);	   /* being created by the kernel, or ending */
	add_note(501, pd(7));	   /* no descriptor: all zeros */
	add_note(502, pd(1) + 16); /* inside another's */
	add_note(503, pd(1) + 3);  /* unaligned */
	add_note(504, UINT64_MAX - 15);
	add_note(506, pd(8)); /* half a descriptor */
	put64(pd(8), pd(8));
	add_note(507, pd(9));
	put64(pd(9) + 16, pd(9));
	add_note(508, pd(10) + 8); /* no place for one */
	put64(pd(10) + 8, pd(10) + 8);
	put64(pd(10) + 24, pd(10) + 8);
	add_notes(0, NUM_THREADS);
	add_note(505, 8);
	build();
	ck_assert(nptl.present && nptl.lists_whole);
	ck_assert_uint_eq(nptl.num_alive, NUM_THREADS);
	ck_assert_uint_eq(nptl.threads.num, NUM_THREADS);
	for (uint32_t i = 0; i < tasks.list.num; i++)
		ck_assert_int_eq(nptl.by_task[i] >= 0, tasks.list.items[i].id < 500);
}
END_TEST

/* vfork()'s child, or clone() by hand: two threads, one fs_base. */
START_TEST(two_threads_with_one_descriptor)
{
	add_notes(0, NUM_THREADS);
	add_note(900, pd(2));
	build();
	ck_assert_uint_eq(nptl.num_alive, NUM_THREADS);
	ck_assert_uint_eq(nptl.threads.num, NUM_THREADS);
	ck_assert_int_eq(nptl_find_tid(&nptl, 102), 2);
	/* The descriptor's own id says whose it is. */
	ck_assert_int_eq(tasks.list.items[thread(2)->task].id, 102);
	for (int i = 0; i < NUM_THREADS; i++)
		ck_assert(thread(i)->shared == (i == 2));
}
END_TEST

START_TEST(no_threads_of_glibc)
{
	build();
	expect_absent();
	teardown();
	setup();
	memset(blocks, 0, sizeof(blocks));
	add_notes(0, NUM_THREADS);
	build();
	expect_absent();
	ck_assert_uint_eq(fake_world_num_gaps(&world, "thread-list-cut"), 0);
}
END_TEST

/* ---- The table of offsets ----------------------------------------------------------------- */

/* A libc with that table; more is added to its source. */
static void map_table(const struct nptl_layout *table, const char *more)
{
	char *source;
	ck_assert_int_gt(asprintf(&source,
				  "const unsigned _thread_db_pthread_tid[] = {32, 1, %u},"
				  " _thread_db_pthread_list[] = {128, 1, %u},"
				  " _thread_db_pthread_start_routine[] = {64, 1, %u},"
				  " _thread_db_pthread_cancelhandling[] = {32, 1, %u},"
				  " _thread_db_sizeof_pthread = %u; %s",
				  table->tid_off, table->list_off, table->start_off,
				  table->cancel_off, table->size, more),
			 0);
	char *path = fake_compile("libc.so.6", "c", source, "-shared -fPIC -nostdlib");
	free(source);
	fake_map(&world.core, path, path, TABLE, 0);
	free(path);
}

/* Where the heads stand: since 2.34 in _rtld_global, by offsets in libc's table; before that, and
 * in static programs, by names of their own. */
START_TEST(heads_of_each_version)
{
	static const char tables[] =
		"const unsigned _thread_db_rtld_global__dl_stack_user[] = {128, 1, 0x80},"
		" _thread_db_rtld_global__dl_stack_used[] = {128, 1, 0x180};";
	static const struct {
		const char *file, *symbols, *more;
	} rows[] = {
		{"ld-linux-x86-64.so.2", "name _rtld_global, 0x80", tables},
		{"libpthread-2.31.so", "name __stack_user, 0x100\n name stack_used, 0x200", ""},
		{"libc-static", "name _dl_stack_user, 0x100\n name _dl_stack_used, 0x200", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		teardown();
		setup();
		char *file = compile_linker(rows[i].file, rows[i].symbols);
		linker_file = file;
		map_table(&usual, rows[i].more);
		put_tid(2, 0);
		put_cancelhandling(2, EXITING);
		add_note(100, pd(0));
		build();
		ck_assert_msg(nptl.present && nptl.lists_whole, "row %zu", i);
		ck_assert_uint_eq(nptl.threads.num, NUM_THREADS);
		ck_assert_uint_eq(nptl.num_finished, 1);
		free(file);
	}
}
END_TEST

START_TEST(offsets_by_the_table)
{
	/* Other offsets than any version's: the table alone tells. */
	static const struct nptl_layout moved = {728, 712, 1608, 792, 2432, 1712};
	const struct nptl_layout *const layouts[] = {&usual, &older, &moved};
	for (size_t i = 0; i < 3; i++) {
		teardown();
		setup();
		memset(blocks, 0, sizeof(blocks));
		layout = *layouts[i];
		put_threads(NUM_THREADS);
		put_tid(3, 0);
		put_cancelhandling(3, EXITING);
		put_joinid(2, pd(2));
		map_table(&layout, "");
		add_notes(0, 3);
		build();
		ck_assert_msg(nptl.present && nptl.lists_whole, "layout %zu", i);
		ck_assert_int_eq(memcmp(&nptl.layout, &layout, sizeof(layout)), 0);
		ck_assert_int_eq(thread(3)->life, NPTL_FINISHED);
		ck_assert(thread(2)->detached);
		ck_assert_uint_eq(thread(1)->start_addr, CODE);
		ck_assert_uint_eq(thread(1)->stack_size, BLOCK_SIZE);
	}
}
END_TEST

/* A table that cannot be: the usual layout is tried. One that does not fit the threads: none of
 * their fields may be taken for what they are not. */
START_TEST(offsets_that_are_wrong)
{
	static const struct {
		struct nptl_layout table;
		bool refused;
	} rows[] = {
		{{0, 704, 1592, 776, 2368, 0}, true},
		{{720, 1 << 20, 1592, 776, 2368, 0}, true},
		{{720, 704, 0xffffffff, 776, 2368, 0}, true},
		{{720, 704, 1592, 776, 100, 0}, true},
		{{720, 704, 1592, 776, 0xffffffff, 0}, true},
		{{720, 696, 1592, 776, 2368, 0}, false},
		{{724, 704, 1592, 776, 2368, 0}, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		teardown();
		setup();
		map_table(&rows[i].table, "");
		add_notes(0, NUM_THREADS);
		build();
		ck_assert_msg(nptl.present || !rows[i].refused, "row %zu", i);
		if (nptl.present)
			ck_assert_msg(thread(1)->tid == 101 && nptl.lists_whole &&
					      nptl.num_alive == NUM_THREADS,
				      "row %zu", i);
		else
			expect_absent();
	}
}
END_TEST

/* Small offsets lead before the descriptor, large ones behind it. */
START_TEST(offsets_at_the_edges)
{
	layout = (struct nptl_layout){32, 48, 2360, 80, 2368, 0};
	memset(blocks, 0, sizeof(blocks));
	for (uint32_t i = 0; i < NUM_BLOCKS; i++) {
		put64(pd(i), pd(i));
		put64(pd(i) + 16, pd(i));
		put_tid(i, 100 + (int32_t)i);
	}
	put_ring(HEADS + USER_HEAD, 0, NUM_BLOCKS);
	map_table(&layout, "");
	add_notes(0, NUM_BLOCKS);
	build();
	ck_assert(nptl.present);
	ck_assert_uint_eq(nptl.num_alive, NUM_BLOCKS);
	ck_assert_uint_eq(nptl.layout.stack_off, 0);
}
END_TEST

static TCase *lists_case(void)
{
	TCase *tests = tcase_create("lists");
	tcase_add_unchecked_fixture(tests, files_setup, files_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, all_threads_of_both_lists);
	tcase_add_test(tests, a_ring_from_any_of_its_threads);
	tcase_add_test(tests, a_list_on_which_nobody_is_alive);
	tcase_add_test(tests, empty_lists);
	tcase_add_test(tests, heads_that_are_missing);
	tcase_add_test(tests, finished_is_more_than_a_missing_id);
	tcase_add_test(tests, only_its_own_address_means_detached);
	tcase_add_test(tests, ids_of_a_pid_namespace);
	tcase_add_test(tests, live_thread_without_id_has_its_notes);
	tcase_add_test(tests, stack_blocks);
	tcase_add_test(tests, stack_blocks_elsewhere);
	tcase_add_test(tests, no_stack_blocks);
	tcase_add_test(tests, list_without_memory);
	tcase_add_test(tests, list_that_does_not_lead_back);
	tcase_add_test(tests, list_that_loops);
	tcase_add_test(tests, list_without_head);
	tcase_add_test(tests, list_into_a_block_that_is_missing);
	tcase_add_test(tests, cut_list_is_told_once);
	tcase_add_test(tests, threads_without_descriptors);
	tcase_add_test(tests, two_threads_with_one_descriptor);
	tcase_add_test(tests, no_threads_of_glibc);
	return tests;
}

Suite *nptl_suite(void)
{
	Suite *suite = suite_create("nptl");
	suite_add_tcase(suite, lists_case());
	TCase *tests = tcase_create("table");
	tcase_add_unchecked_fixture(tests, files_setup, files_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, heads_of_each_version);
	tcase_add_test(tests, offsets_by_the_table);
	tcase_add_test(tests, offsets_that_are_wrong);
	tcase_add_test(tests, offsets_at_the_edges);
	suite_add_tcase(suite, tests);
	return suite;
}
