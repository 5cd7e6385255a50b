#include "core/modules.h"

#include "core/link_map.h"
#include "core/module_file.h"

#include <limits.h>
#include <stdlib.h>

bool module_is_libc(const char *name)
{
	return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-2.", 7) == 0 ||
	       strncmp(name, "libpthread", 10) == 0;
}

int32_t modules_find(const struct modules *modules, uint64_t addr)
{
	uint32_t low = 0, high = modules->list.num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct module *module = &modules->list.items[middle];
		if (addr < module->range.low)
			high = middle;
		else if (addr >= module->range.high)
			low = middle + 1;
		else
			return (int32_t)middle;
	}
	return -1;
}

/* A mapping of file offset 0 begins a module when ELF headers stand there, in the core or in the
 * file; when both are gone, executable pages tell a program from a data file. */
static uint32_t modules_add_mapping(struct modules *modules, struct module_files *module_files,
				    const struct notes *notes, uint32_t first)
{
	const struct note_mapping *mapping = &notes->mappings.items[first];
	uint32_t last = first;
	struct module module;
	struct module_place place = {
		.path = mapping->path,
		.header_addr = mapping->range.low,
		.mappings = mapping,
	};
	while (last + 1 < notes->mappings.num &&
	       strcmp(notes->mappings.items[last + 1].path, mapping->path) == 0 &&
	       notes->mappings.items[last + 1].file_off >= notes->mappings.items[last].file_off &&
	       notes->mappings.items[last + 1].file_off != 0)
		last++;
	place.num_mappings = last - first + 1;
	if (mapping->file_off == 0 && module_file_find(module_files, &place, &module))
		*array_add(module_files->files->arena, &modules->list) = module;
	return last + 1;
}

static void modules_add_vdso(struct modules *modules, struct module_files *module_files,
			     const struct notes *notes)
{
	enum { MAX_VDSO_SIZE = 1 << 20 };
	uint64_t addr = notes_auxv(notes, AT_SYSINFO_EHDR);
	const struct segment *segment =
		addr != 0 ? dump_find_segment(module_files->dump, addr) : NULL;
	if (segment == NULL || segment->range.low != addr || segment->file_size == 0 ||
	    segment->file_size > MAX_VDSO_SIZE)
		return;
	struct elf_files *files = module_files->files;
	/* libelf wants memory that it may write to. */
	char *copy = arena_alloc(files->arena, segment->file_size);
	size_t size = dump_read(module_files->dump, addr, copy, segment->file_size);
	struct elf_file *file = elf_files_open_memory(files, "[vdso]", copy, size);
	if (file == NULL)
		return;
	struct module module = {
		.info = {.path = "[vdso]", .file = "[vdso]", .verified = true},
		.name = "[vdso]",
		.range = segment->range,
		.bias = addr,
		.vdso = true,
		.file = file,
	};
	if (file->build_id.size > 0)
		module.info.build_id = build_id_text(files->arena, file->build_id);
	*array_add(files->arena, &modules->list) = module;
}

static int module_compare(const void *a, const void *b)
{
	const struct module *x = a, *y = b;
	if (x->range.low != y->range.low)
		return x->range.low < y->range.low ? -1 : 1;
	return (x->range.high < y->range.high) - (x->range.high > y->range.high);
}

/* By address, without overlaps: the lower module keeps a contested address. */
static void modules_sort(struct modules *modules)
{
	uint32_t num = 0;
	if (modules->list.num == 0)
		return;
	qsort(modules->list.items, modules->list.num, sizeof(*modules->list.items), module_compare);
	for (uint32_t i = 0; i < modules->list.num; i++) {
		struct module module = modules->list.items[i];
		uint64_t taken = num > 0 ? modules->list.items[num - 1].range.high : 0;
		if (module.range.low < taken)
			module.range.low = taken;
		if (module.range.low < module.range.high)
			modules->list.items[num++] = module;
	}
	modules->list.num = num;
	for (uint32_t i = 0; i < num; i++) {
		struct module *module = &modules->list.items[i];
		module->info.low = module->range.low;
		module->info.high = module->range.high;
		if (module->main_program && modules->main_index < 0)
			modules->main_index = (int32_t)i;
	}
}

void modules_build(struct modules *ret, struct arena *arena, struct gaps *gaps,
		   const struct dump *dump, const struct notes *notes, struct elf_files *files,
		   const char *executable)
{
	struct module_files module_files = {
		.dump = dump,
		.notes = notes,
		.files = files,
		.gaps = gaps,
		.executable = executable,
	};
	*ret = (struct modules){.main_index = -1};
	for (uint32_t i = 0; i < notes->mappings.num;)
		i = modules_add_mapping(ret, &module_files, notes, i);
	if (ret->list.num == 0) {
		gaps_add(gaps, "no-mappings", false,
			 "the core has no list of mapped files (NT_FILE); the dynamic linker's own "
			 "is used");
		struct link_map map;
		link_map_build(&map, arena, gaps, &module_files);
		for (uint32_t i = 0; i < map.places.num; i++) {
			struct module module;
			if (module_file_find(&module_files, &map.places.items[i], &module))
				*array_add(arena, &ret->list) = module;
		}
	}
	modules_add_vdso(ret, &module_files, notes);
	modules_sort(ret);
	if (executable != NULL && !module_files.executable_used && !module_files.executable_refused)
		gaps_add(gaps, "executable-unused", false, "%s: not used: %s", executable,
			 module_files.executable_problem != NULL
				 ? module_files.executable_problem
				 : "the core does not tell where its program was mapped");
}
