#include "fake_go.h"
#include "stack/go_symbols.h"
#include "stack/joined.h"
#include "task/go_facts.h"
#include "task/go_labels.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *go_stacks_suite(void);

enum { MAX_FRAMES = 32 };

static struct fake_go go;
static bool ready;
static struct raw_frame frames[MAX_FRAMES];
static struct raw_stack stack;

/* Tests run for the oldest and the newest layout. */
static void begin(int i)
{
	fake_go_init(&go, i == 0 ? 19 : 27, i == 0 ? "go1.19.8" : "go1.27.4");
	fake_go_program(&go);
	ready = true;
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

/* ---- Functions ---- */

static const char *name_at(uint64_t pc)
{
	struct go_function function;
	return go_tables_find(&go.runtime.tables, pc, &function) ? go_function_name(&function)
								 : NULL;
}

START_TEST(borders_of_functions)
{
	begin(_i);
	fake_go_open(&go);
	ck_assert_str_eq(name_at(FAKE_GO_TEXT), "runtime.rt0_go");
	ck_assert_ptr_null(name_at(FAKE_GO_TEXT - 1));
	ck_assert_str_eq(name_at(fake_go_pc(FAKE_GOEXIT, 0)), "runtime.goexit");
	ck_assert_str_eq(name_at(fake_go_pc(FAKE_GOEXIT, 0) - 1), "runtime.rt0_go");
	ck_assert_str_eq(name_at(fake_go_pc(FAKE_NUM_FUNCTIONS, 0) - 1), "main.(*T).Run");
	ck_assert_ptr_null(name_at(fake_go_pc(FAKE_NUM_FUNCTIONS, 0)));
	ck_assert_ptr_null(name_at(0));
	ck_assert_ptr_null(name_at(UINT64_MAX));
	ck_assert(go_tables_is_entry(&go.runtime.tables, fake_go_pc(FAKE_MAIN, 0)));
	ck_assert(!go_tables_is_entry(&go.runtime.tables, fake_go_pc(FAKE_MAIN, 1)));
	ck_assert(!go_tables_is_entry(&go.runtime.tables, fake_go_pc(FAKE_NUM_FUNCTIONS, 0)));
}
END_TEST

START_TEST(values_by_pc)
{
	struct go_function function;
	const char *file;
	uint32_t line;
	begin(_i);
	fake_go_open(&go);
	ck_assert(go_tables_find(&go.runtime.tables, fake_go_pc(FAKE_WORKER, 9), &function));
	ck_assert_int_eq(go_function_stack_delta(&function, fake_go_pc(FAKE_WORKER, 0)), 0);
	ck_assert_int_eq(go_function_stack_delta(&function, fake_go_pc(FAKE_WORKER, 3)), 0);
	ck_assert_int_eq(go_function_stack_delta(&function, fake_go_pc(FAKE_WORKER, 4)), 104);
	ck_assert_int_eq(go_function_stack_delta(&function, fake_go_pc(FAKE_WORKER, 0xff)), 104);
	ck_assert_int_eq(go_function_stack_delta(&function, fake_go_pc(FAKE_WRAPPER, 0)), -1);
	ck_assert_int_eq(go_function_pcdata(&function, 2, fake_go_pc(FAKE_WORKER, 0x3f)), -1);
	ck_assert_int_eq(go_function_pcdata(&function, 2, fake_go_pc(FAKE_WORKER, 0x40)), 1);
	ck_assert_int_eq(go_function_pcdata(&function, 2, fake_go_pc(FAKE_WORKER, 0x60)), 0);
	ck_assert_int_eq(go_function_pcdata(&function, 2, fake_go_pc(FAKE_WORKER, 0x80)), -1);
	ck_assert_int_eq(go_function_pcdata(&function, 0, fake_go_pc(FAKE_WORKER, 0x40)), -1);
	ck_assert_int_eq(go_function_pcdata(&function, 3, fake_go_pc(FAKE_WORKER, 0x40)), -1);
	ck_assert_uint_eq(go_function_funcdata(&function, 0), 0);
	ck_assert_uint_eq(go_function_funcdata(&function, 1), FAKE_GO_GOFUNC + 16);
	ck_assert_uint_eq(go_function_funcdata(&function, 3), FAKE_GO_GOFUNC + 64);
	ck_assert_uint_eq(go_function_funcdata(&function, 4), 0);
	go_function_line(&function, fake_go_pc(FAKE_WORKER, 0x90), &file, &line);
	ck_assert_str_eq(file, "/src/main.go");
	ck_assert_uint_eq(line, 100 * FAKE_WORKER + 2);
}
END_TEST

static struct symbols symbols;
static struct symbol symbol;

static void name(uint64_t pc)
{
	ck_assert(go_symbols_add(&symbols, &go.world.arena, go.world.image, &go.runtime.tables, pc,
				 &symbol));
}

static const struct symbol_frame *frame_of(uint32_t i)
{
	ck_assert_uint_lt(i, symbol.num);
	return &symbols.frames.items[symbol.first + i];
}

START_TEST(inlined_calls)
{
	begin(_i);
	fake_go_open(&go);
	symbols = (struct symbols){0};
	name(fake_go_pc(FAKE_WORKER, 0x50));
	ck_assert_uint_eq(symbol.num, 3);
	ck_assert_str_eq(frame_of(0)->function, "main.innermost");
	ck_assert_str_eq(frame_of(1)->function, "main.inner");
	ck_assert_str_eq(frame_of(2)->function, "main.worker");
	ck_assert(frame_of(0)->inlined && frame_of(1)->inlined && !frame_of(2)->inlined);
	ck_assert_uint_eq(frame_of(0)->line, 100 * FAKE_WORKER + 20);
	ck_assert_uint_eq(frame_of(1)->line, 100 * FAKE_WORKER + 30);
	ck_assert_uint_eq(frame_of(2)->line, 100 * FAKE_WORKER + 1);
	ck_assert_uint_eq(frame_of(2)->low, fake_go_pc(FAKE_WORKER, 0));
	name(fake_go_pc(FAKE_WORKER, 0x60));
	ck_assert_uint_eq(symbol.num, 2);
	ck_assert_str_eq(frame_of(0)->function, "main.inner");
	name(fake_go_pc(FAKE_WORKER, 0x3f));
	ck_assert_uint_eq(symbol.num, 1);
	ck_assert(!frame_of(0)->wrapper);
	ck_assert(!go_symbols_add(&symbols, &go.world.arena, go.world.image, &go.runtime.tables,
				  0x1234, &symbol));
}
END_TEST

static uint64_t inlined_call(uint32_t number)
{
	return FAKE_GO_GOFUNC + 64 + (uint64_t)number * (go.layout.minor < 20 ? 20 : 16);
}

START_TEST(wrappers)
{
	begin(_i);
	*(unsigned char *)fake_go_at(&go, inlined_call(0) + (go.layout.minor < 20 ? 2 : 0)) =
		(unsigned char)go.layout.wrapper_id;
	fake_go_open(&go);
	symbols = (struct symbols){0};
	name(fake_go_pc(FAKE_WRAPPER, 0x10));
	ck_assert(frame_of(0)->wrapper);
	name(fake_go_pc(FAKE_SYSTEMSTACK_SWITCH, 0x10));
	ck_assert(!frame_of(0)->wrapper);
	name(fake_go_pc(FAKE_WORKER, 0x50));
	ck_assert(!frame_of(0)->wrapper && frame_of(1)->wrapper && !frame_of(2)->wrapper);
}
END_TEST

/* A call that was made from itself; one whose caller lies outside of its function; one without a
 * name: the function around them stands. */
START_TEST(damaged_inlined_calls)
{
	begin(_i % 2);
	uint64_t parent_off = go.layout.minor < 20 ? 16 : 8, name_off = parent_off - 4;
	if (_i < 2)
		fake_go_put32(&go, inlined_call(1) + parent_off, 0x50);
	else if (_i < 4)
		fake_go_put32(&go, inlined_call(1) + parent_off, 0x100);
	else
		fake_go_put32(&go, inlined_call(1) + name_off, 0x7fffffff);
	fake_go_open(&go);
	symbols = (struct symbols){0};
	name(fake_go_pc(FAKE_WORKER, 0x50));
	if (_i < 2)
		ck_assert_uint_le(symbol.num, 64);
	else
		ck_assert_uint_eq(symbol.num, 1);
	ck_assert(!frame_of(symbol.num - 1)->inlined);
	ck_assert_str_eq(frame_of(symbol.num - 1)->function,
			 _i < 2 ? "main.innermost" : "main.worker");
}
END_TEST

/* ---- Stacks ---- */

static struct raw_stack walk(uint64_t pc, uint64_t sp, struct range range, bool exact, bool own)
{
	struct go_unwinder unwinder;
	const struct go_start start = {
		.pc = pc, .sp = sp, .exact = exact, .stack = range, .own_stack = own};
	go_unwinder_init(&unwinder, &go.world.arena, go.world.image, &go.runtime.tables,
			 MAX_FRAMES);
	stack = go_unwinder_walk(&unwinder, &start, frames, 0);
	return stack;
}

static void expect_frames(const uint64_t *pcs, uint32_t num, enum coreleaks_stack_end end)
{
	for (uint32_t i = 0; i < num && i < stack.num_frames; i++)
		ck_assert_msg(frames[i].pc == pcs[i], "frame %u: %s", i, name_at(frames[i].pc));
	ck_assert_uint_eq(stack.num_frames, num);
	ck_assert_msg(stack.end == end, "ended %s: %s", coreleaks_stack_end_name(stack.end),
		      stack.missing != NULL ? stack.missing : "");
	ck_assert_int_eq(stack.missing == NULL,
			 end == CORELEAKS_STACK_COMPLETE || end == CORELEAKS_STACK_LIMIT);
}

#define EXPECT_FRAMES(end, ...)                                                                    \
	expect_frames((const uint64_t[]){__VA_ARGS__},                                             \
		      sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), end)

