/* The way from what a goroutine waits for back to what keeps it: each step as the memory has it. */
#include "fake_proof.h"
#include "proof/go_paths.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

Suite *go_paths_suite(void);

enum { ID = 50, OTHER_ID = 51, MAX_WAITS = 64 };
/* In the data, where the program has nothing. */
enum { TYPES = 0x50f000, TYPE_MASK = 0x50f100, TYPE_NAME = 0x50f200, TYPES_END = 0x50f800 };

#define TEXT(...) arena_format(&go->world.arena, __VA_ARGS__)

static struct fake_proof proof;
static struct fake_go *const go = &proof.go;
static uint64_t channel, sudog;
static struct coreleaks_task row;
static struct public_tasks tasks;
static struct coreleaks_wait shared;
static const struct coreleaks_wait *waits[MAX_WAITS];

static void begin(int i)
{
	fake_proof_init(&proof, i == 0 ? 19 : 27);
	proof.keep_parents = true;
	channel = fake_go_channel(go);
	sudog = fake_go_receiver(go, ID, channel);
}

static void teardown(void)
{
	fake_proof_deinit(&proof);
}

static void search(void)
{
	struct arena *arena = &go->world.arena;
	fake_proof_run(&proof);
	ck_assert(proof.reach.made);
	ck_assert_uint_le(go->tasks.list.num, MAX_WAITS);
	row = (struct coreleaks_task){.kind = CORELEAKS_KIND_GOROUTINE};
	tasks = (struct public_tasks){
		.tasks = &go->tasks, .goroutines = &go->goroutines, .rows = {&row, 1, 1}};
	tasks.row_of = arena_alloc_array(arena, MAX_WAITS, sizeof(*tasks.row_of));
	shared = (struct coreleaks_wait){.reason = "chan receive"};
	for (uint32_t i = 0; i < MAX_WAITS; i++)
		waits[i] = &shared;
}

static void publish(const char *wish, const uint32_t *firsts, uint32_t num_firsts)
{
	const struct go_paths_input input = {
		.reach = &proof.reach,
		.search = &proof.search,
		.files = &go->world.files,
		.wish = wish,
		.firsts = firsts,
		.num_firsts = num_firsts,
	};
	go_paths_publish(&tasks, waits, &go->world.arena, &input);
}

static uint32_t task_of(int64_t id)
{
	return (uint32_t)(fake_go_task(go, id) - go->tasks.list.items);
}

static const struct coreleaks_wait *wait_of(int64_t id)
{
	return waits[task_of(id)];
}

static void explain(void)
{
	search();
	publish("goroutine:50", NULL, 0);
	ck_assert_ptr_ne(wait_of(ID), &shared);
	ck_assert_str_eq(wait_of(ID)->reason, "chan receive");
}

static void expect_step(uint32_t number, uint64_t addr, const char *what)
{
	const struct coreleaks_wait *wait = wait_of(ID);
	ck_assert_uint_lt(number, wait->num_kept_by);
	ck_assert_str_eq(wait->kept_by[number].what, what);
	ck_assert_uint_eq(wait->kept_by[number].addr, addr);
}

static void expect_begin(const char *keeper, uint32_t num)
{
	expect_step(0, 0,
		    TEXT("it may still be woken: a %s keeps what it waits for reachable", keeper));
	expect_step(1, channel,
		    TEXT("goroutine 50 waits for 0x%" PRIx64 ", which is held by", channel));
	ck_assert_uint_eq(wait_of(ID)->num_kept_by, num);
	ck_assert_str_eq(public_tasks_row(&tasks, task_of(ID))->keeper, keeper);
}

START_TEST(a_variable)
{
	begin(_i);
	fake_proof_point(&proof, FAKE_GLOBAL, channel);
	explain();
	expect_begin("variable", 3);
	expect_step(2, FAKE_GLOBAL, "variable at 0x50b800");
	/* Others share the wait: it is as it was. */
	ck_assert_ptr_null(shared.kept_by);
	for (uint32_t i = 0; i < go->tasks.list.num; i++)
		ck_assert(i == task_of(ID) || waits[i] == &shared);
}
END_TEST

