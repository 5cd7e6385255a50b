#include "core/dump.h"

#include "base/error.h"
#include "core/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

size_t dump_pread(const struct dump *dump, uint64_t off, void *buffer, size_t size)
{
	size_t done = 0;
	while (done < size && off <= INT64_MAX - done) {
		ssize_t got =
			pread(dump->fd, (char *)buffer + done, size - done, (off_t)(off + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

const struct segment *dump_find_segment(const struct dump *dump, uint64_t addr)
{
	uint32_t low = 0, high = dump->segments.num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct segment *segment = &dump->segments.items[middle];
		if (addr < segment->range.low)
			high = middle;
		else if (addr >= segment->range.high)
			low = middle + 1;
		else
			return segment;
	}
	return NULL;
}

size_t dump_read(const struct dump *dump, uint64_t addr, void *buffer, size_t size)
{
	const struct segment *segment = dump_find_segment(dump, addr);
	if (segment == NULL)
		return 0;
	uint64_t into = addr - segment->range.low;
	if (into >= segment->file_size)
		return 0;
	if (size > segment->file_size - into)
		size = segment->file_size - into;
	return dump_pread(dump, segment->file_off + into, buffer, size);
}

/* Names of machines whose cores people are likely to have at hand (ELF gABI, e_machine). */
static const char *machine_name(uint16_t machine)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} names[] = {
		{EM_386, "32-bit x86"}, {EM_ARM, "32-bit ARM"}, {EM_AARCH64, "AArch64"},
		{EM_RISCV, "RISC-V"},	{EM_PPC64, "PowerPC"},	{EM_S390, "S/390"},
		{EM_MIPS, "MIPS"},	{EM_SPARCV9, "SPARC"},	{EM_LOONGARCH, "LoongArch"},
		{EM_X86_64, "x86-64"},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "unknown";
}

static const char *elf_type_name(uint16_t type)
{
	switch (type) {
	case ET_REL:
		return "an object file";
	case ET_EXEC:
		return "an executable";
	case ET_DYN:
		return "an executable or a shared library";
	default:
		return "an ELF file of another kind";
	}
}

static struct coreleaks_error *dump_check_header(const struct dump *dump, const Elf64_Ehdr *header,
						 size_t size)
{
	const char *path = dump->path;
	if (size == 0)
		return error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, path,
				 "%s: not a core dump: the file is empty", path);
	if (size < SELFMAG || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, path,
				 "%s: not a core dump: it does not begin with an ELF header", path);
	if (size >= EI_NIDENT && header->e_ident[EI_DATA] == ELFDATA2MSB)
		return error_new(
			CORELEAKS_ERROR_UNSUPPORTED, 0, path,
			"%s: a big-endian ELF file; only cores of x86-64 and AArch64 Linux are "
			"supported",
			path);
	if (size >= EI_NIDENT && header->e_ident[EI_CLASS] == ELFCLASS32)
		return error_new(
			CORELEAKS_ERROR_UNSUPPORTED, 0, path,
			"%s: a 32-bit ELF file; only cores of x86-64 and AArch64 Linux are "
			"supported",
			path);
	if (size < sizeof(*header))
		return error_new(
			CORELEAKS_ERROR_NOT_A_CORE, 0, path,
			"%s: not a core dump: only %zu bytes long, its ELF header is cut off", path,
			size);
	if (header->e_type != ET_CORE)
		return error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, path, "%s: not a core dump but %s",
				 path, elf_type_name(header->e_type));
	if (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64)
		return error_new(
			CORELEAKS_ERROR_UNSUPPORTED, 0, path,
			"%s: a core of a machine of type %s (%u); only x86-64 and AArch64 are "
			"supported",
			path, machine_name(header->e_machine), header->e_machine);
	if (header->e_phnum == 0)
		return error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, path,
				 "%s: not a usable core dump: it has no program headers", path);
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return error_new(
			CORELEAKS_ERROR_NOT_A_CORE, 0, path,
			"%s: damaged: its program headers are %u bytes long instead of %zu", path,
			header->e_phentsize, sizeof(Elf64_Phdr));
	return NULL;
}

/* With 65,535 program headers or more the true number stands in section header 0. */
static uint64_t dump_num_headers(const struct dump *dump, const Elf64_Ehdr *header,
				 struct gaps *gaps)
{
	Elf64_Shdr section;
	if (header->e_phnum != PN_XNUM)
		return header->e_phnum;
	if (header->e_shoff != 0 &&
	    dump_pread(dump, header->e_shoff, &section, sizeof(section)) == sizeof(section) &&
	    section.sh_info >= PN_XNUM)
		return section.sh_info;
	gaps_add(gaps, "core-damaged", true,
		 "the number of program headers cannot be read; the first %d are used", PN_XNUM);
	return PN_XNUM;
}

