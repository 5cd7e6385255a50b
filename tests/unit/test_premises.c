#include "fake_world.h"

#include "proof/premises.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

Suite *premises_suite(void);

enum { STACK_SIZE = 0x10000 };

#define MAIN_STACK UINT64_C(0x7ffd00000000)
#define STACK	   UINT64_C(0x7f0000010000)
#define HEAP	   UINT64_C(0x555500000000)

static struct fake_world world;
static struct image image;
static struct modules modules;
static struct nptl_thread threads[2];
static struct task task_items[2];
static int32_t by_task[2];
static uint64_t outer_sp[2];
static Elf64_auxv_t auxv;
static struct tasks tasks;
static struct nptl nptl;
static struct notes notes;
static struct stacks stacks;
static struct premises_input input;

static void put(uint32_t task, uint64_t sp, uint64_t outer)
{
	task_items[task].sp = sp;
	outer_sp[task] = outer;
}

static void put_both_home(void)
{
	put(0, MAIN_STACK + 0x100, MAIN_STACK + 0x1000);
	put(1, STACK + 0x100, STACK + 0x1000);
}

/* The main thread and another one, each on its own stack. */
static void setup(void)
{
	static unsigned char memory[64];
	fake_world_init(&world);
	fake_segment(&world.core, HEAP, memory, sizeof(memory), STACK_SIZE, PF_R | PF_W);
	fake_segment(&world.core, STACK, memory, sizeof(memory), STACK_SIZE, PF_R | PF_W);
	fake_segment(&world.core, MAIN_STACK, memory, sizeof(memory), STACK_SIZE, PF_R | PF_W);
	fake_running_thread(&world.core, 100, 0, 0, 0);
	fake_world_open_notes(&world);
	modules = (struct modules){.main_index = -1};
	image_init(&image, &world.dump, &modules);
	threads[0] = (struct nptl_thread){.task = 0};
	threads[1] = (struct nptl_thread){
		.task = 1, .start_addr = 1, .stack_addr = STACK, .stack_size = STACK_SIZE};
	by_task[0] = 0;
	by_task[1] = 1;
	put_both_home();
	auxv.a_type = AT_EXECFN;
	auxv.a_un.a_val = MAIN_STACK + STACK_SIZE - 16;
	tasks = (struct tasks){.list = {task_items, 2, 2}};
	nptl = (struct nptl){.present = true, .threads = {threads, 2, 2}, .by_task = by_task};
	notes = (struct notes){.auxv = {&auxv, 1, 1}};
	stacks = (struct stacks){.outer_sp = outer_sp};
	input = (struct premises_input){&tasks, &stacks, &nptl, &notes, &image};
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

START_TEST(own_stacks_are_no_coroutines)
{
	ck_assert(!premises_coroutines(&input));
	put(0, MAIN_STACK, MAIN_STACK + STACK_SIZE - 1);
	put(1, STACK, STACK + STACK_SIZE - 1);
	ck_assert(!premises_coroutines(&input));
	tasks.list.num = 0;
	ck_assert(!premises_coroutines(&input));
}
END_TEST

START_TEST(another_stack_is_a_coroutine)
{
	static const uint64_t places[] = {HEAP + 0x100, STACK - 8, STACK + STACK_SIZE, 0,
					  UINT64_MAX};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (uint32_t task = 0; task < 2; task++) {
			put_both_home();
			put(task, places[i], places[i]);
			ck_assert_msg(premises_coroutines(&input), "place %zu, task %u", i, task);
		}
	}
	/* Not even each other's. */
	put_both_home();
	put(0, STACK + 0x100, STACK + 0x1000);
	ck_assert(premises_coroutines(&input));
	put_both_home();
	put(1, MAIN_STACK + 0x100, MAIN_STACK + 0x1000);
	ck_assert(premises_coroutines(&input));
}
END_TEST

