#include "fake_view.h"

#include "report/wait_words.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *report_waits_suite(void);

static struct fake_view fake;

static void setup(void)
{
	fake_view_init(&fake);
}

static void teardown(void)
{
	fake_view_deinit(&fake);
}

static void expect_text(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

static void expect_no_text(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "'%s' in:\n%s", part, text);
}

static uint32_t stack_of(const char *function)
{
	const struct coreleaks_frame frame = fake_frame(function, 7);
	return fake_view_stack(&fake, &frame, 1);
}

static struct coreleaks_wait *one_group(uint32_t num)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", num, stack_of("consume"));
	return fake_view_wait(&fake, 4711);
}

static const char *text(void)
{
	fake_view_objects(&fake);
	return fake_view_text(&fake);
}

static const char *show(const char *name)
{
	const char *error = NULL;
	fake_view_objects(&fake);
	const char *shown = fake_view_show(&fake, name, false, &error);
	ck_assert_msg(shown != NULL, "%s", error);
	return shown;
}

/* 4711 and 4712 wait for each other, 4713 and 4714 for 4712. */
static void deadlock(void)
{
	static const char *const caveats[] = {"a lock that is shared between processes"};
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 2, stack_of("transfer"));
	fake_view_group(&fake, "t-000000000001", 2, stack_of("audit"));
	fake_view_mutex(&fake, 4711, 0x1000, 4712);
	fake_view_mutex(&fake, 4712, 0x2000, 4711);
	fake_view_mutex(&fake, 4713, 0x1000, 4712);
	fake_view_mutex(&fake, 4714, 0x1000, 4712);
	fake_view_wait(&fake, 4711)->symbol = "accounts+16";
	fake_view_lock_finding(&fake, "stuck-behind", "thread 4712 holds it and blocks 2 others", 1,
			       CORELEAKS_VERDICT_PROVED);
	struct coreleaks_finding *finding = fake_view_lock_finding(
		&fake, "deadlock-cycle", "a circle of two", 0, CORELEAKS_VERDICT_LIKELY);
	finding->caveats = caveats;
	finding->num_caveats = 1;
}

START_TEST(root_blocker_heads_the_report)
{
	static const char head[] =
		"PROVED: thread 4712 holds it and blocks 2 others\n"
		"  thread 4711 waits for mutex 0x1000 (accounts+16), held by thread 4712\n"
		"  thread 4712 waits for mutex 0x2000, held by thread 4711\n"
		"core.4711 ";
	deadlock();
	ck_assert_msg(strncmp(text(), head, strlen(head)) == 0, "%s", text());
	expect_no_text(text(), "a circle of two");
}
END_TEST

START_TEST(likely_findings_say_why_not_proved)
{
	deadlock();
	fake.view.findings++;
	fake.view.num_findings--;
	expect_text(text(), "LIKELY: a circle of two\n"
			    "  not proved: a lock that is shared between processes\n"
			    "  thread 4711 waits for");
	expect_text(show("thread:4711"), "\n  not proved: a lock that is shared");
}
END_TEST

START_TEST(hidden_roots_do_not_head)
{
	deadlock();
	text();
	for (uint32_t i = 0; i < 2; i++) {
		struct coreleaks_group *copy = arena_alloc(&fake.arena, sizeof(*copy));
		*copy = *fake.view.groups[i];
		copy->hidden_by = "--ignore";
		fake.view.groups[i] = copy;
	}
	expect_no_text(fake_view_text(&fake), "blocks 2 others");
}
END_TEST

