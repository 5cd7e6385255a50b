#include "fake_world.h"
#include "reason/futex.h"

#include <check.h>
#include <linux/futex.h>
#include <string.h>

Suite *futex_suite(void);

#define MEMORY	     UINT64_C(0x600000) /* private, readable to its last byte */
#define STACK	     UINT64_C(0x7ffc00000000)
#define LIBC	     UINT64_C(0x7f1000000000)
#define OTHER	     UINT64_C(0x7f2000000000) /* a library of the program's */
#define FIRST_THREAD UINT64_C(0x7f0000001000)

enum {
	MEMORY_SIZE = 0x4000,
	STACK_SIZE = 0x2000,
	LOCK = 0x800, /* where objects stand in the memory */
	TID_OFF = 720,
	FIRST = 100, /* ids of the threads */
	SECOND = 200,
	GONE = 300,
	MAX_TID = 4194304,
	LOCK_PI2 = 13,
	USED = 2, /* PTHREAD_RWLOCK_FUTEX_USED */
};

static struct fake_world world;
static struct image image;
static struct module libraries[2];
static struct modules modules;
static unsigned char memory[MEMORY_SIZE], stack[STACK_SIZE];
static struct nptl_thread threads[4];
static uint32_t by_tid[2];
static struct nptl nptl;
static struct task task;
static struct registers registers;
static const struct wait_hint blocked_hint = {.blocked = true};
static struct futex_wait futex;
static struct wait wait;

/* Two live threads; one that has finished; one in flight. The first of them waits. */
static void setup(void)
{
	memset(memory, 0, sizeof(memory));
	memset(stack, 0, sizeof(stack));
	for (uint32_t i = 0; i < 4; i++)
		threads[i] = (struct nptl_thread){.pd_addr = FIRST_THREAD + i * 0x1000, .task = -1};
	threads[0].tid = FIRST;
	threads[0].task = 0;
	threads[1].tid = SECOND;
	threads[1].task = 1;
	threads[2].life = NPTL_FINISHED;
	threads[3].life = NPTL_IN_FLIGHT;
	threads[3].tid = GONE;
	by_tid[0] = 0;
	by_tid[1] = 1;
	nptl = (struct nptl){
		.present = true,
		.layout = {.tid_off = TID_OFF},
		.threads = {threads, 4, 4},
		.by_tid = by_tid,
		.num_alive = 2,
		.lists_whole = true,
	};
	libraries[0] = (struct module){.name = "libc.so.6", .range = {LIBC, LIBC + 0x1000}};
	libraries[1] = (struct module){.name = "libother.so", .range = {OTHER, OTHER + 0x1000}};
	modules = (struct modules){.list = {libraries, 2, 2}, .main_index = -1};
	registers = (struct registers){0};
	task = (struct task){.sp = STACK + 0x400, .registers = &registers, .hint = &blocked_hint};
	futex = (struct futex_wait){
		.task = &task, .thread = &threads[0], .nptl = &nptl, .addr = MEMORY + LOCK};
}

static void put32(size_t off, uint32_t value)
{
	memcpy(memory + off, &value, sizeof(value));
}

static void put64(size_t off, uint64_t value)
{
	memcpy(memory + off, &value, sizeof(value));
}

/* What a thread waits for with the memory as it stands, and the word read from it. */
static void decode_again(void)
{
	fake_world_init(&world);
	fake_segment(&world.core, MEMORY, memory, sizeof(memory), sizeof(memory), PF_R | PF_W);
	fake_segment(&world.core, STACK, stack, sizeof(stack), sizeof(stack), PF_R | PF_W);
	fake_running_thread(&world.core, FIRST, 0, 0, 0);
	fake_world_open_notes(&world);
	image_init(&image, &world.dump, &modules);
	futex.image = &image;
	futex.word_known = image_read(&image, futex.addr, &futex.word, 4) == 4;
	wait = (struct wait){.holder = -1};
	futex_decode(&futex, &wait);
	fake_world_deinit(&world);
}

static void decode(enum api api, uint32_t op, uint32_t expected)
{
	futex.api = (struct api_frame){.api = api, .glibc = api != API_NONE};
	futex.op = op;
	futex.expected = expected;
	decode_again();
}

static void expect(const char *reason, enum wait_object object, bool certain, uint64_t addr)
{
	ck_assert_str_eq(wait.reason, reason);
	ck_assert_int_eq(wait.object, object);
	ck_assert_int_eq(wait.certain, certain);
	ck_assert_uint_eq(wait.addr, addr);
	ck_assert_uint_eq(wait.futex_addr, futex.addr);
}

static void expect_holder(int32_t tid, int32_t holder)
{
	ck_assert_int_eq(wait.holder_tid, tid);
	ck_assert_int_eq(wait.holder, holder);
}

/* Whatever it is, it may not take part in a proof. */
static void expect_nothing_certain(void)
{
	ck_assert_msg(!wait.certain, "a certain %s", wait.reason);
}

