#include "fake_world.h"
#include "reason/syscalls.h"
#include "reason/waits.h"

#include <check.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>

Suite *waits_suite(void);

enum { MAX_TASKS = 64 };

static struct arena arena;
static struct tasks tasks;
static struct stacks stacks;
static struct coreleaks_stack no_stack;
static const char *no_callee;
static struct nptl nptl;
static struct modules modules;
static struct image image;
static struct waits waits;
static uint32_t stack_by_task[MAX_TASKS];
static int32_t thread_by_task[MAX_TASKS];
static int32_t interrupted_by_task[MAX_TASKS];

static void setup(void)
{
	arena_init(&arena, 0);
	memset(&tasks, 0, sizeof(tasks));
	memset(&nptl, 0, sizeof(nptl));
	memset(&modules, 0, sizeof(modules));
	memset(&image, 0, sizeof(image));
	memset(&waits, 0, sizeof(waits));
	for (int i = 0; i < MAX_TASKS; i++)
		thread_by_task[i] = interrupted_by_task[i] = -1;
	nptl.by_task = thread_by_task;
	stacks = (struct stacks){.by_task = stack_by_task,
				 .interrupted_by_task = interrupted_by_task};
	stacks.list.items = &no_stack;
	stacks.list.num = 1;
	stacks.callees = &no_callee;
	image.modules = &modules;
}

static void teardown(void)
{
	arena_deinit(&arena);
}

static const struct registers no_registers;

static struct wait_hint *add(int32_t nr, bool blocked)
{
	struct wait_hint *hint = arena_alloc(&arena, sizeof(*hint));
	struct task *task = array_add(&arena, &tasks.list);
	*hint = (struct wait_hint){.syscall_nr = nr, .blocked = blocked};
	*task = (struct task){
		.kind = CORELEAKS_KIND_THREAD,
		.state = blocked ? CORELEAKS_STATE_WAITING : CORELEAKS_STATE_RUNNING,
		.registers = &no_registers,
		.hint = hint,
	};
	return hint;
}

static const struct wait *build(void)
{
	static const struct dump empty;
	image.dump = &empty;
	waits_build(&waits, &arena, &tasks, &nptl, &stacks, &image);
	struct wait *result = arena_alloc_array(&arena, tasks.list.num, sizeof(*result));
	for (uint32_t i = 0; i < tasks.list.num; i++)
		result[i] = *waits.by_task[i];
	return result;
}

/* The words of formats.md, section 2, and the argument that is a file descriptor. */
static const struct {
	int32_t nr;
	const char *reason;
	int fd_arg;
} rows[] = {
	{SYS_nanosleep, "sleep", -1},
	{SYS_clock_nanosleep, "sleep", -1},
	{SYS_epoll_wait, "epoll", 0},
	{SYS_epoll_pwait, "epoll", 0},
	{SYS_epoll_pwait2, "epoll", 0},
	{SYS_poll, "poll", -1},
	{SYS_ppoll, "poll", -1},
	{SYS_select, "select", -1},
	{SYS_pselect6, "select", -1},
	{SYS_read, "read", 0},
	{SYS_readv, "read", 0},
	{SYS_pread64, "read", 0},
	{SYS_write, "write", 0},
	{SYS_writev, "write", 0},
	{SYS_pwrite64, "write", 0},
	{SYS_accept, "accept", 0},
	{SYS_accept4, "accept", 0},
	{SYS_connect, "connect", 0},
	{SYS_recvfrom, "recv", 0},
	{SYS_recvmsg, "recv", 0},
	{SYS_sendto, "send", 0},
	{SYS_sendmsg, "send", 0},
	{SYS_wait4, "wait-child", -1},
	{SYS_waitid, "wait-child", -1},
	{SYS_rt_sigsuspend, "signal", -1},
	{SYS_rt_sigtimedwait, "signal", -1},
	{SYS_flock, "flock", 0},
	{SYS_msgrcv, "message-queue", -1},
	{SYS_mq_timedreceive, "message-queue", 0},
	{SYS_io_uring_enter, "io-uring", 0},
	{SYS_pause, "pause", -1},
	{SYS_ioctl, "syscall:ioctl", 0},
};

START_TEST(words)
{
	enum { NUM = sizeof(rows) / sizeof(rows[0]) };
	for (int i = 0; i < NUM; i++)
		add(rows[i].nr, true)->args[0] = 7;
	const struct wait *wait = build();
	for (int i = 0; i < NUM; i++) {
		ck_assert_msg(wait[i].reason != NULL && strcmp(wait[i].reason, rows[i].reason) == 0,
			      "system call %d: %s", rows[i].nr,
			      wait[i].reason != NULL ? wait[i].reason : "NULL");
		bool is_fd = wait[i].object == WAIT_FD && wait[i].addr == 7 && wait[i].certain;
		ck_assert_msg(is_fd == (rows[i].fd_arg == 0), "fd of system call %d", rows[i].nr);
	}
}
END_TEST