START_TEST(objects_stand_below_the_group)
{
	struct coreleaks_wait *wait = one_group(3);
	for (int64_t id = 4711; id < 4714; id++)
		fake_view_mutex(&fake, id, 0x55d0, 0);
	expect_text(text(), "t-5f0a3b9c1d2e\n        mutex 0x55d0; 3 wait for it\n");
	for (int64_t id = 4711; id < 4714; id++)
		fake_view_mutex(&fake, id, 0x55d0, 77);
	expect_text(text(), "mutex 0x55d0, held by thread 77, which the core does not have; 3");
	wait->holder_exited = true;
	expect_text(text(), "held by thread 77, which has ended; 3 wait");
	for (int64_t id = 4711; id < 4714; id++)
		fake_view_mutex(&fake, id, 0x55d0 + (uint64_t)id, 0);
	wait->certain = false;
	expect_text(text(), "looks like a mutex at 0x6837; and 2 more mutexes\n");
	fake_view_wait(&fake, 4712)->object = "futex";
	expect_text(text(), "; and 2 more objects\n");
	*wait = (struct coreleaks_wait){.object = "fd", .addr = 5, .holder_task = -1};
	expect_text(text(), "        fd 5; and 2 more objects\n");
	*wait = (struct coreleaks_wait){.object = "thread", .addr = 5, .holder_task = 1};
	expect_text(text(), "        joins thread 4712; and");
}
END_TEST

START_TEST(abandoned_locks_say_that_the_owner_has_ended)
{
	one_group(1);
	fake_view_mutex(&fake, 4711, 0x55d0, 77);
	fake_view_lock_finding(&fake, "abandoned-lock", "its owner has ended", 0,
			       CORELEAKS_VERDICT_PROVED);
	expect_text(text(), "PROVED: its owner has ended\ncore.4711");
	expect_text(text(), "mutex 0x55d0, held by thread 77, which has ended\n");
}
END_TEST

START_TEST(time_limits_and_wake_ups_are_told)
{
	static const struct {
		const char *kind;
		int64_t ns;
		const char *words;
	} rows[] = {
		{"remaining", INT64_C(3250000000), "for at most 3.2 s more"},
		{"remaining", 250000000, "for at most 250 ms more"},
		{"remaining", INT64_C(600000000000), "for at most 10 min more"},
		{"remaining", INT64_C(36000000000000), "for at most 10 h more"},
		{"remaining", INT64_MAX, "for at most 106,751 days more"},
		{"remaining", 0, "with a time limit"},
		{"realtime", INT64_C(1795206000000000000), "until 2026-11-20 20:20:00 UTC"},
		{"monotonic", INT64_C(12500000000), "until 12.5 s after the machine's start"},
	};
	struct coreleaks_wait *wait = one_group(2);
	fake_view_mutex(&fake, 4711, 0x55d0, 0);
	fake_view_mutex(&fake, 4712, 0x55d0, 0);
	expect_text(show("thread:4711"), "waits for mutex 0x55d0, without a time limit\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wait[0].timeout_kind = wait[1].timeout_kind = rows[i].kind;
		wait[0].timeout_ns = rows[i].ns;
		wait[1].timeout_ns = rows[i].ns / 2;
		expect_text(text(), rows[i].words);
		expect_text(show("thread:4711"), rows[i].words);
		wait[1].timeout_kind = NULL; /* not all of them end by themselves */
		expect_no_text(text(), rows[i].words);
	}
	wait[1].waking = true;
	expect_text(text(), "waking: the wake-up of 1 is under way");
	expect_text(show("thread:4712"), "waking: its wake-up is under way");
}
END_TEST

/* ---- In signal handlers ---- */

static const struct {
	struct coreleaks_wait wait;
	const char *words;
} was_rows[] = {
	{{.reason = "running", .holder_task = -1}, "running"},
	{{.holder_task = -1}, "unknown"},
	{{.reason = "pause", .holder_task = -1}, "pause"},
	{{.reason = "sleep",
	  .timeout_kind = "remaining",
	  .timeout_ns = 2000000000,
	  .holder_task = -1},
	 "sleep, for at most 2.0 s more"},
	{{.reason = "read", .object = "fd", .addr = 5, .certain = true, .holder_task = -1},
	 "read on fd 5"},
	{{.reason = "mutex",
	  .object = "mutex",
	  .addr = 0x1000,
	  .symbol = "accounts",
	  .certain = true,
	  .holder_id = 4712,
	  .holder_task = 1},
	 "mutex 0x1000 (accounts), held by thread 4712"},
	{{.reason = "mutex", .object = "mutex", .addr = 0x1000, .holder_task = -1},
	 "what looks like a mutex at 0x1000"},
	{{.reason = "rwlock-read",
	  .object = "rwlock",
	  .addr = 0x1000,
	  .certain = true,
	  .holder_task = -1,
	  .waking = true},
	 "rwlock-read on rwlock 0x1000; the word it slept on has changed since"},
	{{.reason = "condition",
	  .object = "condition",
	  .addr = 0x1000,
	  .certain = true,
	  .mutex_addr = 0x2000,
	  .holder_task = -1},
	 "condition 0x1000, having given up mutex 0x2000"},
	{{.reason = "join",
	  .object = "thread",
	  .addr = 0x7000,
	  .certain = true,
	  .holder_id = 4712,
	  .holder_task = 1},
	 "join of thread 4712"},
	{{.reason = "join",
	  .object = "thread",
	  .addr = 0x7000,
	  .certain = true,
	  .holder_exited = true,
	  .holder_task = -1},
	 "join of the thread 0x7000"},
};

