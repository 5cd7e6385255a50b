#include "proof/premises.h"

#include "core/elf_values.h"

/* glibc's own dynamic linker belongs to it. */
static bool is_libc(const char *name)
{
	return module_is_libc(name) || strncmp(name, "ld-linux", 8) == 0 ||
	       strncmp(name, "ld-2.", 5) == 0;
}

bool premises_cancels(const struct modules *modules)
{
	static const char *const names[] = {"pthread_cancel", "pthread_kill", "tgkill",
					    "pthread_sigqueue"};
	bool has_libc = false;
	for (uint32_t i = 0; i < modules->list.num; i++) {
		const struct module *module = &modules->list.items[i];
		if (module->vdso)
			continue;
		if (is_libc(module->name)) {
			has_libc = true;
			continue;
		}
		if (module->file == NULL || !module->info.verified ||
		    elf_values_imports(module->file, names, sizeof(names) / sizeof(names[0])))
			return true;
	}
	return !has_libc;
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
		if (!is_own(input, thread, task->registers.values[REGISTER_RSP]) &&
		    !is_own(input, thread, input->stacks->outer_sp[i]))
			return true;
	}
	return false;
}