/* Not asleep is running, whatever call it last made. */
START_TEST(running)
{
	add(-1, false);
	add(SYS_futex, false);
	const struct wait *wait = build();
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(wait[i].reason, "running");
		ck_assert_int_eq(wait[i].object, WAIT_NO_OBJECT);
		ck_assert_int_eq(wait[i].holder, -1);
	}
}
END_TEST

START_TEST(calls_without_a_word)
{
	add(SYS_fsync, true);
	add(100000, true);
	add(INT32_MAX, true);
	const struct wait *wait = build();
	ck_assert_int_eq(strncmp(wait[0].reason, "syscall:", 8), 0);
	ck_assert_int_eq(strncmp(wait[1].reason, "syscall:", 8), 0);
	ck_assert_str_ne(wait[0].reason, wait[1].reason);
	ck_assert_int_eq(strncmp(wait[2].reason, "syscall:", 8), 0);
}
END_TEST

/* "Do not claim sleeping from restart_syscall alone." */
START_TEST(restarted_call_is_unknown)
{
	add(SYS_restart_syscall, true);
	ck_assert_ptr_null(build()[0].reason);
}
END_TEST

START_TEST(timeouts_are_told)
{
	struct wait_hint *hint = add(SYS_poll, true);
	hint->args[2] = 2500;
	add(SYS_poll, true)->args[2] = (uint32_t)-1;
	/* A pointer to what is not in the core: there is a limit, whatever it is. */
	add(SYS_ppoll, true)->args[2] = 0x1000;
	add(SYS_ppoll, true);
	add(SYS_nanosleep, true);
	const struct wait *wait = build();
	ck_assert_int_eq(wait[0].clock, WAIT_REMAINING);
	ck_assert_int_eq(wait[0].timeout_ns, INT64_C(2500000000));
	ck_assert_int_eq(wait[1].clock, WAIT_FOREVER);
	ck_assert_int_eq(wait[2].clock, WAIT_REMAINING);
	ck_assert_int_eq(wait[2].timeout_ns, 0);
	ck_assert_int_eq(wait[3].clock, WAIT_FOREVER);
	ck_assert_int_eq(wait[4].clock, WAIT_REMAINING);
}
END_TEST

/* The clock of a futex's limit follows from its operation. */
START_TEST(futex_clocks)
{
	static const struct {
		uint64_t op;
		enum wait_clock clock;
	} ops[] = {
		{FUTEX_WAIT, WAIT_REMAINING},
		{FUTEX_WAIT_BITSET, WAIT_UNTIL_MONOTONIC},
		{FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, WAIT_UNTIL_REALTIME},
		{FUTEX_LOCK_PI, WAIT_UNTIL_REALTIME},
	};
	enum { NUM = sizeof(ops) / sizeof(ops[0]) };
	for (int i = 0; i < NUM; i++) {
		struct wait_hint *hint = add(SYS_futex, true);
		hint->args[0] = 0x5000;
		hint->args[1] = ops[i].op | FUTEX_PRIVATE_FLAG;
		hint->args[3] = 0x6000;
	}
	add(SYS_futex, true)->args[0] = 0x5000;
	const struct wait *wait = build();
	for (int i = 0; i < NUM; i++) {
		ck_assert_int_eq(wait[i].clock, ops[i].clock);
		ck_assert_uint_eq(wait[i].futex_addr, 0x5000);
		ck_assert(!wait[i].word_known && !wait[i].in_flight);
	}
	ck_assert_int_eq(wait[NUM].clock, WAIT_FOREVER);
}
END_TEST

/* ---- Below a signal handler ---- */

static struct coreleaks_frame handler_frames[4];
static struct coreleaks_stack handler_stack;
static struct interrupted interrupted;

