#include "fake_view.h"

#include "report/escape.h"
#include "report/frame_rows.h"
#include "report/screen.h"
#include "report/words.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

Suite *report_text_suite(void);

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

static uint32_t count_text(const char *text, const char *part)
{
	uint32_t num = 0;
	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		num++;
	return num;
}

/* The text's first line is this. */
static void expect_first_line(const char *text, const char *line)
{
	size_t size = strlen(line);
	ck_assert_msg(strncmp(text, line, size) == 0 && text[size] == '\n',
		      "the first line is not '%s':\n%s", line, text);
}

static void expect_width(const char *text, uint32_t width)
{
	for (const char *line = text; *line != '\0';) {
		size_t size = strcspn(line, "\n");
		ck_assert_msg(escape_columns(line, size) <= width, "wider than %u: %.*s\n%s", width,
			      (int)size, line, text);
		ck_assert_msg(size == 0 || line[size - 1] != ' ', "blank at the end: %.*s",
			      (int)size, line);
		line += size + (line[size] == '\n');
	}
}

/* Waits in libc, called by consume() and worker_main() of the program, started by libc. */
static uint32_t usual_stack(void)
{
	const struct coreleaks_frame frames[] = {
		fake_libc_frame("__futex_abstimed_wait_common"),
		fake_libc_frame("___pthread_cond_wait"),
		fake_frame("consume", 42),
		fake_frame("worker_main", 80),
		fake_libc_frame("start_thread"),
		fake_libc_frame("clone3"),
	};
	return fake_view_stack(&fake, frames, 6);
}

static uint32_t simple_stack(const char *function)
{
	const struct coreleaks_frame frame = fake_frame(function, 7);
	return fake_view_stack(&fake, &frame, 1);
}

/* ---- The verdict ----------------------------------------------------------------------------- */

START_TEST(no_tasks)
{
	const char *text = fake_view_text(&fake);
	expect_first_line(text, "nothing to judge: the core holds no thread's registers");
	expect_text(text, "\ntotal 0 threads in 0 groups; shown 0 in 0 groups; hidden 0\n");
	expect_text(text, "\ngaps: none\n");
	expect_no_text(text, "next:");
}
END_TEST

START_TEST(one_task)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, usual_stack());
	const char *text = fake_view_text(&fake);
	expect_first_line(text, "nothing suspicious: 1 thread in 1 group");
	expect_text(text, "\ncore.4711 · worker, pid 4711 · 45 MiB by the kernel · "
			  "2026-11-20 20:20:00 UTC · complete\n");
	expect_text(text, "\n   #1  1 thread   100.0 %  ██████████  futex  t-5f0a3b9c1d2e\n");
	expect_text(text, "\n        thread 4711\n");
	expect_text(text, "\nnext: coreleaks show /var/core.4711 t-5f0a3b9c1d2e\n");
	expect_no_text(text, "\033");
	expect_no_text(text, "!!");
}
END_TEST

START_TEST(never_says_that_there_is_no_leak)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 20, usual_stack());
	const char *text = fake_view_text(&fake);
	expect_no_text(text, "no leak");
	fake_view_gap(&fake, "core-truncated", true, "the last 12 of 48 MiB are missing", 1);
	text = fake_view_text(&fake);
	expect_first_line(text, "INCOMPLETE: nothing suspicious in what could be read: 20 threads "
				"in 1 group");
	expect_text(text, "INCOMPLETE, see below");
	expect_text(text, "\nINCOMPLETE: threads or frames may be missing above; do not take this "
			  "as clean\n");
	expect_text(text, "\n  core-truncated: the last 12 of 48 MiB are missing\n");
}
END_TEST

START_TEST(one_suspect_is_named_in_the_first_line)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 2000, usual_stack());
	fake_view_group(&fake, "t-000000000001", 1, simple_stack("main"));
	fake_view_finding(&fake, 0, "2,000 threads share one stack: consume (worker.c:42)");
	const char *text = fake_view_text(&fake);
	expect_first_line(text, "SUSPECT: 2,000 threads share one stack: consume (worker.c:42) "
				"(99.9 % of all 2,001)");
	expect_text(text, "\n!! #1  2,000 threads   99.9 %  █████████▉  futex  suspect  "
			  "t-5f0a3b9c1d2e\n");
	expect_text(text, "\n   #2      1 thread    <0.1 %  ▏           futex  t-000000000001\n");
}
END_TEST

START_TEST(many_suspects_are_summed_up)
{
	fake.options.width = 0;
	for (int i = 0; i < 3; i++)
		fake_view_group(&fake, "t-5f0a3b9c1d2e", 200, usual_stack());
	fake_view_group(&fake, "t-000000000001", 400, simple_stack("idle"));
	for (uint32_t i = 0; i < 3; i++)
		fake_view_finding(&fake, i, "200 threads share one stack: consume (worker.c:42)");
	fake_view_finding(&fake, UINT32_MAX, "1,000 threads in one process, more than 999");
	const char *text = fake_view_text(&fake);
	expect_first_line(text, "SUSPECT: 600 of 1,000 threads (60.0 %) in 3 groups; largest: "
				"200 threads share one stack: consume (worker.c:42)");
	expect_text(text, "\nSUSPECT: 1,000 threads in one process, more than 999\n");
}
END_TEST

