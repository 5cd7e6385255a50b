#include "group/rules.h"
#include "group/runtimes.h"
#include "proof/rule_verdicts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *rules_suite(void);

enum { MAX_TASKS = 2000, MAX_STACKS = 16, MAX_FRAMES = 3 };

static struct arena arena;
static struct coreleaks_options options;
static struct coreleaks_task tasks[MAX_TASKS];
static struct coreleaks_wait waits[MAX_TASKS];
static const struct coreleaks_wait *wait_addrs[MAX_TASKS];
static struct coreleaks_stack stacks[MAX_STACKS];
static struct coreleaks_frame frames[MAX_STACKS][MAX_FRAMES];
static struct coreleaks_frame creator_frame;
static struct coreleaks_creation creation;
static struct groups_input input;
static struct groups groups;
static struct rules rules;
static struct rule_match *matches;
static struct findings findings;
static struct ruled *ruled;

static void setup(void)
{
	arena_init(&arena, 0);
	coreleaks_options_init(&options);
	memset(tasks, 0, sizeof(tasks));
	memset(waits, 0, sizeof(waits));
	for (uint32_t i = 0; i < MAX_TASKS; i++)
		wait_addrs[i] = &waits[i];
	memset(frames, 0, sizeof(frames));
	rules = (struct rules){0};
	creator_frame = (struct coreleaks_frame){.function = "main.start", .module = "shop"};
	creation = (struct coreleaks_creation){
		.frame = &creator_frame, .num_places = 1, .recorded = true};
	input = (struct groups_input){
		.tasks = tasks, .waits = wait_addrs, .stacks = stacks, .options = &options};
}

static void teardown(void)
{
	arena_deinit(&arena);
}

/* num goroutines that park in runtime.gopark, called by inner, called by outer. */
static void add_goroutines(uint32_t num, const char *inner, const char *outer, const char *reason)
{
	uint32_t id = input.num_stacks++;
	frames[id][0] = (struct coreleaks_frame){.function = "runtime.gopark", .module = "shop"};
	frames[id][1] = (struct coreleaks_frame){.function = inner, .module = "shop"};
	frames[id][2] = (struct coreleaks_frame){.function = outer, .module = "libplug.so.2"};
	stacks[id] = (struct coreleaks_stack){.frames = frames[id], .num_frames = MAX_FRAMES};
	for (uint32_t i = 0; i < num; i++) {
		tasks[input.num_tasks] = (struct coreleaks_task){
			.kind = CORELEAKS_KIND_GOROUTINE,
			.id = input.num_tasks + 1,
			.state = CORELEAKS_STATE_WAITING,
			.stack_id = id,
			.reason = reason,
			.creation = &creation,
		};
		input.num_tasks++;
	}
}

/* Three groups: 40 in main.worker, 20 in main.(*Q).take, 30 in os/signal.loop. */
static void add_usual(void)
{
	add_goroutines(40, "sync.runtime_Semacquire", "main.worker", "semacquire");
	add_goroutines(20, "main.(*Q).take", "main.serve", "chan receive (nil chan)");
	add_goroutines(30, "time.Sleep", "k8s.io/x.v2.(*T).flush", "sleep");
}

static struct coreleaks_error *read_rules(const char *text)
{
	options.rules = text;
	options.rules_name = "my.rules";
	return rules_build(&rules, &arena, &options);
}

static void match(const char *text)
{
	ck_assert_ptr_null(read_rules(text));
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	ck_assert_ptr_null(rules_match(&rules, &matches, &arena, &groups, &input));
}

static const struct coreleaks_rule *info(uint32_t index)
{
	ck_assert_uint_lt(index, rules.num_of_user);
	return &rules.list.items[index].info;
}

static void judge(const char *text)
{
	ck_assert_ptr_null(read_rules(text));
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	findings_build(&findings, &arena, &groups, &input);
}

static void rule_all(void)
{
	ck_assert_ptr_null(rule_verdicts_build(&ruled, &arena, &findings, &rules, &groups, &input));
}

/* ---- Reading ------------------------------------------------------------------------------- */

