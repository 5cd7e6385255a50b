#include "fake_go_queues.h"
#include "task/go_queues.h"

#include <check.h>

Suite *go_queues_suite(void);

static struct fake_go go;
static struct go_queues queues;
static const struct fake_queue_layout *layout;

/* Tests run for the oldest and the newest layout. */
static void begin(int i)
{
	fake_go_init(&go, i % 2 == 0 ? 19 : 27, i % 2 == 0 ? "go1.19.8" : "go1.27.4");
	fake_go_program(&go);
	layout = fake_go_queue_layout(&go);
}

static void teardown(void)
{
	fake_go_deinit(&go);
}

static void build_queues(void)
{
	ck_assert(go.spans.known);
	go_queues_build(&queues, &go.world.arena, &go.world.gaps, &go.runtime, &go.goroutines,
			&go.tasks, &go.spans, go.world.image);
}

static void open_queues(void)
{
	fake_go_open(&go);
	build_queues();
}

static const struct go_queue_entries *entries_of(int64_t id)
{
	const struct goroutine *goroutine = fake_go_goroutine(&go, id);
	return &queues.of[goroutine - go.goroutines.list.items];
}

static const struct go_sudog *entry(int64_t id, uint32_t number)
{
	const struct go_queue_entries *entries = entries_of(id);
	ck_assert_uint_lt(number, entries->num);
	return &queues.sudogs.items[entries->first + number];
}

static const struct go_sudog *only_entry(int64_t id)
{
	ck_assert_uint_eq(entries_of(id)->num, 1);
	ck_assert(entries_of(id)->known);
	return entry(id, 0);
}

static const struct go_queue_object *object_at(uint64_t addr)
{
	uint32_t number = addresses_find(&queues.object_numbers, addr);
	ck_assert_uint_ne(number, UINT32_MAX);
	ck_assert_uint_eq(queues.objects.items[number].addr, addr);
	return &queues.objects.items[number];
}

/* ---- Channels ---- */

START_TEST(one_channel)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go);
	for (int64_t id = 51; id <= 53; id++)
		fake_go_receiver(&go, id, channel);
	uint64_t full = fake_go_channel(&go);
	uint64_t sudog = fake_go_sender(&go, 54, full);
	fake_go_put(&go, sudog + layout->elem, 0xabc0);
	open_queues();
	for (int64_t id = 51; id <= 53; id++) {
		const struct go_sudog *receiver = only_entry(id);
		ck_assert_int_eq(receiver->queue, GO_QUEUE_CHANNEL);
		ck_assert_uint_eq(receiver->object_addr, channel);
		ck_assert(receiver->linked && !receiver->send && !receiver->closed);
		ck_assert(!receiver->is_select);
	}
	ck_assert_uint_eq(object_at(channel)->num_receivers, 3);
	ck_assert_uint_eq(object_at(channel)->num_senders, 0);
	ck_assert(object_at(channel)->readable && !object_at(channel)->damaged);
	const struct go_sudog *sender = only_entry(54);
	ck_assert(sender->linked && sender->send);
	ck_assert_uint_eq(sender->elem_addr, 0xabc0);
	ck_assert_uint_eq(object_at(full)->num_senders, 1);
	ck_assert_uint_eq(addresses_find(&queues.sudog_numbers, sudog),
			  (uint32_t)(sender - queues.sudogs.items));
	/* Those that wait for nothing of the kind; a running one's is not read. */
	ck_assert(entries_of(17)->known && entries_of(17)->num == 0);
	ck_assert(!entries_of(33)->known && entries_of(33)->num == 0);
	ck_assert_ptr_null(fake_go_gap(&go, "go-queues"));
}
END_TEST