START_TEST(process_alone_can_be_suspect)
{
	fake_view_group(&fake, "t-000000000001", 40, usual_stack());
	fake_view_finding(&fake, UINT32_MAX, "40 threads in one process, more than 39");
	const char *text = fake_view_text(&fake);
	expect_first_line(text, "SUSPECT: 40 threads in one process, more than 39");
	expect_no_text(strchr(text, '\n'), "SUSPECT");
}
END_TEST

START_TEST(signal_is_told_and_marked)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 4, usual_stack());
	fake_view_group(&fake, "t-000000000001", 1, simple_stack("check_queue"));
	struct coreleaks_task task = *fake.view.tasks[4];
	task.signal = 6;
	fake.view.tasks[4] = &task;
	fake.core.signal = 6;
	const char *text = fake_view_text(&fake);
	expect_text(text, " · SIGABRT · ");
	expect_text(text, "\nthread 4715 took SIGABRT in check_queue, group #2\n");
	expect_text(text, "t-000000000001\n        ← thread 4715 took SIGABRT\n");
	fake.options.limit = 1; /* its group is not printed */
	expect_text(fake_view_text(&fake), "\nthread 4715 took SIGABRT in check_queue, group #2\n");
}
END_TEST

/* ---- Frames ---------------------------------------------------------------------------------- */

START_TEST(runtime_frames_are_folded)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, usual_stack());
	const char *text = fake_view_text(&fake);
	expect_text(text, "\n        … pthread_cond_wait  (2 frames, libc.so.6)\n"
			  "        consume                  worker.c:42\n"
			  "        worker_main              worker.c:80\n"
			  "        … start_thread  (2 frames, libc.so.6)\n");
	fake.options.verbose = 1;
	text = fake_view_text(&fake);
	expect_text(text, "\n  #1    ___pthread_cond_wait+0xc6\n"
			  "          pc 0x7f0000085d36  libc.so.6+0x85d36  cfi\n"
			  "  #2    consume  /src/worker.c:42\n"
			  "          pc 0x55d0c0de102a  worker+0x102a  cfi\n");
	expect_no_text(text, "2 frames");
}
END_TEST

START_TEST(runtime_alone_is_shown)
{
	const struct coreleaks_frame frames[] = {fake_libc_frame("read"),
						 fake_libc_frame("clone3")};
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, fake_view_stack(&fake, frames, 2));
	expect_text(fake_view_text(&fake), "\n        read+0xc6                libc.so.6\n"
					   "        clone3+0xc6              libc.so.6\n");
}
END_TEST

START_TEST(marks_of_frames)
{
	struct coreleaks_frame frames[] = {
		fake_frame("on_signal", 5), fake_libc_frame("__restore_rt"),
		fake_libc_frame("read"),    fake_frame("small", 6),
		fake_frame("big", 7),	    fake_frame(NULL, 0),
		{.pc = 0x7f1234},	    fake_frame("from_library", 8),
	};
	frames[1].signal = true;
	frames[3].inlined = true;
	frames[5].file = NULL;
	frames[7].module = "libplugin.so.1";
	uint32_t id = fake_view_stack(&fake, frames, 8);
	struct coreleaks_stack stack = *fake.view.stacks[id];
	stack.end = CORELEAKS_STACK_BROKEN;
	stack.missing = "libfoo.so.1 is missing";
	fake.view.stacks[id] = &stack;
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, id);
	fake_view_finding(&fake, 0, "t");
	const char *text = fake_view_text(&fake);
	expect_text(text, "\n        <signal handler called>\n"
			  "        … read  (libc.so.6)\n");
	expect_text(text, "worker.c:6  [inlined]\n");
	expect_text(text, "\n        ?? worker+0x1000\n        ?? 0x7f1234\n");
	expect_text(text, "worker.c:8  libplugin.so.1\n"
			  "        stack ends here: libfoo.so.1 is missing\n");
	expect_no_text(text, "worker.c:7  worker");
	stack.missing = NULL;
	stack.end = CORELEAKS_STACK_UNREADABLE;
	expect_text(fake_view_text(&fake), "stack ends here: its memory is not in the core\n");
}
END_TEST

START_TEST(cuts_do_not_split_a_recursion)
{
	struct coreleaks_frame frames[40];
	uint32_t num = 0;
	for (uint32_t i = 0; i < 4; i++)
		frames[num++] = fake_frame("outer", 100 + i);
	for (uint32_t i = 0; i < 10; i++)
		frames[num++] = fake_frame("visit", 10);
	for (uint32_t i = 0; i < 20; i++)
		frames[num++] = fake_frame("inner", 200 + i);
	/* The row with the number of rounds is the first one that would be left out. */
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, fake_view_stack(&fake, frames, num));
	expect_text(fake_view_text(&fake), "worker.c:10  × 10\n        … 18 more frames\n");
}
END_TEST

/* Frames that alternate between num_names functions. */
static uint32_t recursive_stack(uint32_t num_rounds, uint32_t num_names)
{
	static const char *const names[] = {"visit", "descend", "open_one"};
	static struct coreleaks_frame frames[1024];
	uint32_t num = 0;
	frames[num++] = fake_frame("leaf", 1);
	for (uint32_t i = 0; i < num_rounds * num_names; i++)
		frames[num++] = fake_frame(names[i % num_names], 10 + i % num_names);
	frames[num++] = fake_frame("main", 90);
	return fake_view_stack(&fake, frames, num);
}

