#include "core/elf_files.h"
#include "fake_code.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *elf_files_suite(void);

static struct arena arena;
static struct gaps gaps;
static struct elf_files files;
static char *scratch;

static void setup_files(void)
{
	fake_code_setup();
	scratch = fake_scratch_path("");
	scratch[strlen(scratch) - 1] = '\0';
}

static void teardown_files(void)
{
	free(scratch);
	fake_code_teardown();
}

static void setup(void)
{
	arena_init(&arena, 0);
	gaps_init(&gaps, &arena);
}

static void teardown(void)
{
	if (files.arena != NULL)
		elf_files_deinit(&files);
	arena_deinit(&arena);
}

static void init(const char *sysroot, const char *debug_dirs)
{
	elf_files_init(&files, &arena, &gaps, sysroot, debug_dirs);
}

static char *path_of(const char *name)
{
	return arena_format(&arena, "%s/%s", scratch, name);
}

static void expect_refused(const char *path)
{
	const char *problem = NULL;
	ck_assert_msg(elf_files_open(&files, path, &problem) == NULL, "%s", path);
	ck_assert_ptr_nonnull(problem);
	ck_assert_uint_gt(strlen(problem), 3);
}

static struct elf_file *expect_opened(const char *path)
{
	const char *problem = NULL;
	struct elf_file *file = elf_files_open(&files, path, &problem);
	ck_assert_msg(file != NULL, "%s: %s", path, problem);
	return file;
}

static int num_open_files(void)
{
	int num = 0;
	for (int fd = 0; fd < 256; fd++)
		num += fcntl(fd, F_GETFD) >= 0;
	return num;
}

START_TEST(opens_a_library)
{
	init(NULL, NULL);
	int before = num_open_files();
	struct elf_file *file = expect_opened(fake_code_file());
	ck_assert_str_eq(file->path, fake_code_file());
	ck_assert_uint_eq(file->build_id.size, 20);
	ck_assert_uint_eq(strlen(build_id_text(&arena, file->build_id)), 40);
	elf_files_deinit(&files);
	ck_assert_int_eq(num_open_files(), before);
	files.arena = NULL;
}
END_TEST

/* A copy of the library with one byte changed. */
static const char *patched(off_t at, unsigned char byte)
{
	char *path = path_of("patched.so");
	fake_shell("cp '%s' '%s'", fake_code_file(), path);
	int fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	return path;
}

START_TEST(refuses_all_else)
{
	init(NULL, NULL);
	int before = num_open_files();
	char *fifo = path_of("fifo");
	unlink(fifo);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	expect_refused("/no/such/file");
	expect_refused(scratch);
	expect_refused(fifo);
	expect_refused("/dev/zero");
	expect_refused("/dev/null");
	free(fake_scratch_file("empty", "", 0));
	expect_refused(path_of("empty"));
	free(fake_scratch_file("script", "#!/bin/sh\n", 10));
	expect_refused(path_of("script"));
	expect_refused(patched(EI_CLASS, ELFCLASS32));
	expect_refused(patched(EI_DATA, ELFDATA2MSB));
	expect_refused(patched(offsetof(Elf64_Ehdr, e_machine), EM_AARCH64));
	expect_refused(patched(offsetof(Elf64_Ehdr, e_type), ET_CORE));
	expect_refused(patched(offsetof(Elf64_Ehdr, e_type), ET_REL));
	fake_shell("head -c 40 '%s' > '%s/short'", fake_code_file(), scratch);
	expect_refused(path_of("short"));
	fake_shell("cd '%s' && echo '!<arch>' > archive.a && ar rc real.a '%s'", scratch,
		   fake_code_file());
	expect_refused(path_of("archive.a"));
	expect_refused(path_of("real.a"));
	ck_assert_int_eq(num_open_files(), before);
}
END_TEST

/* Any cut of a library opens or does not, and its build-id is right or absent. */
START_TEST(cut_libraries)
{
	const char *problem;
	init(NULL, NULL);
	struct elf_file *whole = expect_opened(fake_code_file());
	for (int size = 64; size < 20000; size += 1237) {
		fake_shell("head -c %d '%s' > '%s/cut.so'", size, fake_code_file(), scratch);
		struct elf_file *cut = elf_files_open(&files, path_of("cut.so"), &problem);
		if (cut != NULL && cut->build_id.size > 0) {
			ck_assert_uint_eq(cut->build_id.size, 20);
			ck_assert_mem_eq(cut->build_id.data, whole->build_id.data, 20);
		}
		if (cut != NULL) {
			elf_files_debug(&files, cut);
			elf_files_mini(&files, cut);
		}
	}
}
END_TEST