START_TEST(a_line_a_rule)
{
	ck_assert_ptr_null(read_rules("# head\n\n[mine]\r\n"
				      "ignore a.F...  [chan receive]  max=3 until=2030-01-31 "
				      "reason=\"two \\\"words\\\"\"\n"
				      "  ignore main.F[...]\n"
				      "ignore any \"a b [c]\" max=1\n"
				      "allow t-0123456789ab max=7\n"
				      "ignore operator new(int) reason=x"));
	ck_assert_uint_eq(rules.num_of_user, 5);
	const struct rule *rule = rules.list.items;
	ck_assert_str_eq(rule->info.text, "ignore a.F...  [chan receive]");
	ck_assert_str_eq(rule->pattern, "a.F");
	ck_assert(rule->is_prefix);
	ck_assert_str_eq(rule->state, "chan receive");
	ck_assert_int_eq(rule->info.max, 3);
	ck_assert_str_eq(rule->info.until, "2030-01-31");
	ck_assert_str_eq(rule->info.reason, "two \"words\"");
	ck_assert_str_eq(rule->info.set, "mine");
	ck_assert_uint_eq(rule->info.line, 4);
	ck_assert_str_eq(rule[1].pattern, "main.F[...]");
	ck_assert(!rule[1].is_prefix);
	ck_assert_ptr_null(rule[1].state);
	ck_assert_int_eq(rule[1].info.max, -1);
	ck_assert_int_eq(rule[2].what, RULE_ANY);
	ck_assert_str_eq(rule[2].pattern, "a b [c]");
	ck_assert_int_eq(rule[3].what, RULE_ALLOW);
	ck_assert(rule[3].info.allows);
	ck_assert_str_eq(rule[4].pattern, "operator new(int)");
	ck_assert_str_eq(rule[4].info.reason, "x");
}
END_TEST

static const struct {
	const char *text, *message;
} bad[] = {
	{"ignore", "my.rules:1: no rule"},
	{"\nhide main.F", "my.rules:2: no rule"},
	{"ignore \"main.F", "my.rules:1: quotes are not closed"},
	{"ignore main.F reason=\"x", "my.rules:1: quotes are not closed"},
	{"ignore main.F max=", "my.rules:1: max= is no number"},
	{"ignore main.F max=-1", "my.rules:1: max= is no number"},
	{"ignore main.F max=99999999999999999999", "my.rules:1: max= is no number"},
	{"ignore main.F until=tomorrow", "my.rules:1: until= is no date"},
	{"ignore main.F until=2026-13-01", "my.rules:1: until= is no date"},
	{"ignore main.F max=1 often", "my.rules:1: not one of max="},
	{"ignore \"\"", "my.rules:1: nothing to match"},
	{"allow t-12", "my.rules:1: no signature"},
	{"[open", "my.rules:1: no section"},
};

START_TEST(what_is_no_rule_is_refused)
{
	struct coreleaks_error *error = read_rules(bad[_i].text);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, CORELEAKS_ERROR_USAGE);
	ck_assert_msg(strncmp(error->message, bad[_i].message, strlen(bad[_i].message)) == 0,
		      "%s: %s", bad[_i].text, error->message);
	coreleaks_error_free(error);
}
END_TEST

START_TEST(a_bad_expression_names_its_rule)
{
	add_usual();
	ck_assert_ptr_null(read_rules("ignore any (("));
	ck_assert_ptr_null(groups_build(&groups, &arena, &input));
	struct coreleaks_error *error = rules_match(&rules, &matches, &arena, &groups, &input);
	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(error->message, "ignore any (("));
	coreleaks_error_free(error);
}
END_TEST

START_TEST(built_in_sets_are_rules)
{
	ck_assert_ptr_null(read_rules(NULL));
	ck_assert_uint_eq(rules.num_of_user, 0);
	ck_assert_uint_gt(rules.list.num, 30);
	for (uint32_t i = 0; i < rules.list.num; i++) {
		const struct coreleaks_rule *rule = &rules.list.items[i].info;
		ck_assert(rule->is_builtin);
		ck_assert_msg(is_rule_set(rule->set), "%s", rule->set);
		ck_assert_uint_eq(rule->line, 0);
	}
	/* Python has hints, but no threads of its own. */
	for (int i = RUNTIME_JAVA; i <= RUNTIME_IO_URING; i++)
		ck_assert_msg(i == RUNTIME_PYTHON ||
				      strstr(rule_sets_text(), runtime_get(i)->name) != NULL,
			      "%s is not listed", runtime_get(i)->name);
}
END_TEST

/* ---- Matching ------------------------------------------------------------------------------ */

static const struct {
	const char *rule;
	uint64_t num_tasks;
} fits[] = {
	{"ignore main.worker", 40},
	{"ignore main.work", 0},
	{"ignore main.work...", 40},
	{"ignore sync.runtime_Semacquire", 40},
	{"ignore runtime.gopark", 90},
	/* Outside of the first frame of the program's own. */
	{"ignore main.serve", 0},
	{"ignore in main.serve", 20},
	{"ignore in main...", 60},
	{"ignore main.(*Q).take [chan receive]", 20},
	{"ignore main.(*Q).take [chan receive (nil chan)]", 20},
	{"ignore main.(*Q).take [chan send]", 0},
	{"ignore main.(*Q).take [waiting]", 20},
	{"ignore in k8s.io/x%2ev2.(*T).flush", 30},
	{"ignore created-by main.start", 90},
	{"ignore created-by main.st... [sleep]", 30},
	{"ignore created-by main.other", 0},
	{"ignore any ^main\\.(worker|serve)$", 60},
	{"ignore module libplug.so*", 90},
	{"ignore module libplug.so", 0},
};

