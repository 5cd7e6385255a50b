#include "fake_code.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *image_suite(void);

static struct fake_world world;
static bool mapped; /* read the core in place */
static unsigned char pattern[20 * FAKE_PAGE];

static void setup(void)
{
	mapped = false;
	fake_world_init(&world);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i * 7 + i / 251 + i / FAKE_PAGE + 1);
}

static void setup_mapped(void)
{
	setup();
	mapped = true;
}

static void open_image(void)
{
	fake_world_open_image(&world);
	if (mapped)
		ck_assert_ptr_nonnull(dump_map(&world.dump));
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

static uint64_t file_word(const char *label)
{
	uint64_t value;
	ck_assert(image_read_u64(world.image, fake_code(label), &value));
	return value;
}

/* ---- The core's own bytes ---- */

static void add_pattern(uint64_t addr, size_t from, size_t size)
{
	fake_segment(&world.core, addr, pattern + from, size, size, PF_R | PF_W);
}

static void expect_read(uint64_t addr, size_t from, size_t size, size_t expected)
{
	unsigned char bytes[20 * FAKE_PAGE];
	memset(bytes, 0xa5, sizeof(bytes));
	ck_assert_uint_eq(image_read(world.image, addr, bytes, size), expected);
	ck_assert(memcmp(bytes, pattern + from, expected) == 0);
	/* Nothing is written behind what was promised. */
	for (size_t i = size; i < size + 16 && i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], 0xa5);
}

START_TEST(across_segments)
{
	add_pattern(0x10000, 0, FAKE_PAGE);
	add_pattern(0x11000, FAKE_PAGE, 2 * FAKE_PAGE);
	add_pattern(0x13000, 3 * FAKE_PAGE, FAKE_PAGE);
	open_image();
	expect_read(0x10000, 0, 4 * FAKE_PAGE, 4 * FAKE_PAGE);
	expect_read(0x10ffc, 0xffc, 8, 8);
	expect_read(0x10fff, 0xfff, 2 * FAKE_PAGE + 2, 2 * FAKE_PAGE + 2);
	uint64_t value, expected;
	ck_assert(image_read_u64(world.image, 0x12ffd, &value));
	memcpy(&expected, pattern + 0x2ffd, 8);
	ck_assert_uint_eq(value, expected);
}
END_TEST

START_TEST(into_unmapped_memory)
{
	uint64_t value = 0x5afe;
	add_pattern(0x10000, 0, FAKE_PAGE);
	add_pattern(0x12000, 0, FAKE_PAGE);
	open_image();
	expect_read(0x10ff0, 0xff0, 32, 16);
	expect_read(0x11000, 0, 16, 0);
	expect_read(0x0fff0, 0, 32, 0);
	expect_read(0x10000, 0, 0, 0);
	/* Untouched on failure. */
	ck_assert(!image_read_u64(world.image, 0x10ff9, &value));
	ck_assert(!image_read_u64(world.image, 0x11ffc, &value));
	ck_assert(!image_read_u64(world.image, 0, &value));
	ck_assert(!image_read_u64(world.image, UINT64_MAX, &value));
	ck_assert(!image_read_u64(world.image, UINT64_MAX - 7, &value));
	ck_assert_uint_eq(value, 0x5afe);
	ck_assert(image_read_u64(world.image, 0x10ff8, &value));
}
END_TEST

/* Any read, in any order, gives what the segment holds: the cache never shows. */
START_TEST(windows)
{
	uint64_t state = 7;
	add_pattern(0x10000, 0, 20 * FAKE_PAGE);
	add_pattern(0x90000, 5, 9 * FAKE_PAGE + 77);
	open_image();
	for (int i = 0; i < 20000; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		bool second = state >> 63;
		uint64_t size = second ? 9 * FAKE_PAGE + 77 : 20 * FAKE_PAGE;
		uint64_t off = (state >> 20) % size, want = (state >> 50) % 300;
		uint64_t expected = want < size - off ? want : size - off;
		unsigned char bytes[300];
		size_t got =
			image_read(world.image, (second ? 0x90000 : 0x10000) + off, bytes, want);
		if (got != expected || memcmp(bytes, pattern + off + (second ? 5 : 0), got) != 0)
			ck_abort_msg("read %d: %zu bytes at %llu of %d", i, got,
				     (unsigned long long)off, second);
	}
}
END_TEST