START_TEST(target_paths)
{
	const char *problem = NULL;
	char *code = arena_format(&arena, "%s (deleted)", fake_code_file());
	init(NULL, NULL);
	ck_assert_ptr_nonnull(elf_files_open_target(&files, fake_code_file(), &problem));
	struct elf_file *file = elf_files_open_target(&files, code, &problem);
	ck_assert_ptr_nonnull(file);
	ck_assert_str_eq(file->path, fake_code_file());
	static const char *const odd[] = {
		"",	    "lib.so",	  "[vdso]",	 "/",
		"//",	    " (deleted)", "/ (deleted)", "/memfd:x (deleted)",
		"/dev/zero"};
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		problem = NULL;
		ck_assert_ptr_null(elf_files_open_target(&files, odd[i], &problem));
		ck_assert_ptr_nonnull(problem);
	}
}
END_TEST

START_TEST(sysroot)
{
	const char *problem = NULL;
	fake_shell("mkdir -p '%s/root/usr/lib' && cp '%s' '%s/root/usr/lib/libx.so'", scratch,
		   fake_code_file(), scratch);
	init(path_of("root//"), NULL);
	struct elf_file *file = elf_files_open_target(&files, "/usr/lib/libx.so", &problem);
	ck_assert_msg(file != NULL, "%s", problem);
	ck_assert_str_eq(file->path, path_of("root/usr/lib/libx.so"));
	/* Nothing of the host's own gets in. */
	ck_assert_ptr_null(elf_files_open_target(&files, fake_code_file(), &problem));
}
END_TEST

static struct bytes code_build_id(void)
{
	return expect_opened(fake_code_file())->build_id;
}

/* Puts a file where debug_dir wants the library's build-id. */
static void put_by_build_id(const char *dir, const char *suffix, const char *file)
{
	const char *hex = build_id_text(&arena, code_build_id());
	fake_shell("mkdir -p '%s/%s/.build-id/%.2s' && cp '%s' '%s/%s/.build-id/%.2s/%s%s'",
		   scratch, dir, hex, file, scratch, dir, hex, hex + 2, suffix);
}

START_TEST(by_build_id)
{
	init(NULL, arena_format(&arena, "/no/such:%s/byid::%s/second", scratch, scratch));
	struct bytes id = code_build_id();
	ck_assert_ptr_null(elf_files_open_build_id(&files, id));
	put_by_build_id("second", "", fake_code_file());
	struct elf_file *file = elf_files_open_build_id(&files, id);
	ck_assert_ptr_nonnull(file);
	ck_assert_mem_eq(file->build_id.data, id.data, id.size);
	/* Sizes that make no path. */
	ck_assert_ptr_null(elf_files_open_build_id(&files, (struct bytes){id.data, 0}));
	ck_assert_ptr_null(elf_files_open_build_id(&files, (struct bytes){id.data, 1}));
	ck_assert_ptr_null(elf_files_open_build_id(&files, (struct bytes){id.data, 19}));
}
END_TEST

START_TEST(a_lying_name_is_refused)
{
	init(NULL, path_of("lying"));
	free(fake_compile("other.so", "assembler", "nop\n",
			  "-shared -nostdlib -Wl,--build-id=0x123456"));
	put_by_build_id("lying", "", path_of("other.so"));
	put_by_build_id("lying", ".debug", path_of("other.so"));
	ck_assert_ptr_null(elf_files_open_build_id(&files, code_build_id()));
	ck_assert_ptr_null(elf_files_debug(&files, expect_opened(fake_code_file())));
}
END_TEST

START_TEST(debug_file_by_build_id)
{
	fake_shell("objcopy --only-keep-debug '%s' '%s/code.debug'", fake_code_file(), scratch);
	init(NULL, path_of("dbg"));
	put_by_build_id("dbg", ".debug", path_of("code.debug"));
	struct elf_file *file = expect_opened(fake_code_file());
	struct elf_file *debug = elf_files_debug(&files, file);
	ck_assert_ptr_nonnull(debug);
	ck_assert_ptr_ne(debug, file);
	ck_assert_ptr_eq(elf_files_debug(&files, file), debug);
}
END_TEST