/* Lays the frames on a new stack, opens the core and walks them. */
static struct range lay_and_walk(const uint64_t *pcs, uint32_t num, bool exact, bool own)
{
	const struct range range = fake_go_stack(&go);
	uint64_t sp = fake_go_frames(&go, range, pcs, num);
	fake_go_open(&go);
	walk(pcs[0], sp, range, exact, own);
	return range;
}

#define LAY_AND_WALK(exact, own, ...)                                                              \
	lay_and_walk((const uint64_t[]){__VA_ARGS__},                                              \
		     sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), exact, own)

START_TEST(a_parked_goroutine)
{
	begin(_i);
	uint64_t park = fake_go_pc(FAKE_GOPARK, 0x80), recv = fake_go_pc(FAKE_CHANRECV, 0x20);
	uint64_t worker = fake_go_pc(FAKE_WORKER, 0x51), exit = fake_go_pc(FAKE_GOEXIT, 1);
	LAY_AND_WALK(false, false, park, recv, worker, exit);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, park, recv, worker, exit);
	ck_assert_int_eq(frames[0].trust, CORELEAKS_TRUST_CONTEXT);
	ck_assert_int_eq(frames[1].trust, CORELEAKS_TRUST_PCLNTAB);
	ck_assert(!frames[0].exact && !frames[1].exact);
	ck_assert_uint_eq(frames[1].sp, frames[0].cfa);
	ck_assert_uint_eq(frames[0].cfa, frames[0].sp + 24 + 8);
}
END_TEST

