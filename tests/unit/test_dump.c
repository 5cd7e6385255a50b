#include "fake_world.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *dump_suite(void);

static struct fake_world world;
static unsigned char pattern[4 * FAKE_PAGE];

static void setup(void)
{
	fake_world_init(&world);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i * 7 + i / 256 + 1);
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

/* Opening must fail with this code and, in one line, a message that has both words. */
static void expect_error(const char *path, enum coreleaks_error_code code, const char *word)
{
	struct coreleaks_error *error = fake_world_try_dump(&world, path);
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(error->code == code, "code %d: %s", error->code, error->message);
	ck_assert_msg(strstr(error->message, path) != NULL, "no path: %s", error->message);
	ck_assert_msg(strstr(error->message, word) != NULL, "no \"%s\": %s", word, error->message);
	ck_assert_ptr_null(strchr(error->message, '\n'));
	coreleaks_error_free(error);
}

START_TEST(sound_core)
{
	fake_running_thread(&world.core, 1, 0x1000, 0x7000, 0);
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R | PF_X);
	fake_segment(&world.core, 0x20000, pattern, FAKE_PAGE, 3 * FAKE_PAGE, PF_R | PF_W);
	fake_world_open_dump(&world);
	fake_world_expect_no_gaps(&world);
	ck_assert_uint_eq(world.dump.size, world.core.file.size);
	ck_assert_uint_eq(world.dump.missing_size, 0);
	ck_assert_uint_eq(world.dump.notes.num, 1);
	ck_assert_uint_eq(world.dump.segments.num, 2);
	const struct segment *segment = &world.dump.segments.items[1];
	ck_assert_uint_eq(segment->range.low, 0x20000);
	ck_assert_uint_eq(segment->range.high, 0x23000);
	ck_assert_uint_eq(segment->dumped_size, FAKE_PAGE);
	ck_assert_uint_eq(segment->file_size, FAKE_PAGE);
	ck_assert_uint_eq(segment->flags, PF_R | PF_W);
	ck_assert_int_gt(world.dump.captured_at, 1500000000);
}
END_TEST

/* A core_pattern pipe, or a redirected file: "-". */
START_TEST(standard_input)
{
	unsigned char byte;
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	ck_assert_int_ge(dup2(open(fake_path(&world.core), O_RDONLY), STDIN_FILENO), 0);
	fake_world_open_dump_at(&world, "-");
	ck_assert_int_eq(world.dump.captured_at, INT64_MIN);
	ck_assert_str_eq(world.dump.path, "-");
	ck_assert_uint_eq(dump_read(&world.dump, 0x10000, &byte, 1), 1);
	ck_assert_uint_eq(byte, pattern[0]);
	dump_deinit(&world.dump);
	/* The caller's standard input stays open. */
	ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
}
END_TEST

/* What counts is when the dump was written, not when it was unpacked. */
START_TEST(packed_core_keeps_its_time)
{
	char *path = fake_scratch_path("packed");
	struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1234567890}};
	fake_shell("gzip -c < '%s' > '%s'", fake_path(&world.core), path);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	fake_world_open_dump_at(&world, path);
	ck_assert_int_eq(world.dump.captured_at, 1234567890);
	ck_assert_uint_eq(world.dump.size, world.core.file.size);
	free(path);
}
END_TEST

START_TEST(not_a_core)
{
	struct fake_core *core = &world.core;
	static const char script[] = "#!/bin/sh\nexit 0\n";
	expect_error("/no/such/core", CORELEAKS_ERROR_OPEN, "No such file");
	expect_error("/tmp", CORELEAKS_ERROR_NOT_A_CORE, "directory");
	expect_error("/dev/null", CORELEAKS_ERROR_NOT_A_CORE, "device");
	expect_error(fake_bytes_path(core, "", 0), CORELEAKS_ERROR_NOT_A_CORE, "empty");
	expect_error(fake_bytes_path(core, script, sizeof(script)), CORELEAKS_ERROR_NOT_A_CORE,
		     "not a core");
	expect_error(fake_bytes_path(core, "\177ELF", 4), CORELEAKS_ERROR_NOT_A_CORE, "");
	expect_error(fake_bytes_path(core, "\177ELF\2\1\1", 7), CORELEAKS_ERROR_NOT_A_CORE, "");
}
END_TEST

