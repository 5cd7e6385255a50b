/* Two threads mark what 100 objects lead to: whoever has nothing to do is given a part. */
#include "fake_proof.h"
#include "proof/go_mark.h"

#include <check.h>
#include <sched.h>

Suite *go_mark_suite(void);

enum { NUM_FIRST = 100, NUM_THREADS = 2 };

static struct fake_proof proof;
static struct fake_go *const go = &proof.go;
static uint64_t first[NUM_FIRST], second[NUM_FIRST];
static struct go_marker marker;
static uint64_t num_marked[NUM_THREADS];

/* Each of the first leads to one of the second. */
static void begin(int i)
{
	fake_proof_init(&proof, i == 0 ? 19 : 27);
	for (uint32_t k = 0; k < NUM_FIRST; k++) {
		first[k] = fake_proof_box(&proof);
		second[k] = fake_proof_box(&proof);
		fake_proof_point(&proof, first[k] + 8, second[k]);
	}
	fake_proof_run(&proof);
	go_marker_init(&marker, &go->world.arena, go->world.image, &go->spans, &proof.reach.layout,
		       false);
	go_marker_begin(&marker);
}

static void teardown(void)
{
	fake_proof_deinit(&proof);
}

/* The first thread finds everything, and waits until the other one has asked for some of it. */
static void work(struct work_pool *pool, struct arena *arena, void *data, unsigned index)
{
	struct go_marker own;
	struct image *image = arena_alloc(arena, sizeof(*image));
	(void)data;
	image_init(image, go->world.image->dump, go->world.image->modules);
	go_marker_init_beside(&own, &marker, arena, image, pool);
	for (uint32_t i = 0; index == 0 && i < NUM_FIRST; i++)
		go_marker_pointer(&own, 0, first[i]);
	while (index == 0 && !work_pool_is_hungry(pool))
		sched_yield();
	do {
		while (go_marker_drain(&own, 1))
			continue;
	} while (go_marker_help(&own));
	num_marked[index] = own.num_marked;
}

START_TEST(two_threads)
{
	begin(_i);
	work_pool_run(&go->world.arena, NUM_THREADS, work, NULL);
	for (uint32_t i = 0; i < NUM_FIRST; i++) {
		struct go_object object;
		ck_assert(go_marker_find(&marker, first[i], &object));
		ck_assert(go_marker_is_marked(&marker, object));
		ck_assert(go_marker_find(&marker, second[i], &object));
		ck_assert(go_marker_is_marked(&marker, object));
	}
	/* Each once, by one of the two. */
	ck_assert_uint_eq(num_marked[0] + num_marked[1], 2 * NUM_FIRST);
}
END_TEST

Suite *go_mark_suite(void)
{
	Suite *suite = suite_create("go_mark");
	TCase *tests = tcase_create("go_mark");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_loop_test(tests, two_threads, 0, 2);
	suite_add_tcase(suite, tests);
	return suite;
}