/* Its pc is the first instruction of its function: not the byte before is to be looked up. */
START_TEST(a_goroutine_that_never_ran)
{
	begin(_i);
	uint64_t entry = fake_go_pc(FAKE_WORKER, 0), exit = fake_go_pc(FAKE_GOEXIT, 1);
	LAY_AND_WALK(false, false, entry, exit);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, entry, exit);
	ck_assert(frames[0].exact && !frames[1].exact);
}
END_TEST

/* What a signal put in was called by no instruction: its caller's pc is exact. */
START_TEST(injected_calls)
{
	begin(_i % 2);
	uint64_t injected = fake_go_pc(_i < 2 ? FAKE_ASYNC_PREEMPT : FAKE_SIGPANIC, 0x30);
	uint64_t worker = fake_go_pc(FAKE_WORKER, 0x51), exit = fake_go_pc(FAKE_GOEXIT, 1);
	LAY_AND_WALK(false, false, injected, worker, exit);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, injected, worker, exit);
	ck_assert(!frames[0].exact && frames[1].exact && !frames[2].exact);
}
END_TEST

/* ---- AArch64: the return address lies at the bottom of a frame, or is still in a register ---- */

static void walk_arm64(uint64_t pc, uint64_t sp, uint64_t lr, struct range range)
{
	struct go_unwinder unwinder;
	const struct go_start start = {.pc = pc, .sp = sp, .lr = lr, .exact = true, .stack = range};
	go.world.dump.is_arm64 = true;
	go_unwinder_init(&unwinder, &go.world.arena, go.world.image, &go.runtime.tables,
			 MAX_FRAMES);
	stack = go_unwinder_walk(&unwinder, &start, frames, 0);
}