/* A task that pauses in a handler, above a function of glibc. */
static struct interruption *add_interrupted(const char *function)
{
	handler_frames[0] = (struct coreleaks_frame){.function = "on_signal", .module = "worker"};
	handler_frames[1] = (struct coreleaks_frame){.signal = true, .module = "libc.so.6"};
	handler_frames[2] = (struct coreleaks_frame){.function = function, .module = "libc.so.6"};
	handler_frames[3] = (struct coreleaks_frame){.function = "main", .module = "worker"};
	handler_stack = (struct coreleaks_stack){.frames = handler_frames, .num_frames = 4};
	stacks.list.items = &handler_stack;
	add(SYS_pause, true);
	interrupted = (struct interrupted){
		.interruption = {.depth = 1, .known = true, .hint = {.blocked = true}}};
	stacks.interrupted.items = &interrupted;
	stacks.interrupted.num = 1;
	interrupted_by_task[0] = 0;
	return &interrupted.interruption;
}

START_TEST(interrupted_wait)
{
	struct interruption *was = add_interrupted("read");
	was->hint.syscall_nr = SYS_read;
	was->hint.args[0] = 5;
	const struct wait *wait = build();
	ck_assert_str_eq(wait->reason, "pause");
	ck_assert_int_eq(wait->object, WAIT_NO_OBJECT);
	ck_assert_str_eq(waits.interrupted[0].reason, "read");
	ck_assert_int_eq(waits.interrupted[0].object, WAIT_FD);
	ck_assert_uint_eq(waits.interrupted[0].addr, 5);
	ck_assert_int_eq(waits.interrupted[0].holder, -1);
}
END_TEST

/* _i: whether it can be told at all */
START_TEST(interrupted_without_a_wait)
{
	struct interruption *was = add_interrupted("read");
	was->hint = (struct wait_hint){.syscall_nr = -1};
	was->known = _i != 0;
	ck_assert_str_eq(build()->reason, "pause");
	if (_i != 0)
		ck_assert_str_eq(waits.interrupted[0].reason, "running");
	else
		ck_assert_ptr_null(waits.interrupted[0].reason);
	ck_assert_int_eq(waits.interrupted[0].object, WAIT_NO_OBJECT);
}
END_TEST

static const struct {
	const char *function, *callee, *reason;
} named_calls[] = {
	{"recvfrom", NULL, "recv"},
	{"__libc_recvfrom", NULL, "recv"},
	{"__GI___libc_recvfrom", NULL, "recv"},
	{"recvfrom@@GLIBC_2.2.5", NULL, "recv"},
	{"__GI___clock_nanosleep", NULL, "sleep"},
	{"epoll_wait", "poll", "epoll"},
	{NULL, "epoll_wait", "epoll"},
	{"pthread_cond_timedwait", NULL, "condition"},
	{NULL, "sem_timedwait", "semaphore"},
	{"epoll_ctl", NULL, NULL},
	{"xread", NULL, NULL},
	{NULL, NULL, NULL},
};

/* The number of the call is lost, the name of the function is not. */
START_TEST(interrupted_call_by_name)
{
	struct interruption *was = add_interrupted(named_calls[_i].function);
	was->hint.syscall_nr = -1;
	was->hint.args[0] = 0x5000;
	interrupted.callee = named_calls[_i].callee;
	build();
	const char *reason = waits.interrupted[0].reason;
	ck_assert_msg(named_calls[_i].reason == NULL
			      ? reason == NULL
			      : reason != NULL && strcmp(reason, named_calls[_i].reason) == 0,
		      "%d: %s", _i, reason != NULL ? reason : "NULL");
}
END_TEST

/* Names above the signal are the handler's, and those of the program are its own. */
START_TEST(interrupted_call_by_no_name)
{
	struct interruption *was = add_interrupted(NULL);
	was->hint.syscall_nr = -1;
	handler_frames[0] = (struct coreleaks_frame){.function = "read", .module = "libc.so.6"};
	handler_frames[2].module = "worker";
	handler_frames[2].function = "poll";
	handler_frames[3] = (struct coreleaks_frame){.function = "read", .module = "libc.so.6"};
	build();
	ck_assert_ptr_null(waits.interrupted[0].reason);
}
END_TEST

enum { MEMORY = 0x6000, LIBC = 0x9000, NUM_WORDS = 512 };

static struct fake_world world;
static uint64_t memory[NUM_WORDS];
static struct module libc_module;

/* The interrupted wait with the memory as it stands. */
static const struct wait *build_with_memory(void)
{
	fake_world_init(&world);
	fake_segment(&world.core, MEMORY, memory, sizeof(memory), sizeof(memory), PF_R | PF_W);
	fake_running_thread(&world.core, 1, 0, 0, 0);
	fake_world_open_notes(&world);
	libc_module = (struct module){.name = "libc.so.6", .range = {LIBC, LIBC + 0x1000}};
	modules = (struct modules){.list = {&libc_module, 1, 1}, .main_index = -1};
	image_init(&image, &world.dump, &modules);
	waits_build(&waits, &arena, &tasks, &nptl, &stacks, &image);
	fake_world_deinit(&world);
	return &waits.interrupted[0];
}