START_TEST(rules_take_what_they_name)
{
	add_usual();
	match(fits[_i].rule);
	ck_assert_msg(info(0)->num_tasks == fits[_i].num_tasks, "%s: %d", fits[_i].rule,
		      (int)info(0)->num_tasks);
}
END_TEST

START_TEST(glibc_names_count_as_the_functions)
{
	add_goroutines(1, "___pthread_cond_wait", "__GI___nanosleep", "condition");
	match("ignore in pthread_cond_wait\nignore in nanosleep\nignore in __GI___nanosleep\n"
	      "ignore in cond_wait");
	ck_assert_uint_eq(info(0)->num_tasks, 1);
	ck_assert_uint_eq(info(1)->num_tasks, 1);
	ck_assert_uint_eq(info(2)->num_tasks, 1);
	ck_assert_uint_eq(info(3)->num_tasks, 0);
}
END_TEST

START_TEST(the_first_rule_that_applies_takes_the_group)
{
	add_usual();
	match("ignore main.worker max=39\nignore in main.worker\nignore any worker");
	for (uint32_t i = 0; i < groups.list.num; i++)
		ck_assert_int_eq(matches[i].ignore,
				 groups.list.items[i].num_tasks == 40 ? 1 : RULE_NONE);
	ck_assert(info(0)->over);
	ck_assert(!info(1)->over);
	ck_assert_uint_eq(info(2)->num_tasks, 40);
}
END_TEST

START_TEST(slack_is_added_to_max)
{
	add_usual();
	options.slack = 1;
	match("ignore main.worker max=39\nignore main.worker max=38");
	ck_assert(!info(0)->over);
	ck_assert(info(1)->over);
}
END_TEST

/* A goroutine in a system call is there twice: as itself and as the thread that it runs on. */
START_TEST(threads_of_goroutines_do_not_count_twice)
{
	add_goroutines(2, "os/signal.signal_recv", "os/signal.loop", "syscall");
	tasks[1].kind = CORELEAKS_KIND_THREAD;
	tasks[1].system = runtime_get(RUNTIME_GO)->name;
	match("ignore os/signal.signal_recv max=1\nignore os/signal.signal_recv max=0");
	ck_assert(!info(0)->over);
	ck_assert(info(1)->over);
	ck_assert_uint_eq(info(0)->num_tasks, 2);
}
END_TEST

START_TEST(helpers_of_others_count)
{
	add_goroutines(2, "os/signal.signal_recv", "os/signal.loop", "condition");
	for (int i = 0; i < 2; i++) {
		tasks[i].kind = CORELEAKS_KIND_THREAD;
		tasks[i].system = runtime_get(RUNTIME_OPENMP)->name;
	}
	match("ignore os/signal.signal_recv max=1");
	ck_assert(info(0)->over);
}
END_TEST

START_TEST(rules_expire_after_their_last_day)
{
	add_usual();
	options.now = 1796083200; /* 2026-12-01 00:00 UTC */
	match("ignore main.worker until=2026-11-30\nignore main.worker until=2026-12-01");
	ck_assert(info(0)->expired);
	ck_assert(!info(1)->expired);
	options.now = 0;
	match("ignore main.worker until=2026-11-30");
	ck_assert(!info(0)->expired);
}
END_TEST

START_TEST(rules_that_hide_too_much_are_marked)
{
	add_usual();
	match("ignore runtime.gopark\nignore in main...\nignore main.worker\nignore time.Sl...\n"
	      "ignore created-by main.start");
	ck_assert(info(0)->broad && info(0)->names_parking);
	ck_assert(info(1)->broad && !info(1)->names_parking);
	ck_assert(!info(2)->broad && !info(2)->names_parking);
	ck_assert(!info(3)->broad && info(3)->names_parking);
	ck_assert(info(4)->broad && !info(4)->names_parking);
}
END_TEST

/* ---- Verdicts ------------------------------------------------------------------------------ */

static uint32_t group_of(uint32_t num_tasks)
{
	for (uint32_t i = 0; i < groups.list.num; i++)
		if (groups.list.items[i].num_tasks == num_tasks)
			return i;
	ck_abort_msg("no group of %u", num_tasks);
}