START_TEST(arm64_frames)
{
	begin(_i);
	uint64_t park = fake_go_pc(FAKE_GOPARK, 0x80), main = fake_go_pc(FAKE_MAIN, 0x20);
	uint64_t exit = fake_go_pc(FAKE_GOEXIT, 1);
	const struct range range = fake_go_stack(&go);
	uint64_t sp = range.high - 256;
	fake_go_put(&go, sp, main);
	fake_go_put(&go, sp + 24, exit);
	fake_go_open(&go);
	/* What the register holds is no matter: the function has saved it. */
	walk_arm64(park, sp, 0x1234, range);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, park, main, exit);
	ck_assert_uint_eq(frames[1].sp, sp + 24);
	ck_assert_uint_eq(frames[2].sp, sp + 24 + 96);
}
END_TEST

START_TEST(arm64_link_register)
{
	begin(_i);
	uint64_t entry = fake_go_pc(FAKE_WORKER, 0), exit = fake_go_pc(FAKE_GOEXIT, 1);
	const struct range range = fake_go_stack(&go);
	fake_go_open(&go);
	walk_arm64(entry, range.high - 256, exit, range);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, entry, exit);
	ck_assert_uint_eq(frames[1].sp, range.high - 256);
}
END_TEST

/* A signal came into a function's first instruction: what it had in the register is on the stack.
 */
START_TEST(arm64_injected_calls)
{
	begin(_i % 2);
	uint64_t injected = fake_go_pc(_i < 2 ? FAKE_ASYNC_PREEMPT : FAKE_SIGPANIC, 0x30);
	uint64_t entry = fake_go_pc(FAKE_WORKER, 0), exit = fake_go_pc(FAKE_GOEXIT, 1);
	const struct range range = fake_go_stack(&go);
	uint64_t sp = range.high - 256, delta = _i < 2 ? 120 : 40;
	fake_go_put(&go, sp, entry);
	fake_go_put(&go, sp + delta, exit);
	fake_go_open(&go);
	walk_arm64(injected, sp, 0, range);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, injected, entry, exit);
	ck_assert(frames[1].exact && !frames[2].exact);
	ck_assert_uint_eq(frames[1].sp, sp + delta + 16);
}
END_TEST

START_TEST(a_callback_from_c)
{
	begin(_i);
	uint64_t main = fake_go_pc(FAKE_MAIN, 0x20), callback = fake_go_pc(FAKE_CGOCALLBACK, 0x20);
	uint64_t syscall = fake_go_pc(FAKE_SYSCALL, 0x20), exit = fake_go_pc(FAKE_GOEXIT, 1);
	LAY_AND_WALK(false, false, main, callback, syscall, exit);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, main, callback, syscall, exit);
}
END_TEST

/* A thread's own stack begins where it left a goroutine's; a goroutine's never does. */
START_TEST(the_switch_of_stacks)
{
	begin(_i % 2);
	uint64_t park = fake_go_pc(FAKE_PARK_M, 0x10), mcall = fake_go_pc(FAKE_MCALL, 0x20);
	LAY_AND_WALK(true, _i < 2, park, mcall, fake_go_pc(FAKE_WORKER, 0x10));
	EXPECT_FRAMES(_i < 2 ? CORELEAKS_STACK_COMPLETE : CORELEAKS_STACK_BROKEN, park, mcall);
	ck_assert(frames[0].exact);
}
END_TEST

START_TEST(a_thread_that_has_just_begun)
{
	begin(_i);
	uint64_t park = fake_go_pc(FAKE_PARK_M, 0x10), mstart = fake_go_pc(FAKE_MSTART, 0x20);
	LAY_AND_WALK(true, true, park, mstart);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, park, mstart);
}
END_TEST

