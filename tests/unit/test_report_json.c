#include "fake_view.h"

#include "report/json_out.h"

#include <check.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

Suite *report_json_suite(void);

static struct fake_view fake;
static json_t *root;

static void setup(void)
{
	fake_view_init(&fake);
	root = NULL;
}

static void teardown(void)
{
	json_decref(root);
	fake_view_deinit(&fake);
}

/* Strict: one value, no key twice, valid UTF-8. */
static json_t *parse(const char *text)
{
	json_error_t error;
	json_decref(root);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(root != NULL, "line %d: %s in\n%s", error.line, error.text, text);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	return root;
}

static json_t *report(void)
{
	return parse(fake_view_json(&fake));
}

static json_t *show(const char *name)
{
	const char *error = NULL;
	const char *text = fake_view_show(&fake, name, true, &error);
	ck_assert_msg(text != NULL, "%s", error);
	return parse(text);
}

/* The value at a path such as "groups.0.frames"; it must be there. */
static json_t *at(json_t *value, const char *path)
{
	char part[64];
	while (*path != '\0') {
		size_t size = strcspn(path, ".");
		ck_assert_uint_lt(size, sizeof(part));
		memcpy(part, path, size);
		part[size] = '\0';
		value = json_is_array(value) ? json_array_get(value, (size_t)atoi(part))
					     : json_object_get(value, part);
		ck_assert_msg(value != NULL, "there is no %s", path);
		path += size + (path[size] == '.');
	}
	return value;
}

#define EXPECT_TEXT(path, expected)                                                                \
	ck_assert_pstr_eq(json_string_value(at(root, (path))), (expected))
#define EXPECT_INT(path, expected)                                                                 \
	do {                                                                                       \
		ck_assert(json_is_integer(at(root, (path))));                                      \
		ck_assert_int_eq(json_integer_value(at(root, (path))), (expected));                \
	} while (0)
#define EXPECT_NULL(path)	ck_assert(json_is_null(at(root, (path))))
#define EXPECT_TRUE(path)	ck_assert(json_is_true(at(root, (path))))
#define EXPECT_FALSE(path)	ck_assert(json_is_false(at(root, (path))))
#define EXPECT_SIZE(path, size) ck_assert_uint_eq(json_array_size(at(root, (path))), (size))

static uint32_t usual_stack(void)
{
	struct coreleaks_frame frames[] = {
		fake_libc_frame("pthread_cond_wait"),
		fake_frame("small", 41),
		fake_frame("consume", 42),
		{.pc = 0x7f1234, .trust = CORELEAKS_TRUST_FRAME_POINTER},
	};
	frames[0].trust = CORELEAKS_TRUST_CONTEXT;
	frames[1].inlined = true;
	frames[0].sp = 0x7ffd00001000; /* of each group's second thread */
	frames[0].cfa = 0x7ffd00001010;
	return fake_view_stack(&fake, frames, 4);
}

START_TEST(empty_report_is_whole)
{
	report();
	EXPECT_TEXT("schema", "coreleaks/1");
	EXPECT_TEXT("tool.name", "coreleaks");
	EXPECT_TEXT("tool.version", CORELEAKS_VERSION);
	EXPECT_NULL("go");
	EXPECT_TEXT("summary.verdict", "unknown");
	EXPECT_INT("summary.threads", 0);
	EXPECT_INT("summary.groups", 0);
	EXPECT_SIZE("groups", 0);
	EXPECT_SIZE("findings", 0);
	EXPECT_SIZE("gaps", 0);
	EXPECT_SIZE("modules", 0);
}
END_TEST

START_TEST(core_is_told)
{
	fake.core.signal = 6;
	report();
	EXPECT_TEXT("core.path", "/var/core.4711");
	EXPECT_INT("core.size", 48205824);
	EXPECT_TEXT("core.machine", "x86_64");
	EXPECT_INT("core.pid", 4711);
	EXPECT_TEXT("core.command", "worker");
	EXPECT_INT("core.signal", 6);
	EXPECT_TEXT("core.dumper", "kernel");
	EXPECT_TRUE("core.complete");
	EXPECT_TEXT("core.captured_at", "2026-11-20T20:20:00Z");
	EXPECT_TEXT("core.executable.path", "/usr/bin/worker");
	EXPECT_TEXT("core.executable.file", "/usr/bin/worker");
	EXPECT_TEXT("core.executable.build_id", "ab12");
	EXPECT_TRUE("core.executable.verified");
}
END_TEST