/* A signal handler on an alternate stack, above what it interrupted; or a stack that was left for
 * another one in an ordinary call. */
START_TEST(what_leads_back_is_no_coroutine)
{
	put(0, HEAP + 0x100, MAIN_STACK + 0x1000);
	put(1, HEAP + 0x200, STACK + 0x1000);
	ck_assert(!premises_coroutines(&input));
	put(1, STACK + 0x100, HEAP + 0x200);
	ck_assert(!premises_coroutines(&input));
}
END_TEST

START_TEST(unknown_stacks_do_not_count)
{
	put(0, HEAP + 0x100, HEAP + 0x100);
	auxv.a_type = AT_NULL;
	ck_assert(!premises_coroutines(&input));
	auxv.a_type = AT_EXECFN;
	auxv.a_un.a_val = 0x1000; /* in no segment */
	ck_assert(!premises_coroutines(&input));
	auxv.a_un.a_val = MAIN_STACK + STACK_SIZE - 16;
	put_both_home();
	put(1, HEAP + 0x100, HEAP + 0x100);
	threads[1].stack_addr = 0;
	ck_assert(!premises_coroutines(&input));
	threads[1].stack_addr = STACK;
	by_task[1] = -1;
	ck_assert(!premises_coroutines(&input));
	by_task[1] = 0; /* another one's descriptor */
	ck_assert(!premises_coroutines(&input));
	by_task[1] = 1;
	ck_assert(premises_coroutines(&input));
}
END_TEST

/* ---- What a program can do, by its files --------------------------------------------------- */

enum { MAX_MODULES = 4 };

static struct module module_items[MAX_MODULES];
static struct arena arena;
static struct gaps gaps;
static struct elf_files files;

static void powers_setup(void)
{
	fake_scratch_setup();
	arena_init(&arena, 0);
	gaps_init(&gaps, &arena);
	elf_files_init(&files, &arena, &gaps, NULL, NULL);
	modules = (struct modules){.list = {module_items, 0, MAX_MODULES}};
}

static void powers_teardown(void)
{
	elf_files_deinit(&files);
	arena_deinit(&arena);
	fake_scratch_teardown();
}

/* A library that uses these functions, in words. */
static struct module *add_module(const char *name, const char *uses)
{
	char source[512] = ".data\n";
	const char *problem;
	size_t used = strlen(source);
	int length = 0;
	for (const char *word = uses; *word != '\0'; word += length, word += *word == ' ') {
		length = (int)strcspn(word, " ");
		used += (size_t)snprintf(source + used, sizeof(source) - used, ".quad %.*s\n",
					 length, word);
	}
	char *path = fake_compile(name, "assembler", source, "-shared -nostdlib");
	struct module *module = &module_items[modules.list.num++];
	*module = (struct module){.name = name, .info = {.verified = true}};
	module->file = elf_files_open(&files, path, &problem);
	ck_assert_ptr_nonnull(module->file);
	free(path);
	return module;
}

static struct program_powers powers_of(const char *uses, const char *others)
{
	struct program_powers powers;
	modules.list.num = 0;
	add_module("libc.so.6", "fork longjmp sigaction pthread_cancel pthread_setcanceltype");
	add_module("program", uses);
	add_module("library.so", others);
	premises_powers(&powers, &modules);
	return powers;
}