/* ---- Mutexes ----------------------------------------------------------------------------- */

static void put_mutex(uint32_t word, uint32_t owner, uint32_t kind)
{
	put32(LOCK, word);
	put32(LOCK + 4, 1); /* count */
	put32(LOCK + 8, owner);
	put32(LOCK + 12, 1); /* nusers */
	put32(LOCK + 16, kind);
}

START_TEST(mutex_with_its_owner)
{
	static const uint32_t kinds[] = {0, 1, 2, 3, 0x200, 128, 0x3ff};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		put_mutex(2, SECOND, kinds[i]);
		decode(API_MUTEX, FUTEX_WAIT, 2);
		expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
		expect_holder(SECOND, 1);
		ck_assert_uint_eq(wait.mutex_kind, kinds[i]);
		ck_assert(!wait.in_flight && wait.word_known);
	}
	/* A condition's waiter takes its mutex again. */
	decode(API_CONDITION, FUTEX_WAIT, 2);
	expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
	/* pthread_mutex_timedlock */
	decode(API_MUTEX, FUTEX_WAIT_BITSET, 2);
	expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
}
END_TEST

START_TEST(mutex_owner_by_its_id)
{
	put_mutex(2, GONE, 0); /* not alive, though a descriptor in flight has that id */
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
	expect_holder(GONE, -1);
	put_mutex(2, FIRST, 0);
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect_holder(FIRST, 0);
	/* Between pthread_mutex_unlock's two stores. */
	put_mutex(2, 0, 0);
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
	expect_holder(0, -1);
}
END_TEST

START_TEST(mutex_being_handed_over)
{
	for (uint32_t word = 0; word < 2; word++) {
		put_mutex(word, SECOND, 0);
		decode(API_MUTEX, FUTEX_WAIT, 2);
		expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
		ck_assert(wait.in_flight);
	}
}
END_TEST

START_TEST(no_mutex_by_its_fields)
{
	put_mutex(3, SECOND, 0);
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect_nothing_certain();
	put_mutex(2, MAX_TID + 1, 0);
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect_nothing_certain();
	expect_holder(0, -1);
	put_mutex(2, SECOND, 0x400);
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect_nothing_certain();
	put_mutex(2, SECOND, 0);
	decode(API_MUTEX, FUTEX_WAIT, 1);
	expect_nothing_certain();
	decode(API_SEMAPHORE, FUTEX_WAIT, 2);
	expect_nothing_certain();
	ck_assert_int_ne(wait.object, WAIT_MUTEX);
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
}
END_TEST

START_TEST(mutex_whose_memory_is_missing)
{
	put_mutex(2, SECOND, 0);
	futex.addr = MEMORY + MEMORY_SIZE;
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect_nothing_certain();
	ck_assert(!wait.word_known && !wait.in_flight);
	expect_holder(0, -1);
	/* The word is there, its owner is not. */
	futex.addr = MEMORY + MEMORY_SIZE - 8;
	put32(MEMORY_SIZE - 8, 2);
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect_nothing_certain();
	ck_assert(wait.word_known);
}
END_TEST

/* By its shape alone it only looks like one. */
START_TEST(nameless_mutex)
{
	put_mutex(2, SECOND, 0);
	decode(API_NONE, FUTEX_WAIT, 2);
	expect("mutex", WAIT_MUTEX, false, MEMORY + LOCK);
	expect_holder(SECOND, 1);
	put_mutex(2, GONE, 0);
	decode(API_NONE, FUTEX_WAIT, 2);
	expect_nothing_certain();
	put_mutex(2, 0, 0);
	decode(API_NONE, FUTEX_WAIT, 2);
	expect("futex", WAIT_FUTEX, false, MEMORY + LOCK);
}
END_TEST

START_TEST(other_libraries_have_other_layouts)
{
	put_mutex(2, SECOND, 0);
	futex.api =
		(struct api_frame){.api = API_MUTEX, .glibc = false, .what = "std::sync::Mutex"};
	futex.op = FUTEX_WAIT_BITSET;
	futex.expected = 2;
	decode_again();
	ck_assert_str_eq(wait.reason, "mutex");
	ck_assert_str_eq(wait.what, "std::sync::Mutex");
	expect_holder(0, -1);
	ck_assert_uint_eq(wait.mutex_kind, 0);
}
END_TEST

/* ---- Mutexes whose word is their owner ---------------------------------------------------- */