START_TEST(ignored_suspects_are_benign_and_no_finding)
{
	add_usual();
	options.threshold = 20;
	judge("ignore main.worker reason=pool");
	ck_assert_uint_eq(findings.list.num, 3);
	rule_all();
	ck_assert_uint_eq(findings.list.num, 2);
	ck_assert_int_eq(findings.verdict_by_group[group_of(40)], CORELEAKS_VERDICT_BENIGN);
	ck_assert_int_eq(findings.verdict_by_group[group_of(30)], CORELEAKS_VERDICT_SUSPECT);
	ck_assert_ptr_eq(ruled[group_of(40)].ignored_by, info(0));
	ck_assert_ptr_null(ruled[group_of(30)].ignored_by);
	ck_assert_uint_eq(info(0)->num_hidden, 40);
}
END_TEST

START_TEST(what_is_proved_or_likely_is_never_hidden)
{
	add_usual();
	judge("ignore in main...");
	findings.verdict_by_group[group_of(40)] = CORELEAKS_VERDICT_PROVED;
	findings.verdict_by_group[group_of(20)] = CORELEAKS_VERDICT_LIKELY;
	rule_all();
	ck_assert_int_eq(findings.verdict_by_group[group_of(40)], CORELEAKS_VERDICT_PROVED);
	ck_assert_int_eq(findings.verdict_by_group[group_of(20)], CORELEAKS_VERDICT_LIKELY);
	ck_assert_ptr_null(ruled[group_of(40)].ignored_by);
	ck_assert_uint_eq(info(0)->num_hidden, 0);
	ck_assert_uint_eq(info(0)->num_kept, 60);
}
END_TEST

static char *allow(uint32_t group, bool loose, uint32_t max)
{
	const struct group *of = &groups.list.items[group];
	return arena_format(&arena, "allow %s max=%u reason=\"known\"",
			    loose ? of->loose_signature : of->signature, max);
}

START_TEST(the_baseline_accepts_and_changes_no_verdict)
{
	add_usual();
	judge(NULL);
	for (int loose = 0; loose < 2; loose++) {
		judge(allow(group_of(40), loose, 40));
		findings.verdict_by_group[group_of(40)] = CORELEAKS_VERDICT_PROVED;
		rule_all();
		ck_assert_int_eq(findings.verdict_by_group[group_of(40)], CORELEAKS_VERDICT_PROVED);
		ck_assert_ptr_eq(ruled[group_of(40)].allowed_by, info(0));
		ck_assert_ptr_null(ruled[group_of(30)].allowed_by);
		ck_assert_uint_eq(findings.list.num, 0);
	}
}
END_TEST

START_TEST(more_than_the_baseline_is_a_finding)
{
	add_usual();
	judge(NULL);
	judge(allow(group_of(40), true, 39));
	rule_all();
	ck_assert_uint_eq(findings.list.num, 1);
	const struct coreleaks_finding *finding = &findings.list.items[0];
	ck_assert_str_eq(finding->rule, "over-baseline");
	ck_assert_int_eq(finding->certainty, CORELEAKS_VERDICT_SUSPECT);
	ck_assert_uint_eq(finding->num_tasks, 40);
	ck_assert_uint_eq(finding->num_groups, 1);
	ck_assert_uint_eq(finding->groups[0], group_of(40));
	ck_assert_int_eq(findings.verdict_by_group[group_of(40)], CORELEAKS_VERDICT_SUSPECT);
	ck_assert_ptr_null(ruled[group_of(40)].allowed_by);
	ck_assert_ptr_nonnull(strstr(finding->evidence[0].what, "known"));
}
END_TEST

Suite *rules_suite(void)
{
	Suite *suite = suite_create("rules");
	TCase *tcase = tcase_create("rules");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_line_a_rule);
	tcase_add_loop_test(tcase, what_is_no_rule_is_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, a_bad_expression_names_its_rule);
	tcase_add_test(tcase, built_in_sets_are_rules);
	tcase_add_loop_test(tcase, rules_take_what_they_name, 0, sizeof(fits) / sizeof(fits[0]));
	tcase_add_test(tcase, glibc_names_count_as_the_functions);
	tcase_add_test(tcase, the_first_rule_that_applies_takes_the_group);
	tcase_add_test(tcase, slack_is_added_to_max);
	tcase_add_test(tcase, threads_of_goroutines_do_not_count_twice);
	tcase_add_test(tcase, helpers_of_others_count);
	tcase_add_test(tcase, rules_expire_after_their_last_day);
	tcase_add_test(tcase, rules_that_hide_too_much_are_marked);
	tcase_add_test(tcase, ignored_suspects_are_benign_and_no_finding);
	tcase_add_test(tcase, what_is_proved_or_likely_is_never_hidden);
	tcase_add_test(tcase, the_baseline_accepts_and_changes_no_verdict);
	tcase_add_test(tcase, more_than_the_baseline_is_a_finding);
	suite_add_tcase(suite, tcase);
	return suite;
}