START_TEST(recursion_is_shown_once)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, recursive_stack(480, 1));
	fake_view_group(&fake, "t-5f0a3b9c1d2f", 1, recursive_stack(240, 2));
	const char *text = fake_view_text(&fake);
	expect_text(text, "        leaf                     worker.c:1\n"
			  "        visit                    worker.c:10  × 480\n"
			  "        main                     worker.c:90\n");
	expect_text(text, "        visit                    worker.c:10\n"
			  "        descend                  worker.c:11\n"
			  "        these 2 frames × 240\n"
			  "        main                     worker.c:90\n");
}
END_TEST

/* Every frame stands in one row, in order. */
static void expect_partition(const struct frame_rows *rows, const struct coreleaks_stack *stack)
{
	uint32_t at = 0;
	for (uint32_t i = 0; i < rows->num; i++) {
		ck_assert_uint_eq(rows->items[i].first, at);
		ck_assert_uint_gt(rows->items[i].num, 0);
		at += rows->items[i].num;
	}
	ck_assert_uint_eq(at, stack->num_frames);
}

START_TEST(rows_lose_no_frame)
{
	for (uint32_t num_rounds = 0; num_rounds < 40; num_rounds++) {
		for (uint32_t num_names = 1; num_names <= 3; num_names++) {
			uint32_t id = recursive_stack(num_rounds, num_names);
			const struct coreleaks_stack *stack = fake.view.stacks[id];
			struct frame_rows rows;
			for (uint32_t max_rows = 4; max_rows < 12; max_rows++) {
				frame_rows_build(&rows, &fake.arena, stack, max_rows);
				expect_partition(&rows, stack);
			}
		}
	}
	const struct coreleaks_stack empty = {.end = CORELEAKS_STACK_UNREADABLE};
	struct frame_rows rows;
	frame_rows_build(&rows, &fake.arena, &empty, 8);
	ck_assert_uint_eq(rows.num, 0);
}
END_TEST

START_TEST(deep_stacks_are_cut_in_the_middle)
{
	struct coreleaks_frame frames[100];
	for (uint32_t i = 0; i < 100; i++)
		frames[i] = fake_frame("step", i + 1);
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, fake_view_stack(&fake, frames, 100));
	const char *text = fake_view_text(&fake);
	expect_text(text, "worker.c:5\n        … 93 more frames\n"
			  "        step                     worker.c:99\n");
	expect_text(text, "worker.c:100\n");
}
END_TEST

/* ---- Names and width ------------------------------------------------------------------------- */

START_TEST(hostile_names_cannot_reach_the_terminal)
{
	struct coreleaks_frame frame = fake_frame("evil\033[2J\r\n\x9b"
						  "31m\xff\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\x7f",
						  1);
	frame.file = "a\nb\xc2\x9b.c";
	frame.module = "lib\tx\xe2\x80\x8f.so";
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 1, fake_view_stack(&fake, &frame, 1));
	fake_view_finding(&fake, 0, "title \033]0;x\007");
	fake_view_gap(&fake, "file-missing", true, "gap \033[1m", 1);
	fake_view_module(&fake, "/lib/\033c.so", NULL, "problem \b");
	fake.core.path = "/tmp/core \033[31m'x";
	fake.core.command = "cmd\xe2\x80\xaa\033";
	for (int verbose = 0; verbose < 2; verbose++) {
		fake.options.verbose = (uint32_t)verbose;
		const char *text = fake_view_text(&fake);
		for (const char *at = text; *at != '\0'; at++)
			ck_assert_msg(*at == '\n' || (unsigned char)*at >= 0x20, "byte %02x in\n%s",
				      (unsigned char)*at, text);
		expect_no_text(text, "\x7f");
		expect_no_text(text, "\xff");
		expect_no_text(text, "\xe2\x80\xae");
		expect_no_text(text, "\xe2\x80\xaa");
		expect_no_text(text, "\xd8\x9c");
		expect_no_text(text, "\xc2\x9b");
		expect_text(text, "evil\\x1b[2J\\x0d\\x0a\\x9b31m\\xff\\u202e\\u2066\\u061c\\x7f");
		expect_text(text, "title \\x1b]0;x\\x07");
		expect_text(text, "a\\x0ab\\u009b.c:1");
	}
	expect_text(fake_view_show(&fake, "1", false, NULL), "evil\\x1b[2J");
}
END_TEST

START_TEST(escape_keeps_what_is_harmless)
{
	struct text out;
	text_init(&out, &fake.arena);
	escape_terminal(&out, "Grün→€𝄞 \"q\" \\ é", false);
	ck_assert_str_eq(out.bytes, "Grün→€𝄞 \"q\" \\ é");
	text_clear(&out);
	escape_terminal(&out, "é𝄞", true);
	ck_assert_str_eq(out.bytes, "\\u00e9\\u1d11e");
	text_clear(&out);
	/* Cut off, overlong, a surrogate, beyond Unicode. */
	escape_terminal(&out, "\xe2\x82|\xc0\xaf|\xed\xa0\x80|\xf5\x80\x80\x80|\xe2", false);
	ck_assert_str_eq(out.bytes,
			 "\\xe2\\x82|\\xc0\\xaf|\\xed\\xa0\\x80|\\xf5\\x80\\x80\\x80|\\xe2");
}
END_TEST

START_TEST(decoding_stays_within_its_bytes)
{
	size_t size = 0;
	ck_assert_uint_eq(escape_decode("€", 3, &size), 0x20ac);
	ck_assert_uint_eq(size, 3);
	ck_assert_uint_eq(escape_decode("€", 2, &size), UINT32_MAX);
	ck_assert_uint_eq(size, 1);
}
END_TEST