START_TEST(unknown_is_null)
{
	fake.core =
		(struct coreleaks_core){.path = "-", .machine = "x86_64", .captured_at = INT64_MIN};
	report();
	EXPECT_TEXT("core.path", "-");
	EXPECT_NULL("core.pid");
	EXPECT_NULL("core.command");
	EXPECT_NULL("core.signal");
	EXPECT_NULL("core.dumper");
	EXPECT_NULL("core.captured_at");
	EXPECT_NULL("core.executable.path");
	EXPECT_NULL("core.executable.build_id");
	EXPECT_NULL("core.executable.file");
	EXPECT_FALSE("core.executable.verified");
	/* No year of four digits. */
	fake.core.captured_at = INT64_MAX;
	report();
	EXPECT_NULL("core.captured_at");
	fake.core.captured_at = INT64_C(300000000000);
	report();
	EXPECT_NULL("core.captured_at");
}
END_TEST

START_TEST(group_is_told)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 3, usual_stack());
	fake_view_group(&fake, "t-000000000001", 1, usual_stack());
	report();
	EXPECT_SIZE("groups", 2);
	EXPECT_TEXT("groups.0.id", "t-5f0a3b9c1d2e");
	EXPECT_TEXT("groups.0.signature", "t-5f0a3b9c1d2e");
	EXPECT_TEXT("groups.0.loose_signature", "t-111111111111");
	EXPECT_TEXT("groups.0.kind", "thread");
	EXPECT_INT("groups.0.count", 3);
	ck_assert(json_real_value(at(root, "groups.0.share")) == 0.75);
	EXPECT_TEXT("groups.0.state", "waiting");
	EXPECT_TEXT("groups.0.reason", "futex");
	EXPECT_TEXT("groups.0.verdict", "unknown");
	EXPECT_SIZE("groups.0.rules", 0);
	EXPECT_NULL("groups.0.hidden_by");
	EXPECT_NULL("groups.0.key");
	EXPECT_NULL("groups.0.wait_ns");
	EXPECT_INT("groups.0.stack_bytes", 3 * 8192);
	EXPECT_TEXT("groups.0.stack_end", "complete");
	EXPECT_NULL("groups.0.stack_missing");
	EXPECT_NULL("groups.0.created_by");
	EXPECT_NULL("groups.0.created_by_places");
	ck_assert(json_is_object(at(root, "groups.0.labels")));
	EXPECT_SIZE("groups.0.objects", 0);
	EXPECT_SIZE("groups.0.members", 3);
	EXPECT_INT("groups.0.members.2", 4713);
	EXPECT_FALSE("groups.0.members_truncated");
}
END_TEST

START_TEST(creators_are_told)
{
	const struct coreleaks_frame frame = fake_frame("start_all", 12);
	struct coreleaks_frame nameless = frame;
	nameless.function = nameless.file = NULL;
	nameless.line = 0;
	const struct coreleaks_creation creations[] = {
		{.frame = &frame, .num_places = 1},
		{.frame = &nameless, .num_places = 1, .inferred = true},
		{.num_places = 3},
	};
	for (uint32_t i = 0; i < 3; i++)
		fake_view_group(&fake, "t-5f0a3b9c1d2e", 3 - i, usual_stack())->creation =
			&creations[i];
	report();
	EXPECT_TEXT("groups.0.created_by.function", "start_all");
	EXPECT_TEXT("groups.0.created_by.file", "/src/worker.c");
	EXPECT_INT("groups.0.created_by.line", 12);
	EXPECT_FALSE("groups.0.created_by.inferred");
	EXPECT_INT("groups.0.created_by_places", 1);
	EXPECT_NULL("groups.1.created_by.function");
	EXPECT_NULL("groups.1.created_by.file");
	EXPECT_NULL("groups.1.created_by.line");
	EXPECT_TEXT("groups.1.created_by.module", "worker");
	EXPECT_TEXT("groups.1.created_by.module_offset", "0x100c");
	ck_assert(json_is_true(at(root, "groups.1.created_by.inferred")));
	EXPECT_NULL("groups.2.created_by");
	EXPECT_INT("groups.2.created_by_places", 3);
}
END_TEST

