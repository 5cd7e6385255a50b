/* One library is both libc and the program: its functions form addresses in different ways, and its
 * labels are the truth. */
#include "fake_world.h"
#include "stack/code.h"
#include "stack/creations.h"
#include "stack/creators.h"

#include <check.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *creators_suite(void);

#define BASE UINT64_C(0x7f0000000000)

static const char source[] =
	"	.text\n"
	"	.macro function name\n"
	"	.globl \\name; .type \\name, @function\n"
	"\\name: .cfi_startproc\n"
	"	.endm\n"
	"	.macro finish name\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size \\name, . - \\name\n"
	"	.endm\n"
	"	.macro routine name\n"
	"	function \\name\n"
	"	nop\n"
	"	finish \\name\n"
	"	.endm\n"
	"	routine worker_direct; routine worker_hoisted; routine worker_overwritten\n"
	"	routine worker_handed; routine worker_tail; routine worker_compared\n"
	"	routine worker_twice; routine worker_unused; routine worker_in_table\n"
	"	routine worker_kept; routine worker_stored\n"
	"	function pthread_create\n nop\n finish pthread_create\n"
	"	function other\n nop\n finish other\n"

	"	function direct\n"
	"	lea worker_direct(%rip), %rdx\n"
	"	call pthread_create\n"
	"direct_ret: finish direct\n"

	"	function hoisted\n"
	"	lea worker_hoisted(%rip), %r13\n"
	"	call other\n"
	"	mov %r13, %rdx\n"
	"	call pthread_create\n"
	"hoisted_ret: call other\n"
	"	finish hoisted\n"

	/* Another routine's creation follows: it must not be taken for this one's. */
	"	function kept\n"
	"	lea worker_kept(%rip), %rbx\n"
	"	lea worker_unused(%rip), %rdx\n"
	"	call pthread_create\n"
	"unused_ret: mov %rbx, %rdi\n"
	"	call other\n"
	"kept_ret: finish kept\n"

	"	function overwritten\n"
	"	lea worker_overwritten(%rip), %rdx\n"
	"	xor %edx, %edx\n"
	"	call pthread_create\n"
	"overwritten_ret: finish overwritten\n"

	"	function handed\n"
	"	lea worker_handed(%rip), %rsi\n"
	"	call other\n"
	"handed_ret: call pthread_create\n"
	"	finish handed\n"

	"	function stored\n"
	"	lea worker_stored(%rip), %rax\n"
	"	mov %rax, 8(%rsp)\n"
	"	call other\n"
	"stored_ret: finish stored\n"

	"	function tail\n"
	"	lea worker_tail(%rip), %rdx\n"
	"	jmp pthread_create\n"
	"tail_ret: nop\n"
	"	finish tail\n"

	"	function compared\n"
	"	lea worker_compared(%rip), %rax\n"
	"	cmp %rax, %rdi\n"
	"	finish compared\n"
	"	function after_compared\n call pthread_create\n finish after_compared\n"

	"	function once\n"
	"	lea worker_twice(%rip), %rdx\n"
	"	call pthread_create\n"
	"once_ret: finish once\n"
	"	function again\n"
	"	lea worker_twice(%rip), %rdx\n"
	"	call pthread_create\n"
	"again_ret: finish again\n"

	"	function beside_table\n"
	"	lea worker_in_table(%rip), %rdx\n"
	"	call pthread_create\n"
	"table_ret: finish beside_table\n"

	/* Does not call, but has the bytes of a call inside of an instruction. */
	"	function looks_like_a_call\n"
	"	movabs $0xe8e8e8e8e8e8e8e8, %rax\n"
	"	finish looks_like_a_call\n"

	"	.section .data.rel.ro, \"aw\"\n"
	"	.quad worker_in_table\n"
	"	.section .note.GNU-stack,\"\",@progbits\n";

static char *file;
static struct fake_world world;
static struct nptl_thread threads[1];
static struct nptl nptl;
static struct start starts[1];
static struct creators creators;