static const char *name_in(const char *name, uint32_t max_columns)
{
	struct screen screen;
	screen_init(&screen, &fake.arena, &fake.options);
	screen_name(&screen, STYLE_PLAIN, name, max_columns);
	return screen.out.bytes;
}

START_TEST(long_names_are_shortened_where_it_hurts_least)
{
	ck_assert_str_eq(name_in("short", 5), "short");
	ck_assert_str_eq(name_in("std::map<int, std::vector<long> >::find", 20),
			 "std::map<…>::find");
	ck_assert_str_eq(name_in("a_very_long_function_name", 13), "a_ve…ion_name");
	ck_assert_str_eq(name_in("Box<Tttttttttt>::operator<<", 18), "Box<…>::operator<<");
	ck_assert_str_eq(name_in("Box<Tttttttttt>::operator->", 18), "Box<…>::operator->");
	ck_assert_str_eq(name_in("unbalanced<abcdefgh", 10), "unb…cdefgh");
	ck_assert_str_eq(name_in("{lambda(int)->Box<long>#1}::run", 30),
			 "{lambda(int)->Box<…>#1}::run");
	ck_assert_str_eq(name_in("äöüäöüäöüäöü", 6), "ä…üäöü");
	ck_assert_str_eq(name_in("any", 0), "any");
	for (uint32_t width = 4; width < 60; width++) {
		const char *name =
			name_in("<A as B<C>>::f::{{closure}}::operator()<xyzzy<q>>", width);
		ck_assert_uint_le(escape_columns(name, strlen(name)), width);
	}
}
END_TEST

START_TEST(lines_keep_to_the_width)
{
	const char *long_name = "storage::cache<std::string, std::shared_ptr<storage::page>, "
				"std::hash<std::string>>::evict_until_below_the_high_water_mark";
	const struct coreleaks_frame frames[] = {
		fake_libc_frame("__futex_abstimed_wait_common"), fake_frame(long_name, 123456),
		fake_frame("an_ordinary_function_of_a_usual_length", 12),
		fake_libc_frame("clone3")};
	uint32_t id = fake_view_stack(&fake, frames, 4);
	for (int i = 0; i < 12; i++)
		fake_view_group(&fake, "t-5f0a3b9c1d2e", i == 0 ? 15000 : 1, id);
	fake_view_finding(&fake, 0, "15,000 threads share one stack: evict (worker.c:123456)");
	fake_view_gap(&fake, "core-truncated", true,
		      "the core was cut off: the last 12.0 of 48.0 MiB are missing, and this is "
		      "a sentence that goes on",
		      3);
	fake_view_module(&fake, "/usr/lib/libfoo.so.1", NULL, "not found; debuginfod is off");
	static const uint32_t widths[] = {60, 72, 80, 100, 132};
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		fake.options.width = widths[i];
		expect_width(fake_view_text(&fake), widths[i]);
		fake.options.ascii = i % 2 == 1;
	}
	fake.options.width = 0;
	expect_text(fake_view_text(&fake), long_name);
}
END_TEST

START_TEST(ascii_is_ascii)
{
	const struct coreleaks_frame frame = fake_frame("größe", 1);
	fake.options.ascii = true;
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 500, usual_stack());
	fake_view_group(&fake, "t-000000000001", 20, recursive_stack(9, 1));
	fake_view_group(&fake, "t-000000000002", 20, fake_view_stack(&fake, &frame, 1));
	fake_view_finding(&fake, 0, "500 threads share one stack: größe");
	const char *text = fake_view_text(&fake);
	for (const char *at = text; *at != '\0'; at++)
		ck_assert_msg((unsigned char)*at < 0x80, "not ASCII:\n%s", text);
	expect_text(text, "gr\\u00f6\\u00dfe");
	expect_text(text, "#########");
}
END_TEST

/* Removes ESC [ … m. */
static const char *without_colors(const char *text)
{
	struct text out;
	text_init(&out, &fake.arena);
	while (*text != '\0') {
		if (*text == '\033') {
			text += strcspn(text, "m") + 1;
			continue;
		}
		text_add_bytes(&out, text++, 1);
	}
	return out.bytes;
}

START_TEST(colors_change_no_letter)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 500, usual_stack());
	fake_view_finding(&fake, 0, "500 threads share one stack: consume (worker.c:42)");
	const char *plain = fake_view_text(&fake);
	expect_no_text(plain, "\033");
	fake.options.color = true;
	const char *colored = fake_view_text(&fake);
	expect_text(colored, "\033[1;31mSUSPECT: \033[0m");
	expect_text(colored, "\033[1mconsume\033[0m");
	expect_text(colored, "\033[36mt-5f0a3b9c1d2e\033[0m\n");
	ck_assert_str_eq(without_colors(colored), plain);
	/* No colour runs on into the next line. */
	for (const char *end = strchr(colored, '\n'); end != NULL; end = strchr(end + 1, '\n')) {
		const char *line = end;
		while (line > colored && line[-1] != '\n')
			line--;
		const char *last = NULL;
		for (const char *at = line; at < end; at++)
			last = *at == '\033' ? at : last;
		ck_assert(last == NULL || strncmp(last, "\033[0m", 4) == 0);
	}
}
END_TEST

