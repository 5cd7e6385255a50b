#include "reason/waits.h"

#include "group/user_frame.h"
#include "reason/call_names.h"
#include "reason/futex.h"
#include "reason/syscalls.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

const char *wait_object_name(enum wait_object object)
{
	static const char *const names[] = {NULL,      "mutex",	 "rwlock", "condition", "semaphore",
					    "barrier", "thread", "once",   "futex",	"fd"};
	return (unsigned)object < sizeof(names) / sizeof(names[0]) ? names[object] : NULL;
}

/* A struct timespec in the task's memory; false: there is none, or it cannot be read. */
static bool read_timespec(struct image *image, uint64_t addr, int64_t *ns_ret)
{
	int64_t value[2];
	if (addr == 0 || image_read(image, addr, value, sizeof(value)) != sizeof(value) ||
	    value[0] < 0 || value[0] > INT64_MAX / 1000000000 - 1 || value[1] < 0 ||
	    value[1] >= 1000000000)
		return false;
	*ns_ret = value[0] * 1000000000 + value[1];
	return true;
}

static void futex_timeout(struct image *image, const struct task *task, struct wait *wait)
{
	uint32_t flags = (uint32_t)task->hint->args[1], op = flags & FUTEX_CMD_MASK;
	uint64_t addr = task->hint->args[3];
	if (addr == 0)
		return;
	read_timespec(image, addr, &wait->timeout_ns);
	if (op == FUTEX_WAIT)
		wait->clock = WAIT_REMAINING;
	else if (op == FUTEX_LOCK_PI || (flags & FUTEX_CLOCK_REALTIME) != 0)
		wait->clock = WAIT_UNTIL_REALTIME;
	else
		wait->clock = WAIT_UNTIL_MONOTONIC;
}

/* The stack's addresses are one task's, but their distances are those of all that share it. In a
 * static program only names tell which frames are the library's. */
static uint64_t inner_size(const struct coreleaks_stack *stack, bool static_glibc)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const struct coreleaks_frame *frame = &stack->frames[i];
		bool own = frame->module != NULL && module_is_libc(frame->module);
		if (!own && !(static_glibc && user_frame_is_runtime(frame)))
			return frame->sp > stack->frames[0].sp ? frame->sp - stack->frames[0].sp
							       : 0;
	}
	return 0;
}

/* futex: what its stack tells. */
static void wait_on_futex(struct wait *wait, const struct task *task,
			  const struct nptl_thread *thread, struct futex_wait futex)
{
	futex.task = task;
	futex.thread = thread;
	futex.addr = task->hint->args[0];
	futex.op = (uint32_t)task->hint->args[1] & FUTEX_CMD_MASK;
	futex.expected = (uint32_t)task->hint->args[2];
	futex.word_known = image_read(futex.image, futex.addr, &futex.word, sizeof(futex.word)) ==
			   sizeof(futex.word);
	futex_decode(&futex, wait);
	futex_timeout(futex.image, task, wait);
}

/* futex_waitv on a single word: struct futex_waitv {u64 val, u64 uaddr, u32 flags, u32} in the
 * first argument's memory, their number in the second (Linux 5.16). */
static void wait_on_futex_vector(struct wait *wait, const struct task *task, struct image *image)
{
	uint64_t first[2];
	if ((uint32_t)task->hint->args[1] != 1 ||
	    image_read(image, task->hint->args[0], first, sizeof(first)) != sizeof(first))
		return;
	wait->object = WAIT_FUTEX;
	wait->addr = first[1];
	wait->futex_addr = first[1];
}

static void wait_in_call(struct wait *wait, struct arena *arena, const struct task *task,
			 struct image *image)
{
	const struct syscall_row *row = syscall_row_find(task->hint->syscall_nr);
	if (row == NULL) {
		if (task->hint->syscall_nr >= 0 && task->hint->syscall_nr != SYS_restart_syscall)
			wait->reason = arena_format(arena, "syscall:%d", task->hint->syscall_nr);
		return;
	}
	wait->reason = row->reason;
	if (row->fd_arg >= 0) {
		wait->object = WAIT_FD;
		wait->addr = (uint32_t)task->hint->args[row->fd_arg];
		wait->certain = true;
	}
	if (row->timeout_arg < 0)
		return;
	uint64_t timeout = task->hint->args[row->timeout_arg];
	int64_t value[2];
	switch (row->timeout) {
	case SYSCALL_NO_TIMEOUT:
		break;
	case SYSCALL_MILLISECONDS:
		if ((int32_t)timeout >= 0) {
			wait->clock = WAIT_REMAINING;
			wait->timeout_ns = (int32_t)timeout * INT64_C(1000000);
		}
		break;
	case SYSCALL_TIMESPEC:
		if (timeout != 0) {
			wait->clock = WAIT_REMAINING;
			read_timespec(image, timeout, &wait->timeout_ns);
		}
		break;
	case SYSCALL_TIMEVAL:
		if (timeout != 0) {
			wait->clock = WAIT_REMAINING;
			if (image_read(image, timeout, value, sizeof(value)) == sizeof(value) &&
			    value[0] >= 0 && value[0] < INT64_MAX / 1000000000 - 1 &&
			    value[1] >= 0 && value[1] < 1000000)
				wait->timeout_ns = value[0] * 1000000000 + value[1] * 1000;
		}
		break;
	case SYSCALL_DEADLINE:
		if (timeout != 0) {
			wait->clock = WAIT_UNTIL_REALTIME;
			read_timespec(image, timeout, &wait->timeout_ns);
		}
		break;
	}
}