START_TEST(objects)
{
	begin(_i);
	uint64_t first = fake_proof_box(&proof), second = fake_proof_box(&proof);
	fake_proof_point(&proof, FAKE_GLOBAL, first + 8);
	fake_proof_point(&proof, first + 56, second);
	fake_proof_point(&proof, second + 24, channel);
	explain();
	expect_begin("variable", 5);
	expect_step(2, second + 24, TEXT("object 0x%" PRIx64 " of 64 bytes, at +24", second));
	expect_step(3, first + 56, TEXT("object 0x%" PRIx64 " of 64 bytes, at +56", first));
	expect_step(4, FAKE_GLOBAL, "variable at 0x50b800");
}
END_TEST

/* A large object begins with its type since 1.22: {[126]uintptr; *T} named main.box. */
START_TEST(an_object_with_a_type)
{
	static const char name[] = "\0\x8main.box";
	begin(1);
	uint64_t large = fake_proof_large(&proof);
	fake_go_put(go, TYPES, 1016);
	fake_go_put(go, TYPES + 8, 1016);
	((unsigned char *)fake_go_at(go, TYPES))[23] = 25;
	fake_go_put(go, TYPES + 32, TYPE_MASK);
	fake_go_put32(go, TYPES + 40, TYPE_NAME - TYPES);
	((unsigned char *)fake_go_at(go, TYPE_MASK))[15] = 1 << 6;
	memcpy(fake_go_at(go, TYPE_NAME), name, sizeof(name));
	/* moduledata.types and etypes of 1.27 */
	fake_go_put(go, FAKE_GO_MODULE + 296, TYPES);
	fake_go_put(go, FAKE_GO_MODULE + 312, TYPES_END);
	fake_go_put(go, large, TYPES);
	fake_proof_point(&proof, FAKE_GLOBAL, large);
	fake_go_put(go, large + 1016, channel);
	explain();
	expect_begin("variable", 4);
	expect_step(2, large + 1016,
		    TEXT("object 0x%" PRIx64 " of 1024 bytes, main.box, at +1016", large));
	expect_step(3, FAKE_GLOBAL, "variable at 0x50b800");
}
END_TEST

START_TEST(a_register)
{
	begin(_i);
	go->threads[1].bp = channel;
	explain();
	expect_begin("goroutine", 3);
	expect_step(2, 0, "a register of a thread that runs");
}
END_TEST

/* In the innermost frame of goroutine 33, which runs: what of it is in use is not known. */
START_TEST(a_running_stack)
{
	begin(_i);
	uint64_t sp = go->threads[1].sp;
	fake_go_put(go, sp + 16, channel);
	explain();
	expect_begin("goroutine", 3);
	expect_step(2, sp + 16, "goroutine 33's stack slot [sp+16] in main.main (maybe dead)");
}
END_TEST

START_TEST(a_record)
{
	begin(_i);
	uint64_t addr = go->gs[3] + (uint64_t)go->layout.g_labels;
	fake_go_put(go, addr, channel);
	explain();
	expect_begin("goroutine", 3);
	expect_step(2, addr, "the Go runtime's record of goroutine 19");
}
END_TEST

START_TEST(a_processor)
{
	begin(_i);
	uint64_t addr = fake_go_get(go, fake_go_get(go, FAKE_GO_ALLP)) + 256;
	fake_go_put(go, addr, channel);
	explain();
	expect_begin("timer", 3);
	expect_step(2, addr, "a timer, or another list of the Go runtime's processors");
}
END_TEST

/* The stack of thread 103, which has no goroutine. */
START_TEST(a_threads_stack)
{
	begin(_i);
	uint64_t addr = go->threads[2].sp + 16;
	ck_assert_int_eq(go->threads[2].tid, 103);
	fake_go_put(go, addr, channel);
	explain();
	expect_begin("goroutine", 3);
	expect_step(2, addr, "the stack of thread 103");
}
END_TEST

START_TEST(a_finalizer)
{
	begin(_i);
	uint64_t box = fake_proof_box(&proof), closure = fake_proof_box(&proof);
	fake_proof_point(&proof, closure + 32, channel);
	fake_proof_special(&proof, box, FAKE_FINALIZER, closure);
	explain();
	expect_begin("goroutine", 4);
	expect_step(2, closure + 32, TEXT("object 0x%" PRIx64 " of 64 bytes, at +32", closure));
	ck_assert_str_eq(wait_of(ID)->kept_by[3].what,
			 "the Go runtime's lists of finalizers and cleanups");
}
END_TEST

