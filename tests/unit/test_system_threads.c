#include "group/system_threads.h"

#include "proof/publish.h"

#include <check.h>
#include <string.h>

Suite *system_threads_suite(void);

enum { MAX_FRAMES = 16 };

#define START	" libc.so.6!start_thread libc.so.6!clone3"
#define JVM_END " libjvm.so!Thread::call_run libjvm.so!thread_native_entry" START
#define WAIT	"libc.so.6!futex_wait libc.so.6!pthread_cond_wait "
#define PARKED	WAIT "libjvm.so!os::PlatformMonitor::wait libjvm.so!Monitor::wait "

static struct arena arena;

static void setup(void)
{
	arena_init(&arena, 0);
}

static void teardown(void)
{
	arena_deinit(&arena);
}

/* "MODULE!FUNCTION ...", innermost first; a ~ stands for a blank, an empty word for none. */
static struct coreleaks_stack stack_of(const char *text)
{
	struct coreleaks_frame *frames = arena_alloc_array(&arena, MAX_FRAMES, sizeof(*frames));
	struct coreleaks_stack stack = {.frames = frames, .end = CORELEAKS_STACK_COMPLETE};
	char *copy = arena_copy_text(&arena, text), *rest = NULL;
	for (char *word = strtok_r(copy, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		struct coreleaks_frame *frame = &frames[stack.num_frames++];
		char *name = strchr(word, '!');
		ck_assert_uint_lt(stack.num_frames, MAX_FRAMES);
		ck_assert_ptr_nonnull(name);
		*name++ = '\0';
		for (char *c = name; *c != '\0'; c++)
			if (*c == '~')
				*c = ' ';
		frame->signal = strcmp(name, "SIGNAL") == 0;
		frame->module = *word != '\0' ? word : NULL;
		frame->function = *name != '\0' ? name : NULL;
	}
	return stack;
}

static const char *name_of(const struct runtime *runtime)
{
	return runtime != NULL ? runtime->name : "nobody";
}

static const struct {
	const char *frames, *runtime; /* NULL: nobody's */
} stacks[] = {
	{PARKED "libjvm.so!VMThread::wait_for_operation libjvm.so!VMThread::run" JVM_END,
	 "Java VM"},
	{PARKED "libjvm.so!CompileQueue::get libjvm.so!CompileBroker::compiler_thread_loop" JVM_END,
	 "Java VM"},
	{"libc.so.6!sem_wait libjvm.so!PosixSemaphore::wait libjvm.so!GangWorker::loop "
	 "libjvm.so!GangWorker::run" JVM_END,
	 "Java VM"},
	{"libc.so.6!sem_wait libjvm.so!PosixSemaphore::wait "
	 "libjvm.so!WorkerTaskDispatcher::worker_run_task libjvm.so!WorkerThread::run" JVM_END,
	 "Java VM"},
	{"libc.so.6!accept libjvm.so!LinuxAttachListener::dequeue "
	 "libjvm.so!attach_listener_thread_entry libjvm.so!JavaThread::thread_main_inner" JVM_END,
	 "Java VM"},
	/* In Java code, compiled at run time, but waiting for what the reference handler alone
	   does. */
	{PARKED "libjvm.so!JVM_WaitForReferencePendingList ! ! ! libjvm.so!JavaCalls::call" JVM_END,
	 "Java VM"},
	/* Java code that waits; a VM thread at work; a native method on the way. */
	{PARKED "libjvm.so!JVM_MonitorWait ! ! libjvm.so!JavaCalls::call" JVM_END, NULL},
	{PARKED "libjvm.so!SafepointSynchronize::begin libjvm.so!VMThread::run" JVM_END, NULL},
	{"libjvm.so!G1ParTask::work libjvm.so!GangWorker::loop" JVM_END, NULL},
	{PARKED "libjvm.so!CompileQueue::get libuser.so!work" JVM_END, NULL},
	{PARKED "libjvm.so!VMThread::wait_for_operation ! libjvm.so!VMThread::run" JVM_END, NULL},
	{PARKED "libjvm.so!VMThread::wait_for_operation", NULL},

	{WAIT "node!uv_cond_wait node!node::(anonymous~namespace)::PlatformWorkerThread" START,
	 "Node.js"},
	{WAIT "node!uv_cond_wait node!worker" START, "libuv"},
	{WAIT "libuv.so.1!uv_cond_wait libuv.so.1!" START, "libuv"},
	{"libc.so.6!epoll_wait node!uv__io_poll node!uv_run "
	 "node!node::WorkerThreadsTaskRunner::DelayedTaskScheduler::Start()::{lambda}::_FUN" START,
	 "Node.js"},
	{"libc.so.6!read node!uv__fs_read node!uv__fs_work node!worker" START, NULL},
	{"libc.so.6!read addon.node!compress node!worker" START, NULL},
	{WAIT "node!uv_cond_wait node!worker node!main" START, NULL},
	{WAIT "app!uv_cond_wait app!worker" START, NULL},
	{"libc.so.6!epoll_wait node!uv__io_poll node!uv_run node!node::worker::Worker::Run" START,
	 NULL},

	{WAIT "libjemalloc.so.2! libjemalloc.so.2!" START, "jemalloc"},
	{WAIT "app!background_thread_sleep app!background_thread_entry" START, "jemalloc"},
	{WAIT "app!background_thread_sleep app!background_thread_entry app!run" START, NULL},
	{WAIT "app!flush app!background_thread_entry" START, NULL},
	{"libc.so.6!lll_lock libjemalloc.so.2!malloc app!main" START, NULL},

	{"libc.so.6!poll libglib-2.0.so.0! libglib-2.0.so.0!g_main_context_iteration "
	 "libglib-2.0.so.0! libglib-2.0.so.0!" START,
	 "GLib"},
	{"libc.so.6!poll libglib-2.0.so.0! libglib-2.0.so.0!g_main_loop_run libgio-2.0.so.0! "
	 "libglib-2.0.so.0!" START,
	 "GLib"},
	{"libc.so.6!syscall libglib-2.0.so.0!g_cond_wait_until libglib-2.0.so.0! "
	 "libglib-2.0.so.0!g_async_queue_timeout_pop libglib-2.0.so.0! libglib-2.0.so.0!" START,
	 "GLib"},
	{"libc.so.6!syscall libglib-2.0.so.0!g_cond_wait libglib-2.0.so.0! "
	 "libglib-2.0.so.0!" START,
	 "GLib"},
	{"libc.so.6!syscall libglib-2.0.so.0!g_cond_wait_until libglib-2.0.so.0! "
	 "libglib-2.0.so.0! libglib-2.0.so.0!" START,
	 "GLib"},
	/* A main loop of the program's own, with and without a function of its own around. */
	{"libc.so.6!poll libglib-2.0.so.0! libglib-2.0.so.0!g_main_loop_run "
	 "libglib-2.0.so.0!" START,
	 NULL},
	{"libc.so.6!poll libglib-2.0.so.0! libglib-2.0.so.0!g_main_loop_run app!serve "
	 "libglib-2.0.so.0!" START,
	 NULL},
	{"libc.so.6!poll libglib-2.0.so.0! libglib-2.0.so.0!g_main_context_iteration "
	 "app!main" START,
	 NULL},
	{"libc.so.6!syscall libglib-2.0.so.0!g_cond_wait libglib-2.0.so.0!" START, NULL},
	{"libc.so.6!syscall libglib-2.0.so.0!g_cond_wait_until app!job libglib-2.0.so.0! "
	 "libglib-2.0.so.0!" START,
	 NULL},

	{"libgomp.so.1! libgomp.so.1!" START, "OpenMP"},
	{"libgomp.so.1! libgomp.so.1!GOMP_barrier app!main._omp_fn.0 libgomp.so.1!" START, NULL},
	{"libc.so.6!pause app!main._omp_fn.0 libgomp.so.1!" START, NULL},
	{WAIT "libomp.so.5!__kmp_suspend libomp.so.5!__kmp_launch_worker" START, "OpenMP"},
	{"libc.so.6!syscall libtbb.so.12! libstdc++.so.6!execute" START, "oneTBB"},
	{"libc.so.6!syscall libtbb.so.12! app!sum libtbb.so.12!" START, NULL},

	{WAIT "mariadbd!tpool::thread_pool_generic::wait_for_tasks "
	      "mariadbd!tpool::thread_pool_generic::get_task "
	      "mariadbd!tpool::thread_pool_generic::worker_main libstdc++.so.6!" START,
	 "MariaDB thread pool"},
	{WAIT "mariadbd!buf_flush mariadbd!tpool::thread_pool_generic::worker_main "
	      "libstdc++.so.6!" START,
	 NULL},
	{WAIT "nginx!ngx_thread_cond_wait nginx!" START, "nginx thread pool"},
	{WAIT "nginx!ngx_thread_cond_wait nginx! nginx!main" START, NULL},
	{"libc.so.6!pread64 nginx!ngx_thread_read_handler nginx!" START, NULL},
	{WAIT "nginx! nginx!" START, NULL},

	{"app!runtime.futex.abi0 app!runtime.futexsleep app!runtime.notesleep app!runtime.mPark "
	 "app!runtime.stopm app!runtime.findRunnable app!runtime.schedule app!runtime.park_m "
	 "app!runtime.mcall",
	 "Go runtime"},
	{"app!internal/runtime/syscall.Syscall6 app!internal/runtime/syscall.EpollWait "
	 "app!runtime.netpoll app!runtime.findRunnable app!runtime.schedule app!runtime.mcall",
	 "Go runtime"},
	{"app!runtime.usleep app!runtime.sysmon app!runtime.mstart1 app!runtime.mstart",
	 "Go runtime"},
	{"app!runtime.futex app!runtime.futexsleep app!runtime.notesleep app!runtime.stopm "
	 "app!main.serve app!runtime.goexit",
	 NULL},
	{"app!runtime.futex app!runtime.lock2 app!runtime.schedule app!runtime.mcall", NULL},

	/* No runtime at all; only libc; a signal handler within. */
	{WAIT "app!consume" START, NULL},
	{WAIT START, NULL},
	{"", NULL},
	{WAIT "libgomp.so.1!SIGNAL libgomp.so.1!" START, NULL},
	{"!libgomp.so.1", NULL},
};

START_TEST(stacks_of_helpers)
{
	struct coreleaks_stack stack = stack_of(stacks[_i].frames);
	const char *want = stacks[_i].runtime != NULL ? stacks[_i].runtime : "nobody";
	ck_assert_str_eq(name_of(system_thread_of_stack(&stack)), want);
	/* Where the stack was cut off, anything may follow. */
	stack.end = CORELEAKS_STACK_BROKEN;
	ck_assert_str_eq(name_of(system_thread_of_stack(&stack)), "nobody");
}
END_TEST

/* Every frame, were it the program's, makes the thread the program's. */
START_TEST(one_frame_of_the_program_shows_all)
{
	struct coreleaks_stack stack = stack_of(stacks[_i].frames);
	if (stacks[_i].runtime == NULL)
		return;
	for (uint32_t i = 0; i <= stack.num_frames; i++) {
		struct coreleaks_frame frames[MAX_FRAMES] = {{0}};
		struct coreleaks_stack longer = stack;
		memcpy(frames, stack.frames, i * sizeof(frames[0]));
		frames[i] = (struct coreleaks_frame){.module = "app", .function = "handle_order"};
		memcpy(frames + i + 1, stack.frames + i,
		       (stack.num_frames - i) * sizeof(frames[0]));
		longer.frames = frames;
		longer.num_frames++;
		ck_assert_msg(system_thread_of_stack(&longer) == NULL, "at %u", i);
	}
}
END_TEST

START_TEST(only_idle_threads_that_nobody_needs)
{
	const struct coreleaks_stack few_stacks[] = {
		stack_of("libgomp.so.1! libgomp.so.1!" START),
		stack_of("!"),
	};
	const struct coreleaks_task tasks[] = {
		{.state = CORELEAKS_STATE_WAITING, .pc = 1, .sp = 1},
		{.state = CORELEAKS_STATE_RUNNING, .pc = 1, .sp = 1},
		{.state = CORELEAKS_STATE_WAITING, .pc = 1, .sp = 1, .signal = 11},
		{.state = CORELEAKS_STATE_WAITING, .pc = 1, .sp = 1},
		{.state = CORELEAKS_STATE_WAITING, .pc = 1, .sp = 1, .stack_id = 2},
		{.state = CORELEAKS_STATE_RUNNING},			    /* of another stack */
		{.state = CORELEAKS_STATE_RUNNING, .bp = 7, .stack_id = 1}, /* in the kernel */
		{.state = CORELEAKS_STATE_RUNNING, .sp = 9, .stack_id = 1}, /* jumped to NULL */
		{.state = CORELEAKS_STATE_WAITING, .kind = CORELEAKS_KIND_GOROUTINE},
	};
	static const char *const want[] = {"OpenMP", "nobody",	 "nobody", "nobody", "nobody",
					   "nobody", "io_uring", "nobody", "nobody"};
	enum { NUM = sizeof(tasks) / sizeof(tasks[0]) };
	struct coreleaks_wait waits[NUM];
	const struct coreleaks_wait *wait_addrs[NUM];
	for (int i = 0; i < NUM; i++)
		waits[i] = (struct coreleaks_wait){.holder_task = -1};
	for (uint32_t i = 0; i < NUM; i++)
		wait_addrs[i] = &waits[i];
	waits[1].holder_task = 3;
	waits[2].holder_task = NUM;
	struct groups_input input = {
		.tasks = tasks,
		.num_tasks = NUM,
		.stacks = few_stacks,
		.num_stacks = 2,
		.waits = wait_addrs,
	};
	const struct runtime **systems = system_threads_build(&arena, &input);
	for (int i = 0; i < NUM; i++)
		ck_assert_msg(strcmp(name_of(systems[i]), want[i]) == 0, "task %d: %s", i,
			      name_of(systems[i]));
	input.waits = NULL;
	systems = system_threads_build(&arena, &input);
	ck_assert_str_eq(name_of(systems[3]), "OpenMP");
}
END_TEST

static struct coreleaks_group published(enum coreleaks_verdict verdict, const char *hidden_by,
					bool all, int32_t wanted)
{
	struct groups groups = {0};
	struct findings findings = {.verdict_by_group = &verdict};
	struct coreleaks_options options;
	struct published published;
	coreleaks_options_init(&options);
	options.all = all;
	options.verdict = wanted;
	*array_add(&arena, &groups.list) = (struct group){
		.signature = "t-1",
		.loose_signature = "t-2",
		.system = "OpenMP",
		.hidden_by = hidden_by,
	};
	publish_groups(&published, &arena, &groups, &findings, NULL, &options, NULL, 0);
	return published.groups[0];
}

START_TEST(hidden_unless_something_is_found)
{
	struct coreleaks_group group = published(CORELEAKS_VERDICT_UNKNOWN, NULL, false, -1);
	ck_assert_int_eq(group.verdict, CORELEAKS_VERDICT_BENIGN);
	ck_assert_str_eq(group.hidden_by, "native");
	ck_assert_str_eq(group.system, "OpenMP");
	group = published(CORELEAKS_VERDICT_UNKNOWN, "--focus", false, -1);
	ck_assert_str_eq(group.hidden_by, "--focus");
	group = published(CORELEAKS_VERDICT_UNKNOWN, NULL, true, -1);
	ck_assert_ptr_null(group.hidden_by);
	ck_assert_int_eq(group.verdict, CORELEAKS_VERDICT_BENIGN);
	group = published(CORELEAKS_VERDICT_UNKNOWN, NULL, false, CORELEAKS_VERDICT_BENIGN);
	ck_assert_ptr_null(group.hidden_by);
	group = published(CORELEAKS_VERDICT_UNKNOWN, NULL, true, CORELEAKS_VERDICT_UNKNOWN);
	ck_assert_str_eq(group.hidden_by, "--verdict");
	for (int v = CORELEAKS_VERDICT_PROVED; v <= CORELEAKS_VERDICT_SUSPECT; v++) {
		group = published((enum coreleaks_verdict)v, NULL, false, -1);
		ck_assert_ptr_null(group.hidden_by);
		ck_assert_int_eq(group.verdict, v);
	}
}
END_TEST

START_TEST(names_are_their_own)
{
	ck_assert_ptr_null(runtime_named("none"));
	for (int i = 0; i <= RUNTIME_IO_URING; i++) {
		const struct runtime *runtime = runtime_get((enum runtime_id)i);
		ck_assert_ptr_nonnull(runtime->owner);
		ck_assert_ptr_eq(runtime_named(runtime->name), runtime);
	}
}
END_TEST

Suite *system_threads_suite(void)
{
	Suite *suite = suite_create("system_threads");
	TCase *tests = tcase_create("rows");
	int num = sizeof(stacks) / sizeof(stacks[0]);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, stacks_of_helpers, 0, num);
	tcase_add_loop_test(tests, one_frame_of_the_program_shows_all, 0, num);
	tcase_add_test(tests, only_idle_threads_that_nobody_needs);
	tcase_add_test(tests, hidden_unless_something_is_found);
	tcase_add_test(tests, names_are_their_own);
	suite_add_tcase(suite, tests);
	return suite;
}