/* Both sides of one channel and a second: three entries of one goroutine. */
START_TEST(a_select)
{
	begin(_i);
	uint64_t one = fake_go_channel(&go), two = fake_go_channel(&go), sudogs[3];
	uint64_t g = fake_go_waiter(&go, 51, FAKE_SELECT);
	for (uint32_t i = 0; i < 3; i++) {
		sudogs[i] = fake_go_sudog(&go, g);
		*(unsigned char *)fake_go_at(&go, sudogs[i] + layout->select) = 1;
		fake_go_put(&go, i == 0 ? g + layout->waiting : sudogs[i - 1] + layout->waitlink,
			    sudogs[i]);
	}
	fake_go_enqueue(&go, one, sudogs[0], false);
	fake_go_enqueue(&go, one, sudogs[1], true);
	fake_go_receiver(&go, 52, one);
	fake_go_enqueue(&go, two, sudogs[2], true);
	open_queues();
	ck_assert_uint_eq(entries_of(51)->num, 3);
	ck_assert(entries_of(51)->known);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(entry(51, i)->object_addr, i == 2 ? two : one);
		ck_assert(entry(51, i)->linked && entry(51, i)->is_select);
		ck_assert_int_eq(entry(51, i)->send, i > 0);
	}
	ck_assert_uint_eq(object_at(one)->num_receivers, 2);
	ck_assert_uint_eq(object_at(one)->num_senders, 1);
	ck_assert_uint_eq(object_at(two)->num_senders, 1);
}
END_TEST

/* Its wake-up is under way: the goroutine has not run since, the channel has forgotten it. */
START_TEST(in_flight)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go);
	fake_go_receiver(&go, 51, channel);
	fake_go_put(&go, channel + layout->receivers, 0);
	fake_go_put(&go, channel + layout->receivers + 8, 0);
	fake_go_put32(&go, channel + 28, 1);
	open_queues();
	ck_assert(!only_entry(51)->linked && only_entry(51)->closed);
	ck_assert(object_at(channel)->readable && !object_at(channel)->damaged);
	ck_assert_uint_eq(object_at(channel)->num_receivers, 0);
}
END_TEST

/* Entries of goroutines that do not wait any more are counted apart. */
START_TEST(woken_meanwhile)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go);
	uint64_t woken = fake_go_get(&go, fake_go_receiver(&go, 51, channel));
	fake_go_receiver(&go, 52, channel);
	fake_go_put32(&go, woken + (uint64_t)go.layout.g_status, GO_STATUS_RUNNABLE);
	open_queues();
	ck_assert(!entries_of(51)->known);
	ck_assert(only_entry(52)->linked);
	ck_assert_uint_eq(object_at(channel)->num_receivers, 1);
	ck_assert_uint_eq(object_at(channel)->num_others, 1);
}
END_TEST

/* A ring, an entry of another channel, one that is unreadable, an end that is not the last: those
 * before it are linked, those behind it are not. */
START_TEST(damaged_queues)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go), other = fake_go_channel(&go), sudogs[3];
	for (uint32_t i = 0; i < 3; i++)
		sudogs[i] = fake_go_receiver(&go, 51 + i, channel);
	uint32_t num_linked = 1;
	switch (_i / 2) {
	case 0:
		fake_go_put(&go, sudogs[0] + 8, sudogs[0]);
		break;
	case 1:
		fake_go_put(&go, sudogs[1] + layout->channel, other);
		break;
	case 2:
		fake_go_put(&go, sudogs[0] + 8, 0x123450);
		break;
	case 3: /* round the whole list */
		fake_go_put(&go, sudogs[2] + 8, sudogs[0]);
		num_linked = 3;
		break;
	default:
		fake_go_put(&go, channel + layout->receivers + 8, sudogs[0]);
		num_linked = 3;
		break;
	}
	open_queues();
	ck_assert(object_at(channel)->damaged);
	ck_assert_uint_eq(object_at(channel)->num_receivers, num_linked);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_int_eq(entry(51 + i, 0)->linked, i < num_linked);
	fake_world_expect_gap(&go.world, "go-queues", false);
}
END_TEST

START_TEST(unreadable_channel)
{
	begin(_i);
	uint64_t sudog = fake_go_receiver(&go, 51, fake_go_channel(&go));
	fake_go_put(&go, sudog + layout->channel, UINT64_MAX - 7);
	open_queues();
	ck_assert_uint_eq(only_entry(51)->object_addr, UINT64_MAX - 7);
	ck_assert(!only_entry(51)->linked);
	ck_assert(!object_at(UINT64_MAX - 7)->readable);
}
END_TEST