START_TEST(stacks_memory_is_told)
{
	struct coreleaks_group *group = fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, usual_stack());
	struct coreleaks_task *task = (struct coreleaks_task *)fake.view.tasks[0];
	report();
	EXPECT_NULL("summary.stack_reserved_bytes");
	EXPECT_NULL("groups.0.stack_resident_bytes");
	group->stack_reserved_size = task->stack_reserved_size = 8 << 20;
	group->stack_resident_size = task->stack_resident_size = 12288;
	fake.view.groups[0] = group;
	report();
	EXPECT_INT("groups.0.stack_reserved_bytes", 8 << 20);
	EXPECT_INT("groups.0.stack_resident_bytes", 12288);
	EXPECT_INT("summary.stack_reserved_bytes", 8 << 20);
	EXPECT_INT("summary.stack_resident_bytes", 12288);
}
END_TEST

START_TEST(frames_are_told)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 3, usual_stack());
	report();
	EXPECT_SIZE("groups.0.frames", 4);
	EXPECT_TEXT("groups.0.frames.0.pc", "0x7f0000085d36");
	EXPECT_TEXT("groups.0.frames.0.function", "pthread_cond_wait");
	EXPECT_INT("groups.0.frames.0.offset", 198);
	EXPECT_NULL("groups.0.frames.0.file");
	EXPECT_NULL("groups.0.frames.0.line");
	EXPECT_TEXT("groups.0.frames.0.module", "libc.so.6");
	EXPECT_TEXT("groups.0.frames.0.build_id", "cd34");
	EXPECT_TEXT("groups.0.frames.0.module_offset", "0x85d36");
	EXPECT_FALSE("groups.0.frames.0.inlined");
	EXPECT_FALSE("groups.0.frames.0.signal");
	EXPECT_TEXT("groups.0.frames.0.trust", "context");
	EXPECT_TRUE("groups.0.frames.1.inlined");
	EXPECT_NULL("groups.0.frames.1.offset");
	EXPECT_TEXT("groups.0.frames.2.file", "/src/worker.c");
	EXPECT_INT("groups.0.frames.2.line", 42);
	EXPECT_TEXT("groups.0.frames.3.trust", "frame-pointer");
	EXPECT_NULL("groups.0.frames.3.function");
	EXPECT_NULL("groups.0.frames.3.offset");
	EXPECT_NULL("groups.0.frames.3.module");
	EXPECT_NULL("groups.0.frames.3.module_offset");
	ck_assert_ptr_null(json_object_get(at(root, "groups.0.frames.0"), "sp"));
}
END_TEST

START_TEST(broken_stacks_are_told)
{
	uint32_t id = usual_stack();
	struct coreleaks_stack stack = *fake.view.stacks[id];
	stack.end = CORELEAKS_STACK_BROKEN;
	stack.missing = "libfoo.so.1 is missing";
	fake.view.stacks[id] = &stack;
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, id);
	fake_view_group(&fake, "t-000000000001", 1, 77); /* never unwound */
	report();
	EXPECT_TEXT("groups.0.stack_end", "broken");
	EXPECT_TEXT("groups.0.stack_missing", "libfoo.so.1 is missing");
	EXPECT_TEXT("groups.1.stack_end", "unreadable");
	EXPECT_SIZE("groups.1.frames", 0);
}
END_TEST

START_TEST(members_can_be_limited)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 3, usual_stack());
	fake_view_finding(&fake, 0, "three");
	fake.options.members = 2;
	report();
	EXPECT_SIZE("groups.0.members", 2);
	EXPECT_TRUE("groups.0.members_truncated");
	EXPECT_INT("groups.0.count", 3);
	EXPECT_SIZE("findings.0.members", 2);
	EXPECT_TRUE("findings.0.members_truncated");
	fake.options.members = 3;
	report();
	EXPECT_FALSE("groups.0.members_truncated");
	fake.options.members = 0;
	report();
	EXPECT_SIZE("groups.0.members", 0);
	EXPECT_TRUE("groups.0.members_truncated");
}
END_TEST

