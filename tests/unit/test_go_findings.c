#include "proof/go_findings.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *go_findings_suite(void);

enum { MAX_TASKS = 1000 };
#define SECOND INT64_C(1000000000)

static struct arena arena;
static struct coreleaks_options options;
static struct coreleaks_task tasks[MAX_TASKS];
static const struct coreleaks_wait *waits[MAX_TASKS];
static const struct coreleaks_wait no_wait;
static struct coreleaks_frame frame;
static struct coreleaks_stack stack;
static struct groups_input input;
static struct groups groups;
static struct findings findings;

static void setup(void)
{
	arena_init(&arena, 0);
	coreleaks_options_init(&options);
	options.threshold = 0; /* no duplicates: not what is asked here */
	frame = (struct coreleaks_frame){.function = "main.worker", .file = "w.go", .line = 7};
	stack = (struct coreleaks_stack){.frames = &frame, .num_frames = 1};
	for (uint32_t i = 0; i < MAX_TASKS; i++)
		waits[i] = &no_wait;
	input = (struct groups_input){.tasks = tasks,
				      .waits = waits,
				      .stacks = &stack,
				      .num_stacks = 1,
				      .options = &options};
}

static void teardown(void)
{
	arena_deinit(&arena);
}

/* The first of them waits longest; -1: it is not known. */
static void add(uint32_t num, const char *reason, int64_t wait_ns)
{
	for (uint32_t i = 0; i < num; i++)
		tasks[input.num_tasks++] = (struct coreleaks_task){
			.kind = CORELEAKS_KIND_GOROUTINE,
			.id = input.num_tasks + 1,
			.state = CORELEAKS_STATE_WAITING,
			.reason = reason,
			.wait_ns = wait_ns,
		};
}

static uint32_t find(void)
{
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	findings_build(&findings, &arena, &groups, &input);
	ck_assert_uint_eq(findings.list.num, 0);
	go_findings_add(&findings, &arena, &groups, &input);
	return findings.list.num;
}

static void expect(const char *rule, const char *title, const char *evidence)
{
	const struct coreleaks_finding *finding = &findings.list.items[0];
	ck_assert_uint_eq(findings.list.num, 1);
	ck_assert_str_eq(finding->rule, rule);
	ck_assert_str_eq(finding->title, title);
	ck_assert_uint_eq(finding->num_evidence, 1);
	ck_assert_str_eq(finding->evidence[0].what, evidence);
}

/* 100 of them, ten minutes: the defaults. */
START_TEST(many_that_wait_long)
{
	add(1, "chan receive", 7500 * SECOND);
	add(99, "chan receive", 600 * SECOND);
	add(50, "chan receive", 599 * SECOND);
	ck_assert_uint_eq(find(), 1);
	expect("long-wait", "100 goroutines wait for at least 10 min in one stack (chan receive)",
	       "the oldest waits for at least 125 min");
	ck_assert_int_eq(findings.list.items[0].certainty, CORELEAKS_VERDICT_SUSPECT);
	ck_assert_uint_eq(findings.list.items[0].num_tasks, 150);
	ck_assert_int_eq(findings.verdict_by_group[0], CORELEAKS_VERDICT_SUSPECT);
}
END_TEST

START_TEST(too_few_or_too_short)
{
	add(99, "chan receive", 7500 * SECOND);
	add(500, "chan receive", -1);
	add(200, "chan receive", 599 * SECOND);
	ck_assert_uint_eq(find(), 0);
	ck_assert_int_eq(findings.verdict_by_group[0], CORELEAKS_VERDICT_UNKNOWN);
}
END_TEST

/* What waits for time, the network or the runtime itself is no leak; what waits for another
 * goroutine may be. */
START_TEST(reasons)
{
	static const struct {
		const char *reason;
		bool counts;
	} rows[] = {
		{"chan receive", true},
		{"chan send", true},
		{"chan receive (nil chan)", true},
		{"select", true},
		{"select (no cases)", true},
		{"sync.Mutex.Lock", true},
		{"sync.RWMutex.RLock", true},
		{"sync.WaitGroup.Wait", true},
		{"sync.Cond.Wait", true},
		{"semacquire", true},
		{"IO wait", false},
		{"sleep", false},
		{"syscall", false},
		{"GC worker (idle)", false},
		{"finalizer wait", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		input.num_tasks = 0;
		add(100, rows[i].reason, 3600 * SECOND);
		ck_assert_msg(find() == rows[i].counts, "%s", rows[i].reason);
	}
}
END_TEST

/* Less than a minute is no "0 min". */
START_TEST(short_limits)
{
	options.max_age_ns = 30 * SECOND;
	add(100, "select", 45 * SECOND);
	ck_assert_uint_eq(find(), 1);
	expect("long-wait", "100 goroutines wait for at least 30 s in one stack (select)",
	       "the oldest waits for at least 45 s");
}
END_TEST

START_TEST(busy)
{
	options.threshold = 3;
	add(2, NULL, -1);
	for (uint32_t i = 0; i < 2; i++)
		tasks[i].state = CORELEAKS_STATE_RUNNABLE;
	ck_assert_uint_eq(find(), 0);
	add(1, NULL, -1);
	tasks[2].state = CORELEAKS_STATE_RUNNABLE;
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	memset(&findings, 0, sizeof(findings));
	options.threshold = 4;
	ck_assert_uint_eq(find(), 0);
	options.threshold = 3;
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	findings_build(&findings, &arena, &groups, &input);
	go_findings_add(&findings, &arena, &groups, &input);
	expect("busy", "3 goroutines are runnable in one stack",
	       "more than the processors can run: they compete");
}
END_TEST

/* Go's own leak profile has marked them (1.26). */
START_TEST(marked)
{
	enum coreleaks_verdict verdicts[3] = {CORELEAKS_VERDICT_UNKNOWN, CORELEAKS_VERDICT_UNKNOWN,
					      CORELEAKS_VERDICT_UNKNOWN};
	add(3, "chan receive", -1);
	tasks[1].marked_leaked = true;
	go_findings_verdicts(verdicts, &input);
	ck_assert_int_eq(verdicts[0], CORELEAKS_VERDICT_UNKNOWN);
	ck_assert_int_eq(verdicts[1], CORELEAKS_VERDICT_PROVED);
	ck_assert_int_eq(verdicts[2], CORELEAKS_VERDICT_UNKNOWN);
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	groups_split(&groups, &arena, &input, verdicts);
	findings_build(&findings, &arena, &groups, &input);
	go_findings_add(&findings, &arena, &groups, &input);
	expect("runtime-marked", "1 goroutine was found leaked by Go's own profile",
	       "their status in the Go runtime is leaked: its garbage collector found that nothing "
	       "which still runs can reach what they wait for");
	ck_assert_uint_eq(findings.list.items[0].num_tasks, 1);
	ck_assert_uint_eq(findings.list.items[0].tasks[0], 1);
}
END_TEST

Suite *go_findings_suite(void)
{
	Suite *suite = suite_create("go_findings");
	TCase *tests = tcase_create("go_findings");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, many_that_wait_long);
	tcase_add_test(tests, too_few_or_too_short);
	tcase_add_test(tests, reasons);
	tcase_add_test(tests, short_limits);
	tcase_add_test(tests, busy);
	tcase_add_test(tests, marked);
	suite_add_tcase(suite, tests);
	return suite;
}