/* The goroutine's own list goes round, leads to another's entry, to nothing, or off the rails. */
START_TEST(damaged_lists)
{
	begin(_i);
	uint64_t channel = fake_go_channel(&go);
	uint64_t sudog = fake_go_receiver(&go, 51, channel);
	uint64_t other = fake_go_receiver(&go, 52, channel);
	const uint64_t next[] = {sudog, other, 0x123450, sudog + 4};
	fake_go_put(&go, sudog + layout->waitlink, next[_i / 2]);
	open_queues();
	ck_assert(!entries_of(51)->known);
	ck_assert_uint_eq(entries_of(51)->num, 1);
	ck_assert(only_entry(52)->linked);
}
END_TEST

/* Two goroutines cannot share an entry. */
START_TEST(shared_entry)
{
	begin(_i);
	uint64_t sudog = fake_go_receiver(&go, 51, fake_go_channel(&go));
	fake_go_put(&go, fake_go_waiter(&go, 52, FAKE_CHAN_RECEIVE) + layout->waiting, sudog);
	open_queues();
	ck_assert(only_entry(51)->linked);
	ck_assert(!entries_of(52)->known);
	ck_assert_uint_eq(entries_of(52)->num, 0);
}
END_TEST

/* ---- Semaphores ---- */

/* Three semaphores of one root in its treap, two waiters on one of them; a fourth elsewhere. */
START_TEST(semaphores)
{
	begin(_i);
	const uint64_t middle = FAKE_GO_HEAP + 0x9004, step = 8 * FAKE_GO_SEMA_ROOTS;
	uint64_t root = fake_go_sema_root(middle);
	uint64_t head = fake_go_locker(&go, 51, FAKE_MUTEX_LOCK, middle);
	fake_go_locker(&go, 52, FAKE_SEMACQUIRE, middle);
	for (int64_t id = 53; id <= 54; id++) {
		fake_go_put(&go, root, 0);
		uint64_t below = fake_go_locker(&go, id, FAKE_MUTEX_LOCK,
						id == 53 ? middle - step : middle + step);
		fake_go_put(&go, below + layout->parent, head);
		fake_go_put(&go, head + (id == 53 ? 16 : 8), below);
	}
	fake_go_put(&go, root, head);
	fake_go_locker(&go, 55, FAKE_MUTEX_LOCK, middle + 40);
	open_queues();
	ck_assert_uint_eq(queues.semtable_addr, FAKE_GO_SEMTABLE);
	const uint64_t wanted[] = {middle, middle, middle - step, middle + step, middle + 40};
	for (int64_t id = 51; id <= 55; id++) {
		ck_assert_int_eq(only_entry(id)->queue, GO_QUEUE_SEMAPHORE);
		ck_assert_uint_eq(only_entry(id)->object_addr, wanted[id - 51]);
		ck_assert(only_entry(id)->linked);
	}
	ck_assert_uint_eq(object_at(middle)->num_receivers, 2);
	ck_assert_ptr_null(fake_go_gap(&go, "go-queues"));
}
END_TEST

/* Rings in a treap and in a list; an entry of another semaphore in the list. */
START_TEST(damaged_treaps)
{
	begin(_i);
	const uint64_t semaphore = FAKE_GO_HEAP + 0x9004;
	uint64_t head = fake_go_locker(&go, 51, FAKE_MUTEX_LOCK, semaphore);
	uint64_t second = fake_go_locker(&go, 52, FAKE_MUTEX_LOCK, semaphore);
	uint64_t third = fake_go_locker(&go, 53, FAKE_MUTEX_LOCK, semaphore);
	/* Keeps the table known. */
	fake_go_locker(&go, 54, FAKE_MUTEX_LOCK, semaphore + 16);
	switch (_i / 2) {
	case 0:
		fake_go_put(&go, third + layout->waitlink, head);
		break;
	case 1:
		fake_go_put(&go, second + layout->elem, semaphore + 8);
		break;
	default: /* on the way to it */
		fake_go_put(&go, head + layout->elem, semaphore + 8 * FAKE_GO_SEMA_ROOTS);
		fake_go_put(&go, head + 16, head);
		break;
	}
	open_queues();
	ck_assert(entry(51, 0)->linked);
	ck_assert_int_eq(entry(52, 0)->linked, _i / 2 == 0);
	ck_assert_int_eq(entry(53, 0)->linked, _i / 2 == 0);
	ck_assert(entry(54, 0)->linked);
	if (_i / 2 < 2)
		fake_world_expect_gap(&go.world, "go-queues", false);
}
END_TEST

