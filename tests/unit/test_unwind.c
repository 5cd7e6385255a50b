#include "fake_code.h"
#include "stack/unwind.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *unwind_suite(void);

enum { MAX_FRAMES = 64 };

static struct fake_world world;
static uint64_t *stack_words;
static struct unwinder unwinder;
static struct raw_frame frames[MAX_FRAMES];
static struct raw_stack stack;
static struct registers registers;
static bool unwinder_ready;

static void setup(void)
{
	fake_world_init(&world);
	stack_words = calloc(FAKE_STACK_WORDS, 8);
	memset(&registers, 0, sizeof(registers));
	registers.known = (1u << NUM_REGISTERS) - 1;
	unwinder_ready = false;
	/* The page of the stack's far end is never all zeros. */
	stack_words[FAKE_STACK_WORDS - 1] = 1;
}

static void teardown(void)
{
	if (unwinder_ready)
		unwinder_deinit(&unwinder);
	fake_world_deinit(&world);
	free(stack_words);
}

static uint64_t at(uint64_t word)
{
	return FAKE_STACK + word * 8;
}

static void put_code(uint64_t word, const char *label)
{
	stack_words[word] = fake_code(label);
}

static void start_at(const char *label, uint64_t sp_word)
{
	registers.values[REGISTER_RIP] = fake_code(label);
	registers.values[REGISTER_RSP] = at(sp_word);
}

static void open_world(uint32_t max_frames)
{
	fake_world_open_image(&world);
	unwinder_init(&unwinder, &world.arena, &world.gaps, world.image, &world.modules,
		      &world.files, max_frames);
	unwinder_ready = true;
}

static void walk(void)
{
	if (!unwinder_ready) {
		fake_code_map(&world.core);
		fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
			     FAKE_STACK_WORDS * 8, PF_R | PF_W);
		open_world(MAX_FRAMES);
	}
	stack = unwinder_walk(&unwinder, &registers, frames);
}

static void expect_frames(const char *const *labels, size_t num)
{
	for (size_t i = 0; i < num && i < stack.num_frames; i++)
		ck_assert_msg(frames[i].pc == fake_code(labels[i]),
			      "frame %zu: 0x%llx instead of %s", i,
			      (unsigned long long)frames[i].pc, labels[i]);
	ck_assert_uint_eq(stack.num_frames, num);
}

