#include "stack/dwarf_session.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <sys/stat.h>

static bool has_section(Elf *elf, const char *const wanted[], size_t num_wanted)
{
	size_t names;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return false;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS)
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		for (size_t i = 0; name != NULL && i < num_wanted; i++)
			if (strcmp(name, wanted[i]) == 0)
				return true;
	}
	return false;
}

static bool has_dwarf(Elf *elf)
{
	static const char *const names[] = {".debug_info", ".zdebug_info"};
	return has_section(elf, names, sizeof(names) / sizeof(names[0]));
}

/* libdw 0.188 takes strings from these sections without looking for their ends, so that the last
 * one must have its NUL. They are unpacked once libdw has opened the file. */
static bool strings_end(Elf *elf)
{
	static const char *const wanted[] = {".debug_str", ".debug_line_str", ".debug_str.dwo"};
	size_t names;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return false;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS)
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		for (size_t i = 0; name != NULL && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			const Elf_Data *data =
				strcmp(name, wanted[i]) == 0 ? elf_rawdata(section, NULL) : NULL;
			if (data != NULL && data->d_size > 0 &&
			    ((const char *)data->d_buf)[data->d_size - 1] != '\0')
				return false;
		}
	}
	return true;
}

static bool same_id(struct bytes a, const void *data, ssize_t size)
{
	return size > 0 && a.size == (size_t)size && memcmp(a.data, data, a.size) == 0;
}

/* The dwz file that several debug files share, by the path in .gnu_debugaltlink, then by
 * build-id. NULL: none is needed or found. */
static struct elf_file *find_alt(struct dwarf_session *session, bool *needed_ret)
{
	const char *name, *problem;
	const void *id;
	struct arena *arena = session->arena;
	ssize_t id_size = dwelf_dwarf_gnu_debugaltlink(session->dwarf, &name, &id);
	*needed_ret = id_size > 0;
	if (id_size <= 1 || id_size > 64)
		return NULL;
	const char *path = session->file->path, *slash = strrchr(path, '/');
	if (name[0] != '/' && slash != NULL)
		name = arena_format(arena, "%.*s/%s", (int)(slash - path), path, name);
	struct elf_file *alt = elf_files_open_shared_debug(session->files, name, &problem);
	if (alt != NULL && same_id(alt->build_id, id, id_size))
		return alt;
	const char *hex = build_id_text(arena, (struct bytes){id, (size_t)id_size});
	for (const char *const *dir = session->files->debug_dirs; *dir != NULL; dir++) {
		name = arena_format(arena, "%s/.build-id/%.2s/%s.debug", *dir, hex, hex + 2);
		alt = elf_files_open_shared_debug(session->files, name, &problem);
		if (alt != NULL && same_id(alt->build_id, id, id_size))
			return alt;
	}
	return NULL;
}

static bool report(struct dwarf_session *session, const char *why)
{
	gaps_add(session->gaps, "debug-info-unreadable", false,
		 "%s: its debug information cannot be read: %s", session->file->path, why);
	session->damaged = true;
	return false;
}

void dwarf_session_damaged(struct dwarf_session *session)
{
	const char *why = dwarf_errmsg(-1);
	if (!session->damaged)
		report(session, why != NULL ? why : "it is damaged");
}

bool dwarf_session_open(struct dwarf_session *session, struct arena *arena, struct gaps *gaps,
			struct elf_files *files, struct elf_file *file)
{
	bool alt_needed;
	if (!has_dwarf(file->elf))
		file = elf_files_debug(files, file);
	if (file == NULL || !has_dwarf(file->elf))
		return false;
	*session = (struct dwarf_session){
		.arena = arena,
		.gaps = gaps,
		.files = files,
		.file = file,
	};
	session->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	if (session->dwarf == NULL) {
		dwarf_session_damaged(session);
		return false;
	}
	if (!strings_end(file->elf))
		return report(session, "its strings have no end");
	struct elf_file *alt = find_alt(session, &alt_needed);
	if (!alt_needed)
		return true;
	session->alt = alt != NULL ? dwarf_begin_elf(alt->elf, DWARF_C_READ, NULL) : NULL;
	if (session->alt == NULL)
		return report(session, "the file that it shares with others (dwz) is missing");
	if (!strings_end(alt->elf))
		return report(session, "the strings of the file that it shares have no end");
	dwarf_setalt(session->dwarf, session->alt);
	return true;
}

void dwarf_session_close(struct dwarf_session *session)
{
	if (session->dwarf != NULL)
		dwarf_end(session->dwarf);
	if (session->alt != NULL)
		dwarf_end(session->alt);
	session->dwarf = session->alt = NULL;
}

bool dwarf_session_next_range(struct dwarf_session *session, Dwarf_Die *die, ptrdiff_t *off,
			      Dwarf_Addr *base, struct range *ret)
{
	Dwarf_Addr low, high;
	ptrdiff_t before, after;
	do {
		before = *off;
		after = dwarf_ranges(die, before, base, &low, &high);
		*off = after;
		/* Functions that the linker dropped lie at address 0; no code of a module does. */
		if (after > before && low > 0 && low < high) {
			*ret = (struct range){low, high};
			return true;
		}
	} while (after > before);
	if (after < 0)
		dwarf_session_damaged(session);
	return false;
}

bool dwarf_session_covers(struct dwarf_session *session, Dwarf_Die *die, uint64_t addr,
			  struct range *ret)
{
	Dwarf_Addr base;
	for (ptrdiff_t off = 0; dwarf_session_next_range(session, die, &off, &base, ret);)
		if (range_contains(*ret, addr))
			return true;
	return false;
}

/* Whether libdw may open this path: what is no regular file could block or have effects. */
static bool harmless_path(struct dwarf_session *session, const char *folder, const char *name)
{
	struct stat status;
	if (name[0] != '/' && folder != NULL)
		name = arena_format(session->arena, "%s/%s", folder, name);
	return stat(name, &status) != 0 || S_ISREG(status.st_mode);
}

Dwarf_Die dwarf_session_whole_unit(struct dwarf_session *session, Dwarf_Die *unit)
{
	uint8_t type;
	Dwarf_Die split;
	Dwarf_Attribute attribute;
	const char *slash = strrchr(session->file->path, '/');
	if (dwarf_attr(unit, DW_AT_dwo_name, &attribute) == NULL &&
	    dwarf_attr(unit, DW_AT_GNU_dwo_name, &attribute) == NULL)
		return *unit;
	const char *name = dwarf_formstring(&attribute), *folder = NULL;
	if (dwarf_attr(unit, DW_AT_comp_dir, &attribute) != NULL)
		folder = dwarf_formstring(&attribute);
	const char *beside = slash == NULL
				     ? NULL
				     : arena_copy_bytes(session->arena, session->file->path,
							(size_t)(slash - session->file->path));
	if (name == NULL || !harmless_path(session, folder, name) ||
	    !harmless_path(session, beside, name))
		return *unit;
	if (dwarf_cu_info(unit->cu, NULL, &type, NULL, &split, NULL, NULL, NULL) != 0 ||
	    split.cu == NULL || !strings_end(dwarf_getelf(dwarf_cu_getdwarf(split.cu))))
		return *unit;
	return split;
}
