#include "proof/reach_premises.h"

#include "core/elf_values.h"
#include "stack/instructions.h"

#include <sys/syscall.h>

/* What glibc is made of: that it knows of all these tells nothing of the program. */
static bool is_glibc(const char *name)
{
	static const char *const heads[] = {"librt.so",	  "librt-2.", "libanl.so", "libanl-2.",
					    "libdl.so",	  "libdl-2.", "libm.so",   "libm-2.",
					    "libpthread", "libutil.", "libutil-2."};
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (strncmp(name, heads[i], strlen(heads[i])) == 0)
			return true;
	return module_is_libc(name) || strncmp(name, "ld-linux", 8) == 0 ||
	       strncmp(name, "ld-2.", 5) == 0;
}

/* These call syscall(2) for futexes alone. */
static bool is_known_for_futexes(const char *name)
{
	return strncmp(name, "libstdc++.so", 12) == 0 || strncmp(name, "libgomp.so", 10) == 0;
}

enum { MAX_IMPORTS = 24 };

/* What has the kernel, or a file of its, keep a pointer. */
static const struct {
	enum wait_caveat caveat;
	const char *names[MAX_IMPORTS];
} import_rows[] = {
	{WAIT_CAVEAT_KERNEL,
	 {"epoll_ctl",
	  "io_uring_enter",
	  "io_uring_setup",
	  "io_uring_queue_init",
	  "io_uring_queue_init_params",
	  "io_uring_submit",
	  "io_submit",
	  "timer_create",
	  "mq_notify",
	  "aio_read",
	  "aio_read64",
	  "aio_write",
	  "aio_write64",
	  "aio_fsync",
	  "aio_fsync64",
	  "lio_listio",
	  "lio_listio64",
	  "getaddrinfo_a",
	  "sigqueue",
	  "pthread_sigqueue"}},
	{WAIT_CAVEAT_PIPES,
	 {"pipe", "pipe2", "socketpair", "mq_send", "mq_timedsend", "msgsnd", "mkfifo", "mkfifoat",
	  /* What is connected to the process itself, or sent there. */
	  "connect", "sendto", "sendmsg", "sendmmsg",
	  /* Its number may be a pointer. */
	  "eventfd", "posix_openpt", "getpt", "openpty", "forkpty"}},
	{WAIT_CAVEAT_SYSCALLS, {"syscall"}},
	{WAIT_CAVEAT_SHARERS, {"clone", "__clone"}},
	{WAIT_CAVEAT_HALVES, {"makecontext"}},
	/* What a key closes to the thread that dumps is left out, and looks untouched (mm/gup.c).
	 */
	{WAIT_CAVEAT_UNDUMPED, {"pkey_mprotect"}},
};

static uint32_t import_caveats(const struct module *module, bool leaves_memory_out)
{
	static const char *const advice[] = {"madvise", "process_madvise"};
	uint32_t caveats = 0;
	for (size_t i = 0; i < sizeof(import_rows) / sizeof(import_rows[0]); i++) {
		uint32_t num = 0;
		while (num < MAX_IMPORTS && import_rows[i].names[num] != NULL)
			num++;
		if (import_rows[i].caveat == WAIT_CAVEAT_SYSCALLS &&
		    is_known_for_futexes(module->name))
			continue;
		if (elf_values_imports(module->file, import_rows[i].names, num) != 0)
			caveats |= import_rows[i].caveat;
	}
	/* Such code need not be in one of its calls just now. */
	if (!is_known_for_futexes(module->name) && file_enters_kernel(module->file))
		caveats |= WAIT_CAVEAT_SYSCALLS;
	if (leaves_memory_out &&
	    elf_values_imports(module->file, advice, sizeof(advice) / sizeof(advice[0])) != 0)
		caveats |= WAIT_CAVEAT_UNDUMPED;
	return caveats;
}

static bool waits_in_kernel(const struct task *task)
{
	static const int16_t calls[] = {SYS_epoll_wait,	    SYS_epoll_pwait,  SYS_epoll_pwait2,
					SYS_io_uring_enter, SYS_io_getevents, SYS_mq_timedreceive};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (task->kind == CORELEAKS_KIND_THREAD && task->hint->syscall_nr == calls[i])
			return true;
	return false;
}

/* The child runs on in the same memory. The kernel dumps its parent as one that has come back from
 * the call, when the dump ends the wait for it (kernel/fork.c, wait_for_vfork_done). */
static bool has_vforked(const struct task *task)
{
	return task->kind == CORELEAKS_KIND_THREAD && task->hint->syscall_nr == SYS_vfork;
}

/* Is it in a system call that its own code has made, by the instruction? Then it makes others so.
 */
static bool calls_by_itself(const struct reach_premises_input *input, const struct task *task)
{
	if (task->kind != CORELEAKS_KIND_THREAD || !task->hint->blocked)
		return false;
	int32_t index = modules_find(input->modules, task->registers->values[REGISTER_RIP]);
	const struct module *module = index >= 0 ? &input->modules->list.items[index] : NULL;
	return module == NULL || (!is_glibc(module->name) && !is_known_for_futexes(module->name));
}

uint32_t reach_premises_caveats(const struct reach_premises_input *input)
{
	const struct notes *notes = input->notes;
	uint32_t caveats = input->undumped ? WAIT_CAVEAT_UNDUMPED : 0;
	/* GDB leaves memory out without a trace. What others do is not known. */
	bool kernel = notes->dumper != NULL && strcmp(notes->dumper, "kernel") == 0;
	if (notes->dumper == NULL)
		caveats |= WAIT_CAVEAT_UNDUMPED;
	for (uint32_t i = 0; i < input->modules->list.num; i++) {
		const struct module *module = &input->modules->list.items[i];
		if (!module->vdso && module->file != NULL && !is_glibc(module->name))
			caveats |= import_caveats(module, !kernel || input->advised);
	}
	for (uint32_t i = 0; i < input->tasks->list.num; i++) {
		if (waits_in_kernel(&input->tasks->list.items[i]))
			caveats |= WAIT_CAVEAT_KERNEL;
		if (calls_by_itself(input, &input->tasks->list.items[i]))
			caveats |= WAIT_CAVEAT_SYSCALLS;
		if (has_vforked(&input->tasks->list.items[i]))
			caveats |= WAIT_CAVEAT_SHARERS;
	}
	/* The rings of io_uring and aio are mapped, whoever made them. */
	for (uint32_t i = 0; i < notes->mappings.num; i++)
		if (strstr(notes->mappings.items[i].path, "[io_uring]") != NULL ||
		    strstr(notes->mappings.items[i].path, "/[aio]") != NULL)
			caveats |= WAIT_CAVEAT_KERNEL;
	if (input->powers->unread)
		caveats |= WAIT_CAVEAT_UNREAD | WAIT_CAVEAT_KERNEL | WAIT_CAVEAT_PIPES;
	if (input->powers->cancels)
		caveats |= WAIT_CAVEAT_CANCELLED;
	if (input->powers->cancels_anywhere)
		caveats |= WAIT_CAVEAT_CANCELLED_ANYWHERE;
	if (input->powers->leaves_waits)
		caveats |= WAIT_CAVEAT_LEFT;
	return caveats;
}
