#include "fake_go.h"

#include <check.h>

Suite *go_spans_suite(void);

static struct fake_go go;

enum { NUM_SPANS = 120, PAGE = 8192 };

/* Tests run for the oldest and the newest layout, whose mspans are alike. */
static void begin(int i)
{
	fake_go_init(&go, i % 2 == 0 ? 19 : 27, i % 2 == 0 ? "go1.19.8" : "go1.27.4");
	fake_go_program(&go);
}

static void teardown(void)
{
	fake_go_deinit(&go);
}

static uint64_t span_at(uint32_t number)
{
	return fake_go_get(&go, fake_go_get(&go, FAKE_GO_ALLSPANS) + 8 * (uint64_t)number);
}

static void expect_object(uint64_t addr, uint64_t low, uint64_t high)
{
	struct range object;
	ck_assert(go_spans_object(&go.spans, addr, &object));
	ck_assert_uint_eq(object.low, low);
	ck_assert_uint_eq(object.high, high);
}

static void expect_no_object(uint64_t addr)
{
	struct range object;
	ck_assert(!go_spans_object(&go.spans, addr, &object));
}

START_TEST(objects)
{
	const uint64_t second = FAKE_GO_HEAP + 16384;
	begin(_i);
	uint64_t span = span_at(1);
	fake_go_put(&go, span + 104, 48);
	fake_go_put(&go, span + 112, second + 341 * UINT64_C(48));
	*(unsigned char *)fake_go_at(&go, span + 98) = 5 << 1 | 1;
	fake_go_open(&go);
	ck_assert(go.spans.known);
	ck_assert_uint_eq(go.spans.num_damaged, 0);
	ck_assert_uint_eq(go.spans.list.num, 9);
	expect_object(FAKE_GO_HEAP, FAKE_GO_HEAP, FAKE_GO_HEAP + 64);
	expect_object(FAKE_GO_HEAP + 16383, FAKE_GO_HEAP + 16384 - 64, FAKE_GO_HEAP + 16384);
	expect_object(second, second, second + 48);
	expect_object(second + 100, second + 96, second + 144);
	/* Behind the last object, in a stack's span, in a dead one, outside. */
	expect_no_object(second + 341 * UINT64_C(48));
	expect_no_object(FAKE_GO_HEAP + 5 * UINT64_C(16384));
	expect_no_object(FAKE_GO_HEAP + 9 * UINT64_C(16384));
	expect_no_object(FAKE_GO_HEAP - 1);
	expect_no_object(0);
	expect_no_object(UINT64_MAX);
	const struct go_span *found = go_spans_find(&go.spans, second + 5);
	ck_assert_ptr_nonnull(found);
	ck_assert_uint_eq(found->addr, span);
	ck_assert_uint_eq(found->size_class, 5);
	ck_assert(found->noscan);
	ck_assert_uint_eq(found->pages_high, second + 16384);
	found = go_spans_find(&go.spans, FAKE_GO_HEAP + 8 * UINT64_C(16384));
	ck_assert_ptr_nonnull(found);
	ck_assert_int_eq(found->state, GO_SPAN_MANUAL);
	ck_assert_ptr_null(go_spans_find(&go.spans, FAKE_GO_HEAP + 9 * UINT64_C(16384)));
	ck_assert_uint_eq(fake_world_num_gaps(&go.world, "go-heap"), 0);
}
END_TEST

/* An object that does not end within the limit is none: its size is wrong. */
START_TEST(half_an_object)
{
	begin(_i);
	fake_go_put(&go, span_at(0) + 104, 10000);
	fake_go_open(&go);
	expect_object(FAKE_GO_HEAP + 9999, FAKE_GO_HEAP, FAKE_GO_HEAP + 10000);
	expect_no_object(FAKE_GO_HEAP + 10000);
}
END_TEST

