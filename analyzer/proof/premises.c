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