START_TEST(priority_inheriting_mutex)
{
	static const uint32_t ops[] = {FUTEX_LOCK_PI, LOCK_PI2};
	for (size_t i = 0; i < 2; i++) {
		put_mutex(SECOND | FUTEX_WAITERS, SECOND, 32);
		decode(API_MUTEX, ops[i], 0);
		expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
		expect_holder(SECOND, 1);
		ck_assert_uint_eq(wait.mutex_kind, 32);
		ck_assert(!wait.in_flight);
		decode(API_NONE, ops[i], 0); /* the kernel's call says it */
		expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
		put_mutex(GONE | FUTEX_WAITERS, 0, 32);
		decode(API_MUTEX, ops[i], 0);
		expect_holder(GONE, -1);
		/* Another library's lock has no kind: nothing there is believed. */
		put_mutex(SECOND | FUTEX_WAITERS, 0, 0x12345611);
		decode(API_NONE, ops[i], 0);
		expect_holder(SECOND, 1);
		ck_assert_uint_eq(wait.mutex_kind, 32);
	}
}
END_TEST

START_TEST(robust_mutex)
{
	put_mutex(SECOND | FUTEX_WAITERS, SECOND, 16);
	decode(API_MUTEX, FUTEX_WAIT, SECOND | FUTEX_WAITERS);
	expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
	expect_holder(SECOND, 1);
	ck_assert_uint_eq(wait.mutex_kind, 16);
	ck_assert(!wait.in_flight);
	/* Its owner died: the kernel has changed the word and wakes a waiter. */
	put_mutex(FUTEX_OWNER_DIED, SECOND, 16);
	decode(API_MUTEX, FUTEX_WAIT, SECOND | FUTEX_WAITERS);
	ck_assert(wait.in_flight);
	expect_holder(0, -1);
}
END_TEST

START_TEST(no_robust_mutex)
{
	/* Nameless words with the upper bit, and no thread of that id. */
	put32(LOCK, 0x80000000);
	decode(API_NONE, FUTEX_WAIT, 0x80000000); /* std::future */
	expect("futex", WAIT_FUTEX, false, MEMORY + LOCK);
	put32(LOCK, GONE | FUTEX_WAITERS);
	decode(API_NONE, FUTEX_WAIT, GONE | FUTEX_WAITERS);
	expect("futex", WAIT_FUTEX, false, MEMORY + LOCK);
	put32(LOCK, SECOND);
	decode(API_NONE, FUTEX_WAIT, SECOND);
	expect("futex", WAIT_FUTEX, false, MEMORY + LOCK);
	/* Others write an owner's id like that, too; glibc's kind says robust. */
	put_mutex(SECOND | FUTEX_WAITERS, SECOND, 0);
	decode(API_NONE, FUTEX_WAIT, SECOND | FUTEX_WAITERS);
	expect_nothing_certain();
	put_mutex(SECOND | FUTEX_WAITERS, SECOND, 0x410);
	decode(API_NONE, FUTEX_WAIT, SECOND | FUTEX_WAITERS);
	expect_nothing_certain();
	/* A nameless function's lock that has it, too, only looks like one. */
	put_mutex(SECOND | FUTEX_WAITERS, SECOND, 16);
	decode(API_NONE, FUTEX_WAIT, SECOND | FUTEX_WAITERS);
	expect("mutex", WAIT_MUTEX, false, MEMORY + LOCK);
}
END_TEST

/* After EDEADLK glibc waits for ever on a word of its own stack. */
START_TEST(priority_inheriting_mutex_parked)
{
	uint64_t lock_addr = MEMORY + LOCK;
	put_mutex(FIRST | FUTEX_WAITERS, FIRST, 32);
	memcpy(stack + 0x418, &lock_addr, 8);
	memcpy(stack + 0x440, &lock_addr, 8); /* twice is one */
	futex.addr = STACK + 0x40c;
	futex.inner_size = 0x80;
	decode(API_MUTEX, FUTEX_WAIT, 0);
	expect("mutex", WAIT_MUTEX, true, lock_addr);
	expect_holder(FIRST, 0);
	ck_assert_uint_eq(wait.mutex_kind, 32);
	ck_assert(wait.refused);
	memset(stack, 0, sizeof(stack));
	memcpy(stack + 0x480, &lock_addr, 8); /* the caller's frame: any mutex */
	decode(API_MUTEX, FUTEX_WAIT, 0);
	expect_nothing_certain();
	futex.inner_size = 0; /* its frames are not known */
	memcpy(stack + 0x418, &lock_addr, 8);
	decode(API_MUTEX, FUTEX_WAIT, 0);
	expect_nothing_certain();
	registers.values[REGISTER_RBX] = lock_addr;
	decode(API_MUTEX, FUTEX_WAIT, 0);
	expect("mutex", WAIT_MUTEX, true, lock_addr);
	registers.values[REGISTER_RBX] = 0;
	/* glibc 2.36 on x86-64 keeps the address of its kind alone. */
	registers.values[14] = lock_addr + 16;
	decode(API_MUTEX, FUTEX_WAIT, 0);
	expect("mutex", WAIT_MUTEX, true, lock_addr);
	expect_holder(FIRST, 0);
}
END_TEST

