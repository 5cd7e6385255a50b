#include "core/link_map.h"

#include <gelf.h>
#include <limits.h>

enum { MAX_OBJECTS = 10000, MAX_PHDRS = 256, MAX_DYNAMIC = 1024, PAGE = 4096 };

static bool read_target(const struct dump *dump, uint64_t addr, void *ret, size_t size)
{
	return dump_read(dump, addr, ret, size) == size;
}

static const char *read_path(struct arena *arena, const struct dump *dump, uint64_t addr)
{
	char buffer[PATH_MAX];
	size_t got = dump_read(dump, addr, buffer, sizeof(buffer));
	size_t length = strnlen(buffer, got);
	return length < got && length > 0 ? arena_copy_bytes(arena, buffer, length) : NULL;
}

/* Address of the program's dynamic section, 0 when there is none (a static program). */
static uint64_t find_dynamic(const struct module_files *module_files)
{
	uint64_t headers_addr = notes_auxv(module_files->notes, AT_PHDR);
	uint64_t num = notes_auxv(module_files->notes, AT_PHNUM), bias = 0, dynamic_addr = 0;
	if (headers_addr == 0 || num > MAX_PHDRS)
		return 0;
	for (uint64_t i = 0; i < num; i++) {
		Elf64_Phdr header;
		if (!read_target(module_files->dump, headers_addr + i * sizeof(header), &header,
				 sizeof(header)))
			return 0;
		if (header.p_type == PT_PHDR)
			bias = headers_addr - header.p_vaddr;
		else if (header.p_type == PT_DYNAMIC)
			dynamic_addr = header.p_vaddr;
	}
	return dynamic_addr != 0 ? dynamic_addr + bias : 0;
}

/* r_debug.r_map (glibc elf/link.h): the first object of the list; 0 unknown. */
static uint64_t find_first_object(const struct module_files *module_files)
{
	uint64_t dynamic_addr = find_dynamic(module_files);
	for (uint64_t i = 0; dynamic_addr != 0 && i < MAX_DYNAMIC; i++) {
		Elf64_Dyn entry;
		uint64_t first_addr;
		if (!read_target(module_files->dump, dynamic_addr + i * sizeof(entry), &entry,
				 sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			return 0;
		if (entry.d_tag != DT_DEBUG || entry.d_un.d_ptr == 0)
			continue;
		return read_target(module_files->dump, entry.d_un.d_ptr + 8, &first_addr,
				   sizeof(first_addr))
			       ? first_addr
			       : 0;
	}
	return 0;
}

static void add_main_program(struct link_map *map, struct arena *arena,
			     const struct module_files *module_files)
{
	uint64_t headers_addr = notes_auxv(module_files->notes, AT_PHDR);
	uint64_t name_addr = notes_auxv(module_files->notes, AT_EXECFN);
	if (headers_addr == 0)
		return;
	const char *path = name_addr != 0 ? read_path(arena, module_files->dump, name_addr) : NULL;
	if (path == NULL)
		path = module_files->notes->command != NULL ? module_files->notes->command
							    : "main program";
	/* The program headers follow the ELF header in the file's first page. */
	*array_add(arena, &map->places) = (struct module_place){
		.path = path,
		.header_addr = headers_addr & ~(uint64_t)(PAGE - 1),
		.is_program = true,
	};
}

void link_map_build(struct link_map *ret, struct arena *arena, struct gaps *gaps,
		    struct module_files *module_files)
{
	struct object {
		uint64_t load_addr, name_addr, dynamic_addr, next_addr;
	} object;
	const struct dump *dump = module_files->dump;
	uint64_t vdso_addr = notes_auxv(module_files->notes, AT_SYSINFO_EHDR);
	struct intern seen;
	bool is_new = true;
	*ret = (struct link_map){0};
	intern_init(&seen, arena);
	add_main_program(ret, arena, module_files);
	uint64_t addr = find_first_object(module_files);
	if (addr == 0) {
		/* A program without a dynamic linker has none; where not even that is known, no
		 * stack can be followed. */
		gaps_add(gaps, "no-link-map", ret->places.num == 0,
			 "the dynamic linker's list of libraries cannot be read either");
		return;
	}
	for (uint32_t i = 0; addr != 0; i++) {
		intern_add(&seen, &addr, sizeof(addr), &is_new);
		if (!is_new || i == MAX_OBJECTS ||
		    !read_target(dump, addr, &object, sizeof(object))) {
			gaps_add(gaps, "no-link-map", false,
				 "the dynamic linker's list of libraries breaks off after %u", i);
			return;
		}
		const char *path = read_path(arena, dump, object.name_addr);
		/* The program itself has no name in the list; it comes first. */
		if (path != NULL && path[0] == '/' && object.load_addr != vdso_addr)
			*array_add(arena, &ret->places) = (struct module_place){
				.path = path,
				.header_addr = object.load_addr,
			};
		addr = object.next_addr;
	}
}