START_TEST(window_edges)
{
	add_pattern(0x10008, 8, 3 * FAKE_PAGE - 8);
	open_image();
	expect_read(0x10010, 0x10, 4096, 4096);
	expect_read(0x10008, 8, 4096, 4096);
	for (uint64_t off = 0xfe0; off < 0x1060; off++) {
		uint64_t value, expected;
		memcpy(&expected, pattern + off, 8);
		ck_assert(image_read_u64(world.image, 0x10000 + off, &value));
		ck_assert_uint_eq(value, expected);
	}
	ck_assert(!image_read_u64(world.image, 0x10004, &(uint64_t){0}));
}
END_TEST

/* Small stacks of one block in falling order, as Go hands them out; the segment begins and ends
 * within blocks; and large, empty, unmapped and highest stacks. */
START_TEST(expected_stacks)
{
	enum { STACK = 2048 };
	uint64_t low = 8 * (uint64_t)IMAGE_BLOCK_SIZE + FAKE_PAGE;
	add_pattern(low, 0, sizeof(pattern));
	open_image();
	for (size_t from = sizeof(pattern); from >= STACK; from -= STACK) {
		uint64_t sp = low + from - 300;
		image_expect(world.image, (struct range){low + from - STACK, low + from}, sp);
		expect_read(sp, from - 300, 300, 300);
		expect_read(low + from - STACK, from - STACK, STACK, STACK);
	}
	image_expect(world.image, (struct range){low, low + 0x10000}, low + 0x9000);
	expect_read(low + 0x9000, 0x9000, 0x1000, 0x1000);
	image_expect(world.image, (struct range){low + 64, low + 64}, low + 64);
	expect_read(low, 0, 128, 128);
	for (int i = 0; i < 3; i++) {
		image_expect(world.image, (struct range){0x1000, 0x1800}, 0x1400);
		image_expect(world.image, (struct range){UINT64_MAX - 4096, UINT64_MAX},
			     UINT64_MAX - 64);
		expect_read(0x1400, 0, 64, 0);
	}
	expect_read(low, 0, sizeof(pattern), sizeof(pattern));
}
END_TEST

START_TEST(top_of_the_address_space)
{
	unsigned char bytes[64];
	uint64_t addr = UINT64_MAX - FAKE_PAGE + 1;
	fake_segment(&world.core, addr, pattern, FAKE_PAGE - 1, FAKE_PAGE - 1, PF_R);
	open_image();
	ck_assert_uint_eq(image_read(world.image, UINT64_MAX - 8, bytes, 64), 8);
	ck_assert_mem_eq(bytes, pattern + FAKE_PAGE - 9, 8);
	ck_assert_uint_eq(image_read(world.image, UINT64_MAX, bytes, 64), 0);
	ck_assert_int_eq(image_presence(world.image, UINT64_MAX), IMAGE_UNMAPPED);
	ck_assert_int_eq(image_presence(world.image, UINT64_MAX - 1), IMAGE_PRESENT);
}
END_TEST