/* After ESRCH, too: whatever its type, as nobody is there to hear of an error. */
START_TEST(priority_inheriting_mutex_of_the_dead)
{
	uint64_t lock_addr = MEMORY + LOCK;
	futex.addr = STACK + 0x40c;
	registers.values[REGISTER_RBX] = lock_addr;
	for (uint32_t type = 0; type < 4; type++) {
		put_mutex(GONE, GONE, 32 + type);
		decode(API_MUTEX, FUTEX_WAIT, 0);
		expect("mutex", WAIT_MUTEX, true, lock_addr);
		expect_holder(GONE, -1);
		ck_assert_uint_eq(wait.mutex_kind, 32 + type);
		ck_assert(wait.refused);
		ck_assert(!wait.in_flight);
	}
	/* Who waits in the kernel was not refused. */
	futex.addr = lock_addr;
	put_mutex(GONE | FUTEX_WAITERS, GONE, 32);
	decode(API_MUTEX, FUTEX_LOCK_PI, 0);
	expect("mutex", WAIT_MUTEX, true, lock_addr);
	ck_assert(!wait.refused);
}
END_TEST

START_TEST(not_parked)
{
	uint64_t lock_addr = MEMORY + LOCK;
	futex.addr = STACK + 0x40c;
	registers.values[REGISTER_RBX] = lock_addr;
	static const struct {
		uint32_t word, kind;
	} rows[] = {{FIRST, 0},	    {FIRST, 16}, {0, 32},    {FUTEX_WAITERS, 32},
		    {FIRST, 0x420}, {FIRST, 33}, {FIRST, 34} /* these two get EDEADLK back */};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_mutex(rows[i].word, FIRST, rows[i].kind);
		decode(API_MUTEX, FUTEX_WAIT, 0);
		ck_assert_msg(!wait.certain && !wait.refused, "row %zu", i);
		expect_holder(0, -1);
	}
	put_mutex(FIRST, FIRST, 32);
	decode(API_NONE, FUTEX_WAIT, 0);
	expect_nothing_certain();
	decode(API_MUTEX, FUTEX_WAIT, 1); /* it parks on a word of 0 */
	expect_nothing_certain();
	/* Two of them in sight: which? */
	memcpy(memory + 0x900, memory + LOCK, 40);
	registers.values[12] = MEMORY + 0x900;
	decode(API_MUTEX, FUTEX_WAIT, 0);
	expect_nothing_certain();
	registers.values[12] = 0;
	/* A word of the heap is no word of the stack. */
	futex.addr = MEMORY + 0x1000;
	decode(API_MUTEX, FUTEX_WAIT, 0);
	expect_nothing_certain();
	futex.addr = STACK + 0x40c;
	decode(API_MUTEX, FUTEX_WAIT, 0);
	expect("mutex", WAIT_MUTEX, true, lock_addr);
}
END_TEST

/* ---- Threads, conditions, files ---------------------------------------------------------- */

START_TEST(join_of_any_descriptor)
{
	static const int32_t tids[] = {FIRST, SECOND, 0, GONE};
	for (int32_t i = 0; i < 4; i++) {
		futex.addr = threads[i].pd_addr + TID_OFF;
		decode(i % 2 == 0 ? API_JOIN : API_NONE, FUTEX_WAIT_BITSET, (uint32_t)tids[i]);
		expect("join", WAIT_THREAD, true, threads[i].pd_addr);
		expect_holder(tids[i], i);
		ck_assert(!wait.word_known); /* no memory there in this core */
	}
	futex.addr = threads[1].pd_addr + TID_OFF + 4;
	decode(API_JOIN, FUTEX_WAIT_BITSET, SECOND);
	expect_nothing_certain();
	futex.addr = threads[1].pd_addr + TID_OFF;
	nptl.present = false;
	decode(API_JOIN, FUTEX_WAIT_BITSET, SECOND);
	expect_nothing_certain();
	expect_holder(0, -1);
}
END_TEST

/* The cleanup buffer {routine, argument}, and the argument {wseq, condition, mutex}. */
static void put_cleanup(uint64_t routine, uint64_t cond)
{
	threads[0].cleanup_addr = MEMORY + 0x100;
	put64(0x100, routine);
	put64(0x108, MEMORY + 0x200);
	put64(0x200, 1);
	put64(0x208, cond);
	put64(0x210, MEMORY + 0xc00);
}

START_TEST(condition_with_its_mutex)
{
	for (uint64_t into = 20; into < 56; into += 4) {
		put_cleanup(LIBC + 0x10, MEMORY + LOCK - into);
		for (int named = 0; named < 2; named++) {
			decode(named ? API_CONDITION : API_NONE, FUTEX_WAIT_BITSET, 0);
			if (into >= 28 && into < 48) {
				expect("condition", WAIT_CONDITION, true, MEMORY + LOCK - into);
				ck_assert_uint_eq(wait.mutex_addr, MEMORY + 0xc00);
				expect_holder(0, -1);
			} else {
				ck_assert_msg(wait.addr != MEMORY + LOCK - into, "%llu",
					      (unsigned long long)into);
				ck_assert_uint_eq(wait.mutex_addr, 0);
				expect_nothing_certain();
			}
		}
	}
}
END_TEST