/* Where Go's code comes from is told by colour, and in words where there is room. */
START_TEST(colors_of_origins)
{
	static const struct {
		const char *origin, *code;
	} rows[] = {{"main", "32"}, {"module", "34"}, {"third-party", "35"}};
	struct coreleaks_frame frames[3];
	for (uint32_t i = 0; i < 3; i++) {
		const char *name = arena_format(&fake.arena, "f%u", i);
		frames[i] = fake_frame(name, 10 + i);
		frames[i].origin = rows[i].origin;
	}
	struct coreleaks_group *group =
		fake_view_group(&fake, "g-1", 1, fake_view_stack(&fake, frames, 3));
	fake.options.color = true;
	for (uint32_t i = 0; i < 3; i++)
		expect_text(fake_view_text(&fake),
			    arena_format(&fake.arena, "\033[%smf%u\033[0m", rows[i].code, i));
	fake_view_finding(&fake, 0, "one");
	group->verdict = CORELEAKS_VERDICT_SUSPECT;
	for (uint32_t i = 0; i < 3; i++)
		expect_text(fake_view_text(&fake),
			    arena_format(&fake.arena, "\033[1;%smf%u\033[0m", rows[i].code, i));
	fake.options.verbose = 1;
	for (uint32_t i = 0; i < 3; i++)
		expect_text(without_colors(fake_view_text(&fake)),
			    arena_format(&fake.arena, "  %s\n", rows[i].origin));
}
END_TEST

/* ---- What is left out ------------------------------------------------------------------------ */

START_TEST(limit_says_what_it_leaves_out)
{
	fake.options.limit = 2;
	for (uint32_t i = 0; i < 5; i++)
		fake_view_group(&fake, "t-5f0a3b9c1d2e", 10 - i, usual_stack());
	const char *text = fake_view_text(&fake);
	expect_text(text,
		    "\n… 3 more groups with 21 threads, the largest of 8; --limit 5 shows all\n");
	expect_text(text, "\ntotal 40 threads in 5 groups; shown 19 in 2 groups; hidden 0; beyond "
			  "--limit 21\n");
	expect_no_text(text, "#3");
	fake.options.limit = UINT32_MAX;
	text = fake_view_text(&fake);
	expect_text(text, "#5");
	expect_text(text, "shown 40 in 5 groups; hidden 0\n");
}
END_TEST

START_TEST(hidden_says_by_what)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 10, usual_stack());
	fake_view_group(&fake, "t-000000000001", 200, usual_stack())->hidden_by = "--ignore";
	expect_text(fake_view_text(&fake), "total 210 threads in 2 groups; shown 10 in 1 group; "
					   "hidden 200 in 1 group by --ignore\n");
	fake_view_group(&fake, "t-000000000002", 1, usual_stack())->hidden_by = "--min-count";
	fake_view_group(&fake, "t-000000000003", 1, usual_stack())->hidden_by = "--min-count";
	fake_view_finding(&fake, 1, "200 threads share one stack: consume (worker.c:42)");
	fake.options.width = 0;
	const char *text = fake_view_text(&fake);
	expect_first_line(text, "nothing suspicious: 10 threads in 1 group");
	expect_text(text, "hidden 202: 200 in 1 group by --ignore, 2 in 2 groups by --min-count\n"
			  "1 finding is about hidden groups only\n");
	expect_no_text(text, "t-000000000001");
}
END_TEST

START_TEST(helpers_are_named)
{
	struct coreleaks_frame jvm = {.function = "GangWorker::loop", .module = "libjvm.so"};
	uint32_t jvm_stack = fake_view_stack(&fake, &jvm, 1);
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 10, usual_stack());
	fake_view_group(&fake, "t-000000000001", 20, jvm_stack)->system = "Java VM";
	fake.options.width = 0;
	expect_no_text(fake_view_text(&fake), "hidden by rule");
	struct coreleaks_group *group = fake_view_group(&fake, "t-000000000002", 1, jvm_stack);
	group->system = "Java VM";
	group->hidden_by = "native";
	group = fake_view_group(&fake, "t-000000000003", 1, usual_stack());
	group->system = "nginx thread pool";
	group->hidden_by = "native";
	group = fake_view_group(&fake, "t-000000000004", 5, usual_stack());
	group->system = "OpenMP";
	group->hidden_by = "--kind";
	const char *text = fake_view_text(&fake);
	expect_text(text, "hidden 7: 5 in 1 group by --kind, 2 in 2 groups by rule native\n");
	expect_text(text, "hidden by rule native: 1 helper thread of the Java VM, "
			  "1 helper thread of nginx's pool; --all shows them\n");
	expect_text(text, "hint: 21 threads of the Java VM: jhsdb jstack");
	expect_text(fake_view_show(&fake, "t-000000000002", false, NULL),
		    "hidden in the report by rule native\n");
	expect_text(fake_view_show(&fake, "t-000000000002", false, NULL),
		    "helper threads of the Java VM\n");
}
END_TEST

START_TEST(hidden_findings_are_not_named_first)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 110, usual_stack());
	fake_view_group(&fake, "t-000000000001", 200, usual_stack())->hidden_by = "--ignore";
	fake_view_finding(&fake, 1, "the hidden one");
	fake_view_finding(&fake, 0, "the shown one");
	const char *text = fake_view_text(&fake);
	expect_first_line(text, "SUSPECT: the shown one (35.5 % of all 310)");
	expect_text(text, "1 finding is about hidden groups only\n");
}
END_TEST

START_TEST(all_hidden)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 10, usual_stack())->hidden_by = "--focus";
	const char *text = fake_view_text(&fake);
	expect_first_line(text, "nothing to judge: all 10 threads are hidden");
	expect_no_text(text, "next:");
}
END_TEST

