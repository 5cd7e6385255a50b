#include "fake_view.h"
#include "report/rules.h"

#include <check.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

Suite *formats_suite(void);

static struct fake_view fake;

static void setup(void)
{
	fake_view_init(&fake);
}

static void teardown(void)
{
	fake_view_deinit(&fake);
}

static const char *make(enum coreleaks_format format)
{
	return fake_view_format(&fake, format).bytes;
}

/* What symbols of a hostile program may be called. */
static const char *const hostile_names[] = {
	"a;b",
	"two\nlines",
	"carriage\rreturn",
	"\ttab",
	" blank",
	"\"quoted\" 'name'",
	"back\\slash\\",
	"\033[31mred\033]0;title\a",
	"bidi \342\200\256 override",
	"invalid \377\300 bytes",
	"goroutine 7 [running]:",
	"created by main.main",
	"[originating from goroutine 1]:",
	"...12 frames elided...",
	"...",
	"percent%zz%",
	"percent%2",
	"a%2eb%2ec",
	"path/without/dot",
	"path%2ev2/pkg%2ev2.Func%2e",
	"operator/",
	"operator+",
	"go+x/a+b.F+g",
	"operator()",
	"std::map<int, char>::at(int)",
	"# comment",
	"7 @ 0x1",
	"--- section",
	"",
};
enum { NUM_HOSTILE = sizeof(hostile_names) / sizeof(hostile_names[0]) };

/* One stack of every hostile name, as the name of functions and of their files. */
static uint32_t hostile_stack(void)
{
	struct coreleaks_frame frames[2 * NUM_HOSTILE];
	for (uint32_t i = 0; i < NUM_HOSTILE; i++) {
		frames[2 * i] = fake_frame(hostile_names[i], i + 1);
		frames[2 * i + 1] = fake_frame("plain", i + 1);
		frames[2 * i + 1].file = hostile_names[i];
	}
	return fake_view_stack(&fake, frames, 2 * NUM_HOSTILE);
}

/* Every line of text has to match one of the patterns. */
static void expect_lines(const char *text, const char *const *patterns)
{
	while (*text != '\0') {
		const char *end = strchr(text, '\n');
		bool matches = false;
		ck_assert_msg(end != NULL, "a last line without an end: %.200s", text);
		char *line = strndup(text, (size_t)(end - text));
		for (int i = 0; patterns[i] != NULL && !matches; i++) {
			regex_t regex;
			ck_assert_int_eq(regcomp(&regex, patterns[i], REG_EXTENDED | REG_NOSUB), 0);
			matches = regexec(&regex, line, 0, NULL, 0) == 0;
			regfree(&regex);
		}
		ck_assert_msg(matches, "an odd line: %.200s", line);
		ck_assert_msg(strpbrk(line, "\033\r\a") == NULL, "control bytes: %.200s", line);
		ck_assert_msg(strstr(line, "\342\200\256") == NULL, "direction marks: %.200s",
			      line);
		free(line);
		text = end + 1;
	}
}

static uint32_t count(const char *text, const char *part)
{
	uint32_t num = 0;
	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		num++;
	return num;
}

/* ---- Goroutines ---------------------------------------------------------------------------- */

static const struct coreleaks_label labels[] = {{"user", "ann \"a\""}, {"path", "/x"}};
static const struct coreleaks_go go = {
	.recognised = true,
	.num_threads = 5,
	.num_goroutine = 4,
	.heap_size = 3 * 1024 * 1024 + 512 * 1024,
	.stack_size = 2 * 1024 * 1024,
};
static struct coreleaks_frame creator;
static const struct coreleaks_creation creation = {
	.frame = &creator, .num_places = 1, .recorded = true};
static const struct coreleaks_creation inferred = {
	.frame = &creator, .num_places = 1, .inferred = true};

static struct coreleaks_frame go_frame(const char *function, const char *file, uint32_t line)
{
	return (struct coreleaks_frame){
		.pc = 0x480000 + line,
		.function = function,
		.function_offset = line,
		.file = file,
		.line = line,
		.trust = CORELEAKS_TRUST_PCLNTAB,
		.module = "server",
		.module_path = "/usr/bin/server",
		.module_offset = 0x80000 + line,
	};
}

/* Goroutine 1 and, leaked, 18 and 19; one thread. */
static void go_program(void)
{
	const struct coreleaks_frame receive[] = {
		go_frame("runtime.gopark", "/go/src/runtime/proc.go", 363),
		go_frame("runtime.chanrecv1", "/go/src/runtime/chan.go", 442),
		go_frame("gopkg.in/yaml%2ev2.(*Decoder).next", "/src/yaml/decode.go", 57),
		go_frame("main.worker", "/src/main.go", 21),
		go_frame("runtime.goexit", "/go/src/runtime/asm_amd64.s", 1594),
	};
	const struct coreleaks_frame panicking[] = {
		go_frame("runtime.gopanic", "/go/src/runtime/panic.go", 884),
		go_frame("main.main", "/src/main.go", 9),
		go_frame("runtime.main", "/go/src/runtime/proc.go", 250),
	};
	creator = go_frame("main.main", "/src/main.go", 12);
	fake.view.go = &go;
	fake.next_id = 18;
	uint32_t stack = fake_view_stack(&fake, receive, 5);
	struct coreleaks_group *group =
		fake_view_goroutines(&fake, "g-111111111111", 2, stack, "chan receive");
	group->verdict = CORELEAKS_VERDICT_PROVED;
	for (int64_t id = 18; id <= 19; id++) {
		struct coreleaks_task *task = fake_view_task(&fake, id);
		task->creation = &creation;
		task->creator_id = 1;
		task->wait_ns = 185000000000;
		task->stack_size = 2048;
	}
	fake_view_task(&fake, 19)->locked_to_thread = true;
	fake_view_task(&fake, 19)->labels = labels;
	fake_view_task(&fake, 19)->num_labels = 2;
	fake.next_id = 1;
	stack = fake_view_stack(&fake, panicking, 3);
	fake_view_goroutines(&fake, "g-222222222222", 1, stack, NULL);
	fake_view_task(&fake, 1)->state = CORELEAKS_STATE_RUNNING;
	fake_view_task(&fake, 1)->creation = &creation;
	fake.next_id = 4711;
	const struct coreleaks_frame wait = fake_libc_frame("futex_wait");
	fake_view_group(&fake, "t-333333333333", 1, fake_view_stack(&fake, &wait, 1));
	fake_view_task(&fake, 4711)->creation = &inferred;
}

