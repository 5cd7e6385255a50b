#include "fake_go_queues.h"
#include "reason/go_holders.h"

#include <check.h>

Suite *go_waits_suite(void);

enum { MAX_TASKS = 32, PARKED_SIZE = 24 + 8 };

static struct fake_go go;
static struct go_queues queues;
static struct go_facts facts;
static struct go_waits waits;
static struct coreleaks_frame frames[6];
static struct coreleaks_stack stack;
static uint32_t by_task[MAX_TASKS];
static const struct fake_queue_layout *layout;

/* Tests run for the oldest and the newest layout. */
static void begin(int i)
{
	fake_go_init(&go, i % 2 == 0 ? 19 : 27, i % 2 == 0 ? "go1.19.8" : "go1.27.4");
	fake_go_program(&go);
	layout = fake_go_queue_layout(&go);
	stack = (struct coreleaks_stack){.frames = frames};
}

static void teardown(void)
{
	fake_go_deinit(&go);
}

/* All tasks have this stack; cfas count from the stack pointer. */
static void put_frame(const char *function, uint64_t cfa)
{
	frames[stack.num_frames++] =
		(struct coreleaks_frame){.function = function, .sp = 0x1000, .cfa = 0x1000 + cfa};
}

static void open_waits(void)
{
	struct fake_world *world = &go.world;
	static struct stacks stacks;
	fake_go_open(&go);
	ck_assert_uint_le(go.tasks.list.num, MAX_TASKS);
	stacks = (struct stacks){.list = {&stack, 1, 1}, .by_task = by_task};
	go_queues_build(&queues, &world->arena, &world->gaps, &go.runtime, &go.goroutines,
			&go.tasks, &go.spans, world->image);
	go_facts_build(&facts, &go.runtime, &go.goroutines, &go.spans, world->image);
	const struct go_waits_input input = {
		.runtime = &go.runtime,
		.goroutines = &go.goroutines,
		.spans = &go.spans,
		.queues = &queues,
		.facts = &facts,
		.tasks = &go.tasks,
		.stacks = &stacks,
		.image = world->image,
	};
	go_waits_build(&waits, &world->arena, &world->gaps, &input);
	go_holders_find(&waits, &world->gaps, &world->progress);
}

static struct go_wait wait_of(int64_t id)
{
	const struct goroutine *goroutine = fake_go_goroutine(&go, id);
	return go_waits_of(&waits, (uint32_t)(goroutine - go.goroutines.list.items));
}

/* ---- Channels ---- */

START_TEST(a_channel)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go);
	fake_go_put(&go, channel, 3);
	fake_go_put(&go, channel + 8, 3);
	*(unsigned char *)fake_go_at(&go, channel + 24) = 8;
	fake_go_sender(&go, 51, channel);
	fake_go_sender(&go, 52, channel);
	open_waits();
	struct go_wait wait = wait_of(51);
	ck_assert_ptr_nonnull(wait.object);
	ck_assert_str_eq(wait.object->kind, "channel");
	ck_assert_uint_eq(wait.object->addr, channel);
	ck_assert(wait.object->known && wait.object->queues_known && !wait.object->closed);
	ck_assert_uint_eq(wait.object->capacity, 3);
	ck_assert_uint_eq(wait.object->length, 3);
	ck_assert_uint_eq(wait.object->element_size, 8);
	ck_assert_uint_eq(wait.object->num_senders, 2);
	ck_assert_uint_eq(wait.object->num_receivers, 0);
	ck_assert_uint_eq(wait.object->num_waiters, 2);
	ck_assert_uint_eq(wait.num_cases, 1);
	ck_assert(wait.cases[0].send && wait.cases[0].queued);
	ck_assert(!wait.is_select && !wait.waking && !wait.timed);
	ck_assert_ptr_eq(wait_of(52).object, wait.object);
}
END_TEST

