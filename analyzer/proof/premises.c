#include "proof/premises.h"

#include "core/elf_values.h"

/* glibc's own dynamic linker belongs to it. */
static bool is_libc(const char *name)
{
	return module_is_libc(name) || strncmp(name, "ld-linux", 8) == 0 ||
	       strncmp(name, "ld-2.", 5) == 0;
}

enum {
	CANCELS = 1,
	SIGNALS = 2, /* single threads */
	CHOOSES_CANCELLING = 4,
	HANDLES_SIGNALS = 8,
	JUMPS = 16,
	ENDS_THREADS = 32,
	SWITCHES_STACKS = 64,
	FORKS = 128,
	CARVES_STACKS = 256,
};

/* glibc's names, with those that its headers redirect to (setjmp2.h, signal.h, ucontext.h), and
 * Boost.Context's. __longjmp_chk refuses to jump to frames that lie deeper. */
static const struct {
	const char *name;
	uint32_t power;
} power_rows[] = {
	{"pthread_cancel", CANCELS},
	{"pthread_kill", SIGNALS},
	{"tgkill", SIGNALS},
	{"pthread_sigqueue", SIGNALS},
	{"pthread_setcanceltype", CHOOSES_CANCELLING},
	{"sigaction", HANDLES_SIGNALS},
	{"signal", HANDLES_SIGNALS},
	{"__sysv_signal", HANDLES_SIGNALS},
	{"sysv_signal", HANDLES_SIGNALS},
	{"bsd_signal", HANDLES_SIGNALS},
	{"ssignal", HANDLES_SIGNALS},
	{"sigset", HANDLES_SIGNALS},
	{"sigvec", HANDLES_SIGNALS},
	{"longjmp", JUMPS | CARVES_STACKS},
	{"_longjmp", JUMPS | CARVES_STACKS},
	{"siglongjmp", JUMPS | CARVES_STACKS},
	{"__longjmp_chk", JUMPS},
	{"setcontext", JUMPS | SWITCHES_STACKS},
	{"swapcontext", JUMPS | SWITCHES_STACKS},
	{"makecontext", SWITCHES_STACKS},
	{"make_fcontext", SWITCHES_STACKS},
	{"jump_fcontext", SWITCHES_STACKS},
	{"ontop_fcontext", SWITCHES_STACKS},
	{"pthread_exit", ENDS_THREADS},
	{"thrd_exit", ENDS_THREADS},
	{"fork", FORKS},
	{"__fork", FORKS},
	{"_Fork", FORKS},
};

enum { NUM_POWERS = sizeof(power_rows) / sizeof(power_rows[0]) };

static uint32_t powers_of_file(const struct elf_file *file, const char *const *names)
{
	uint64_t found = elf_values_imports(file, names, NUM_POWERS);
	uint32_t powers = 0;
	for (uint32_t i = 0; i < NUM_POWERS; i++)
		if ((found & UINT64_C(1) << i) != 0)
			powers |= power_rows[i].power;
	return powers;
}

void premises_powers(struct program_powers *ret, const struct modules *modules)
{
	const char *names[NUM_POWERS];
	bool has_libc = false;
	uint32_t all = 0;
	*ret = (struct program_powers){0};
	for (uint32_t i = 0; i < NUM_POWERS; i++)
		names[i] = power_rows[i].name;
	for (uint32_t i = 0; i < modules->list.num; i++) {
		const struct module *module = &modules->list.items[i];
		if (module->vdso)
			continue;
		if (is_libc(module->name))
			has_libc = true;
		else if (module->file == NULL || !module->info.verified)
			ret->unread = true;
		else
			all |= powers_of_file(module->file, names);
	}
	ret->unread |= !has_libc;
	/* A handler may call what jumps, or be called by what has it installed: the two need not be
	 * in one module. A thread's end by a signal needs one that was sent to that thread. */
	ret->leaves_waits = (all & HANDLES_SIGNALS) != 0 &&
			    ((all & JUMPS) != 0 ||
			     (all & (SIGNALS | ENDS_THREADS)) == (SIGNALS | ENDS_THREADS));
	ret->handles_signals = (all & HANDLES_SIGNALS) != 0;
	ret->cancels = (all & (CANCELS | SIGNALS)) != 0;
	ret->cancels_anywhere = (all & CANCELS) != 0 && (all & CHOOSES_CANCELLING) != 0;
	ret->switches_stacks = (all & SWITCHES_STACKS) != 0;
	ret->carves_stacks = (all & (SWITCHES_STACKS | CARVES_STACKS)) != 0;
	ret->forks = (all & FORKS) != 0;
}

/* The main thread has none of glibc's stacks: it runs where the kernel put the program's name, too
 * (fs/exec.c). */
static bool is_own(const struct premises_input *input, const struct nptl_thread *thread,
		   uint64_t addr)
{
	if (thread->stack_addr != 0)
		return addr >= thread->stack_addr && addr - thread->stack_addr < thread->stack_size;
	uint64_t high = image_segment_high(input->image, notes_auxv(input->notes, AT_EXECFN));
	return thread->start_addr != 0 || high == 0 ||
	       image_segment_high(input->image, addr) == high;
}

bool premises_coroutines(const struct premises_input *input)
{
	for (uint32_t i = 0; i < input->tasks->list.num; i++) {
		const struct task *task = &input->tasks->list.items[i];
		int32_t index = input->nptl->by_task[i];
		/* A thread cloned by hand may share another's descriptor, but not its stack. */
		if (index < 0 || input->nptl->threads.items[index].task != (int32_t)i)
			continue;
		const struct nptl_thread *thread = &input->nptl->threads.items[index];
		if (!is_own(input, thread, task->sp) &&
		    !is_own(input, thread, input->stacks->outer_sp[i]))
			return true;
	}
	return false;
}