START_TEST(debug2_is_what_go_prints)
{
	go_program();
	ck_assert_str_eq(make(CORELEAKS_FORMAT_DEBUG2),
			 "# left out: 1 thread; --kind thread writes them\n"
			 "\n"
			 "goroutine 18 [chan receive (leaked), 3 minutes]:\n"
			 "gopkg.in/yaml%2ev2.(*Decoder).next(...)\n"
			 "\t/src/yaml/decode.go:57 +0x39\n"
			 "main.worker(...)\n"
			 "\t/src/main.go:21 +0x15\n"
			 "created by main.main in goroutine 1\n"
			 "\t/src/main.go:12 +0xc\n"
			 "\n"
			 "goroutine 19 [chan receive (leaked), 3 minutes, locked to thread]:\n"
			 "gopkg.in/yaml%2ev2.(*Decoder).next(...)\n"
			 "\t/src/yaml/decode.go:57 +0x39\n"
			 "main.worker(...)\n"
			 "\t/src/main.go:21 +0x15\n"
			 "created by main.main in goroutine 1\n"
			 "\t/src/main.go:12 +0xc\n"
			 "\n"
			 "goroutine 1 [running]:\n"
			 "panic(...)\n"
			 "\t/go/src/runtime/panic.go:884 +0x374\n"
			 "main.main(...)\n"
			 "\t/src/main.go:9 +0x9\n");
}
END_TEST

START_TEST(debug2_says_nothing_more_than_go_where_nothing_is_left_out)
{
	const struct coreleaks_frame main_frame = go_frame("main.main", "/src/main.go", 9);
	const struct coreleaks_frame idle[] = {
		go_frame("runtime.gopark", "/go/src/runtime/proc.go", 363),
		go_frame("runtime.bgsweep", "/go/src/runtime/mgcsweep.go", 278),
	};
	fake.next_id = 1;
	fake_view_goroutines(&fake, "g-1", 1, fake_view_stack(&fake, &main_frame, 1), "select");
	fake_view_task(&fake, 1)->wait_ns = 59999999999;
	fake_view_goroutines(&fake, "g-2", 1, fake_view_stack(&fake, idle, 2), "GC sweep wait");
	fake_view_goroutines(&fake, "g-3", 1, fake_view_stack(&fake, NULL, 0), NULL);
	fake_view_task(&fake, 3)->state = CORELEAKS_STATE_RUNNING;
	fake_view_task(&fake, 3)->marked_leaked = true;
	ck_assert_str_eq(make(CORELEAKS_FORMAT_DEBUG2),
			 "goroutine 1 [select]:\n"
			 "main.main(...)\n"
			 "\t/src/main.go:9 +0x9\n"
			 "\n"
			 "goroutine 2 [GC sweep wait]:\n"
			 "runtime.gopark(...)\n"
			 "\t/go/src/runtime/proc.go:363 +0x16b\n"
			 "runtime.bgsweep(...)\n"
			 "\t/go/src/runtime/mgcsweep.go:278 +0x116\n"
			 "\n"
			 "goroutine 3 [running (leaked)]:\n"
			 "\tgoroutine running on other thread; stack unavailable\n");
}
END_TEST

START_TEST(debug2_hides_the_compilers_wrappers_as_go_does)
{
	struct coreleaks_frame frames[] = {
		go_frame("main.f", "/src/main.go", 1),
		go_frame("main.f-wrapper", "/src/main.go", 2),
		go_frame("runtime.gopanic", "/go/src/runtime/panic.go", 3),
		go_frame("main.panics", "/src/main.go", 4),
	};
	frames[1].wrapper = frames[3].wrapper = true;
	fake_view_goroutines(&fake, "g-1", 1, fake_view_stack(&fake, frames, 4), "select");
	ck_assert_str_eq(make(CORELEAKS_FORMAT_DEBUG2), "goroutine 4711 [select]:\n"
							"main.f(...)\n"
							"\t/src/main.go:1 +0x1\n"
							"panic(...)\n"
							"\t/go/src/runtime/panic.go:3 +0x3\n"
							"main.panics(...)\n"
							"\t/src/main.go:4 +0x4\n");
}
END_TEST

/* Until Go 1.22 the first letter behind the package decided, since then the function's own and that
 * of what it belongs to (runtime/traceback.go, isExportedRuntime). */
START_TEST(debug2_shows_of_the_runtime_what_that_version_shows)
{
	struct coreleaks_frame frames[] = {
		go_frame("runtime.AddCleanup[...].func1", "/go/src/runtime/mcleanup.go", 1),
		go_frame("runtime.(*Func).Entry", "/go/src/runtime/symtab.go", 2),
		go_frame("runtime.(*func).Entry", "/go/src/runtime/symtab.go", 3),
		go_frame("runtime.GC", "/go/src/runtime/mgc.go", 4),
		go_frame("main.main", "/src/main.go", 5),
	};
	const char *wanted[] = {"runtime.AddCleanup[...].func1(...)", "runtime.(*Func).Entry(...)",
				"runtime.(*func).Entry(...)", "runtime.GC(...)"};
	static const struct {
		const char *version;
		bool shown[4];
	} rows[] = {
		{"go1.19.8", {true, false, false, true}},
		{"go1.22.12", {true, false, false, true}},
		{"go1.23.2", {false, true, false, true}},
		{"go1.27.4", {false, true, false, true}},
		{"devel +abc", {false, true, false, true}},
		{NULL, {false, true, false, true}},
	};
	fake_view_goroutines(&fake, "g-1", 1, fake_view_stack(&fake, frames, 5), "select");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct coreleaks_go told = {.version = rows[i].version, .recognised = true};
		fake.view.go = &told;
		const char *text = make(CORELEAKS_FORMAT_DEBUG2);
		for (int k = 0; k < 4; k++)
			ck_assert_msg((strstr(text, wanted[k]) != NULL) == rows[i].shown[k],
				      "%s: %s in\n%s", rows[i].version, wanted[k], text);
	}
	fake.view.go = NULL;
}
END_TEST