START_TEST(presence)
{
	fake_segment(&world.core, 0x10000, pattern, FAKE_PAGE, 2 * FAKE_PAGE, PF_R | PF_W);
	fake_segment(&world.core, 0x20000, pattern, 2 * FAKE_PAGE, 3 * FAKE_PAGE, PF_R | PF_X);
	fake_build(&world.core);
	size_t size = world.core.file.size - FAKE_PAGE;
	fake_world_open_dump_at(&world, fake_path_cut(&world.core, size));
	open_image();
	ck_assert_int_eq(image_presence(world.image, 0xffff), IMAGE_UNMAPPED);
	ck_assert_int_eq(image_presence(world.image, 0x10000), IMAGE_PRESENT);
	ck_assert_int_eq(image_presence(world.image, 0x10fff), IMAGE_PRESENT);
	ck_assert_int_eq(image_presence(world.image, 0x11000), IMAGE_NOT_DUMPED);
	ck_assert_int_eq(image_presence(world.image, 0x12000), IMAGE_UNMAPPED);
	ck_assert_int_eq(image_presence(world.image, 0x20fff), IMAGE_PRESENT);
	ck_assert_int_eq(image_presence(world.image, 0x21000), IMAGE_CUT);
	ck_assert_int_eq(image_presence(world.image, 0x21fff), IMAGE_CUT);
	ck_assert_int_eq(image_presence(world.image, 0x22000), IMAGE_NOT_DUMPED);
	ck_assert_uint_eq(image_segment_high(world.image, 0x10123), 0x12000);
	ck_assert_uint_eq(image_segment_high(world.image, 0x12000), 0);
	ck_assert(image_executable(world.image, 0x22fff));
	ck_assert(!image_executable(world.image, 0x10000));
	ck_assert(!image_executable(world.image, 0x23000));
}
END_TEST

/* ---- What the mapped file stands in for ---- */

START_TEST(text_comes_from_the_file)
{
	unsigned char bytes[4] = {0};
	fake_code_map(&world.core);
	open_image();
	ck_assert_int_eq(image_presence(world.image, fake_code("framed")), IMAGE_PRESENT);
	/* push %rbp; mov %rsp,%rbp */
	ck_assert_uint_eq(image_read(world.image, fake_code("framed"), bytes, 4), 4);
	ck_assert_mem_eq(bytes, "\x55\x48\x89\xe5", 4);
	ck_assert(image_executable(world.image, fake_code("framed")));
}
END_TEST

/* Maps the library, but of the mapping that holds label, file_size bytes of the pattern are dumped;
 * with an offset, they lie there instead. */
static void map_redumped(const char *label, uint64_t file_size, uint64_t off)
{
	struct fake_core *core = &world.core;
	fake_code_map(core);
	uint64_t addr = fake_code(label), pattern_off = core->data.size;
	fake_segment(core, 0, pattern, file_size, file_size, PF_R);
	core->headers.num--;
	for (size_t i = 0; i < core->headers.num; i++) {
		Elf64_Phdr *header = &core->headers.items[i];
		if (addr < header->p_vaddr || addr - header->p_vaddr >= header->p_memsz)
			continue;
		header->p_filesz = file_size;
		header->p_offset = off != 0 ? off : pattern_off;
		core->raw[i] = off != 0;
		return;
	}
	ck_abort_msg("no mapping of %s", label);
}

static uint64_t page_of(const char *label)
{
	return fake_code(label) & ~(uint64_t)(FAKE_PAGE - 1);
}

static void expect_pattern(const char *label)
{
	uint64_t expected;
	memcpy(&expected, pattern + (fake_code(label) - page_of(label)), 8);
	ck_assert_uint_eq(file_word(label), expected);
}

START_TEST(the_core_comes_first)
{
	map_redumped("framed", FAKE_PAGE, 0);
	open_image();
	expect_pattern("framed");
}
END_TEST

START_TEST(dumped_data_is_the_core_s)
{
	uint64_t value;
	map_redumped("data", FAKE_PAGE, 0);
	open_image();
	expect_pattern("data");
	/* The next page of the same mapping was not dumped, and may have been written to. */
	ck_assert(!image_read_u64(world.image, page_of("data") + FAKE_PAGE, &value));
	ck_assert_int_eq(image_presence(world.image, page_of("data") + FAKE_PAGE),
			 IMAGE_NOT_DUMPED);
}
END_TEST

/* filesz 0: the kernel dumps nothing of a private mapping that was never written. */
START_TEST(untouched_data_is_the_file_s)
{
	map_redumped("data", 0, 0);
	open_image();
	ck_assert_uint_eq(file_word("data"), 0x1122334455667788);
}
END_TEST

START_TEST(cut_data_is_nobody_s)
{
	uint64_t value;
	map_redumped("data", FAKE_PAGE, (uint64_t)1 << 40);
	open_image();
	ck_assert(!image_read_u64(world.image, fake_code("data"), &value));
	ck_assert_int_eq(image_presence(world.image, fake_code("data")), IMAGE_CUT);
}
END_TEST