static void dump_add_segment(struct dump *dump, struct arena *arena, struct gaps *gaps,
			     const Elf64_Phdr *header, uint64_t *end_ret)
{
	uint64_t high, end;
	if (header->p_memsz == 0)
		return;
	if (__builtin_add_overflow(header->p_vaddr, header->p_memsz, &high)) {
		gaps_add(gaps, "core-damaged", true,
			 "a segment at 0x%llx reaches beyond the end of the address space",
			 (unsigned long long)header->p_vaddr);
		high = UINT64_MAX;
	}
	uint64_t dumped = header->p_filesz < header->p_memsz ? header->p_filesz : header->p_memsz;
	if (dumped > high - header->p_vaddr)
		dumped = high - header->p_vaddr;
	uint64_t present = 0;
	if (__builtin_add_overflow(header->p_offset, dumped, &end)) {
		gaps_add(gaps, "core-damaged", true,
			 "the segment at 0x%llx has an impossible place in the file",
			 (unsigned long long)header->p_vaddr);
		end = 0;
	} else if (header->p_offset < dump->size) {
		present = dump->size - header->p_offset;
		if (present > dumped)
			present = dumped;
	}
	if (end > *end_ret)
		*end_ret = end;
	*array_add(arena, &dump->segments) = (struct segment){
		.range = {header->p_vaddr, high},
		.file_off = header->p_offset,
		.dumped_size = dumped,
		.file_size = present,
		.flags = header->p_flags,
	};
}

static int segment_compare(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;
	if (x->range.low != y->range.low)
		return x->range.low < y->range.low ? -1 : 1;
	if (x->range.high != y->range.high)
		return x->range.high > y->range.high ? -1 : 1;
	return (x->file_off > y->file_off) - (x->file_off < y->file_off);
}

/* Makes room for a segment in what the one before it, which begins no later, does not have in the
 * dump. Returns whether anything of that one is left. */
static bool segment_yield(struct segment *before, uint64_t low)
{
	uint64_t held = before->range.low + before->dumped_size;
	if (held < low)
		held = low;
	if (held < before->range.high)
		before->range.high = held;
	return before->range.high > before->range.low;
}

/* Where segments overlap, the one that begins first keeps the bytes, if it has any. */
static void dump_sort_segments(struct dump *dump, struct gaps *gaps)
{
	struct segment *items = dump->segments.items;
	uint32_t num = 0, num_overlaps = 0;
	bool sorted = true;
	for (uint32_t i = 1; i < dump->segments.num && sorted; i++)
		sorted = items[i - 1].range.low < items[i].range.low;
	if (!sorted)
		qsort(items, dump->segments.num, sizeof(*items), segment_compare);
	for (uint32_t i = 0; i < dump->segments.num; i++) {
		struct segment segment = items[i];
		uint64_t taken = num > 0 ? items[num - 1].range.high : 0;
		if (segment.range.low < taken) {
			num_overlaps++;
			if (!segment_yield(&items[num - 1], segment.range.low))
				num--;
			taken = num > 0 ? items[num - 1].range.high : 0;
			if (taken < segment.range.low)
				taken = segment.range.low;
			if (segment.range.high <= taken)
				continue;
			uint64_t cut = taken - segment.range.low;
			segment.range.low = taken;
			segment.file_off += cut;
			segment.dumped_size -=
				cut < segment.dumped_size ? cut : segment.dumped_size;
			segment.file_size -= cut < segment.file_size ? cut : segment.file_size;
		}
		items[num++] = segment;
	}
	dump->segments.num = num;
	if (num_overlaps > 0)
		gaps_add(gaps, "core-damaged", true, "%u of the core's segments overlap others",
			 num_overlaps);
}

static void dump_read_headers(struct dump *dump, struct arena *arena, struct gaps *gaps,
			      const Elf64_Ehdr *header)
{
	enum { BATCH = 512 };
	Elf64_Phdr batch[BATCH];
	uint64_t num = dump_num_headers(dump, header, gaps), done = 0, end = 0;
	while (done < num) {
		uint64_t want = num - done < BATCH ? num - done : BATCH, off;
		if (__builtin_add_overflow(header->e_phoff, done * sizeof(Elf64_Phdr), &off))
			break;
		size_t got = dump_pread(dump, off, batch, want * sizeof(Elf64_Phdr)) /
			     sizeof(Elf64_Phdr);
		for (size_t i = 0; i < got; i++) {
			if (batch[i].p_type == PT_LOAD)
				dump_add_segment(dump, arena, gaps, &batch[i], &end);
			if (batch[i].p_type != PT_NOTE)
				continue;
			uint64_t notes_end =
				range_from_size(batch[i].p_offset, batch[i].p_filesz).high;
			*array_add(arena, &dump->notes) = batch[i];
			if (notes_end != UINT64_MAX && notes_end > end)
				end = notes_end;
		}
		done += got;
		if (got < want)
			break;
	}
	if (done < num)
		gaps_add(gaps, "core-truncated", true,
			 "%llu of %llu program headers lie beyond the end of the file",
			 (unsigned long long)(num - done), (unsigned long long)num);
	if (end > dump->size) {
		dump->missing_size = end - dump->size;
		gaps_add(gaps, "core-truncated", true,
			 "the core was cut off: the last %.1f of %.1f MiB are missing",
			 (double)dump->missing_size / 1048576.0, (double)end / 1048576.0);
	}
	dump_sort_segments(dump, gaps);
}