START_TEST(deselected_tasks_are_hidden)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 10, usual_stack());
	fake.view.num_deselected = 3;
	expect_text(fake_view_text(&fake), "hidden 3 by select_task()\n");
}
END_TEST

START_TEST(members_are_counted)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 10, usual_stack());
	expect_text(fake_view_text(&fake),
		    "\n        threads 4711 4712 4713 4714 4715 4716 4717 4718 … 2 more\n");
	fake.options.members = 10;
	expect_text(fake_view_text(&fake), "4718 4719 4720\n");
	fake.options.members = 1;
	expect_text(fake_view_text(&fake), "\n        threads 4711 … 9 more\n");
	fake.options.members = 0;
	expect_no_text(fake_view_text(&fake), "threads 47");
}
END_TEST

START_TEST(gaps_are_listed_worst_first)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 10, usual_stack());
	fake_view_gap(&fake, "file-unverified", false, "/lib/a.so: used unverified", 1);
	fake_view_gap(&fake, "stack-unreadable", true, "a page is missing", 1200);
	for (int i = 0; i < 9; i++)
		fake_view_gap(&fake, "odd", false, "strange thing", 1);
	const char *text = fake_view_text(&fake);
	expect_text(text, "do not take this as clean\n"
			  "  stack-unreadable: a page is missing (1,200 times)\n"
			  "other gaps:\n"
			  "  file-unverified: /lib/a.so: used unverified\n"
			  "  odd: strange thing\n");
	expect_text(text, "\n  odd: 5 more (-v lists them)\n");
	ck_assert_uint_eq(count_text(text, "strange thing"), 4);
	fake.options.verbose = 1;
	expect_no_text(fake_view_text(&fake), "more (-v");
	ck_assert_uint_eq(count_text(fake_view_text(&fake), "strange thing"), 9);
}
END_TEST

START_TEST(files_are_named_once)
{
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 10, usual_stack());
	fake_view_gap(&fake, "file-missing", false, "/lib/a.so: not found", 1);
	fake_view_module(&fake, "/lib/a.so", NULL, "not found");
	fake_view_module(&fake, "/lib/b.so", NULL, "refused");
	fake_view_module(&fake, "/lib/c.so", "/sys/lib/c.so", "no build-id");
	fake_view_module(&fake, "[vdso]", NULL, NULL);
	const char *text = fake_view_text(&fake);
	expect_text(text, "\nno file for /lib/b.so: refused\nunverified /lib/c.so: no build-id\n");
	expect_no_text(text, "vdso");
	ck_assert_ptr_null(strstr(strstr(text, "/lib/a.so") + 1, "/lib/a.so"));
	for (int i = 0; i < 20; i++)
		fake_view_module(&fake, "/lib/many.so", NULL, "gone");
	text = fake_view_text(&fake);
	expect_text(text, "\n… and 14 more files (-v lists them)\n");
	ck_assert_uint_eq(count_text(text, "no file for") + count_text(text, "unverified"), 8);
}
END_TEST

/* ---- show ------------------------------------------------------------------------------------ */

static const char *show(const char *name)
{
	const char *error = NULL;
	const char *text = fake_view_show(&fake, name, false, &error);
	ck_assert_msg(text != NULL, "%s", error);
	return text;
}

static const char *show_error(const char *name)
{
	const char *error = NULL;
	ck_assert_ptr_null(fake_view_show(&fake, name, false, &error));
	return error;
}

static void show_setup(void)
{
	setup();
	fake_view_group(&fake, "t-5f0a3b9c1d2e", 200, usual_stack());
	fake_view_group(&fake, "t-5f0a99000000", 3, simple_stack("poll_loop"));
	fake_view_group(&fake, "t-123000000000", 1, simple_stack("main"));
	fake_view_group(&fake, "t-777000000000", 1, simple_stack("hidden"))->hidden_by = "--ignore";
	fake_view_finding(&fake, 0, "200 threads share one stack: consume (worker.c:42)");
}