START_TEST(interrupted_waits_are_told)
{
	char words[160];
	one_group(1);
	fake_view_group(&fake, "t-000000000001", 1, stack_of("transfer"));
	fake.options.width = 0;
	expect_no_text(text(), "signal handler");
	expect_no_text(show("thread:4711"), "signal handler");
	fake_view_wait(&fake, 4711)->interrupted = &was_rows[_i].wait;
	snprintf(words, sizeof(words), "in signal handler (was: %s)\n", was_rows[_i].words);
	expect_text(text(), words);
	expect_text(show("thread:4711"), words);
	expect_text(show("t-5f0a3b9c1d2e"), words);
	expect_no_text(show("thread:4712"), "signal handler");
}
END_TEST

/* Of the same wait; one of them in no handler; of different ones. */
START_TEST(interrupted_groups_are_told)
{
	static const struct coreleaks_wait waits[] = {
		{.reason = "mutex",
		 .object = "mutex",
		 .addr = 0x3000,
		 .certain = true,
		 .holder_task = -1},
		{.reason = "mutex",
		 .object = "mutex",
		 .addr = 0x2000,
		 .certain = true,
		 .holder_task = -1},
		{.reason = "running", .holder_task = -1},
	};
	struct coreleaks_wait *wait = one_group(3);
	wait[0].interrupted = wait[1].interrupted = wait[2].interrupted = &waits[0];
	expect_text(text(), "in signal handlers (were: mutex 0x3000)\n");
	wait[1].interrupted = &waits[1];
	expect_text(text(), "in signal handlers (were: mutex 0x3000; and 1 more)\n");
	wait[0].interrupted = NULL;
	expect_text(text(), "2 in signal handlers (were: mutex 0x2000; and 1 more)\n");
	wait[1].interrupted = &waits[2];
	expect_text(text(), "2 in signal handlers (were: different things)\n");
}
END_TEST

START_TEST(start_is_told_where_no_frame_says_it)
{
	struct coreleaks_wait *wait = one_group(2);
	wait[0].start = wait[1].start = "worker_main";
	expect_text(text(), "        started as worker_main\n");
	wait[1].start = "other_main";
	expect_no_text(text(), "started as");
	wait[0].start = wait[1].start = "consume";
	expect_no_text(text(), "started as");
}
END_TEST

START_TEST(finished_threads_are_listed_and_counted)
{
	static const uint64_t pthreads[] = {0x7f01, 0x7f02, 0x7f03, 0x7f04, 0x7f05, 0x7f06};
	one_group(1);
	struct coreleaks_group *group =
		fake_view_group(&fake, "t-000000000001", 0, stack_of("worker_main"));
	group->state = CORELEAKS_STATE_EXITED;
	group->reason = NULL;
	group->pthreads = pthreads;
	group->num_pthreads = 6;
	group->stack_reserved_size = 6 << 20;
	group->stack_resident_size = 6 << 13;
	fake.view.num_finished_threads = 6;
	expect_text(text(), "6 threads  ");
	expect_text(text(), "\n        finished, never joined: worker_main (worker.c:7)\n"
			    "        pthreads 0x7f01 0x7f02 0x7f03 0x7f04 and 2 more\n"
			    "        their stacks: 6.0 MiB reserved, 48 KiB resident\n");
	expect_text(text(), "\nstacks: 6.0 MiB reserved, 48 KiB resident, 8.0 KiB in use\n");
	expect_text(text(), "total 1 thread in 2 groups; shown 1 in 2 groups; hidden 0; besides 6 "
			    "finished threads");
	expect_text(show("t-000000000001"), "pthreads 0x7f01 0x7f02 0x7f03 0x7f04 0x7f05 0x7f06\n");
}
END_TEST

