/* Whole analyses of forged cores with as many threads and objects as a core may have: time that
 * grows with the square of them, or a report that does, runs into the time limit. SIZES_NUM sets
 * another number (make check-sizes: a million). */
#include "coreleaks.h"
#include "fake_code.h"
#include "fake_go.h"

#include <check.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

Suite *sizes_suite(void);

#define PDS    UINT64_C(0x7e0000000000)
#define LOCKS  UINT64_C(0x7d0000000000)
#define STACKS UINT64_C(0x7c0000000000)
#define FILES  UINT64_C(0x7b0000000000)

enum {
	USUAL_NUM = 10000,
	PD_SIZE = 128, /* descriptors overlap: where one has a field the others have none */
	PD_ROOM = 4096,
	LOCK_SIZE = 64,
	FIRST_TID = 1000,
	/* glibc 2.36, x86-64 */
	SELF = 16,
	LIST = 704,
	TID = 720,
	OWNER = 8,
	USERS = 12,
};

static struct fake_core core;
static uint64_t words[FAKE_STACK_WORDS];
static unsigned char *pds, *locks;
static uint32_t num;
static uint64_t stack_addr, call_nr;
static struct coreleaks_options options;
static struct coreleaks_analysis *analysis;

static uint64_t pd(uint32_t i)
{
	return PDS + (uint64_t)i * PD_SIZE;
}

static void put(unsigned char *at, uint64_t value, size_t size)
{
	memcpy(at, &value, size);
}

static void put_descriptor(uint32_t i)
{
	unsigned char *at = pds + (pd(i) - PDS);
	put(at, pd(i), 8);
	put(at + SELF, pd(i), 8);
	put(at + LIST, pd((i + 1) % num) + LIST, 8);
	put(at + LIST + 8, pd((i + num - 1) % num) + LIST, 8);
	put(at + TID, FIRST_TID + i, 4);
}

static void setup(void)
{
	const char *wanted = getenv("SIZES_NUM");
	num = wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 10) : USUAL_NUM;
	ck_assert_uint_ge(num, 100);
	pds = calloc(1, (size_t)num * PD_SIZE + PD_ROOM);
	locks = calloc(num, LOCK_SIZE);
	ck_assert(pds != NULL && locks != NULL);
	for (uint32_t i = 0; i < num; i++)
		put_descriptor(i);
	fake_core_init(&core);
	memset(words, 0, sizeof(words));
	coreleaks_options_init(&options);
	analysis = NULL;
	stack_addr = FAKE_STACK + 100 * 8;
	call_nr = SYS_futex;
}

static void teardown(void)
{
	coreleaks_close(analysis);
	fake_core_deinit(&core);
	free(pds);
	free(locks);
}

/* A thread in waiter, asleep. futex 0: it runs. */
static void add_thread(uint32_t i, uint64_t futex, uint32_t op, uint32_t value)
{
	struct user_regs_struct regs = {
		.rip = fake_code("waiter_back"),
		.rsp = stack_addr,
		.fs_base = pd(i),
		.orig_rax = futex != 0 ? call_nr : UINT64_MAX,
		.rax = futex != 0 ? (uint64_t)-512 : 0,
		.rdi = futex,
		.rsi = op,
		.rdx = value,
	};
	fake_thread(&core, FIRST_TID + (int32_t)i, 0, &regs);
}

static void join(uint32_t i, uint32_t other)
{
	add_thread(i, pd(other) + TID, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, FIRST_TID + other);
}

static void lock(uint32_t i, uint32_t mutex, uint32_t owner)
{
	unsigned char *at = locks + (size_t)mutex * LOCK_SIZE;
	put(at, 2, 4);
	put(at + OWNER, FIRST_TID + owner, 4);
	put(at + USERS, 1, 4);
	add_thread(i, LOCKS + (uint64_t)mutex * LOCK_SIZE, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2);
}

static bool count(void *data, const char *bytes, size_t size)
{
	*(uint64_t *)data += size + (size > 0 && bytes[0] == '\0');
	return true;
}

