/* The core is a memory file, which can have holes like a file on disk. */
#include "core/resident.h"
#include "fake_world.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *resident_suite(void);

#define STACK UINT64_C(0x7f0000000000)

enum { NUM_PAGES = 8, PAGE = FAKE_PAGE };

static struct fake_world world;
static unsigned char pages[NUM_PAGES * PAGE];
static uint64_t sizes[4];

static void setup(void)
{
	fake_world_init(&world);
	memset(pages, 0, sizeof(pages));
	memset(sizes, 0x55, sizeof(sizes));
}

static void teardown(void)
{
	fake_world_deinit(&world);
}

/* Moves the bytes of two segments to a page's beginning in the file, as the kernel writes them:
 * only whole pages can be holes. They lie in a third segment's, which begins anywhere. */
static void align_in_file(void)
{
	Elf64_Ehdr *header = fake_elf_header(&world.core);
	Elf64_Phdr *items = (Elf64_Phdr *)(void *)(world.core.file.bytes + (size_t)header->e_phoff);
	Elf64_Phdr *last = &items[header->e_phnum - 1];
	uint64_t off = (last->p_offset + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	memcpy(world.core.file.bytes + off, pages, sizeof(pages));
	last[-2].p_offset = off;
	last[-1].p_offset = off + 4 * PAGE;
}

/* Two segments of four pages each, behind one another in memory. */
static void open_core(void)
{
	fake_segment(&world.core, STACK, pages, 4 * PAGE, 4 * PAGE, PF_R | PF_W);
	fake_segment(&world.core, STACK + 4 * PAGE, pages + 4 * PAGE, 4 * PAGE, 4 * PAGE,
		     PF_R | PF_W);
	fake_segment(&world.core, STACK + 64 * PAGE, NULL, 10 * PAGE, 10 * PAGE, PF_R | PF_W);
	fake_build(&world.core);
	align_in_file();
	fake_world_open_dump(&world);
}

static void punch_page(uint32_t page)
{
	const struct segment *segment = dump_find_segment(&world.dump, STACK + page * PAGE);
	ck_assert_ptr_nonnull(segment);
	int fd = open(world.dump.path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)(segment->file_off + STACK + page * PAGE - segment->range.low),
			  PAGE),
		0);
	close(fd);
}

static void measure(const struct range *ranges, uint32_t num)
{
	resident_sizes(&world.arena, &world.dump, ranges, num, sizes);
}

START_TEST(without_holes_pages_of_zeros_do_not_count)
{
	const struct range ranges[] = {
		{STACK, STACK + 4 * PAGE},
		{STACK + 4 * PAGE, STACK + 8 * PAGE},
		{STACK, STACK + 8 * PAGE},
		{STACK + 2 * PAGE, STACK + 2 * PAGE},
	};
	pages[PAGE - 1] = 1;
	pages[2 * PAGE] = 1;
	pages[7 * PAGE + 100] = 1;
	open_core();
	measure(ranges, 4);
	ck_assert_uint_eq(sizes[0], 2 * PAGE);
	ck_assert_uint_eq(sizes[1], PAGE);
	ck_assert_uint_eq(sizes[2], 3 * PAGE);
	ck_assert_uint_eq(sizes[3], 0);
}
END_TEST

/* A page that was touched is there, even if it is all zeros. */
START_TEST(between_holes_all_counts)
{
	const struct range ranges[] = {
		{STACK + 4 * PAGE, STACK + 8 * PAGE},
		{STACK, STACK + 4 * PAGE},
		{STACK + 2 * PAGE, STACK + 6 * PAGE},
		{STACK + 3 * PAGE + 100, STACK + 5 * PAGE},
	};
	open_core();
	punch_page(0);
	punch_page(1);
	punch_page(4);
	punch_page(7);
	measure(ranges, 4);
	ck_assert_uint_eq(sizes[0], 2 * PAGE);
	ck_assert_uint_eq(sizes[1], 2 * PAGE);
	ck_assert_uint_eq(sizes[2], 3 * PAGE);
	ck_assert_uint_eq(sizes[3], PAGE - 100);
}
END_TEST

/* A hole at the end of the file leads no further: there is no data behind it. */
START_TEST(a_hole_reaches_the_end)
{
	const struct range range = {STACK, STACK + 8 * PAGE};
	open_core();
	for (uint32_t i = 1; i < NUM_PAGES; i++)
		punch_page(i);
	measure(&range, 1);
	ck_assert_uint_eq(sizes[0], PAGE);
}
END_TEST

START_TEST(what_no_segment_holds_is_not_there)
{
	const struct range ranges[] = {
		{STACK - 4 * PAGE, STACK + 4 * PAGE},
		{STACK + 7 * PAGE, UINT64_MAX},
	};
	memset(pages, 1, sizeof(pages));
	open_core();
	measure(ranges, 2);
	ck_assert_uint_eq(sizes[0], 0);
	ck_assert_uint_eq(sizes[1], PAGE);
}
END_TEST

/* A guard page is mapped but never dumped. */
START_TEST(memory_that_was_not_dumped_is_not_there)
{
	const struct range range = {STACK - PAGE, STACK + 2 * PAGE};
	memset(pages, 1, sizeof(pages));
	fake_segment(&world.core, STACK - PAGE, pages, 0, PAGE, 0);
	open_core();
	measure(&range, 1);
	ck_assert_uint_eq(sizes[0], 2 * PAGE);
}
END_TEST

START_TEST(what_is_cut_off_is_unknown)
{
	const struct range ranges[] = {
		{STACK, STACK + 4 * PAGE},
		{STACK + 4 * PAGE, STACK + 8 * PAGE},
	};
	memset(pages, 1, sizeof(pages));
	fake_segment(&world.core, STACK, pages, 4 * PAGE, 4 * PAGE, PF_R | PF_W);
	fake_segment(&world.core, STACK + 4 * PAGE, pages, 4 * PAGE, 4 * PAGE, PF_R | PF_W);
	fake_build(&world.core);
	fake_world_open_dump_at(&world, fake_path_cut(&world.core, world.core.file.size - PAGE));
	measure(ranges, 2);
	ck_assert_uint_eq(sizes[0], 4 * PAGE);
	ck_assert_uint_eq(sizes[1], UINT64_MAX);
}
END_TEST

START_TEST(nothing_to_measure)
{
	open_core();
	measure(NULL, 0);
	ck_assert_uint_eq(sizes[0], UINT64_C(0x5555555555555555));
}
END_TEST

Suite *resident_suite(void)
{
	Suite *suite = suite_create("resident");
	TCase *tests = tcase_create("resident");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, without_holes_pages_of_zeros_do_not_count);
	tcase_add_test(tests, between_holes_all_counts);
	tcase_add_test(tests, a_hole_reaches_the_end);
	tcase_add_test(tests, what_no_segment_holds_is_not_there);
	tcase_add_test(tests, memory_that_was_not_dumped_is_not_there);
	tcase_add_test(tests, what_is_cut_off_is_unknown);
	tcase_add_test(tests, nothing_to_measure);
	suite_add_tcase(suite, tests);
	return suite;
}
