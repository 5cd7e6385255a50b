/* Who may know an object after all: each premise by a program that breaks it. */
#include "fake_core.h"
#include "proof/reach_premises.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

Suite *reach_premises_suite(void);

enum { MODULE_ADDR = 0x1000, MODULE_SIZE = 0x1000 };

/* What else it takes: nothing that matters. */
static const struct {
	const char *name, *source;
	uint32_t caveats; /* in a core that the kernel wrote */
} programs[] = {
	{"plain.so", "int puts(const char *); int f(void) { return puts(\"epoll_ctl\"); }", 0},
	{"epoll.so", "int epoll_ctl(void); int f(void) { return epoll_ctl(); }",
	 WAIT_CAVEAT_KERNEL},
	{"timer.so", "int timer_create(void); int f(void) { return timer_create(); }",
	 WAIT_CAVEAT_KERNEL},
	{"queue.so", "int msgsnd(void); int f(void) { return msgsnd(); }", WAIT_CAVEAT_PIPES},
	{"connects.so", "int connect(void); int f(void) { return connect(); }", WAIT_CAVEAT_PIPES},
	{"contexts.so", "int makecontext(void); int f(void) { return makecontext(); }",
	 WAIT_CAVEAT_HALVES},
	{"both.so", "int pipe(void), aio_read(void); int f(void) { return pipe() + aio_read(); }",
	 WAIT_CAVEAT_PIPES | WAIT_CAVEAT_KERNEL},
	{"calls.so", "long syscall(long); long f(void) { return syscall(1); }",
	 WAIT_CAVEAT_SYSCALLS},
	{"clones.so", "int clone(void); int f(void) { return clone(); }", WAIT_CAVEAT_SHARERS},
	{"enters.so",
	 "long f(void) { long n = 39; __asm__ volatile(\"syscall\" : \"+a\"(n) :: \"rcx\", "
	 "\"r11\");"
	 " return n; }",
	 WAIT_CAVEAT_SYSCALLS},
	/* What it defines itself is its own. */
	{"defines.so", "int epoll_ctl(void) { return 1; } int f(void) { return epoll_ctl(); }", 0},
	/* By name, from any string of its data; a linker lets one be the end of another. */
	{"finds.so",
	 "void *dlsym(void *, const char *);"
	 "void *f(void) { return dlsym(0, \"epoll_ctl\"); }",
	 WAIT_CAVEAT_KERNEL},
	{"finds_end.so",
	 "void *dlsym(void *, const char *);"
	 "void *f(void) { return dlsym(0, \"x_epoll_ctl\"); }",
	 WAIT_CAVEAT_KERNEL},
	{"finds_other.so",
	 "void *dlsym(void *, const char *);"
	 "void *f(void) { return dlsym(0, \"epoll_ctl2\"); }",
	 0},
	/* Known for futexes alone; a part of glibc itself. */
	{"libstdc++.so.6", "long syscall(long); long f(void) { return syscall(1); }", 0},
	{"libgomp.so.1",
	 "long syscall(long); int epoll_ctl(void); long f(void) { return syscall(epoll_ctl()); }",
	 WAIT_CAVEAT_KERNEL},
	{"librt.so.1", "int timer_create(void); int f(void) { return timer_create(); }", 0},
	{"locks_memory.so", "int pkey_mprotect(void); int f(void) { return pkey_mprotect(); }",
	 WAIT_CAVEAT_UNDUMPED},
	{"advises.so", "int madvise(void); int f(void) { return madvise(); }", 0},
};

enum { NUM_PROGRAMS = sizeof(programs) / sizeof(programs[0]), ADVISES = NUM_PROGRAMS - 1 };

static char *paths[NUM_PROGRAMS];
static struct arena arena;
static struct gaps gaps;
static struct elf_files files;
static struct module module;
static struct modules modules;
static struct notes notes;
static struct task task;
static struct tasks tasks;
static struct registers registers;
static struct wait_hint hint;
static struct program_powers powers;
static struct reach_premises_input input;

static void setup_files(void)
{
	fake_scratch_setup();
	for (size_t i = 0; i < NUM_PROGRAMS; i++)
		paths[i] = fake_compile(programs[i].name, "c", programs[i].source,
					"-shared -nostdlib -O1 -fPIC -fno-builtin -Wl,-Bsymbolic");
}

static void teardown_files(void)
{
	for (size_t i = 0; i < NUM_PROGRAMS; i++)
		free(paths[i]);
	fake_scratch_teardown();
}

static void setup(void)
{
	arena_init(&arena, 0);
	gaps_init(&gaps, &arena);
	elf_files_init(&files, &arena, &gaps, NULL, NULL);
	module = (struct module){.name = "none", .range = {MODULE_ADDR, MODULE_ADDR + MODULE_SIZE}};
	modules = (struct modules){.list = {&module, 1, 1}, .main_index = -1};
	notes = (struct notes){.dumper = "kernel"};
	registers = (struct registers){.known = 1u << REGISTER_RIP};
	hint = (struct wait_hint){.syscall_nr = SYS_futex, .blocked = true};
	registers.values[REGISTER_RIP] = MODULE_ADDR + 8;
	module.name = "libc.so.6";
	task = (struct task){.kind = CORELEAKS_KIND_THREAD, .registers = &registers, .hint = &hint};
	tasks = (struct tasks){.list = {&task, 1, 1}};
	powers = (struct program_powers){0};
	input = (struct reach_premises_input){
		.powers = &powers, .modules = &modules, .notes = &notes, .tasks = &tasks};
}

static void teardown(void)
{
	elf_files_deinit(&files);
	arena_deinit(&arena);
}