START_TEST(no_condition_by_its_buffer)
{
	static const struct {
		uint64_t routine, cleanup_addr, arg;
	} rows[] = {
		{MEMORY, MEMORY + 0x100, MEMORY + 0x200},	/* no code */
		{OTHER + 0x10, MEMORY + 0x100, MEMORY + 0x200}, /* the program's own handler */
		{LIBC + 0x10, 0, MEMORY + 0x200},
		{LIBC + 0x10, 1, MEMORY + 0x200},
		{LIBC + 0x10, MEMORY + 0x100, 0},
		{LIBC + 0x10, MEMORY + 0x100, UINT64_MAX - 7},
		{LIBC + 0x10, MEMORY + MEMORY_SIZE - 8, MEMORY + 0x200},
		{LIBC + 0x10, MEMORY + 0x100, MEMORY + MEMORY_SIZE - 16},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_cleanup(rows[i].routine, MEMORY + LOCK - 40);
		put64(MEMORY_SIZE - 8, MEMORY + LOCK - 40);
		threads[0].cleanup_addr = rows[i].cleanup_addr;
		put64(0x108, rows[i].arg);
		decode(API_NONE, FUTEX_WAIT_BITSET, 0);
		ck_assert_msg(!wait.certain && wait.object != WAIT_CONDITION, "row %zu", i);
		ck_assert_uint_eq(wait.mutex_addr, 0);
	}
	put_cleanup(LIBC + 0x10, MEMORY + LOCK - 40);
	futex.thread = NULL;
	decode(API_CONDITION, FUTEX_WAIT_BITSET, 0);
	expect("condition", WAIT_CONDITION, false, MEMORY + LOCK);
}
END_TEST

/* pthread_cleanup_push(unlock, queue) around pthread_mutex_lock(&queue->lock). */
START_TEST(cleanup_of_the_program_hides_no_mutex)
{
	put_mutex(2, SECOND, 0);
	put_cleanup(LIBC + 0x10, MEMORY + LOCK - 32);
	decode(API_MUTEX, FUTEX_WAIT, 2);
	expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
	expect_holder(SECOND, 1);
}
END_TEST

START_TEST(file_lock_with_its_owner)
{
	put32(LOCK, 2);
	put32(LOCK + 4, 1);
	put64(LOCK + 8, threads[1].pd_addr);
	decode(API_FILE_LOCK, FUTEX_WAIT, 2);
	expect("mutex", WAIT_MUTEX, true, MEMORY + LOCK);
	expect_holder(SECOND, 1);
	ck_assert_ptr_nonnull(wait.what);
	put64(LOCK + 8, threads[1].pd_addr + 8);
	decode(API_FILE_LOCK, FUTEX_WAIT, 2);
	expect_holder(0, -1);
	put64(LOCK + 8, 0);
	decode(API_FILE_LOCK, FUTEX_WAIT, 2);
	expect_holder(0, -1);
	decode(API_FILE_LOCK, FUTEX_WAIT, 1);
	expect_nothing_certain();
}
END_TEST

/* ---- Read-write locks, semaphores, barriers ----------------------------------------------- */

static void put_rwlock(uint32_t wrphase, uint32_t writers_futex, uint32_t owner)
{
	put32(LOCK, 0x0a);  /* readers */
	put32(LOCK + 4, 0); /* writers */
	put32(LOCK + 8, wrphase);
	put32(LOCK + 12, writers_futex);
	put32(LOCK + 24, owner);
	put32(LOCK + 28, 0); /* shared */
	put32(LOCK + 48, 0); /* flags */
}

START_TEST(rwlock_by_either_word)
{
	static const struct {
		enum api api;
		uint32_t word_off, expected;
		const char *reason;
	} rows[] = {
		{API_RWLOCK_READ, 8, 1 | USED, "rwlock-read"},
		{API_RWLOCK_READ, 12, 1 | USED, "rwlock-read"},
		{API_RWLOCK_WRITE, 8, 0 | USED, "rwlock-write"},
		{API_RWLOCK_WRITE, 12, 1 | USED, "rwlock-write"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint32_t flags = 0; flags < 3; flags++) {
			put_rwlock(rows[i].expected, rows[i].expected, SECOND);
			put32(LOCK + 48, flags);
			futex.addr = MEMORY + LOCK + rows[i].word_off;
			decode(rows[i].api, FUTEX_WAIT_BITSET, rows[i].expected);
			expect(rows[i].reason, WAIT_RWLOCK, true, MEMORY + LOCK);
			expect_holder(SECOND, 1);
			ck_assert(!wait.in_flight);
		}
	}
}
END_TEST