START_TEST(debug1_counts_goroutines_alike_in_stack_and_labels)
{
	go_program();
	const char *text = make(CORELEAKS_FORMAT_DEBUG1);
	ck_assert_str_eq(text, "goroutine profile: total 3\n"
			       "# left out: 1 thread; --kind thread writes them\n"
			       "1 @ 0x48016b 0x4801ba 0x480039 0x480015 0x48063a\n"
			       "# chan receive, proved, group g-111111111111\n"
			       "# created by main.main\n"
			       "#\t0x48016b\truntime.gopark+0x16b\t/go/src/runtime/proc.go:363\n"
			       "#\t0x4801ba\truntime.chanrecv1+0x1ba\t/go/src/runtime/chan.go:442\n"
			       "#\t0x480039\tgopkg.in/yaml%2ev2.(*Decoder).next+0x39\t"
			       "/src/yaml/decode.go:57\n"
			       "#\t0x480015\tmain.worker+0x15\t/src/main.go:21\n"
			       "#\t0x48063a\truntime.goexit+0x63a\t"
			       "/go/src/runtime/asm_amd64.s:1594\n"
			       "\n"
			       "1 @ 0x48016b 0x4801ba 0x480039 0x480015 0x48063a\n"
			       "# labels: {\"user\":\"ann \\\"a\\\"\", \"path\":\"/x\"}\n"
			       "# chan receive, proved, group g-111111111111\n"
			       "# created by main.main\n"
			       "#\t0x48016b\truntime.gopark+0x16b\t/go/src/runtime/proc.go:363\n"
			       "#\t0x4801ba\truntime.chanrecv1+0x1ba\t/go/src/runtime/chan.go:442\n"
			       "#\t0x480039\tgopkg.in/yaml%2ev2.(*Decoder).next+0x39\t"
			       "/src/yaml/decode.go:57\n"
			       "#\t0x480015\tmain.worker+0x15\t/src/main.go:21\n"
			       "#\t0x48063a\truntime.goexit+0x63a\t"
			       "/go/src/runtime/asm_amd64.s:1594\n"
			       "\n"
			       "1 @ 0x480374 0x480009 0x4800fa\n"
			       "# running, unknown, group g-222222222222\n"
			       "#\t0x480374\truntime.gopanic+0x374\t/go/src/runtime/panic.go:884\n"
			       "#\t0x480009\tmain.main+0x9\t/src/main.go:9\n"
			       "#\t0x4800fa\truntime.main+0xfa\t/go/src/runtime/proc.go:250\n");
	fake_view_task(&fake, 19)->num_labels = 0;
	text = make(CORELEAKS_FORMAT_DEBUG1);
	ck_assert_msg(strstr(text, "\n2 @ 0x48016b ") != NULL, "%s", text);
	ck_assert_uint_eq(count(text, " @ "), 2);
}
END_TEST

START_TEST(goleak_is_what_goleak_prints)
{
	go_program();
	ck_assert_str_eq(
		make(CORELEAKS_FORMAT_GOLEAK),
		"found unexpected goroutines:\n"
		"[Goroutine 18 in state chan receive (leaked), 3 minutes, with "
		"gopkg.in/yaml%2ev2.(*Decoder).next on top of the stack:\n"
		"gopkg.in/yaml%2ev2.(*Decoder).next(...)\n"
		"\t/src/yaml/decode.go:57 +0x39\n"
		"main.worker(...)\n"
		"\t/src/main.go:21 +0x15\n"
		"created by main.main in goroutine 1\n"
		"\t/src/main.go:12 +0xc\n"
		" Goroutine 19 in state chan receive (leaked), 3 minutes, locked to thread, "
		"with gopkg.in/yaml%2ev2.(*Decoder).next on top of the stack:\n"
		"gopkg.in/yaml%2ev2.(*Decoder).next(...)\n"
		"\t/src/yaml/decode.go:57 +0x39\n"
		"main.worker(...)\n"
		"\t/src/main.go:21 +0x15\n"
		"created by main.main in goroutine 1\n"
		"\t/src/main.go:12 +0xc\n"
		"]\n"
		"# left out: 1 thread; --kind thread writes them\n");
	fake.options.members = 1;
	const char *text = make(CORELEAKS_FORMAT_GOLEAK);
	ck_assert_msg(strstr(text, "\n... and 1 goroutine like it\n]\n") != NULL, "%s", text);
	ck_assert_uint_eq(count(text, "Goroutine "), 1);
}
END_TEST

START_TEST(prometheus_has_gos_own_families)
{
	go_program();
	fake_view_finding(&fake, UINT32_MAX, "many");
	fake.core.complete = false;
	ck_assert_str_eq(
		make(CORELEAKS_FORMAT_PROMETHEUS),
		"# HELP go_goroutines Number of goroutines that currently exist.\n"
		"# TYPE go_goroutines gauge\n"
		"go_goroutines 4\n"
		"# HELP go_threads Number of OS threads created.\n"
		"# TYPE go_threads gauge\n"
		"go_threads 5\n"
		"# HELP go_memstats_stack_inuse_bytes Number of bytes in use by the stack "
		"allocator.\n"
		"# TYPE go_memstats_stack_inuse_bytes gauge\n"
		"go_memstats_stack_inuse_bytes 2097152\n"
		"# HELP coreleaks_tasks Threads and goroutines that the report shows.\n"
		"# TYPE coreleaks_tasks gauge\n"
		"coreleaks_tasks{kind=\"thread\",state=\"waiting\",verdict=\"unknown\"} 1\n"
		"coreleaks_tasks{kind=\"goroutine\",state=\"running\",verdict=\"unknown\"} 1\n"
		"coreleaks_tasks{kind=\"goroutine\",state=\"waiting\",verdict=\"proved\"} 2\n"
		"# HELP coreleaks_groups Groups of tasks with equal stacks.\n"
		"# TYPE coreleaks_groups gauge\n"
		"coreleaks_groups{kind=\"thread\",verdict=\"proved\"} 0\n"
		"coreleaks_groups{kind=\"thread\",verdict=\"likely\"} 0\n"
		"coreleaks_groups{kind=\"thread\",verdict=\"suspect\"} 0\n"
		"coreleaks_groups{kind=\"thread\",verdict=\"unknown\"} 1\n"
		"coreleaks_groups{kind=\"thread\",verdict=\"benign\"} 0\n"
		"coreleaks_groups{kind=\"goroutine\",verdict=\"proved\"} 1\n"
		"coreleaks_groups{kind=\"goroutine\",verdict=\"likely\"} 0\n"
		"coreleaks_groups{kind=\"goroutine\",verdict=\"suspect\"} 0\n"
		"coreleaks_groups{kind=\"goroutine\",verdict=\"unknown\"} 1\n"
		"coreleaks_groups{kind=\"goroutine\",verdict=\"benign\"} 0\n"
		"# HELP coreleaks_stack_bytes Stack in use by all tasks of the core.\n"
		"# TYPE coreleaks_stack_bytes gauge\n"
		"coreleaks_stack_bytes 20480\n"
		"# HELP coreleaks_oldest_wait_seconds The longest wait; it may have lasted "
		"longer.\n"
		"# TYPE coreleaks_oldest_wait_seconds gauge\n"
		"coreleaks_oldest_wait_seconds 185.000000000\n"
		"# HELP coreleaks_findings Findings by rule.\n"
		"# TYPE coreleaks_findings gauge\n"
		"coreleaks_findings{rule=\"population\"} 1\n"
		"# HELP coreleaks_finished_threads Threads that have finished and were never "
		"joined.\n"
		"# TYPE coreleaks_finished_threads gauge\n"
		"coreleaks_finished_threads 0\n"
		"# HELP coreleaks_hidden_tasks Tasks that the report leaves out.\n"
		"# TYPE coreleaks_hidden_tasks gauge\n"
		"# HELP coreleaks_incomplete 1 when the core could not be analysed completely.\n"
		"# TYPE coreleaks_incomplete gauge\n"
		"coreleaks_incomplete 1\n");
}
END_TEST

