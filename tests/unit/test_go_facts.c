#include "fake_go.h"
#include "task/go_ancestors.h"
#include "task/go_facts.h"
#include "task/go_labels.h"

#include <check.h>
#include <string.h>

Suite *go_facts_suite(void);

static struct fake_go go;
static bool ready;

/* Tests run for the oldest and the newest layout. */
static void begin_known(int i)
{
	fake_go_init(&go, i == 0 ? 19 : 27, i == 0 ? "go1.19.8" : "go1.27.4");
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

/* ---- Facts ---- */

static struct go_facts facts;

static void read_facts(void)
{
	fake_go_open(&go);
	go_facts_build(&facts, &go.runtime, &go.goroutines, &go.spans, go.world.image);
}

START_TEST(facts_of_a_program)
{
	const int64_t second = 1000000000;
	begin_known(_i);
	fake_go_program(&go);
	read_facts();
	ck_assert_uint_eq(facts.gomaxprocs, 2);
	ck_assert(facts.heap_known);
	ck_assert_uint_eq(facts.heap_size, 6 * 16384);
	ck_assert_uint_eq(facts.stack_size, 3 * 16384);
	ck_assert_int_eq(facts.num_gcs, 3);
	ck_assert_int_eq(facts.num_system, 1);
	ck_assert_int_eq(facts.start_ns, 10 * second);
	ck_assert_int_eq(facts.now_ns, 100 * second + 1);
	ck_assert_int_eq(facts.last_gc_ns, 90 * second);
	/* By the ids: 48 handed out, 11 of each processor's are unused. */
	ck_assert_uint_eq(facts.num_created, _i == 0 ? 48 - 22 : 2 * 8 + 6);
	ck_assert_uint_eq(facts.num_gc_ends, 3);
	for (int64_t i = 0; i < 3; i++)
		ck_assert_int_eq(facts.gc_ends_ns[i], (70 + 10 * i) * second);
	ck_assert_int_eq(go_facts_gc_after(&facts, 75 * second), 2);
	ck_assert_int_eq(go_facts_gc_after(&facts, 80 * second), 2);
	ck_assert_int_eq(go_facts_gc_after(&facts, 95 * second), 4);
	ck_assert_int_eq(go_facts_gc_after(&facts, 0), 0);
	/* What a GC notes is the time of the one before; the next one's end is sure. */
	ck_assert_int_eq(go_facts_waits_since(&facts, 69 * second), 80 * second);
	ck_assert_int_eq(go_facts_waits_since(&facts, 70 * second), 80 * second);
	ck_assert_int_eq(go_facts_waits_since(&facts, 79 * second), 90 * second);
	ck_assert_int_eq(go_facts_waits_since(&facts, 81 * second), 0);
	ck_assert_int_eq(go_facts_waits_since(&facts, 91 * second), 0);
	ck_assert_int_eq(go_facts_waits_since(&facts, 0), 0);
}
END_TEST

/* The ring of 256 ends has gone round. */
START_TEST(many_gcs)
{
	const uint64_t unix_ns = UINT64_C(1700000000000000000);
	begin_known(_i);
	fake_go_program(&go);
	fake_go_put32(&go, FAKE_GO_GC + 4112, 300);
	fake_go_put32(&go, FAKE_GO_ALLSPANS - 8, 600);
	for (uint64_t n = 300 - 256; n < 300; n++)
		fake_go_put(&go, FAKE_GO_GC + 2064 + 8 * (n % 256), unix_ns - (299 - n) * 1000);
	read_facts();
	ck_assert_int_eq(facts.num_gcs, 300);
	ck_assert_uint_eq(facts.num_gc_ends, 256);
	for (uint32_t i = 0; i < 256; i++)
		ck_assert_int_eq(facts.gc_ends_ns[i], INT64_C(90000000000) - 1000 * (255 - i));
	ck_assert_int_eq(go_facts_gc_after(&facts, 1), 300 - 256 + 1);
}
END_TEST

/* Nothing is computed from what cannot be. */
START_TEST(facts_of_garbage)
{
	begin_known(_i);
	fake_go_program(&go);
	uint64_t ps = fake_go_get(&go, FAKE_GO_ALLP);
	uint64_t p = fake_go_get(&go, ps), second = fake_go_get(&go, ps + 8);
	for (uint64_t i = 0; i < 3; i++)
		fake_go_put(&go, FAKE_GO_GC + 2064 + 8 * i, i == 1 ? UINT64_C(1) << 63 : 0x42);
	fake_go_put(&go, p + 32, UINT64_C(1) << 63);
	fake_go_put(&go, second + 32, UINT64_MAX / 2);
	fake_go_put(&go, p + (uint64_t)go.layout.p_goidcache, UINT64_C(1) << 60);
	if (_i != 0)
		fake_go_put(&go, p + (uint64_t)go.layout.p_created, UINT64_C(1) << 60);
	read_facts();
	ck_assert_int_eq(facts.now_ns, INT64_C(99000000000));
	ck_assert_uint_eq(facts.num_created, 0);
	ck_assert_uint_eq(facts.num_gc_ends, 0);
	ck_assert_int_eq(facts.num_gcs, 3);
	ck_assert_int_eq(go_facts_gc_after(&facts, INT64_C(75000000000)), 0);
}
END_TEST

/* The two counts of GCs must fit each other, and forced ones are not more than all. */
START_TEST(gc_counts_that_do_not_fit)
{
	begin_known(_i % 2);
	fake_go_program(&go);
	if (_i < 2)
		fake_go_put32(&go, FAKE_GO_GC + 4116, 4);
	else
		fake_go_put32(&go, FAKE_GO_ALLSPANS - 8, 20);
	read_facts();
	ck_assert_uint_eq(go.runtime.gc_addr, 0);
	ck_assert_int_eq(facts.last_gc_ns, 0);
	ck_assert_uint_eq(facts.num_gc_ends, 0);
	ck_assert_int_eq(facts.num_gcs, _i < 2 ? 3 : 10);
}
END_TEST

/* ---- Labels ---- */

static void put_pair(uint64_t addr, const char *text)
{
	fake_go_put(&go, addr, fake_go_text(&go, text));
	fake_go_put(&go, addr + 8, strlen(text));
}

static struct go_label_set read_labels(int32_t minor, uint64_t addr)
{
	fake_go_open(&go);
	return go_labels_read(&go.world.arena, go.world.image, minor, addr);
}

static void expect_labels(struct go_label_set labels)
{
	ck_assert_uint_eq(labels.num, 2);
	ck_assert_str_eq(labels.items[0].key, "job");
	ck_assert_str_eq(labels.items[0].value, "import");
	ck_assert_str_eq(labels.items[1].key, "user");
	ck_assert_str_eq(labels.items[1].value, "");
}

/* A map until 1.23: two buckets, the second with an overflow bucket; one slot was moved away. */
static uint64_t put_label_map(void)
{
	uint64_t pointer = fake_go_alloc(&go, 8), map = fake_go_alloc(&go, 48);
	uint64_t buckets = fake_go_alloc(&go, 2 * 272), next = fake_go_alloc(&go, 272);
	fake_go_put(&go, pointer, map);
	fake_go_put(&go, map, 2);
	*(unsigned char *)fake_go_at(&go, map + 9) = 1;
	fake_go_put(&go, map + 16, buckets);
	*(unsigned char *)fake_go_at(&go, buckets + 3) = 200;
	put_pair(buckets + 8 + 3 * 16, "user");
	*(unsigned char *)fake_go_at(&go, buckets + 4) = 4;
	put_pair(buckets + 8 + 4 * 16, "moved");
	fake_go_put(&go, buckets + 272 + 264, next);
	*(unsigned char *)fake_go_at(&go, next + 7) = 5;
	put_pair(next + 8 + 7 * 16, "job");
	put_pair(next + 136 + 7 * 16, "import");
	return pointer;
}

static uint64_t put_label_slice(uint64_t num)
{
	uint64_t slice = fake_go_alloc(&go, 24), pairs = fake_go_alloc(&go, 2 * 32);
	fake_go_put(&go, slice, pairs);
	fake_go_put(&go, slice + 8, num);
	fake_go_put(&go, slice + 16, num);
	put_pair(pairs, "user");
	put_pair(pairs + 32, "job");
	put_pair(pairs + 48, "import");
	return slice;
}

START_TEST(labels_as_a_map)
{
	begin_known(0);
	uint64_t addr = put_label_map();
	expect_labels(read_labels(_i == 0 ? 23 : -1, addr));
}
END_TEST

START_TEST(labels_as_a_slice)
{
	begin_known(1);
	uint64_t addr = put_label_slice(2);
	expect_labels(read_labels(_i == 0 ? 24 : -1, addr));
}
END_TEST

START_TEST(damaged_labels)
{
	begin_known(0);
	uint64_t map = put_label_map(), slice = put_label_slice(1000), cut = put_label_slice(2);
	uint64_t hmap = fake_go_get(&go, map);
	uint64_t buckets = fake_go_get(&go, hmap + 16);
	/* A bucket that follows itself, and text that is longer than memory. */
	fake_go_put(&go, buckets + 264, buckets);
	fake_go_put(&go, buckets + 8 + 3 * 16 + 8, UINT64_MAX);
	fake_go_put(&go, fake_go_get(&go, cut), 1);
	fake_go_open(&go);
	struct arena *arena = &go.world.arena;
	struct go_label_set labels = go_labels_read(arena, go.world.image, 23, map);
	ck_assert_uint_eq(labels.num, 1);
	ck_assert_str_eq(labels.items[0].key, "job");
	ck_assert_uint_eq(go_labels_read(arena, go.world.image, 27, slice).num, 0);
	labels = go_labels_read(arena, go.world.image, 27, cut);
	ck_assert_uint_eq(labels.num, 1);
	ck_assert_str_eq(labels.items[0].key, "job");
	ck_assert_uint_eq(go_labels_read(arena, go.world.image, 27, 0).num, 0);
	ck_assert_uint_eq(go_labels_read(arena, go.world.image, 27, 8).num, 0);
	ck_assert_uint_eq(go_labels_read(arena, go.world.image, 19, UINT64_MAX - 3).num, 0);
}
END_TEST

/* ---- Ancestors ---- */

/* Goroutines from last down to 1, if there is memory for that many. */
static uint64_t put_ancestors(uint64_t last, uint64_t num, uint64_t capacity)
{
	uint64_t slice = fake_go_alloc(&go, 24), infos = fake_go_alloc(&go, last * 40);
	fake_go_put(&go, slice, infos);
	fake_go_put(&go, slice + 8, num);
	fake_go_put(&go, slice + 16, capacity);
	for (uint64_t i = 0; i < last; i++) {
		fake_go_put(&go, infos + i * 40 + 24, last - i);
		fake_go_put(&go, infos + i * 40 + 32, 0x1000 + i);
	}
	return slice;
}

static struct go_ancestor_list read_ancestors(uint64_t addr)
{
	return go_ancestors_read(&go.world.arena, go.world.image, addr);
}

START_TEST(ancestors_in_order)
{
	begin_known(1);
	uint64_t three = put_ancestors(3, 3, 4), many = put_ancestors(300, 300, 300);
	fake_go_open(&go);
	struct go_ancestor_list list = read_ancestors(three);
	ck_assert_uint_eq(list.num, 3);
	ck_assert_uint_eq(list.num_more, 0);
	for (uint64_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(list.items[i].id, 3 - i);
		ck_assert_uint_eq(list.items[i].gopc, 0x1000 + i);
	}
	/* What is left out is counted. */
	list = read_ancestors(many);
	ck_assert_uint_eq(list.num, 256);
	ck_assert_uint_eq(list.num_more, 44);
	ck_assert_uint_eq(list.items[255].id, 45);
}
END_TEST

START_TEST(damaged_ancestors)
{
	begin_known(1);
	uint64_t backward = put_ancestors(3, 3, 2), huge = put_ancestors(3, 1 << 30, 1 << 30);
	uint64_t no_id = put_ancestors(3, 3, 3), nowhere = put_ancestors(3, 3, 3);
	fake_go_put(&go, fake_go_get(&go, no_id) + 40 + 24, 0);
	fake_go_put(&go, nowhere, UINT64_MAX - 7);
	fake_go_open(&go);
	ck_assert_uint_eq(read_ancestors(backward).num, 0);
	ck_assert_uint_eq(read_ancestors(huge).num, 0);
	struct go_ancestor_list list = read_ancestors(no_id);
	ck_assert_uint_eq(list.num, 1);
	ck_assert_uint_eq(list.num_more, 2);
	list = read_ancestors(nowhere);
	ck_assert_uint_eq(list.num, 0);
	ck_assert_uint_eq(list.num_more, 3);
	ck_assert_uint_eq(read_ancestors(0).num, 0);
	ck_assert_uint_eq(read_ancestors(UINT64_MAX - 7).num, 0);
	ck_assert_uint_eq(read_ancestors(no_id + 1).num, 0);
}
END_TEST

Suite *go_facts_suite(void)
{
	Suite *suite = suite_create("go_facts");
	TCase *tests = tcase_create("go_facts");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, facts_of_a_program, 0, 2);
	tcase_add_loop_test(tests, many_gcs, 0, 2);
	tcase_add_loop_test(tests, facts_of_garbage, 0, 2);
	tcase_add_loop_test(tests, gc_counts_that_do_not_fit, 0, 4);
	tcase_add_loop_test(tests, labels_as_a_map, 0, 2);
	tcase_add_loop_test(tests, labels_as_a_slice, 0, 2);
	tcase_add_test(tests, damaged_labels);
	tcase_add_test(tests, ancestors_in_order);
	tcase_add_test(tests, damaged_ancestors);
	suite_add_tcase(suite, tests);
	return suite;
}
