#include "fake_code.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *modules_suite(void);

static struct fake_world world;
static struct fake_core *core;
static struct modules *modules;
static char *scratch, *other;

static void setup_files(void)
{
	fake_code_setup();
	scratch = fake_scratch_path("");
	scratch[strlen(scratch) - 1] = '\0';
	other = fake_compile("libother.so", "assembler",
			     ".text\nnop\n.skip 5000\n.data\n.quad 1\n.section .note.GNU-stack\n",
			     "-shared -nostdlib -Wl,--build-id=0x0123456789abcdef");
}

static void teardown_files(void)
{
	free(scratch);
	free(other);
	fake_code_teardown();
}

static void setup(void)
{
	fake_world_init(&world);
	core = &world.core;
	modules = &world.modules;
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static const struct module *module_at(uint64_t addr)
{
	int32_t index = modules_find(modules, addr);
	ck_assert_msg(index >= 0, "no module at 0x%llx", (unsigned long long)addr);
	return &modules->list.items[index];
}

static char *path_of(const char *name)
{
	return arena_format(&world.arena, "%s/%s", scratch, name);
}

static void expect_sound(void)
{
	uint64_t last = 0;
	for (uint32_t i = 0; i < modules->list.num; i++) {
		const struct module *module = &modules->list.items[i];
		ck_assert_uint_ge(module->range.low, last);
		ck_assert_uint_gt(module->range.high, module->range.low);
		ck_assert_uint_eq(module->info.low, module->range.low);
		ck_assert_uint_eq(module->info.high, module->range.high);
		ck_assert_ptr_nonnull(module->name);
		ck_assert_ptr_nonnull(module->info.path);
		/* No file, or one that is not proved the right one: it says why. */
		ck_assert_int_eq(module->info.file != NULL, module->file != NULL);
		ck_assert_int_eq(module->info.problem == NULL,
				 module->file != NULL && module->info.verified);
		last = module->range.high;
	}
}

/* ---- NT_FILE ---- */

START_TEST(two_libraries)
{
	fake_map(core, fake_code_file(), fake_code_file(), FAKE_CODE_BASE, 0);
	fake_map(core, other, other, 0x10000000, 0);
	fake_world_open_image(&world);
	expect_sound();
	fake_world_expect_no_gaps(&world);
	ck_assert_uint_eq(modules->list.num, 2);
	const struct module *first = &modules->list.items[0], *second = &modules->list.items[1];
	ck_assert_str_eq(first->name, "libother.so");
	ck_assert_str_eq(first->info.build_id, "0123456789abcdef");
	ck_assert_str_eq(second->info.path, fake_code_file());
	ck_assert_str_eq(second->info.file, fake_code_file());
	ck_assert(second->info.verified);
	ck_assert_ptr_null(second->info.problem);
	ck_assert_uint_eq(second->bias, FAKE_CODE_BASE);
	ck_assert_uint_eq(second->range.low, FAKE_CODE_BASE);
	/* Its .bss belongs to it, though NT_FILE has no line for it. */
	ck_assert_ptr_eq(module_at(fake_code("bss") + 12287), second);
	ck_assert_int_eq(modules_find(modules, second->range.high), -1);
	ck_assert_int_eq(modules_find(modules, second->range.low - 1), -1);
	ck_assert_int_eq(modules_find(modules, 0), -1);
	ck_assert_int_eq(modules_find(modules, UINT64_MAX), -1);
	ck_assert_int_eq(modules->main_index, -1);
}
END_TEST

/* Fonts, locales, databases: no modules, and no gaps about them. */
START_TEST(data_files_are_no_modules)
{
	free(fake_scratch_file("data.bin", "some data", 9));
	fake_mapping(core, 0x20000, 0x24000, 0, path_of("data.bin"));
	fake_mapping(core, 0x30000, 0x31000, 0, "/no/such/locale-archive");
	fake_mapping(core, 0x40000, 0x41000, 5, "/no/such/index.db");
	fake_segment(core, 0x20000, NULL, 0, 0x4000, PF_R);
	fake_segment(core, 0x30000, NULL, 0, 0x1000, PF_R | PF_W);
	fake_code_map(core);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_uint_eq(modules->list.num, 1);
	fake_world_expect_no_gaps(&world);
}
END_TEST

START_TEST(the_same_library_twice)
{
	fake_map(core, fake_code_file(), fake_code_file(), FAKE_CODE_BASE, 0);
	fake_map(core, fake_code_file(), fake_code_file(), FAKE_CODE_BASE + 0x100000, 0);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_uint_eq(modules->list.num, 2);
	ck_assert_uint_eq(modules->list.items[0].bias, FAKE_CODE_BASE);
	ck_assert_uint_eq(modules->list.items[1].bias, FAKE_CODE_BASE + 0x100000);
	ck_assert(modules->list.items[1].info.verified);
}
END_TEST

/* Their headers say they reach over each other: a lower one keeps what both claim. */
START_TEST(overlapping_libraries)
{
	unsigned char page[FAKE_PAGE];
	FILE *stream = fopen(fake_code_file(), "re");
	ck_assert_uint_eq(fread(page, 1, sizeof(page), stream), sizeof(page));
	fclose(stream);
	for (uint64_t low = FAKE_CODE_BASE; low <= FAKE_CODE_BASE + 0x2000; low += 0x2000) {
		fake_segment(core, low, page, FAKE_PAGE, FAKE_PAGE, PF_R);
		fake_mapping(core, low, low + FAKE_PAGE, 0, fake_code_file());
	}
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_uint_eq(modules->list.num, 2);
	ck_assert_uint_eq(modules->list.items[0].bias, FAKE_CODE_BASE);
	ck_assert_uint_eq(modules->list.items[1].bias, FAKE_CODE_BASE + 0x2000);
	ck_assert_int_eq(modules_find(modules, FAKE_CODE_BASE + 0x2000), 0);
}
END_TEST

START_TEST(deleted)
{
	char *path = arena_format(&world.arena, "%s (deleted)", fake_code_file());
	fake_map(core, fake_code_file(), path, FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_ptr_nonnull(modules->list.items[0].file);
	ck_assert(modules->list.items[0].info.verified);
}
END_TEST

START_TEST(replaced_file_is_refused)
{
	char *path = path_of("replaced.so");
	fake_shell("cp '%s' '%s'", other, path);
	fake_map(core, fake_code_file(), path, FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	const struct module *module = &modules->list.items[0];
	ck_assert_uint_eq(modules->list.num, 1);
	ck_assert_ptr_null(module->file);
	ck_assert_ptr_null(module->info.file);
	ck_assert(!module->info.verified);
	ck_assert_uint_eq(strlen(module->info.build_id), 40);
	ck_assert_ptr_nonnull(strstr(module->info.problem, "0123456789abcdef"));
	fake_world_expect_gap(&world, "file-mismatch", false);
	/* The core itself still tells how large it is. */
	ck_assert_uint_eq(module->range.low, FAKE_CODE_BASE);
	ck_assert_ptr_eq(module_at(fake_code("bss")), module);
}
END_TEST

START_TEST(missing_file)
{
	fake_map(core, fake_code_file(), "/no/such/libgone.so", FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	const struct module *module = module_at(fake_code("framed"));
	ck_assert_ptr_null(module->file);
	ck_assert_str_eq(module->name, "libgone.so");
	ck_assert_uint_eq(strlen(module->info.build_id), 40);
	ck_assert_ptr_nonnull(strstr(module->info.problem, "No such file"));
	fake_world_expect_gap(&world, "file-missing", false);
}
END_TEST

/* A missing file is found again by its build-id. */
START_TEST(found_by_build_id)
{
	fake_shell("mkdir -p '%s/ids/.build-id/01' && cp '%s' '%s/ids/.build-id/01/23456789abcdef'",
		   scratch, other, scratch);
	world.debug_dirs = path_of("ids");
	fake_map(core, other, "/no/such/libother.so", FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_str_eq(modules->list.items[0].info.file,
			 path_of("ids/.build-id/01/23456789abcdef"));
	ck_assert_str_eq(modules->list.items[0].info.path, "/no/such/libother.so");
	ck_assert(modules->list.items[0].info.verified);
}
END_TEST

/* The first page is not dumped: nothing to compare with. Used, but marked. */
START_TEST(unverifiable)
{
	fake_map(core, fake_code_file(), fake_code_file(), FAKE_CODE_BASE, FAKE_MAP_NO_HEADER);
	fake_world_open_image(&world);
	expect_sound();
	const struct module *module = module_at(fake_code("framed"));
	ck_assert_ptr_nonnull(module->file);
	ck_assert(!module->info.verified);
	fake_world_expect_gap(&world, "file-unverified", false);
	ck_assert_uint_eq(module->bias, FAKE_CODE_BASE);
	ck_assert_ptr_eq(module_at(fake_code("bss")), module);
}
END_TEST

/* The same, and the file at that path is a different one: its layout gives it away. */
START_TEST(unverifiable_but_impossible)
{
	char *path = path_of("shifted.so");
	fake_shell("cp '%s' '%s'", other, path);
	fake_map(core, fake_code_file(), path, FAKE_CODE_BASE, FAKE_MAP_NO_HEADER);
	fake_world_open_image(&world);
	expect_sound();
	const struct module *module = module_at(fake_code("framed"));
	ck_assert_ptr_null(module->file);
}
END_TEST

/* As Go's own linker makes them: no GNU build-id, but a note of Go's. */
static char *compile_go(const char *name, const char *id, const char *flags)
{
	char source[512];
	snprintf(source, sizeof(source),
		 "nop\n.skip 500\n"
		 ".section .note.go.buildid,\"a\",@note\n.balign 4\n"
		 ".long 4, %zu, 4\n.ascii \"Go\\0\\0\"\n.ascii \"%s\"\n.balign 4\n"
		 ".section .note.GNU-stack\n",
		 strlen(id), id);
	return fake_compile(name, "assembler", source, flags);
}

START_TEST(go_build_id)
{
	static const char none[] = "-shared -nostdlib -Wl,-z,noseparate-code -Wl,--build-id=none";
	const char *const others[] = {"kN5u/qeGJ/a7ZQ/w1Xe", "kN5u/qeGJ/a7ZQ/w1Xd/", NULL};
	char *program = compile_go("go.so", "kN5u/qeGJ/a7ZQ/w1Xd", none);
	char *candidate = program;
	if (_i > 0 && others[_i - 1] != NULL)
		candidate = compile_go("go-other.so", others[_i - 1], none);
	else if (_i > 0)
		candidate = fake_compile("go-none.so", "assembler", "nop\n.skip 500\n", none);
	fake_map(core, program, candidate, FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	const struct module *module = module_at(FAKE_CODE_BASE);
	ck_assert_int_eq(module->info.verified, _i == 0);
	ck_assert_int_eq(module->file != NULL, _i == 0);
	if (_i == 0) {
		fake_world_expect_no_gaps(&world);
	} else {
		fake_world_expect_gap(&world, "file-mismatch", false);
		ck_assert_ptr_nonnull(strstr(module->info.problem, "another Go build-id"));
	}
	if (candidate != program)
		free(candidate);
	free(program);
}
END_TEST

/* A program that the system's linker made has both: its GNU build-id decides. */
START_TEST(go_build_id_beside_gnus)
{
	static const char gnu[] =
		"-shared -nostdlib -Wl,-z,noseparate-code -Wl,--build-id=0x0123456789abcdef";
	char *program = compile_go("both.so", "kN5u/qeGJ/a7ZQ/w1Xd", gnu);
	char *candidate = compile_go("both-other.so", "kN5u/qeGJ/a7ZQ/w1Xe", gnu);
	fake_map(core, program, candidate, FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert(module_at(FAKE_CODE_BASE)->info.verified);
	ck_assert_str_eq(module_at(FAKE_CODE_BASE)->info.build_id, "0123456789abcdef");
	free(candidate);
	free(program);
}
END_TEST

START_TEST(without_build_ids)
{
	char *plain = fake_compile("plain.so", "assembler", "nop\n.skip 5000\n",
				   "-shared -nostdlib -Wl,--build-id=none");
	fake_map(core, plain, plain, FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_ptr_nonnull(modules->list.items[0].file);
	ck_assert(!modules->list.items[0].info.verified);
	ck_assert_ptr_null(modules->list.items[0].info.build_id);
	free(plain);
}
END_TEST

/* The core has a build-id, the file has none. */
START_TEST(file_without_build_id_is_refused)
{
	char *path = path_of("stripped.so");
	fake_shell("objcopy --remove-section=.note.gnu.build-id '%s' '%s'", fake_code_file(), path);
	fake_map(core, fake_code_file(), path, FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_ptr_null(modules->list.items[0].file);
	fake_world_expect_gap(&world, "file-mismatch", false);
}
END_TEST

START_TEST(sysroot)
{
	fake_shell("mkdir -p '%s/root/opt' && cp '%s' '%s/root/opt/liba.so'", scratch,
		   fake_code_file(), scratch);
	world.sysroot = path_of("root");
	fake_map(core, fake_code_file(), "/opt/liba.so", FAKE_CODE_BASE, 0);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_str_eq(modules->list.items[0].info.path, "/opt/liba.so");
	ck_assert_str_eq(modules->list.items[0].info.file, path_of("root/opt/liba.so"));
}
END_TEST

START_TEST(hostile_mappings)
{
	fake_mapping(core, 0, UINT64_MAX, 0, "/x");
	fake_mapping(core, UINT64_MAX - 1, UINT64_MAX, 0, "");
	fake_mapping(core, 0x1000, 0x2000, 0, "\033]0;evil\007\n");
	fake_mapping(core, 0x1800, 0x9000, 0, "/dev/zero");
	fake_mapping(core, 0x1800, 0x9000, 0, "/");
	fake_code_map(core);
	fake_world_open_image(&world);
	expect_sound();
}
END_TEST

/* Headers in the core that lie about what they load. _i: which lie. */
START_TEST(lying_headers)
{
	fake_map(core, fake_code_file(), "/no/such/lib.so", FAKE_CODE_BASE, 0);
	for (size_t i = 0; i < core->headers.num; i++) {
		if (core->headers.items[i].p_vaddr != FAKE_CODE_BASE)
			continue;
		Elf64_Ehdr *elf = (void *)(core->data.bytes + core->headers.items[i].p_offset);
		Elf64_Phdr *headers = (void *)((char *)elf + elf->e_phoff);
		for (int k = 0; k < elf->e_phnum && _i < 6; k++) {
			if (headers[k].p_type == PT_LOAD && _i == 0)
				headers[k].p_memsz = UINT64_MAX - 100;
			if (headers[k].p_type == PT_LOAD && _i == 1)
				headers[k].p_vaddr = UINT64_MAX - 5000;
			if (headers[k].p_type == PT_LOAD && _i == 2)
				headers[k].p_memsz = 0;
			if (headers[k].p_type == PT_NOTE && _i == 3)
				headers[k].p_vaddr = UINT64_MAX - 10;
			if (headers[k].p_type == PT_NOTE && _i == 4)
				headers[k].p_filesz = UINT64_MAX;
			if (headers[k].p_type == PT_LOAD && _i == 5)
				headers[k].p_offset = UINT64_MAX;
		}
		if (_i == 6)
			elf->e_phoff = UINT64_MAX - 8;
		if (_i == 7)
			elf->e_phnum = 0xffff;
	}
	fake_world_open_image(&world);
	expect_sound();
}
END_TEST

START_TEST(vdso)
{
	Elf64_auxv_t auxv[] = {{AT_SYSINFO_EHDR, {0x7ffff7fc0000}}};
	fake_auxv(core, auxv, 1);
	fake_code_map(core);
	FILE *stream = fopen(other, "re");
	static char bytes[100000];
	size_t size = fread(bytes, 1, sizeof(bytes), stream);
	fclose(stream);
	fake_segment(core, 0x7ffff7fc0000, bytes, size, 0x10000, PF_R | PF_X);
	fake_world_open_image(&world);
	expect_sound();
	fake_world_expect_no_gaps(&world);
	const struct module *module = module_at(0x7ffff7fc0100);
	ck_assert(module->vdso);
	ck_assert_ptr_nonnull(module->file);
	ck_assert_uint_eq(module->bias, 0x7ffff7fc0000);
	ck_assert_str_eq(module->name, "[vdso]");
	ck_assert(!module_at(FAKE_CODE_BASE)->vdso);
}
END_TEST

START_TEST(bad_vdso)
{
	static const uint64_t addrs[] = {0, 0x1234, 0x30000, 0x40000, UINT64_MAX};
	Elf64_auxv_t auxv[] = {{AT_SYSINFO_EHDR, {addrs[_i]}}};
	fake_auxv(core, auxv, 1);
	fake_segment(core, 0x30000, "no ELF file", 12, FAKE_PAGE, PF_R | PF_X);
	fake_segment(core, 0x40000, NULL, 0, FAKE_PAGE, PF_R | PF_X);
	fake_code_map(core);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_uint_eq(modules->list.num, 1);
}
END_TEST

/* ---- The main program ---- */

static void map_main(const char *path, int flags)
{
	Elf64_auxv_t auxv[] = {{AT_ENTRY, {fake_code("start")}}};
	fake_auxv(core, auxv, 1);
	fake_map(core, fake_code_file(), path, FAKE_CODE_BASE, flags);
	fake_map(core, other, other, 0x10000000, 0);
}

START_TEST(main_program_by_entry)
{
	map_main(fake_code_file(), 0);
	fake_world_open_image(&world);
	expect_sound();
	ck_assert_int_eq(modules->main_index, 1);
	ck_assert(modules->list.items[1].main_program);
	ck_assert(!modules->list.items[0].main_program);
}
END_TEST

START_TEST(given_executable)
{
	char *copy = path_of("given");
	fake_shell("cp '%s' '%s'", fake_code_file(), copy);
	world.executable = copy;
	map_main("/no/such/program", 0);
	fake_world_open_image(&world);
	expect_sound();
	const struct module *module = &modules->list.items[modules->main_index];
	ck_assert_str_eq(module->info.path, "/no/such/program");
	ck_assert_str_eq(module->info.file, copy);
	ck_assert(module->info.verified);
	fake_world_expect_no_gaps(&world);
}
END_TEST

/* The wrong one is refused and said; the right one at its own path is used all the same. */
START_TEST(given_executable_mismatches)
{
	world.executable = other;
	map_main(fake_code_file(), 0);
	fake_world_open_image(&world);
	expect_sound();
	const struct module *module = &modules->list.items[modules->main_index];
	ck_assert_str_eq(module->info.file, fake_code_file());
	ck_assert(module->info.verified);
	ck_assert_uint_gt(world.gaps.list.num, 0);
	fake_world_expect_gap(&world, "file-mismatch", false);
}
END_TEST

START_TEST(given_executable_is_missing)
{
	world.executable = "/no/such/given";
	map_main(fake_code_file(), 0);
	fake_world_open_image(&world);
	expect_sound();
	bool told = false;
	for (uint32_t i = 0; i < world.gaps.list.num; i++)
		told = told || strstr(world.gaps.list.items[i].detail, "/no/such/given") != NULL;
	ck_assert_msg(told, "no gap names the file");
}
END_TEST

START_TEST(given_executable_unverifiable)
{
	char *copy = path_of("given2");
	fake_shell("cp '%s' '%s'", fake_code_file(), copy);
	world.executable = copy;
	map_main("/no/such/program", FAKE_MAP_NO_HEADER);
	fake_world_open_image(&world);
	expect_sound();
	const struct module *module = &modules->list.items[modules->main_index];
	ck_assert_str_eq(module->info.file, copy);
	ck_assert(!module->info.verified);
	fake_world_expect_gap(&world, "file-unverified", false);
}
END_TEST

/* ---- No NT_FILE: the dynamic linker's list ---- */

enum {
	EXE = 0x400000,
	EXE_DYNAMIC = 0x401000,
	R_DEBUG = 0x402000,
	LINK_MAP = 0x402100,
	NAMES = 0x403000,
	EXECFN = 0x403f00,
};

struct link_map_entry {
	uint64_t addr, name, dynamic, next, previous;
};

static struct link_map_entry entries[8];
static char names[FAKE_PAGE];

static uint64_t entry_addr(int i)
{
	return LINK_MAP + (uint64_t)i * sizeof(entries[0]);
}

/* A program at EXE whose linker has num objects in its list. */
static void make_program(int num)
{
	struct {
		Elf64_Ehdr elf;
		Elf64_Phdr headers[3];
	} exe = {
		.elf = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3},
		.headers = {
			{.p_type = PT_PHDR, .p_vaddr = EXE + sizeof(Elf64_Ehdr)},
			{.p_type = PT_LOAD, .p_vaddr = EXE, .p_filesz = 0x4000, .p_memsz = 0x4000},
			{.p_type = PT_DYNAMIC, .p_vaddr = EXE_DYNAMIC}}};
	Elf64_Dyn dynamic[] = {{DT_NEEDED, {1}}, {DT_DEBUG, {R_DEBUG}}, {DT_NULL, {0}}};
	Elf64_auxv_t auxv[] = {{AT_PHDR, {EXE + sizeof(Elf64_Ehdr)}},
			       {AT_PHNUM, {3}},
			       {AT_PHENT, {sizeof(Elf64_Phdr)}},
			       {AT_ENTRY, {EXE + 0x1000}},
			       {AT_EXECFN, {EXECFN}}};
	char page[FAKE_PAGE] = {0};
	strcpy(names + (EXECFN - NAMES), "/no/such/program");
	entries[0] = (struct link_map_entry){.name = NAMES + 0xfff, .next = entry_addr(1)};
	entries[1] = (struct link_map_entry){
		.addr = FAKE_CODE_BASE, .name = NAMES, .next = entry_addr(2)};
	strcpy(names, fake_code_file());
	entries[2] = (struct link_map_entry){.addr = 0x10000000, .name = NAMES + 0x400};
	strcpy(names + 0x400, other);
	if (num < 3)
		entries[num - 1].next = 0;
	core->no_file_note = true;
	fake_auxv(core, auxv, 5);
	fake_map(core, fake_code_file(), "", FAKE_CODE_BASE, FAKE_MAP_SILENT);
	fake_map(core, other, "", 0x10000000, FAKE_MAP_SILENT);
	memcpy(page, &exe, sizeof(exe));
	fake_segment(core, EXE, page, FAKE_PAGE, FAKE_PAGE, PF_R | PF_X);
	memset(page, 0, sizeof(page));
	memcpy(page, dynamic, sizeof(dynamic));
	fake_segment(core, EXE_DYNAMIC, page, FAKE_PAGE, FAKE_PAGE, PF_R | PF_W);
}

static void finish_program(void)
{
	char page[FAKE_PAGE] = {0};
	uint64_t debug[2] = {1, LINK_MAP};
	memcpy(page, debug, sizeof(debug));
	memcpy(page + (LINK_MAP - R_DEBUG), entries, sizeof(entries));
	fake_segment(core, R_DEBUG, page, FAKE_PAGE, FAKE_PAGE, PF_R | PF_W);
	fake_segment(core, NAMES, names, FAKE_PAGE, FAKE_PAGE, PF_R | PF_W);
	fake_world_open_image(&world);
	expect_sound();
}

START_TEST(link_map)
{
	make_program(3);
	finish_program();
	ck_assert_uint_eq(modules->list.num, 3);
	const struct module *program = module_at(EXE);
	ck_assert(program->main_program);
	ck_assert_str_eq(program->info.path, "/no/such/program");
	const struct module *library = module_at(fake_code("framed"));
	ck_assert_str_eq(library->info.file, fake_code_file());
	ck_assert(library->info.verified);
	ck_assert_uint_eq(library->bias, FAKE_CODE_BASE);
	ck_assert_ptr_eq(module_at(fake_code("bss")), library);
	ck_assert_str_eq(module_at(0x10000000)->info.path, other);
}
END_TEST

static int num_open_files(void)
{
	int num = 0;
	for (int fd = 0; fd < 1024; fd++)
		num += fcntl(fd, F_GETFD) >= 0;
	return num;
}

/* _i: which object points back to which. */
START_TEST(link_map_loops)
{
	make_program(3);
	entries[_i].next = entry_addr(_i == 2 ? 1 : _i);
	int before = num_open_files();
	finish_program();
	ck_assert_uint_ge(modules->list.num, _i == 0 ? 1 : 2);
	ck_assert_uint_le(modules->list.num, 3);
	fake_world_expect_gap(&world, "no-link-map", false);
	ck_assert_int_lt(num_open_files(), before + 8);
}
END_TEST

START_TEST(link_map_breaks_off)
{
	static const uint64_t next[] = {1, 0x404000, UINT64_MAX, EXE_DYNAMIC + FAKE_PAGE - 8};
	make_program(3);
	entries[1].next = next[_i];
	finish_program();
	ck_assert_uint_eq(modules->list.num, 2);
	fake_world_expect_gap(&world, "no-link-map", false);
}
END_TEST

START_TEST(link_map_with_hostile_names)
{
	make_program(3);
	entries[2].next = entry_addr(3);
	entries[3] = (struct link_map_entry){0x20000000, UINT64_MAX, 0, entry_addr(4), 0};
	entries[4] = (struct link_map_entry){0x30000000, 0, 0, entry_addr(5), 0};
	entries[5] = (struct link_map_entry){0x40000000, NAMES + 0x800, 0, entry_addr(6), 0};
	memset(names + 0x800, '/', 0x700);
	entries[6] = (struct link_map_entry){UINT64_MAX, NAMES + 0x400, 0, 0, 0};
	finish_program();
	ck_assert_str_eq(module_at(fake_code("framed"))->info.file, fake_code_file());
	ck_assert_str_eq(module_at(0x10000000)->info.path, other);
}
END_TEST

/* Nothing to start from: said, and no module but the program itself. */
START_TEST(no_link_map_at_all)
{
	core->no_file_note = true;
	fake_code_map(core);
	fake_world_open_image(&world);
	ck_assert_uint_eq(modules->list.num, 0);
	fake_world_expect_gap(&world, "no-mappings", false);
	fake_world_expect_gap(&world, "no-link-map", true);
	ck_assert_int_eq(modules_find(modules, FAKE_CODE_BASE), -1);
}
END_TEST

static void add_main_tests(TCase *tests)
{
	tcase_add_test(tests, main_program_by_entry);
	tcase_add_test(tests, given_executable);
	tcase_add_test(tests, given_executable_mismatches);
	tcase_add_test(tests, given_executable_is_missing);
	tcase_add_test(tests, given_executable_unverifiable);
	tcase_add_test(tests, link_map);
	tcase_add_loop_test(tests, link_map_loops, 0, 3);
	tcase_add_loop_test(tests, link_map_breaks_off, 0, 4);
	tcase_add_test(tests, link_map_with_hostile_names);
	tcase_add_test(tests, no_link_map_at_all);
}

Suite *modules_suite(void)
{
	Suite *suite = suite_create("modules");
	TCase *tests = tcase_create("modules");
	tcase_add_unchecked_fixture(tests, setup_files, teardown_files);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, two_libraries);
	tcase_add_test(tests, data_files_are_no_modules);
	tcase_add_test(tests, the_same_library_twice);
	tcase_add_test(tests, overlapping_libraries);
	tcase_add_test(tests, deleted);
	tcase_add_test(tests, replaced_file_is_refused);
	tcase_add_test(tests, missing_file);
	tcase_add_test(tests, found_by_build_id);
	tcase_add_test(tests, unverifiable);
	tcase_add_test(tests, unverifiable_but_impossible);
	tcase_add_loop_test(tests, go_build_id, 0, 4);
	tcase_add_test(tests, go_build_id_beside_gnus);
	tcase_add_test(tests, without_build_ids);
	tcase_add_test(tests, file_without_build_id_is_refused);
	tcase_add_test(tests, sysroot);
	tcase_add_test(tests, hostile_mappings);
	tcase_add_loop_test(tests, lying_headers, 0, 8);
	tcase_add_test(tests, vdso);
	tcase_add_loop_test(tests, bad_vdso, 0, 5);
	add_main_tests(tests);
	suite_add_tcase(suite, tests);
	return suite;
}