/* A goroutine that C's thread brought has no goexit: 0 is its end, all else leads out of Go. */
START_TEST(ends_without_goexit)
{
	begin(_i % 2);
	uint64_t main = fake_go_pc(FAKE_MAIN, 0x20);
	const struct range range = fake_go_stack(&go);
	const uint64_t pcs[] = {main, main};
	uint64_t sp = fake_go_frames(&go, range, pcs, 2);
	fake_go_put(&go, sp + 96, _i < 2 ? 0 : UINT64_C(0x7f0000001234));
	fake_go_open(&go);
	walk(main, sp, range, false, false);
	EXPECT_FRAMES(_i < 2 ? CORELEAKS_STACK_COMPLETE : CORELEAKS_STACK_BROKEN, main);
}
END_TEST

START_TEST(bounds_of_the_stack)
{
	begin(_i);
	uint64_t main = fake_go_pc(FAKE_MAIN, 0x20), exit = fake_go_pc(FAKE_GOEXIT, 1);
	const struct range range = LAY_AND_WALK(false, false, main, main, exit);
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, main, main, exit);
	uint64_t sp = frames[0].sp;
	walk(main, sp, (struct range){range.low, sp + 104 + 103}, false, false);
	EXPECT_FRAMES(CORELEAKS_STACK_BROKEN, main, main);
	walk(main, sp, (struct range){range.high, range.high + 4096}, false, false);
	EXPECT_FRAMES(CORELEAKS_STACK_BROKEN, main);
	walk(main, UINT64_MAX - 50, (struct range){0, UINT64_MAX}, false, false);
	EXPECT_FRAMES(CORELEAKS_STACK_UNREADABLE, main);
	walk(main, 0x10000, (struct range){0, UINT64_MAX}, false, false);
	EXPECT_FRAMES(CORELEAKS_STACK_UNREADABLE, main);
	walk(0x1234, sp, range, false, false);
	EXPECT_FRAMES(CORELEAKS_STACK_BROKEN, 0x1234);
}
END_TEST

START_TEST(endless_recursion)
{
	begin(_i);
	uint64_t pcs[MAX_FRAMES + 4];
	for (uint32_t i = 0; i < MAX_FRAMES + 4; i++)
		pcs[i] = fake_go_pc(FAKE_WRAPPER, 0x20);
	lay_and_walk(pcs, MAX_FRAMES + 4, false, false);
	expect_frames(pcs, MAX_FRAMES, CORELEAKS_STACK_LIMIT);
}
END_TEST

/* ---- Damaged tables ---- */

/* Every table cut short, and every value table made of continuation bytes: names, lines and stacks
 * end, nothing is made up. */
START_TEST(truncated_tables)
{
	static const uint32_t lengths[] = {0, 1, 3, 40};
	static const uint8_t words[] = {2, 5, 8, 11};
	begin(_i % 2);
	uint32_t number = (uint32_t)_i / 2;
	fake_go_put(&go, FAKE_GO_MODULE + words[number / 4] * UINT64_C(8), lengths[number % 4]);
	fake_go_open(&go);
	for (uint32_t i = 0; i < FAKE_NUM_FUNCTIONS; i++) {
		struct go_function function;
		const char *file;
		uint32_t line;
		uint64_t pc = fake_go_pc(i, 0x50);
		ck_assert(go_tables_find(&go.runtime.tables, pc, &function));
		go_function_line(&function, pc, &file, &line);
		if (number / 4 == 0 && lengths[number % 4] < 40)
			ck_assert_ptr_null(go_function_name(&function));
		if (number / 4 == 1 && lengths[number % 4] < 2)
			ck_assert_ptr_null(file);
		if (number / 4 == 3 && lengths[number % 4] < 40)
			ck_assert(go_function_stack_delta(&function, pc) == -1 && line == 0);
	}
}
END_TEST

START_TEST(endless_numbers)
{
	begin(_i);
	uint64_t values = fake_go_get(&go, FAKE_GO_MODULE + 80);
	memset(fake_go_at(&go, values), 0xff, fake_go_get(&go, FAKE_GO_MODULE + 88));
	fake_go_open(&go);
	for (uint32_t i = 0; i < FAKE_NUM_FUNCTIONS; i++) {
		struct go_function function;
		uint64_t pc = fake_go_pc(i, 0x50);
		ck_assert(go_tables_find(&go.runtime.tables, pc, &function));
		ck_assert_int_eq(go_function_stack_delta(&function, pc), -1);
	}
	walk(fake_go_pc(FAKE_MAIN, 0x20), FAKE_GO_STACKS + 64,
	     (struct range){FAKE_GO_STACKS, FAKE_GO_STACKS + 4096}, false, false);
	EXPECT_FRAMES(CORELEAKS_STACK_BROKEN, fake_go_pc(FAKE_MAIN, 0x20));
}
END_TEST

