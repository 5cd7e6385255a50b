#include "fake_proof.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *go_reach_suite(void);

enum { ID = 50, OTHER_ID = 51, THIRD_ID = 52 };

static struct fake_proof proof;
static struct fake_go *const go = &proof.go;
/* What nothing holds: a channel, its waiter's entry, its waiter. */
static uint64_t channel, sudog, g;

/* Each test runs for 1.19, which does not tell pointers from numbers, and for 1.27. */
static void begin(int i)
{
	fake_proof_init(&proof, i % 2 == 0 ? 19 : 27);
	channel = fake_go_channel(go);
	sudog = fake_go_receiver(go, ID, channel);
	g = go->gs[go->num_gs - 1];
}

static void teardown(void)
{
	fake_proof_deinit(&proof);
}

static void expect(enum go_kept kept)
{
	fake_proof_run(&proof);
	for (uint32_t i = 0; i < proof.reach.obstacles.num; i++)
		fprintf(stderr, "# %s\n", proof.reach.obstacles.items[i]);
	ck_assert(proof.reach.made);
	ck_assert_int_eq(fake_proof_kept(&proof, ID), kept);
}

/* It is one of those that go on. */
static void expect_alive(void)
{
	fake_proof_run(&proof);
	ck_assert(proof.reach.roles != NULL && !fake_proof_is_candidate(&proof, ID));
}

/* Nothing is proved at all, and that is said. */
static void expect_obstacle(const char *words)
{
	fake_proof_run(&proof);
	ck_assert(!proof.reach.made);
	ck_assert_uint_ge(proof.reach.obstacles.num, 1);
	ck_assert_msg(strstr(proof.reach.obstacles.items[0], words) != NULL, "%s",
		      proof.reach.obstacles.items[0]);
	fake_world_expect_gap(&go->world, "proof", true);
}

static uint64_t first_processor(void)
{
	return fake_go_get(go, fake_go_get(go, FAKE_GO_ALLP));
}

/* ---- What is proved ------------------------------------------------------------------------ */

START_TEST(nothing_holds_it)
{
	begin(_i);
	expect(GO_KEPT_BY_NOTHING);
	ck_assert(fake_proof_is_candidate(&proof, ID));
}
END_TEST

/* The sender, the semaphore, the condition: likewise. */
START_TEST(other_waits)
{
	begin(_i);
	uint64_t semaphore = fake_proof_box(&proof), list = fake_proof_box(&proof);
	fake_go_sender(go, OTHER_ID, fake_go_channel(go));
	fake_go_locker(go, THIRD_ID, FAKE_MUTEX_LOCK, semaphore);
	fake_go_cond_waiter(go, 53, list);
	fake_proof_run(&proof);
	for (int64_t id = ID; id <= 53; id++)
		ck_assert_int_eq(fake_proof_kept(&proof, id), GO_KEPT_BY_NOTHING);
	fake_proof_deinit(&proof);
	begin(_i);
	semaphore = fake_proof_box(&proof), list = fake_proof_box(&proof);
	fake_go_locker(go, THIRD_ID, FAKE_MUTEX_LOCK, semaphore);
	fake_go_cond_waiter(go, 53, list);
	fake_proof_point(&proof, FAKE_GLOBAL, semaphore);
	fake_proof_point(&proof, FAKE_GLOBAL + 8, list);
	fake_proof_run(&proof);
	for (int64_t id = THIRD_ID; id <= 53; id++)
		ck_assert_int_eq(fake_proof_kept(&proof, id), GO_KEPT_BY_GLOBAL);
}
END_TEST