/* A library without a build-id and its debug file, linked by name and checksum. */
static char *linked_library(const char *folder)
{
	fake_shell("mkdir -p '%s/%s'", scratch, folder);
	char *name = arena_format(&arena, "%s/lib.so", folder);
	free(fake_compile(name, "c", "int f(void){return 1;}",
			  "-shared -nostdlib -g -Wl,--build-id=none"));
	fake_shell("cd '%s/%s' && objcopy --only-keep-debug lib.so lib.debug && strip -g lib.so && "
		   "objcopy --add-gnu-debuglink=lib.debug lib.so",
		   scratch, folder);
	return path_of(name);
}

START_TEST(debug_file_by_link)
{
	static const char *const places[] = {"lib.debug", ".debug/lib.debug"};
	char *path = linked_library("link");
	init(NULL, path_of("global"));
	for (int i = 0; i < 2; i++) {
		if (i > 0)
			fake_shell("cd '%s/link' && mkdir -p .debug && mv lib.debug .debug/",
				   scratch);
		struct elf_file *debug = elf_files_debug(&files, expect_opened(path));
		ck_assert_msg(debug != NULL, "%s", places[i]);
	}
	fake_shell(
		"cd '%s' && mkdir -p global/$PWD/link && mv link/.debug/lib.debug global/$PWD/link",
		scratch);
	ck_assert_ptr_nonnull(elf_files_debug(&files, expect_opened(path)));
}
END_TEST

START_TEST(debug_link_with_wrong_checksum)
{
	char *path = linked_library("crc");
	init(NULL, "/no/such");
	fake_shell("printf x >> '%s/crc/lib.debug'", scratch);
	ck_assert_ptr_null(elf_files_debug(&files, expect_opened(path)));
}
END_TEST

/* The right file, but not in one of the places where debug files lie. */
START_TEST(debug_link_out_of_its_folder)
{
	char *path = linked_library("stray");
	init(NULL, "/no/such");
	fake_shell(
		"cd '%s/stray' && mkdir -p ../elsewhere && mv lib.debug ../elsewhere && "
		"{ printf '../elsewhere/lib.debug\\0\\0'; "
		"gzip -c < ../elsewhere/lib.debug | tail -c 8 | head -c 4; } > link && "
		"objcopy --remove-section=.gnu_debuglink --add-section=.gnu_debuglink=link lib.so",
		scratch);
	ck_assert_ptr_null(elf_files_debug(&files, expect_opened(path)));
}
END_TEST

/* A library whose debug link names itself: their build-ids are equal, of course. */
START_TEST(debug_link_to_itself)
{
	init(NULL, "/no/such");
	fake_shell("cd '%s' && printf 'self.so\\0abcd' > self.link && "
		   "objcopy --add-section=.gnu_debuglink=self.link libcode.so self.so",
		   scratch);
	ck_assert_ptr_null(elf_files_debug(&files, expect_opened(path_of("self.so"))));
}
END_TEST

/* _i: names that lead elsewhere, to the library itself, or nowhere. */
START_TEST(hostile_debug_links)
{
	static const char *const names[] = {
		"../crc/lib.debug", "/dev/zero", "lib.so", "", ".", "fifo"};
	char *path = linked_library("hostile");
	init(NULL, "/no/such");
	unlink(path_of("hostile/fifo"));
	ck_assert_int_eq(mkfifo(path_of("hostile/fifo"), 0600), 0);
	char link[64] = {0};
	snprintf(link, sizeof(link) - 8, "%s", names[_i]);
	free(fake_scratch_file("hostile/link", link, (strlen(link) / 4 + 1) * 4 + 4));
	fake_shell(
		"cd '%s/hostile' && rm -f lib.debug && "
		"objcopy --remove-section=.gnu_debuglink --add-section=.gnu_debuglink=link lib.so",
		scratch);
	ck_assert_ptr_null(elf_files_debug(&files, expect_opened(path)));
}
END_TEST

static struct elf_file *with_mini(const char *name, const char *make_section)
{
	fake_shell("cd '%s' && { %s; } > section && cp '%s' '%s' && "
		   "objcopy --add-section=.gnu_debugdata=section '%s'",
		   scratch, make_section, fake_code_file(), name, name);
	return expect_opened(path_of(name));
}

START_TEST(mini_debuginfo)
{
	init(NULL, NULL);
	struct elf_file *file =
		with_mini("mini.so", "objcopy --only-keep-debug libcode.so mini && xz -c mini");
	struct elf_file *mini = elf_files_mini(&files, file);
	ck_assert_ptr_nonnull(mini);
	ck_assert_int_eq(mini->fd, -1);
	ck_assert_ptr_eq(elf_files_mini(&files, file), mini);
	ck_assert_uint_eq(gaps.list.num, 0);
	ck_assert_ptr_null(elf_files_mini(&files, expect_opened(fake_code_file())));
	ck_assert_uint_eq(gaps.list.num, 0);
}
END_TEST

