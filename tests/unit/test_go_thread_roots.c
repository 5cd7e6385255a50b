#include "fake_go.h"
#include "proof/go_thread_roots.h"

#include <check.h>

Suite *go_thread_roots_suite(void);

static struct fake_go go;
static struct go_heap_layout layout;
static struct go_marker marker;
static struct go_thread_roots roots;
static struct range signal_stack, g0_stack, own_stack;

/* A pointer to each is on another stack, of which what lies lower is in use no more. */
enum { ON_G0, ON_OWN, ON_SIGNAL, NUM_HELD };

static const uint64_t objects[] = {
	FAKE_GO_HEAP + 2 * 16384,
	FAKE_GO_HEAP + 3 * 16384,
	FAKE_GO_HEAP + 4 * 16384,
};

enum {
	FRAME_SIZE = 968, /* of a ucontext and what the kernel puts before and behind it */
	CONTEXT_OFF = 8,
	SP_OFF = 160,
};

static struct range stack_of(uint64_t g)
{
	return (struct range){fake_go_get(&go, g + GO_G_STACK_LOW),
			      fake_go_get(&go, g + GO_G_STACK_HIGH)};
}

/* A program whose first thread, whose M has a processor, is in a signal handler. */
static void begin(int i)
{
	fake_go_init(&go, i % 2 == 0 ? 19 : 27, i % 2 == 0 ? "go1.19.8" : "go1.27.4");
	fake_go_program(&go);
	uint64_t m = fake_go_get(&go, go.gs[6] + 48);
	own_stack = stack_of(go.gs[6]);
	g0_stack = stack_of(fake_go_get(&go, m));
	signal_stack = stack_of(fake_go_get(&go, m + (uint64_t)go.layout.m_gsignal));
	go.threads[1].sp = signal_stack.low + 0x400;
	fake_go_put(&go, g0_stack.high - 0x100, objects[ON_G0]);
	fake_go_put(&go, own_stack.high - 0x100, objects[ON_OWN]);
	fake_go_put(&go, signal_stack.low + 0x410, objects[ON_SIGNAL]);
}

static void teardown(void)
{
	fake_go_deinit(&go);
}

/* The kernel's frame at addr, which a signal left that came at sp. */
static void put_frame(uint64_t addr, uint64_t sp)
{
	uint64_t context = addr + CONTEXT_OFF;
	fake_go_put(&go, context, 7);
	fake_go_put(&go, context + 16, signal_stack.low);
	fake_go_put(&go, context + 32, signal_stack.high - signal_stack.low);
	fake_go_put(&go, context + SP_OFF, sp);
}

static uint64_t outer_frame(void)
{
	return signal_stack.high - FRAME_SIZE;
}

static void mark(void)
{
	struct fake_world *world = &go.world;
	fake_go_open(&go);
	ck_assert_int_eq(go.threads[1].tid, 101);
	layout = go_heap_layout_for(go.runtime.minor);
	go_marker_init(&marker, &world->arena, world->image, &go.spans, &layout, false);
	roots = (struct go_thread_roots){
		.runtime = &go.runtime,
		.goroutines = &go.goroutines,
		.tasks = &go.tasks,
		.notes = &world->notes,
		.image = world->image,
	};
	go_thread_roots_init(&roots, &world->arena);
	go_thread_roots_mark(&roots, &marker);
}

static void expect(bool on_g0, bool on_own)
{
	const bool marked[NUM_HELD] = {[ON_G0] = on_g0, [ON_OWN] = on_own, [ON_SIGNAL] = true};
	for (uint32_t i = 0; i < NUM_HELD; i++) {
		struct go_object object;
		ck_assert(go_marker_find(&marker, objects[i], &object));
		ck_assert_msg(go_marker_is_marked(&marker, object) == marked[i], "object %u", i);
	}
	ck_assert_uint_eq(marker.num_unreadable, 0);
}

/* A timer's function ran on the thread's stack, on which only what is above the interrupted stack
 * pointer counts. */
START_TEST(interrupted_on_g0)
{
	begin(_i);
	put_frame(outer_frame(), g0_stack.high - 0x200);
	mark();
	expect(true, false);
	ck_assert_uint_eq(roots.num_lost, 0);
}
END_TEST

START_TEST(interrupted_goroutine)
{
	begin(_i);
	put_frame(outer_frame(), own_stack.high - 0x200);
	mark();
	expect(false, true);
	ck_assert_uint_eq(roots.num_lost, 0);
}
END_TEST

/* A number on the signal stack lies within what the runtime takes for the thread's stack, but below
 * what of it is mapped: seen with 0x7ffe00000008 and a main thread's stack right above. */
START_TEST(number_below_the_stack)
{
	begin(_i);
	uint64_t m = fake_go_get(&go, go.gs[6] + 48), g0 = fake_go_get(&go, m);
	fake_go_put(&go, g0 + GO_G_STACK_LOW, FAKE_GO_STACKS - 0x100000);
	fake_go_put(&go, signal_stack.low + 0x500, FAKE_GO_STACKS - 0x80000 + 8);
	put_frame(outer_frame(), g0_stack.high - 0x200);
	mark();
	expect(true, false);
	ck_assert_uint_eq(roots.num_lost, 0);
}
END_TEST

/* One handler interrupted another: both frames count, and the outer one tells what they all
 * interrupted. */
START_TEST(nested)
{
	begin(_i);
	put_frame(signal_stack.low + 0x600, signal_stack.low + 0xa00);
	put_frame(outer_frame(), g0_stack.high - 0x200);
	mark();
	expect(true, false);
	ck_assert_uint_eq(roots.num_lost, 0);
}
END_TEST

/* What it interrupted is not known: that something may be held there must be told. */
START_TEST(no_frame)
{
	begin(_i / 2);
	if (_i % 2 == 1)
		put_frame(outer_frame(), 0x1000);
	mark();
	ck_assert_uint_eq(roots.num_lost, 1);
}
END_TEST

Suite *go_thread_roots_suite(void)
{
	Suite *suite = suite_create("go_thread_roots");
	TCase *tcase = tcase_create("go_thread_roots");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, interrupted_on_g0, 0, 2);
	tcase_add_loop_test(tcase, interrupted_goroutine, 0, 2);
	tcase_add_loop_test(tcase, number_below_the_stack, 0, 2);
	tcase_add_loop_test(tcase, nested, 0, 2);
	tcase_add_loop_test(tcase, no_frame, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite;
}