/* Nobody says that waiters are linked when the table is not found. */
START_TEST(no_table)
{
	begin(_i);
	const uint64_t semaphore = FAKE_GO_HEAP + 0x9004;
	fake_go_locker(&go, 51, FAKE_MUTEX_LOCK, semaphore);
	fake_go_put(&go, fake_go_sema_root(semaphore), 0);
	open_queues();
	ck_assert_uint_eq(only_entry(51)->object_addr, semaphore);
	ck_assert(!only_entry(51)->linked);
	fake_world_expect_gap(&go.world, "go-queues", false);
}
END_TEST

/* On AArch64 the roots stand twice as far apart since Go 1.21, or 1.20: there one waiter does not
 * tell which. In a table that is read wrongly nobody seems to wait any more. */
START_TEST(arm64_strides)
{
	static const struct {
		int32_t minor;
		uint32_t stride, num_waiters;
		bool found;
	} cases[] = {
		{19, 64, 1, true}, {19, 64, 2, true},  {21, 128, 1, true},  {27, 128, 2, true},
		{20, 64, 2, true}, {20, 128, 2, true}, {20, 128, 1, false}, {20, 64, 1, false},
	};
	begin(1);
	/* Of the second and the third root. */
	const uint64_t first = UINT64_C(8) * FAKE_GO_SEMA_ROOTS * 0x1900 + 12;
	uint64_t sudogs[2];
	for (uint32_t i = 0; i < cases[_i].num_waiters; i++) {
		sudogs[i] = fake_go_locker(&go, 51 + i, FAKE_MUTEX_LOCK, first + 8 * i);
		fake_go_put(&go, fake_go_sema_root(first + 8 * i), 0);
	}
	for (uint32_t i = 0; i < cases[_i].num_waiters; i++)
		fake_go_put(&go, FAKE_GO_SEMTABLE + cases[_i].stride * (1 + i) + 8, sudogs[i]);
	fake_go_open(&go);
	go.world.dump.is_arm64 = true;
	go.runtime.minor = cases[_i].minor;
	go.runtime.globals.high = FAKE_GO_SEMTABLE + 128 * FAKE_GO_SEMA_ROOTS;
	build_queues();
	for (uint32_t i = 0; i < cases[_i].num_waiters; i++)
		ck_assert_int_eq(only_entry(51 + i)->linked, cases[_i].found);
	ck_assert_uint_eq(queues.semtable_addr, cases[_i].found ? FAKE_GO_SEMTABLE : 0);
	if (!cases[_i].found)
		fake_world_expect_gap(&go.world, "go-queues", false);
}
END_TEST

/* A word on the stack that looks like an entry but is another goroutine's, or no object's begin. */
START_TEST(not_found_on_the_stack)
{
	begin(0);
	uint64_t sudog = fake_go_locker(&go, 51, FAKE_MUTEX_LOCK, FAKE_GO_HEAP + 0x9004);
	if (_i == 0)
		fake_go_put(&go, sudog, go.gs[0]);
	else
		fake_go_put(&go, fake_go_get(&go, fake_go_get(&go, sudog) + 56) + 48, sudog + 8);
	open_queues();
	ck_assert(!entries_of(51)->known);
	ck_assert_uint_eq(entries_of(51)->num, 0);
}
END_TEST

/* ---- Conditions ---- */

START_TEST(conditions)
{
	begin(_i);
	uint64_t list = fake_go_alloc(&go, 32);
	fake_go_put32(&go, list, UINT32_MAX); /* tickets wrap */
	fake_go_put32(&go, list + 4, UINT32_MAX);
	for (uint32_t i = 0; i < 3; i++)
		fake_go_cond_waiter(&go, 51 + i, list);
	open_queues();
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(only_entry(51 + i)->queue, GO_QUEUE_NOTIFY);
		ck_assert_uint_eq(only_entry(51 + i)->object_addr, list);
		ck_assert(only_entry(51 + i)->linked);
	}
	ck_assert_uint_eq(object_at(list)->num_receivers, 3);
	ck_assert(!object_at(list)->damaged);
}
END_TEST

/* It contradicts itself. Since 1.26 entries say that it is theirs all the same; before, any word of
 * a stack might be one. */