START_TEST(damaged_mini_debuginfo)
{
	static const char *const sections[] = {
		"echo this is no xz data",
		"objcopy --only-keep-debug libcode.so mini && xz -c mini | head -c 300",
		"echo no ELF file | xz -c",
		"head -c 16777216 /dev/zero | xz -0 -c > 16M; for i in 1 2 3 4 5 6 7 8 9 10 11 12; "
		"do "
		"cat 16M 16M 16M; done",
		"printf ''",
	};
	init(NULL, NULL);
	ck_assert_ptr_null(elf_files_mini(&files, with_mini("bad.so", sections[_i])));
	if (_i < 4)
		ck_assert_uint_gt(gaps.list.num, 0);
	ck_assert(!gaps_incomplete(&gaps));
	/* The bomb was stopped. */
	ck_assert_uint_lt(arena.used_size, (uint64_t)600 << 20);
}
END_TEST

START_TEST(memory_files)
{
	char bytes[4096] = "\177ELF";
	init(NULL, NULL);
	ck_assert_ptr_null(elf_files_open_memory(&files, "x", bytes, 0));
	ck_assert_ptr_null(elf_files_open_memory(&files, "x", bytes, 4));
	ck_assert_ptr_null(elf_files_open_memory(&files, "x", bytes, sizeof(bytes)));
	FILE *stream = fopen(fake_code_file(), "re");
	char *whole = malloc(100000);
	size_t size = fread(whole, 1, 100000, stream);
	fclose(stream);
	struct elf_file *file = elf_files_open_memory(&files, "[vdso]", whole, size);
	ck_assert_ptr_nonnull(file);
	ck_assert_str_eq(file->path, "[vdso]");
	ck_assert_int_eq(file->fd, -1);
	ck_assert_uint_eq(file->build_id.size, 20);
	/* There is no separate file of something in memory, and no crash. */
	elf_files_mini(&files, file);
	elf_files_debug(&files, file);
	elf_files_deinit(&files);
	files.arena = NULL;
	free(whole);
}
END_TEST

/* Memory runs out amid opening: the trap finds no file left open. */
START_TEST(out_of_memory)
{
	jmp_buf trap;
	init(NULL, NULL);
	const char *problem;
	int before = num_open_files();
	arena.max_size = arena.used_size;
	arena.next = arena.end;
	arena.trap = &trap;
	if (setjmp(trap) == 0) {
		elf_files_open(&files, fake_code_file(), &problem);
		ck_abort_msg("it did not run out of memory");
	}
	elf_files_deinit(&files);
	files.arena = NULL;
	ck_assert_int_eq(num_open_files(), before);
}
END_TEST

/* ---- Build-ids ---- */

static struct fake_buffer note_bytes;

static void add_note(uint32_t name_size, uint32_t desc_size, uint32_t type, const char *name,
		     size_t name_bytes, size_t desc_bytes)
{
	static unsigned char space[200000];
	Elf64_Nhdr header = {name_size, desc_size, type};
	if (note_bytes.bytes == NULL)
		note_bytes.bytes = space;
	memcpy(space + note_bytes.size, &header, sizeof(header));
	memcpy(space + note_bytes.size + sizeof(header), name, name_bytes);
	memset(space + note_bytes.size + sizeof(header) + name_bytes, 0xab, desc_bytes);
	note_bytes.size += sizeof(header) + name_bytes + desc_bytes;
}

static size_t found_size(void)
{
	struct bytes id = build_id_from_notes(note_bytes.bytes, note_bytes.size);
	if (id.size > 0) {
		ck_assert(id.data >= note_bytes.bytes);
		ck_assert_uint_le((size_t)(id.data - note_bytes.bytes) + id.size, note_bytes.size);
		ck_assert_uint_eq(id.data[0], 0xab);
		ck_assert_uint_eq(id.data[id.size - 1], 0xab);
	}
	note_bytes.size = 0;
	return id.size;
}

