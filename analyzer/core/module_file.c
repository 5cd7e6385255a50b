#include "core/module_file.h"

#include <gelf.h>
#include <limits.h>

enum { MAX_PHDRS = 256, MAX_NOTE_SIZE = 4096, PAGE = 4096 };

/* The program headers of one ELF file, read from the core or from the file. */
struct elf_layout {
	bool present;
	uint32_t num;
	Elf64_Phdr headers[MAX_PHDRS];
	uint64_t first_vaddr; /* address in the file's terms of its first byte */
	struct range range;   /* of all PT_LOADs, in the file's terms, whole pages */
	struct bytes build_id;
	struct bytes go_build_id; /* size 0: none */
};

/* Fills range and first_vaddr; false when there is nothing to load. */
static bool layout_measure(struct elf_layout *layout)
{
	bool any = false;
	layout->range = (struct range){UINT64_MAX, 0};
	for (uint32_t i = 0; i < layout->num; i++) {
		const Elf64_Phdr *header = &layout->headers[i];
		uint64_t high;
		if (header->p_type != PT_LOAD || header->p_memsz == 0)
			continue;
		if (__builtin_add_overflow(header->p_vaddr, header->p_memsz, &high) ||
		    high > UINT64_MAX - PAGE)
			return false;
		if (!any)
			layout->first_vaddr = header->p_vaddr - header->p_offset;
		any = true;
		if ((header->p_vaddr & ~(uint64_t)(PAGE - 1)) < layout->range.low)
			layout->range.low = header->p_vaddr & ~(uint64_t)(PAGE - 1);
		high = (high + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		if (high > layout->range.high)
			layout->range.high = high;
	}
	return any;
}

static struct bytes keep(struct arena *arena, struct bytes bytes)
{
	if (bytes.size == 0)
		return bytes;
	return (struct bytes){(unsigned char *)arena_copy_bytes(arena, bytes.data, bytes.size),
			      bytes.size};
}

static void layout_from_core(struct elf_layout *ret, struct arena *arena, const struct dump *dump,
			     uint64_t header_addr)
{
	Elf64_Ehdr header;
	*ret = (struct elf_layout){0};
	if (dump_read(dump, header_addr, &header, sizeof(header)) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr) ||
	    header.e_phnum == 0 || header.e_phnum > MAX_PHDRS)
		return;
	size_t size = header.e_phnum * sizeof(Elf64_Phdr);
	if (header.e_phoff > UINT64_MAX - header_addr ||
	    dump_read(dump, header_addr + header.e_phoff, ret->headers, size) != size)
		return;
	ret->num = header.e_phnum;
	ret->present = layout_measure(ret);
	for (uint32_t i = 0; i < ret->num && ret->present; i++) {
		char notes[MAX_NOTE_SIZE];
		const Elf64_Phdr *note = &ret->headers[i];
		if (note->p_type != PT_NOTE)
			continue;
		size = note->p_filesz < sizeof(notes) ? note->p_filesz : sizeof(notes);
		size = dump_read(dump, header_addr + (note->p_vaddr - ret->first_vaddr), notes,
				 size);
		if (ret->build_id.size == 0)
			ret->build_id = keep(arena, build_id_from_notes(notes, size));
		if (ret->go_build_id.size == 0)
			ret->go_build_id = keep(arena, go_build_id_from_notes(notes, size));
	}
}

static void layout_from_file(struct elf_layout *ret, const struct elf_file *file)
{
	size_t num, size;
	*ret = (struct elf_layout){0};
	if (elf_getphdrnum(file->elf, &num) != 0 || num > MAX_PHDRS)
		return;
	for (size_t i = 0; i < num; i++)
		if (gelf_getphdr(file->elf, (int)i, &ret->headers[i]) == NULL)
			return;
	ret->num = (uint32_t)num;
	ret->present = layout_measure(ret);
	ret->build_id = file->build_id;
	const char *bytes = elf_rawfile(file->elf, &size);
	for (uint32_t i = 0; i < ret->num && bytes != NULL && ret->go_build_id.size == 0; i++) {
		const Elf64_Phdr *note = &ret->headers[i];
		if (note->p_type == PT_NOTE && note->p_offset <= size &&
		    note->p_filesz <= size - note->p_offset)
			ret->go_build_id =
				go_build_id_from_notes(bytes + note->p_offset, note->p_filesz);
	}
}