static void damage_condition(int how, uint64_t list, const uint64_t *sudogs)
{
	switch (how) {
	case 0:
		fake_go_put(&go, sudogs[2] + 8, sudogs[0]);
		break;
	case 1: /* a fourth is being added */
		fake_go_put(&go, list + 24, sudogs[1]);
		break;
	case 2: /* more entries than tickets */
		fake_go_put32(&go, list, 2);
		fake_go_put32(&go, sudogs[2] + layout->ticket, 1);
		break;
	default: /* more tickets than anybody can have drawn */
		fake_go_put32(&go, list, 0x475500);
		break;
	}
}

START_TEST(damaged_conditions)
{
	uint64_t sudogs[3];
	begin(_i);
	uint64_t list = fake_go_alloc(&go, 32);
	for (uint32_t i = 0; i < 3; i++)
		sudogs[i] = fake_go_cond_waiter(&go, 51 + i, list);
	damage_condition(_i / 2, list, sudogs);
	open_queues();
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(entries_of(51 + i)->known, _i % 2 != 0);
		ck_assert_int_eq(entry(51 + i, 0)->linked, _i % 2 != 0);
	}
	if (_i % 2 != 0)
		ck_assert(object_at(list)->damaged);
}
END_TEST

/* Words that are left over on the waiter's own stack, below those that lead to its list, look like
 * one that it stands in: a return address for tickets, and its entry. Found in a core of Go 1.24.
 */
START_TEST(no_condition_on_the_stack)
{
	begin(0);
	uint64_t list = fake_go_alloc(&go, 32);
	uint64_t sudog = fake_go_cond_waiter(&go, 51, list);
	uint64_t sp = fake_go_get(&go, fake_go_get(&go, sudog) + 56);
	fake_go_put(&go, sp + 8, sp + 64);
	fake_go_put(&go, sp + 64, _i == 0 ? 0x4755c5 : 1);
	fake_go_put(&go, sp + 72, 0);
	fake_go_put(&go, sp + 80, sudog);
	fake_go_put(&go, sp + 88, sudog);
	open_queues();
	ck_assert(only_entry(51)->linked);
	ck_assert_uint_eq(only_entry(51)->object_addr, list);
}
END_TEST

/* The list has woken it: its ticket was called. A pointer to a pointer to it is no list. */
START_TEST(woken_from_condition)
{
	begin(_i);
	uint64_t list = fake_go_alloc(&go, 32);
	fake_go_cond_waiter(&go, 51, list);
	fake_go_put32(&go, list + 4, 1);
	open_queues();
	ck_assert_uint_eq(entries_of(51)->num, 1);
	ck_assert(!entry(51, 0)->linked);
	/* Since 1.26 the entry itself says where it stood. */
	ck_assert_uint_eq(entry(51, 0)->object_addr, _i == 0 ? 0 : list);
	ck_assert_int_eq(entries_of(51)->known, _i != 0);
}
END_TEST

Suite *go_queues_suite(void)
{
	Suite *suite = suite_create("go_queues");
	TCase *tcase = tcase_create("go_queues");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, one_channel, 0, 2);
	tcase_add_loop_test(tcase, a_select, 0, 2);
	tcase_add_loop_test(tcase, in_flight, 0, 2);
	tcase_add_loop_test(tcase, woken_meanwhile, 0, 2);
	tcase_add_loop_test(tcase, damaged_queues, 0, 10);
	tcase_add_loop_test(tcase, unreadable_channel, 0, 2);
	tcase_add_loop_test(tcase, damaged_lists, 0, 8);
	tcase_add_loop_test(tcase, shared_entry, 0, 2);
	tcase_add_loop_test(tcase, semaphores, 0, 2);
	tcase_add_loop_test(tcase, damaged_treaps, 0, 6);
	tcase_add_loop_test(tcase, no_table, 0, 2);
	tcase_add_loop_test(tcase, arm64_strides, 0, 8);
	tcase_add_loop_test(tcase, not_found_on_the_stack, 0, 2);
	tcase_add_loop_test(tcase, conditions, 0, 2);
	tcase_add_loop_test(tcase, damaged_conditions, 0, 8);
	tcase_add_loop_test(tcase, no_condition_on_the_stack, 0, 2);
	tcase_add_loop_test(tcase, woken_from_condition, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
