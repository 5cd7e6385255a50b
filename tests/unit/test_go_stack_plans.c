#include "fake_go.h"
#include "proof/go_stack_plans.h"

#include <check.h>
#include <string.h>

Suite *go_stack_plans_suite(void);

/* A stack of three frames: a worker's with 104 bytes, main's with 40, and the outermost. */
enum { SP = 0x1000, WORKER_CFA = SP + 112, MAIN_CFA = WORKER_CFA + 48, TOP_CFA = MAIN_CFA + 8 };
enum { STACK_ID = 2, NUM_STACKS = 4, NUM_FRAMES = 3 };

static struct fake_go go;
static struct arena arena;
static struct go_stack_maps maps;
static struct go_stack_plans plans;
static struct raw_frame frames[NUM_FRAMES];

/* Bits of the last three words of the locals, and of two of arguments. */
static const uint8_t locals[] = {0x05}, args[] = {0x02};
static const struct go_stack_object objects[] = {{-64, 24}, {-40, 0}, {8, 8}};

static struct go_frame_map *map_at(uint64_t pc)
{
	go_stack_maps_at(&maps, pc);
	return &maps.maps.items[addresses_find(&maps.pcs, pc)];
}

static void setup(void)
{
	fake_go_init(&go, 27, "go1.27.4");
	fake_go_program(&go);
	fake_go_open(&go);
	arena_init(&arena, 0);
	go_stack_maps_init(&maps, &arena, go.world.image, &go.runtime.tables);
	go_stack_plans_init(&plans, &arena, &maps, NUM_STACKS);
	frames[0] = (struct raw_frame){
		.pc = fake_go_pc(FAKE_WORKER, 0x20), .sp = SP, .cfa = WORKER_CFA};
	frames[1] = (struct raw_frame){
		.pc = fake_go_pc(FAKE_MAIN, 0x30), .sp = WORKER_CFA, .cfa = MAIN_CFA};
	frames[2] = (struct raw_frame){
		.pc = fake_go_pc(FAKE_GOEXIT, 1), .sp = MAIN_CFA, .cfa = TOP_CFA};
	*map_at(frames[0].pc) = (struct go_frame_map){.known = true,
						      .num_locals = 3,
						      .locals = locals,
						      .num_args = 2,
						      .args = args,
						      .objects = objects,
						      .num_objects = 3};
	*map_at(frames[1].pc) = (struct go_frame_map){
		.known = true, .num_locals = 1, .locals = args, .num_args = 0};
	*map_at(frames[2].pc) = (struct go_frame_map){.known = true};
}

static void teardown(void)
{
	arena_deinit(&arena);
	fake_go_deinit(&go);
}

static const struct go_stack_plan *learn_twice(void)
{
	go_stack_plans_learn(&plans, STACK_ID, frames, NUM_FRAMES);
	go_stack_plans_learn(&plans, STACK_ID, frames, NUM_FRAMES);
	return go_stack_plans_find(&plans, STACK_ID);
}

START_TEST(second_of_its_kind)
{
	ck_assert_ptr_null(go_stack_plans_find(&plans, STACK_ID));
	go_stack_plans_learn(&plans, STACK_ID, frames, NUM_FRAMES);
	ck_assert_ptr_null(go_stack_plans_find(&plans, STACK_ID));
	go_stack_plans_learn(&plans, STACK_ID, frames, NUM_FRAMES);
	ck_assert_ptr_nonnull(go_stack_plans_find(&plans, STACK_ID));
	ck_assert_ptr_null(go_stack_plans_find(&plans, STACK_ID + 1));
	ck_assert_ptr_null(go_stack_plans_find(&plans, NUM_STACKS));
	go_stack_plans_learn(&plans, NUM_STACKS, frames, NUM_FRAMES);
}
END_TEST