static void expect(uint32_t caveats, const char *what)
{
	uint32_t got = reach_premises_caveats(&input);
	ck_assert_msg(got == caveats, "%s: 0x%x instead of 0x%x", what, got, caveats);
}

/* The thread waits in libc; the program beside it does nothing of its own. */
static void use(size_t program)
{
	const char *problem = NULL;
	module.name = programs[program].name;
	module.file = elf_files_open(&files, paths[program], &problem);
	ck_assert_msg(module.file != NULL, "%s", problem);
	tasks.list.num = 0;
}

START_TEST(what_files_take)
{
	use((size_t)_i);
	expect(programs[_i].caveats, programs[_i].name);
	module.vdso = true;
	expect(0, "the vDSO");
}
END_TEST

/* Who advised the kernel to leave memory out, or could have, hides pointers in it. GDB leaves it
 * out without a trace; what other dumpers do is not known. */
START_TEST(memory_that_is_left_out)
{
	use(ADVISES);
	expect(0, "madvise, and all is there");
	input.advised = true;
	expect(WAIT_CAVEAT_UNDUMPED, "madvise, and something is missing");
	input.advised = false;
	notes.dumper = "gcore";
	expect(WAIT_CAVEAT_UNDUMPED, "madvise, and gcore");
	module.file = NULL;
	expect(0, "gcore alone");
	notes.dumper = NULL;
	expect(WAIT_CAVEAT_UNDUMPED, "an unknown dumper");
	notes.dumper = "kernel";
	input.undumped = true;
	expect(WAIT_CAVEAT_UNDUMPED, "memory that is not in the core");
}
END_TEST

START_TEST(what_threads_do)
{
	static const struct {
		int32_t nr;
		uint32_t caveats;
	} rows[] = {
		{SYS_futex, 0},
		{SYS_epoll_wait, WAIT_CAVEAT_KERNEL},
		{SYS_epoll_pwait2, WAIT_CAVEAT_KERNEL},
		{SYS_io_uring_enter, WAIT_CAVEAT_KERNEL},
		{SYS_mq_timedreceive, WAIT_CAVEAT_KERNEL},
		{SYS_vfork, WAIT_CAVEAT_SHARERS},
		{SYS_read, 0},
	};
	expect(0, "in libc");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		hint.syscall_nr = rows[i].nr;
		expect(rows[i].caveats, "a system call");
	}
	hint.syscall_nr = SYS_futex;
	static const char *const own[] = {"program", "libuv.so.1"};
	for (size_t i = 0; i < 2; i++) {
		module.name = own[i];
		expect(WAIT_CAVEAT_SYSCALLS, own[i]);
	}
	hint.blocked = false;
	expect(0, "not in a call");
	hint.blocked = true;
	module.name = "ld-linux-x86-64.so.2";
	expect(0, "the dynamic linker");
	registers.values[REGISTER_RIP] = MODULE_ADDR + MODULE_SIZE;
	expect(WAIT_CAVEAT_SYSCALLS, "code of no file");
	/* Goroutines have their own proof. */
	task.kind = CORELEAKS_KIND_GOROUTINE;
	hint.syscall_nr = SYS_epoll_wait;
	expect(0, "a goroutine");
}
END_TEST

START_TEST(rings)
{
	static const char *const names[] = {"anon_inode:[io_uring]", "/[aio] (deleted)", "/tmp/io"};
	for (size_t i = 0; i < 3; i++) {
		struct note_mapping mapping = {.path = names[i]};
		notes.mappings.items = &mapping;
		notes.mappings.num = 1;
		expect(i < 2 ? WAIT_CAVEAT_KERNEL : 0, names[i]);
	}
}
END_TEST

START_TEST(what_the_program_can)
{
	powers.unread = true;
	expect(WAIT_CAVEAT_UNREAD | WAIT_CAVEAT_KERNEL | WAIT_CAVEAT_PIPES, "files are missing");
	powers = (struct program_powers){.cancels = true};
	expect(WAIT_CAVEAT_CANCELLED, "cancels");
	powers = (struct program_powers){.cancels_anywhere = true};
	expect(WAIT_CAVEAT_CANCELLED_ANYWHERE, "cancels anywhere");
	powers = (struct program_powers){.leaves_waits = true};
	expect(WAIT_CAVEAT_LEFT, "leaves waits");
	/* These make no object known to anybody. */
	powers = (struct program_powers){.switches_stacks = true,
					 .carves_stacks = true,
					 .forks = true,
					 .handles_signals = true};
	expect(0, "others");
}
END_TEST

/* Each has words of its own; no other bit has any. */
START_TEST(words)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < 32; i++) {
		const char *text = wait_caveats_words((enum wait_caveat)(1u << i));
		ck_assert_msg((text != NULL) == (i <= 15), "bit %u", i);
		for (uint32_t k = 0; k < i && text != NULL; k++)
			ck_assert_str_ne(text, wait_caveats_words((enum wait_caveat)(1u << k)));
		num += text != NULL;
	}
	ck_assert_uint_eq(num, 16);
}
END_TEST

Suite *reach_premises_suite(void)
{
	Suite *suite = suite_create("reach_premises");
	TCase *tests = tcase_create("reach_premises");
	tcase_add_unchecked_fixture(tests, setup_files, teardown_files);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, what_files_take, 0, NUM_PROGRAMS);
	tcase_add_test(tests, memory_that_is_left_out);
	tcase_add_test(tests, what_threads_do);
	tcase_add_test(tests, rings);
	tcase_add_test(tests, what_the_program_can);
	tcase_add_test(tests, words);
	suite_add_tcase(suite, tests);
	return suite;
}
