#include "core/elf_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define DELETED " (deleted)"

enum { MAX_MINI_SIZE = 64 << 20 };

void elf_files_init(struct elf_files *files, struct arena *arena, struct gaps *gaps,
		    const char *sysroot, const char *debug_dirs)
{
	struct {
		const char **items;
		uint32_t num, capacity;
	} dirs = {0};
	if (debug_dirs == NULL)
		debug_dirs = "/usr/lib/debug";
	for (const char *dir = debug_dirs; *dir != '\0';) {
		size_t length = strcspn(dir, ":");
		if (length > 0)
			*array_add(arena, &dirs) = arena_copy_bytes(arena, dir, length);
		dir += length + (dir[length] == ':');
	}
	*array_add(arena, &dirs) = NULL;
	*files = (struct elf_files){
		.arena = arena, .gaps = gaps, .debug_dirs = dirs.items, .machine = EM_X86_64};
	if (sysroot != NULL && sysroot[0] != '\0') {
		char *copy = arena_copy_text(arena, sysroot);
		for (size_t end = strlen(copy); end > 0 && copy[end - 1] == '/'; end--)
			copy[end - 1] = '\0';
		files->sysroot = copy;
	}
	elf_version(EV_CURRENT);
}

static void elf_file_close(struct elf_file *file)
{
	elf_end(file->elf);
	file->elf = NULL;
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

void elf_files_deinit(struct elf_files *files)
{
	for (struct elf_file *file = files->first; file != NULL; file = file->next)
		elf_file_close(file);
	if (files->archive != NULL)
		archive_read_free(files->archive);
	files->first = NULL;
	files->archive = NULL;
}

/* A file of the list, not yet open: what is opened into it is closed with the list, whatever
 * happens meanwhile. */
static struct elf_file *elf_files_add(struct elf_files *files, const char *path)
{
	struct elf_file *file = arena_alloc(files->arena, sizeof(*file));
	file->path = arena_copy_text(files->arena, path);
	file->fd = -1;
	file->next = files->first;
	files->first = file;
	return file;
}

static void elf_file_read_build_id(struct elf_files *files, struct elf_file *file)
{
	const void *id = NULL;
	ssize_t size = dwelf_elf_gnu_build_id(file->elf, &id);
	if (size > 0)
		file->build_id = (struct bytes){
			(unsigned char *)arena_copy_bytes(files->arena, id, (size_t)size),
			(size_t)size};
}

static void elf_file_read_loads(struct elf_files *files, struct elf_file *file)
{
	size_t num, size;
	const char *raw = elf_rawfile(file->elf, &size);
	if (raw == NULL || elf_getphdrnum(file->elf, &num) != 0)
		return;
	struct {
		struct elf_load *items;
		uint32_t num, capacity;
	} loads = {0};
	for (size_t i = 0; i < num && i < INT_MAX; i++) {
		GElf_Phdr header;
		if (gelf_getphdr(file->elf, (int)i, &header) == NULL || header.p_type != PT_LOAD ||
		    header.p_offset >= size)
			continue;
		uint64_t left = size - header.p_offset;
		*array_add(files->arena, &loads) = (struct elf_load){
			.vaddr = header.p_vaddr,
			.bytes = {(const unsigned char *)raw + header.p_offset,
				  (size_t)(header.p_filesz < left ? header.p_filesz : left)},
			.writable = (header.p_flags & PF_W) != 0,
			.executable = (header.p_flags & PF_X) != 0,
		};
	}
	file->loads = loads.items;
	file->num_loads = loads.num;
}

/* Why this is no ELF file of that machine, or NULL. */
static const char *elf_problem(const struct elf_files *files, Elf *elf, bool relocatable)
{
	GElf_Ehdr header;
	if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == NULL)
		return "not an ELF file";
	if (gelf_getclass(elf) != ELFCLASS64 || header.e_machine != files->machine ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB)
		return "an ELF file of another machine";
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN &&
	    !(relocatable && header.e_type == ET_REL))
		return "not an ELF executable or library";
	return NULL;
}

static struct elf_file *open_elf(struct elf_files *files, const char *path, bool relocatable,
				 const char **problem_ret)
{
	struct stat status;
	/* Looked at before it is opened: opening a device may have effects. */
	if (stat(path, &status) != 0) {
		*problem_ret = strerrordesc_np(errno);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		*problem_ret = "not a regular file";
		return NULL;
	}
	struct elf_file *file = elf_files_add(files, path);
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0) {
		*problem_ret = strerrordesc_np(errno);
		return NULL;
	}
	/* PRIVATE: libelf may unpack compressed sections in place. */
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	*problem_ret = elf_problem(files, file->elf, relocatable);
	if (*problem_ret != NULL) {
		elf_file_close(file);
		return NULL;
	}
	elf_file_read_build_id(files, file);
	elf_file_read_loads(files, file);
	return file;
}