START_TEST(rwlock_holders)
{
	futex.addr = MEMORY + LOCK + 12;
	put_rwlock(0, 1 | USED, 0); /* readers have it: nobody knows who */
	decode(API_RWLOCK_WRITE, FUTEX_WAIT_BITSET, 1 | USED);
	expect("rwlock-write", WAIT_RWLOCK, true, MEMORY + LOCK);
	expect_holder(0, -1);
	put_rwlock(0, 1 | USED, GONE);
	decode(API_RWLOCK_WRITE, FUTEX_WAIT_BITSET, 1 | USED);
	expect("rwlock-write", WAIT_RWLOCK, true, MEMORY + LOCK);
	expect_holder(GONE, -1);
	put_rwlock(0, 0, SECOND);
	decode(API_RWLOCK_WRITE, FUTEX_WAIT_BITSET, 1 | USED);
	ck_assert(wait.in_flight);
}
END_TEST

static void expect_counts(uint32_t num_readers, bool write_locked)
{
	ck_assert(wait.rwlock.known);
	ck_assert_uint_eq(wait.rwlock.num_readers, num_readers);
	ck_assert_int_eq(wait.rwlock.write_locked, write_locked);
}

/* The states of nptl/pthread_rwlock_common.c by the first word: readers << 3, 4 readers wait
 * behind a writer, 2 a writer, 1 in a write phase. */
START_TEST(rwlock_counts)
{
	static const struct {
		uint32_t word, num_readers;
		bool write_locked;
	} rows[] = {
		{0, 0, false},
		{1 << 3, 1, false},
		{5 << 3 | 2, 5, false},
		{2 << 3 | 6, 2, false},
		{1, 0, false},
		{3 << 3 | 1, 0, false},
		{3, 0, true},
		{7 << 3 | 3, 0, true},
		{UINT32_MAX & ~3u, 0x1fffffff, false},
	};
	futex.addr = MEMORY + LOCK + 12;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_rwlock(0, 1 | USED, 0);
		put32(LOCK, rows[i].word);
		decode(API_RWLOCK_WRITE, FUTEX_WAIT_BITSET, 1 | USED);
		expect("rwlock-write", WAIT_RWLOCK, true, MEMORY + LOCK);
		expect_counts(rows[i].num_readers, rows[i].write_locked);
	}
	/* What only looks like one counts nothing. */
	put_rwlock(0, 1 | USED, SECOND);
	decode(API_NONE, FUTEX_WAIT_BITSET, 1 | USED);
	ck_assert_int_eq(wait.object, WAIT_RWLOCK);
	ck_assert(!wait.rwlock.known);
}
END_TEST

/* Readers behind a writer that goes first sleep on the first word. */
START_TEST(rwlock_queue)
{
	put_rwlock(0, 1 | USED, 0);
	put32(LOCK, 2 << 3 | 6);
	decode(API_RWLOCK_READ, FUTEX_WAIT_BITSET, 2 << 3 | 6);
	expect("rwlock-read", WAIT_RWLOCK, true, MEMORY + LOCK);
	expect_counts(2, false);
	expect_holder(0, -1);
	static const uint32_t others[] = {6, 2 << 3 | 2, 2 << 3 | 4, 2 << 3 | 7, 2 << 3};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		put32(LOCK, others[i]);
		decode(API_RWLOCK_READ, FUTEX_WAIT_BITSET, others[i]);
		expect_nothing_certain();
		ck_assert(!wait.rwlock.known);
	}
}
END_TEST

/* Rust's: readers sleep on its state, writers on the word behind it. */
START_TEST(rust_rwlock)
{
	static const struct {
		uint32_t state, num_readers;
		bool write_locked;
	} rows[] = {
		{3, 3, false},
		{1u << 31 | 1u << 30 | 5, 5, false},
		{1u << 31 | 0x3fffffff, 0, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put32(LOCK, rows[i].state);
		futex.api =
			(struct api_frame){.api = API_RWLOCK_WRITE, .what = "std::sync::RwLock"};
		futex.op = FUTEX_WAIT_BITSET;
		futex.addr = MEMORY + LOCK + 4;
		decode_again();
		expect("rwlock-write", WAIT_RWLOCK, true, MEMORY + LOCK);
		expect_counts(rows[i].num_readers, rows[i].write_locked);
		futex.api.api = API_RWLOCK_READ;
		futex.addr = MEMORY + LOCK;
		decode_again();
		expect("rwlock-read", WAIT_RWLOCK, true, MEMORY + LOCK);
		expect_counts(rows[i].num_readers, rows[i].write_locked);
	}
}
END_TEST

START_TEST(nameless_rwlock)
{
	put_rwlock(1 | USED, 1 | USED, SECOND);
	futex.addr = MEMORY + LOCK + 8;
	decode(API_NONE, FUTEX_WAIT_BITSET, 1 | USED);
	expect("rwlock-read", WAIT_RWLOCK, false, MEMORY + LOCK);
	expect_holder(SECOND, 1);
	futex.addr = MEMORY + LOCK + 12;
	decode(API_NONE, FUTEX_WAIT_BITSET, 1 | USED);
	expect("rwlock-write", WAIT_RWLOCK, false, MEMORY + LOCK);
	put_rwlock(1 | USED, 1 | USED, GONE);
	decode(API_NONE, FUTEX_WAIT_BITSET, 1 | USED);
	ck_assert_int_ne(wait.object, WAIT_RWLOCK);
}
END_TEST

START_TEST(no_rwlock_by_its_fields)
{
	static const struct {
		uint32_t off, value;
	} rows[] = {{28, 2}, {40, 1}, {48, 3}, {24, MAX_TID + 1}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint32_t off = 8; off <= 12; off += 4) {
			put_rwlock(1 | USED, 1 | USED, SECOND);
			put32(LOCK + 40, 0);
			put32(LOCK + rows[i].off, rows[i].value);
			futex.addr = MEMORY + LOCK + off;
			decode(API_RWLOCK_READ, FUTEX_WAIT_BITSET, 1 | USED);
			ck_assert_msg(!wait.certain, "row %zu", i);
			expect_holder(0, -1);
		}
	}
	memset(memory, 0, sizeof(memory));
	put_rwlock(1 | USED, 4, SECOND);
	futex.addr = MEMORY + LOCK + 12;
	decode(API_RWLOCK_WRITE, FUTEX_WAIT_BITSET, 4);
	expect_nothing_certain();
	/* Its end is not in the core. */
	futex.addr = MEMORY + MEMORY_SIZE - 40;
	put32(MEMORY_SIZE - 40, 1 | USED);
	decode(API_RWLOCK_READ, FUTEX_WAIT_BITSET, 1 | USED);
	expect_nothing_certain();
}
END_TEST