START_TEST(findings_are_told)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 3, usual_stack());
	fake_view_finding(&fake, 0, "3 threads share one stack");
	fake_view_finding(&fake, UINT32_MAX, "3 threads in one process");
	report();
	EXPECT_TEXT("summary.verdict", "suspect");
	EXPECT_TEXT("groups.0.verdict", "suspect");
	EXPECT_TEXT("groups.0.rules.0", "runaway-duplicates");
	EXPECT_SIZE("findings", 2);
	EXPECT_TEXT("findings.0.rule", "runaway-duplicates");
	EXPECT_TEXT("findings.0.certainty", "suspect");
	EXPECT_TEXT("findings.0.title", "3 threads share one stack");
	EXPECT_TEXT("findings.0.groups.0", "t-5f0a3b9c1d2e");
	EXPECT_TEXT("findings.0.members.0.kind", "thread");
	EXPECT_INT("findings.0.members.0.id", 4711);
	EXPECT_TEXT("findings.0.evidence.0.what", "the threshold is 100");
	EXPECT_NULL("findings.0.evidence.0.address");
	EXPECT_FALSE("findings.0.hidden");
	EXPECT_TEXT("findings.1.rule", "population");
	EXPECT_SIZE("findings.1.groups", 0);
}
END_TEST

START_TEST(summary_adds_up)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 20, usual_stack());
	fake_view_group(&fake, "t-000000000001", 2, usual_stack())->reason = NULL;
	fake_view_group(&fake, "t-000000000002", 1, usual_stack())->reason = "read";
	fake_view_group(&fake, "t-000000000003", 7, usual_stack())->hidden_by = "--ignore";
	fake_view_finding(&fake, 0, "20");
	fake.view.num_deselected = 0;
	report();
	EXPECT_SIZE("groups", 3);
	EXPECT_INT("summary.threads", 30);
	EXPECT_INT("summary.goroutines", 0);
	EXPECT_INT("summary.system", 0);
	EXPECT_INT("summary.hidden", 7);
	EXPECT_INT("summary.hidden_by.--ignore", 7);
	EXPECT_INT("summary.finished_threads", 0);
	EXPECT_INT("summary.groups", 3);
	EXPECT_INT("summary.hidden_groups", 1);
	EXPECT_INT("summary.by_verdict.proved", 0);
	EXPECT_INT("summary.by_verdict.likely", 0);
	EXPECT_INT("summary.by_verdict.suspect", 20);
	EXPECT_INT("summary.by_verdict.unknown", 3);
	EXPECT_INT("summary.by_verdict.benign", 0);
	ck_assert_uint_eq(json_object_size(at(root, "summary.by_reason")), 3);
	EXPECT_INT("summary.by_reason.futex", 20);
	EXPECT_INT("summary.by_reason.unknown", 2);
	EXPECT_INT("summary.by_reason.read", 1);
	EXPECT_INT("summary.stack_bytes", 30 * 8192);
}
END_TEST

START_TEST(helpers_are_counted)
{
	struct coreleaks_group *group = fake_view_group(&fake, "t-1", 20, usual_stack());
	group->system = "Java VM";
	group->verdict = CORELEAKS_VERDICT_BENIGN;
	fake_view_group(&fake, "t-2", 1, usual_stack());
	group = fake_view_group(&fake, "t-3", 3, usual_stack());
	group->system = "OpenMP";
	group->hidden_by = "native";
	report();
	EXPECT_TEXT("groups.0.system", "Java VM");
	EXPECT_NULL("groups.1.system");
	EXPECT_INT("summary.system", 23);
	EXPECT_INT("summary.system_by.Java VM", 20);
	EXPECT_INT("summary.system_by.OpenMP", 3);
	EXPECT_INT("summary.hidden", 3);
	EXPECT_INT("summary.hidden_by.native", 3);
	EXPECT_INT("summary.by_verdict.benign", 20);
}
END_TEST

START_TEST(hidden_findings_do_not_judge)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 20, usual_stack());
	fake_view_group(&fake, "t-000000000003", 700, usual_stack())->hidden_by = "--ignore";
	fake_view_finding(&fake, 1, "700");
	report();
	EXPECT_TEXT("summary.verdict", "unknown");
	EXPECT_TRUE("findings.0.hidden");
	EXPECT_TEXT("findings.0.groups.0", "t-000000000003");
}
END_TEST

