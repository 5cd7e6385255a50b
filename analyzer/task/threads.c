#include "task/calls.h"

#include <sys/syscall.h>

/* What rax holds when the dump interrupted a sleeping system call (Linux include/linux/errno.h):
 * the kernel's wish to restart it, never seen by user space. */
enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
	EINTR_RESULT = 4,
};

/* System calls that answer EINTR instead (man 7 signal; sockets do so under a timeout). */
static bool answers_eintr(int32_t nr)
{
	static const int16_t calls[] = {
		SYS_epoll_wait, SYS_epoll_pwait,     SYS_epoll_pwait2,	 SYS_semop,
		SYS_semtimedop, SYS_rt_sigtimedwait, SYS_io_uring_enter, SYS_io_getevents,
		SYS_read,	SYS_readv,	     SYS_write,		 SYS_writev,
		SYS_recvfrom,	SYS_recvmsg,	     SYS_recvmmsg,	 SYS_sendto,
		SYS_sendmsg,	SYS_accept,	     SYS_accept4,	 SYS_connect,
	};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == nr)
			return true;
	return false;
}

static bool is_blocked(int32_t nr, int64_t result)
{
	switch (result) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return true;
	case -EINTR_RESULT:
		return answers_eintr(nr);
	default:
		return false;
	}
}

/* After an earlier stop a timed wait shows as restart_syscall. The code has the number with which
 * it began. */
static int32_t original_call(struct image *image, uint64_t pc)
{
	int32_t nr = call_number_behind(image, pc);
	return nr >= 0 ? nr : SYS_restart_syscall;
}

/* Of AArch64 nothing unwinds C's frames: no rule may take these for known. */
static struct registers thread_registers(const struct user_regs_struct *regs, bool is_arm64)
{
	return (struct registers){
		.values = {regs->rax, regs->rdx, regs->rcx, regs->rbx, regs->rsi, regs->rdi,
			   regs->rbp, regs->rsp, regs->r8, regs->r9, regs->r10, regs->r11,
			   regs->r12, regs->r13, regs->r14, regs->r15, regs->rip},
		.known = is_arm64 ? 0 : (1u << NUM_REGISTERS) - 1,
	};
}

/* Bytes from the stack pointer to where the stack begins: the thread's descriptor, which glibc
 * and musl put on top of it, else the end of the mapping. A mapping too large for a stack (a
 * coroutine on the heap) tells nothing. */
static uint64_t thread_stack_size(const struct image *image, const struct user_regs_struct *regs)
{
	const uint64_t max_stack_size = UINT64_C(1) << 30;
	uint64_t high = image_segment_high(image, regs->rsp);
	if (high == 0)
		return 0;
	if (regs->fs_base > regs->rsp && regs->fs_base < high)
		high = regs->fs_base;
	return high - regs->rsp <= max_stack_size ? high - regs->rsp : 0;
}

void threads_add(struct tasks *tasks, struct arena *arena, struct gaps *gaps,
		 const struct notes *notes, struct image *image)
{
	for (uint32_t i = 0; i < notes->threads.num; i++) {
		const struct note_thread *thread = &notes->threads.items[i];
		const struct user_regs_struct *regs = &thread->regs;
		int64_t nr = (int64_t)regs->orig_rax;
		struct registers *registers = arena_alloc(arena, sizeof(*registers));
		struct wait_hint *hint = arena_alloc(arena, sizeof(*hint));
		*registers = thread_registers(regs, image_is_arm64(image));
		*hint = (struct wait_hint){
			.syscall_nr = nr >= 0 && nr <= INT32_MAX ? (int32_t)nr : -1,
			.args = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9},
		};
		if (hint->syscall_nr >= 0)
			hint->blocked = is_blocked(hint->syscall_nr, (int64_t)regs->rax);
		if (hint->blocked && hint->syscall_nr == SYS_restart_syscall)
			hint->syscall_nr = original_call(image, regs->rip);
		*array_add(arena, &tasks->list) = (struct task){
			.kind = CORELEAKS_KIND_THREAD,
			.state = hint->blocked ? CORELEAKS_STATE_WAITING : CORELEAKS_STATE_RUNNING,
			.id = thread->tid,
			.signal = thread->signal,
			.pc = regs->rip,
			.sp = regs->rsp,
			.bp = regs->rbp,
			.lr = thread->lr,
			.registers = registers,
			.hint = hint,
			.stack_size = thread_stack_size(image, regs),
		};
	}
	if (notes->threads.num == 0)
		gaps_add(gaps, "no-threads", true, "the core holds no thread's registers");
}