static void files_setup(void)
{
	fake_scratch_setup();
	file = fake_compile("libc.so.6", "assembler", source,
			    "-shared -nostdlib -Wl,-Bsymbolic,--build-id=sha1,-z,norelro");
}

static void files_teardown(void)
{
	free(file);
	fake_scratch_teardown();
}

static void setup(void)
{
	fake_world_init(&world);
	fake_map(&world.core, file, file, BASE, 0);
	fake_world_open_image(&world);
	ck_assert_uint_eq(world.modules.list.num, 1);
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static uint64_t label(const char *name)
{
	return BASE + fake_symbol(file, name);
}

/* Looks for what creates the only thread, which began at that routine. */
static void find(const char *routine)
{
	threads[0] = (struct nptl_thread){.pd_addr = 0x1000, .start_addr = label(routine)};
	nptl = (struct nptl){.present = true, .threads = {threads, 1, 1}};
	starts[0] = (struct start){.entry_addr = threads[0].start_addr, .type_name = ""};
	creators_find(&creators, &world.arena, &world.gaps, &world.files, world.image, &nptl,
		      starts);
	ck_assert_uint_eq(creators.by_thread[0], 0);
}

/* Decides as if each place had a name of its own. */
static const struct coreleaks_creation *decide(void)
{
	struct coreleaks_stack *calls =
		arena_alloc_array(&world.arena, creators.places.num + 1, sizeof(*calls));
	for (uint32_t i = 0; i < creators.places.num; i++) {
		struct coreleaks_frame *frame = arena_alloc(&world.arena, sizeof(*frame));
		frame->pc = creators.places.items[i].pc;
		frame->function = arena_format(&world.arena, "f%u", i);
		calls[i] = (struct coreleaks_stack){.frames = frame, .num_frames = 1};
	}
	return creations_build(&creators, &world.arena, calls, 1)[0];
}

static void expect_place(const char *routine, const char *pc, bool inferred)
{
	find(routine);
	ck_assert_msg(creators.places.num == 1, "%s: %u places", routine, creators.places.num);
	const struct creator_place *place = &creators.places.items[0];
	ck_assert_msg(place->pc == label(pc), "%s: 0x%llx, %s is 0x%llx", routine,
		      (unsigned long long)place->pc, pc, (unsigned long long)label(pc));
	ck_assert_msg(place->inferred == inferred, "%s", routine);
	const struct coreleaks_creation *creation = decide();
	ck_assert_ptr_nonnull(creation);
	ck_assert_ptr_nonnull(creation->frame);
	ck_assert_uint_eq(creation->frame->pc, label(pc));
	ck_assert_uint_eq(creation->num_places, 1);
	ck_assert(creation->inferred == inferred);
}

START_TEST(the_register_of_the_start_routine)
{
	expect_place("worker_direct", "direct_ret", false);
	expect_place("worker_hoisted", "hoisted_ret", false);
	expect_place("worker_unused", "unused_ret", false);
}
END_TEST

START_TEST(a_jump_calls_too)
{
	find("worker_tail");
	ck_assert_uint_eq(creators.places.num, 1);
	ck_assert(!creators.places.items[0].inferred);
	ck_assert_uint_eq(creators.places.items[0].function_low, label("tail"));
}
END_TEST

START_TEST(handed_to_something_else)
{
	expect_place("worker_handed", "handed_ret", true);
	expect_place("worker_kept", "kept_ret", true);
	expect_place("worker_stored", "stored_ret", true);
	expect_place("worker_overwritten", "overwritten_ret", true);
}
END_TEST

START_TEST(several_places_are_none)
{
	find("worker_twice");
	ck_assert_uint_eq(creators.places.num, 2);
	const struct coreleaks_creation *creation = decide();
	ck_assert_ptr_null(creation->frame);
	ck_assert_uint_eq(creation->num_places, 2);
}
END_TEST

START_TEST(a_table_is_one_more_place)
{
	find("worker_in_table");
	ck_assert_uint_eq(creators.places.num, 1);
	const struct coreleaks_creation *creation = decide();
	ck_assert_ptr_null(creation->frame);
	ck_assert_uint_eq(creation->num_places, 2);
}
END_TEST

/* The next function's call has nothing to do with it. */
START_TEST(a_comparison_creates_nothing)
{
	find("worker_compared");
	ck_assert_uint_eq(creators.places.num, 0);
	ck_assert_ptr_null(decide());
}
END_TEST

START_TEST(what_nobody_forms_is_unknown)
{
	find("other");
	ck_assert_uint_eq(creators.places.num, 0);
	ck_assert_ptr_null(decide());
}
END_TEST

START_TEST(nothing_to_look_for)
{
	threads[0] = (struct nptl_thread){.pd_addr = 0x1000};
	nptl = (struct nptl){.present = true, .threads = {threads, 1, 1}};
	starts[0] = (struct start){.type_name = ""};
	uint64_t used = world.arena.used_size;
	creators_find(&creators, &world.arena, &world.gaps, &world.files, world.image, &nptl,
		      starts);
	ck_assert_uint_eq(creators.by_thread[0], UINT32_MAX);
	ck_assert_ptr_null(decide());
	ck_assert_uint_le(world.arena.used_size - used, 1 << 20);
	/* Nor is there anything in memory that no module has. */
	starts[0].entry_addr = threads[0].start_addr = 0x400000;
	creators_find(&creators, &world.arena, &world.gaps, &world.files, world.image, &nptl,
		      starts);
	ck_assert_uint_eq(creators.by_thread[0], UINT32_MAX);
}
END_TEST

/* The floor of stacks is left out. */
START_TEST(nobody_has_looked)
{
	struct creators none = {0};
	const struct coreleaks_creation **found = creations_build(&none, &world.arena, NULL, 2);
	ck_assert_ptr_null(found[0]);
	ck_assert_ptr_null(found[1]);
}
END_TEST

static struct coreleaks_stack named(const char *function, const char *path, uint32_t line,
				    uint64_t pc)
{
	struct coreleaks_frame *frame = arena_alloc(&world.arena, sizeof(*frame));
	*frame = (struct coreleaks_frame){
		.pc = pc, .function = function, .file = path, .line = line, .module = "m"};
	return (struct coreleaks_stack){.frames = frame, .num_frames = 1};
}

/* What two places come to: by their names and lines. */
static const struct coreleaks_creation *of_two(struct coreleaks_stack first, bool first_inferred,
					       struct coreleaks_stack second, bool second_inferred)
{
	static uint32_t by_thread[1];
	struct creator_place *places = arena_alloc_array(&world.arena, 2, sizeof(*places));
	struct creator_target *target = arena_alloc(&world.arena, sizeof(*target));
	struct coreleaks_stack *calls = arena_alloc_array(&world.arena, 2, sizeof(*calls));
	places[0].function_low = places[1].function_low = 0x1000;
	places[0].inferred = first_inferred;
	places[1].inferred = second_inferred;
	target->num = 2;
	calls[0] = first;
	calls[1] = second;
	creators = (struct creators){.places = {places, 2, 2}, .targets = {target, 1, 1}};
	creators.by_thread = by_thread;
	return creations_build(&creators, &world.arena, calls, 1)[0];
}

START_TEST(places_in_one_function)
{
	/* Unrolled: the same line. */
	const struct coreleaks_creation *creation =
		of_two(named("f", "a.c", 7, 1), false, named("f", "a.c", 7, 2), false);
	ck_assert_uint_eq(creation->frame->line, 7);
	/* Two lines. */
	creation = of_two(named("f", "a.c", 7, 1), false, named("f", "a.c", 9, 2), false);
	ck_assert_str_eq(creation->frame->function, "f");
	ck_assert_uint_eq(creation->frame->line, 0);
	ck_assert_uint_eq(creation->num_places, 1);
	/* One of them creates it, the other only has the address. */
	creation = of_two(named("f", "a.c", 7, 1), true, named("f", "a.c", 9, 2), false);
	ck_assert_uint_eq(creation->frame->line, 9);
	ck_assert(!creation->inferred);
	/* One name in two files. */
	creation = of_two(named("f", "a.c", 7, 1), false, named("f", "b.c", 7, 2), false);
	ck_assert_ptr_null(creation->frame);
	/* Library code in between is no answer. */
	creation = of_two(named("std::thread::thread<f>", "t.h", 7, 1), false,
			  named("f", "b.c", 7, 2), false);
	ck_assert_str_eq(creation->frame->function, "f");
	ck_assert_ptr_null(of_two(named("std::thread::thread<f>", "t.h", 7, 1), false,
				  named("std::async", "t.h", 8, 2), false));
}
END_TEST

START_TEST(functions_by_their_frames)
{
	struct functions functions;
	const struct elf_file *elf = world.modules.list.items[0].file;
	dwarf_functions_read(&functions, &world.arena, (struct elf_file *)elf);
	uint64_t low = fake_symbol(file, "direct"), high = fake_symbol(file, "hoisted");
	const struct range *found = functions_find(&functions, low + 3);
	ck_assert_ptr_nonnull(found);
	ck_assert_uint_eq(found->low, low);
	ck_assert_uint_eq(found->high, high);
	ck_assert(functions_begin_at(&functions, low));
	ck_assert(!functions_begin_at(&functions, low + 1));
	ck_assert_ptr_null(functions_find(&functions, 0));
	ck_assert_ptr_null(functions_find(&functions, UINT64_MAX));
}
END_TEST

/* Whatever stands in the file: no byte beyond it is read, and the search ends. */
START_TEST(damaged_files)
{
	FILE *stream = fopen(file, "re");
	static char bytes[1 << 18];
	size_t size = fread(bytes, 1, sizeof(bytes), stream);
	fclose(stream);
	ck_assert_uint_lt(size, sizeof(bytes));
	uint32_t seed = 20261121;
	for (int round = 0; round < 300; round++) {
		char *copy = arena_copy_bytes(&world.arena, bytes, size);
		struct module module = world.modules.list.items[0];
		struct modules modules = {.list = {&module, 1, 1}, .main_index = -1};
		struct image image;
		for (int k = 0; k < 40; k++) {
			seed = seed * 1664525 + 1013904223;
			copy[64 + (seed >> 8) % (size - 64)] = (char)(seed >> 3);
		}
		module.file = elf_files_open_memory(&world.files, "damaged", copy, size);
		if (module.file == NULL)
			continue;
		image_init(&image, &world.dump, &modules);
		threads[0] = (struct nptl_thread){.start_addr = label("worker_direct")};
		starts[0] = (struct start){.entry_addr = threads[0].start_addr, .type_name = ""};
		nptl = (struct nptl){.present = true, .threads = {threads, 1, 1}};
		creators_find(&creators, &world.arena, &world.gaps, &world.files, &image, &nptl,
			      starts);
		decide();
	}
}
END_TEST

Suite *creators_suite(void)
{
	Suite *suite = suite_create("creators");
	TCase *tests = tcase_create("creators");
	tcase_add_unchecked_fixture(tests, files_setup, files_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, the_register_of_the_start_routine);
	tcase_add_test(tests, a_jump_calls_too);
	tcase_add_test(tests, handed_to_something_else);
	tcase_add_test(tests, several_places_are_none);
	tcase_add_test(tests, a_table_is_one_more_place);
	tcase_add_test(tests, a_comparison_creates_nothing);
	tcase_add_test(tests, what_nobody_forms_is_unknown);
	tcase_add_test(tests, nothing_to_look_for);
	tcase_add_test(tests, nobody_has_looked);
	tcase_add_test(tests, places_in_one_function);
	tcase_add_test(tests, functions_by_their_frames);
	tcase_add_test(tests, damaged_files);
	suite_add_tcase(suite, tests);
	return suite;
}