/* Without names, what stands amid zeros must not look like a read-write lock. */
START_TEST(zeros_are_no_rwlock)
{
	put_mutex(2, SECOND, 0);
	decode(API_NONE, FUTEX_WAIT, 2);
	ck_assert_int_eq(wait.object, WAIT_MUTEX);
	memset(memory, 0, sizeof(memory));
	put32(LOCK + 4, 1); /* a semaphore with one waiter */
	decode(API_NONE, FUTEX_WAIT_BITSET, 0);
	ck_assert_int_eq(wait.object, WAIT_SEMAPHORE);
}
END_TEST

START_TEST(semaphore)
{
	static const struct {
		uint32_t value, num_waiters, private_flag, expected;
		bool fits;
	} rows[] = {
		{0, 1, 0, 0, true},	  {0, 5, 128, 0, true},
		{0, MAX_TID, 0, 0, true}, {1, 1, 0, 0, true}, /* posted just now */
		{0, 0, 0, 0, false},	  {0, 1, 1, 0, false},
		{0, 1, 0, 1, false},	  {0, MAX_TID + 1, 0, 0, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put32(LOCK, rows[i].value);
		put32(LOCK + 4, rows[i].num_waiters);
		put32(LOCK + 8, rows[i].private_flag);
		decode(API_SEMAPHORE, FUTEX_WAIT_BITSET, rows[i].expected);
		ck_assert_msg(wait.certain == rows[i].fits, "row %zu", i);
		ck_assert_int_eq(wait.in_flight, rows[i].value != rows[i].expected);
		expect("semaphore", WAIT_SEMAPHORE, rows[i].fits, MEMORY + LOCK);
		expect_holder(0, -1);
	}
	decode(API_NONE, FUTEX_WAIT, 0);
	ck_assert_int_eq(wait.object, WAIT_FUTEX);
}
END_TEST

START_TEST(barrier)
{
	static const struct {
		uint32_t in, current, count;
		bool fits;
	} rows[] = {
		{1, 0, 2, true},  {7, 6, 2, true},
		{6, 6, 2, true},  {5, 6, 2, false}, /* fewer came in than rounds are over */
		{1, 0, 0, false},
	};
	futex.addr = MEMORY + LOCK + 4;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put32(LOCK, rows[i].in);
		put32(LOCK + 4, rows[i].current);
		put32(LOCK + 8, rows[i].count);
		decode(API_BARRIER, FUTEX_WAIT, rows[i].current);
		ck_assert_msg(wait.certain == rows[i].fits, "row %zu", i);
		ck_assert_int_eq(wait.object, WAIT_BARRIER);
		if (rows[i].fits)
			ck_assert_uint_eq(wait.addr, MEMORY + LOCK);
	}
	put32(LOCK, 1);
	put32(LOCK + 4, 0);
	put32(LOCK + 8, 2);
	decode(API_NONE, FUTEX_WAIT, 0);
	ck_assert_int_ne(wait.object, WAIT_BARRIER);
}
END_TEST

/* ---- By the name alone -------------------------------------------------------------------- */