/* Two that only each other's frames lead to. */
START_TEST(ring)
{
	begin(_i);
	uint64_t other = fake_go_channel(go), first = fake_go_sender(go, OTHER_ID, other);
	uint64_t box = fake_proof_box(&proof), own = fake_proof_box(&proof);
	fake_go_put(go, first + fake_go_queue_layout(go)->elem, box);
	fake_proof_point(&proof, box, channel);
	fake_go_put(go, sudog + fake_go_queue_layout(go)->elem, own);
	fake_proof_point(&proof, own, other);
	expect(GO_KEPT_BY_NOTHING);
	ck_assert_int_eq(fake_proof_kept(&proof, OTHER_ID), GO_KEPT_BY_NOTHING);
}
END_TEST

/* The runtime's own lists lead to all goroutines and to their entries in queues: neither may keep
 * any. Of 1.19 even the words of numbers count. */
START_TEST(runtime_lists)
{
	begin(_i);
	fake_proof_point(&proof, FAKE_GLOBAL, g);
	fake_proof_point(&proof, FAKE_GLOBAL + 8, sudog);
	expect(GO_KEPT_BY_NOTHING);
}
END_TEST

/* ---- What holds it ------------------------------------------------------------------------- */

START_TEST(by_variable)
{
	begin(_i / 4);
	/* At its begin, into it, at its last byte; a variable without pointers holds nothing. */
	static const uint64_t offs[] = {0, 40, FAKE_GO_CHANNEL_SIZE - 1};
	if (_i % 4 < 3)
		fake_proof_point(&proof, FAKE_GLOBAL, channel + offs[_i % 4]);
	else
		fake_proof_point(&proof, FAKE_PLAIN_GLOBAL, channel);
	expect(_i % 4 < 3 ? GO_KEPT_BY_GLOBAL : GO_KEPT_BY_NOTHING);
}
END_TEST

/* Through objects of each kind. */
START_TEST(by_objects)
{
	begin(_i);
	uint64_t box = fake_proof_box(&proof), large = fake_proof_large(&proof);
	/* Whose bits begin within a byte, of which the rest are not set. */
	uint64_t other = fake_go_channel(go);
	fake_proof_point(&proof, FAKE_GLOBAL, other + 8);
	fake_proof_point(&proof, other + 16, box);
	fake_proof_point(&proof, box + 56, large + 1000);
	fake_proof_point(&proof, large + 1016, channel);
	expect(GO_KEPT_BY_GLOBAL);
}
END_TEST

/* A number that looks like a pointer counts where nothing tells them apart. */
START_TEST(numbers)
{
	begin(_i / 2);
	uint64_t box = fake_proof_box(&proof), plain = fake_proof_plain(&proof);
	fake_proof_point(&proof, FAKE_GLOBAL, box);
	fake_proof_point(&proof, FAKE_GLOBAL + 8, plain);
	fake_proof_point(&proof, box + 8, plain);
	fake_go_put(go, _i % 2 == 0 ? box + 24 : plain + 24, channel);
	expect(_i == 0 ? GO_KEPT_BY_GLOBAL : GO_KEPT_BY_NOTHING);
}
END_TEST

/* Held only in a register of a running thread, a general or a vector one: not so in one of a thread
 * that sleeps without a processor. */
START_TEST(by_register)
{
	begin(_i / 4);
	uint32_t thread = _i % 2 == 0 ? 1 : 2;
	ck_assert_int_eq(go->threads[1].tid, 101);
	ck_assert_int_eq(go->threads[2].tid, 103);
	go->threads[2].asleep = true;
	if (_i % 4 < 2)
		go->threads[thread].bp = channel;
	else
		go->threads[thread].vector = channel;
	expect(thread == 1 ? GO_KEPT_BY_GOROUTINE : GO_KEPT_BY_NOTHING);
}
END_TEST

/* Without a goroutine a thread may run a timer's function: it is awake, or has a processor. */
START_TEST(by_register_without_goroutine)
{
	begin(_i / 2);
	go->threads[2].bp = channel;
	if (_i % 2 == 1) {
		go->threads[2].asleep = true;
		uint64_t m = go->last_m;
		fake_go_put(go, m + (uint64_t)go->layout.m_p,
			    fake_go_get(go, fake_go_get(go, FAKE_GO_ALLP) + 8));
	}
	expect(GO_KEPT_BY_GOROUTINE);
}
END_TEST

