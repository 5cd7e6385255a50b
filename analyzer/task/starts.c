#include "task/starts.h"

enum { STATE_WORDS = 8, MAX_TYPE_NAME = 4096 };

/* Itanium C++ ABI 2.9.5: the word before a virtual table's first entry points to the type's
 * information, whose second word points to its name. */
static const char *read_type_name(struct arena *arena, struct image *image, uint64_t vtable_addr)
{
	uint64_t type_addr, name_addr;
	char name[MAX_TYPE_NAME];
	if (!image_read_u64(image, vtable_addr - 8, &type_addr) || type_addr == 0 ||
	    !image_read_u64(image, type_addr + 8, &name_addr))
		return "";
	size_t got = image_read(image, name_addr, name, sizeof(name));
	size_t length = strnlen(name, got);
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return "";
	return length < got ? arena_copy_bytes(arena, name, length) : "";
}

/* std::thread::_State_impl (libstdc++ since GCC 6): virtual table, then the callable and its
 * arguments, the callable last in memory. */
static void find_callable(struct start *start, struct arena *arena, struct image *image,
			  uint64_t state_addr)
{
	uint64_t words[STATE_WORDS];
	size_t num = image_read(image, state_addr, words, sizeof(words)) / sizeof(words[0]);
	if (num == 0 || modules_find(image->modules, words[0]) < 0)
		return;
	const char *type_name = read_type_name(arena, image, words[0]);
	/* libsupc++ puts a star before the name of a type that only one file knows. */
	bool local = type_name[0] == '*';
	/* Only this type says that a code pointer in the object is the function to call. */
	if (strncmp(type_name + local, "NSt6thread11_State_impl", 23) != 0)
		return;
	start->type_name = type_name;
	start->vtable_addr = words[0];
	if (local || strstr(type_name, "PF") == NULL)
		return;
	for (size_t i = 1; i < num; i++) {
		if (image_executable(image, words[i])) {
			start->entry_addr = words[i];
			return;
		}
	}
}

struct start *starts_build(struct arena *arena, const struct nptl *nptl, struct image *image)
{
	struct start *starts = arena_alloc_array(arena, nptl->threads.num, sizeof(*starts));
	const struct modules *modules = image->modules;
	bool is_static = true;
	for (uint32_t i = 0; i < modules->list.num; i++)
		is_static &= !module_is_libc(modules->list.items[i].name);
	for (uint32_t i = 0; i < nptl->threads.num; i++) {
		const struct nptl_thread *thread = &nptl->threads.items[i];
		int32_t module = modules_find(modules, thread->start_addr);
		starts[i] = (struct start){.entry_addr = thread->start_addr, .type_name = ""};
		if (module < 0)
			continue;
		const struct module *info = &modules->list.items[module];
		/* In a static program libstdc++ is a part of it. */
		if (strncmp(info->name, "libstdc++", 9) == 0 || (is_static && info->main_program))
			find_callable(&starts[i], arena, image, thread->arg_addr);
	}
	return starts;
}