/* More functions than the table has, more than there can be, none, or other places than the header
 * says: these are no tables of Go. */
START_TEST(tables_that_do_not_agree)
{
	begin(_i % 2);
	uint64_t field = FAKE_GO_HEADER + 8, value = FAKE_NUM_FUNCTIONS + 1;
	switch (_i / 2) {
	case 1:
		value = UINT64_C(1) << 40;
		break;
	case 2:
		value = 0;
		break;
	case 3:
		field = FAKE_GO_HEADER + 48;
		break;
	case 4:
		field = FAKE_GO_MODULE + 136;
		value = FAKE_NUM_FUNCTIONS;
		break;
	case 5:
		field = FAKE_GO_MODULE + 112;
		value = 8 * FAKE_NUM_FUNCTIONS;
		break;
	default:
		break;
	}
	fake_go_put(&go, field, value);
	fake_go_open(&go);
	ck_assert(!go.runtime.present);
	ck_assert_uint_eq(go.tasks.list.num, go.num_threads);
}
END_TEST

/* ---- Threads and goroutines ---- */

static struct unwinder native;
static struct joined joined;

static void open_joined(void)
{
	struct fake_world *world = &go.world;
	fake_go_open(&go);
	unwinder_init(&native, &world->arena, &world->gaps, world->image, &world->modules,
		      &world->files, MAX_FRAMES);
	joined_init(&joined, &world->arena, &native, &go.runtime.tables, &go.goroutines, &go.tasks);
}

static void walk_task(uint32_t task)
{
	stack = joined_walk(&joined, task, frames);
}

static uint32_t task_of(int64_t id)
{
	for (uint32_t i = 0; i < go.tasks.list.num; i++)
		if (go.tasks.list.items[i].id == id)
			return i;
	ck_abort_msg("no task %lld", (long long)id);
}

START_TEST(tasks)
{
	begin(_i);
	open_joined();
	walk_task(task_of(103));
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, fake_go_pc(FAKE_PARK_M, 0x10),
		      fake_go_pc(FAKE_MCALL, 0x20));
	walk_task(task_of(33));
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, fake_go_pc(FAKE_MAIN, 0x10),
		      fake_go_pc(FAKE_WORKER, 0x90), fake_go_pc(FAKE_GOEXIT, 1));
	ck_assert(frames[0].exact && !frames[1].exact);
	walk_task(task_of(20));
	EXPECT_FRAMES(CORELEAKS_STACK_COMPLETE, fake_go_pc(FAKE_SYSCALL, 0x20),
		      fake_go_pc(FAKE_WORKER, 0x90), fake_go_pc(FAKE_GOEXIT, 1));
	walk_task(task_of(1));
	ck_assert_uint_eq(stack.num_frames, 5);
	unwinder_deinit(&native);
}
END_TEST

/* ---- Random damage ---- */

static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* A place that matters: tables, moduledata, variables, structs of the runtime, stacks. */
static uint64_t random_place(void)
{
	static const struct range places[] = {
		{FAKE_GO_HEADER, FAKE_GO_HEADER + 0x1000},
		{FAKE_GO_GOFUNC, FAKE_GO_GOFUNC + 0x80},
		{FAKE_GO_MODULE, FAKE_GO_MODULE + 640},
		{FAKE_GO_GLOBALS + 0xf0, FAKE_GO_GLOBALS + 0x420},
		{FAKE_GO_SCHED, FAKE_GO_SCHED + 0x160},
		{FAKE_GO_REASONS, FAKE_GO_REASONS + 0x60},
		{FAKE_GO_HEAP + 0x100, FAKE_GO_HEAP + 0x4000},
		{FAKE_GO_HEAP + 0x100, FAKE_GO_HEAP + 0x4000},
		{FAKE_GO_STACKS, FAKE_GO_STACKS + 0x10000},
	};
	const struct range *place = &places[next_random() % (sizeof(places) / sizeof(places[0]))];
	return place->low + next_random() % (place->high - place->low - 8);
}