/* On the stack of the running goroutine, above its stack pointer. */
START_TEST(by_running_stack)
{
	begin(_i / 2);
	uint64_t sp = go->threads[1].sp;
	fake_go_put(go, _i % 2 == 0 ? sp + 16 : sp - 512, channel);
	expect(_i % 2 == 0 ? GO_KEPT_BY_GOROUTINE : GO_KEPT_BY_NOTHING);
}
END_TEST

/* In the record of a goroutine that goes on, behind what the scheduler saves. */
START_TEST(by_record)
{
	begin(_i);
	fake_go_put(go, go->gs[3] + (uint64_t)go->layout.g_labels, channel);
	expect(GO_KEPT_BY_GOROUTINE);
}
END_TEST

/* A goroutine that panics: no map tells where its stack has pointers. */
START_TEST(by_panicking_stack)
{
	begin(_i);
	uint64_t runnable = go->gs[3], sp = fake_go_get(go, runnable + 56);
	fake_go_put(go, runnable + GO_G_PANIC, sp);
	fake_go_put(go, sp + 24, channel);
	expect(GO_KEPT_BY_GOROUTINE);
}
END_TEST

START_TEST(by_processor)
{
	begin(_i);
	fake_go_put(go, first_processor() + 256, channel);
	expect(GO_KEPT_BY_TIMER);
}
END_TEST

/* By what another waiter would send, which a variable or nothing reaches. */
START_TEST(by_waiting)
{
	begin(_i / 2);
	uint64_t other = fake_go_channel(go), box = fake_proof_box(&proof);
	uint64_t sender = fake_go_sender(go, OTHER_ID, other);
	fake_go_put(go, sender + 24, box);
	fake_go_put(go, sender + fake_go_queue_layout(go)->elem, box);
	fake_proof_point(&proof, box, channel);
	if (_i % 2 == 0)
		fake_proof_point(&proof, FAKE_GLOBAL, other);
	expect(_i % 2 == 0 ? GO_KEPT_BY_WAITING : GO_KEPT_BY_NOTHING);
}
END_TEST

/* A finalizer is handed the object, and holds what it closes over. */
START_TEST(by_finalizer)
{
	begin(_i / 2);
	uint64_t box = fake_proof_box(&proof), closure = fake_proof_box(&proof);
	fake_proof_point(&proof, _i % 2 == 0 ? box : closure, channel);
	fake_proof_special(&proof, box + 16, FAKE_FINALIZER, closure);
	expect(GO_KEPT_BY_GOROUTINE);
	ck_assert_uint_eq(proof.reach.roots.num_finalizers, 1);
}
END_TEST

/* A cleanup is not handed it. */
START_TEST(by_cleanup)
{
	begin(1);
	uint64_t box = fake_proof_box(&proof), closure = fake_proof_box(&proof);
	fake_proof_point(&proof, _i == 0 ? closure : box, channel);
	fake_proof_special(&proof, box, FAKE_CLEANUP, closure);
	expect(_i == 0 ? GO_KEPT_BY_GOROUTINE : GO_KEPT_BY_NOTHING);
	ck_assert_uint_eq(proof.reach.roots.num_cleanups, 1);
}
END_TEST

/* Whoever has the handle may make a pointer of it. */
START_TEST(by_weak_pointer)
{
	begin(1);
	uint64_t handle = fake_proof_box(&proof), box = fake_proof_box(&proof);
	fake_proof_point(&proof, box, channel);
	fake_proof_special(&proof, box, FAKE_WEAK, handle);
	if (_i == 0)
		fake_proof_point(&proof, FAKE_GLOBAL, handle);
	expect(_i == 0 ? GO_KEPT_BY_GLOBAL : GO_KEPT_BY_NOTHING);
}
END_TEST

/* ---- Queued finalizers and cleanups --------------------------------------------------------- */