static void analyse(void)
{
	words[100] = fake_code("start_ret");
	fake_code_map(&core);
	fake_segment(&core, FAKE_STACK, words, sizeof(words), sizeof(words), PF_R | PF_W);
	fake_segment(&core, PDS, pds, (uint64_t)num * PD_SIZE + PD_ROOM,
		     (uint64_t)num * PD_SIZE + PD_ROOM, PF_R | PF_W);
	fake_segment(&core, LOCKS, locks, (uint64_t)num * LOCK_SIZE, (uint64_t)num * LOCK_SIZE,
		     PF_R | PF_W);
	/* Nor does memory grow so. */
	options.max_memory = ((uint64_t)48 << 20) + (uint64_t)num * 8192;
	struct coreleaks_error *error = coreleaks_open(fake_path(&core), &options, &analysis);
	if (error == NULL)
		error = coreleaks_run(analysis);
	ck_assert_msg(error == NULL, "%s", error != NULL ? error->message : "");
	ck_assert_uint_eq(coreleaks_num_tasks(analysis), num);
}

static void expect_findings(const char *rule, uint32_t expected)
{
	uint32_t found = 0;
	for (uint32_t i = 0; i < coreleaks_num_findings(analysis); i++)
		found += strcmp(coreleaks_finding(analysis, i)->rule, rule) == 0;
	ck_assert_uint_eq(found, expected);
}

/* In every format. */
static void write_all(void)
{
	for (int format = CORELEAKS_FORMAT_TEXT; coreleaks_format_name(format) != NULL; format++) {
		struct coreleaks_write_options write;
		uint64_t size = 0;
		coreleaks_write_options_init(&write);
		write.format = (enum coreleaks_format)format;
		struct coreleaks_error *error = coreleaks_write(analysis, &write, count, &size);
		coreleaks_error_free(error);
		/* All that grows is what is said of each task once. */
		ck_assert_msg(size < (uint64_t)num * 10000 + 1000000, "%s: %llu bytes",
			      coreleaks_format_name(format), (unsigned long long)size);
	}
}

START_TEST(one_circle)
{
	for (uint32_t i = 0; i < num; i++)
		join(i, (i + 1) % num);
	analyse();
	expect_findings("deadlock-cycle", 1);
	write_all();
}
END_TEST

START_TEST(circles_of_two)
{
	for (uint32_t i = 0; i < num; i++)
		join(i, i ^ 1);
	analyse();
	expect_findings("deadlock-cycle", num / 2);
	write_all();
}
END_TEST

/* A long way to a circle, and each of many a short one. */
START_TEST(behind_circles)
{
	join(0, 1);
	join(1, 0);
	for (uint32_t i = 2; i < num / 2; i++)
		join(i, i - 1);
	for (uint32_t i = num / 2; i < num; i++)
		join(i, i % 4 < 2 ? i ^ 1 : i % 4 == 2 ? i - 1 : i + 1 < num ? i - 2 : 0);
	analyse();
	write_all();
}
END_TEST

START_TEST(one_chain)
{
	for (uint32_t i = 0; i + 1 < num; i++)
		join(i, i + 1);
	add_thread(num - 1, 0, 0, 0);
	analyse();
	write_all();
}
END_TEST

START_TEST(one_for_all)
{
	add_thread(0, 0, 0, 0);
	for (uint32_t i = 1; i < num; i++)
		join(i, 0);
	analyse();
	write_all();
}
END_TEST

START_TEST(a_lock_each)
{
	for (uint32_t i = 0; i < num; i++)
		lock(i, i, (i + 1) % num);
	analyse();
	write_all();
}
END_TEST

START_TEST(one_lock)
{
	for (uint32_t i = 0; i < num; i++)
		lock(i, 0, 0);
	analyse();
	write_all();
}
END_TEST

/* Each its own stack: 20 frames, which the bits of its number choose. */
START_TEST(a_stack_each)
{
	enum { NUM_BITS = 20, STACK_WORDS = 128 };
	size_t size = (size_t)num * STACK_WORDS * sizeof(uint64_t);
	const uint64_t callers[] = {fake_code("frameless_ret"), fake_code("noreturn_ret")};
	uint64_t *stacks = calloc(1, size), start = fake_code("start_ret");
	ck_assert_ptr_nonnull(stacks);
	for (uint32_t i = 0; i < num; i++) {
		uint64_t *at = stacks + (size_t)i * STACK_WORDS;
		for (uint32_t bit = 0; bit < NUM_BITS; bit++) {
			uint32_t caller = i >> bit & 1;
			*at = callers[caller];
			at += caller == 0 ? 6 : 4;
		}
		*at = start;
		stack_addr = STACKS + (uint64_t)i * STACK_WORDS * sizeof(uint64_t);
		join(i, i ^ 1);
	}
	fake_segment(&core, STACKS, stacks, size, size, PF_R | PF_W);
	free(stacks);
	analyse();
	ck_assert_uint_eq(coreleaks_num_groups(analysis), num);
	write_all();
}
END_TEST