/* Do the core's mappings of this file lie where its program headers would put them? */
static bool layout_fits_mappings(const struct elf_layout *layout, const struct module_place *place)
{
	uint64_t bias = place->header_addr - layout->first_vaddr;
	for (uint32_t i = 0; i < place->num_mappings; i++) {
		const struct note_mapping *mapping = &place->mappings[i];
		bool fits = false;
		for (uint32_t k = 0; k < layout->num && !fits; k++) {
			const Elf64_Phdr *header = &layout->headers[k];
			uint64_t start = header->p_offset & ~(uint64_t)(PAGE - 1);
			fits = header->p_type == PT_LOAD && mapping->file_off >= start &&
			       mapping->file_off - start < header->p_filesz + PAGE &&
			       mapping->range.low == bias + header->p_vaddr - header->p_offset +
							     mapping->file_off;
		}
		if (!fits)
			return false;
	}
	return true;
}

/* Of a program whose headers were not dumped (qemu-user leaves out what is executable): does it
 * begin where the core's did, and hold the constants that the core has? */
static bool layout_fits_program(const struct elf_layout *layout, const struct module_place *place,
				const struct module_files *module_files,
				const struct elf_file *file)
{
	enum { PART = 4096, MAX_COMPARED = 16 };
	GElf_Ehdr header;
	size_t size;
	char part[PART];
	uint64_t bias = place->header_addr - layout->first_vaddr;
	const char *bytes = elf_rawfile(file->elf, &size);
	if (bytes == NULL || gelf_getehdr(file->elf, &header) == NULL ||
	    header.e_entry + bias != notes_auxv(module_files->notes, AT_ENTRY))
		return false;
	for (uint32_t i = 0; i < layout->num; i++) {
		const Elf64_Phdr *load = &layout->headers[i];
		if (load->p_type != PT_LOAD || (load->p_flags & PF_W) != 0)
			continue;
		uint64_t step = (load->p_filesz / MAX_COMPARED / PART + 1) * PART;
		for (uint64_t off = 0; off < load->p_filesz; off += step) {
			uint64_t want = load->p_filesz - off < PART ? load->p_filesz - off : PART;
			size_t got = dump_read(module_files->dump, bias + load->p_vaddr + off, part,
					       want);
			if (load->p_offset > size || off > size - load->p_offset ||
			    got > size - load->p_offset - off ||
			    memcmp(part, bytes + load->p_offset + off, got) != 0)
				return false;
		}
	}
	return true;
}