/* An impossible place in the file does not turn written memory into untouched memory. */
START_TEST(misplaced_data_is_nobody_s)
{
	uint64_t value;
	map_redumped("data", FAKE_PAGE, UINT64_MAX - 8);
	open_image();
	ck_assert(!image_read_u64(world.image, fake_code("data"), &value));
}
END_TEST

/* Text that was made writable and dumped may have been patched: cut, it is not the file's. */
START_TEST(patched_text_is_not_the_file_s)
{
	uint64_t value;
	map_redumped("framed", FAKE_PAGE, (uint64_t)1 << 40);
	for (size_t i = 0; i < world.core.headers.num; i++)
		if (world.core.headers.items[i].p_vaddr == page_of("framed"))
			world.core.headers.items[i].p_flags |= PF_W;
	open_image();
	ck_assert(!image_read_u64(world.image, fake_code("framed"), &value));
	ck_assert_int_eq(image_presence(world.image, fake_code("framed")), IMAGE_CUT);
}
END_TEST

START_TEST(bss_is_the_core_s)
{
	fake_code_map(&world.core);
	open_image();
	ck_assert_uint_eq(file_word("bss"), 0);
	uint64_t value;
	ck_assert(image_read_u64(world.image, fake_code("bss") + 8192, &value));
	ck_assert_uint_eq(value, 0);
}
END_TEST

START_TEST(without_the_file)
{
	uint64_t value;
	fake_map(&world.core, fake_code_file(), "/no/such/lib.so", FAKE_CODE_BASE, 0);
	open_image();
	ck_assert(!image_read_u64(world.image, fake_code("framed"), &value));
	ck_assert_int_eq(image_presence(world.image, fake_code("framed")), IMAGE_NOT_DUMPED);
	ck_assert(image_read_u64(world.image, FAKE_CODE_BASE, &value));
}
END_TEST

/* One read that begins in the core's bytes and goes on in the file's. */
START_TEST(from_core_into_file)
{
	fake_code_map(&world.core);
	open_image();
	uint64_t text = fake_code("framed") & ~(uint64_t)(FAKE_PAGE - 1);
	ck_assert_uint_eq(text, FAKE_CODE_BASE + FAKE_PAGE);
	unsigned char bytes[2 * FAKE_PAGE], expected[4] = {0x55, 0x48, 0x89, 0xe5};
	ck_assert_uint_eq(image_read(world.image, text - 16, bytes, 64), 64);
	ck_assert_mem_eq(bytes + 16 + (fake_code("framed") - text), expected, 4);
}
END_TEST

static void add_tests(Suite *suite, const char *name, void (*begin)(void))
{
	TCase *tests = tcase_create(name);
	tcase_add_unchecked_fixture(tests, fake_code_setup, fake_code_teardown);
	tcase_add_checked_fixture(tests, begin, teardown);
	tcase_add_test(tests, across_segments);
	tcase_add_test(tests, into_unmapped_memory);
	tcase_add_test(tests, windows);
	tcase_add_test(tests, window_edges);
	tcase_add_test(tests, expected_stacks);
	tcase_add_test(tests, top_of_the_address_space);
	tcase_add_test(tests, presence);
	tcase_add_test(tests, text_comes_from_the_file);
	tcase_add_test(tests, the_core_comes_first);
	tcase_add_test(tests, dumped_data_is_the_core_s);
	tcase_add_test(tests, untouched_data_is_the_file_s);
	tcase_add_test(tests, cut_data_is_nobody_s);
	tcase_add_test(tests, misplaced_data_is_nobody_s);
	tcase_add_test(tests, patched_text_is_not_the_file_s);
	tcase_add_test(tests, bss_is_the_core_s);
	tcase_add_test(tests, without_the_file);
	tcase_add_test(tests, from_core_into_file);
	suite_add_tcase(suite, tests);
}

Suite *image_suite(void)
{
	Suite *suite = suite_create("image");
	add_tests(suite, "image", setup);
	add_tests(suite, "mapped image", setup_mapped);
	return suite;
}