static void damage(void)
{
	static const uint64_t odd[] = {0, 1, 7, 8, 0x7fffffff, UINT32_MAX, INT64_MAX, UINT64_MAX};
	for (uint64_t num = 1 + next_random() % 12; num > 0; num--) {
		uint64_t at = random_place(), from = random_place();
		switch (next_random() % 4) {
		case 0:
			*(unsigned char *)fake_go_at(&go, at) ^= 1 << next_random() % 8;
			break;
		case 1:
			fake_go_put(&go, at & ~UINT64_C(7), odd[next_random() % 8]);
			break;
		case 2:
			fake_go_put(&go, at & ~UINT64_C(7), from & ~UINT64_C(7));
			break;
		default:
			fake_go_put(&go, at & ~UINT64_C(7), fake_go_get(&go, from & ~UINT64_C(7)));
		}
	}
}

static void use_everything(void)
{
	struct fake_world *world = &go.world;
	static struct go_facts facts;
	symbols = (struct symbols){0};
	open_joined();
	go_facts_build(&facts, &go.runtime, &go.goroutines, &go.spans, world->image);
	go_facts_gc_after(&facts, facts.now_ns);
	for (uint32_t i = 0; i < go.tasks.list.num; i++) {
		const struct goroutine *goroutine = goroutines_of_task(&go.goroutines, i);
		walk_task(i);
		ck_assert_uint_le(stack.num_frames, MAX_FRAMES);
		for (uint32_t k = 0; k < stack.num_frames; k++)
			go_symbols_add(&symbols, &world->arena, world->image, &go.runtime.tables,
				       frames[k].pc - !frames[k].exact, &symbol);
		if (goroutine != NULL)
			go_labels_read(&world->arena, world->image, go.runtime.minor,
				       goroutines_common(&go.goroutines, goroutine)->labels_addr);
	}
}

/* Whatever the memory holds: it ends, and takes no more memory than variables may. */
START_TEST(random_damage)
{
	enum { ROUNDS = 100 };
	uint32_t num_recognised = 0;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		random_state = ((uint64_t)(uint32_t)_i * ROUNDS + round + 1) *
			       UINT64_C(0x9e3779b97f4a7c15);
		begin((int)round % 2);
		damage();
		use_everything();
		num_recognised += go.runtime.recognised;
		ck_assert_uint_lt(go.world.arena.used_size, 300 << 20);
		fake_go_deinit(&go);
		ready = false;
	}
	/* Most rounds get far enough to matter. */
	ck_assert_uint_gt(num_recognised, ROUNDS / 4);
}
END_TEST

Suite *go_stacks_suite(void)
{
	Suite *suite = suite_create("go_stacks");
	TCase *tests = tcase_create("go_stacks");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, borders_of_functions, 0, 2);
	tcase_add_loop_test(tests, values_by_pc, 0, 2);
	tcase_add_loop_test(tests, inlined_calls, 0, 2);
	tcase_add_loop_test(tests, wrappers, 0, 2);
	tcase_add_loop_test(tests, damaged_inlined_calls, 0, 6);
	tcase_add_loop_test(tests, a_parked_goroutine, 0, 2);
	tcase_add_loop_test(tests, a_goroutine_that_never_ran, 0, 2);
	tcase_add_loop_test(tests, injected_calls, 0, 4);
	tcase_add_loop_test(tests, arm64_frames, 0, 2);
	tcase_add_loop_test(tests, arm64_link_register, 0, 2);
	tcase_add_loop_test(tests, arm64_injected_calls, 0, 4);
	tcase_add_loop_test(tests, a_callback_from_c, 0, 2);
	tcase_add_loop_test(tests, the_switch_of_stacks, 0, 4);
	tcase_add_loop_test(tests, a_thread_that_has_just_begun, 0, 2);
	tcase_add_loop_test(tests, ends_without_goexit, 0, 4);
	tcase_add_loop_test(tests, bounds_of_the_stack, 0, 2);
	tcase_add_loop_test(tests, endless_recursion, 0, 2);
	tcase_add_loop_test(tests, truncated_tables, 0, 32);
	tcase_add_loop_test(tests, endless_numbers, 0, 2);
	tcase_add_loop_test(tests, tables_that_do_not_agree, 0, 12);
	tcase_add_loop_test(tests, tasks, 0, 2);
	tcase_add_loop_test(tests, random_damage, 0, 20);
	suite_add_tcase(suite, tests);
	return suite;
}
