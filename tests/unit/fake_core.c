#include "fake_core.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

static void buffer_add(struct fake_buffer *buffer, const void *bytes, size_t size)
{
	if (size == 0)
		return;
	if (buffer->size + size > buffer->capacity) {
		buffer->capacity = (buffer->size + size) * 2;
		buffer->bytes = realloc(buffer->bytes, buffer->capacity);
		ck_assert_ptr_nonnull(buffer->bytes);
	}
	if (bytes != NULL)
		memcpy(buffer->bytes + buffer->size, bytes, size);
	else
		memset(buffer->bytes + buffer->size, 0, size);
	buffer->size += size;
}

static void buffer_align(struct fake_buffer *buffer, size_t align)
{
	if (buffer->size % align != 0)
		buffer_add(buffer, NULL, align - buffer->size % align);
}

void fake_core_init(struct fake_core *core)
{
	*core = (struct fake_core){.notes_align = 4, .file_page_size = FAKE_PAGE};
}

void fake_core_deinit(struct fake_core *core)
{
	for (size_t i = 0; i < sizeof(core->notes) / sizeof(core->notes[0]); i++)
		free(core->notes[i].bytes);
	free(core->headers.items);
	free(core->raw);
	free(core->data.bytes);
	free(core->entries.bytes);
	free(core->names.bytes);
	free(core->file.bytes);
	*core = (struct fake_core){0};
}

static void core_add_header(struct fake_core *core, const Elf64_Phdr *header, bool raw)
{
	if (core->headers.num == core->headers.capacity) {
		core->headers.capacity = core->headers.capacity * 2 + 16;
		core->headers.items =
			realloc(core->headers.items, core->headers.capacity * sizeof(*header));
		core->raw = realloc(core->raw, core->headers.capacity * sizeof(bool));
		ck_assert(core->headers.items != NULL && core->raw != NULL);
	}
	core->headers.items[core->headers.num] = *header;
	core->raw[core->headers.num++] = raw;
}

void fake_header(struct fake_core *core, const Elf64_Phdr *header)
{
	core_add_header(core, header, true);
}

void fake_segment(struct fake_core *core, uint64_t addr, const void *bytes, uint64_t file_size,
		  uint64_t memory_size, uint32_t flags)
{
	Elf64_Phdr header = {
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = core->data.size,
		.p_vaddr = addr,
		.p_filesz = file_size,
		.p_memsz = memory_size,
		.p_align = FAKE_PAGE,
	};
	core_add_header(core, &header, false);
	buffer_add(&core->data, bytes, file_size);
}

void fake_note_bytes(struct fake_core *core, const void *bytes, size_t size)
{
	buffer_add(&core->notes[core->num_notes], bytes, size);
}

void fake_note_segment(struct fake_core *core)
{
	ck_assert_uint_lt(++core->num_notes, sizeof(core->notes) / sizeof(core->notes[0]));
}

void fake_note(struct fake_core *core, const char *name, uint32_t type, const void *desc,
	       size_t size)
{
	struct fake_buffer *notes = &core->notes[core->num_notes];
	Elf64_Nhdr header = {
		.n_namesz = (uint32_t)strlen(name) + 1,
		.n_descsz = (uint32_t)size,
		.n_type = type,
	};
	buffer_add(notes, &header, sizeof(header));
	buffer_add(notes, name, header.n_namesz);
	buffer_align(notes, core->notes_align);
	buffer_add(notes, desc, size);
	buffer_align(notes, core->notes_align);
}

