#include "fake_world.h"
#include "proof/native_reach.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *native_reach_suite(void);

#define HEAP	UINT64_C(0x561200000000)
#define GLOBALS UINT64_C(0x561100000000)
#define LIBC	UINT64_C(0x7f1280000000)
#define STACKS	UINT64_C(0x7f1290000000)

enum {
	HEAP_SIZE = 0x4000,
	CHUNK_SIZE = 0x100,
	NUM_CHUNKS = 32, /* behind them is the top */
	SEMAPHORE = 5,	 /* the chunk of what the waiter waits for */
	STACK_SIZE = 0x10000,
	GUARD_SIZE = 0x1000,
	PD_OFF = 0xf000,
	SP_OFF = 0xe000,
	NUM_TASKS = 3, /* main, which runs; the waiter; one more that sleeps for a while */
	XSTATE_SIZE = 832,
};

enum { MAIN, WAITER, OTHER, FINISHED };

static const uint64_t guard = UINT64_C(0x5f3759df9b2c41e7);

static struct fake_world world;
static struct image image;
static unsigned char heap[HEAP_SIZE], globals[0x1000], libc_data[0x1000];
static unsigned char stacks[4 * STACK_SIZE];
static uint64_t main_register, main_vector;
static bool lacks_vectors, lacks_mappings, half_a_heap;
static struct module module_items[2];
static struct modules modules;
static struct nptl_thread threads[4];
static struct nptl nptl;
static struct wait wait_items[NUM_TASKS], *wait_of[NUM_TASKS];
static struct wait_edge edges[NUM_TASKS];
static struct wait_graph graph;
static struct program_powers powers;
static struct tasks tasks;
static struct native_reach reach;

static uint64_t chunk(uint32_t number)
{
	return HEAP + number * (uint64_t)CHUNK_SIZE;
}

static uint64_t stack_of(uint32_t thread)
{
	return STACKS + thread * (uint64_t)STACK_SIZE;
}

static void put(uint64_t addr, uint64_t word)
{
	unsigned char *at = addr - HEAP < HEAP_SIZE	       ? heap + (addr - HEAP)
			    : addr - GLOBALS < sizeof(globals) ? globals + (addr - GLOBALS)
			    : addr - LIBC < sizeof(libc_data)  ? libc_data + (addr - LIBC)
							       : stacks + (addr - STACKS);
	memcpy(at, &word, sizeof(word));
}

static struct nptl_thread thread_of(uint32_t thread, enum nptl_life life)
{
	return (struct nptl_thread){
		.pd_addr = stack_of(thread) + PD_OFF,
		.tid = life == NPTL_FINISHED ? 0 : (int32_t)(100 + thread),
		.task = life == NPTL_FINISHED ? -1 : (int32_t)thread,
		.life = life,
		.start_addr = 1,
		.stack_addr = stack_of(thread),
		.stack_size = STACK_SIZE,
		.guard_size = GUARD_SIZE,
	};
}