START_TEST(gaps_and_modules_are_told)
{
	fake_view_gap(&fake, "core-truncated", true, "the last 12 of 48 MiB are missing", 1);
	fake_view_gap(&fake, "file-unverified", false, "a", 5000000000);
	fake_view_module(&fake, "/lib/a.so", NULL, "not found");
	report();
	EXPECT_FALSE("core.complete");
	EXPECT_INT("summary.gaps", 2);
	EXPECT_TEXT("gaps.0.kind", "core-truncated");
	EXPECT_TRUE("gaps.0.incomplete");
	EXPECT_INT("gaps.1.count", 5000000000);
	EXPECT_FALSE("gaps.1.incomplete");
	EXPECT_TEXT("modules.0.path", "/lib/a.so");
	EXPECT_NULL("modules.0.file");
	EXPECT_NULL("modules.0.build_id");
	EXPECT_FALSE("modules.0.verified");
	EXPECT_TEXT("modules.0.problem", "not found");
	EXPECT_TEXT("modules.0.low", "0x1000");
	EXPECT_TEXT("modules.0.high", "0x2000");
}
END_TEST

START_TEST(hostile_text_stays_text)
{
	struct coreleaks_frame frame = fake_frame("a\"b\\c\n\x01\xff"
						  "d\xe2\x80\xae€\x7f",
						  1);
	frame.file = "\xf3\xa0\x80\x81.c\xc0\x80";
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, fake_view_stack(&fake, &frame, 1));
	const char *text = fake_view_json(&fake);
	parse(text);
	EXPECT_TEXT("groups.0.frames.0.function", "a\"b\\c\n\x01\xef\xbf\xbd"
						  "d\xe2\x80\xae€\x7f");
	EXPECT_TEXT("groups.0.frames.0.file", "\xf3\xa0\x80\x81.c\xef\xbf\xbd\xef\xbf\xbd");
	/* Nor does a terminal see them when the file is printed. */
	for (const char *byte = text; *byte != '\0'; byte++)
		ck_assert(*byte == '\n' || ((unsigned char)*byte >= 0x20 && *byte != 0x7f));
	ck_assert_ptr_null(strstr(text, "\xe2\x80\xae"));
}
END_TEST

START_TEST(ids_are_numbers_of_any_size)
{
	fake.next_id = -2;
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 2, usual_stack());
	fake.next_id = INT64_MAX;
	fake_view_group(&fake, "t-000000000001", 1, usual_stack());
	fake.next_id = INT64_MIN;
	fake_view_group(&fake, "t-000000000002", 1, usual_stack());
	report();
	EXPECT_INT("groups.0.members.0", -2);
	EXPECT_INT("groups.0.members.1", -1);
	EXPECT_INT("groups.1.members.0", INT64_MAX);
	EXPECT_INT("groups.2.members.0", INT64_MIN);
}
END_TEST

START_TEST(same_input_same_bytes)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 300, usual_stack());
	fake_view_group(&fake, "t-000000000001", 1, usual_stack())->reason = "read";
	fake_view_finding(&fake, 0, "x");
	const char *first = fake_view_json(&fake);
	ck_assert_str_eq(fake_view_json(&fake), first);
	/* Members take one line, so that people can read the rest. */
	ck_assert_ptr_nonnull(strstr(first, "\"members\":[4711,4712,4713,"));
}
END_TEST

START_TEST(shares_know_no_locale)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0, "0.0\n"},    {1, "1.0\n"},   {0.87, "0.87\n"},
		    {-1, "0.0\n"},   {7, "1.0\n"},   {1.0 / 3, "0.333333\n"},
		    {1e-9, "0.0\n"}, {0.5, "0.5\n"}, {0.199980002, "0.19998\n"}};
	setlocale(LC_ALL, "de_DE.UTF-8");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_out json;
		json_out_init(&json, &fake.arena);
		json_out_share(&json, NULL, rows[i].value);
		text_add(&json.out, "\n");
		ck_assert_str_eq(json.out.bytes, rows[i].text);
	}
}
END_TEST