START_TEST(build_id_notes)
{
	ck_assert_uint_eq(found_size(), 0);
	add_note(4, 20, NT_GNU_BUILD_ID, "GNU", 4, 20);
	ck_assert_uint_eq(found_size(), 20);
	add_note(4, 16, NT_GNU_ABI_TAG, "GNU", 4, 16);
	add_note(5, 3, NT_GNU_BUILD_ID, "Xen\0\0\0\0", 8, 4);
	add_note(0, 5, NT_GNU_BUILD_ID, "", 0, 8);
	add_note(4, 8, NT_GNU_BUILD_ID, "GNU", 4, 8);
	ck_assert_uint_eq(found_size(), 8);
	add_note(4, 0, NT_GNU_BUILD_ID, "GNU", 4, 0);
	ck_assert_uint_eq(found_size(), 0);
	add_note(4, 1, NT_GNU_BUILD_ID, "GNU", 4, 4);
	ck_assert_uint_le(found_size(), 1);
	add_note(4, 65536, NT_GNU_BUILD_ID, "GNU", 4, 65536);
	ck_assert_uint_le(found_size(), 65536);
	/* Longer than what is there. */
	add_note(4, 21, NT_GNU_BUILD_ID, "GNU", 4, 20);
	ck_assert_uint_eq(found_size(), 0);
	add_note(4, UINT32_MAX, NT_GNU_BUILD_ID, "GNU", 4, 20);
	ck_assert_uint_eq(found_size(), 0);
	add_note(UINT32_MAX, UINT32_MAX, 7, "GNU", 4, 20);
	add_note(4, 20, NT_GNU_BUILD_ID, "GNU", 4, 20);
	ck_assert_uint_eq(found_size(), 0);
	add_note(4, 20, NT_GNU_BUILD_ID, "GNV", 4, 20);
	ck_assert_uint_eq(found_size(), 0);
}
END_TEST

static size_t found_go_size(void)
{
	struct bytes id = go_build_id_from_notes(note_bytes.bytes, note_bytes.size);
	note_bytes.size = 0;
	return id.size;
}

START_TEST(go_build_id_notes)
{
	add_note(4, 83, 4, "Go\0", 4, 84);
	ck_assert_uint_eq(found_go_size(), 83);
	add_note(4, 20, NT_GNU_BUILD_ID, "GNU", 4, 20);
	add_note(4, 40, 4, "Go\0", 4, 40);
	ck_assert_uint_eq(found_go_size(), 40);
	/* Another type, another owner, too long, longer than what is there. */
	add_note(4, 20, NT_GNU_BUILD_ID, "Go\0", 4, 20);
	add_note(4, 20, 4, "GNU", 4, 20);
	ck_assert_uint_eq(found_go_size(), 0);
	add_note(4, 257, 4, "Go\0", 4, 260);
	ck_assert_uint_eq(found_go_size(), 0);
	add_note(4, 41, 4, "Go\0", 4, 40);
	ck_assert_uint_eq(found_go_size(), 0);
}
END_TEST

START_TEST(build_id_as_text)
{
	const unsigned char id[] = {0x00, 0x0f, 0xab, 0xff};
	ck_assert_str_eq(build_id_text(&arena, (struct bytes){id, 4}), "000fabff");
	ck_assert_str_eq(build_id_text(&arena, (struct bytes){id, 0}), "");
}
END_TEST

Suite *elf_files_suite(void)
{
	Suite *suite = suite_create("elf_files");
	TCase *tests = tcase_create("elf_files");
	tcase_add_unchecked_fixture(tests, setup_files, teardown_files);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, opens_a_library);
	tcase_add_test(tests, refuses_all_else);
	tcase_add_test(tests, cut_libraries);
	tcase_add_test(tests, target_paths);
	tcase_add_test(tests, sysroot);
	tcase_add_test(tests, by_build_id);
	tcase_add_test(tests, a_lying_name_is_refused);
	tcase_add_test(tests, debug_file_by_build_id);
	tcase_add_test(tests, debug_file_by_link);
	tcase_add_test(tests, debug_link_with_wrong_checksum);
	tcase_add_test(tests, debug_link_out_of_its_folder);
	tcase_add_test(tests, debug_link_to_itself);
	tcase_add_loop_test(tests, hostile_debug_links, 0, 6);
	tcase_add_test(tests, mini_debuginfo);
	tcase_add_loop_test(tests, damaged_mini_debuginfo, 0, 5);
	tcase_add_test(tests, memory_files);
	tcase_add_test(tests, out_of_memory);
	tcase_add_test(tests, build_id_notes);
	tcase_add_test(tests, go_build_id_notes);
	tcase_add_test(tests, build_id_as_text);
	suite_add_tcase(suite, tests);
	return suite;
}