/* "go f(x)" begins in a wrapper, which Go's own profiles do not have. */
START_TEST(wrappers_are_in_no_profile)
{
	struct coreleaks_frame frames[] = {
		go_frame("main.f", "/src/f.go", 7), go_frame("main.main.func1", "/src/f.go", 9),
		go_frame("main.g", "/src/f.go", 11), go_frame("main.main.func2", "/src/f.go", 11),
		go_frame("runtime.goexit", "/go/asm.s", 1594)};
	frames[1].wrapper = frames[3].wrapper = true;
	frames[2].inlined = true;
	go_program();
	fake_view_group(&fake, "g-0000000000ff", 1, fake_view_stack(&fake, frames, 5))->kind =
		CORELEAKS_KIND_GOROUTINE;
	const char *text = make(CORELEAKS_FORMAT_DEBUG1);
	ck_assert_ptr_nonnull(strstr(text, "1 @ 0x480007 0x48000b 0x48063a\n"));
	ck_assert_ptr_nonnull(strstr(text, "main.g+0xb"));
	ck_assert_ptr_null(strstr(text, "main.main.func"));
	ck_assert_ptr_null(strstr(make(CORELEAKS_FORMAT_FOLDED), "main.main.func"));
}
END_TEST

START_TEST(logfmt_is_one_line)
{
	go_program();
	fake.core.command = "say \"hi\"\n a=b \033[31m";
	ck_assert_str_eq(
		make(CORELEAKS_FORMAT_LOGFMT),
		"goroutines=4 threads=1 stack_inuse_mb=2.00 heap_alloc_mb=3.50 proved=2 likely=0 "
		"suspect=0 "
		"unknown=2 benign=0 hidden=0 finished_threads=0 groups=3 findings=0 gaps=0 "
		"verdict=unknown complete=true pid=4711 command=\"say \\\"hi\\\"\\u000a "
		"a=b \\u001b[31m\" core=\"/var/core.4711\"\n");
}
END_TEST

/* ---- Threads ------------------------------------------------------------------------------- */

static void native_program(void)
{
	struct coreleaks_frame frames[] = {
		fake_libc_frame("__futex_wait"),
		fake_libc_frame(NULL),
		fake_frame("consume", 42),
		fake_libc_frame("start_thread"),
	};
	frames[2].function = "Queue<int>::consume";
	frames[2].file = "/src/queue.cc";
	struct coreleaks_group *group =
		fake_view_group(&fake, "t-111111111111", 2, fake_view_stack(&fake, frames, 4));
	group->verdict = CORELEAKS_VERDICT_SUSPECT;
	frames[0] = fake_frame("worker", 7);
	group = fake_view_group(&fake, "t-222222222222", 0, fake_view_stack(&fake, frames, 1));
	static const uint64_t pthreads[] = {0x7f00dead0000};
	group->state = CORELEAKS_STATE_EXITED;
	group->reason = NULL;
	group->verdict = CORELEAKS_VERDICT_SUSPECT;
	group->pthreads = pthreads;
	group->num_pthreads = 1;
	fake.view.num_finished_threads = 1;
}

START_TEST(debug2_has_threads_only_when_asked)
{
	native_program();
	ck_assert_str_eq(make(CORELEAKS_FORMAT_DEBUG2),
			 "# left out: 2 threads; --kind thread writes them\n\n");
	fake.options.kind = CORELEAKS_KIND_THREAD;
	ck_assert_str_eq(make(CORELEAKS_FORMAT_DEBUG2),
			 "# threads of /var/core.4711, written as goroutines; source files that "
			 "are not .c, .go or .s are ??\n"
			 "# left out: 1 finished thread, never joined, without an id\n"
			 "\n"
			 "goroutine 4711 [futex]:\n"
			 "__futex_wait(...)\n"
			 "\t??:0 +0xc6\n"
			 "libc.so.6@0x85d36(...)\n"
			 "\t??:0\n"
			 "Queue<int>::consume(...)\n"
			 "\t??:42 +0x1f\n"
			 "start_thread(...)\n"
			 "\t??:0 +0xc6\n"
			 "\n"
			 "goroutine 4712 [futex]:\n"
			 "__futex_wait(...)\n"
			 "\t??:0 +0xc6\n"
			 "libc.so.6@0x85d36(...)\n"
			 "\t??:0\n"
			 "Queue<int>::consume(...)\n"
			 "\t??:42 +0x1f\n"
			 "start_thread(...)\n"
			 "\t??:0 +0xc6\n");
}
END_TEST