/* Two threads that wait for each other's mutex, and one behind them. */
static void deadlock(void)
{
	static const char *const caveats[] = {"it may be cancelled"};
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 2, usual_stack());
	fake_view_group(&fake, "t-000000000001", 1, usual_stack());
	fake_view_mutex(&fake, 4711, 0x1000, 4712);
	fake_view_mutex(&fake, 4712, 0x2000, 4711);
	fake_view_mutex(&fake, 4713, 0x1000, 4712);
	fake_view_wait(&fake, 4711)->symbol = "accounts+16";
	fake_view_lock_finding(&fake, "stuck-behind", "thread 4712 blocks 1 other", 1,
			       CORELEAKS_VERDICT_PROVED);
	struct coreleaks_finding *finding =
		fake_view_lock_finding(&fake, "deadlock-cycle", "two", 0, CORELEAKS_VERDICT_LIKELY);
	finding->caveats = caveats;
	finding->num_caveats = 1;
	fake_view_objects(&fake);
}

START_TEST(waits_are_told)
{
	deadlock();
	struct coreleaks_wait *wait = fake_view_wait(&fake, 4713);
	wait->timeout_kind = "monotonic";
	wait->timeout_ns = 5;
	wait->mutex_addr = 0x77;
	wait->start = "worker_main";
	wait->waking = wait->detached = true;
	wait->joiner_id = 4711;
	report();
	EXPECT_SIZE("tasks", 3);
	EXPECT_INT("tasks.0.id", 4711);
	EXPECT_TEXT("tasks.0.group", "t-5f0a3b9c1d2e");
	EXPECT_TEXT("tasks.0.object.kind", "mutex");
	EXPECT_TEXT("tasks.0.object.address", "0x1000");
	EXPECT_TEXT("tasks.0.object.symbol", "accounts+16");
	EXPECT_TRUE("tasks.0.object.certain");
	EXPECT_NULL("tasks.0.timeout");
	EXPECT_NULL("tasks.0.mutex");
	EXPECT_INT("tasks.0.holder.id", 4712);
	EXPECT_TEXT("tasks.0.holder.state", "alive");
	EXPECT_TEXT("tasks.2.timeout.kind", "monotonic");
	EXPECT_INT("tasks.2.timeout.ns", 5);
	EXPECT_TEXT("tasks.2.mutex", "0x77");
	EXPECT_TEXT("tasks.2.start", "worker_main");
	EXPECT_TRUE("tasks.2.waking");
	EXPECT_TRUE("tasks.2.detached");
	EXPECT_INT("tasks.2.joined_by", 4711);
	EXPECT_SIZE("groups.0.objects", 2);
	EXPECT_INT("groups.0.objects.0.waiters", 1);
	EXPECT_INT("groups.0.objects.0.holder.id", 4712);
	EXPECT_SIZE("findings.0.caveats", 0);
	EXPECT_TEXT("findings.1.caveats.0", "it may be cancelled");
}
END_TEST

START_TEST(interrupted_waits_are_told)
{
	static const struct coreleaks_wait mutex = {
		.reason = "mutex",
		.object = "mutex",
		.addr = 0x3000,
		.symbol = "pool",
		.certain = true,
		.waking = true,
		.timeout_kind = "monotonic",
		.timeout_ns = 5,
		.holder_id = 4712,
		.holder_task = 1,
	};
	static const struct coreleaks_wait running = {.reason = "running", .holder_task = -1};
	deadlock();
	report();
	EXPECT_NULL("tasks.0.interrupted");
	EXPECT_NULL("groups.0.interrupted");
	fake_view_wait(&fake, 4711)->interrupted = &mutex;
	report();
	EXPECT_TEXT("tasks.0.interrupted.reason", "mutex");
	EXPECT_TEXT("tasks.0.interrupted.object.kind", "mutex");
	EXPECT_TEXT("tasks.0.interrupted.object.address", "0x3000");
	EXPECT_TEXT("tasks.0.interrupted.object.symbol", "pool");
	EXPECT_INT("tasks.0.interrupted.holder.id", 4712);
	EXPECT_INT("tasks.0.interrupted.timeout.ns", 5);
	EXPECT_TRUE("tasks.0.interrupted.waking");
	EXPECT_NULL("tasks.0.interrupted.mutex");
	EXPECT_TEXT("tasks.0.object.address", "0x1000");
	EXPECT_INT("groups.0.interrupted.count", 1);
	EXPECT_TEXT("groups.0.interrupted.reason", "mutex");
	EXPECT_SIZE("groups.0.interrupted.objects", 1);
	EXPECT_TEXT("groups.0.interrupted.objects.0.kind", "mutex");
	EXPECT_INT("groups.0.interrupted.objects.0.count", 1);
	EXPECT_INT("groups.0.interrupted.objects.0.holder.id", 4712);
	fake_view_wait(&fake, 4712)->interrupted = &running;
	report();
	EXPECT_TEXT("tasks.1.interrupted.reason", "running");
	EXPECT_NULL("tasks.1.interrupted.object");
	EXPECT_INT("groups.0.interrupted.count", 2);
	EXPECT_NULL("groups.0.interrupted.reason");
	show("thread:4711");
	EXPECT_TEXT("task.interrupted.reason", "mutex");
	EXPECT_TEXT("why.0.what",
		    "thread 4711 waits for mutex 0x1000 (accounts+16), held by thread 4712, "
		    "without a time limit; in signal handler (was: mutex 0x3000 (pool), held by "
		    "thread 4712, until 1 ms after the machine's start; the word it slept on has "
		    "changed since)");
}
END_TEST