START_TEST(show_finds_groups)
{
	static const char *const names[] = {
		"t-5f0a3b9c1d2e", "5f0a3b9c1d2e", "t-5f0a3", "5f0a3", "1", "#1"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_text(show(names[i]), "#1 200 threads");
	expect_text(show("2"), "poll_loop");
	/* Three digits are a prefix when there are not so many groups. */
	expect_text(show("123"), "t-123000000000");
	expect_text(show("777"), "hidden in the report by --ignore");
}
END_TEST

START_TEST(show_says_what_it_did_not_find)
{
	expect_text(show_error("5f0"), "2 groups: t-5f0a3b9c1d2e, t-5f0a99000000");
	expect_text(show_error("t-5"), "no group");
	expect_text(show_error("fff"), "no group has this id");
	expect_text(show_error(""), "no group");
	expect_text(show_error("4"), "there are 3 groups");
	expect_text(show_error("0"), "there are 3 groups");
	expect_text(show_error("#4444"), "there are 3 groups");
	expect_text(show_error("99999999999999999999999"), "no group");
	expect_text(show_error("thread:1"), "no thread of this id");
	expect_text(show_error("thread:x"), "is a number");
	expect_text(show_error("thread:"), "is a number");
	expect_text(show_error("goroutine:1"), "no goroutine of this id");
	expect_text(show_error("goroutine:x"), "a goroutine's id is a number");
	expect_text(show_error("goroutine:4711"), "no goroutine of this id");
	expect_text(show_error("0x1234"), "no thread waits for an object at this address");
	expect_text(show_error("0x"), "is a hex number");
	expect_text(show_error("0x12g"), "is a hex number");
	expect_text(show_error("0x11112222333344445"), "is a hex number");
}
END_TEST

START_TEST(show_group_has_everything)
{
	const char *text = show("1");
	expect_text(text, "\nSUSPECT: 200 threads share one stack: consume (worker.c:42) "
			  "(runaway-duplicates)\n  the threshold is 100\n");
	expect_text(text, "\nstate waiting; reason futex; stacks: 1.5 MiB in use\n");
	expect_text(text, "\n6 frames, innermost first, stack complete:\n"
			  "  #0    __futex_abstimed_wait_common+0xc6\n");
	expect_text(text, "\n200 members:\n        threads 4711 4712");
	expect_text(text, " 4910\n");
	expect_width(text, 100);
	expect_text(show("2"), "\nno finding about this group\n");
}
END_TEST

START_TEST(members_may_have_several_reasons)
{
	struct coreleaks_group *group =
		fake_view_group(&fake, "t-999000000000", 2, simple_stack("consume"));
	group->reason = NULL;
	((struct coreleaks_task *)fake.view.tasks[group->tasks[1]])->reason = NULL;
	expect_text(fake_view_text(&fake), "several reasons");
	((struct coreleaks_task *)fake.view.tasks[group->tasks[0]])->reason = NULL;
	expect_no_text(fake_view_text(&fake), "several reasons");
	expect_text(fake_view_text(&fake), "waiting, reason unknown");
}
END_TEST

START_TEST(show_thread_has_registers)
{
	const char *text = show("thread:4712");
	expect_first_line(text, "thread 4712: waiting, reason futex");
	expect_text(text, "\nsystem call number 202\n"
			  "its stack: 8.0 KiB in use\n"
			  "thread 4712 waits: futex\n"
			  "pc 0x7f0000085d36  sp 0x7ffd00001000  bp 0x0\n"
			  "one of 200 in group t-5f0a3b9c1d2e\n");
	expect_no_text(text, "sp is thread");
}
END_TEST

START_TEST(show_tells_whose_addresses_it_shows)
{
	struct coreleaks_frame frame = fake_frame("spin", 3);
	frame.sp = fake.view.tasks[1]->sp; /* of each group's second thread */
	uint32_t id = fake_view_stack(&fake, &frame, 1);
	fake_view_group(&fake, "t-999000000000", 2, id);
	/* Hidden groups stand last. */
	const struct coreleaks_group *hidden = fake.view.groups[3];
	fake.view.groups[3] = fake.view.groups[4];
	fake.view.groups[4] = hidden;
	expect_text(show("t-999"), "stack complete; sp is thread 4917's:\n");
	expect_text(show("t-999"), "  sp 0x7ffd00001000  ");
	expect_text(show("thread:4917"), "; sp is thread 4917's:\n");
	expect_no_text(show("thread:4916"), "  sp 0x7ffd00001000  ");
}
END_TEST

/* Equal Go frames lie at equal distances; how large C's are is another task's affair. */
START_TEST(show_moves_the_addresses_of_go_frames)
{
	struct coreleaks_frame frames[] = {fake_libc_frame("pause"),
					   fake_frame("main._Cfunc_pause", 3), fake_frame("g", 4)};
	frames[0].pc = 0x7f0000011111;
	frames[0].sp = 0x7f8800000000;
	frames[1].trust = frames[2].trust = CORELEAKS_TRUST_PCLNTAB;
	frames[1].sp = 0xc000000100;
	frames[2].sp = frames[1].cfa = 0xc000000140;
	int64_t id = fake.next_id;
	fake_view_goroutines(&fake, "g-999000000000", 2, fake_view_stack(&fake, frames, 3),
			     "syscall");
	struct coreleaks_task *task = fake_view_task(&fake, id + 1);
	task->pc = frames[1].pc;
	task->sp = 0xc000777100;
	const char *name = arena_format(&fake.arena, "goroutine:%" PRId64, id + 1);
	expect_text(show(name), "stack complete; sp is goroutine ");
	expect_text(show(name), "  sp 0xc000777100  ");
	expect_text(show(name), "  sp 0xc000777140  ");
	expect_no_text(show(name), "  sp 0x7f8800000000  ");
	expect_text(show(name), "no finding about this goroutine");
}
END_TEST

START_TEST(show_tells_what_is_unknown)
{
	struct coreleaks_frame frames[] = {fake_frame("a", 0), fake_frame(NULL, 0)};
	frames[0].file = frames[1].file = NULL;
	uint32_t id = fake_view_stack(&fake, frames, 2);
	struct coreleaks_stack stack = *fake.view.stacks[id];
	stack.end = CORELEAKS_STACK_UNREADABLE;
	fake.view.stacks[id] = &stack;
	struct coreleaks_group *group = fake_view_group(&fake, "t-999000000000", 2, id);
	group->reason = NULL;
	group->hidden_by = "--focus";
	fake.options.width = 0;
	expect_text(show("t-999"),
		    "\nunknown: what it waits for; the function of 1 frame; the source line of 2 "
		    "frames (no debug information for worker); the rest of the stack\n");
}
END_TEST

START_TEST(show_tells_of_equal_ids)
{
	fake.next_id = 4711;
	fake_view_group(&fake, "t-999000000000", 1, usual_stack())->hidden_by = "--focus";
	expect_text(show("thread:4711"), "\nthe core has 2 of this id; this is the first\n");
	expect_text(show("thread:4711"), "in group t-5f0a3b9c1d2e");
}
END_TEST

/* ---- Words ----------------------------------------------------------------------------------- */

START_TEST(words)
{
	struct arena *arena = &fake.arena;
	ck_assert_str_eq(words_number(arena, 0), "0");
	ck_assert_str_eq(words_number(arena, 999), "999");
	ck_assert_str_eq(words_number(arena, 1000), "1,000");
	ck_assert_str_eq(words_number(arena, UINT64_MAX), "18,446,744,073,709,551,615");
	ck_assert_str_eq(words_share(arena, 0, 0), "0.0 %");
	ck_assert_str_eq(words_share(arena, 0, 7), "0.0 %");
	ck_assert_str_eq(words_share(arena, 1, 10001), "<0.1 %");
	ck_assert_str_eq(words_share(arena, 2000, 10001), "20.0 %");
	ck_assert_str_eq(words_share(arena, 10000, 10001), "99.9 %");
	ck_assert_str_eq(words_share(arena, 7, 7), "100.0 %");
	ck_assert_str_eq(words_size(arena, 0), "0 bytes");
	ck_assert_str_eq(words_size(arena, 1023), "1023 bytes");
	ck_assert_str_eq(words_size(arena, 1536), "1.5 KiB");
	ck_assert_str_eq(words_size(arena, UINT64_MAX), "15 EiB");
	ck_assert_str_eq(words_signal(arena, 11), "SIGSEGV");
	ck_assert_str_eq(words_signal(arena, 35), "signal 35");
	ck_assert_str_eq(words_signal(arena, -3), "signal -3");
	ck_assert_str_eq(words_time(arena, 0), "1970-01-01 00:00:00 UTC");
	ck_assert_ptr_null(words_time(arena, INT64_MIN));
	ck_assert_ptr_null(words_time(arena, INT64_MAX));
	ck_assert_str_eq(words_quote(arena, "/tmp/core.1"), "/tmp/core.1");
	ck_assert_str_eq(words_quote(arena, "a b'c"), "'a b'\\''c'");
	ck_assert_str_eq(words_quote(arena, "-x"), "'-x'");
	ck_assert_str_eq(words_quote(arena, ""), "''");
}
END_TEST

static void add_frame_tests(Suite *suite)
{
	TCase *tests = tcase_create("frames");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, runtime_frames_are_folded);
	tcase_add_test(tests, runtime_alone_is_shown);
	tcase_add_test(tests, marks_of_frames);
	tcase_add_test(tests, recursion_is_shown_once);
	tcase_add_test(tests, cuts_do_not_split_a_recursion);
	tcase_add_test(tests, rows_lose_no_frame);
	tcase_add_test(tests, deep_stacks_are_cut_in_the_middle);
	tcase_add_test(tests, hostile_names_cannot_reach_the_terminal);
	tcase_add_test(tests, escape_keeps_what_is_harmless);
	tcase_add_test(tests, decoding_stays_within_its_bytes);
	tcase_add_test(tests, long_names_are_shortened_where_it_hurts_least);
	tcase_add_test(tests, lines_keep_to_the_width);
	tcase_add_test(tests, ascii_is_ascii);
	tcase_add_test(tests, colors_change_no_letter);
	tcase_add_test(tests, colors_of_origins);
	tcase_add_test(tests, words);
	suite_add_tcase(suite, tests);
}