static bool same_bytes(struct bytes a, struct bytes b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* Is this file the one that was mapped? NULL: yes; else why not. */
static const char *file_problem(struct module_files *module_files, const struct module_place *place,
				const struct elf_layout *core, const struct elf_file *file,
				bool *verified_ret)
{
	struct elf_layout layout;
	*verified_ret = false;
	layout_from_file(&layout, file);
	if (!layout.present)
		return arena_format(module_files->files->arena, "%s has nothing to load",
				    file->path);
	if (core->build_id.size > 0) {
		if (same_bytes(core->build_id, file->build_id)) {
			*verified_ret = true;
			return NULL;
		}
		return arena_format(
			module_files->files->arena,
			"%s has build-id %s, but the core was made with %s", file->path,
			file->build_id.size > 0
				? build_id_text(module_files->files->arena, file->build_id)
				: "none",
			build_id_text(module_files->files->arena, core->build_id));
	}
	if (core->go_build_id.size > 0) {
		*verified_ret = same_bytes(core->go_build_id, layout.go_build_id);
		return *verified_ret ? NULL
				     : arena_format(module_files->files->arena,
						    "%s has another Go build-id than the program "
						    "that the core is of",
						    file->path);
	}
	bool fits = place->is_program && !core->present
			    ? layout_fits_program(&layout, place, module_files, file)
		    : core->present
			    ? core->num == layout.num && memcmp(core->headers, layout.headers,
								core->num * sizeof(Elf64_Phdr)) == 0
			    : layout_fits_mappings(&layout, place);
	if (!fits)
		return arena_format(module_files->files->arena,
				    "%s is laid out differently from what the core had mapped",
				    file->path);
	return NULL;
}

static bool place_holds(const struct module_place *place, const struct elf_layout *core,
			uint64_t addr)
{
	if (addr == 0)
		return false;
	if (core->present) {
		uint64_t bias = place->header_addr - core->first_vaddr;
		return addr - bias >= core->range.low && addr - bias < core->range.high;
	}
	for (uint32_t i = 0; i < place->num_mappings; i++)
		if (range_contains(place->mappings[i].range, addr))
			return true;
	return false;
}

static bool place_executable(const struct module_files *module_files,
			     const struct module_place *place)
{
	for (uint32_t i = 0; i < place->num_mappings; i++) {
		const struct segment *segment =
			dump_find_segment(module_files->dump, place->mappings[i].range.low);
		if (segment != NULL && (segment->flags & PF_X) != 0)
			return true;
	}
	return place->mappings == NULL;
}

/* Tries one file; keeps it in module when it is the right one, else notes the problem. */
static bool try_file(struct module_files *module_files, const struct module_place *place,
		     const struct elf_layout *core, struct elf_file *file, struct module *module)
{
	bool verified;
	if (file == NULL)
		return false;
	const char *problem = file_problem(module_files, place, core, file, &verified);
	if (problem != NULL) {
		gaps_add(module_files->gaps, "file-mismatch", false, "%s: refused: %s", place->path,
			 problem);
		module->info.problem = problem;
		return false;
	}
	module->file = file;
	module->info.file = file->path;
	module->info.verified = verified;
	module->info.problem = NULL;
	return true;
}

static void find_file(struct module_files *module_files, const struct module_place *place,
		      const struct elf_layout *core, struct module *module)
{
	struct elf_files *files = module_files->files;
	const char *problem = NULL;
	if (module->main_program && module_files->executable != NULL) {
		struct elf_file *file = elf_files_open(files, module_files->executable, &problem);
		module_files->executable_used = try_file(module_files, place, core, file, module);
		module_files->executable_refused = file != NULL && !module_files->executable_used;
		module_files->executable_problem = problem;
		if (module_files->executable_used)
			return;
	}
	struct elf_file *file = elf_files_open_target(files, place->path, &problem);
	if (try_file(module_files, place, core, file, module))
		return;
	if (core->build_id.size > 0 &&
	    try_file(module_files, place, core, elf_files_open_build_id(files, core->build_id),
		     module))
		return;
	if (module->info.problem == NULL)
		module->info.problem = problem;
}

static void place_module(const struct module_place *place, const struct elf_layout *core,
			 struct module *module)
{
	struct elf_layout layout = *core;
	if (!layout.present && module->file != NULL)
		layout_from_file(&layout, module->file);
	if (layout.present) {
		module->bias = place->header_addr - layout.first_vaddr;
		module->range = (struct range){module->bias + layout.range.low,
					       module->bias + layout.range.high};
		if (module->range.low < module->range.high)
			return;
	}
	module->bias = place->header_addr;
	module->range.low = place->header_addr;
	module->range.high = place->num_mappings > 0
				     ? place->mappings[place->num_mappings - 1].range.high
				     : place->header_addr + PAGE;
}

bool module_file_find(struct module_files *module_files, const struct module_place *place,
		      struct module *ret)
{
	struct arena *arena = module_files->files->arena;
	if (module_files->layout == NULL)
		module_files->layout = arena_alloc(arena, sizeof(*module_files->layout));
	struct elf_layout *core = module_files->layout;
	layout_from_core(core, arena, module_files->dump, place->header_addr);
	const char *slash = strrchr(place->path, '/');
	*ret = (struct module){
		.info = {.path = place->path},
		.name = slash != NULL && slash[1] != '\0' ? slash + 1 : place->path,
	};
	ret->main_program = place->is_program ||
			    place_holds(place, core, notes_auxv(module_files->notes, AT_ENTRY));
	find_file(module_files, place, core, ret);
	if (ret->file == NULL && !core->present && !place_executable(module_files, place))
		return false;
	if (core->build_id.size > 0)
		ret->info.build_id = build_id_text(arena, core->build_id);
	else if (ret->file != NULL && ret->file->build_id.size > 0)
		ret->info.build_id = build_id_text(arena, ret->file->build_id);
	place_module(place, core, ret);
	if (ret->file == NULL) {
		gaps_add(module_files->gaps, "file-missing", false, "%s: %s", place->path,
			 ret->info.problem);
	} else if (!ret->info.verified) {
		ret->info.problem = "the core has no build-id to compare with";
		gaps_add(module_files->gaps, "file-unverified", false,
			 "%s: used unverified: the core has no build-id of it to compare with",
			 ret->info.file);
	}
	return true;
}