struct elf_file *elf_files_open(struct elf_files *files, const char *path, const char **problem_ret)
{
	return open_elf(files, path, false, problem_ret);
}

struct elf_file *elf_files_open_shared_debug(struct elf_files *files, const char *path,
					     const char **problem_ret)
{
	return open_elf(files, path, true, problem_ret);
}

struct elf_file *elf_files_open_memory(struct elf_files *files, const char *name, void *data,
				       size_t size)
{
	struct elf_file *file = elf_files_add(files, name);
	file->elf = elf_memory(data, size);
	if (elf_problem(files, file->elf, false) != NULL) {
		elf_file_close(file);
		return NULL;
	}
	elf_file_read_build_id(files, file);
	elf_file_read_loads(files, file);
	return file;
}

struct elf_file *elf_files_open_target(struct elf_files *files, const char *path,
				       const char **problem_ret)
{
	size_t length = strlen(path);
	size_t suffix = strlen(DELETED);
	if (path[0] != '/') {
		*problem_ret = "not a file's path";
		return NULL;
	}
	if (length > suffix && strcmp(path + length - suffix, DELETED) == 0)
		length -= suffix;
	const char *host_path =
		arena_format(files->arena, "%s%.*s", files->sysroot != NULL ? files->sysroot : "",
			     length < INT_MAX ? (int)length : INT_MAX, path);
	return elf_files_open(files, host_path, problem_ret);
}

const char *build_id_text(struct arena *arena, struct bytes build_id)
{
	char *text = arena_alloc(arena, build_id.size * 2 + 1);
	for (size_t i = 0; i < build_id.size; i++)
		snprintf(text + 2 * i, 3, "%02x", build_id.data[i]);
	return text;
}

static bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.size == b.size && a.size > 0 && memcmp(a.data, b.data, a.size) == 0;
}

static struct bytes note_find(struct bytes notes, const char *name, uint32_t type,
			      uint32_t max_size)
{
	uint64_t off = 0;
	Elf64_Nhdr header;
	char owner[4];
	while (bytes_read(notes, off, &header, sizeof(header))) {
		uint64_t desc_off =
			off + sizeof(header) + ((header.n_namesz + UINT64_C(3)) & ~UINT64_C(3));
		if (header.n_type == type && header.n_namesz == sizeof(owner) &&
		    bytes_read(notes, off + sizeof(header), owner, sizeof(owner)) &&
		    memcmp(owner, name, sizeof(owner)) == 0) {
			if (desc_off > notes.size || header.n_descsz > notes.size - desc_off ||
			    header.n_descsz > max_size)
				break;
			return (struct bytes){notes.data + desc_off, header.n_descsz};
		}
		off = desc_off + ((header.n_descsz + UINT64_C(3)) & ~UINT64_C(3));
	}
	return (struct bytes){0};
}

struct bytes build_id_from_notes(const void *notes, size_t size)
{
	return note_find((struct bytes){notes, size}, "GNU", NT_GNU_BUILD_ID, 64);
}

struct bytes go_build_id_from_notes(const void *notes, size_t size)
{
	enum { NT_GO_BUILD_ID = 4 };
	return note_find((struct bytes){notes, size}, "Go\0", NT_GO_BUILD_ID, 256);
}

/* root is "" or the sysroot. The file must really have that build-id. */
static struct elf_file *open_by_build_id(struct elf_files *files, const char *root, const char *dir,
					 struct bytes build_id, const char *suffix)
{
	const char *problem;
	const char *hex = build_id_text(files->arena, build_id);
	if (build_id.size < 2)
		return NULL;
	const char *path = arena_format(files->arena, "%s%s/.build-id/%.2s/%s%s", root, dir, hex,
					hex + 2, suffix);
	struct elf_file *file = elf_files_open(files, path, &problem);
	return file != NULL && bytes_equal(file->build_id, build_id) ? file : NULL;
}

static struct elf_file *search_build_id(struct elf_files *files, struct bytes build_id,
					const char *suffix)
{
	for (const char *const *dir = files->debug_dirs; *dir != NULL; dir++) {
		struct elf_file *file = NULL;
		if (files->sysroot != NULL)
			file = open_by_build_id(files, files->sysroot, *dir, build_id, suffix);
		if (file == NULL)
			file = open_by_build_id(files, "", *dir, build_id, suffix);
		if (file != NULL)
			return file;
	}
	return NULL;
}

struct elf_file *elf_files_open_build_id(struct elf_files *files, struct bytes build_id)
{
	return search_build_id(files, build_id, "");
}

static bool same_checksum(const struct elf_file *file, uint32_t expected)
{
	size_t size;
	const char *bytes = elf_rawfile(file->elf, &size);
	return bytes != NULL && crc32_z(0, (const unsigned char *)bytes, size) == expected;
}