START_TEST(finished_threads_are_told)
{
	static const uint64_t pthreads[] = {0x7f01, 0x7f02};
	struct coreleaks_frame frame = fake_frame("worker_main", 8);
	struct coreleaks_group *group =
		fake_view_group(&fake, "t-5f0a3b9c1d2e", 0, fake_view_stack(&fake, &frame, 1));
	group->state = CORELEAKS_STATE_EXITED;
	group->reason = NULL;
	group->pthreads = pthreads;
	group->num_pthreads = 2;
	struct coreleaks_finding *finding = fake_view_lock_finding(
		&fake, "unjoined-thread", "2 finished", 0, CORELEAKS_VERDICT_SUSPECT);
	finding->pthreads = pthreads;
	finding->num_pthreads = 2;
	fake_view_group(&fake, "t-000000000001", 1, usual_stack());
	report();
	EXPECT_INT("groups.0.count", 2);
	EXPECT_SIZE("groups.0.members", 0);
	EXPECT_SIZE("groups.0.pthreads", 2);
	EXPECT_TEXT("groups.0.pthreads.1", "0x7f02");
	EXPECT_SIZE("groups.1.pthreads", 0);
	EXPECT_NULL("findings.0.members.0.id");
	EXPECT_TEXT("findings.0.members.1.pthread", "0x7f02");
	EXPECT_TEXT("findings.0.members.1.start", "worker_main");
	EXPECT_TEXT("findings.0.members.1.state", "exited");
}
END_TEST

START_TEST(show_follows_the_chain)
{
	deadlock();
	show("thread:4713");
	EXPECT_TEXT("task.object.address", "0x1000");
	EXPECT_INT("task.waiters.count", 0);
	EXPECT_SIZE("why", 5);
	EXPECT_TEXT("why.0.what", "thread 4713 waits for mutex 0x1000, held by thread 4712, "
				  "without a time limit");
	EXPECT_TEXT("why.0.address", "0x1000");
	EXPECT_NULL("why.0.rule");
	EXPECT_TEXT("why.3.what", "which is back at thread 4712: a circle");
	EXPECT_TEXT("why.4.rule", "stuck-behind");
	EXPECT_SIZE("findings", 1);
	show("thread:4712");
	EXPECT_INT("task.waiters.count", 2);
	EXPECT_INT("task.waiters.members.0", 4711);
	EXPECT_TEXT("findings.0.caveats.0", "it may be cancelled");
}
END_TEST

START_TEST(show_object)
{
	deadlock();
	fake.options.members = 1;
	show("0x1000");
	EXPECT_TEXT("object.kind", "mutex");
	EXPECT_TEXT("object.symbol", "accounts+16");
	EXPECT_INT("object.waiters", 2);
	EXPECT_INT("object.holder.id", 4712);
	EXPECT_INT("waiters.count", 2);
	EXPECT_SIZE("waiters.members", 1);
	EXPECT_TRUE("waiters.members_truncated");
	EXPECT_SIZE("findings", 2);
	EXPECT_NULL("why.0.rule");
	ck_assert_ptr_null(fake_view_show(&fake, "0x3000", true, NULL));
}
END_TEST