/* By what another goroutine would send, and what keeps that one. */
START_TEST(another_waiter)
{
	begin(_i);
	uint64_t other = fake_go_channel(go), box = fake_proof_box(&proof);
	uint64_t sender = fake_go_sender(go, OTHER_ID, other);
	fake_go_put(go, sender + 24, box);
	fake_go_put(go, sender + fake_go_queue_layout(go)->elem, box);
	fake_proof_point(&proof, box, channel);
	fake_proof_point(&proof, FAKE_GLOBAL, other);
	explain();
	expect_begin("waiting goroutine", 6);
	expect_step(2, box, TEXT("object 0x%" PRIx64 " of 64 bytes, at +0", box));
	expect_step(3, sender, "the Go runtime's record of goroutine 51");
	expect_step(4, other,
		    TEXT("goroutine 51 waits for 0x%" PRIx64 ", which is held by", other));
	expect_step(5, FAKE_GLOBAL, "variable at 0x50b800");
}
END_TEST

/* 60 objects in a row: the way is cut, and says so. */
START_TEST(a_long_way)
{
	begin(_i);
	uint64_t next = channel;
	for (uint32_t i = 0; i < 60; i++) {
		uint64_t box = fake_proof_box(&proof);
		fake_proof_point(&proof, box, next);
		next = box;
	}
	fake_proof_point(&proof, FAKE_GLOBAL, next);
	explain();
	expect_begin("variable", 51);
	expect_step(50, 0, "and so on");
}
END_TEST

/* By its object, as the first of a group, or not at all. */
START_TEST(wishes)
{
	begin(_i);
	char wish[32];
	fake_go_receiver(go, OTHER_ID, fake_go_channel(go));
	fake_proof_point(&proof, FAKE_GLOBAL, channel);
	static const char *const others[] = {NULL, "", "thread:50", "goroutine:52", "0x1", "g-1"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (i == 0)
			search();
		publish(others[i], NULL, 0);
		ck_assert_msg((wait_of(ID) == &shared) == (i != 2), "wish %zu", i);
		if (i == 2)
			waits[task_of(ID)] = &shared;
	}
	/* Nothing keeps the other one. */
	publish("goroutine:51", NULL, 0);
	ck_assert_ptr_eq(wait_of(OTHER_ID), &shared);
	snprintf(wish, sizeof(wish), "0x%" PRIx64, channel);
	publish(wish, NULL, 0);
	ck_assert_uint_eq(wait_of(ID)->num_kept_by, 3);
	const struct coreleaks_wait *before = wait_of(ID);
	publish(wish, NULL, 0);
	ck_assert_ptr_eq(wait_of(ID), before);
	waits[task_of(ID)] = &shared;
	const uint32_t firsts[] = {0, task_of(ID)};
	publish("", firsts, 2);
	ck_assert_uint_eq(wait_of(ID)->num_kept_by, 3);
}
END_TEST

/* Without the parents the keeper alone is known; without a search nothing. */
START_TEST(no_parents)
{
	begin(_i);
	proof.keep_parents = false;
	fake_proof_point(&proof, FAKE_GLOBAL, channel);
	search();
	publish("goroutine:50", NULL, 0);
	ck_assert_ptr_eq(wait_of(ID), &shared);
	ck_assert_str_eq(public_tasks_row(&tasks, task_of(ID))->keeper, "variable");
	tasks.row_of[task_of(ID)] = 0;
	proof.reach.made = false;
	publish("goroutine:50", NULL, 0);
	ck_assert_ptr_null(public_tasks_row(&tasks, task_of(ID))->keeper);
}
END_TEST

Suite *go_paths_suite(void)
{
	Suite *suite = suite_create("go_paths");
	TCase *tests = tcase_create("go_paths");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_loop_test(tests, a_variable, 0, 2);
	tcase_add_loop_test(tests, objects, 0, 2);
	tcase_add_test(tests, an_object_with_a_type);
	tcase_add_loop_test(tests, a_register, 0, 2);
	tcase_add_loop_test(tests, a_running_stack, 0, 2);
	tcase_add_loop_test(tests, a_record, 0, 2);
	tcase_add_loop_test(tests, a_processor, 0, 2);
	tcase_add_loop_test(tests, a_threads_stack, 0, 2);
	tcase_add_loop_test(tests, a_finalizer, 0, 2);
	tcase_add_loop_test(tests, another_waiter, 0, 2);
	tcase_add_loop_test(tests, a_long_way, 0, 2);
	tcase_add_loop_test(tests, wishes, 0, 2);
	tcase_add_loop_test(tests, no_parents, 0, 2);
	suite_add_tcase(suite, tests);
	return suite;
}