START_TEST(fifo_does_not_hang)
{
	char *path = fake_scratch_path("fifo");
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_error(path, CORELEAKS_ERROR_NOT_A_CORE, "FIFO");
	free(path);
}
END_TEST

/* Patches the ELF header of a sound core; size bytes of it are written. */
static const char *patched(size_t at, const void *bytes, size_t size, size_t file_size)
{
	struct fake_core *core = &world.core;
	fake_core_deinit(core);
	fake_core_init(core);
	fake_segment(core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_build(core);
	memcpy(core->file.bytes + at, bytes, size);
	return fake_path_cut(core, file_size != 0 ? file_size : core->file.size);
}

#define PATCHED(field, value)                                                                      \
	patched(offsetof(Elf64_Ehdr, field), &(uint16_t){value}, sizeof(uint16_t), 0)

START_TEST(foreign_cores)
{
	expect_error(patched(EI_CLASS, "\1", 1, 0), CORELEAKS_ERROR_UNSUPPORTED, "32-bit");
	expect_error(patched(EI_DATA, "\2", 1, 0), CORELEAKS_ERROR_UNSUPPORTED, "big-endian");
	expect_error(PATCHED(e_machine, EM_RISCV), CORELEAKS_ERROR_UNSUPPORTED, "RISC-V");
	expect_error(PATCHED(e_machine, 0xbeef), CORELEAKS_ERROR_UNSUPPORTED, "48879");
	expect_error(PATCHED(e_type, ET_EXEC), CORELEAKS_ERROR_NOT_A_CORE, "executable");
	expect_error(PATCHED(e_type, ET_DYN), CORELEAKS_ERROR_NOT_A_CORE, "executable");
	expect_error(PATCHED(e_type, ET_REL), CORELEAKS_ERROR_NOT_A_CORE, "object");
	expect_error(PATCHED(e_phnum, 0), CORELEAKS_ERROR_NOT_A_CORE, "program headers");
	expect_error(PATCHED(e_phentsize, 0), CORELEAKS_ERROR_NOT_A_CORE, "program headers");
	expect_error(PATCHED(e_phentsize, 32), CORELEAKS_ERROR_NOT_A_CORE, "program headers");
}
END_TEST

START_TEST(machines)
{
	ck_assert_ptr_null(fake_world_try_dump(&world, PATCHED(e_machine, EM_X86_64)));
	ck_assert(!world.dump.is_arm64);
	dump_deinit(&world.dump);
	ck_assert_ptr_null(fake_world_try_dump(&world, PATCHED(e_machine, EM_AARCH64)));
	ck_assert(world.dump.is_arm64);
}
END_TEST

START_TEST(own_executable_is_no_core)
{
	expect_error("/bin/true", CORELEAKS_ERROR_NOT_A_CORE, "executable");
}
END_TEST

START_TEST(header_cut_anywhere)
{
	for (size_t size = 1; size < sizeof(Elf64_Ehdr); size += 3) {
		struct coreleaks_error *error =
			fake_world_try_dump(&world, patched(EI_PAD, "", 0, size));
		ck_assert_ptr_nonnull(error);
		coreleaks_error_free(error);
	}
}
END_TEST

START_TEST(headers_beyond_the_file)
{
	uint64_t off = (uint64_t)1 << 40;
	fake_world_open_dump_at(&world, patched(offsetof(Elf64_Ehdr, e_phoff), &off, 8, 0));
	ck_assert_uint_eq(world.dump.segments.num, 0);
	fake_world_expect_gap(&world, "core-truncated", true);
}
END_TEST

START_TEST(headers_offset_overflows)
{
	uint64_t off = UINT64_MAX - 8;
	fake_world_open_dump_at(&world, patched(offsetof(Elf64_Ehdr, e_phoff), &off, 8, 0));
	ck_assert_uint_eq(world.dump.segments.num, 0);
	ck_assert(gaps_incomplete(&world.gaps));
}
END_TEST

START_TEST(header_table_cut)
{
	for (uint64_t i = 0; i < 10; i++)
		fake_segment(&world.core, 0x10000 * (i + 1), NULL, 0, FAKE_PAGE, PF_R);
	size_t size = sizeof(Elf64_Ehdr) + 6 * sizeof(Elf64_Phdr) + 5;
	fake_world_open_dump_at(&world, fake_path_cut(&world.core, size));
	ck_assert_uint_eq(world.dump.notes.num, 1);
	ck_assert_uint_eq(world.dump.segments.num, 5);
	fake_world_expect_gap(&world, "core-truncated", true);
}
END_TEST

START_TEST(many_segments_extended)
{
	enum { NUM = 70000 };
	world.core.extended_numbering = true;
	for (uint64_t i = 0; i < NUM; i++)
		fake_segment(&world.core, 0x10000 + i * 2 * FAKE_PAGE, pattern + i % 100, 1,
			     FAKE_PAGE, PF_R);
	fake_world_open_dump(&world);
	fake_world_expect_no_gaps(&world);
	ck_assert_uint_eq(world.dump.segments.num, NUM);
	for (uint64_t i = 0; i < NUM; i += 997) {
		unsigned char byte;
		uint64_t addr = 0x10000 + i * 2 * FAKE_PAGE;
		ck_assert_uint_eq(dump_read(&world.dump, addr, &byte, 1), 1);
		ck_assert_uint_eq(byte, pattern[i % 100]);
		ck_assert_ptr_null(dump_find_segment(&world.dump, addr + FAKE_PAGE));
	}
}
END_TEST

/* The section header that counts them is cut off, or lies: a gap, and no wild loop. */
START_TEST(extended_number_unreadable)
{
	struct fake_core *core = &world.core;
	core->extended_numbering = true;
	fake_segment(core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_build(core);
	fake_elf_header(core)->e_shoff = (uint64_t)1 << 50;
	fake_world_open_dump(&world);
	ck_assert(gaps_incomplete(&world.gaps));
	ck_assert_ptr_nonnull(dump_find_segment(&world.dump, 0x10000));
}
END_TEST

START_TEST(extended_number_lies)
{
	struct fake_core *core = &world.core;
	core->extended_numbering = true;
	fake_segment(core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_build(core);
	Elf64_Shdr section = {.sh_info = UINT32_MAX};
	memcpy(core->file.bytes + fake_elf_header(core)->e_shoff, &section, sizeof(section));
	fake_world_open_dump(&world);
	ck_assert(gaps_incomplete(&world.gaps));
	ck_assert_ptr_nonnull(dump_find_segment(&world.dump, 0x10000));
}
END_TEST

static void add_header(uint64_t off, uint64_t addr, uint64_t file_size, uint64_t memory_size)
{
	Elf64_Phdr header = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = off,
		.p_vaddr = addr,
		.p_filesz = file_size,
		.p_memsz = memory_size,
	};
	fake_header(&world.core, &header);
}

START_TEST(file_offset_overflows)
{
	unsigned char byte;
	add_header(UINT64_MAX - 100, 0x10000, FAKE_PAGE, FAKE_PAGE);
	add_header(UINT64_MAX, 0x20000, 1, FAKE_PAGE);
	add_header((uint64_t)1 << 63, 0x30000, FAKE_PAGE, FAKE_PAGE);
	fake_segment(&world.core, 0x40000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_world_open_dump(&world);
	ck_assert(gaps_incomplete(&world.gaps));
	for (uint64_t addr = 0x10000; addr < 0x40000; addr += 0x10000) {
		ck_assert_ptr_nonnull(dump_find_segment(&world.dump, addr));
		ck_assert_uint_eq(dump_read(&world.dump, addr, &byte, 1), 0);
	}
	ck_assert_uint_eq(dump_read(&world.dump, 0x40000, &byte, 1), 1);
	ck_assert_uint_eq(byte, pattern[0]);
}
END_TEST

START_TEST(address_overflows)
{
	unsigned char bytes[64];
	fake_segment(&world.core, UINT64_MAX - FAKE_PAGE + 1, pattern, FAKE_PAGE, 2 * FAKE_PAGE,
		     PF_R);
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, UINT64_MAX, PF_R);
	fake_world_open_dump(&world);
	ck_assert(gaps_incomplete(&world.gaps));
	ck_assert_uint_eq(dump_read(&world.dump, 0x10000, bytes, sizeof(bytes)), sizeof(bytes));
	ck_assert_mem_eq(bytes, pattern, sizeof(bytes));
	dump_read(&world.dump, UINT64_MAX - 8, bytes, sizeof(bytes));
	for (uint32_t i = 0; i < world.dump.segments.num; i++)
		ck_assert_uint_lt(world.dump.segments.items[i].range.low,
				  world.dump.segments.items[i].range.high);
}
END_TEST

/* More dumped than mapped: only what is mapped is memory. */
START_TEST(file_size_beyond_memory_size)
{
	unsigned char bytes[2 * FAKE_PAGE];
	fake_segment(&world.core, 0x10000, pattern, 2 * FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_world_open_dump(&world);
	ck_assert_ptr_null(dump_find_segment(&world.dump, 0x10000 + FAKE_PAGE));
	ck_assert_uint_eq(dump_read(&world.dump, 0x10000, bytes, sizeof(bytes)), FAKE_PAGE);
}
END_TEST

START_TEST(unsorted_segments)
{
	static const uint64_t addrs[] = {0x50000, 0x10000, 0x40000, 0x20000, 0x30000};
	for (size_t i = 0; i < 5; i++)
		fake_segment(&world.core, addrs[i], &addrs[i], 8, FAKE_PAGE, PF_R);
	fake_world_open_dump(&world);
	fake_world_expect_no_gaps(&world);
	for (size_t i = 0; i < 5; i++) {
		uint64_t value = 0;
		ck_assert_uint_eq(dump_read(&world.dump, addrs[i], &value, 8), 8);
		ck_assert_uint_eq(value, addrs[i]);
		ck_assert_uint_eq(world.dump.segments.items[i].range.low, 0x10000 * (i + 1));
	}
}
END_TEST

/* Cut where a lower one overlaps, with bytes, sizes and offsets moved along. */
START_TEST(overlapping_segments)
{
	unsigned char bytes[4 * FAKE_PAGE];
	memset(bytes, 0xee, sizeof(bytes));
	fake_segment(&world.core, 0x11000, pattern, 3 * FAKE_PAGE, 3 * FAKE_PAGE, PF_R);
	fake_segment(&world.core, 0x10000, bytes, 2 * FAKE_PAGE, 2 * FAKE_PAGE, PF_R);
	fake_segment(&world.core, 0x10800, bytes, 100, 100, PF_R);
	fake_world_open_dump(&world);
	ck_assert(gaps_incomplete(&world.gaps));
	ck_assert_uint_eq(world.dump.segments.num, 2);
	const struct segment *segments = world.dump.segments.items;
	ck_assert_uint_eq(segments[0].range.high, 0x12000);
	ck_assert_uint_eq(segments[1].range.low, 0x12000);
	ck_assert_uint_eq(segments[1].range.high, 0x14000);
	ck_assert_uint_eq(segments[1].dumped_size, 2 * FAKE_PAGE);
	ck_assert_uint_eq(segments[1].file_size, 2 * FAKE_PAGE);
	ck_assert_uint_eq(dump_read(&world.dump, 0x12000, bytes, sizeof(bytes)), 2 * FAKE_PAGE);
	ck_assert_mem_eq(bytes, pattern + FAKE_PAGE, 2 * FAKE_PAGE);
	dump_read(&world.dump, 0x11000, bytes, 1);
	ck_assert_uint_eq(bytes[0], 0xee);
}
END_TEST

/* What a segment claims but does not have hides nothing that another has. */
START_TEST(overlapping_what_was_not_dumped)
{
	unsigned char bytes[FAKE_PAGE];
	memset(bytes, 0xee, sizeof(bytes));
	fake_segment(&world.core, 0x10000, bytes, 100, UINT64_MAX / 2, PF_R);
	fake_segment(&world.core, 0x10040, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_segment(&world.core, 0x20000, NULL, 0, 3 * FAKE_PAGE, PF_R);
	fake_segment(&world.core, 0x20000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_segment(&world.core, 0x22000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_world_open_dump(&world);
	ck_assert(gaps_incomplete(&world.gaps));
	ck_assert_uint_eq(world.dump.segments.num, 4);
	ck_assert_uint_eq(world.dump.segments.items[0].range.high, 0x10000 + 100);
	ck_assert_uint_eq(world.dump.segments.items[1].range.low, 0x10000 + 100);
	for (uint64_t addr = 0x20000; addr <= 0x22000; addr += 0x2000) {
		ck_assert_uint_eq(dump_read(&world.dump, addr, bytes, FAKE_PAGE), FAKE_PAGE);
		ck_assert_mem_eq(bytes, pattern, FAKE_PAGE);
	}
	ck_assert_uint_eq(dump_read(&world.dump, 0x10000 + 100, bytes, 36), 36);
	ck_assert_mem_eq(bytes, pattern + 36, 36);
}
END_TEST

/* A million overlapping headers must neither hang nor break the order. */
START_TEST(tangled_segments)
{
	uint64_t state = 1;
	for (int i = 0; i < 5000; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		add_header(state >> 40, (state >> 20) & 0xfffff, (state >> 8) & 0xfff,
			   (state >> 50) & 0x3fff);
	}
	fake_world_open_dump(&world);
	uint64_t last = 0;
	for (uint32_t i = 0; i < world.dump.segments.num; i++) {
		const struct segment *segment = &world.dump.segments.items[i];
		ck_assert_uint_ge(segment->range.low, last);
		ck_assert_uint_gt(segment->range.high, segment->range.low);
		ck_assert_uint_le(segment->dumped_size, segment->range.high - segment->range.low);
		ck_assert_uint_le(segment->file_size, segment->dumped_size);
		if (segment->file_size > 0)
			ck_assert_uint_le(segment->file_off + segment->file_size, world.dump.size);
		last = segment->range.high;
	}
}
END_TEST

START_TEST(zero_size_segments)
{
	add_header(0, 0x10000, 0, 0);
	add_header(0, 0x10000, 100, 0);
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	add_header(0, 0x10000, 0, 0);
	fake_world_open_dump(&world);
	fake_world_expect_no_gaps(&world);
	const struct segment *segment = dump_find_segment(&world.dump, 0x10000);
	ck_assert_ptr_nonnull(segment);
	ck_assert_uint_eq(segment->range.high, 0x11000);
}
END_TEST

START_TEST(cut_file)
{
	unsigned char bytes[4 * FAKE_PAGE];
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_segment(&world.core, 0x20000, pattern, 4 * FAKE_PAGE, 4 * FAKE_PAGE, PF_R);
	fake_segment(&world.core, 0x30000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_build(&world.core);
	size_t cut = 2 * FAKE_PAGE + 10;
	fake_world_open_dump_at(&world, fake_path_cut(&world.core, world.core.file.size - cut));
	ck_assert_uint_eq(world.dump.missing_size, cut);
	fake_world_expect_gap(&world, "core-truncated", true);
	const struct segment *segments = world.dump.segments.items;
	ck_assert_uint_eq(segments[0].file_size, FAKE_PAGE);
	ck_assert_uint_eq(segments[1].dumped_size, 4 * FAKE_PAGE);
	ck_assert_uint_eq(segments[1].file_size, 3 * FAKE_PAGE - 10);
	ck_assert_uint_eq(segments[2].dumped_size, FAKE_PAGE);
	ck_assert_uint_eq(segments[2].file_size, 0);
	ck_assert_uint_eq(dump_read(&world.dump, 0x20000, bytes, sizeof(bytes)),
			  3 * FAKE_PAGE - 10);
	ck_assert_mem_eq(bytes, pattern, 3 * FAKE_PAGE - 10);
	ck_assert_uint_eq(dump_read(&world.dump, 0x30000, bytes, 1), 0);
}
END_TEST

START_TEST(cut_notes_count_as_missing)
{
	world.core.notes_last = true;
	fake_running_thread(&world.core, 1, 0x1000, 0x7000, 0);
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_build(&world.core);
	fake_world_open_dump_at(&world, fake_path_cut(&world.core, world.core.file.size - 100));
	ck_assert_uint_eq(world.dump.missing_size, 100);
}
END_TEST

START_TEST(look_up_edges)
{
	unsigned char bytes[16];
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_segment(&world.core, 0x11000, pattern + FAKE_PAGE, 8, FAKE_PAGE, PF_R);
	fake_world_open_dump(&world);
	const struct segment *segments = world.dump.segments.items;
	ck_assert_ptr_null(dump_find_segment(&world.dump, 0));
	ck_assert_ptr_null(dump_find_segment(&world.dump, 0xffff));
	ck_assert_ptr_eq(dump_find_segment(&world.dump, 0x10000), &segments[0]);
	ck_assert_ptr_eq(dump_find_segment(&world.dump, 0x10fff), &segments[0]);
	ck_assert_ptr_eq(dump_find_segment(&world.dump, 0x11000), &segments[1]);
	ck_assert_ptr_eq(dump_find_segment(&world.dump, 0x11fff), &segments[1]);
	ck_assert_ptr_null(dump_find_segment(&world.dump, 0x12000));
	ck_assert_ptr_null(dump_find_segment(&world.dump, UINT64_MAX));
	ck_assert_uint_eq(dump_read(&world.dump, 0x10ff8, bytes, 16), 8);
	ck_assert_mem_eq(bytes, pattern + 0xff8, 8);
	ck_assert_uint_eq(dump_read(&world.dump, 0x11004, bytes, 16), 4);
	ck_assert_uint_eq(dump_read(&world.dump, 0x11008, bytes, 16), 0);
	ck_assert_uint_eq(dump_read(&world.dump, 0x12000, bytes, 16), 0);
	ck_assert_uint_eq(dump_read(&world.dump, 0x10000, bytes, 0), 0);
}
END_TEST

START_TEST(raw_reads_at_the_end)
{
	unsigned char bytes[16];
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_world_open_dump(&world);
	uint64_t size = world.dump.size;
	ck_assert_uint_eq(dump_pread(&world.dump, size - 4, bytes, 16), 4);
	ck_assert_mem_eq(bytes, pattern + FAKE_PAGE - 4, 4);
	ck_assert_uint_eq(dump_pread(&world.dump, size, bytes, 16), 0);
	ck_assert_uint_eq(dump_pread(&world.dump, UINT64_MAX, bytes, 16), 0);
	ck_assert_uint_eq(dump_pread(&world.dump, (uint64_t)INT64_MAX, bytes, 16), 0);
}
END_TEST

/* The file shrinks after it was opened: short reads, no signal. */
START_TEST(shrinking_file)
{
	unsigned char bytes[FAKE_PAGE];
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, FAKE_PAGE, PF_R);
	fake_world_open_dump(&world);
	ck_assert_int_eq(truncate(world.core.path, (off_t)world.dump.size - 1000), 0);
	ck_assert_uint_eq(dump_read(&world.dump, 0x10000, bytes, FAKE_PAGE), FAKE_PAGE - 1000);
	ck_assert_int_eq(truncate(world.core.path, 0), 0);
	ck_assert_uint_eq(dump_read(&world.dump, 0x10000, bytes, FAKE_PAGE), 0);
}
END_TEST

Suite *dump_suite(void)
{
	Suite *suite = suite_create("dump");
	TCase *tests = tcase_create("dump");
	tcase_add_unchecked_fixture(tests, fake_scratch_setup, fake_scratch_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sound_core);
	tcase_add_test(tests, standard_input);
	tcase_add_test(tests, packed_core_keeps_its_time);
	tcase_add_test(tests, not_a_core);
	tcase_add_test(tests, fifo_does_not_hang);
	tcase_add_test(tests, foreign_cores);
	tcase_add_test(tests, machines);
	tcase_add_test(tests, own_executable_is_no_core);
	tcase_add_test(tests, header_cut_anywhere);
	tcase_add_test(tests, headers_beyond_the_file);
	tcase_add_test(tests, headers_offset_overflows);
	tcase_add_test(tests, header_table_cut);
	tcase_add_test(tests, many_segments_extended);
	tcase_add_test(tests, extended_number_unreadable);
	tcase_add_test(tests, extended_number_lies);
	tcase_add_test(tests, file_offset_overflows);
	tcase_add_test(tests, address_overflows);
	tcase_add_test(tests, file_size_beyond_memory_size);
	tcase_add_test(tests, unsorted_segments);
	tcase_add_test(tests, overlapping_segments);
	tcase_add_test(tests, overlapping_what_was_not_dumped);
	tcase_add_test(tests, tangled_segments);
	tcase_add_test(tests, zero_size_segments);
	tcase_add_test(tests, cut_file);
	tcase_add_test(tests, cut_notes_count_as_missing);
	tcase_add_test(tests, look_up_edges);
	tcase_add_test(tests, raw_reads_at_the_end);
	tcase_add_test(tests, shrinking_file);
	suite_add_tcase(suite, tests);
	return suite;
}