START_TEST(goleak_says_the_same_of_threads)
{
	native_program();
	ck_assert_str_eq(
		make(CORELEAKS_FORMAT_GOLEAK),
		"found unexpected threads:\n"
		"[Thread 4711 in state futex, with Queue<int>::consume on top of the stack:\n"
		"Queue<int>::consume(...)\n"
		"\t??:42 +0x1f\n"
		" Thread 4712 in state futex, with Queue<int>::consume on top of the stack:\n"
		"Queue<int>::consume(...)\n"
		"\t??:42 +0x1f\n"
		" Thread 0x7f00dead0000 in state exited, with worker on top of the stack:\n"
		"worker(...)\n"
		"\t/src/worker.c:7 +0x1f\n"
		"]\n");
}
END_TEST

START_TEST(goleak_says_when_there_is_nothing)
{
	const struct coreleaks_frame frame = fake_frame("consume", 42);
	fake_view_group(&fake, "t-1", 2, fake_view_stack(&fake, &frame, 1));
	ck_assert_str_eq(make(CORELEAKS_FORMAT_GOLEAK), "no unexpected threads were found\n");
	fake_view_gap(&fake, "core-truncated", true, "cut", 1);
	fake_view_finding(&fake, UINT32_MAX, "12,000 threads");
	ck_assert_str_eq(make(CORELEAKS_FORMAT_GOLEAK), "no unexpected threads were found\n"
							"# population: 12,000 threads\n"
							"# incomplete: the analysis has 1 gap\n");
}
END_TEST

START_TEST(folded_merges_and_sorts)
{
	native_program();
	const struct coreleaks_frame frames[] = {fake_frame("z;b c", 1), fake_frame("main", 2)};
	uint32_t stack = fake_view_stack(&fake, frames, 2);
	fake_view_group(&fake, "t-3", 1, stack);
	fake_view_group(&fake, "t-4", 2, fake_view_stack(&fake, frames, 2));
	uint32_t cut = fake_view_stack(&fake, frames, 1);
	((struct coreleaks_stack *)(uintptr_t)fake.view.stacks[cut])->end = CORELEAKS_STACK_LIMIT;
	fake_view_group(&fake, "t-5", 1, cut);
	fake_view_group(&fake, "t-6", 1, fake_view_stack(&fake, NULL, 0));
	ck_assert_str_eq(make(CORELEAKS_FORMAT_FOLDED),
			 "[finished thread];worker 1\n"
			 "[no stack] 1\n"
			 "[stack limit];z\\x3bb c 1\n"
			 "main;z\\x3bb c 3\n"
			 "start_thread;Queue<int>::consume;libc.so.6+0x85d36;__futex_wait 2\n");
}
END_TEST

START_TEST(a_core_of_both_kinds_is_written_by_kind)
{
	go_program();
	fake.options.kind = CORELEAKS_KIND_THREAD;
	ck_assert_str_eq(make(CORELEAKS_FORMAT_FOLDED), "futex_wait 1\n");
	ck_assert_str_eq(make(CORELEAKS_FORMAT_GOLEAK),
			 "no unexpected threads were found\n"
			 "# left out: 3 goroutines; --kind goroutine writes them\n");
	const char *text = make(CORELEAKS_FORMAT_DEBUG1);
	ck_assert_msg(strncmp(text, "thread profile: total 1\n", 24) == 0, "%s", text);
	/* No place that is only inferred. */
	ck_assert_msg(strstr(text, "created by") == NULL, "%s", text);
}
END_TEST

/* ---- pprof --------------------------------------------------------------------------------- */

struct message {
	const unsigned char *at, *end;
};

