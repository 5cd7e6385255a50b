#include "base/progress.h"
#include "base/range.h"

#include <check.h>

Suite *progress_suite(void);

struct calls {
	uint32_t num, refuse_at;
	uint64_t done, total;
	const char *phase;
};

static bool follow(void *data, const char *phase, uint64_t done, uint64_t total)
{
	struct calls *calls = data;
	calls->phase = phase;
	calls->done = done;
	calls->total = total;
	return ++calls->num != calls->refuse_at;
}

START_TEST(nothing_to_tell)
{
	struct progress progress = {0};
	for (uint64_t i = 0; i < 10000; i++)
		ck_assert(progress_tick(&progress, "x", i, 10000));
	ck_assert(!progress.cancelled && !progress.timed_out);
}
END_TEST

START_TEST(callback_sees_the_work)
{
	struct calls calls = {0};
	struct progress progress = {.callback = follow, .data = &calls};
	for (uint64_t i = 0; i < 10000; i++)
		ck_assert(progress_tick(&progress, "sawing", i, 10000));
	ck_assert_str_eq(calls.phase, "sawing");
	ck_assert_uint_eq(calls.total, 10000);
	ck_assert_uint_gt(calls.done, 9000);
	/* Often enough for a bar, seldom enough to cost nothing. */
	ck_assert_uint_ge(calls.num, 10);
	ck_assert_uint_le(calls.num, 1000);
}
END_TEST

START_TEST(once_refused_always_refused)
{
	struct calls calls = {.refuse_at = 3};
	struct progress progress = {.callback = follow, .data = &calls};
	uint64_t rounds = 0;
	while (rounds < 100000 && progress_tick(&progress, "x", rounds, 0))
		rounds++;
	ck_assert_uint_lt(rounds, 100000);
	ck_assert(progress.cancelled && !progress.timed_out);
	for (uint64_t i = 0; i < 10000; i++)
		ck_assert(!progress_tick(&progress, "y", i, 0));
	ck_assert_uint_eq(calls.num, 3);
}
END_TEST

START_TEST(deadline)
{
	struct calls calls = {0};
	struct progress progress = {.callback = follow, .data = &calls};
	progress.deadline_ns = progress_now_ns() + UINT64_C(3600000000000);
	ck_assert(progress_tick(&progress, "x", 0, 0));
	progress.deadline_ns = progress_now_ns();
	ck_assert(!progress_tick(&progress, "x", 0, 0));
	ck_assert(progress.timed_out && !progress.cancelled);
	progress.deadline_ns = 0;
	ck_assert(!progress_tick(&progress, "x", 0, 0));
	ck_assert_uint_eq(calls.num, 1);
}
END_TEST

START_TEST(ranges)
{
	struct range range = range_from_size(10, 5);
	ck_assert(range_contains(range, 10) && range_contains(range, 14));
	ck_assert(!range_contains(range, 9) && !range_contains(range, 15));
	range = range_from_size(UINT64_MAX - 4, 100);
	ck_assert_uint_eq(range.high, UINT64_MAX);
	ck_assert(!range_contains(range_from_size(7, 0), 7));
}
END_TEST

START_TEST(bounded_bytes)
{
	unsigned char data[8] = {1, 2, 3, 4, 5, 6, 7, 8}, got[8] = {0};
	struct bytes bytes = {data, sizeof(data)};
	ck_assert(bytes_read(bytes, 4, got, 4));
	ck_assert_mem_eq(got, data + 4, 4);
	ck_assert(bytes_read(bytes, 8, got, 0));
	ck_assert(!bytes_read(bytes, 5, got, 4));
	ck_assert(!bytes_read(bytes, 9, got, 0));
	ck_assert(!bytes_read(bytes, UINT64_MAX, got, 1));
	ck_assert(!bytes_read(bytes, UINT64_MAX - 3, got, 8));
	ck_assert(!bytes_read(bytes, 1, got, SIZE_MAX));
	ck_assert_mem_eq(got, data + 4, 4);
}
END_TEST

Suite *progress_suite(void)
{
	Suite *suite = suite_create("progress");
	TCase *tests = tcase_create("progress");
	tcase_add_test(tests, nothing_to_tell);
	tcase_add_test(tests, callback_sees_the_work);
	tcase_add_test(tests, once_refused_always_refused);
	tcase_add_test(tests, deadline);
	tcase_add_test(tests, ranges);
	tcase_add_test(tests, bounded_bytes);
	suite_add_tcase(suite, tests);
	return suite;
}