/* More in it than fits, or unreadable: nothing is said of it. */
START_TEST(a_broken_channel)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go);
	uint64_t sudog = fake_go_receiver(&go, 51, channel);
	if (_i < 2)
		fake_go_put(&go, channel, 1);
	else
		fake_go_put(&go, sudog + layout->channel, 0x123450);
	open_waits();
	ck_assert(!wait_of(51).object->known);
}
END_TEST

/* The queue has let go of it: what it waits for is said, and that it will not for long. */
START_TEST(waking)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go);
	fake_go_sender(&go, 51, channel);
	fake_go_put(&go, channel + layout->senders, 0);
	fake_go_put(&go, channel + layout->senders + 8, 0);
	open_waits();
	struct go_wait wait = wait_of(51);
	ck_assert(wait.waking);
	ck_assert_uint_eq(wait.object->addr, channel);
	ck_assert(wait.cases[0].send && !wait.cases[0].queued);
}
END_TEST

/* ---- Selects ---- */

enum { CALLER_OFF = 0x100 };

/* A goroutine in a select of receives from nil, first and second, which sends to third; as the
 * compiler lays it out: sends first, receives backwards. */
static uint64_t put_select(const uint64_t *channels)
{
	uint64_t g = fake_go_waiter(&go, 51, FAKE_SELECT), before = 0;
	const struct range range = {fake_go_get(&go, g), fake_go_get(&go, g + 8)};
	uint64_t sp = range.high - 0x400, cases = sp + CALLER_OFF + 0x60, order = sp + 0x200;
	put_frame("runtime.gopark", PARKED_SIZE);
	put_frame("runtime.selectgo", CALLER_OFF);
	put_frame("main.worker", 0x300);
	fake_go_put(&go, g + 56, sp);
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t sudog = fake_go_sudog(&go, g);
		*(unsigned char *)fake_go_at(&go, sudog + layout->select) = 1;
		fake_go_put(&go, before != 0 ? before + layout->waitlink : g + layout->waiting,
			    sudog);
		fake_go_put(&go, sudog + layout->elem, 0xe000 + i);
		fake_go_enqueue(&go, channels[i], sudog, i == 2);
		before = sudog;
	}
	fake_go_put(&go, cases, channels[2]);
	fake_go_put(&go, cases + 8, 0xe002);
	fake_go_put(&go, cases + 16, channels[1]);
	fake_go_put(&go, cases + 24, 0xe001);
	fake_go_put(&go, cases + 32, channels[0]);
	fake_go_put(&go, cases + 40, 0xe000);
	fake_go_put(&go, cases + 48, 0);
	fake_go_put(&go, sp + CALLER_OFF, cases);
	fake_go_put(&go, sp + CALLER_OFF + 8, order);
	fake_go_put(&go, sp + CALLER_OFF + 24, 1);
	fake_go_put(&go, sp + 0x80, 4);
	fake_go_put(&go, sp + 0x88, order + 8);
	return sp;
}

static void make_channels(uint64_t *channels)
{
	for (uint32_t i = 0; i < 3; i++)
		channels[i] = fake_go_channel(&go);
}

START_TEST(a_select)
{
	uint64_t channels[3];
	begin(_i);
	make_channels(channels);
	put_select(channels);
	open_waits();
	struct go_wait wait = wait_of(51);
	ck_assert(wait.is_select && wait.cases_ordered);
	ck_assert_uint_eq(wait.num_cases, 4);
	ck_assert_uint_eq(wait.cases[0].channel->addr, channels[2]);
	ck_assert(wait.cases[0].send);
	ck_assert_ptr_null(wait.cases[1].channel);
	ck_assert_uint_eq(wait.cases[2].channel->addr, channels[0]);
	ck_assert_uint_eq(wait.cases[3].channel->addr, channels[1]);
	ck_assert(!wait.cases[1].send && !wait.cases[2].send && wait.cases[2].queued);
	ck_assert_uint_eq(wait.object->addr, channels[2]);
}
END_TEST