static void add_show_tests(Suite *suite)
{
	TCase *tests = tcase_create("show");
	tcase_add_checked_fixture(tests, show_setup, teardown);
	tcase_add_test(tests, show_finds_groups);
	tcase_add_test(tests, show_says_what_it_did_not_find);
	tcase_add_test(tests, show_group_has_everything);
	tcase_add_test(tests, show_thread_has_registers);
	tcase_add_test(tests, show_tells_whose_addresses_it_shows);
	tcase_add_test(tests, show_moves_the_addresses_of_go_frames);
	tcase_add_test(tests, show_tells_what_is_unknown);
	tcase_add_test(tests, show_tells_of_equal_ids);
	suite_add_tcase(suite, tests);
}

Suite *report_text_suite(void)
{
	Suite *suite = suite_create("report_text");
	TCase *tests = tcase_create("report");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, no_tasks);
	tcase_add_test(tests, one_task);
	tcase_add_test(tests, never_says_that_there_is_no_leak);
	tcase_add_test(tests, one_suspect_is_named_in_the_first_line);
	tcase_add_test(tests, many_suspects_are_summed_up);
	tcase_add_test(tests, process_alone_can_be_suspect);
	tcase_add_test(tests, signal_is_told_and_marked);
	tcase_add_test(tests, limit_says_what_it_leaves_out);
	tcase_add_test(tests, hidden_says_by_what);
	tcase_add_test(tests, members_may_have_several_reasons);
	tcase_add_test(tests, helpers_are_named);
	tcase_add_test(tests, hidden_findings_are_not_named_first);
	tcase_add_test(tests, all_hidden);
	tcase_add_test(tests, deselected_tasks_are_hidden);
	tcase_add_test(tests, members_are_counted);
	tcase_add_test(tests, gaps_are_listed_worst_first);
	tcase_add_test(tests, files_are_named_once);
	suite_add_tcase(suite, tests);
	add_frame_tests(suite);
	add_show_tests(suite);
	return suite;
}