/* Each in a system call that nobody knows. */
START_TEST(a_call_each)
{
	for (uint32_t i = 0; i < num; i++) {
		call_nr = 100000 + i;
		add_thread(i, LOCKS, 0, 0);
	}
	analyse();
	ck_assert_uint_eq(coreleaks_num_groups(analysis), num);
	write_all();
}
END_TEST

/* A list of as many files, none of which there is. */
START_TEST(a_file_each)
{
	for (uint32_t i = 0; i < num; i++) {
		char path[64];
		snprintf(path, sizeof(path), "/no/such/folder/lib%u.so", i);
		fake_mapping(&core, FILES + i * UINT64_C(4096), FILES + (i + 1) * UINT64_C(4096), 0,
			     path);
		add_thread(i, 0, 0, 0);
	}
	analyse();
	write_all();
}
END_TEST

/* A list that names one goroutine again and again is none of Go's, however long: that is said, and
 * the threads are kept. */
START_TEST(one_goroutine_again)
{
	static struct fake_go go;
	uint64_t *list = calloc(num, sizeof(*list)), size = (uint64_t)num * sizeof(*list);
	ck_assert_ptr_nonnull(list);
	fake_go_init(&go, 27, "go1.27.4");
	fake_go_program(&go);
	for (uint32_t i = 0; i < num; i++)
		list[i] = fake_go_get(&go, fake_go_get(&go, FAKE_GO_ALLGS));
	fake_segment(&go.world.core, FILES, list, size, size, PF_R | PF_W);
	free(list);
	const uint64_t slice[] = {FILES, num, num};
	for (uint64_t i = 0; i < 3; i++)
		fake_go_put(&go, FAKE_GO_ALLGS + 8 * i, slice[i]);
	fake_go_build(&go);
	options.max_memory = (uint64_t)128 << 20;
	struct coreleaks_error *error =
		coreleaks_open(fake_path(&go.world.core), &options, &analysis);
	if (error == NULL)
		error = coreleaks_run(analysis);
	ck_assert_msg(error == NULL, "%s", error != NULL ? error->message : "");
	bool said = false;
	for (uint32_t i = 0; i < coreleaks_num_gaps(analysis); i++)
		said |= strcmp(coreleaks_gap(analysis, i)->kind, "go-layout") == 0 &&
			coreleaks_gap(analysis, i)->incomplete;
	ck_assert(said);
	ck_assert_uint_eq(coreleaks_num_tasks(analysis), go.num_threads);
	fake_go_deinit(&go);
}
END_TEST

/* Each a case of its own: CK_RUN_CASE runs one. */
static void add(Suite *suite, const char *name, const TTest *test)
{
	TCase *tests = tcase_create(name);
	tcase_add_unchecked_fixture(tests, fake_code_setup, fake_code_teardown);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, getenv("SIZES_NUM") != NULL ? 3600 : 60);
	tcase_add_test(tests, test);
	suite_add_tcase(suite, tests);
}

Suite *sizes_suite(void)
{
	Suite *suite = suite_create("sizes");
	add(suite, "one_circle", one_circle);
	add(suite, "circles_of_two", circles_of_two);
	add(suite, "one_chain", one_chain);
	add(suite, "one_for_all", one_for_all);
	add(suite, "a_lock_each", a_lock_each);
	add(suite, "one_lock", one_lock);
	add(suite, "behind_circles", behind_circles);
	add(suite, "a_stack_each", a_stack_each);
	add(suite, "a_call_each", a_call_each);
	add(suite, "a_file_each", a_file_each);
	add(suite, "one_goroutine_again", one_goroutine_again);
	return suite;
}
