#include "fake_world.h"

#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <unistd.h>

Suite *notes_suite(void);

static struct fake_world world;
static struct fake_core *core;
static struct notes *notes;

static void setup(void)
{
	fake_world_init(&world);
	core = &world.core;
	notes = &world.notes;
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static void add_thread(int32_t tid)
{
	fake_running_thread(core, tid, 0x1000u + (uint32_t)tid, 0x7000, 0x8000);
}

static void expect_tids(size_t num, const int64_t *tids)
{
	ck_assert_uint_eq(notes->threads.num, num);
	for (size_t i = 0; i < num; i++)
		ck_assert_int_eq(notes->threads.items[i].tid, tids[i]);
}

#define EXPECT_TIDS(...)                                                                           \
	expect_tids(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

START_TEST(kernel_order)
{
	struct user_regs_struct regs = {.r15 = 1,
					.rbp = 2,
					.rbx = 3,
					.rax = (uint64_t)-512,
					.orig_rax = 202,
					.rip = 6,
					.rsp = 7,
					.fs_base = 8,
					.rdi = 9};
	Elf64_auxv_t auxv[] = {
		{AT_PHDR, {0x400040}}, {AT_ENTRY, {0x401000}}, {AT_NULL, {0}}, {AT_BASE, {1}}};
	fake_thread(core, 4712, SIGABRT, &regs);
	fake_prpsinfo(core, 4711, "worker");
	fake_siginfo(core, SIGABRT);
	fake_auxv(core, auxv, 4);
	fake_mapping(core, 0x400000, 0x401000, 0, "/bin/worker");
	fake_mapping(core, 0x401000, 0x404000, 1, "/bin/worker");
	fake_file_note(core);
	fake_fpregs(core);
	fake_thread(core, 4711, SIGABRT, &regs);
	fake_fpregs(core);
	fake_world_open_notes(&world);
	fake_world_expect_no_gaps(&world);
	EXPECT_TIDS(4712, 4711);
	ck_assert_mem_eq(&notes->threads.items[0].regs, &regs, sizeof(regs));
	ck_assert_int_eq(notes->threads.items[0].signal, SIGABRT);
	ck_assert_int_eq(notes->pid, 4711);
	ck_assert_str_eq(notes->command, "worker");
	ck_assert_int_eq(notes->signal, SIGABRT);
	ck_assert_str_eq(notes->dumper, "kernel");
	ck_assert(notes->has_mappings);
	ck_assert_uint_eq(notes->mappings.num, 2);
	ck_assert_uint_eq(notes->mappings.items[1].range.low, 0x401000);
	ck_assert_uint_eq(notes->mappings.items[1].range.high, 0x404000);
	ck_assert_uint_eq(notes->mappings.items[1].file_off, FAKE_PAGE);
	ck_assert_str_eq(notes->mappings.items[1].path, "/bin/worker");
	ck_assert_uint_eq(notes_auxv(notes, AT_PHDR), 0x400040);
	ck_assert_uint_eq(notes_auxv(notes, AT_ENTRY), 0x401000);
	/* Behind AT_NULL, or absent. */
	ck_assert_uint_eq(notes_auxv(notes, AT_BASE), 0);
	ck_assert_uint_eq(notes_auxv(notes, AT_SYSINFO_EHDR), 0);
	struct user_fpregs_struct fpregs = {0};
	for (int i = 0; i < 2; i++) {
		uint64_t off = notes->threads.items[i].fpregs_off;
		ck_assert_uint_ne(off, 0);
		ck_assert_uint_eq(dump_pread(&world.dump, off, &fpregs, sizeof(fpregs)), 512);
		ck_assert_uint_eq(fpregs.cwd, 0x37f);
	}
	ck_assert_uint_ne(notes->threads.items[0].fpregs_off, notes->threads.items[1].fpregs_off);
}
END_TEST

/* GDB's gcore: NT_PRPSINFO first, NT_SIGINFO for each thread, page size 1, its own note. */
START_TEST(gcore_order)
{
	struct user_regs_struct regs = {.orig_rax = UINT64_MAX};
	core->file_page_size = 1;
	fake_prpsinfo(core, 4711, "worker");
	fake_thread(core, 4712, SIGTRAP, &regs);
	fake_fpregs(core);
	fake_siginfo(core, SIGTRAP);
	fake_thread(core, 4711, SIGTRAP, &regs);
	fake_fpregs(core);
	fake_siginfo(core, SIGTRAP);
	fake_mapping(core, 0x401000, 0x404000, 0x1000, "/bin/worker");
	fake_file_note(core);
	fake_note(core, "GDB", 0xff000000, "<target/>", 9);
	fake_world_open_notes(&world);
	fake_world_expect_no_gaps(&world);
	EXPECT_TIDS(4712, 4711);
	ck_assert_str_eq(notes->dumper, "gcore");
	ck_assert_uint_eq(notes->mappings.items[0].file_off, 0x1000);
	/* Nothing killed it: the signals are GDB's own. */
	ck_assert_int_eq(notes->signal, 0);
}
END_TEST

START_TEST(gcore_of_a_crash)
{
	struct user_regs_struct regs = {.orig_rax = UINT64_MAX};
	fake_prpsinfo(core, 4711, "worker");
	fake_thread(core, 4712, SIGSEGV, &regs);
	fake_siginfo(core, SIGSEGV);
	fake_note(core, "GDB", 0xff000000, "<target/>", 9);
	fake_world_open_notes(&world);
	ck_assert_int_eq(notes->signal, SIGSEGV);
}
END_TEST

/* The signal's own note says more than the threads' notes; the first one counts. */
START_TEST(siginfo_comes_first)
{
	struct user_regs_struct regs = {.orig_rax = UINT64_MAX};
	fake_thread(core, 1, 0, &regs);
	fake_siginfo(core, SIGFPE);
	fake_siginfo(core, SIGBUS);
	fake_thread(core, 2, SIGILL, &regs);
	fake_world_open_notes(&world);
	ck_assert_int_eq(notes->signal, SIGFPE);
}
END_TEST

START_TEST(no_notes_at_all)
{
	fake_segment(core, 0x10000, NULL, 0, FAKE_PAGE, PF_R);
	fake_world_open_notes(&world);
	ck_assert_uint_eq(notes->threads.num, 0);
	ck_assert(!notes->has_mappings);
	ck_assert_int_eq(notes->pid, 0);
	ck_assert_ptr_null(notes->command);
	ck_assert_ptr_null(notes->dumper);
	ck_assert_int_eq(notes->signal, 0);
}
END_TEST

START_TEST(signal_of_the_first_thread_without_siginfo)
{
	struct user_regs_struct regs = {.orig_rax = UINT64_MAX};
	fake_thread(core, 1, SIGBUS, &regs);
	fake_thread(core, 2, SIGBUS, &regs);
	fake_world_open_notes(&world);
	ck_assert_int_eq(notes->signal, SIGBUS);
}
END_TEST

/* Linux arch/arm64: 392 bytes, x0 to x30, sp, pc, pstate from byte 112 on. */
START_TEST(registers_of_arm64)
{
	unsigned char status[392] = {0};
	const uint64_t fp = 0x7f10, lr = 0x1004, sp = 0x7f00, pc = 0x1000;
	core->is_arm64 = true;
	memcpy(status + 12, &(int16_t){SIGSEGV}, 2);
	memcpy(status + 32, &(int32_t){77}, 4);
	memcpy(status + 112 + 29 * 8, (const uint64_t[]){fp, lr, sp, pc}, 32);
	fake_note(core, "CORE", NT_PRSTATUS, status, sizeof(status));
	fake_note(core, "CORE", NT_PRSTATUS, status, sizeof(struct elf_prstatus));
	fake_world_open_notes(&world);
	EXPECT_TIDS(77);
	const struct note_thread *thread = &notes->threads.items[0];
	ck_assert_int_eq(thread->signal, SIGSEGV);
	ck_assert_uint_eq(thread->regs.rbp, fp);
	ck_assert_uint_eq(thread->lr, lr);
	ck_assert_uint_eq(thread->regs.rsp, sp);
	ck_assert_uint_eq(thread->regs.rip, pc);
	/* No system call, whose number would mean another one here. */
	ck_assert_uint_eq(thread->regs.orig_rax, UINT64_MAX);
	/* That of x86-64 is damage. */
	ck_assert(gaps_has(&world.gaps, "notes-damaged"));
	/* Without NT_SIGINFO neither the kernel nor GDB wrote it. */
	ck_assert_ptr_null(notes->dumper);
}
END_TEST

/* Types count only together with their name. */
START_TEST(names_must_match)
{
	struct elf_prstatus status = {.pr_pid = 66};
	struct elf_prpsinfo info = {.pr_pid = 66, .pr_fname = "wrong"};
	fake_note(core, "LINUX", NT_PRSTATUS, &status, sizeof(status));
	fake_note(core, "CORF", NT_PRSTATUS, &status, sizeof(status));
	fake_note(core, "COREX", NT_PRSTATUS, &status, sizeof(status));
	fake_note(core, "", NT_PRSTATUS, &status, sizeof(status));
	fake_note(core, "FreeBSD", NT_PRPSINFO, &info, sizeof(info));
	fake_note(core, "LINUX", NT_FILE, "junk", 4);
	fake_note(core, "CORE", 0x7777, &status, sizeof(status));
	fake_note(core, "CORE", 0xff000000, "<target/>", 9);
	add_thread(1);
	fake_world_open_notes(&world);
	EXPECT_TIDS(1);
	ck_assert_int_eq(notes->pid, 0);
	ck_assert(!notes->has_mappings);
	ck_assert_ptr_null(notes->dumper);
}
END_TEST

static void add_raw_note(uint32_t name_size, uint32_t desc_size, uint32_t type, const void *rest,
			 size_t size)
{
	Elf64_Nhdr header = {name_size, desc_size, type};
	fake_note_bytes(core, &header, sizeof(header));
	fake_note_bytes(core, rest, size);
}

START_TEST(name_without_nul)
{
	struct elf_prstatus status = {.pr_pid = 7};
	add_raw_note(4, sizeof(status), NT_PRSTATUS, "CORE", 4);
	fake_note_bytes(core, &status, sizeof(status));
	add_thread(8);
	fake_world_open_notes(&world);
	/* The thread may count or not, but what follows must be read. */
	ck_assert_uint_ge(notes->threads.num, 1);
	ck_assert_int_eq(notes->threads.items[notes->threads.num - 1].tid, 8);
}
END_TEST

static void expect_damaged(void)
{
	add_thread(1);
	fake_world_open_notes(&world);
	ck_assert(gaps_incomplete(&world.gaps));
	ck_assert_uint_ge(notes->threads.num, 1);
	ck_assert_int_eq(notes->threads.items[0].tid, 5);
}

START_TEST(huge_description)
{
	add_thread(5);
	add_raw_note(5, UINT32_MAX, NT_PRSTATUS, "CORE\0\0\0\0", 8);
	expect_damaged();
}
END_TEST

/* The file has all that the note claims, and costs its maker nothing: a hole. _i: words more
 * than may be. */
START_TEST(a_note_of_a_size_that_none_has)
{
	enum { ALLOWED = 256 };
	uint32_t size = ((uint32_t)ALLOWED << 20) + (uint32_t)_i * 4;
	core->notes_last = true;
	add_thread(5);
	add_raw_note(5, size, NT_FILE, "CORE\0\0\0\0", 8);
	const char *path = fake_path(core);
	ck_assert_int_eq(truncate(path, (off_t)(core->file.size + size)), 0);
	uint64_t whole = core->notes[0].size + size;
	int fd = open(path, O_RDWR);
	ck_assert_int_eq(pwrite(fd, &whole, sizeof(whole),
				sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz)),
			 sizeof(whole));
	close(fd);
	world.arena.max_size = (uint64_t)300 << 20;
	fake_world_open_dump_at(&world, path);
	notes_build(&world.notes, &world.arena, &world.gaps, &world.dump);
	ck_assert_uint_eq(notes->threads.num, 1);
	ck_assert_uint_eq(notes->mappings.num, 0);
	/* Of a size that is allowed it is a list of no files, with pages of no bytes. */
	bool allowed = size <= (uint32_t)ALLOWED << 20;
	fake_world_expect_gap(&world, "notes-damaged", true);
	ck_assert_int_eq(strstr(world.gaps.list.items[0].detail, "limit is 256 MiB") == NULL,
			 allowed);
	ck_assert(notes->has_mappings == allowed);
}
END_TEST

START_TEST(huge_name)
{
	add_thread(5);
	add_raw_note(UINT32_MAX, 16, NT_PRSTATUS, "CORE\0\0\0\0", 8);
	expect_damaged();
}
END_TEST

START_TEST(sizes_that_wrap_in_32_bits)
{
	add_thread(5);
	add_raw_note(UINT32_MAX - 2, UINT32_MAX - 2, NT_PRSTATUS, "CORE\0\0\0\0", 8);
	expect_damaged();
}
END_TEST

START_TEST(description_one_byte_too_long)
{
	add_thread(5);
	add_raw_note(5, 9, NT_SIGINFO, "CORE\0\0\0\0abcdefgh", 16);
	fake_world_open_notes(&world);
	EXPECT_TIDS(5);
	ck_assert(gaps_incomplete(&world.gaps));
}
END_TEST

START_TEST(long_names_are_skipped)
{
	char name[5000];
	memset(name, 'C', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fake_note(core, name, NT_PRSTATUS, "x", 1);
	memcpy(name, "CORE", 4);
	fake_note(core, name, NT_PRSTATUS, "x", 1);
	add_thread(1);
	fake_world_open_notes(&world);
	EXPECT_TIDS(1);
	fake_world_expect_no_gaps(&world);
}
END_TEST

START_TEST(eight_byte_alignment)
{
	core->notes_align = 8;
	fake_note(core, "GNU", 5, "12345", 5);
	add_thread(1);
	fake_prpsinfo(core, 9, "nine");
	add_thread(2);
	fake_world_open_notes(&world);
	fake_world_expect_no_gaps(&world);
	EXPECT_TIDS(1, 2);
	ck_assert_int_eq(notes->pid, 9);
}
END_TEST

/* Alignments that mean nothing (0, 1, 3, 4096) stand for 4, as readelf has it. */
START_TEST(odd_alignments)
{
	static const uint64_t aligns[] = {0, 1, 3, 4096, UINT64_MAX};
	fake_note(core, "GNU", 5, "12345", 5);
	add_thread(1);
	add_thread(2);
	fake_build(core);
	Elf64_Phdr *header = (void *)(core->file.bytes + sizeof(Elf64_Ehdr));
	header->p_align = aligns[_i];
	fake_world_open_notes(&world);
	EXPECT_TIDS(1, 2);
}
END_TEST

START_TEST(wrong_size_of_registers)
{
	struct elf_prstatus status[2] = {{.pr_pid = 66}};
	add_thread(1);
	fake_note(core, "CORE", NT_PRSTATUS, status, sizeof(*status) - 8);
	fake_note(core, "CORE", NT_PRSTATUS, status, sizeof(*status) + 8);
	fake_note(core, "CORE", NT_PRSTATUS, status, 0);
	add_thread(2);
	fake_world_open_notes(&world);
	EXPECT_TIDS(1, 2);
	fake_world_expect_gap(&world, "notes-damaged", true);
	ck_assert_uint_eq(fake_world_num_gaps(&world, "notes-damaged"), 3);
}
END_TEST

/* The extended state has the upper halves of vector registers only where it is long enough for what
 * its header says: 512 bytes, a header of 64, and 256 for AVX, 1600 more for AVX-512. */
START_TEST(wrong_size_of_vector_registers)
{
	static const struct {
		uint32_t size;
		uint64_t parts;
		bool whole;
	} rows[] = {
		{0, 0, false},	     {8, 0, false},	     {519, 0, false},
		{575, 0, false},     {576, 0, true},	     {576, 3, true},
		{576, 7, false},     {831, 7, false},	     {832, 7, true},
		{832, 0xe7, false},  {2431, 0xe7, false},    {2432, 0xe7, true},
		{2696, 0x2e7, true}, {2696, 0x600e7, false}, {11008, 0x600e7, true},
		{65536, 7, true},    {65540, 7, false},	     {832, UINT64_MAX, false},
	};
	enum { NUM = sizeof(rows) / sizeof(rows[0]) };
	static uint64_t state[65540 / 8 + 1];
	fake_note(core, "LINUX", NT_X86_XSTATE, state, 832);
	for (int32_t i = 0; i < NUM; i++) {
		add_thread(i + 1);
		state[64] = rows[i].parts;
		fake_note(core, "LINUX", NT_X86_XSTATE, state, rows[i].size);
	}
	fake_world_open_notes(&world);
	ck_assert_uint_eq(notes->threads.num, NUM);
	for (uint32_t i = 0; i < NUM; i++)
		ck_assert_msg((notes->threads.items[i].xstate_off != 0) == rows[i].whole &&
				      notes->threads.items[i].xstate_size ==
					      (rows[i].whole ? rows[i].size : 0),
			      "%u bytes for %#llx", rows[i].size,
			      (unsigned long long)rows[i].parts);
}
END_TEST

START_TEST(odd_tids_are_kept)
{
	add_thread(-2);
	add_thread(0);
	add_thread(5);
	add_thread(5);
	add_thread(INT32_MAX);
	add_thread(0);
	fake_world_open_notes(&world);
	EXPECT_TIDS(-2, 0, 5, 5, INT32_MAX, 0);
}
END_TEST

START_TEST(several_segments_of_notes)
{
	add_thread(1);
	fake_note_segment(core);
	fake_prpsinfo(core, 9, "nine");
	/* Damage ends one segment, not the next. */
	add_raw_note(5, UINT32_MAX, NT_PRSTATUS, "CORE\0\0\0\0", 8);
	fake_note_segment(core);
	add_thread(2);
	fake_world_open_notes(&world);
	EXPECT_TIDS(1, 2);
	ck_assert_int_eq(notes->pid, 9);
}
END_TEST

START_TEST(zero_tail_is_a_gap)
{
	static const unsigned char zeros[4096];
	add_thread(1);
	fake_note_bytes(core, zeros, sizeof(zeros));
	fake_world_open_notes(&world);
	EXPECT_TIDS(1);
	ck_assert(gaps_incomplete(&world.gaps));
}
END_TEST

START_TEST(cut_notes)
{
	for (int i = 1; i <= 10; i++)
		add_thread(i);
	fake_build(core);
	size_t end = core->file.size - 3 * (sizeof(struct elf_prstatus) + 20) - 100;
	fake_world_open_dump_at(&world, fake_path_cut(core, end));
	fake_world_open_notes(&world);
	EXPECT_TIDS(1, 2, 3, 4, 5, 6);
	fake_world_expect_gap(&world, "core-truncated", true);
}
END_TEST

START_TEST(cut_anywhere)
{
	fake_prpsinfo(core, 9, "nine");
	add_thread(1);
	fake_mapping(core, 0x1000, 0x2000, 0, "/a");
	fake_mapping(core, 0x3000, 0x4000, 0, "/b");
	fake_file_note(core);
	add_thread(2);
	fake_build(core);
	for (size_t size = 64 + 56; size < core->file.size; size += 7) {
		struct fake_world cut;
		fake_world_init(&cut);
		fake_world_open_dump_at(&cut, fake_path_cut(core, size));
		fake_world_open_notes(&cut);
		ck_assert(gaps_incomplete(&cut.gaps));
		ck_assert_uint_le(cut.notes.threads.num, 1);
		ck_assert_uint_le(cut.notes.mappings.num, 2);
		fake_world_deinit(&cut);
	}
}
END_TEST

START_TEST(notes_out_of_the_file)
{
	add_thread(1);
	fake_build(core);
	Elf64_Phdr *header = (void *)(core->file.bytes + sizeof(Elf64_Ehdr));
	header->p_offset = UINT64_MAX - 10;
	header->p_filesz = 1000;
	fake_world_open_notes(&world);
	ck_assert_uint_eq(notes->threads.num, 0);
	ck_assert(gaps_incomplete(&world.gaps));
}
END_TEST

START_TEST(a_hundred_thousand_threads)
{
	enum { NUM = 100000 };
	for (int32_t i = 0; i < NUM; i++) {
		add_thread(i + 1);
		fake_fpregs(core);
	}
	fake_world_open_notes(&world);
	fake_world_expect_no_gaps(&world);
	ck_assert_uint_eq(notes->threads.num, NUM);
	bool right = true;
	for (uint32_t i = 0; i < NUM; i++) {
		const struct note_thread *thread = &notes->threads.items[i];
		right = right && thread->tid == i + 1 && thread->regs.rip == 0x1001u + i &&
			thread->fpregs_off != 0;
	}
	ck_assert(right);
}
END_TEST

/* ---- NT_FILE ---- */

START_TEST(mappings_are_sorted)
{
	fake_mapping(core, 0x7000, 0x8000, 3, "/c");
	fake_mapping(core, 0x1000, 0x2000, 1, "/a");
	fake_mapping(core, 0x4000, 0x5000, 2, "/b (deleted)");
	fake_world_open_notes(&world);
	ck_assert_uint_eq(notes->mappings.num, 3);
	ck_assert_str_eq(notes->mappings.items[0].path, "/a");
	ck_assert_str_eq(notes->mappings.items[1].path, "/b (deleted)");
	ck_assert_str_eq(notes->mappings.items[2].path, "/c");
	ck_assert_uint_eq(notes->mappings.items[2].file_off, 3 * FAKE_PAGE);
}
END_TEST

static void add_two_mappings(void)
{
	fake_mapping(core, 0x1000, 0x2000, 0, "/a");
	fake_mapping(core, 0x4000, 0x5000, 0, "/b");
	add_thread(1);
	fake_file_note(core);
	add_thread(2);
}

START_TEST(count_too_large)
{
	core->file_count_lie = _i == 0 ? 1 : _i == 1 ? 1000000 : INT64_MAX - 2;
	if (_i == 3)
		core->file_count_lie = (int64_t)(UINT64_MAX / 24 + 3);
	add_two_mappings();
	fake_world_open_notes(&world);
	EXPECT_TIDS(1, 2);
	fake_world_expect_gap(&world, "notes-damaged", true);
	ck_assert_uint_le(notes->mappings.num, 3);
}
END_TEST

START_TEST(bad_file_entries_make_few_gaps)
{
	for (uint64_t i = 0; i < 10000; i++)
		fake_mapping(core, 0x2000 + i, 0x1000, 0, "/a");
	add_thread(1);
	fake_world_open_notes(&world);
	EXPECT_TIDS(1);
	ck_assert_uint_eq(notes->mappings.num, 0);
	fake_world_expect_gap(&world, "notes-damaged", true);
	ck_assert_uint_le(world.gaps.list.num, 10);
}
END_TEST

START_TEST(page_size_zero)
{
	core->file_page_size = 0;
	add_two_mappings();
	fake_world_open_notes(&world);
	fake_world_expect_gap(&world, "notes-damaged", true);
}
END_TEST

START_TEST(page_size_overflows)
{
	core->file_page_size = UINT64_MAX;
	fake_mapping(core, 0x1000, 0x2000, 2, "/a");
	fake_world_open_notes(&world);
	fake_world_expect_gap(&world, "notes-damaged", true);
	ck_assert_uint_eq(notes->mappings.num, 0);
}
END_TEST

START_TEST(name_without_end)
{
	fake_mapping(core, 0x1000, 0x2000, 0, "/a");
	fake_mapping(core, 0x4000, 0x5000, 0, "/b");
	core->names.size--;
	fake_world_open_notes(&world);
	fake_world_expect_gap(&world, "notes-damaged", true);
	ck_assert_uint_eq(notes->mappings.num, 1);
	ck_assert_str_eq(notes->mappings.items[0].path, "/a");
}
END_TEST

START_TEST(file_note_too_short)
{
	add_thread(1);
	fake_note(core, "CORE", NT_FILE, "1234567", 7);
	add_thread(2);
	fake_world_open_notes(&world);
	EXPECT_TIDS(1, 2);
	fake_world_expect_gap(&world, "notes-damaged", true);
	ck_assert(!notes->has_mappings || notes->mappings.num == 0);
}
END_TEST

START_TEST(auxv_of_odd_size)
{
	Elf64_auxv_t auxv[3] = {{AT_PHDR, {1}}, {AT_ENTRY, {2}}, {AT_BASE, {3}}};
	fake_note(core, "CORE", NT_AUXV, auxv, sizeof(auxv) - 5);
	add_thread(1);
	fake_world_open_notes(&world);
	EXPECT_TIDS(1);
	ck_assert_uint_eq(notes_auxv(notes, AT_ENTRY), 2);
	ck_assert_uint_eq(notes_auxv(notes, AT_BASE), 0);
}
END_TEST

START_TEST(command_without_nul)
{
	fake_prpsinfo(core, 1, "0123456789abcdef");
	fake_world_open_notes(&world);
	ck_assert_str_eq(notes->command, "0123456789abcdef");
}
END_TEST

Suite *notes_suite(void)
{
	Suite *suite = suite_create("notes");
	TCase *tests = tcase_create("notes");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, kernel_order);
	tcase_add_test(tests, gcore_order);
	tcase_add_test(tests, gcore_of_a_crash);
	tcase_add_test(tests, siginfo_comes_first);
	tcase_add_test(tests, no_notes_at_all);
	tcase_add_test(tests, signal_of_the_first_thread_without_siginfo);
	tcase_add_test(tests, registers_of_arm64);
	tcase_add_test(tests, names_must_match);
	tcase_add_test(tests, name_without_nul);
	tcase_add_test(tests, huge_description);
	tcase_add_loop_test(tests, a_note_of_a_size_that_none_has, 0, 2);
	tcase_add_test(tests, huge_name);
	tcase_add_test(tests, sizes_that_wrap_in_32_bits);
	tcase_add_test(tests, description_one_byte_too_long);
	tcase_add_test(tests, long_names_are_skipped);
	tcase_add_test(tests, eight_byte_alignment);
	tcase_add_loop_test(tests, odd_alignments, 0, 5);
	tcase_add_test(tests, wrong_size_of_registers);
	tcase_add_test(tests, wrong_size_of_vector_registers);
	tcase_add_test(tests, odd_tids_are_kept);
	tcase_add_test(tests, several_segments_of_notes);
	tcase_add_test(tests, zero_tail_is_a_gap);
	tcase_add_test(tests, cut_notes);
	tcase_add_test(tests, cut_anywhere);
	tcase_add_test(tests, notes_out_of_the_file);
	tcase_add_test(tests, a_hundred_thousand_threads);
	tcase_add_test(tests, mappings_are_sorted);
	tcase_add_loop_test(tests, count_too_large, 0, 4);
	tcase_add_test(tests, bad_file_entries_make_few_gaps);
	tcase_add_test(tests, page_size_zero);
	tcase_add_test(tests, page_size_overflows);
	tcase_add_test(tests, name_without_end);
	tcase_add_test(tests, file_note_too_short);
	tcase_add_test(tests, auxv_of_odd_size);
	tcase_add_test(tests, command_without_nul);
	suite_add_tcase(suite, tests);
	return suite;
}