static uint64_t varint(struct message *message)
{
	uint64_t value = 0;
	for (unsigned shift = 0;; shift += 7) {
		ck_assert(message->at < message->end);
		ck_assert_uint_lt(shift, 64);
		unsigned char byte = *message->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
}

/* The next field: a number, or the bytes of what is inside. */
static bool next_field(struct message *message, uint32_t *field_ret, uint64_t *number_ret,
		       struct message *inside_ret)
{
	if (message->at == message->end)
		return false;
	uint64_t key = varint(message);
	*field_ret = (uint32_t)(key >> 3);
	*inside_ret = (struct message){NULL, NULL};
	*number_ret = varint(message);
	if ((key & 7) == 0)
		return true;
	ck_assert_uint_eq(key & 7, 2);
	ck_assert_uint_le(*number_ret, (size_t)(message->end - message->at));
	*inside_ret = (struct message){message->at, message->at + *number_ret};
	message->at += *number_ret;
	return true;
}

static struct message unpack(void)
{
	enum { MOST = 1024 * 1024 };
	struct text packed = fake_view_format(&fake, CORELEAKS_FORMAT_PPROF);
	unsigned char *bytes = arena_alloc(&fake.arena, MOST);
	z_stream stream = {
		.next_in = (Bytef *)packed.bytes,
		.avail_in = (uInt)packed.size,
		.next_out = bytes,
		.avail_out = MOST,
	};
	ck_assert_int_eq(inflateInit2(&stream, 15 + 16), Z_OK);
	ck_assert_int_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
	ck_assert_uint_eq(stream.avail_in, 0);
	inflateEnd(&stream);
	return (struct message){bytes, bytes + stream.total_out};
}

static const char *string_of(struct message profile, uint64_t index)
{
	uint32_t field;
	uint64_t number, at = 0;
	struct message inside;
	while (next_field(&profile, &field, &number, &inside))
		if (field == 6 && at++ == index)
			return arena_copy_bytes(&fake.arena, inside.at, number);
	ck_abort_msg("there is no string %u", (unsigned)index);
	return NULL;
}

/* The number in field of the message in the profile's table that has this id. */
static uint64_t of_id(struct message profile, uint32_t table, uint64_t id, uint32_t wanted,
		      struct message *inside_ret)
{
	uint32_t field;
	uint64_t number;
	struct message row;
	while (next_field(&profile, &field, &number, &row)) {
		uint64_t row_id = 0, found = 0;
		struct message inside, found_inside = {NULL, NULL};
		if (field != table)
			continue;
		while (next_field(&row, &field, &number, &inside)) {
			row_id = field == 1 ? number : row_id;
			found = field == wanted ? number : found;
			found_inside = field == wanted ? inside : found_inside;
		}
		if (row_id == id) {
			*inside_ret = found_inside;
			return found;
		}
	}
	ck_abort_msg("table %u has no id %u", table, (unsigned)id);
	return 0;
}

static const char *function_of(struct message profile, uint64_t location)
{
	struct message line, none;
	uint32_t field;
	uint64_t number;
	of_id(profile, 4, location, 4, &line);
	if (line.at == NULL)
		return "?";
	ck_assert(next_field(&line, &field, &number, &none));
	ck_assert_uint_eq(field, 1);
	return string_of(profile, of_id(profile, 5, number, 2, &none));
}

static void print_sample(struct text *out, struct message profile, struct message sample)
{
	uint32_t field;
	uint64_t number;
	struct message inside;
	while (next_field(&sample, &field, &number, &inside)) {
		while (field == 1 && inside.at < inside.end)
			text_addf(out, "%s ", function_of(profile, varint(&inside)));
		while (field == 2 && inside.at < inside.end)
			text_addf(out, "%" PRIu64 " ", varint(&inside));
		if (field != 3)
			continue;
		uint64_t parts[3] = {0};
		struct message none;
		while (next_field(&inside, &field, &number, &none))
			parts[field] = number;
		text_addf(out, "%s=%s ", string_of(profile, parts[1]),
			  string_of(profile, parts[2]));
	}
	text_add(out, "\n");
}

/* "TYPE/UNIT …" of the samples, then a line a sample: functions, values, labels. */
static const char *pprof_text(void)
{
	struct text out;
	struct message profile = unpack(), at = profile, inside;
	uint32_t field;
	uint64_t number;
	text_init(&out, &fake.arena);
	ck_assert_str_eq(string_of(profile, 0), "");
	while (next_field(&at, &field, &number, &inside)) {
		if (field == 2)
			print_sample(&out, profile, inside);
		if (field != 1 && field != 11)
			continue;
		struct message none;
		text_add(&out, field == 1 ? "" : "period ");
		while (next_field(&inside, &field, &number, &none))
			text_addf(&out, "%s%c", string_of(profile, number),
				  field == 1 ? '/' : '\n');
	}
	return out.bytes;
}

START_TEST(pprof_of_goroutines)
{
	go_program();
	ck_assert_str_eq(
		pprof_text(),
		"goroutine/count\nstack/bytes\nwait/nanoseconds\nperiod goroutine/count\n"
		"runtime.gopark runtime.chanrecv1 gopkg.in/yaml%2ev2.(*Decoder).next main.worker "
		"runtime.goexit 1 2048 185000000000 state=waiting reason=chan receive "
		"verdict=proved "
		"created_by=main.main \n"
		"runtime.gopark runtime.chanrecv1 gopkg.in/yaml%2ev2.(*Decoder).next main.worker "
		"runtime.goexit 1 2048 185000000000 state=waiting reason=chan receive "
		"verdict=proved "
		"created_by=main.main user=ann \"a\" path=/x \n"
		"runtime.gopanic main.main runtime.main 1 8192 0 state=running verdict=unknown \n");
}
END_TEST

START_TEST(rules_have_words)
{
	uint32_t num = 0;
	for (; rules_row(num) != NULL; num++)
		ck_assert_uint_eq(rules_find(rules_row(num)->name), num);
	ck_assert_uint_ge(num, 10);
	ck_assert_uint_lt(rules_find("deadlock-cycle"), num);
	ck_assert_uint_eq(rules_find("no-such-rule"), UINT32_MAX);
}
END_TEST

/* Tasks that differ in what is each one's own are apart, in an order of its own: by reason, who
 * made them (nobody first, then by name, file and line) and labels. */
START_TEST(pprof_keeps_apart)
{
	static const struct coreleaks_frame makers[] = {
		{.function = "main.a", .file = "a.go", .line = 1},
		{.function = "main.a", .file = "a.go", .line = 2},
		{.function = "main.a", .file = "b.go", .line = 1},
		{.function = "main.b", .file = "a.go", .line = 1},
		{.function = "main.a", .file = "a.go", .line = 1}, /* as the first */
	};
	static struct coreleaks_creation made[5];
	static const struct coreleaks_label own[] = {{"k", "1"}, {"k", "2"}, {"m", "1"}};
	const struct coreleaks_frame frame = fake_frame("f", 1);
	uint32_t stack = fake_view_stack(&fake, &frame, 1);
	fake_view_goroutines(&fake, "g-1", 9, stack, "select");
	for (int64_t i = 0; i < 5; i++) {
		made[i] = (struct coreleaks_creation){
			.frame = &makers[4 - i], .num_places = 1, .recorded = true};
		fake_view_task(&fake, fake.next_id - 9 + i)->creation = &made[i];
	}
	for (int64_t i = 0; i < 3; i++) {
		struct coreleaks_task *task = fake_view_task(&fake, fake.next_id - 4 + i);
		task->labels = &own[2 - i];
		task->num_labels = 1;
	}
	fake_view_task(&fake, fake.next_id - 1)->reason = "chan send";
	ck_assert_str_eq(
		pprof_text(),
		"goroutine/count\nstack/bytes\nwait/nanoseconds\nperiod goroutine/count\n"
		"f 1 8192 0 state=waiting reason=chan send verdict=unknown \n"
		"f 1 8192 0 state=waiting reason=select verdict=unknown k=1 \n"
		"f 1 8192 0 state=waiting reason=select verdict=unknown k=2 \n"
		"f 1 8192 0 state=waiting reason=select verdict=unknown m=1 \n"
		"f 2 16384 0 state=waiting reason=select verdict=unknown created_by=main.a \n"
		"f 1 8192 0 state=waiting reason=select verdict=unknown created_by=main.a \n"
		"f 1 8192 0 state=waiting reason=select verdict=unknown created_by=main.a \n"
		"f 1 8192 0 state=waiting reason=select verdict=unknown created_by=main.b \n");
}
END_TEST

START_TEST(pprof_of_threads)
{
	native_program();
	ck_assert_str_eq(
		pprof_text(),
		"thread/count\nperiod thread/count\n"
		"__futex_wait ? Queue<int>::consume start_thread 2 state=waiting reason=futex "
		"verdict=suspect \n"
		"worker 1 state=exited verdict=suspect \n");
}
END_TEST

START_TEST(pprof_without_any_task)
{
	ck_assert_str_eq(pprof_text(), "thread/count\nperiod thread/count\n");
}
END_TEST

START_TEST(pprof_of_a_stack_that_is_not_there)
{
	fake_view_group(&fake, "t-1", 3, fake_view_stack(&fake, NULL, 0));
	fake_view_group(&fake, "t-2", 2, UINT32_MAX);
	ck_assert_str_eq(pprof_text(), "thread/count\nperiod thread/count\n"
				       "[no stack] 3 state=waiting reason=futex verdict=unknown \n"
				       "[no stack] 2 state=waiting reason=futex verdict=unknown "
				       "stack_end=unreadable \n");
}
END_TEST

START_TEST(pprof_names_mappings)
{
	struct coreleaks_frame frames[] = {fake_frame("leaf", 1), fake_frame("root", 2)};
	struct message none;
	frames[0].pc = 0x1800;
	frames[1].pc = 0x1800;
	fake_view_module(&fake, "/usr/lib/unused.so", NULL, NULL);
	fake_view_module(&fake, "/usr/bin/worker", NULL, NULL);
	struct coreleaks_module *modules[] = {
		(struct coreleaks_module *)(uintptr_t)fake.view.modules[0],
		(struct coreleaks_module *)(uintptr_t)fake.view.modules[1],
	};
	modules[0]->low = 0x100;
	modules[0]->high = 0x200;
	modules[1]->build_id = "ab12";
	fake_view_group(&fake, "t-1", 1, fake_view_stack(&fake, frames, 2));
	struct message profile = unpack();
	ck_assert_uint_eq(of_id(profile, 3, 2, 2, &none), 0x1000);
	ck_assert_uint_eq(of_id(profile, 3, 2, 3, &none), 0x2000);
	ck_assert_str_eq(string_of(profile, of_id(profile, 3, 2, 5, &none)), "/usr/bin/worker");
	ck_assert_str_eq(string_of(profile, of_id(profile, 3, 2, 6, &none)), "ab12");
	ck_assert_uint_eq(of_id(profile, 3, 2, 7, &none), 1);
	/* Only the innermost frame is at its pc; a caller's is behind the call. */
	ck_assert_uint_eq(of_id(profile, 4, 1, 3, &none), 0x1800);
	ck_assert_uint_eq(of_id(profile, 4, 2, 3, &none), 0x17ff);
	ck_assert_uint_eq(of_id(profile, 4, 2, 2, &none), 2);
	uint32_t field, num_mappings = 0;
	uint64_t number;
	while (next_field(&profile, &field, &number, &none))
		num_mappings += field == 3;
	ck_assert_uint_eq(num_mappings, 1);
}
END_TEST

/* ---- Hostile text -------------------------------------------------------------------------- */

START_TEST(hostile_names_do_not_break_debug2)
{
	/* As panicparse and goleak take lines apart. */
	static const char *const patterns[] = {
		"^$",
		"^# ",
		"^goroutine 4711 \\[[^]]+\\]:$",
		"^[^\t].*\\(\\.\\.\\.\\)$",
		"^\t(\\?\\?|.+\\.(c|go|s)):[0-9]+( \\+0x[0-9a-f]+)?$",
		"^created by .+ in goroutine 5$",
		NULL,
	};
	fake_view_group(&fake, "t-1", 1, hostile_stack());
	struct coreleaks_task *task = fake_view_task(&fake, 4711);
	task->reason = "a [b], locked to thread]:\ngoroutine 9 [x]:\033";
	struct coreleaks_frame by = fake_frame("created by \n x", 1);
	const struct coreleaks_creation by_one = {.frame = &by, .num_places = 1, .recorded = true};
	task->creation = &by_one;
	task->creator_id = 5;
	fake.core.path = "/tmp/a\n\033b";
	fake.options.kind = CORELEAKS_KIND_THREAD;
	const char *text = make(CORELEAKS_FORMAT_DEBUG2);
	expect_lines(text, patterns);
	ck_assert_uint_eq(count(text, "(...)\n"), 2 * NUM_HOSTILE);
	ck_assert_uint_eq(count(text, "\ngoroutine "), 1);
	ck_assert_uint_eq(count(text, "\ncreated by "), 1);
	ck_assert_uint_eq(count(text, "\n..."), 0);
	ck_assert_uint_eq(count(text, "\n[orig"), 0);
	ck_assert_msg(strstr(text, "\n\\x67oroutine 7 [running]:(...)\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\npercent\\x25zz\\x25(...)\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\noperator\\x2b(...)\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\ngo+x/a+b.F\\x2bg(...)\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\na\\x252eb\\x252ec(...)\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\npath\\x2fwithout\\x2fdot(...)\n") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\npath%2ev2/pkg%2ev2.Func\\x252e(...)\n") != NULL, "%s", text);
}
END_TEST

START_TEST(hostile_names_do_not_break_debug1)
{
	/* As pprof's profile/legacy_profile.go takes lines apart. */
	static const char *const patterns[] = {
		"^$", "^#", "^thread profile: total 1$", "^1 @( 0x[0-9a-f]+)+$", NULL,
	};
	static char long_name[64 * 1024 + 1];
	memset(long_name, 'n', sizeof(long_name) - 1);
	memcpy(long_name + 8190, "\342\202\254", 3); /* cut in its middle */
	struct coreleaks_frame *frames = arena_alloc_array(&fake.arena, 5000, sizeof(*frames));
	for (uint32_t i = 0; i < 5000; i++) {
		frames[i] = fake_frame(hostile_names[i % NUM_HOSTILE], i + 1);
		frames[i].pc = UINT64_MAX - i;
	}
	frames[0].function = long_name;
	frames[0].file = long_name;
	fake_view_group(&fake, "t-1", 1, fake_view_stack(&fake, frames, 5000));
	struct coreleaks_label label = {"k\n", long_name};
	struct coreleaks_task *task = fake_view_task(&fake, 4711);
	task->labels = &label;
	task->num_labels = 1;
	task->reason = "a\nb";
	const char *text = make(CORELEAKS_FORMAT_DEBUG1);
	expect_lines(text, patterns);
	for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
		ck_assert_int_lt(end - line, 64 * 1024);
	ck_assert_msg(strstr(text, "n...(57346 more bytes)+0x1f\t") != NULL, "%.2000s", text);
	ck_assert_msg(strstr(text, "\n# 2000 outermost addresses are left out\n") != NULL, "%.400s",
		      text);
	ck_assert_uint_eq(count(text, "\n#\t0x"), 5000);
}
END_TEST

START_TEST(hostile_names_do_not_break_sums_and_folds)
{
	static const char *const folded[] = {"^[^;]*(;[^;]*){57} 2$", NULL};
	static const char *const metrics[] = {
		"^# (HELP|TYPE) [a-z_]+ .+$",
		"^[a-z_]+ [0-9]+$",
		"^[a-z_]+\\{[a-z]+=\"([^\"\\]|\\\\[\"\\])*\"(,[a-z]+=\"[a-z]*\")*\\} [0-9]+$",
		NULL,
	};
	static const char *const logfmt[] = {
		"^[a-z_]+=[0-9]+( [a-z_]+=(\"([^\"\\]|\\\\.)*\"|[a-z0-9.]+))*$", NULL};
	fake_view_group(&fake, "t-1", 2, hostile_stack());
	fake_view_group(&fake, "t-2", 1, 0)->hidden_by = "--focus \"a\\b\"\n\033";
	fake.core.command = hostile_names[7];
	fake.core.path = "/tmp/\"a\"\n\\ b\377";
	/* Hidden groups stand last in a view. */
	expect_lines(make(CORELEAKS_FORMAT_FOLDED), folded);
	expect_lines(make(CORELEAKS_FORMAT_PROMETHEUS), metrics);
	const char *text = make(CORELEAKS_FORMAT_LOGFMT);
	expect_lines(text, logfmt);
	ck_assert_uint_eq(count(text, "\n"), 1);
}
END_TEST

START_TEST(hostile_names_do_not_break_pprof)
{
	fake_view_group(&fake, "t-1", 1, hostile_stack());
	fake_view_task(&fake, 4711)->reason = "\033\n\342\200\256\377";
	const char *text = pprof_text();
	ck_assert_msg(strpbrk(text, "\033\r\a\t\377\300") == NULL, "%s", text);
	ck_assert_msg(strstr(text, "reason=\\x1b\\x0a\\u202e\\xff ") != NULL, "%s", text);
	ck_assert_msg(strstr(text, " two\\x0alines plain ") != NULL, "%s", text);
}
END_TEST

START_TEST(same_view_same_bytes)
{
	go_program();
	for (int i = 0; coreleaks_format_name((enum coreleaks_format)i) != NULL; i++) {
		struct text first = fake_view_format(&fake, (enum coreleaks_format)i);
		struct text second = fake_view_format(&fake, (enum coreleaks_format)i);
		ck_assert_uint_eq(first.size, second.size);
		ck_assert_mem_eq(first.bytes, second.bytes, first.size);
	}
}
END_TEST

START_TEST(formats_are_found_by_name_and_path)
{
	int num = 0;
	for (; coreleaks_format_name((enum coreleaks_format)num) != NULL; num++) {
		const char *name = coreleaks_format_name((enum coreleaks_format)num);
		const char *suffix = coreleaks_format_suffix((enum coreleaks_format)num);
		ck_assert_int_eq(coreleaks_format_by_name(name), num);
		ck_assert_int_eq(
			coreleaks_format_by_path(arena_format(&fake.arena, "dir/a%s", suffix)),
			num);
		ck_assert_int_eq(
			coreleaks_format_by_path(arena_format(&fake.arena, "dir/%s", suffix)), -1);
	}
	ck_assert_int_gt(num, CORELEAKS_FORMAT_LOGFMT);
	ck_assert_ptr_null(coreleaks_format_suffix((enum coreleaks_format)num));
	ck_assert_int_eq(coreleaks_format_by_path("a.pprof"), CORELEAKS_FORMAT_PPROF);
	ck_assert_int_eq(coreleaks_format_by_path(".pprof"), -1);
	ck_assert_int_eq(coreleaks_format_by_path("a.gz"), -1);
	ck_assert_int_eq(coreleaks_format_by_name("debug"), -1);
	ck_assert_ptr_null(format_find((enum coreleaks_format) - 1));
}
END_TEST

Suite *formats_suite(void)
{
	Suite *suite = suite_create("formats");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, debug2_is_what_go_prints);
	tcase_add_test(tests, debug2_says_nothing_more_than_go_where_nothing_is_left_out);
	tcase_add_test(tests, debug2_hides_the_compilers_wrappers_as_go_does);
	tcase_add_test(tests, debug2_shows_of_the_runtime_what_that_version_shows);
	tcase_add_test(tests, debug1_counts_goroutines_alike_in_stack_and_labels);
	tcase_add_test(tests, goleak_is_what_goleak_prints);
	tcase_add_test(tests, prometheus_has_gos_own_families);
	tcase_add_test(tests, wrappers_are_in_no_profile);
	tcase_add_test(tests, logfmt_is_one_line);
	tcase_add_test(tests, debug2_has_threads_only_when_asked);
	tcase_add_test(tests, goleak_says_the_same_of_threads);
	tcase_add_test(tests, goleak_says_when_there_is_nothing);
	tcase_add_test(tests, folded_merges_and_sorts);
	tcase_add_test(tests, a_core_of_both_kinds_is_written_by_kind);
	tcase_add_test(tests, pprof_of_goroutines);
	tcase_add_test(tests, rules_have_words);
	tcase_add_test(tests, pprof_keeps_apart);
	tcase_add_test(tests, pprof_of_threads);
	tcase_add_test(tests, pprof_without_any_task);
	tcase_add_test(tests, pprof_of_a_stack_that_is_not_there);
	tcase_add_test(tests, pprof_names_mappings);
	tcase_add_test(tests, hostile_names_do_not_break_debug2);
	tcase_add_test(tests, hostile_names_do_not_break_debug1);
	tcase_add_test(tests, hostile_names_do_not_break_sums_and_folds);
	tcase_add_test(tests, hostile_names_do_not_break_pprof);
	tcase_add_test(tests, same_view_same_bytes);
	tcase_add_test(tests, formats_are_found_by_name_and_path);
	suite_add_tcase(suite, tests);
	return suite;
}