static void put(uint64_t addr, uint64_t value)
{
	memory[(addr - MEMORY) / 8] = value;
}

/* select and pselect6 differ in what their limit looks like: there is one, of unknown length. */
START_TEST(interrupted_select)
{
	struct interruption *was = add_interrupted("select");
	was->hint.args[4] = MEMORY;
	put(MEMORY, 5);
	was->hint.syscall_nr = -1;
	const struct wait *wait = build_with_memory();
	ck_assert_str_eq(wait->reason, "select");
	ck_assert_int_eq(wait->clock, WAIT_REMAINING);
	ck_assert_int_eq(wait->timeout_ns, 0);
	was->hint.syscall_nr = SYS_pselect6;
	ck_assert_int_eq(build_with_memory()->timeout_ns, INT64_C(5000000000));
}
END_TEST

/* The handler waits for a condition too. _i: 0 sound; 1 the library's frames have no known size;
 * else where the chain of buffers ends. */
START_TEST(interrupted_condition)
{
	enum { HANDLERS = MEMORY + 0x100, BUFFER = MEMORY + 0x800, ARGUMENT = MEMORY + 0x900 };
	enum { CONDITION = MEMORY + 0xa00, MUTEX = MEMORY + 0xb00, SP = MEMORY + 0x780 };
	static const uint64_t previous[] = {BUFFER, BUFFER, 0, HANDLERS, 0x123, BUFFER + 0x400};
	struct nptl_thread thread = {.cleanup_addr = HANDLERS};
	struct interruption *was = add_interrupted("pthread_cond_wait");
	was->hint.syscall_nr = SYS_futex;
	was->hint.args[0] = CONDITION + 40;
	was->hint.args[1] = FUTEX_WAIT_BITSET;
	was->registers.values[REGISTER_RSP] = SP;
	handler_frames[2].sp = SP;
	handler_frames[3].sp = _i == 1 ? 0 : SP + 0x200;
	put(HANDLERS + 24, previous[_i]);
	for (uint64_t buffer = BUFFER; buffer <= BUFFER + 0x400; buffer += 0x400) {
		put(buffer, LIBC + 0x10);
		put(buffer + 8, ARGUMENT);
	}
	put(ARGUMENT + 8, CONDITION);
	put(ARGUMENT + 16, MUTEX);
	nptl.threads.items = &thread;
	nptl.threads.num = 1;
	thread_by_task[0] = 0;
	const struct wait *wait = build_with_memory();
	ck_assert_str_eq(wait->reason, "condition");
	ck_assert_int_eq(wait->certain, _i <= 1);
	ck_assert_uint_eq(wait->mutex_addr, _i <= 1 ? MUTEX : 0);
	if (_i <= 1)
		ck_assert_uint_eq(wait->addr, CONDITION);
}
END_TEST

START_TEST(object_names)
{
	ck_assert_ptr_null(wait_object_name(WAIT_NO_OBJECT));
	ck_assert_str_eq(wait_object_name(WAIT_MUTEX), "mutex");
	ck_assert_str_eq(wait_object_name(WAIT_THREAD), "thread");
	ck_assert_str_eq(wait_object_name(WAIT_FD), "fd");
	ck_assert_ptr_null(wait_object_name((enum wait_object)99));
}
END_TEST

START_TEST(no_tasks)
{
	ck_assert_uint_eq(tasks.list.num, 0);
	build();
}
END_TEST

Suite *waits_suite(void)
{
	Suite *suite = suite_create("waits");
	TCase *tests = tcase_create("waits");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, words);
	tcase_add_test(tests, running);
	tcase_add_test(tests, calls_without_a_word);
	tcase_add_test(tests, restarted_call_is_unknown);
	tcase_add_test(tests, timeouts_are_told);
	tcase_add_test(tests, futex_clocks);
	tcase_add_test(tests, interrupted_wait);
	tcase_add_loop_test(tests, interrupted_without_a_wait, 0, 2);
	tcase_add_loop_test(tests, interrupted_call_by_name, 0,
			    sizeof(named_calls) / sizeof(named_calls[0]));
	tcase_add_test(tests, interrupted_call_by_no_name);
	tcase_add_test(tests, interrupted_select);
	tcase_add_loop_test(tests, interrupted_condition, 0, 6);
	tcase_add_test(tests, object_names);
	tcase_add_test(tests, no_tasks);
	suite_add_tcase(suite, tests);
	return suite;
}
