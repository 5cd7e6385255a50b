#include "group/system_threads.h"

#include "group/user_frame.h"

#include <string.h>

/* A stack from the inside out: frames of libc, `park` frames, one `loop` frame, `outer` frames. All
 * but libc's lie in the module, outer ones also in outer_module, and then the first of them does.
 *
 * Names are separated by |; one that ends in * is a beginning, ? stands for a frame without a name,
 * * for every frame; NULL is none. module is the beginning of a file name, NULL any. */
struct system_row {
	enum runtime_id runtime;
	const char *module;
	const char *park, *loop, *outer;
	const char *outer_module;
	uint32_t min_outer; /* fewest outer frames */
	bool jit;	    /* outer frames may lie in no module: compiled at run time */
};

#define JVM_PARK                                                                                   \
	"os::PlatformMonitor::wait|os::PlatformEvent::park*|PlatformMonitor::wait|Monitor::wait*|" \
	"PosixSemaphore::*|Semaphore::wait*|os::signal_wait|AttachListener::dequeue|"              \
	"LinuxAttachListener::dequeue|WorkerTaskDispatcher::worker_run_task"
/* HotSpot of JDK 11 to 21: the loops of its helpers; where they work, other functions stand in
 * between. */
#define JVM_LOOPS                                                                                  \
	"VMThread::wait_for_operation|VMThread::loop|GangWorker::loop|WorkerThread::run|"          \
	"G1ConcurrentMarkThread::run_service|G1ConcurrentMarkThread::wait_for_next_cycle|"         \
	"G1ConcurrentMarkThread::sleep_before_next_cycle|G1ConcurrentRefineThread::run_service|"   \
	"G1ConcurrentRefineThread::wait_for_completed_buffers|"                                    \
	"G1YoungRemSetSamplingThread::sleep_before_next_cycle|"                                    \
	"G1ServiceThread::sleep_before_next_cycle|G1ServiceThread::wait_for_task|"                 \
	"WatcherThread::sleep|CompileQueue::get|NMethodSweeper::sweeper_loop|"                     \
	"ServiceThread::service_thread_entry|NotificationThread::notification_thread_entry|"       \
	"MonitorDeflationThread::monitor_deflation_thread_entry|signal_thread_entry|"              \
	"attach_listener_thread_entry"
#define GO_PARK                                                                                    \
	"runtime.futex*|runtime.notesleep|runtime.notetsleep*|runtime.mPark|runtime.semasleep|"    \
	"runtime.usleep*|runtime.nanosleep*|runtime.epollwait*|runtime.netpoll|"                   \
	"runtime/internal/syscall.*|internal/runtime/syscall.*"