/* Cases that do not fit the queues, or cannot be found: the queues alone are believed. */
START_TEST(select_without_order)
{
	uint64_t channels[3];
	begin(_i);
	make_channels(channels);
	uint64_t sp = put_select(channels), cases = fake_go_get(&go, sp + CALLER_OFF);
	switch (_i / 2) {
	case 0: /* another channel */
		fake_go_put(&go, cases + 16, channels[0]);
		break;
	case 1: /* one of them sends in the queue */
		fake_go_put(&go, sp + CALLER_OFF + 24, 2);
		break;
	case 2: /* the array cannot be read */
		fake_go_put(&go, sp + CALLER_OFF, UINT64_MAX - 15);
		break;
	case 3: /* fewer cases than entries */
		fake_go_put(&go, sp + 0x80, 2);
		fake_go_put(&go, sp + 0x88, fake_go_get(&go, sp + CALLER_OFF + 8) + 4);
		break;
	case 4: /* very many */
		fake_go_put(&go, sp + 0x80, UINT64_MAX / 2);
		fake_go_put(&go, sp + 0x88, fake_go_get(&go, sp + CALLER_OFF + 8) - 2);
		break;
	default: /* a nil channel in the place of one that it waits for */
		fake_go_put(&go, cases + 16, 0);
		break;
	}
	open_waits();
	struct go_wait wait = wait_of(51);
	ck_assert(wait.is_select && !wait.cases_ordered);
	ck_assert_uint_eq(wait.num_cases, 3);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(wait.cases[i].channel->addr, channels[i]);
}
END_TEST

/* ---- Locks ---- */

static const struct coreleaks_go_object *lock_at(const char *function, uint64_t semaphore)
{
	put_frame("runtime.gopark", PARKED_SIZE);
	put_frame("sync.runtime_Semacquire", 0x80);
	put_frame(function, 0x100);
	put_frame("main.worker", 0x200);
	fake_go_locker(&go, 51, FAKE_SEMACQUIRE, semaphore);
	open_waits();
	return wait_of(51).object;
}

START_TEST(locks)
{
	static const struct {
		const char *function, *kind;
		uint32_t off;
		uint32_t words[6];
	} rows[] = {
		{"sync.(*Mutex).lockSlow", "go-mutex", 4, {1 | 4 | 3 << 3, 0}},
		{"sync.(*WaitGroup).Wait", "waitgroup", 8, {0x80000001, 2, 0}},
		{"sync.(*RWMutex).RLock", "go-rwmutex", 12, {1, 0, 0, 0, 0xc0000002, 0}},
		{"sync.(*RWMutex).Lock", "go-rwmutex", 8, {1, 0, 0, 0, 0xc0000002, 2}},
		{"internal/poll.(*fdMutex).rwlock", "semaphore", 0, {0}},
	};
	begin(_i);
	const uint64_t lock = FAKE_GO_HEAP + 0x9000;
	uint32_t row = (uint32_t)_i / 2;
	for (uint32_t i = 0; i < 6; i++)
		fake_go_put32(&go, lock + 4 * i, rows[row].words[i]);
	const struct coreleaks_go_object *object =
		lock_at(rows[row].function, lock + rows[row].off);
	ck_assert_str_eq(object->kind, rows[row].kind);
	ck_assert_uint_eq(object->addr, lock);
	ck_assert(object->known && !object->is_channel);
	ck_assert_int_eq(object->locked, row == 0 || row == 2);
	ck_assert_int_eq(object->starving, row == 0);
	ck_assert_uint_eq(object->num_counted, row == 0 ? 3 : row == 1 ? 1 : 0);
	ck_assert_int_eq(object->counter, row == 1 ? 2 : 0);
	ck_assert_int_eq(object->writer_waits, row == 3);
	ck_assert_uint_eq(object->num_readers, row == 3 ? 2 : 0);
}
END_TEST