void fake_thread(struct fake_core *core, int32_t tid, int16_t signal,
		 const struct user_regs_struct *regs)
{
	struct elf_prstatus status = {.pr_cursig = signal, .pr_pid = tid};
	status.pr_info.si_signo = signal;
	memcpy(&status.pr_reg, regs, sizeof(*regs));
	fake_note(core, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

void fake_running_thread(struct fake_core *core, int32_t tid, uint64_t rip, uint64_t rsp,
			 uint64_t rbp)
{
	struct user_regs_struct regs = {.rip = rip, .rsp = rsp, .rbp = rbp, .orig_rax = UINT64_MAX};
	fake_thread(core, tid, 0, &regs);
}

void fake_prpsinfo(struct fake_core *core, int32_t pid, const char *name)
{
	struct elf_prpsinfo info = {.pr_pid = pid};
	memcpy(info.pr_fname, name, strnlen(name, sizeof(info.pr_fname)));
	fake_note(core, "CORE", NT_PRPSINFO, &info, sizeof(info));
}

void fake_siginfo(struct fake_core *core, int32_t signal)
{
	siginfo_t info = {.si_signo = signal};
	fake_note(core, "CORE", NT_SIGINFO, &info, sizeof(info));
}

void fake_fpregs(struct fake_core *core)
{
	struct user_fpregs_struct regs = {.cwd = 0x37f};
	fake_note(core, "CORE", NT_FPREGSET, &regs, sizeof(regs));
}

void fake_auxv(struct fake_core *core, const Elf64_auxv_t *entries, size_t num)
{
	fake_note(core, "CORE", NT_AUXV, entries, num * sizeof(*entries));
}

void fake_mapping(struct fake_core *core, uint64_t low, uint64_t high, uint64_t file_page,
		  const char *path)
{
	uint64_t entry[3] = {low, high, file_page};
	buffer_add(&core->entries, entry, sizeof(entry));
	buffer_add(&core->names, path, strlen(path) + 1);
	core->num_entries++;
}

void fake_file_note(struct fake_core *core)
{
	struct fake_buffer desc = {0};
	uint64_t head[2] = {core->num_entries + (uint64_t)core->file_count_lie,
			    core->file_page_size};
	buffer_add(&desc, head, sizeof(head));
	buffer_add(&desc, core->entries.bytes, core->entries.size);
	buffer_add(&desc, core->names.bytes, core->names.size);
	fake_note(core, "CORE", NT_FILE, desc.bytes, desc.size);
	free(desc.bytes);
	core->no_file_note = true;
}

static uint64_t page_up(uint64_t value)
{
	return (value + FAKE_PAGE - 1) & ~(uint64_t)(FAKE_PAGE - 1);
}

static unsigned char *read_file(const char *path, size_t *size_ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	ck_assert_msg(fd >= 0 && fstat(fd, &status) == 0, "%s", path);
	unsigned char *bytes = calloc(1, (size_t)status.st_size + FAKE_PAGE);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_int_eq(read(fd, bytes, (size_t)status.st_size), status.st_size);
	close(fd);
	*size_ret = (size_t)status.st_size;
	return bytes;
}

/* Writable: what the file backs is dumped; the rest (.bss) is an anonymous mapping of zeros. */
static void map_segment(struct fake_core *core, const Elf64_Phdr *header, const unsigned char *file,
			const char *path, uint64_t bias, int flags)
{
	uint64_t low = (bias + header->p_vaddr) & ~(uint64_t)(FAKE_PAGE - 1);
	uint64_t file_low = header->p_offset & ~(uint64_t)(FAKE_PAGE - 1);
	uint64_t backed = page_up(header->p_offset + header->p_filesz) - file_low;
	uint64_t all = page_up(bias + header->p_vaddr + header->p_memsz) - low;
	uint64_t dumped = 0;
	if (backed == 0)
		return;
	if (header->p_flags & PF_W)
		dumped = backed;
	else if (file_low == 0 && !(flags & FAKE_MAP_NO_HEADER))
		dumped = FAKE_PAGE;
	unsigned char *bytes = calloc(1, dumped + 1);
	ck_assert_ptr_nonnull(bytes);
	uint64_t used = header->p_offset - file_low + header->p_filesz;
	memcpy(bytes, file + file_low, used < dumped ? used : dumped);
	fake_segment(core, low, bytes, dumped, backed, header->p_flags);
	free(bytes);
	if (!(flags & FAKE_MAP_SILENT))
		fake_mapping(core, low, low + backed, file_low / FAKE_PAGE, path);
	if (all > backed)
		fake_segment(core, low + backed, NULL, all - backed, all - backed, PF_R | PF_W);
}

void fake_map(struct fake_core *core, const char *file, const char *path_in_core, uint64_t base,
	      int flags)
{
	size_t size;
	unsigned char *bytes = read_file(file, &size);
	const Elf64_Ehdr *elf = (const void *)bytes;
	const Elf64_Phdr *headers = (const void *)(bytes + elf->e_phoff);
	uint64_t bias = UINT64_MAX;
	for (int i = 0; i < elf->e_phnum; i++) {
		if (headers[i].p_type != PT_LOAD)
			continue;
		if (bias == UINT64_MAX)
			bias = base - (headers[i].p_vaddr & ~(uint64_t)(FAKE_PAGE - 1));
		map_segment(core, &headers[i], bytes, path_in_core, bias, flags);
	}
	free(bytes);
}

Elf64_Ehdr *fake_elf_header(struct fake_core *core)
{
	return (Elf64_Ehdr *)(void *)core->file.bytes;
}

static void build_note_headers(struct fake_core *core, uint64_t off)
{
	for (uint32_t i = 0; i <= core->num_notes; i++) {
		Elf64_Phdr header = {
			.p_type = PT_NOTE,
			.p_offset = off,
			.p_filesz = core->notes[i].size,
			.p_align = core->notes_align,
		};
		buffer_add(&core->file, &header, sizeof(header));
		off += core->notes[i].size;
	}
}

void fake_build(struct fake_core *core)
{
	if (core->num_entries > 0 && !core->no_file_note)
		fake_file_note(core);
	uint64_t num = core->headers.num + core->num_notes + 1, notes_size = 0;
	for (uint32_t i = 0; i <= core->num_notes; i++)
		notes_size += core->notes[i].size;
	bool extended = core->extended_numbering;
	uint64_t after =
		sizeof(Elf64_Ehdr) + num * sizeof(Elf64_Phdr) + (extended ? sizeof(Elf64_Shdr) : 0);
	uint64_t data_off = after + (core->notes_last ? 0 : notes_size);
	Elf64_Ehdr elf = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = core->is_arm64 ? EM_AARCH64 : EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = extended ? PN_XNUM : (uint16_t)num,
	};
	if (extended) {
		elf.e_shoff = after - sizeof(Elf64_Shdr);
		elf.e_shentsize = sizeof(Elf64_Shdr);
		elf.e_shnum = 1;
	}
	buffer_add(&core->file, &elf, sizeof(elf));
	build_note_headers(core, core->notes_last ? data_off + core->data.size : after);
	for (size_t i = 0; i < core->headers.num; i++) {
		Elf64_Phdr header = core->headers.items[i];
		if (!core->raw[i])
			header.p_offset += data_off;
		buffer_add(&core->file, &header, sizeof(header));
	}
	if (extended) {
		Elf64_Shdr section = {.sh_info = (uint32_t)num};
		buffer_add(&core->file, &section, sizeof(section));
	}
	if (core->notes_last)
		buffer_add(&core->file, core->data.bytes, core->data.size);
	for (uint32_t i = 0; i <= core->num_notes; i++)
		buffer_add(&core->file, core->notes[i].bytes, core->notes[i].size);
	if (!core->notes_last)
		buffer_add(&core->file, core->data.bytes, core->data.size);
}

const char *fake_bytes_path(struct fake_core *core, const void *bytes, size_t size)
{
	int fd = memfd_create("fake_core", 0);
	ck_assert_int_ge(fd, 0);
	for (size_t done = 0; done < size;) {
		ssize_t put = write(fd, (const char *)bytes + done, size - done);
		ck_assert_int_gt(put, 0);
		done += (size_t)put;
	}
	snprintf(core->path, sizeof(core->path), "/proc/self/fd/%d", fd);
	return core->path;
}

const char *fake_path_cut(struct fake_core *core, size_t size)
{
	if (core->file.size == 0)
		fake_build(core);
	ck_assert_uint_le(size, core->file.size);
	return fake_bytes_path(core, core->file.bytes, size);
}

const char *fake_path(struct fake_core *core)
{
	if (core->file.size == 0)
		fake_build(core);
	return fake_path_cut(core, core->file.size);
}