START_TEST(powers_by_names)
{
	static const struct {
		const char *uses, *others;
		struct program_powers powers;
	} rows[] = {
		{"", "", {0}},
		{"open pthread_create sigaction", "", {.handles_signals = true}},
		{"pthread_cancel", "", {.cancels = true}},
		{"", "pthread_kill", {.cancels = true}},
		{"tgkill", "", {.cancels = true}},
		{"pthread_sigqueue", "", {.cancels = true}},
		{"pthread_setcanceltype", "", {0}},
		{"pthread_setcanceltype",
		 "pthread_cancel",
		 {.cancels = true, .cancels_anywhere = true}},
		{"pthread_setcanceltype", "pthread_kill", {.cancels = true}},
		/* One may do both, or lead to the other. */
		{"sigaction longjmp",
		 "",
		 {.handles_signals = true, .leaves_waits = true, .carves_stacks = true}},
		{"signal siglongjmp",
		 "",
		 {.handles_signals = true, .leaves_waits = true, .carves_stacks = true}},
		{"",
		 "__sysv_signal __longjmp_chk",
		 {.handles_signals = true, .leaves_waits = true}},
		{"sigaction",
		 "longjmp",
		 {.handles_signals = true, .leaves_waits = true, .carves_stacks = true}},
		{"longjmp",
		 "sigaction",
		 {.handles_signals = true, .leaves_waits = true, .carves_stacks = true}},
		{"longjmp", "", {.carves_stacks = true}},
		/* This one refuses to jump to what lies deeper. */
		{"", "__longjmp_chk", {0}},
		{"sigaction pthread_exit", "", {.handles_signals = true}},
		{"sigaction pthread_exit",
		 "pthread_kill",
		 {.handles_signals = true, .cancels = true, .leaves_waits = true}},
		{"pthread_exit pthread_kill", "", {.cancels = true}},
		{"sigaction pthread_exit pthread_kill",
		 "",
		 {.handles_signals = true, .cancels = true, .leaves_waits = true}},
		{"sigset swapcontext",
		 "",
		 {.handles_signals = true,
		  .leaves_waits = true,
		  .switches_stacks = true,
		  .carves_stacks = true}},
		{"makecontext", "", {.switches_stacks = true, .carves_stacks = true}},
		{"", "jump_fcontext", {.switches_stacks = true, .carves_stacks = true}},
		{"", "fork", {.forks = true}},
		{"_Fork", "", {.forks = true}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct program_powers powers = powers_of(rows[i].uses, rows[i].others);
		ck_assert_msg(memcmp(&powers, &rows[i].powers, sizeof(powers)) == 0, "row %zu", i);
	}
}
END_TEST

START_TEST(what_was_not_read_may_have_any_power)
{
	struct program_powers powers = powers_of("", "");
	ck_assert(!powers.unread);
	module_items[2].info.verified = false;
	premises_powers(&powers, &modules);
	ck_assert(powers.unread);
	module_items[2].vdso = true; /* the kernel's */
	premises_powers(&powers, &modules);
	ck_assert(!powers.unread);
	module_items[1].file = NULL;
	premises_powers(&powers, &modules);
	ck_assert(powers.unread);
	/* Of libc nothing is asked. */
	powers = powers_of("", "");
	module_items[0].file = NULL;
	premises_powers(&powers, &modules);
	ck_assert(!powers.unread);
	/* A static program does not say what of libc it uses. */
	powers = powers_of("", "");
	module_items[0].name = "libother.so";
	premises_powers(&powers, &modules);
	ck_assert(powers.unread);
	modules.list.num = 0;
	premises_powers(&powers, &modules);
	ck_assert(powers.unread);
}
END_TEST

static TCase *powers_case(void)
{
	TCase *tests = tcase_create("powers");
	tcase_add_checked_fixture(tests, powers_setup, powers_teardown);
	tcase_add_test(tests, powers_by_names);
	tcase_add_test(tests, what_was_not_read_may_have_any_power);
	return tests;
}

Suite *premises_suite(void)
{
	Suite *suite = suite_create("premises");
	TCase *tests = tcase_create("coroutines");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, own_stacks_are_no_coroutines);
	tcase_add_test(tests, another_stack_is_a_coroutine);
	tcase_add_test(tests, what_leads_back_is_no_coroutine);
	tcase_add_test(tests, unknown_stacks_do_not_count);
	suite_add_tcase(suite, tests);
	suite_add_tcase(suite, powers_case());
	return suite;
}
