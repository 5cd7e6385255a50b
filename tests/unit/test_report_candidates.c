#include "fake_view.h"
#include "report/candidate_words.h"

#include <check.h>
#include <string.h>

Suite *report_candidates_suite(void);

enum { NUM_READERS = 6 };

static struct fake_view fake;
static struct coreleaks_frame reader, nameless;
static struct coreleaks_candidate candidates[NUM_READERS];
static struct coreleaks_wait *wait_of_writer;

/* 4711 waits for a lock; six others follow. */
static void setup(void)
{
	fake_view_init(&fake);
	const struct coreleaks_frame add = fake_frame("add_book", 7);
	fake.options.width = 0;
	reader = fake_frame("reader", 12);
	nameless = (struct coreleaks_frame){.module = "worker", .module_offset = 0x1234};
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, fake_view_stack(&fake, &add, 1));
	fake_view_group(&fake, "t-000000000001", NUM_READERS, fake_view_stack(&fake, &reader, 1));
	for (uint32_t i = 0; i < NUM_READERS; i++)
		candidates[i] = (struct coreleaks_candidate){1 + i, &reader};
	wait_of_writer = fake_view_wait(&fake, 4711);
	*wait_of_writer = (struct coreleaks_wait){
		.object = "rwlock",
		.addr = 0x55d0,
		.certain = true,
		.holder_task = -1,
		.rwlock = {.known = true, .num_readers = 2, .num_writers_waiting = 1},
		.candidates_known = true,
		.candidates = candidates,
		.num_candidates = 2,
		.num_all_candidates = 2,
	};
}

static void teardown(void)
{
	fake_view_deinit(&fake);
}

static void expect_part(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

static void expect_no_part(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "'%s' in:\n%s", part, text);
}

static const char *text(void)
{
	fake_view_objects(&fake);
	return fake_view_text(&fake);
}

static const char *show(const char *name, bool json)
{
	const char *error = NULL;
	fake_view_objects(&fake);
	const char *shown = fake_view_show(&fake, name, json, &error);
	ck_assert_msg(shown != NULL, "%s", error);
	return shown;
}

START_TEST(readers_of_a_lock)
{
	static const char line[] =
		"2 read locks are held on it; glibc does not record whose; candidates: thread 4712 "
		"(reader, worker.c:12), thread 4713 (reader, worker.c:12)\n";
	expect_part(text(), line);
	expect_part(show("thread:4711", false), line);
	expect_part(show("t-5f0a3b9c1d2e", false), line);
	expect_part(show("0x55d0", false),
		    "\n2 read locks are held on it; glibc does not record whose; 2 candidates\n"
		    "  candidate: thread 4712 has its address in reader (worker.c:12)\n"
		    "  candidate: thread 4713 has its address in reader (worker.c:12)\n"
		    "  that a thread has its address in use does not prove that it holds it\n");
	expect_no_part(text(), "held by thread");
	wait_of_writer->rwlock.num_readers = 1;
	wait_of_writer->num_candidates = wait_of_writer->num_all_candidates = 1;
	wait_of_writer->type = "std::sync::RwLock";
	expect_part(text(), "1 read lock is held on it; std::sync::RwLock does not record whose; "
			    "candidate: thread 4712 (reader, worker.c:12)\n");
}
END_TEST

START_TEST(without_candidates)
{
	wait_of_writer->num_candidates = wait_of_writer->num_all_candidates = 0;
	expect_part(text(), "2 read locks are held on it; glibc does not record whose; no "
			    "candidate: no other thread has its address in use\n");
	expect_no_part(show("0x55d0", false), "does not prove");
	wait_of_writer->rwlock.known = false;
	expect_no_part(text(), "candidate");
	expect_part(show("0x55d0", false), "\nit does not say who holds it\n");
}
END_TEST

START_TEST(held_or_not_searched_for)
{
	wait_of_writer->candidates_known = false;
	wait_of_writer->num_candidates = wait_of_writer->num_all_candidates = 0;
	expect_no_part(text(), "read locks");
	expect_part(show("0x55d0", true),
		    "\"holders_candidate\":null,\"holders_candidate_count\":null");
	wait_of_writer->rwlock = (struct coreleaks_rwlock){.known = true, .write_locked = true};
	expect_part(show("0x55d0", true),
		    "\"detail\":{\"readers\":0,\"writers_waiting\":0,\"write_locked\":true}");
}
END_TEST

START_TEST(other_locks)
{
	wait_of_writer->object = "semaphore";
	wait_of_writer->rwlock.known = false;
	candidates[0].frame = NULL;
	candidates[1].frame = &nameless;
	expect_part(text(), "its holder is not recorded; candidates: thread 4712, thread 4713 (?? "
			    "worker+0x1234)\n");
	expect_part(show("0x55d0", false),
		    "  candidate: thread 4712 has its address on its stack, in a frame that is not "
		    "known\n  candidate: thread 4713 has its address in ?? worker+0x1234\n");
	expect_part(show("0x55d0", true), "\"detail\":{}");
}
END_TEST