/* The kernel writes what is left of a relative sleep to its rem argument. */
static void wait_in_sleep(struct wait *wait, const struct task *task, struct image *image)
{
	const uint64_t *args = task->hint->args;
	bool clock = task->hint->syscall_nr == SYS_clock_nanosleep;
	bool absolute = clock && (args[1] & TIMER_ABSTIME) != 0;
	uint64_t request_addr = args[clock ? 2 : 0], left_addr = args[clock ? 3 : 1];
	wait->reason = "sleep";
	wait->clock = WAIT_REMAINING;
	if (absolute)
		wait->clock = (int32_t)args[0] == CLOCK_REALTIME ? WAIT_UNTIL_REALTIME
								 : WAIT_UNTIL_MONOTONIC;
	if (absolute || !read_timespec(image, left_addr, &wait->timeout_ns))
		read_timespec(image, request_addr, &wait->timeout_ns);
}

/* No libc among the modules: if there is glibc, the program carries it. */
static bool carries_libc(const struct modules *modules)
{
	for (uint32_t i = 0; i < modules->list.num; i++)
		if (module_is_libc(modules->list.items[i].name))
			return false;
	return true;
}

/* What a stack tells of its tasks' futex waits, looked at once for all that share it. */
static struct futex_wait *futexes_of_stacks(struct arena *arena, const struct nptl *nptl,
					    const struct stacks *stacks, struct image *image)
{
	bool static_glibc = nptl->present && carries_libc(image->modules);
	struct futex_wait *futexes = arena_alloc_array(arena, stacks->list.num, sizeof(*futexes));
	for (uint32_t i = 0; i < stacks->list.num; i++) {
		const struct coreleaks_stack *stack = &stacks->list.items[i];
		futexes[i] = (struct futex_wait){
			.nptl = nptl,
			.image = image,
			.api = api_frame_find(stack, stacks->callees[i], static_glibc),
			.static_glibc = static_glibc,
			.inner_size = inner_size(stack, static_glibc),
		};
	}
	return futexes;
}

/* futex: what its stack tells. */
static void wait_of_task(struct wait *wait, struct arena *arena, const struct task *task,
			 const struct nptl_thread *thread, const struct futex_wait *futex)
{
	int32_t nr = task->hint->syscall_nr;
	wait->holder = -1;
	if (task->hint->reason != NULL)
		wait->reason = task->hint->reason;
	else if (task->state == CORELEAKS_STATE_RUNNING)
		wait->reason = "running";
	else if (!task->hint->blocked)
		return;
	else if (nr == SYS_futex)
		wait_on_futex(wait, task, thread, *futex);
	else if (nr == SYS_nanosleep || nr == SYS_clock_nanosleep)
		wait_in_sleep(wait, task, futex->image);
	else
		wait_in_call(wait, arena, task, futex->image);
	if (task->hint->blocked && nr == 449 /* futex_waitv */)
		wait_on_futex_vector(wait, task, futex->image);
}

/* A handler may have registered clean-up handlers of its own (glibc's pthread_cond_wait and
 * sem_wait do): the newest of those that lie in the library's own frames beyond the signal. size:
 * of these, 0 unknown.
 * sysdeps/nptl/pthread.h, struct _pthread_cleanup_buffer: routine, argument, type, previous. */
static uint64_t cleanup_beyond_signal(struct image *image, uint64_t addr, uint64_t sp,
				      uint64_t size)
{
	enum { MAX_BUFFERS = 64, PREVIOUS_OFF = 24, USUAL_SIZE = 1024 };
	if (size == 0)
		size = USUAL_SIZE;
	for (int i = 0; i < MAX_BUFFERS && addr != 0; i++) {
		if (addr >= sp && addr - sp < size)
			return addr;
		if (!image_read_u64(image, addr + PREVIOUS_OFF, &addr))
			break;
	}
	return 0;
}

/* The wait that a signal interrupted, decoded as if its handler had returned. stack_futex: what
 * the whole stack tells. */