START_TEST(words_by_name)
{
	static const struct {
		enum api api;
		const char *reason;
		enum wait_object object;
		bool certain; /* the word lies in the object itself */
	} rows[] = {
		{API_NONE, "futex", WAIT_FUTEX, false},
		{API_MUTEX, "mutex", WAIT_MUTEX, true},
		{API_CONDITION, "condition", WAIT_CONDITION, true},
		{API_RWLOCK_READ, "rwlock-read", WAIT_RWLOCK, true},
		{API_RWLOCK_WRITE, "rwlock-write", WAIT_RWLOCK, true},
		{API_SEMAPHORE, "semaphore", WAIT_SEMAPHORE, true},
		{API_BARRIER, "barrier", WAIT_BARRIER, false},
		{API_LATCH, "barrier", WAIT_BARRIER, true},
		{API_ONCE, "once", WAIT_ONCE, true},
		{API_GUARD, "once", WAIT_ONCE, true},
		{API_ATOMIC, "atomic", WAIT_FUTEX, false},
		{API_FUTURE, "atomic", WAIT_FUTEX, true},
		{API_PARK, "park", WAIT_FUTEX, true},
	};
	memset(memory, 0x55, sizeof(memory));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		futex.api = (struct api_frame){.api = rows[i].api, .what = "some::Type"};
		futex.op = FUTEX_WAIT;
		futex.expected = 0x55555555;
		decode_again();
		expect(rows[i].reason, rows[i].object, rows[i].certain, MEMORY + LOCK);
		ck_assert_pstr_eq(wait.what, rows[i].api != API_NONE ? "some::Type" : NULL);
		expect_holder(0, -1);
		ck_assert(!wait.in_flight);
	}
}
END_TEST

/* Any word, any operation, anything around: nothing is read out of bounds, nobody is named who
 * is not there. */
START_TEST(hostile_values)
{
	static const uint64_t addrs[] = {0,
					 1,
					 4,
					 MEMORY,
					 MEMORY + 1,
					 MEMORY + 7,
					 MEMORY + 0x3ff9,
					 UINT64_MAX,
					 UINT64_MAX - 3,
					 STACK,
					 (uint64_t)1 << 63};
	static const uint8_t fills[] = {0xff, 2};
	for (size_t fill = 0; fill < sizeof(fills); fill++) {
		memset(memory, fills[fill], sizeof(memory));
		memset(stack, fills[fill], sizeof(stack));
		for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
			for (uint32_t api = API_NONE; api <= API_LATCH; api++) {
				threads[0].cleanup_addr = addrs[api % 11];
				task.sp = addrs[(api + i) % 11];
				futex.addr = addrs[i];
				decode((enum api)api, i % 2 ? FUTEX_WAIT : FUTEX_LOCK_PI,
				       fills[fill] * UINT32_C(0x01010101));
				ck_assert_int_ge(wait.holder, -1);
				ck_assert_int_lt(wait.holder, 4);
				ck_assert_int_ge(wait.holder_tid, 0);
				ck_assert_ptr_nonnull(wait.reason);
			}
		}
	}
}
END_TEST

static TCase *owners_case(void)
{
	TCase *tests = tcase_create("owners");
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, mutex_with_its_owner);
	tcase_add_test(tests, mutex_owner_by_its_id);
	tcase_add_test(tests, mutex_being_handed_over);
	tcase_add_test(tests, no_mutex_by_its_fields);
	tcase_add_test(tests, mutex_whose_memory_is_missing);
	tcase_add_test(tests, nameless_mutex);
	tcase_add_test(tests, other_libraries_have_other_layouts);
	tcase_add_test(tests, priority_inheriting_mutex);
	tcase_add_test(tests, robust_mutex);
	tcase_add_test(tests, no_robust_mutex);
	tcase_add_test(tests, priority_inheriting_mutex_parked);
	tcase_add_test(tests, priority_inheriting_mutex_of_the_dead);
	tcase_add_test(tests, not_parked);
	tcase_add_test(tests, join_of_any_descriptor);
	tcase_add_test(tests, file_lock_with_its_owner);
	return tests;
}

static TCase *others_case(void)
{
	TCase *tests = tcase_create("others");
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, condition_with_its_mutex);
	tcase_add_test(tests, no_condition_by_its_buffer);
	tcase_add_test(tests, cleanup_of_the_program_hides_no_mutex);
	tcase_add_test(tests, rwlock_by_either_word);
	tcase_add_test(tests, rwlock_holders);
	tcase_add_test(tests, rwlock_counts);
	tcase_add_test(tests, rwlock_queue);
	tcase_add_test(tests, rust_rwlock);
	tcase_add_test(tests, nameless_rwlock);
	tcase_add_test(tests, no_rwlock_by_its_fields);
	tcase_add_test(tests, zeros_are_no_rwlock);
	tcase_add_test(tests, semaphore);
	tcase_add_test(tests, barrier);
	tcase_add_test(tests, words_by_name);
	tcase_add_test(tests, hostile_values);
	return tests;
}

Suite *futex_suite(void)
{
	Suite *suite = suite_create("futex");
	suite_add_tcase(suite, owners_case());
	suite_add_tcase(suite, others_case());
	return suite;
}