/* What is not listed is counted. */
START_TEST(many)
{
	wait_of_writer->num_candidates = NUM_READERS;
	wait_of_writer->num_all_candidates = 1000;
	expect_part(text(), "thread 4715 (reader, worker.c:12) and 996 more\n");
	expect_no_part(text(), "thread 4716 (reader");
	expect_part(show("0x55d0", false), "; 1,000 candidates\n");
	expect_part(show("0x55d0", false), "\n  994 more are not listed; that a thread has");
	expect_part(show("0x55d0", true), "\"holders_candidate_count\":1000");
}
END_TEST

START_TEST(json)
{
	candidates[1].frame = NULL;
	const char *shown = show("0x55d0", true);
	expect_part(shown, "\"holder\":null,\"holders_candidate\":["
			   "{\"kind\":\"thread\",\"id\":4712,\"function\":\"reader\","
			   "\"file\":\"/src/worker.c\",\"line\":12},"
			   "{\"kind\":\"thread\",\"id\":4713,\"function\":null,\"file\":null,"
			   "\"line\":null}],\"holders_candidate_count\":2,"
			   "\"detail\":{\"readers\":2,\"writers_waiting\":1,"
			   "\"write_locked\":false}}");
	expect_part(shown, "{\"what\":\"candidate: thread 4712 has its address in reader "
			   "(worker.c:12)\",\"address\":\"0x55d0\",\"rule\":null}");
	expect_part(show("thread:4711", true), "{\"what\":\"candidate: thread 4712 has");
	fake_view_objects(&fake);
	expect_part(fake_view_json(&fake), "\"holders_candidate_count\":2");
}
END_TEST

/* Locks of Go's that goroutines wait for: task i waits for lock i % 3 in these. */
static struct coreleaks_go_object locks[3];

static const char *circle_of(const struct coreleaks_object *object)
{
	struct report_view view = fake.view;
	view.waits = arena_alloc_array(&fake.arena, 1 + NUM_READERS, sizeof(*view.waits));
	for (uint32_t i = 0; i <= NUM_READERS; i++)
		view.waits[i] = fake_view_wait(&fake, 4711 + (int64_t)i);
	return candidate_words_circle(&fake.arena, &view, object);
}

/* may_hold[i]: the task that is a candidate for lock i. */
static const char *circle_of_first(const uint32_t *may_hold)
{
	struct coreleaks_object object = {.kind = "go-mutex", .go = &locks[0]};
	for (uint32_t i = 0; i < 3; i++) {
		static struct coreleaks_candidate one[3][2];
		/* 6 waits for nothing: it comes first, and leads nowhere. */
		one[i][0].task = 6;
		one[i][1].task = may_hold[i];
		locks[i] = (struct coreleaks_go_object){.kind = "go-mutex",
							.addr = 0x100 * (i + 1),
							.candidates = one[i],
							.num_candidates = 2};
	}
	for (uint32_t i = 0; i < 3; i++)
		*fake_view_wait(&fake, 4711 + (int64_t)i) =
			(struct coreleaks_wait){.holder_task = -1, .go = &locks[i]};
	return circle_of(&object);
}

START_TEST(circles)
{
	ck_assert_str_eq(circle_of_first((const uint32_t[]){1, 0, 0}),
			 "perhaps a circle: goroutine 4712 may hold it and waits for sync.Mutex "
			 "0x200, goroutine 4711 may hold that and waits for the first one");
	expect_part(circle_of_first((const uint32_t[]){1, 2, 0}), "goroutine 4713 may hold that");
	/* The first waits for others that are in a circle: it is in none. */
	ck_assert_ptr_null(circle_of_first((const uint32_t[]){1, 2, 1}));
	ck_assert_ptr_null(circle_of_first((const uint32_t[]){5, 0, 0}));
}
END_TEST

/* What ends by itself, or is ending, closes no circle; nor does what is no lock. */
START_TEST(no_circles)
{
	struct coreleaks_object object = {.kind = "go-mutex", .go = &locks[0]};
	const uint32_t crossed[] = {1, 0, 0};
	ck_assert_ptr_nonnull(circle_of_first(crossed));
	fake_view_wait(&fake, 4712)->waking = true;
	ck_assert_ptr_null(circle_of(&object));
	fake_view_wait(&fake, 4712)->waking = false;
	fake_view_wait(&fake, 4711)->timeout_kind = "remaining";
	ck_assert_ptr_null(circle_of(&object));
	ck_assert_ptr_nonnull(circle_of_first(crossed));
	locks[1].kind = "channel";
	ck_assert_ptr_null(circle_of(&object));
	object.go = NULL;
	ck_assert_ptr_null(circle_of(&object));
}
END_TEST

Suite *report_candidates_suite(void)
{
	Suite *suite = suite_create("report_candidates");
	TCase *tests = tcase_create("candidates");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, readers_of_a_lock);
	tcase_add_test(tests, without_candidates);
	tcase_add_test(tests, held_or_not_searched_for);
	tcase_add_test(tests, other_locks);
	tcase_add_test(tests, many);
	tcase_add_test(tests, json);
	tcase_add_test(tests, circles);
	tcase_add_test(tests, no_circles);
	suite_add_tcase(suite, tests);
	return suite;
}