/* {link, next, count, {function, argument, size, type, type}…}, in no span, which only a variable
 * of the runtime's without pointers leads to. */
static uint64_t put_fin_block(uint32_t count)
{
	uint64_t block = fake_proof_other(&proof, 4096);
	fake_go_put32(go, block + 16, count);
	fake_go_put(go, FAKE_PLAIN_GLOBAL, block);
	return block;
}

static void put_fin(uint64_t block, uint32_t number, uint64_t argument)
{
	uint64_t function = fake_proof_other(&proof, 16);
	fake_go_put(go, function, fake_go_pc(FAKE_WORKER, 0));
	fake_go_put(go, block + 24 + 40 * (uint64_t)number, function);
	fake_go_put(go, block + 32 + 40 * (uint64_t)number, argument);
}

START_TEST(by_queued_finalizer)
{
	begin(_i);
	uint64_t block = put_fin_block(2);
	put_fin(block, 0, fake_proof_box(&proof));
	put_fin(block, 1, channel);
	expect(GO_KEPT_BY_GOROUTINE);
	ck_assert_uint_eq(proof.reach.roots.num_queued, 2);
}
END_TEST

/* Of those that are counted some have run. Memory with a number where a count would be, and zeros
 * behind it, is no queue at all. */
START_TEST(few_are_due)
{
	begin(_i);
	uint64_t block = put_fin_block(5), other = fake_proof_other(&proof, 4096);
	put_fin(block, 3, fake_proof_box(&proof));
	fake_go_put32(go, other + 16, 100);
	fake_go_put(go, FAKE_PLAIN_GLOBAL + 8, other);
	expect(GO_KEPT_BY_NOTHING);
	ck_assert_uint_eq(proof.reach.roots.num_queued, 1);
}
END_TEST

/* {node, …, link, count, {call, function, argument}…} */
START_TEST(by_queued_cleanup)
{
	begin(1);
	uint64_t block = fake_proof_other(&proof, 512), function = fake_proof_other(&proof, 16);
	fake_go_put(go, FAKE_PLAIN_GLOBAL, block);
	fake_go_put32(go, block + 24, 2);
	fake_go_put(go, function, fake_go_pc(FAKE_WORKER, 0));
	fake_go_put(go, block + 32 + 24, fake_go_pc(FAKE_WORKER, 0));
	fake_go_put(go, block + 32 + 32, function);
	fake_go_put(go, block + 32 + 40, channel);
	expect(GO_KEPT_BY_GOROUTINE);
	ck_assert_uint_eq(proof.reach.roots.num_queued, 1);
}
END_TEST

/* ---- What is on its way -------------------------------------------------------------------- */

START_TEST(on_the_way)
{
	const struct fake_queue_layout *layout;
	begin(_i / 8);
	layout = fake_go_queue_layout(go);
	switch (_i % 8) {
	case 0: /* closed: all its waiters will be woken */
		fake_go_put32(go, channel + 28, 1);
		break;
	case 1: /* taken out of the queue by who will wake it */
		fake_go_put(go, channel + layout->receivers, 0);
		fake_go_put(go, channel + layout->receivers + 8, 0);
		break;
	case 2:
		fake_go_put32(go, g + (uint64_t)go->layout.g_status, GO_STATUS_RUNNABLE);
		break;
	case 3: /* a thread has it */
		fake_go_put(go, g + GO_G_M, go->last_m);
		break;
	case 4: /* or has its record in hand, … */
		go->threads[1].bp = g;
		break;
	case 5: /* … or its entry in the queue, on its stack */
		fake_go_put(go, go->threads[1].sp + 16, sudog);
		break;
	case 6: /* it waits for something that the runtime ends */
		*(unsigned char *)fake_go_at(go, g + (uint64_t)go->layout.g_waitreason) =
			FAKE_IO_WAIT;
		break;
	default: /* of an M whose thread is awake */
		go->threads[2].bp = sudog;
		break;
	}
	expect_alive();
}
END_TEST