/* A word that would be before the begin of memory. */
START_TEST(lock_at_zero)
{
	begin(_i);
	const struct coreleaks_go_object *object = lock_at("sync.(*RWMutex).RLock", 4);
	ck_assert(!object->known);
}
END_TEST

/* ---- Descriptors and sleep ---- */

enum { POLL = FAKE_GO_GLOBALS_END + 0x100 }; /* outside of the heap */

static uint64_t put_poll(uint64_t poll, bool writes, int64_t deadline)
{
	uint64_t g = fake_go_waiter(&go, 51, FAKE_IO_WAIT);
	uint64_t rg = go.layout.minor == 19 ? 24 : 32;
	fake_go_put(&go, poll + 8, 7);
	fake_go_put(&go, poll + rg + (writes ? 8 : 0), g);
	fake_go_put(&go,
		    poll + (go.layout.minor == 19 ? (writes ? 224 : 136) : (writes ? 280 : 168)),
		    (uint64_t)deadline);
	fake_go_put(&go, fake_go_get(&go, g + 56) + 40, poll);
	return g;
}

START_TEST(descriptors)
{
	begin(_i);
	bool writes = _i / 2 == 1;
	put_poll(POLL, writes, writes ? INT64_C(160000000000) : _i / 2 == 2 ? -1 : 0);
	open_waits();
	struct go_wait wait = wait_of(51);
	ck_assert_int_eq(wait.fd, 7);
	ck_assert_int_eq(wait.writes, writes);
	ck_assert_int_eq(wait.timed, writes);
	if (writes)
		ck_assert_int_eq(wait.left_ns, INT64_C(160000000000) - facts.now_ns);
}
END_TEST

/* What lies in the heap or on its own stack is no pollDesc, whatever it looks like. */
START_TEST(no_descriptor)
{
	begin(_i);
	if (_i < 2) {
		put_poll(fake_go_alloc(&go, 512), false, 0);
	} else {
		uint64_t g = put_poll(POLL, false, 0);
		fake_go_put(&go, POLL + 8, UINT64_C(1) << 40);
		fake_go_put(&go, fake_go_get(&go, g + 56) + 48, UINT64_MAX - 7);
	}
	open_waits();
	ck_assert_int_eq(wait_of(51).fd, -1);
}
END_TEST

START_TEST(sleepers)
{
	begin(_i);
	uint64_t g = fake_go_waiter(&go, 51, FAKE_SLEEP), timer = fake_go_alloc(&go, 96);
	fake_go_put(&go, g + (uint64_t)go.layout.g_labels + 8, timer);
	fake_go_put(&go, timer + (go.layout.minor == 19 ? 8 : 24),
		    _i < 2 ? UINT64_C(160000000000) : UINT64_MAX);
	open_waits();
	struct go_wait wait = wait_of(51);
	ck_assert_int_eq(wait.timed, _i < 2);
	if (_i < 2)
		ck_assert_int_eq(wait.when_ns, INT64_C(160000000000));
}
END_TEST

/* ---- Candidates ---- */

/* Another goroutine has the channel's address on its stack, one below where it stands; the waiter's
 * own does not count. */
START_TEST(candidates)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go);
	uint64_t sudog = fake_go_receiver(&go, 51, channel);
	uint64_t sleeper = fake_go_waiter(&go, 52, FAKE_SLEEP);
	uint64_t dead = fake_go_waiter(&go, 53, FAKE_SLEEP);
	put_frame("runtime.gopark", PARKED_SIZE);
	put_frame("main.worker", 0x300);
	fake_go_put(&go, fake_go_get(&go, fake_go_get(&go, sudog) + 56) + 48, channel);
	fake_go_put(&go, fake_go_get(&go, sleeper + 56) + 48, channel);
	fake_go_put(&go, fake_go_get(&go, dead + 56) - 16, channel);
	open_waits();
	const struct coreleaks_go_object *object = wait_of(51).object;
	ck_assert(object->candidates_known);
	ck_assert_uint_eq(object->num_candidates, 1);
	ck_assert_uint_eq(object->num_all_candidates, 1);
	ck_assert_int_eq(go.tasks.list.items[object->candidates[0].task].id, 52);
	ck_assert_str_eq(object->candidates[0].frame->function, "main.worker");
}
END_TEST