static void setup(void)
{
	fake_world_init(&world);
	memset(heap, 0, sizeof(heap));
	memset(globals, 0, sizeof(globals));
	memset(libc_data, 0, sizeof(libc_data));
	memset(stacks, 0, sizeof(stacks));
	main_register = main_vector = 0;
	lacks_vectors = lacks_mappings = half_a_heap = false;
	for (uint32_t i = 0; i < NUM_CHUNKS; i++)
		put(chunk(i) + 8, CHUNK_SIZE | 1);
	put(chunk(NUM_CHUNKS) + 8, (HEAP_SIZE - NUM_CHUNKS * CHUNK_SIZE) | 1);
	put(LIBC + 0x100, chunk(NUM_CHUNKS));
	for (uint32_t i = MAIN; i <= OTHER; i++)
		threads[i] = thread_of(i, NPTL_ALIVE);
	threads[FINISHED] = thread_of(FINISHED, NPTL_FINISHED);
	for (uint32_t i = 0; i < NUM_TASKS; i++) {
		put(stack_of(i) + PD_OFF + 48, guard);
		wait_items[i] = (struct wait){.holder = -1};
		wait_of[i] = &wait_items[i];
		edges[i] = (struct wait_edge){.to = -1};
	}
	wait_items[WAITER] = (struct wait){
		.object = WAIT_SEMAPHORE,
		.certain = true,
		.word_known = true,
		.addr = chunk(SEMAPHORE) + 16,
		.futex_addr = chunk(SEMAPHORE) + 16,
		.clock = WAIT_FOREVER,
		.holder = -1,
	};
	nptl = (struct nptl){
		.present = true,
		.layout = {.tid_off = 720, .start_off = 1592, .cancel_off = 776, .size = 2368},
		.threads = {threads, 3, 3},
		.lists_whole = true,
	};
	powers = (struct program_powers){0};
	graph = (struct wait_graph){.edges = edges};
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static void put_thread(uint32_t i)
{
	unsigned char vectors[XSTATE_SIZE] = {0};
	struct user_regs_struct regs = {
		.rsp = stack_of(i) + SP_OFF,
		.fs_base = stack_of(i) + PD_OFF,
		.orig_rax = i == MAIN ? UINT64_MAX : 202,
		.rax = i == MAIN ? 0 : (uint64_t)-512,
		.rbx = i == MAIN ? main_register : 0,
	};
	memcpy(vectors + 704, &main_vector, sizeof(main_vector)); /* an upper half */
	fake_thread(&world.core, (int32_t)(100 + i), 0, &regs);
	fake_fpregs(&world.core);
	if (i == MAIN && !lacks_vectors)
		fake_note(&world.core, "LINUX", NT_X86_XSTATE, vectors, sizeof(vectors));
}

static void build(void)
{
	struct fake_core *core = &world.core;
	for (uint32_t i = 0; i < NUM_TASKS; i++)
		put_thread(i);
	fake_segment(core, GLOBALS, globals, sizeof(globals), sizeof(globals), PF_R | PF_W);
	fake_segment(core, HEAP, heap, half_a_heap ? HEAP_SIZE / 2 : HEAP_SIZE, HEAP_SIZE,
		     PF_R | PF_W);
	fake_segment(core, LIBC, libc_data, sizeof(libc_data), sizeof(libc_data), PF_R | PF_W);
	fake_segment(core, STACKS, stacks, sizeof(stacks), sizeof(stacks), PF_R | PF_W);
	core->no_file_note = lacks_mappings;
	fake_mapping(core, GLOBALS, GLOBALS + sizeof(globals), 0, "/usr/bin/program");
	fake_mapping(core, LIBC, LIBC + sizeof(libc_data), 0, "/usr/lib/libc.so.6");
}

static void run(void)
{
	build();
	fake_world_open_notes(&world);
	module_items[0] =
		(struct module){.name = "program", .range = {GLOBALS, GLOBALS + sizeof(globals)}};
	module_items[1] =
		(struct module){.name = "libc.so.6", .range = {LIBC, LIBC + sizeof(libc_data)}};
	modules = (struct modules){.list = {module_items, 2, 2}};
	image_init(&image, &world.dump, &modules);
	tasks_build(&tasks, &world.arena, &world.gaps, &world.notes, &image);
	const struct waits waits = {.by_task = wait_of};
	const struct native_reach_input input = {
		.memory = {.tasks = &tasks,
			   .nptl = &nptl,
			   .notes = &world.notes,
			   .modules = &modules,
			   .dump = &world.dump,
			   .image = &image},
		.waits = &waits,
		.graph = &graph,
		.powers = &powers,
		.gaps = &world.gaps,
		.progress = &world.progress,
	};
	native_reach_build(&reach, &world.arena, &input);
}

static void expect(bool unreachable)
{
	run();
	ck_assert_msg(reach.forbidden == NULL, "%s", reach.forbidden);
	ck_assert(reach.ran || !unreachable);
	ck_assert(reach.unreachable[WAITER] == unreachable);
}

START_TEST(nothing_holds_it)
{
	expect(true);
	ck_assert(!reach.before[WAITER]);
	ck_assert_int_eq(reach.places[WAITER], NATIVE_CHUNK);
	ck_assert_uint_eq(reach.num_stuck, 1);
	/* However little it is, and whoever has looked through it. */
	ck_assert_uint_gt(reach.mark.scanned_size, 0);
}
END_TEST

/* ---- What holds it ------------------------------------------------------------------------- */

/* Wherever it points to, as long as that is the chunk's, or its end. */
START_TEST(by_global)
{
	static const struct {
		int64_t off; /* from the chunk's header */
		bool held;
	} rows[] = {
		{0, true},
		{16, true},
		{100, true},
		{CHUNK_SIZE, true},
		{CHUNK_SIZE + 7, true},
		{CHUNK_SIZE + 16, false},
		{-9, false},
	};
	put(GLOBALS + 0x80, chunk(SEMAPHORE) + (uint64_t)rows[_i].off);
	expect(!rows[_i].held);
}
END_TEST

/* With a tag in the upper bits, or low ones; at an odd address; encoded as by setjmp(). */
START_TEST(by_hidden_pointer)
{
	uint64_t addr = chunk(SEMAPHORE) + 16, word = addr ^ guard;
	put(GLOBALS + 0x80, chunk(2) + 16);
	if (_i == 0)
		put(chunk(2) + 32, addr | UINT64_C(0xfff1) << 48);
	else if (_i == 1)
		put(chunk(2) + 32, addr + 3);
	else if (_i < 9)
		put(chunk(2) + 32 + (uint64_t)(_i - 1), addr);
	else
		put(chunk(2) + 32, word << 17 | word >> 47);
	expect(false);
}
END_TEST

/* A word that leads to shortly before it: proved, but that is told. */
START_TEST(by_pointer_before)
{
	put(GLOBALS + 0x80, chunk(SEMAPHORE) - 40);
	expect(true);
	ck_assert(reach.before[WAITER]);
}
END_TEST

/* Who handles signals may post a semaphore in a handler: proved, but that is told. */
START_TEST(by_signal)
{
	expect(true);
	ck_assert(!reach.signalled[WAITER]);
	powers.handles_signals = true;
	expect(true);
	ck_assert(reach.signalled[WAITER]);
	wait_of[WAITER]->object = WAIT_CONDITION;
	expect(true);
	ck_assert(!reach.signalled[WAITER]);
}
END_TEST

/* Through a chunk: not one that is free. */
START_TEST(by_chunk)
{
	put(GLOBALS + 0x80, chunk(2) + 16);
	put(chunk(2) + CHUNK_SIZE, chunk(SEMAPHORE) + 16); /* its last word */
	if (_i == 1) {
		put(chunk(2) + 64, chunk(SEMAPHORE) + 16);
		put(chunk(3), CHUNK_SIZE);
		put(chunk(3) + 8, CHUNK_SIZE);
	}
	expect(_i == 1);
}
END_TEST

/* Through any of so many that they are found before the first is looked into. */
START_TEST(by_one_of_many)
{
	put(GLOBALS + 0x80, chunk(2) + 16);
	for (uint64_t i = 0; i < 22; i++)
		put(chunk(2) + 24 + 8 * i, chunk(10 + (uint32_t)i) + 16);
	put(chunk(10 + (uint32_t)_i) + 64, chunk(SEMAPHORE) + 16);
	expect(false);
}
END_TEST

START_TEST(by_register)
{
	if (_i == 0)
		main_register = chunk(SEMAPHORE) + 16;
	else
		main_vector = chunk(SEMAPHORE) + 16;
	expect(false);
}
END_TEST

/* By the frames of one that goes on; its own frames, and its own thread's data, hold nothing. */
START_TEST(by_stack)
{
	static const struct {
		uint32_t thread, off;
		bool held;
	} rows[] = {
		{OTHER, SP_OFF + 8, true},    {OTHER, SP_OFF - 128, true}, /* the red zone */
		{OTHER, SP_OFF - 136, false}, {OTHER, PD_OFF - 64, true},  /* TLS */
		{OTHER, PD_OFF + 1600, true}, {WAITER, SP_OFF + 8, false},
		{WAITER, PD_OFF - 64, false}, {WAITER, PD_OFF + 1600, false},
	};
	put(stack_of(rows[_i].thread) + rows[_i].off, chunk(SEMAPHORE) + 16);
	expect(!rows[_i].held);
}
END_TEST

/* Who can name its frames may find there what it waits for. */
START_TEST(by_frames)
{
	put(GLOBALS + 0x80, stack_of(WAITER) + (_i == 0 ? SP_OFF + 64 : SP_OFF - 512));
	expect(_i == 1);
}
END_TEST

/* By another one that waits: while that one is stuck, too, it does not count. */
START_TEST(by_waiting)
{
	wait_items[OTHER] = wait_items[WAITER];
	wait_items[OTHER].addr = wait_items[OTHER].futex_addr = chunk(9) + 16;
	put(stack_of(OTHER) + SP_OFF + 8, chunk(SEMAPHORE) + 16);
	if (_i == 0)
		put(GLOBALS + 0x80, chunk(9) + 16);
	expect(_i == 1);
	ck_assert(reach.unreachable[OTHER] == (_i == 1));
}
END_TEST

/* Of a lock only its owner matters, whoever can name it. */
START_TEST(by_owner)
{
	wait_items[OTHER] = wait_items[WAITER];
	wait_items[OTHER].object = WAIT_MUTEX;
	wait_items[OTHER].addr = wait_items[OTHER].futex_addr = GLOBALS + 0x200;
	edges[OTHER].to = WAITER;
	if (_i == 0)
		put(GLOBALS + 0x80, chunk(SEMAPHORE) + 16);
	expect(_i == 1);
	ck_assert_uint_eq(reach.num_stuck, _i == 1 ? 2 : 0);
}
END_TEST

/* ---- Who is none of them -------------------------------------------------------------------- */

START_TEST(no_candidate)
{
	struct wait *wait = &wait_items[WAITER];
	switch (_i) {
	case 0:
		wait->in_flight = true;
		break;
	case 1:
		wait->word_known = false;
		break;
	case 2:
		wait->clock = WAIT_REMAINING;
		break;
	case 3: /* anybody may name it */
		wait->addr = wait->futex_addr = GLOBALS + 0x200;
		break;
	case 4: /* in what the heap has not given out */
		wait->addr = wait->futex_addr = chunk(NUM_CHUNKS) + 64;
		break;
	case 5: /* in a chunk that is free */
		put(chunk(SEMAPHORE + 1), CHUNK_SIZE);
		put(chunk(SEMAPHORE + 1) + 8, CHUNK_SIZE);
		break;
	case 6: /* its object and its word lie apart */
		wait->addr = GLOBALS + 0x200;
		break;
	default: /* the heap's end is named by nobody: it may be something else */
		put(LIBC + 0x100, 0);
		break;
	}
	run();
	ck_assert(!reach.unreachable[WAITER]);
	ck_assert_uint_eq(reach.num_stuck, 0);
}
END_TEST

/* A thread that has ended, and of which nobody can ask the result any more. */
START_TEST(finished)
{
	nptl.threads.num = 4;
	nptl.num_finished = 1;
	if (_i == 0)
		put(GLOBALS + 0x80, stack_of(FINISHED) + PD_OFF);
	/* What it has left there holds nothing. */
	put(stack_of(FINISHED) + SP_OFF, chunk(SEMAPHORE) + 16);
	put(stack_of(FINISHED) + PD_OFF + 1600, chunk(SEMAPHORE) + 16);
	expect(true);
	ck_assert(reach.lost[FINISHED] == (_i == 1));
}
END_TEST

/* But for what it returned, as long as somebody may ask for that. */
START_TEST(result)
{
	nptl.threads.num = 4;
	nptl.num_finished = 1;
	put(stack_of(FINISHED) + PD_OFF + 1576, chunk(SEMAPHORE) + 16);
	if (_i == 0)
		put(GLOBALS + 0x80, stack_of(FINISHED) + PD_OFF);
	expect(_i == 1);
}
END_TEST

/* ---- What forbids it all -------------------------------------------------------------------- */

START_TEST(forbidden)
{
	static const char *const words[] = {
		"vector registers",	      "not glibc's",	       "which files are mapped",
		"part of a writable mapping", "registers of a thread", "the core is cut off",
	};
	lacks_vectors = _i == 0;
	nptl.present = _i != 1;
	lacks_mappings = _i == 2;
	half_a_heap = _i == 3;
	if (_i == 4) {
		threads[3] = thread_of(FINISHED, NPTL_IN_FLIGHT);
		threads[3].tid = 999;
		nptl.threads.num = 4;
	}
	if (_i == 5)
		gaps_add(&world.gaps, "core-truncated", true, "it is");
	run();
	ck_assert_ptr_nonnull(reach.forbidden);
	ck_assert_msg(strstr(reach.forbidden, words[_i]) != NULL, "%s", reach.forbidden);
	ck_assert(!reach.ran && !reach.unreachable[WAITER]);
}
END_TEST

Suite *native_reach_suite(void)
{
	Suite *suite = suite_create("native_reach");
	TCase *tcase = tcase_create("native_reach");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_holds_it);
	tcase_add_loop_test(tcase, by_global, 0, 7);
	tcase_add_loop_test(tcase, by_hidden_pointer, 0, 10);
	tcase_add_test(tcase, by_pointer_before);
	tcase_add_test(tcase, by_signal);
	tcase_add_loop_test(tcase, by_chunk, 0, 2);
	tcase_add_loop_test(tcase, by_one_of_many, 0, 22);
	tcase_add_loop_test(tcase, by_register, 0, 2);
	tcase_add_loop_test(tcase, by_stack, 0, 8);
	tcase_add_loop_test(tcase, by_frames, 0, 2);
	tcase_add_loop_test(tcase, by_waiting, 0, 2);
	tcase_add_loop_test(tcase, by_owner, 0, 2);
	tcase_add_loop_test(tcase, no_candidate, 0, 8);
	tcase_add_loop_test(tcase, finished, 0, 2);
	tcase_add_loop_test(tcase, result, 0, 2);
	tcase_add_loop_test(tcase, forbidden, 0, 6);
	suite_add_tcase(suite, tcase);
	return suite;
}