static const struct system_row rows[] = {
	{RUNTIME_JAVA, "libjvm.so", JVM_PARK, JVM_LOOPS, "*", NULL, 1, false},
	/* The reference handler: its one method, in Java, calls nothing else that waits. */
	{RUNTIME_JAVA, "libjvm.so", JVM_PARK, "JVM_WaitForReferencePendingList", "*", NULL, 1,
	 true},

	/* Node.js 12 to 22, with symbols. */
	{RUNTIME_NODE, "node", "uv_cond_wait|node::TaskQueue*",
	 "node::(anonymous namespace)::PlatformWorkerThread", NULL, NULL, 0, false},
	{RUNTIME_NODE, "libnode.so", "uv_cond_wait|node::TaskQueue*",
	 "node::(anonymous namespace)::PlatformWorkerThread", NULL, NULL, 0, false},
	{RUNTIME_NODE, "node", "uv__io_poll|uv_run",
	 "node::WorkerThreadsTaskRunner::DelayedTaskScheduler::*", NULL, NULL, 0, false},
	{RUNTIME_NODE, "node", "uv__sem_wait|uv_sem_wait",
	 "node::inspector::(anonymous namespace)::StartIoThreadMain", NULL, NULL, 0, false},
	/* libuv 1.x, src/threadpool.c: worker() is static. */
	{RUNTIME_LIBUV, "node", "uv_cond_wait", "worker", NULL, NULL, 0, false},
	{RUNTIME_LIBUV, "libuv.so", "uv_cond_wait", "worker|?", NULL, NULL, 0, false},
	{RUNTIME_V8, NULL, "v8::base::*|v8::platform::DelayedTaskQueue::GetNext*",
	 "v8::platform::DefaultWorkerThreadsTaskRunner::WorkerThread::Run", "v8::base::*", NULL, 0,
	 false},

	/* jemalloc 5, src/background_thread.c; in a program it is linked into, by name alone. */
	{RUNTIME_JEMALLOC, "libjemalloc.so", NULL, "*", "*", NULL, 0, false},
	{RUNTIME_JEMALLOC, NULL, "background_thread_sleep|background_work*|background_thread0_work",
	 "background_thread_entry|je_background_thread_entry", NULL, NULL, 0, false},

	/* GLib 2.x, gmain.c, gthreadpool.c; GIO's gdbusprivate.c. Static ones have no name. */
	{RUNTIME_GLIB, "libglib-2.0.so", "g_poll|g_main_context_iterate*|?",
	 "g_main_context_iteration", "?|glib_worker_main|g_thread_proxy", NULL, 2, false},
	{RUNTIME_GLIB, "libglib-2.0.so", "g_poll|g_main_context_iterate*|?", "g_main_loop_run",
	 "?|gdbus_shared_thread_func|g_thread_proxy", "libgio-2.0.so", 2, false},
	{RUNTIME_GLIB, "libglib-2.0.so", "g_cond_wait*|g_async_queue_pop_intern_unlocked|?",
	 "g_async_queue_pop|g_async_queue_pop_unlocked|g_async_queue_timeout_pop|"
	 "g_async_queue_timeout_pop_unlocked",
	 "?|g_thread_pool_*|g_thread_proxy", NULL, 2, false},
	{RUNTIME_GLIB, "libglib-2.0.so", NULL, "g_cond_wait|g_cond_wait_until",
	 "?|g_thread_pool_*|g_async_queue_pop_intern_unlocked|g_thread_proxy", NULL, 2, false},

	/* A parallel region's body is the program's own function. */
	{RUNTIME_OPENMP, "libgomp.so", NULL, "*", "*", NULL, 0, false},
	{RUNTIME_OPENMP, "libomp.so", NULL, "*", "*", NULL, 0, false},
	{RUNTIME_OPENMP, "libiomp5.so", NULL, "*", "*", NULL, 0, false},
	{RUNTIME_TBB, "libtbb.so", NULL, "*", "*", NULL, 0, false},

	/* MariaDB 10.5 and later, tpool/tpool_generic.cc. */
	{RUNTIME_MARIADB, "mariadbd", NULL, "tpool::thread_pool_generic::wait_for_tasks",
	 "tpool::thread_pool_generic::*|std::thread::_State_impl*", NULL, 1, false},
	/* nginx 1.7.11 and later, src/core/ngx_thread_pool.c. */
	{RUNTIME_NGINX, "nginx", "ngx_thread_cond_wait", "ngx_thread_pool_cycle|?", NULL, NULL, 0,
	 false},

	/* Go, proc.go and lock_futex.go: an M without work, and the monitor. */
	{RUNTIME_GO, NULL, GO_PARK,
	 "runtime.stopm|runtime.sysmon|runtime.templateThread|runtime.findRunnable|"
	 "runtime.findrunnable",
	 "runtime.*", NULL, 1, false},
};

static bool name_matches(const char *name, const char *word, size_t size)
{
	if (word[size - 1] == '*')
		return size == 1 || (name != NULL && strncmp(name, word, size - 1) == 0);
	if (name == NULL)
		return size == 1 && word[0] == '?';
	return strlen(name) == size && memcmp(name, word, size) == 0;
}

static bool matches(const struct coreleaks_frame *frame, const char *words)
{
	while (words != NULL) {
		size_t size = strcspn(words, "|");
		if (name_matches(frame->function, words, size))
			return true;
		words = words[size] == '|' ? words + size + 1 : NULL;
	}
	return false;
}