static void wait_interrupted(struct wait *wait, struct arena *arena, const struct task *task,
			     const struct nptl_thread *thread, const struct futex_wait *stack_futex,
			     const struct coreleaks_stack *stack,
			     const struct interrupted *interrupted)
{
	const struct interruption *interruption = &interrupted->interruption;
	struct coreleaks_stack beyond = stack_beyond_signal(stack, interruption->depth);
	struct futex_wait futex = *stack_futex;
	struct nptl_thread thread_then;
	struct wait_hint hint = interruption->hint;
	struct task then = *task;
	bool form_known = true;
	wait->holder = -1;
	if (!interruption->known)
		return;
	futex.api = api_frame_find(&beyond, interrupted->callee, futex.static_glibc);
	futex.inner_size = inner_size(&beyond, futex.static_glibc);
	then.registers = &interruption->registers;
	then.pc = interruption->registers.values[REGISTER_RIP];
	then.sp = interruption->registers.values[REGISTER_RSP];
	then.bp = interruption->registers.values[REGISTER_RBP];
	then.hint = &hint;
	then.state = hint.blocked ? CORELEAKS_STATE_WAITING : CORELEAKS_STATE_RUNNING;
	if (hint.blocked && hint.syscall_nr < 0)
		hint.syscall_nr = futex.api.api != API_NONE
					  ? SYS_futex
					  : call_number_by_name(&beyond, interrupted->callee,
								futex.static_glibc, &form_known);
	if (thread != NULL) {
		thread_then = *thread;
		thread_then.cleanup_addr = cleanup_beyond_signal(futex.image, thread->cleanup_addr,
								 then.sp, futex.inner_size);
		thread = &thread_then;
	}
	wait_of_task(wait, arena, &then, thread, &futex);
	if (!form_known)
		wait->timeout_ns = 0;
}

/* glibc counts its waiting writers only where it prefers them: the waits themselves tell. */
static void count_writers(struct waits *waits, struct arena *arena, uint32_t num_tasks)
{
	struct intern locks;
	uint32_t *num_waiting = arena_alloc_array(arena, num_tasks, sizeof(*num_waiting));
	intern_init(&locks, arena);
	for (uint32_t i = 0; i < num_tasks; i++) {
		const struct wait *wait = waits->by_task[i];
		if (wait->rwlock.known && strcmp(wait->reason, "rwlock-write") == 0)
			num_waiting[intern_add(&locks, &wait->addr, sizeof(wait->addr), NULL)]++;
	}
	for (uint32_t i = 0; i < num_tasks; i++) {
		struct wait *wait = waits->by_task[i];
		if (!wait->rwlock.known)
			continue;
		uint32_t lock = intern_find(&locks, &wait->addr, sizeof(wait->addr));
		if (lock != UINT32_MAX)
			wait->rwlock.num_writers_waiting = num_waiting[lock];
	}
}

struct shared_waits {
	struct intern hints; /* addresses of hints */
	struct {
		struct wait **items; /* parallel to hints */
		uint32_t num, capacity;
	} list;
};

/* What a runtime says in its own words alone is the same wait for all that share the hint. */
static struct wait *wait_for_hint(struct shared_waits *shared, struct arena *arena,
				  const struct wait_hint *hint, bool *new_ret)
{
	*new_ret = true;
	if (hint->reason == NULL)
		return arena_alloc(arena, sizeof(struct wait));
	uint32_t id = intern_add(&shared->hints, &hint, sizeof(const struct wait_hint *), new_ret);
	if (*new_ret)
		*array_add(arena, &shared->list) = arena_alloc(arena, sizeof(struct wait));
	return shared->list.items[id];
}

void waits_build(struct waits *ret, struct arena *arena, const struct tasks *tasks,
		 const struct nptl *nptl, const struct stacks *stacks, struct image *image)
{
	const struct futex_wait *futexes = futexes_of_stacks(arena, nptl, stacks, image);
	struct shared_waits shared = {0};
	ret->by_task = arena_alloc_array(arena, tasks->list.num, sizeof(*ret->by_task));
	intern_init(&shared.hints, arena);
	ret->interrupted =
		arena_alloc_array(arena, stacks->interrupted.num, sizeof(*ret->interrupted));
	for (uint32_t i = 0; i < tasks->list.num; i++) {
		const struct task *task = &tasks->list.items[i];
		const struct futex_wait *futex = &futexes[stacks->by_task[i]];
		int32_t thread_index = nptl->by_task[i], index = stacks->interrupted_by_task[i];
		const struct nptl_thread *thread =
			thread_index >= 0 ? &nptl->threads.items[thread_index] : NULL;
		bool is_new;
		ret->by_task[i] = wait_for_hint(&shared, arena, task->hint, &is_new);
		if (is_new)
			wait_of_task(ret->by_task[i], arena, task, thread, futex);
		if (index >= 0)
			wait_interrupted(&ret->interrupted[index], arena, task, thread, futex,
					 &stacks->list.items[stacks->by_task[i]],
					 &stacks->interrupted.items[index]);
	}
	count_writers(ret, arena, tasks->list.num);
}