START_TEST(where_pointers_are)
{
	const struct go_stack_plan *plan = learn_twice();
	ck_assert_uint_eq(plan->size, TOP_CFA - SP);
	/* The worker's locals end below its return address and saved frame pointer. */
	ck_assert_uint_eq(plan->num_pointers, 3);
	ck_assert_uint_eq(plan->pointers[0], 112 - 16 - 24);
	ck_assert_uint_eq(plan->pointers[1], 112 - 16 - 8);
	ck_assert_uint_eq(plan->pointers[2], 112 + 8);
	ck_assert_uint_eq(plan->num_objects, 2);
	ck_assert_uint_eq(plan->objects[0].low, 112 - 16 - 64);
	ck_assert_uint_eq(plan->objects[0].high, 112 - 16 - 40);
	ck_assert_uint_eq(plan->objects[1].low, 112 + 8);
	ck_assert_uint_eq(plan->objects[1].high, 112 + 16);
	ck_assert_uint_eq(plan->num_returns, 2);
	ck_assert_uint_eq(plan->returns[0].off, 104);
	ck_assert_uint_eq(plan->returns[0].pc, frames[1].pc);
	ck_assert_uint_eq(plan->returns[1].off, 152);
	ck_assert_uint_eq(plan->returns[1].pc, frames[2].pc);
}
END_TEST

/* What would make it lie: a stack that is taken for another, whose pointers are elsewhere. */
START_TEST(fits_only_the_same_return_addresses)
{
	const struct go_stack_plan *plan = learn_twice();
	unsigned char bytes[TOP_CFA - SP];
	memset(bytes, 0x5a, sizeof(bytes));
	memcpy(bytes + 104, &frames[1].pc, 8);
	memcpy(bytes + 152, &frames[2].pc, 8);
	ck_assert(go_stack_plan_fits(plan, frames[0].pc, bytes));
	ck_assert(!go_stack_plan_fits(plan, frames[0].pc + 1, bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bool counts = (i >= 104 && i < 112) || (i >= 152 && i < 160);
		bytes[i] ^= 1;
		ck_assert_int_eq(go_stack_plan_fits(plan, frames[0].pc, bytes), !counts);
		bytes[i] ^= 1;
	}
}
END_TEST

START_TEST(none_where_maps_are_missing)
{
	map_at(frames[_i].pc)->known = false;
	ck_assert_ptr_null(learn_twice());
}
END_TEST

START_TEST(none_of_interrupted_frames)
{
	map_at(frames[_i].pc)->interrupted = true;
	ck_assert_ptr_null(learn_twice());
}
END_TEST

/* There the end was a word of the stack: 0 for a caller. */
START_TEST(none_without_an_outermost_function)
{
	go_stack_plans_learn(&plans, STACK_ID, frames, 2);
	go_stack_plans_learn(&plans, STACK_ID, frames, 2);
	ck_assert_ptr_null(go_stack_plans_find(&plans, STACK_ID));
	go_stack_plans_learn(&plans, 1, frames, 0);
	go_stack_plans_learn(&plans, 1, frames, 0);
	ck_assert_ptr_null(go_stack_plans_find(&plans, 1));
}
END_TEST

START_TEST(none_of_large_stacks)
{
	frames[1].cfa += 1 << 20;
	frames[2].sp += 1 << 20;
	frames[2].cfa += 1 << 20;
	ck_assert_ptr_null(learn_twice());
}
END_TEST

Suite *go_stack_plans_suite(void)
{
	Suite *suite = suite_create("go_stack_plans");
	TCase *tests = tcase_create("go_stack_plans");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, second_of_its_kind);
	tcase_add_test(tests, where_pointers_are);
	tcase_add_test(tests, fits_only_the_same_return_addresses);
	tcase_add_loop_test(tests, none_where_maps_are_missing, 0, NUM_FRAMES);
	tcase_add_loop_test(tests, none_of_interrupted_frames, 0, NUM_FRAMES);
	tcase_add_test(tests, none_without_an_outermost_function);
	tcase_add_test(tests, none_of_large_stacks);
	suite_add_tcase(suite, tests);
	return suite;
}
