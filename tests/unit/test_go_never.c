#include "fake_go_queues.h"
#include "proof/go_never.h"

#include <check.h>
#include <string.h>

Suite *go_never_suite(void);

enum { ID = 50, MAX_TASKS = 32, NUMBER = 9 };

static struct fake_go go;
static struct go_queues queues;
static struct go_never never;
static struct coreleaks_frame frames[3];
static struct coreleaks_stack stack;
static uint32_t by_task[MAX_TASKS];
static uint64_t g;

/* One goroutine parked for ever with those words, in the oldest and the newest layout. All tasks
 * have its stack. */
static void begin(int i, const char *reason, const char *function)
{
	fake_go_init(&go, i % 2 == 0 ? 19 : 27, i % 2 == 0 ? "go1.19.8" : "go1.27.4");
	fake_go_program(&go);
	fake_go_put(&go, FAKE_GO_REASONS + 16 * NUMBER, fake_go_text(&go, reason));
	fake_go_put(&go, FAKE_GO_REASONS + 16 * NUMBER + 8, strlen(reason));
	g = fake_go_waiter(&go, ID, (enum fake_go_reason)NUMBER);
	frames[0] = (struct coreleaks_frame){.function = "runtime.gopark"};
	frames[1] = (struct coreleaks_frame){.function = function};
	frames[2] = (struct coreleaks_frame){.function = "main.worker"};
	stack = (struct coreleaks_stack){.frames = frames, .num_frames = 3};
}

static void teardown(void)
{
	fake_go_deinit(&go);
}

static void expect(enum go_role role)
{
	struct fake_world *world = &go.world;
	fake_go_open(&go);
	ck_assert_uint_le(go.tasks.list.num, MAX_TASKS);
	const struct stacks stacks = {.list = {&stack, 1, 1}, .by_task = by_task};
	const struct go_origins origins = {
		.items = arena_alloc_array(&world->arena, go.goroutines.origins.num,
					   sizeof(struct go_origin_names)),
	};
	go_queues_build(&queues, &world->arena, &world->gaps, &go.runtime, &go.goroutines,
			&go.tasks, &go.spans, world->image);
	const struct go_reach_input input = {
		.runtime = &go.runtime,
		.goroutines = &go.goroutines,
		.tasks = &go.tasks,
		.origins = &origins,
		.queues = &queues,
		.spans = &go.spans,
		.image = world->image,
		.modules = world->image->modules,
	};
	go_never_build(&never, &world->arena, &input, &stacks);
	const struct goroutine *goroutine = fake_go_goroutine(&go, ID);
	ck_assert_int_eq(never.roles[goroutine - go.goroutines.list.items], role);
}

START_TEST(told)
{
	static const struct {
		const char *reason, *function;
		enum go_role role;
	} rows[] = {
		{"chan receive (nil chan)", "runtime.chanrecv", GO_ROLE_NIL_CHANNEL},
		{"chan send (nil chan)", "runtime.chansend", GO_ROLE_NIL_CHANNEL},
		{"select", "runtime.selectgo", GO_ROLE_NIL_CHANNEL},
		{"select (no cases)", "runtime.block", GO_ROLE_NO_CASES},
		/* Words and stack do not agree, or others end such a wait. */
		{"chan receive (nil chan)", "runtime.block", GO_ROLE_LIVE},
		{"select (no cases)", "runtime.selectgo", GO_ROLE_LIVE},
		{"select (no cases) (durable)", "runtime.block", GO_ROLE_LIVE},
		{"chan receive", "runtime.chanrecv", GO_ROLE_LIVE},
		{"sync.Mutex.Lock", "runtime.semacquire1", GO_ROLE_LIVE},
		{"sleep", "runtime.selectgo", GO_ROLE_LIVE},
		{"select", NULL, GO_ROLE_LIVE},
	};
	begin(_i % 2, rows[_i / 2].reason, rows[_i / 2].function);
	expect(rows[_i / 2].role);
}
END_TEST

/* The collector has its stack just now: it is parked all the same. */
START_TEST(scanned)
{
	begin(_i, "select", "runtime.selectgo");
	fake_go_put32(&go, g + (uint64_t)go.layout.g_status, GO_STATUS_WAITING | GO_STATUS_SCAN);
	expect(GO_ROLE_NIL_CHANNEL);
}
END_TEST

/* What it is about to do, or what a thread does with it, is not known. */
START_TEST(on_the_way)
{
	begin(_i, "select", "runtime.selectgo");
	fake_go_put32(&go, g + (uint64_t)go.layout.g_status, GO_STATUS_RUNNABLE);
	expect(GO_ROLE_LIVE);
}
END_TEST

START_TEST(has_a_thread)
{
	begin(_i, "select", "runtime.selectgo");
	fake_go_put(&go, g + GO_G_M, go.last_m);
	expect(GO_ROLE_LIVE);
}
END_TEST

/* In a queue, or taken out of it by somebody who is about to wake it: its record still says so. */
START_TEST(has_an_entry)
{
	begin(_i % 2, "select", "runtime.selectgo");
	const struct fake_queue_layout *layout = fake_go_queue_layout(&go);
	uint64_t channel = fake_go_channel(&go), sudog = fake_go_sudog(&go, g);
	fake_go_put(&go, sudog + layout->channel, channel);
	fake_go_put(&go, g + layout->waiting, sudog);
	if (_i / 2 == 0)
		fake_go_enqueue(&go, channel, sudog, false);
	expect(GO_ROLE_LIVE);
}
END_TEST

/* It stands in a function that calls what it waits in, or in none that is known. */
START_TEST(other_stacks)
{
	begin(_i, "select", "runtime.selectgo");
	frames[0].function = "runtime.goparkunlock";
	expect(GO_ROLE_LIVE);
	fake_go_deinit(&go);
	begin(_i, "select", "runtime.selectgo");
	stack.num_frames = 1;
	expect(GO_ROLE_LIVE);
}
END_TEST

/* A bubble of testing/synctest has a watcher. */
START_TEST(in_a_bubble)
{
	begin(1, "select", "runtime.selectgo");
	fake_go_put(&go, g + (uint64_t)go_heap_layout_for(27).g_bubble, go.last_m);
	expect(GO_ROLE_LIVE);
}
END_TEST

Suite *go_never_suite(void)
{
	Suite *suite = suite_create("go_never");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_loop_test(tests, told, 0, 2 * 11);
	tcase_add_loop_test(tests, scanned, 0, 2);
	tcase_add_loop_test(tests, on_the_way, 0, 2);
	tcase_add_loop_test(tests, has_a_thread, 0, 2);
	tcase_add_loop_test(tests, has_an_entry, 0, 4);
	tcase_add_loop_test(tests, other_stacks, 0, 2);
	tcase_add_test(tests, in_a_bubble);
	suite_add_tcase(suite, tests);
	return suite;
}