/* ---- Damage ---- */

static uint64_t seed;

static uint64_t next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed >> 33;
}

/* A word of the heap or of the stacks. */
static uint64_t random_addr(void)
{
	return next_random() % 2 == 0
		       ? FAKE_GO_HEAP + next_random() % (FAKE_GO_HEAP_SIZE / 8) * 8
		       : FAKE_GO_STACKS + next_random() % (16 * FAKE_GO_STACK_SIZE / 8) * 8;
}

/* Whatever the queues, locks and stacks hold: it ends, and every index is one. */
START_TEST(random_damage)
{
	static const uint64_t odd[] = {0, 1, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63, 0x1000};
	uint64_t channels[3];
	begin(_i);
	seed = (uint64_t)_i * 7919 + 1;
	make_channels(channels);
	put_select(channels);
	for (int64_t id = 60; id < 63; id++) {
		fake_go_locker(&go, id, FAKE_MUTEX_LOCK, FAKE_GO_HEAP + 0xe004);
		fake_go_cond_waiter(&go, id + 10, FAKE_GO_HEAP + 0xe100);
		fake_go_receiver(&go, id + 20, channels[0]);
	}
	put_poll(POLL, false, 0);
	uint64_t sudogs = FAKE_GO_HEAP + FAKE_GO_HEAP_SIZE - 0x4000;
	for (uint64_t num = 1 + next_random() % 200; num > 0; num--) {
		/* Half of it in the queues' entries. */
		uint64_t at =
			next_random() % 2 == 0 ? sudogs + next_random() % 150 * 8 : random_addr();
		uint64_t value = next_random() % 3 == 0	  ? odd[next_random() % 6]
				 : next_random() % 2 == 0 ? sudogs + next_random() % 12 * 112
							  : fake_go_get(&go, random_addr());
		fake_go_put(&go, at, value);
	}
	open_waits();
	for (uint32_t i = 0; i < go.goroutines.list.num; i++) {
		const struct go_wait wait = go_waits_of(&waits, i);
		ck_assert(wait.object == NULL ||
			  (uint64_t)(wait.object - waits.objects) < waits.num_objects);
		for (uint32_t k = 0; k < wait.num_cases; k++)
			ck_assert(wait.cases[k].channel == NULL ||
				  (uint64_t)(wait.cases[k].channel - waits.objects) <
					  waits.num_objects);
	}
	ck_assert_uint_lt(go.world.arena.used_size, UINT64_C(64) << 20);
}
END_TEST

Suite *go_waits_suite(void)
{
	Suite *suite = suite_create("go_waits");
	TCase *tcase = tcase_create("go_waits");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, a_channel, 0, 2);
	tcase_add_loop_test(tcase, a_broken_channel, 0, 4);
	tcase_add_loop_test(tcase, waking, 0, 2);
	tcase_add_loop_test(tcase, a_select, 0, 2);
	tcase_add_loop_test(tcase, select_without_order, 0, 12);
	tcase_add_loop_test(tcase, locks, 0, 10);
	tcase_add_loop_test(tcase, lock_at_zero, 0, 2);
	tcase_add_loop_test(tcase, descriptors, 0, 6);
	tcase_add_loop_test(tcase, no_descriptor, 0, 4);
	tcase_add_loop_test(tcase, sleepers, 0, 4);
	tcase_add_loop_test(tcase, candidates, 0, 2);
	tcase_add_loop_test(tcase, random_damage, 0, 120);
	suite_add_tcase(suite, tcase);
	return suite;
}