static struct coreleaks_error *dump_open_path(const char *path, int *ret_fd)
{
	/* Without O_NONBLOCK a FIFO nobody writes to would hang the analysis. */
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return error_new(CORELEAKS_ERROR_OPEN, errno, path, "%s",
				 strcmp(path, "-") == 0 ? "standard input" : path);
	struct stat status;
	const char *problem = NULL;
	if (fstat(fd, &status) != 0)
		problem = "cannot be examined";
	else if (S_ISDIR(status.st_mode))
		problem = "a directory, not a core dump";
	else if (S_ISREG(status.st_mode) || strcmp(path, "-") == 0)
		problem = NULL;
	else if (S_ISFIFO(status.st_mode))
		problem = "a FIFO, not a core dump (\"-\" reads a core from standard input)";
	else
		problem = "a device or socket, not a core dump";
	if (problem != NULL) {
		close(fd);
		return error_new(CORELEAKS_ERROR_NOT_A_CORE, 0, path, "%s: %s", path, problem);
	}
	*ret_fd = fd;
	return NULL;
}

struct coreleaks_error *dump_open(struct dump *dump, struct arena *arena, struct gaps *gaps,
				  struct progress *progress, const char *path,
				  const struct dump_options *options)
{
	int fd = -1;
	dump->fd = -1;
	dump->path = arena_copy_text(arena, path);
	struct coreleaks_error *error = dump_open_path(path, &fd);
	if (error != NULL)
		return error;
	struct stat status = {0};
	fstat(fd, &status);
	error = spool_open(fd, path, options->spool_dir, options->max_core_size, progress, gaps,
			   &dump->fd);
	if (error != NULL)
		return error;
	dump->captured_at = strcmp(path, "-") == 0 ? INT64_MIN : status.st_mtim.tv_sec;
	if (fstat(dump->fd, &status) != 0)
		return error_new(CORELEAKS_ERROR_READ, errno, path, "%s", path);
	dump->size = (uint64_t)status.st_size;
	Elf64_Ehdr header = {0};
	size_t got = dump_pread(dump, 0, &header, sizeof(header));
	error = dump_check_header(dump, &header, got);
	dump->is_arm64 = error == NULL && header.e_machine == EM_AARCH64;
	if (error != NULL)
		return error;
	dump_read_headers(dump, arena, gaps, &header);
	return NULL;
}

const unsigned char *dump_map(struct dump *dump)
{
	struct stat status;
	if (dump->map != NULL)
		return dump->map;
	if (dump->size == 0 || fstat(dump->fd, &status) != 0 ||
	    (uint64_t)status.st_size < dump->size)
		return NULL;
	void *map = mmap(NULL, dump->size, PROT_READ, MAP_PRIVATE, dump->fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	dump->map = map;
	dump->map_size = dump->size;
	return dump->map;
}

bool dump_next_data(const struct dump *dump, uint64_t off, uint64_t end, struct range *ret)
{
	if (off >= end)
		return false;
	off_t data = lseek(dump->fd, (off_t)off, SEEK_DATA);
	/* Nothing but a hole up to the end of the file. */
	if (data < 0 && errno == ENXIO)
		return false;
	off_t hole = data >= 0 ? lseek(dump->fd, data, SEEK_HOLE) : -1;
	*ret = (struct range){off, end};
	if (data < 0 || hole <= data || (uint64_t)data < off)
		return true;
	ret->low = (uint64_t)data;
	if ((uint64_t)hole < end)
		ret->high = (uint64_t)hole;
	return ret->low < end;
}

void dump_deinit(struct dump *dump)
{
	if (dump->map != NULL)
		munmap((void *)(uintptr_t)dump->map, dump->map_size);
	dump->map = NULL;
	if (dump->path != NULL && dump->fd >= 0)
		close(dump->fd);
	dump->fd = -1;
}