#define EXPECT_FRAMES(...)                                                                         \
	expect_frames((const char *const[]){__VA_ARGS__},                                          \
		      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void expect_end(enum coreleaks_stack_end end)
{
	ck_assert_msg(stack.end == end, "ended %s: %s", coreleaks_stack_end_name(stack.end),
		      stack.missing != NULL ? stack.missing : "");
	ck_assert((stack.end == CORELEAKS_STACK_BROKEN ||
		   stack.end == CORELEAKS_STACK_UNREADABLE) == (stack.missing != NULL));
}

/* ---- Sound stacks ---- */

START_TEST(frames_without_a_frame_pointer)
{
	start_at("frameless_at", 100);
	put_code(100 + 5, "frameless_ret");
	put_code(106 + 5, "start_ret");
	walk();
	EXPECT_FRAMES("frameless_at", "frameless_ret", "start_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
	ck_assert_uint_eq(frames[0].sp, at(100));
	ck_assert_uint_eq(frames[0].cfa, at(106));
	ck_assert_uint_eq(frames[1].sp, at(106));
	ck_assert_uint_eq(frames[1].cfa, at(112));
	ck_assert_int_eq(frames[0].trust, CORELEAKS_TRUST_CONTEXT);
	ck_assert_int_eq(frames[1].trust, CORELEAKS_TRUST_CFI);
	ck_assert_int_eq(frames[2].trust, CORELEAKS_TRUST_CFI);
	ck_assert(frames[0].exact && !frames[1].exact && !frames[2].exact);
	ck_assert(!frames[0].signal && !frames[1].signal && !frames[2].signal);
	fake_world_expect_no_gaps(&world);
}
END_TEST

/* A frame of any size: only rbp tells where it begins. */
START_TEST(frames_with_a_frame_pointer)
{
	start_at("framed_at", 100);
	registers.values[REGISTER_RBP] = at(300);
	stack_words[300] = at(500);
	put_code(301, "framed_ret");
	stack_words[500] = 0;
	put_code(501, "start_ret");
	walk();
	EXPECT_FRAMES("framed_at", "framed_ret", "start_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
	ck_assert_uint_eq(frames[0].cfa, at(302));
	ck_assert_uint_eq(frames[1].sp, at(302));
	ck_assert_uint_eq(frames[1].cfa, at(502));
}
END_TEST

START_TEST(entry)
{
	start_at("frameless_entry", 100);
	put_code(100, "framed_ret");
	registers.values[REGISTER_RBP] = at(200);
	put_code(201, "start_ret");
	walk();
	EXPECT_FRAMES("frameless_entry", "framed_ret", "start_ret");
}
END_TEST

START_TEST(leaving)
{
	/* After leave, the caller's rbp still lies below the stack pointer. */
	start_at("framed_leaving", 100);
	stack_words[99] = at(200);
	put_code(100, "framed_ret");
	put_code(201, "start_ret");
	walk();
	EXPECT_FRAMES("framed_leaving", "framed_ret", "start_ret");
}
END_TEST

/* The caller's caller needs rbx, which the callee saved. */
START_TEST(callee_saved_registers_are_carried)
{
	start_at("framed_at", 100);
	registers.values[REGISTER_RBP] = at(200);
	registers.values[REGISTER_RBX] = 0xdead;
	stack_words[199] = at(300);
	put_code(201, "by_rbx_ret");
	put_code(301, "start_ret");
	walk();
	EXPECT_FRAMES("framed_at", "by_rbx_ret", "start_ret");
	ck_assert_uint_eq(frames[1].cfa, at(302));
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

START_TEST(registers_saved_in_other_ways)
{
	start_at("saver_at", 100);
	registers.values[12] = at(300); /* r12 holds the caller's rbx */
	put_code(100, "by_rbx_ret");
	put_code(301, "framed_ret"); /* rbp is CFA(saver) - 16 */
	put_code(100, "by_rbx_ret");
	walk();
	EXPECT_FRAMES("saver_at", "by_rbx_ret", "framed_ret", "by_rbx_ret");
}
END_TEST

START_TEST(lost_register)
{
	start_at("saver_at", 100);
	registers.values[14] = at(200);
	put_code(100, "by_r14_ret");
	put_code(201, "start_ret");
	walk();
	EXPECT_FRAMES("saver_at", "by_r14_ret");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

/* The return address of a call that never returns is another function's first byte. */
START_TEST(noreturn_tail)
{
	ck_assert_uint_eq(fake_code("noreturn_ret"), fake_code("leaf"));
	start_at("leaf_at", 100);
	put_code(100, "noreturn_ret");
	put_code(101 + 3, "start_ret");
	walk();
	EXPECT_FRAMES("leaf_at", "noreturn_ret", "start_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

START_TEST(plt_expression)
{
	start_at("plt_early", 100);
	put_code(100, "start_ret");
	walk();
	EXPECT_FRAMES("plt_early", "start_ret");
	start_at("plt_late", 99);
	walk();
	EXPECT_FRAMES("plt_late", "start_ret");
}
END_TEST

/* A handler's frame returns to the trampoline; beyond it, the interrupted instruction itself is
 * looked up: the first byte of a function, with nothing of it run yet. */
static void put_ucontext(uint64_t word, const char *label, uint64_t sp_word, uint64_t rbp)
{
	put_code(word + 0xa8 / 8, label);
	stack_words[word + 0xa0 / 8] = at(sp_word);
	stack_words[word + 0x78 / 8] = rbp;
}

START_TEST(signal_frame)
{
	start_at("leaf_at", 100);
	put_code(100, "trampoline_ret");
	put_ucontext(101, "frameless_entry", 400, 0);
	put_code(400, "start_ret");
	walk();
	EXPECT_FRAMES("leaf_at", "trampoline_ret", "frameless_entry", "start_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
	ck_assert(!frames[0].signal && frames[1].signal && !frames[2].signal);
	ck_assert(!frames[1].exact && frames[2].exact && !frames[3].exact);
	ck_assert_uint_eq(frames[1].cfa, at(400));
	ck_assert_uint_eq(frames[2].sp, at(400));
}
END_TEST

/* The handler runs on an alternate stack above the interrupted one. */
START_TEST(signal_stack_above)
{
	start_at("leaf_at", 4000);
	put_code(4000, "trampoline_ret");
	put_ucontext(4001, "framed_at", 90, at(100));
	put_code(101, "start_ret");
	walk();
	EXPECT_FRAMES("leaf_at", "trampoline_ret", "framed_at", "start_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
	ck_assert_uint_eq(frames[2].sp, at(90));
}
END_TEST

/* A frame of one word, whose caller's stack begins where it likes. */
static void put_framed(uint64_t word, const char *caller, uint64_t next_word)
{
	stack_words[word] = at(next_word);
	put_code(word + 1, caller);
}

/* Coroutines resume each other, each on a stack below that of the one before; _i of them. */
START_TEST(many_lower_stacks)
{
	enum { FIRST = 4000, APART = 10 };
	start_at("framed_at", FIRST);
	registers.values[REGISTER_RBP] = at(FIRST);
	for (uint64_t i = 0; i < (uint64_t)_i; i++)
		put_framed(FIRST - i * APART, "framed_ret", FIRST - (i + 1) * APART);
	put_framed(FIRST - (uint64_t)_i * APART, "start_ret", 0);
	walk();
	ck_assert_uint_eq(stack.num_frames, (uint32_t)_i + 2);
	expect_end(CORELEAKS_STACK_COMPLETE);
	ck_assert_uint_eq(frames[_i].sp, at(FIRST - (uint64_t)(_i - 1) * APART) + 16);
}
END_TEST

/* A way in of _i / 8 stacks to a circle of 1 + _i % 8, each below the one before: few rounds of it
 * are taken for frames. */
START_TEST(circle_of_stacks)
{
	enum { FIRST = 4000, APART = 10, AGAIN = 3 };
	uint64_t way = (uint64_t)_i / 8, circle = 1 + (uint64_t)_i % 8;
	start_at("framed_at", FIRST);
	registers.values[REGISTER_RBP] = at(FIRST);
	for (uint64_t i = 0; i < way + circle; i++)
		put_framed(FIRST - i * APART, "framed_ret", FIRST - (i + 1) * APART);
	put_framed(FIRST - (way + circle) * APART, "framed_ret", FIRST - way * APART);
	walk();
	expect_end(CORELEAKS_STACK_BROKEN);
	ck_assert_str_eq(stack.missing, "it leads back to itself");
	uint64_t most = AGAIN * (way > circle ? way : circle) + circle + AGAIN;
	ck_assert_uint_le(stack.num_frames, most);
}
END_TEST

/* Handlers that interrupt each other, back to the first: also a circle. */
START_TEST(circle_of_signals)
{
	start_at("leaf_at", 900);
	put_code(900, "trampoline_ret");
	put_ucontext(901, "leaf_at", 600, 0);
	put_code(600, "trampoline_ret");
	put_ucontext(601, "leaf_at", 900, 0);
	walk();
	expect_end(CORELEAKS_STACK_BROKEN);
	ck_assert_uint_le(stack.num_frames, 12);
}
END_TEST

/* The kernel's trampoline without call frame information (musl, Go). */
START_TEST(bare_sigreturn)
{
	start_at("leaf_at", 100);
	put_code(100, "sigreturn");
	put_ucontext(101, "framed_at", 290, at(300));
	put_code(301, "start_ret");
	walk();
	EXPECT_FRAMES("leaf_at", "sigreturn", "framed_at", "start_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
	ck_assert(frames[1].signal);
	ck_assert(frames[2].exact);
	ck_assert_uint_eq(frames[1].cfa, at(290));
}
END_TEST

/* A handler's frame at that word, called from a trampoline that saves all registers. */
static void put_handler(uint64_t word, const char *label, uint64_t sp_word, int64_t rax)
{
	put_code(word, "sigreturn");
	put_ucontext(word + 1, label, sp_word, 0);
	stack_words[word + 1 + 0x90 / 8] = (uint64_t)rax;
}

START_TEST(interrupted_call)
{
	start_at("leaf_at", 100);
	put_handler(100, "waiter_back", 400, -4);
	stack_words[101 + 0x68 / 8] = 7; /* rdi */
	put_code(400, "start_ret");
	walk();
	EXPECT_FRAMES("leaf_at", "sigreturn", "waiter_back", "start_ret");
	ck_assert_uint_eq(stack.interruption.depth, 1);
	ck_assert(stack.interruption.known && stack.interruption.hint.blocked);
	ck_assert_int_eq(stack.interruption.hint.syscall_nr, 232);
	ck_assert_uint_eq(stack.interruption.hint.args[0], 7);
	ck_assert_uint_eq(stack.interruption.registers.values[REGISTER_RSP], at(400));
	/* The registers of the dump stay the handler's. */
	start_at("frameless_at", 300);
	put_code(305, "start_ret");
	walk();
	ck_assert_uint_eq(stack.interruption.depth, 0);
}
END_TEST

/* Two handlers. _i bit 0: the inner one interrupted a wait; bit 1: the outer one did. */
START_TEST(nested_interruptions)
{
	static const uint32_t depths[] = {2, 1, 2, 2};
	bool inner = (_i & 1) != 0, outer = (_i & 2) != 0;
	start_at("leaf_at", 100);
	put_handler(100, inner ? "waiter_call" : "leaf_at", 400, inner ? 0 : 5);
	put_handler(400, outer ? "waiter_back" : "leaf_at", 700, outer ? -4 : 5);
	put_code(700, "start_ret");
	walk();
	ck_assert_uint_eq(stack.num_frames, 6);
	ck_assert_uint_eq(stack.interruption.depth, depths[_i]);
	ck_assert(stack.interruption.known);
	ck_assert(stack.interruption.hint.blocked == (inner || outer));
	if (inner || outer)
		ck_assert_int_eq(stack.interruption.hint.syscall_nr, outer ? 232 : 0);
	ck_assert_uint_eq(stack.interruption.registers.values[REGISTER_RSP],
			  depths[_i] == 2 ? at(700) : at(400));
}
END_TEST

/* This trampoline does not say where it saved the arguments. */
START_TEST(interrupted_with_lost_registers)
{
	start_at("leaf_at", 100);
	put_code(100, "trampoline_ret");
	put_ucontext(101, "waiter_back", 400, 0);
	put_code(400, "start_ret");
	walk();
	ck_assert_uint_eq(stack.interruption.depth, 1);
	ck_assert(!stack.interruption.known && !stack.interruption.hint.blocked);
}
END_TEST

START_TEST(call_through_null)
{
	start_at("leaf_at", 100);
	registers.values[REGISTER_RIP] = 0;
	put_code(100, "frameless_ret");
	put_code(101 + 5, "start_ret");
	walk();
	ck_assert_uint_eq(stack.num_frames, 3);
	ck_assert_uint_eq(frames[0].pc, 0);
	ck_assert_uint_eq(frames[1].pc, fake_code("frameless_ret"));
	ck_assert_uint_eq(frames[1].sp, at(101));
	ck_assert_uint_eq(frames[2].pc, fake_code("start_ret"));
	/* It is a guess and says so. */
	ck_assert_int_gt(frames[1].trust, CORELEAKS_TRUST_CFI);
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

START_TEST(call_through_null_under_a_handler)
{
	start_at("leaf_at", 100);
	put_code(100, "trampoline_ret");
	put_ucontext(101, "frameless_at", 300, 0);
	stack_words[101 + 0xa8 / 8] = 0;
	put_code(300, "frameless_ret");
	put_code(301 + 5, "start_ret");
	walk();
	ck_assert_uint_eq(stack.num_frames, 5);
	ck_assert_uint_eq(frames[2].pc, 0);
	ck_assert_uint_eq(frames[3].pc, fake_code("frameless_ret"));
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

START_TEST(jump_to_garbage)
{
	start_at("leaf_at", 100);
	registers.values[REGISTER_RIP] = 0x1234567812345678;
	stack_words[100] = 0x4141414141414141;
	walk();
	ck_assert_uint_eq(stack.num_frames, 1);
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

/* A thread function that was entered with a return address of 0. */
START_TEST(return_address_zero)
{
	start_at("frameless_at", 100);
	stack_words[99] = 5;
	walk();
	EXPECT_FRAMES("frameless_at");
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

/* ---- Between clone's two halves ---- */

static const char *const behind_clone[] = {"cloner_back", "cloner_test", "cloner_jl"};

/* A thread that has not run yet: its stack is new, whatever its creator's rbp points to. */
START_TEST(child_of_clone)
{
	start_at(behind_clone[_i], 100);
	registers.values[REGISTER_RAX] = 0;
	registers.values[REGISTER_RBP] = at(300);
	put_code(100, "frameless_ret");
	put_code(301, "framed_ret");
	walk();
	EXPECT_FRAMES(behind_clone[_i]);
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

/* Its creator has pushed nothing. */
START_TEST(parent_of_clone)
{
	static const char *const labels[] = {"cloner_call", "cloner_back", "cloner_test",
					     "cloner_jl", "cloner_jz"};
	start_at(labels[_i], 100);
	registers.values[REGISTER_RAX] = 4711;
	registers.values[REGISTER_RBP] = at(300);
	put_code(100, "framed_ret");
	put_code(301, "start_ret");
	walk();
	EXPECT_FRAMES(labels[_i], "framed_ret", "start_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
	ck_assert_uint_eq(frames[0].cfa, at(101));
}
END_TEST

/* The child of a fork has its parent's stack; a result of 0 says nothing of other calls. */
START_TEST(other_calls_returning_zero)
{
	start_at("getpid_back", 100);
	registers.values[REGISTER_RAX] = 0;
	walk();
	EXPECT_FRAMES("getpid_back");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

START_TEST(clone_with_a_lost_result)
{
	start_at("cloner_back", 100);
	registers.known &= ~(1u << REGISTER_RAX);
	walk();
	EXPECT_FRAMES("cloner_back");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

/* ---- Frame pointers ---- */

START_TEST(frame_pointer_step)
{
	start_at("nocfi_at", 100);
	registers.values[REGISTER_RBP] = at(110);
	stack_words[110] = at(120);
	put_code(111, "nocfi_ret");
	stack_words[120] = at(200);
	put_code(121, "framed_ret");
	put_code(201, "start_ret");
	walk();
	EXPECT_FRAMES("nocfi_at", "nocfi_ret", "framed_ret", "start_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
	ck_assert_int_eq(frames[1].trust, CORELEAKS_TRUST_FRAME_POINTER);
	ck_assert_int_eq(frames[2].trust, CORELEAKS_TRUST_FRAME_POINTER);
	ck_assert_int_eq(frames[3].trust, CORELEAKS_TRUST_CFI);
	ck_assert_uint_eq(frames[0].cfa, at(112));
	ck_assert_uint_eq(frames[1].sp, at(112));
}
END_TEST

/* _i: what rbp holds */
START_TEST(bad_frame_pointers)
{
	const uint64_t values[] = {
		0,
		1,
		at(50) /* below sp */,
		at(111) + 3 /* crooked */,
		UINT64_MAX,
		UINT64_MAX - 7,
		UINT64_MAX - 15,
		0x1000 /* unmapped */,
	};
	start_at("nocfi_at", 100);
	registers.values[REGISTER_RBP] = values[_i];
	put_code(51, "start_ret");
	put_code(112, "start_ret");
	if (_i == 3) {
		uint64_t code = fake_code("start_ret");
		memcpy((char *)stack_words + (at(112) + 3 - FAKE_STACK), &code, sizeof(code));
	}
	walk();
	EXPECT_FRAMES("nocfi_at");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

START_TEST(frame_pointer_loops)
{
	start_at("nocfi_at", 100);
	registers.values[REGISTER_RBP] = at(110);
	stack_words[110] = at(110);
	put_code(111, "nocfi_ret");
	walk();
	ck_assert_uint_le(stack.num_frames, 3);
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

START_TEST(frame_pointers_going_down)
{
	start_at("nocfi_at", 100);
	registers.values[REGISTER_RBP] = at(120);
	stack_words[120] = at(110);
	put_code(121, "nocfi_ret");
	stack_words[110] = at(120);
	put_code(111, "nocfi_ret");
	walk();
	ck_assert_uint_le(stack.num_frames, 3);
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

/* The word above the saved frame pointer is no code: no frame is made up. */
START_TEST(frame_pointer_to_data)
{
	start_at("nocfi_at", 100);
	registers.values[REGISTER_RBP] = at(110);
	stack_words[110] = at(120);
	stack_words[111] = at(130);
	walk();
	EXPECT_FRAMES("nocfi_at");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

START_TEST(code_of_no_module)
{
	enum { JIT = 0x500000 };
	fake_code_map(&world.core);
	fake_segment(&world.core, JIT, NULL, FAKE_PAGE, FAKE_PAGE, PF_R | PF_X);
	put_code(111, "start_ret");
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
		     FAKE_STACK_WORDS * 8, PF_R | PF_W);
	open_world(MAX_FRAMES);
	start_at("leaf_at", 100);
	registers.values[REGISTER_RIP] = JIT + 100;
	registers.values[REGISTER_RBP] = at(110);
	walk();
	ck_assert_uint_eq(stack.num_frames, 2);
	ck_assert_uint_eq(frames[1].pc, fake_code("start_ret"));
	ck_assert_int_eq(frames[1].trust, CORELEAKS_TRUST_FRAME_POINTER);
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

/* ---- Damage ---- */

START_TEST(frame_address_does_not_grow)
{
	start_at("stuck_at", 100);
	put_code(99, "stuck_ret");
	walk();
	ck_assert_uint_le(stack.num_frames, 4);
	expect_end(CORELEAKS_STACK_BROKEN);
	ck_assert_uint_eq(frames[0].pc, fake_code("stuck_at"));
}
END_TEST

/* Two functions that hand the stack to each other through a third address. */
START_TEST(frames_in_a_circle)
{
	start_at("by_rbx_at", 300);
	registers.values[REGISTER_RBX] = at(310);
	put_code(311, "by_rbx_ret");
	stack_words[309] = at(210);
	put_code(211, "framed_ret");
	registers.values[REGISTER_RBP] = at(250);
	stack_words[250] = at(250);
	put_code(251, "by_rbx_ret");
	stack_words[249] = at(310);
	stack_words[209] = at(310);
	walk();
	ck_assert_uint_lt(stack.num_frames, MAX_FRAMES);
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

START_TEST(hostile_expressions)
{
	static const char *const labels[] = {"loop_at", "overflow_at", "underflow_at", "empty_at",
					     "wild_at", "jump_at",     "unknown_op_at"};
	start_at(labels[_i], 100);
	put_code(100, "start_ret");
	walk();
	ck_assert_uint_ge(stack.num_frames, 1);
	ck_assert_uint_le(stack.num_frames, 2);
	if (stack.num_frames == 1)
		expect_end(CORELEAKS_STACK_BROKEN);
	ck_assert_uint_eq(frames[0].pc, fake_code(labels[_i]));
}
END_TEST

START_TEST(stack_beyond_its_segment)
{
	start_at("frameless_at", FAKE_STACK_WORDS - 3);
	walk();
	EXPECT_FRAMES("frameless_at");
	expect_end(CORELEAKS_STACK_BROKEN);
	ck_assert_uint_eq(stack.end_addr, at(FAKE_STACK_WORDS + 2));
}
END_TEST

START_TEST(stack_pointer_at_the_top)
{
	registers.values[REGISTER_RIP] = fake_code("frameless_at");
	registers.values[REGISTER_RSP] = UINT64_MAX - 47;
	walk();
	EXPECT_FRAMES("frameless_at");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

static void open_with_partial_stack(uint64_t file_size)
{
	fake_code_map(&world.core);
	fake_segment(&world.core, FAKE_STACK, stack_words, file_size, FAKE_STACK_WORDS * 8,
		     PF_R | PF_W);
	open_world(MAX_FRAMES);
}

START_TEST(stack_not_dumped)
{
	open_with_partial_stack(0);
	start_at("frameless_at", 100);
	walk();
	EXPECT_FRAMES("frameless_at");
	expect_end(CORELEAKS_STACK_UNREADABLE);
	ck_assert_uint_eq(stack.end_addr, at(105));
}
END_TEST

/* Exactly the last word that was dumped can still be used. */
START_TEST(stack_dumped_in_part)
{
	put_code(511, "frameless_ret");
	open_with_partial_stack(FAKE_PAGE);
	start_at("frameless_at", 506);
	walk();
	EXPECT_FRAMES("frameless_at", "frameless_ret");
	expect_end(CORELEAKS_STACK_UNREADABLE);
	ck_assert_uint_eq(stack.end_addr, at(517));
}
END_TEST

START_TEST(stack_cut_off)
{
	put_code(105, "frameless_ret");
	put_code(111, "frameless_ret");
	put_code(117, "start_ret");
	fake_code_map(&world.core);
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
		     FAKE_STACK_WORDS * 8, PF_R | PF_W);
	fake_build(&world.core);
	size_t end = world.core.file.size - (FAKE_STACK_WORDS - 117) * 8;
	fake_world_open_dump_at(&world, fake_path_cut(&world.core, end));
	open_world(MAX_FRAMES);
	start_at("frameless_at", 100);
	walk();
	EXPECT_FRAMES("frameless_at", "frameless_ret", "frameless_ret");
	expect_end(CORELEAKS_STACK_UNREADABLE);
	ck_assert_uint_eq(stack.end_addr, at(117));
}
END_TEST

/* A stack of 2^20 frames: the limit ends it, and says so. */
START_TEST(limit)
{
	for (uint64_t word = 105; word < FAKE_STACK_WORDS; word += 6)
		put_code(word, "frameless_ret");
	fake_code_map(&world.core);
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
		     FAKE_STACK_WORDS * 8, PF_R | PF_W);
	open_world((uint32_t)_i);
	frames[_i].pc = 0x5afe;
	start_at("frameless_at", 100);
	walk();
	ck_assert_uint_eq(stack.num_frames, (uint32_t)_i);
	expect_end(CORELEAKS_STACK_LIMIT);
	/* Nothing is written beyond. */
	ck_assert_uint_eq(frames[_i].pc, 0x5afe);
}
END_TEST

/* A stack of exactly as many frames is complete. */
START_TEST(limit_of_exactly_its_length)
{
	put_code(105, "start_ret");
	fake_code_map(&world.core);
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
		     FAKE_STACK_WORDS * 8, PF_R | PF_W);
	open_world(2);
	start_at("frameless_at", 100);
	walk();
	ck_assert_uint_eq(stack.num_frames, 2);
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

START_TEST(missing_module)
{
	put_code(105, "start_ret");
	fake_map(&world.core, fake_code_file(), "/nowhere/libgone.so", FAKE_CODE_BASE, 0);
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
		     FAKE_STACK_WORDS * 8, PF_R | PF_W);
	open_world(MAX_FRAMES);
	start_at("frameless_at", 100);
	walk();
	EXPECT_FRAMES("frameless_at");
	expect_end(CORELEAKS_STACK_BROKEN);
	ck_assert_ptr_nonnull(strstr(stack.missing, "libgone.so"));
}
END_TEST

/* Without its module, zeros where rbp happens to point do not make a stack complete. */
START_TEST(zeros_at_a_guessed_frame_pointer)
{
	fake_map(&world.core, fake_code_file(), "/nowhere/libgone.so", FAKE_CODE_BASE, 0);
	fake_segment(&world.core, FAKE_STACK, stack_words, FAKE_STACK_WORDS * 8,
		     FAKE_STACK_WORDS * 8, PF_R | PF_W);
	open_world(MAX_FRAMES);
	start_at("frameless_at", FAKE_STACK_WORDS - 100);
	registers.values[REGISTER_RBP] = at(FAKE_STACK_WORDS - 50);
	walk();
	EXPECT_FRAMES("frameless_at");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

/* Nor do they with it, where code was interrupted: the innermost function may use rbp as it likes.
 * glibc 2.31's clone() has no call frame information behind its system call. */
START_TEST(zeros_at_a_leaf)
{
	start_at("nocfi_at", 100);
	stack_words[99] = 5;
	registers.values[REGISTER_RBP] = at(110);
	stack_words[110] = at(120);
	walk();
	EXPECT_FRAMES("nocfi_at");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

START_TEST(zeros_behind_a_frame_pointer)
{
	start_at("nocfi_at", 100);
	registers.values[REGISTER_RBP] = at(110);
	stack_words[110] = at(120);
	put_code(111, "nocfi_ret");
	walk();
	EXPECT_FRAMES("nocfi_at", "nocfi_ret");
	expect_end(CORELEAKS_STACK_COMPLETE);
}
END_TEST

/* A page of zeros where a stack was: gcore leaves such pages out. */
START_TEST(stack_of_zeros)
{
	start_at("frameless_at", 600);
	walk();
	EXPECT_FRAMES("frameless_at");
	expect_end(CORELEAKS_STACK_UNREADABLE);
}
END_TEST

START_TEST(unknown_registers)
{
	start_at("framed_at", 100);
	registers.values[REGISTER_RBP] = at(300);
	put_code(301, "start_ret");
	registers.known = 1u << REGISTER_RIP | 1u << REGISTER_RSP;
	walk();
	EXPECT_FRAMES("framed_at");
	expect_end(CORELEAKS_STACK_BROKEN);
}
END_TEST

/* Any registers and any stack: it ends, within its limit. */
START_TEST(random_damage)
{
	static const char *const labels[] = {
		"framed_at", "framed_ret",   "frameless_ret", "by_rbx_ret",  "by_r14_ret",
		"saver_ret", "stuck_ret",    "stuck_ret2",    "plt_early",   "plt_late",
		"nocfi_ret", "noreturn_ret", "loop_at",	      "overflow_at", "trampoline_ret",
		"sigreturn", "wild_at",
	};
	enum { NUM = sizeof(labels) / sizeof(labels[0]), ROUNDS = 3000 };
	uint64_t code[NUM], state = 12345;
	for (size_t i = 0; i < NUM; i++)
		code[i] = fake_code(labels[i]);
	for (size_t i = 0; i < FAKE_STACK_WORDS; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		uint64_t pick = state >> 33;
		stack_words[i] = pick % 3 == 0	 ? code[pick / 3 % NUM]
				 : pick % 3 == 1 ? at(pick / 3 % FAKE_STACK_WORDS)
						 : state;
	}
	walk();
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < NUM_REGISTERS; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			registers.values[i] = at((state >> 33) % FAKE_STACK_WORDS);
		}
		registers.values[REGISTER_RIP] = code[(state >> 40) % NUM];
		walk();
		ck_assert_uint_ge(stack.num_frames, 1);
		ck_assert_uint_le(stack.num_frames, MAX_FRAMES);
		ck_assert(stack.end != CORELEAKS_STACK_LIMIT || stack.num_frames == MAX_FRAMES);
	}
}
END_TEST

static void add_sound_tests(TCase *tests)
{
	tcase_add_test(tests, frames_without_a_frame_pointer);
	tcase_add_test(tests, frames_with_a_frame_pointer);
	tcase_add_test(tests, entry);
	tcase_add_test(tests, leaving);
	tcase_add_test(tests, callee_saved_registers_are_carried);
	tcase_add_test(tests, registers_saved_in_other_ways);
	tcase_add_test(tests, lost_register);
	tcase_add_test(tests, noreturn_tail);
	tcase_add_test(tests, plt_expression);
	tcase_add_test(tests, signal_frame);
	tcase_add_test(tests, signal_stack_above);
	tcase_add_loop_test(tests, many_lower_stacks, 1, MAX_FRAMES - 1);
	tcase_add_test(tests, bare_sigreturn);
	tcase_add_test(tests, interrupted_call);
	tcase_add_loop_test(tests, nested_interruptions, 0, 4);
	tcase_add_test(tests, interrupted_with_lost_registers);
	tcase_add_test(tests, call_through_null);
	tcase_add_test(tests, call_through_null_under_a_handler);
	tcase_add_test(tests, jump_to_garbage);
	tcase_add_test(tests, return_address_zero);
	tcase_add_test(tests, frame_pointer_step);
	tcase_add_test(tests, code_of_no_module);
	tcase_add_loop_test(tests, child_of_clone, 0, 3);
	tcase_add_loop_test(tests, parent_of_clone, 0, 5);
	tcase_add_test(tests, other_calls_returning_zero);
	tcase_add_test(tests, clone_with_a_lost_result);
}

Suite *unwind_suite(void)
{
	Suite *suite = suite_create("unwind");
	TCase *tests = tcase_create("unwind");
	tcase_add_unchecked_fixture(tests, fake_code_setup, fake_code_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	add_sound_tests(tests);
	tcase_add_loop_test(tests, bad_frame_pointers, 0, 8);
	tcase_add_test(tests, frame_pointer_loops);
	tcase_add_test(tests, frame_pointers_going_down);
	tcase_add_test(tests, frame_pointer_to_data);
	tcase_add_test(tests, frame_address_does_not_grow);
	tcase_add_test(tests, frames_in_a_circle);
	tcase_add_loop_test(tests, circle_of_stacks, 0, 64);
	tcase_add_test(tests, circle_of_signals);
	tcase_add_loop_test(tests, hostile_expressions, 0, 7);
	tcase_add_test(tests, stack_beyond_its_segment);
	tcase_add_test(tests, stack_pointer_at_the_top);
	tcase_add_test(tests, stack_not_dumped);
	tcase_add_test(tests, stack_dumped_in_part);
	tcase_add_test(tests, stack_cut_off);
	tcase_add_loop_test(tests, limit, 1, 4);
	tcase_add_test(tests, limit_of_exactly_its_length);
	tcase_add_test(tests, missing_module);
	tcase_add_test(tests, zeros_at_a_guessed_frame_pointer);
	tcase_add_test(tests, zeros_at_a_leaf);
	tcase_add_test(tests, zeros_behind_a_frame_pointer);
	tcase_add_test(tests, stack_of_zeros);
	tcase_add_test(tests, unknown_registers);
	tcase_add_test(tests, random_damage);
	suite_add_tcase(suite, tests);
	return suite;
}