/* Each of these contradicts itself or another; the others stay. */
START_TEST(damaged_spans)
{
	begin(_i);
	switch (_i / 2) {
	case 0:
		fake_go_put(&go, span_at(4) + 24, FAKE_GO_HEAP + 4096 + 4 * 16384);
		break;
	case 1: /* the same pages as the span before */
		fake_go_put(&go, span_at(4) + 24, FAKE_GO_HEAP + 3 * 16384);
		fake_go_put(&go, span_at(4) + 112, FAKE_GO_HEAP + 4 * 16384);
		break;
	case 2:
		*(unsigned char *)fake_go_at(&go, span_at(4) + 99) = 3;
		break;
	default:
		fake_go_put(&go, fake_go_get(&go, FAKE_GO_ALLSPANS) + 32, 0x1234);
		break;
	}
	fake_go_open(&go);
	go.runtime.recognised = true;
	go.runtime.allspans =
		(struct go_slice){FAKE_GO_ALLSPANS, fake_go_get(&go, FAKE_GO_ALLSPANS), 10};
	go_spans_build(&go.spans, &go.world.arena, &go.world.gaps, &go.runtime, go.world.image);
	ck_assert_uint_eq(go.spans.num_damaged, 1);
	ck_assert_uint_eq(go.spans.list.num, 8);
	expect_object(FAKE_GO_HEAP + 3 * UINT64_C(16384), FAKE_GO_HEAP + 3 * UINT64_C(16384),
		      FAKE_GO_HEAP + 3 * UINT64_C(16384) + 64);
	expect_no_object(FAKE_GO_HEAP + 4 * UINT64_C(16384));
	fake_world_expect_gap(&go.world, "go-heap", false);
}
END_TEST

/* Spans in two regions far apart, out of order, with holes: the look-up is right page by page. */
START_TEST(many_spans)
{
	begin(_i);
	uint64_t array = fake_go_alloc(&go, NUM_SPANS * 8), bases[NUM_SPANS], pages[NUM_SPANS];
	uint64_t next = UINT64_C(0x2dbfac000000);
	for (uint32_t i = 0; i < NUM_SPANS; i++) {
		uint32_t number = i * 7 % NUM_SPANS;
		uint64_t span = fake_go_alloc(&go, 160);
		if (i == NUM_SPANS / 2)
			next = UINT64_C(0x7fff00000000);
		next += i % 3 * PAGE;
		bases[i] = next;
		pages[i] = 1 + i % 5;
		next += pages[i] * PAGE;
		fake_go_put(&go, array + 8 * (uint64_t)number, span);
		fake_go_put(&go, span + 24, bases[i]);
		fake_go_put(&go, span + 32, pages[i]);
		*(unsigned char *)fake_go_at(&go, span + 99) = 1;
		fake_go_put(&go, span + 104, PAGE);
		fake_go_put(&go, span + 112, next);
	}
	fake_go_put(&go, FAKE_GO_ALLSPANS, array);
	fake_go_put(&go, FAKE_GO_ALLSPANS + 8, NUM_SPANS);
	fake_go_put(&go, FAKE_GO_ALLSPANS + 16, NUM_SPANS);
	fake_go_open(&go);
	ck_assert_uint_eq(go.spans.list.num, NUM_SPANS);
	for (uint32_t i = 0; i < NUM_SPANS; i++) {
		for (uint64_t k = 0; k < pages[i]; k++) {
			const struct go_span *span =
				go_spans_find(&go.spans, bases[i] + k * PAGE + 77);
			ck_assert_ptr_nonnull(span);
			ck_assert_uint_eq(span->base, bases[i]);
		}
		uint64_t behind = bases[i] + pages[i] * PAGE;
		if (i + 1 == NUM_SPANS || bases[i + 1] != behind)
			ck_assert_ptr_null(go_spans_find(&go.spans, behind));
	}
}
END_TEST

START_TEST(no_list)
{
	begin(_i);
	fake_go_put(&go, FAKE_GO_ALLSPANS, 0);
	fake_go_open(&go);
	ck_assert(!go.spans.known);
	expect_no_object(FAKE_GO_HEAP);
	ck_assert_ptr_null(go_spans_find(&go.spans, FAKE_GO_HEAP));
}
END_TEST

Suite *go_spans_suite(void)
{
	Suite *suite = suite_create("go_spans");
	TCase *tcase = tcase_create("go_spans");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, objects, 0, 2);
	tcase_add_loop_test(tcase, half_an_object, 0, 2);
	tcase_add_loop_test(tcase, damaged_spans, 0, 8);
	tcase_add_loop_test(tcase, many_spans, 0, 2);
	tcase_add_loop_test(tcase, no_list, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