static struct elf_file *open_debug_link(struct elf_files *files, struct elf_file *file,
					const char *path, uint32_t checksum)
{
	const char *problem;
	if (strcmp(path, file->path) == 0)
		return NULL;
	struct elf_file *debug = elf_files_open(files, path, &problem);
	if (debug == NULL)
		return NULL;
	/* Equal build-ids say more than a checksum, and cost less. */
	if (file->build_id.size > 0 && debug->build_id.size > 0)
		return bytes_equal(file->build_id, debug->build_id) ? debug : NULL;
	return same_checksum(debug, checksum) ? debug : NULL;
}

static struct elf_file *search_debug_link(struct elf_files *files, struct elf_file *file)
{
	GElf_Word checksum;
	const char *name = dwelf_elf_gnu_debuglink(file->elf, &checksum);
	const char *slash = strrchr(file->path, '/');
	if (name == NULL || name[0] == '\0' || strchr(name, '/') != NULL || slash == NULL)
		return NULL;
	const char *folder =
		arena_copy_bytes(files->arena, file->path, (size_t)(slash - file->path));
	struct elf_file *debug = open_debug_link(
		files, file, arena_format(files->arena, "%s/%s", folder, name), checksum);
	if (debug == NULL)
		debug = open_debug_link(files, file,
					arena_format(files->arena, "%s/.debug/%s", folder, name),
					checksum);
	const char *inside = folder;
	if (files->sysroot != NULL && strncmp(folder, files->sysroot, strlen(files->sysroot)) == 0)
		inside = folder + strlen(files->sysroot);
	for (const char *const *dir = files->debug_dirs; debug == NULL && *dir != NULL; dir++) {
		debug = open_debug_link(files, file,
					arena_format(files->arena, "%s%s/%s", *dir, inside, name),
					checksum);
		if (debug == NULL && files->sysroot != NULL)
			debug = open_debug_link(files, file,
						arena_format(files->arena, "%s%s%s/%s",
							     files->sysroot, *dir, inside, name),
						checksum);
	}
	return debug;
}

struct elf_file *elf_files_debug(struct elf_files *files, struct elf_file *file)
{
	if (file->debug_tried)
		return file->debug;
	file->debug_tried = true;
	if (file->fd < 0)
		return NULL;
	if (file->build_id.size > 0)
		file->debug = search_build_id(files, file->build_id, ".debug");
	if (file->debug == NULL)
		file->debug = search_debug_link(files, file);
	return file->debug;
}

static Elf_Scn *section_by_name(Elf *elf, const char *name)
{
	size_t names;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS)
			continue;
		const char *found = elf_strptr(elf, names, header.sh_name);
		if (found != NULL && strcmp(found, name) == 0)
			return section;
	}
	return NULL;
}

bool elf_file_has_section(const struct elf_file *file, const char *name)
{
	size_t size;
	return elf_rawfile(file->elf, &size) != NULL && section_by_name(file->elf, name) != NULL;
}

/* Unpacks xz data into the arena; NULL when it is damaged or larger than allowed. */
static char *unpack(struct elf_files *files, const void *packed, size_t packed_size,
		    size_t *size_ret)
{
	struct archive_entry *entry;
	struct archive *archive = files->archive = archive_read_new();
	char *data = NULL;
	size_t size = 0, capacity = 0;
	if (archive == NULL)
		return NULL;
	archive_read_support_filter_xz(archive);
	archive_read_support_format_raw(archive);
	bool fine = archive_read_open_memory(archive, packed, packed_size) == ARCHIVE_OK &&
		    archive_read_next_header(archive, &entry) == ARCHIVE_OK;
	while (fine) {
		if (size == capacity) {
			size_t larger = capacity == 0 ? 64 * 1024 : capacity * 2;
			data = arena_grow(files->arena, data, capacity, larger);
			capacity = larger;
		}
		la_ssize_t got = archive_read_data(archive, data + size, capacity - size);
		if (got == 0)
			break;
		fine = got > 0 && size + (size_t)got <= MAX_MINI_SIZE;
		size += got > 0 ? (size_t)got : 0;
	}
	archive_read_free(archive);
	files->archive = NULL;
	*size_ret = size;
	return fine && size > 0 ? data : NULL;
}

struct elf_file *elf_files_mini(struct elf_files *files, struct elf_file *file)
{
	size_t size;
	if (file->mini_tried)
		return file->mini;
	file->mini_tried = true;
	Elf_Scn *section = section_by_name(file->elf, ".gnu_debugdata");
	Elf_Data *packed = section != NULL ? elf_rawdata(section, NULL) : NULL;
	if (packed == NULL || packed->d_buf == NULL)
		return NULL;
	char *data = unpack(files, packed->d_buf, packed->d_size, &size);
	if (data != NULL)
		file->mini = elf_files_open_memory(files, file->path, data, size);
	if (file->mini == NULL)
		gaps_add(files->gaps, "debug-info-unreadable", false,
			 "%s: its mini-debuginfo (.gnu_debugdata) cannot be unpacked", file->path);
	return file->mini;
}