static bool lies_in(const struct coreleaks_frame *frame, const char *module)
{
	return module == NULL ||
	       (frame->module != NULL && strncmp(frame->module, module, strlen(module)) == 0);
}

/* The frames that called the loop. */
static bool outer_fits(const struct system_row *row, const struct coreleaks_stack *stack,
		       uint32_t first)
{
	uint32_t num = 0;
	for (uint32_t i = first; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		if (user_frame_is_in_runtime_module(frame))
			continue;
		bool jit = row->jit && frame->module == NULL;
		bool outside = row->outer_module != NULL && lies_in(frame, row->outer_module);
		if (!jit &&
		    (!matches(frame, row->outer) || (!outside && !lies_in(frame, row->module))))
			return false;
		if (num++ == 0 && row->outer_module != NULL && !outside)
			return false;
	}
	return num >= row->min_outer;
}

static bool row_fits(const struct system_row *row, const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		if (user_frame_is_in_runtime_module(frame))
			continue;
		if (!lies_in(frame, row->module))
			return false;
		if (matches(frame, row->loop) && outer_fits(row, stack, i + 1))
			return true;
		if (!matches(frame, row->park))
			return false;
	}
	return false;
}

const struct runtime *system_thread_of_stack(const struct coreleaks_stack *stack)
{
	if (stack->end != CORELEAKS_STACK_COMPLETE)
		return NULL;
	for (uint32_t i = 0; i < stack->num_frames; i++)
		if (stack->frames[i].signal)
			return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (row_fits(&rows[i], stack))
			return runtime_get(rows[i].runtime);
	return NULL;
}

/* The kernel's own workers (io_uring since Linux 5.12, vhost) are threads of the process that never
 * ran in user space: copy_thread() in arch/x86/kernel/process.c zeroes these two registers. A jump
 * to NULL leaves the stack pointer. */
static bool is_kernel_worker(const struct coreleaks_task *task, const struct coreleaks_stack *stack)
{
	return task->pc == 0 && task->sp == 0 && stack->num_frames == 1 && stack->frames[0].pc == 0;
}

const char *system_rule(enum coreleaks_kind kind)
{
	return kind == CORELEAKS_KIND_GOROUTINE ? "runtime" : "native";
}

bool is_system_rule(const char *name)
{
	return strcmp(name, system_rule(CORELEAKS_KIND_THREAD)) == 0 ||
	       strcmp(name, system_rule(CORELEAKS_KIND_GOROUTINE)) == 0;
}

const struct runtime **system_threads_build(struct arena *arena, const struct groups_input *input)
{
	const struct coreleaks_wait *const *waits = input->waits;
	const struct coreleaks_stack *stacks = input->stacks;
	uint32_t num_tasks = input->num_tasks, num_stacks = input->num_stacks;
	const struct coreleaks_task *last_named = NULL;
	const struct runtime *last = NULL;
	const struct runtime **result = arena_alloc_array(arena, num_tasks, sizeof(*result));
	const struct runtime **by_stack = arena_alloc_array(arena, num_stacks, sizeof(*by_stack));
	for (uint32_t i = 0; i < num_stacks; i++)
		by_stack[i] = system_thread_of_stack(&stacks[i]);
	for (uint32_t i = 0; i < num_tasks; i++) {
		const struct coreleaks_task *task = groups_task(input, i);
		if (task->system != NULL) {
			if (task != last_named)
				last = runtime_named(task->system);
			last_named = task;
			result[i] = last;
			continue;
		}
		if (task->signal != 0 || task->kind != CORELEAKS_KIND_THREAD ||
		    task->stack_id >= num_stacks)
			continue;
		if (is_kernel_worker(task, &stacks[task->stack_id]))
			result[i] = runtime_get(RUNTIME_IO_URING);
		else if (task->state == CORELEAKS_STATE_WAITING)
			result[i] = by_stack[task->stack_id];
	}
	for (uint32_t i = 0; waits != NULL && i < num_tasks; i++)
		if (waits[i]->holder_task >= 0 && (uint32_t)waits[i]->holder_task < num_tasks)
			result[waits[i]->holder_task] = NULL;
	return result;
}