START_TEST(show_follows_the_chain)
{
	deadlock();
	expect_text(show("thread:4713"),
		    "\nthread 4713 waits for mutex 0x1000, held by thread 4712, without a time "
		    "limit\n"
		    "  and thread 4712 waits for mutex 0x2000, held by thread 4711, without a time "
		    "limit\n"
		    "  and thread 4711 waits for mutex 0x1000 (accounts+16), held by thread 4712,");
	expect_text(show("thread:4713"), "\n  which is back at thread 4712: a circle\n");
	expect_text(show("thread:4713"),
		    "\nPROVED: thread 4712 holds it and blocks 2 others "
		    "(stuck-behind)\n  the word has not changed (at 0x1000)\n");
	expect_text(show("thread:4712"), "\n3 threads wait for it: 4711 4713 4714\n");
}
END_TEST

START_TEST(long_chains_end)
{
	one_group(40);
	for (int64_t id = 4711; id < 4750; id++)
		fake_view_mutex(&fake, id, (uint64_t)id, id + 1);
	expect_text(show("thread:4711"), "\n  and so on\n");
	expect_no_text(show("thread:4745"), "and so on");
	for (int64_t id = 4712; id < 4751; id++)
		fake_view_mutex(&fake, id, 0x1000, 4711);
	expect_text(show("thread:4711"), "\n39 threads wait for it: 4712 4713 4714 4715 4716 4717 "
					 "4718 4719 and 31 more\n");
}
END_TEST

START_TEST(show_object)
{
	deadlock();
	const char *shown = show("0x1000");
	expect_text(shown, "mutex 0x1000 (accounts+16)\nheld by thread 4712\n"
			   "  thread 4712 waits for mutex 0x2000, held by thread 4711");
	expect_text(shown, "\n3 threads wait for it: 4711 4713 4714\n");
	expect_text(shown, "(stuck-behind)");
	expect_text(shown, "(deadlock-cycle)");
	fake.view.num_findings = 0;
	fake_view_mutex(&fake, 4711, 0x3000, 0);
	expect_text(show("0x3000"), "\nit does not say who holds it\n1 thread waits for it: 4711\n"
				    "no finding involves it\n");
	fake_view_wait(&fake, 4712)->addr = 0x3000;
	fake_view_wait(&fake, 4712)->object = "futex";
	expect_text(show("0x3000"), "1 more wait for something else at this address");
}
END_TEST

Suite *report_waits_suite(void)
{
	Suite *suite = suite_create("report_waits");
	TCase *tests = tcase_create("waits");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, root_blocker_heads_the_report);
	tcase_add_test(tests, likely_findings_say_why_not_proved);
	tcase_add_test(tests, hidden_roots_do_not_head);
	tcase_add_test(tests, objects_stand_below_the_group);
	tcase_add_test(tests, abandoned_locks_say_that_the_owner_has_ended);
	tcase_add_test(tests, time_limits_and_wake_ups_are_told);
	tcase_add_loop_test(tests, interrupted_waits_are_told, 0,
			    sizeof(was_rows) / sizeof(was_rows[0]));
	tcase_add_test(tests, interrupted_groups_are_told);
	tcase_add_test(tests, start_is_told_where_no_frame_says_it);
	tcase_add_test(tests, finished_threads_are_listed_and_counted);
	tcase_add_test(tests, show_follows_the_chain);
	tcase_add_test(tests, long_chains_end);
	tcase_add_test(tests, show_object);
	suite_add_tcase(suite, tests);
	return suite;
}