/* What lies outside of the heap may be anybody's: a variable that may not hold pointers. */
START_TEST(outside)
{
	fake_proof_init(&proof, _i % 2 == 0 ? 19 : 27);
	g = fake_go_waiter(go, ID, FAKE_MUTEX_LOCK);
	fake_go_locker(go, OTHER_ID, FAKE_MUTEX_LOCK, FAKE_PLAIN_GLOBAL);
	fake_proof_run(&proof);
	ck_assert(!fake_proof_is_candidate(&proof, OTHER_ID));
}
END_TEST

/* A bubble of testing/synctest wakes its own. */
START_TEST(in_a_bubble)
{
	begin(1);
	fake_go_put(go, g + 392, fake_proof_box(&proof));
	expect_alive();
}
END_TEST

/* ---- What is missing ----------------------------------------------------------------------- */

START_TEST(obstacles)
{
	static const char *const words[] = {
		"words of reachable memory are not in the core",
		"registers of some threads may be missing",
		"registers of 1 threads that run Go code are not in the core",
		"list of its processors was not found",
		"the stack of a thread that runs was not found",
		"lists of processors or finalizers could not be read",
	};
	begin(_i / 6);
	switch (_i % 6) {
	case 0:
		fake_proof_point(&proof, FAKE_GLOBAL, proof.missing + 70);
		break;
	case 1:
		proof.notes_lost = true;
		break;
	case 2: /* an M at work, whose thread the core lacks */
		fake_go_put(go, fake_go_m(go, 999) + (uint64_t)go->layout.m_p, first_processor());
		break;
	case 3:
		fake_go_put(go, FAKE_GO_ALLP, 0);
		break;
	case 4: /* C made it, and it is not in the core */
		go->threads[1].sp = 0x10000;
		break;
	default: /* a special that leads to nowhere */
		fake_go_put(go, proof.specials[2], 0x1230);
		break;
	}
	expect_obstacle(words[_i % 6]);
}
END_TEST

Suite *go_reach_suite(void)
{
	Suite *suite = suite_create("go_reach");
	TCase *tcase = tcase_create("go_reach");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, nothing_holds_it, 0, 2);
	tcase_add_loop_test(tcase, other_waits, 0, 2);
	tcase_add_loop_test(tcase, ring, 0, 2);
	tcase_add_loop_test(tcase, runtime_lists, 0, 2);
	tcase_add_loop_test(tcase, by_variable, 0, 8);
	tcase_add_loop_test(tcase, by_objects, 0, 2);
	tcase_add_loop_test(tcase, numbers, 0, 4);
	tcase_add_loop_test(tcase, by_register, 0, 8);
	tcase_add_loop_test(tcase, by_register_without_goroutine, 0, 4);
	tcase_add_loop_test(tcase, by_running_stack, 0, 4);
	tcase_add_loop_test(tcase, by_record, 0, 2);
	tcase_add_loop_test(tcase, by_panicking_stack, 0, 2);
	tcase_add_loop_test(tcase, by_processor, 0, 2);
	tcase_add_loop_test(tcase, by_waiting, 0, 4);
	tcase_add_loop_test(tcase, by_finalizer, 0, 4);
	tcase_add_loop_test(tcase, by_cleanup, 0, 2);
	tcase_add_loop_test(tcase, by_weak_pointer, 0, 2);
	tcase_add_loop_test(tcase, by_queued_finalizer, 0, 2);
	tcase_add_loop_test(tcase, few_are_due, 0, 2);
	tcase_add_test(tcase, by_queued_cleanup);
	tcase_add_loop_test(tcase, on_the_way, 0, 16);
	tcase_add_loop_test(tcase, outside, 0, 2);
	tcase_add_test(tcase, in_a_bubble);
	tcase_add_loop_test(tcase, obstacles, 0, 12);
	suite_add_tcase(suite, tcase);
	return suite;
}