START_TEST(show_group)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 3, usual_stack());
	fake_view_group(&fake, "t-000000000001", 1, usual_stack());
	fake_view_finding(&fake, 0, "3 threads share one stack");
	show("1");
	EXPECT_TEXT("schema", "coreleaks/1");
	EXPECT_TEXT("group.id", "t-5f0a3b9c1d2e");
	EXPECT_TEXT("group.frames.0.sp", "0x7ffd00001000");
	EXPECT_TEXT("group.frames.0.cfa", "0x7ffd00001010");
	EXPECT_NULL("group.frames.1.sp");
	EXPECT_INT("group.addresses_of", 4712);
	EXPECT_SIZE("why", 1);
	EXPECT_TEXT("why.0.what", "the threshold is 100");
	EXPECT_TEXT("why.0.rule", "runaway-duplicates");
	EXPECT_NULL("why.0.address");
	show("2");
	EXPECT_NULL("group.addresses_of");
	EXPECT_NULL("group.frames.0.sp");
	EXPECT_SIZE("why", 0);
}
END_TEST

START_TEST(show_task)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 3, usual_stack());
	fake_view_finding(&fake, 0, "3 threads share one stack");
	show("thread:4712");
	EXPECT_TEXT("task.kind", "thread");
	EXPECT_INT("task.id", 4712);
	EXPECT_INT("task.tasks_of_this_id", 1);
	EXPECT_TEXT("task.state", "waiting");
	EXPECT_TEXT("task.reason", "futex");
	EXPECT_TEXT("task.group", "t-5f0a3b9c1d2e");
	EXPECT_NULL("task.signal");
	EXPECT_INT("task.syscall", 202);
	EXPECT_INT("task.stack_bytes", 8192);
	EXPECT_TEXT("task.registers.pc", "0x7f0000085d36");
	EXPECT_TEXT("task.registers.sp", "0x7ffd00001000");
	EXPECT_TEXT("task.registers.bp", "0x0");
	EXPECT_SIZE("task.frames", 4);
	EXPECT_TEXT("task.frames.0.sp", "0x7ffd00001000");
	EXPECT_SIZE("why", 2);
	EXPECT_NULL("why.0.rule");
	EXPECT_TEXT("why.1.rule", "runaway-duplicates");
	/* The frames' addresses are the other thread's. */
	show("thread:4713");
	EXPECT_NULL("task.frames.0.sp");
	EXPECT_NULL("task.frames.0.cfa");
}
END_TEST

Suite *report_json_suite(void)
{
	Suite *suite = suite_create("report_json");
	TCase *tests = tcase_create("report_json");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, empty_report_is_whole);
	tcase_add_test(tests, core_is_told);
	tcase_add_test(tests, unknown_is_null);
	tcase_add_test(tests, group_is_told);
	tcase_add_test(tests, frames_are_told);
	tcase_add_test(tests, creators_are_told);
	tcase_add_test(tests, stacks_memory_is_told);
	tcase_add_test(tests, broken_stacks_are_told);
	tcase_add_test(tests, members_can_be_limited);
	tcase_add_test(tests, findings_are_told);
	tcase_add_test(tests, summary_adds_up);
	tcase_add_test(tests, helpers_are_counted);
	tcase_add_test(tests, hidden_findings_do_not_judge);
	tcase_add_test(tests, gaps_and_modules_are_told);
	tcase_add_test(tests, hostile_text_stays_text);
	tcase_add_test(tests, ids_are_numbers_of_any_size);
	tcase_add_test(tests, same_input_same_bytes);
	tcase_add_test(tests, shares_know_no_locale);
	tcase_add_test(tests, waits_are_told);
	tcase_add_test(tests, interrupted_waits_are_told);
	tcase_add_test(tests, finished_threads_are_told);
	tcase_add_test(tests, show_follows_the_chain);
	tcase_add_test(tests, show_object);
	tcase_add_test(tests, show_group);
	tcase_add_test(tests, show_task);
	suite_add_tcase(suite, tests);
	return suite;
}
