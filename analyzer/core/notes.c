#include "core/notes.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/procfs.h>

/* GDB's target description note (binutils include/elf/common.h, GDB 12 and later). */
#define NT_GDB_TDESC 0xff000000u

enum { READ_SIZE = 1 << 20, MAX_DESC_SIZE = 256 << 20, MAX_NAME = 64, MAX_PADDING = 64 };

/* Reads one PT_NOTE segment through a buffer, front to back. */
struct note_reader {
	const struct dump *dump;
	uint64_t off, end; /* in the file; off moves from note to note */
	uint64_t align;
	unsigned char *buffer;
	uint64_t buffer_off;
	size_t buffer_size;
};

struct note {
	uint32_t type;
	char name[MAX_NAME]; /* "" when longer */
	uint64_t desc_off, desc_size;
};

/* size bytes at off, valid until the next call; NULL when the file has fewer. */
static const unsigned char *reader_peek(struct note_reader *reader, uint64_t off, size_t size)
{
	if (size > READ_SIZE)
		return NULL;
	if (off < reader->buffer_off || off - reader->buffer_off > reader->buffer_size ||
	    size > reader->buffer_size - (off - reader->buffer_off)) {
		uint64_t want = reader->end - off < READ_SIZE ? reader->end - off : READ_SIZE;
		reader->buffer_off = off;
		reader->buffer_size = dump_pread(reader->dump, off, reader->buffer, want);
		if (size > reader->buffer_size)
			return NULL;
	}
	return reader->buffer + (off - reader->buffer_off);
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

enum note_result { NOTE_OK, NOTE_END, NOTE_DAMAGED };

static enum note_result reader_next(struct note_reader *reader, struct note *ret)
{
	Elf64_Nhdr header;
	uint64_t left = reader->end - reader->off;
	if (left < sizeof(header))
		return NOTE_END;
	const unsigned char *bytes = reader_peek(reader, reader->off, sizeof(header));
	if (bytes == NULL)
		return NOTE_DAMAGED;
	memcpy(&header, bytes, sizeof(header));
	/* 32-bit sizes in 64-bit sums: cannot overflow. */
	uint64_t desc_at = align_up(sizeof(header) + (uint64_t)header.n_namesz, reader->align);
	uint64_t next = align_up(desc_at + header.n_descsz, reader->align);
	/* Padding at the end, or a hole where notes were. */
	if (header.n_namesz == 0 && header.n_descsz == 0 && header.n_type == 0)
		return left <= MAX_PADDING ? NOTE_END : NOTE_DAMAGED;
	if (desc_at + header.n_descsz > left)
		return NOTE_DAMAGED;
	*ret = (struct note){
		.type = header.n_type,
		.desc_off = reader->off + desc_at,
		.desc_size = header.n_descsz,
	};
	if (header.n_namesz > 0 && header.n_namesz <= MAX_NAME) {
		bytes = reader_peek(reader, reader->off + sizeof(header), header.n_namesz);
		if (bytes == NULL)
			return NOTE_DAMAGED;
		memcpy(ret->name, bytes, header.n_namesz);
		ret->name[MAX_NAME - 1] = '\0';
	}
	reader->off += next < left ? next : left;
	return NOTE_OK;
}

struct notes_builder {
	struct notes *notes;
	struct arena *arena;
	struct gaps *gaps;
	struct note_reader reader;
	bool has_prpsinfo, has_siginfo, gdb;
	uint32_t num_notes;
};

static bool note_desc(struct notes_builder *builder, const struct note *note, void *ret,
		      size_t size)
{
	const unsigned char *bytes = NULL;
	if (note->desc_size >= size)
		bytes = reader_peek(&builder->reader, note->desc_off, size);
	if (bytes == NULL)
		return false;
	memcpy(ret, bytes, size);
	return true;
}

/* AArch64: struct elf_prstatus with 34 registers: x0 to x30, sp, pc, pstate (Linux
 * include/linux/elfcore.h, arch/arm64/include/uapi/asm/ptrace.h). The rest is about x86-64's calls
 * and thread pointers. */
static bool read_arm64_status(struct notes_builder *builder, const struct note *note,
			      struct note_thread *ret)
{
	enum { SIZE = 392, SIGNAL = 12, PID = 32, REGISTERS = 112, FP = 29, LR = 30, SP = 31, PC };
	unsigned char status[SIZE];
	uint64_t registers[PC + 1];
	int16_t signal_number;
	int32_t pid;
	if (note->desc_size != SIZE || !note_desc(builder, note, status, SIZE))
		return false;
	memcpy(&signal_number, status + SIGNAL, sizeof(signal_number));
	memcpy(&pid, status + PID, sizeof(pid));
	memcpy(registers, status + REGISTERS, sizeof(registers));
	ret->tid = pid;
	ret->signal = signal_number;
	ret->regs.rip = registers[PC];
	ret->regs.rsp = registers[SP];
	ret->regs.rbp = registers[FP];
	ret->regs.orig_rax = UINT64_MAX;
	ret->lr = registers[LR];
	return true;
}

static bool read_status(struct notes_builder *builder, const struct note *note,
			struct note_thread *ret)
{
	struct elf_prstatus status;
	if (builder->reader.dump->is_arm64)
		return read_arm64_status(builder, note, ret);
	if (note->desc_size != sizeof(status) || !note_desc(builder, note, &status, sizeof(status)))
		return false;
	ret->tid = status.pr_pid;
	ret->signal = status.pr_cursig;
	memcpy(&ret->regs, status.pr_reg, sizeof(ret->regs));
	return true;
}

static void note_prstatus(struct notes_builder *builder, const struct note *note)
{
	struct note_thread thread = {0};
	if (builder->notes->threads.num >= NOTES_MAX_THREADS) {
		gaps_add(builder->gaps, "task-limit", true,
			 "more than %d threads; the rest is left out", NOTES_MAX_THREADS);
		return;
	}
	if (!read_status(builder, note, &thread)) {
		gaps_add(builder->gaps, "notes-damaged", true,
			 "a thread's registers cannot be read: its note has %llu bytes instead of "
			 "%d",
			 (unsigned long long)note->desc_size,
			 builder->reader.dump->is_arm64 ? 392 : (int)sizeof(struct elf_prstatus));
		return;
	}
	*array_add(builder->arena, &builder->notes->threads) = thread;
}

static void note_prpsinfo(struct notes_builder *builder, const struct note *note)
{
	struct elf_prpsinfo info;
	if (builder->has_prpsinfo || !note_desc(builder, note, &info, sizeof(info)))
		return;
	builder->has_prpsinfo = true;
	builder->notes->pid = info.pr_pid;
	if (info.pr_fname[0] != '\0')
		builder->notes->command =
			arena_copy_bytes(builder->arena, info.pr_fname,
					 strnlen(info.pr_fname, sizeof(info.pr_fname)));
}

static void note_auxv(struct notes_builder *builder, const struct note *note)
{
	for (uint64_t off = 0; off + sizeof(Elf64_auxv_t) <= note->desc_size;
	     off += sizeof(Elf64_auxv_t)) {
		struct note part = {.desc_off = note->desc_off + off,
				    .desc_size = note->desc_size - off};
		Elf64_auxv_t entry;
		if (!note_desc(builder, &part, &entry, sizeof(entry)) || entry.a_type == AT_NULL)
			return;
		*array_add(builder->arena, &builder->notes->auxv) = entry;
	}
}

/* NT_FILE (Linux fs/binfmt_elf.c): count, page size, count x {start, end, offset in pages}, then
 * count file names. */
static void note_file(struct notes_builder *builder, const struct note *note)
{
	uint64_t head[2], entry[3];
	struct notes *notes = builder->notes;
	if (notes->has_mappings || note->desc_size > builder->reader.end)
		return;
	unsigned char *desc = arena_alloc(builder->arena, note->desc_size);
	size_t size = dump_pread(builder->reader.dump, note->desc_off, desc, note->desc_size);
	struct bytes bytes = {desc, size};
	notes->has_mappings = true;
	uint64_t names_off, num_bad = 0;
	if (!bytes_read(bytes, 0, head, sizeof(head)) ||
	    __builtin_mul_overflow(head[0], sizeof(entry), &names_off) ||
	    __builtin_add_overflow(names_off, sizeof(head), &names_off) || names_off > size) {
		gaps_add(builder->gaps, "notes-damaged", true,
			 "the list of mapped files (NT_FILE) is damaged or cut off");
		notes->has_mappings = false;
		return;
	}
	uint64_t page_size = head[1];
	if (page_size == 0) {
		gaps_add(builder->gaps, "notes-damaged", true,
			 "the list of mapped files (NT_FILE) has page size 0; 4096 is assumed");
		page_size = 4096;
	}
	for (uint64_t i = 0; i < head[0]; i++) {
		if (!bytes_read(bytes, sizeof(head) + i * sizeof(entry), entry, sizeof(entry)))
			break;
		const char *name = (const char *)desc + names_off;
		size_t length = strnlen(name, size - names_off);
		struct note_mapping mapping = {.range = {entry[0], entry[1]}, .path = name};
		if (length == size - names_off) {
			num_bad += head[0] - i;
			break;
		}
		if (entry[0] < entry[1] &&
		    !__builtin_mul_overflow(entry[2], page_size, &mapping.file_off))
			*array_add(builder->arena, &notes->mappings) = mapping;
		else
			num_bad++;
		names_off += length + 1;
	}
	if (num_bad > 0)
		gaps_add(builder->gaps, "notes-damaged", true,
			 "the list of mapped files (NT_FILE) is damaged: %llu of %llu entries are "
			 "lost",
			 (unsigned long long)num_bad, (unsigned long long)head[0]);
}

static void note_siginfo(struct notes_builder *builder, const struct note *note)
{
	int32_t signal_number;
	if (builder->has_siginfo ||
	    !note_desc(builder, note, &signal_number, sizeof(signal_number)))
		return;
	builder->has_siginfo = true;
	builder->notes->signal = signal_number;
}

static void note_fpregset(struct notes_builder *builder, const struct note *note)
{
	struct notes *notes = builder->notes;
	if (notes->threads.num > 0 && note->desc_size == sizeof(struct user_fpregs_struct))
		notes->threads.items[notes->threads.num - 1].fpregs_off = note->desc_off;
}

/* How many bytes the extended state has at least: the 512 of NT_FPREGSET, a header of 64, whose
 * first word says which parts are in use, and these. Where they stand depends on the processor
 * (Linux arch/x86/kernel/fpu/xstate.c, Intel SDM 1, 13.4 and 13.5). */
static uint64_t least_xstate_size(uint64_t parts)
{
	static const uint32_t sizes[] = {[2] = 256, [5] = 64, [6] = 512, [7] = 1024, [18] = 8192};
	uint64_t size = 576;
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		size += parts >> i & 1 ? sizes[i] : 0;
	return size;
}

/* The extended state (AVX and later), as XSAVE writes it (Linux arch/x86/kernel/fpu/regset.c). One
 * that was cut is none: what threads hold is searched for in it. */
static void note_xstate(struct notes_builder *builder, const struct note *note)
{
	enum { PARTS_OFF = 512, MAX_SIZE = 1 << 16 };
	struct notes *notes = builder->notes;
	uint64_t words[PARTS_OFF / 8 + 1];
	if (notes->threads.num == 0 || note->desc_size > MAX_SIZE ||
	    !note_desc(builder, note, words, sizeof(words)) ||
	    note->desc_size < least_xstate_size(words[PARTS_OFF / 8]))
		return;
	notes->threads.items[notes->threads.num - 1].xstate_off = note->desc_off;
	notes->threads.items[notes->threads.num - 1].xstate_size = (uint32_t)note->desc_size;
}

static void note_read(struct notes_builder *builder, const struct note *note)
{
	static const struct {
		const char *name;
		uint32_t type;
		void (*read)(struct notes_builder *builder, const struct note *note);
	} rows[] = {
		{"CORE", NT_PRSTATUS, note_prstatus},  {"CORE", NT_FPREGSET, note_fpregset},
		{"CORE", NT_PRPSINFO, note_prpsinfo},  {"CORE", NT_SIGINFO, note_siginfo},
		{"CORE", NT_AUXV, note_auxv},	       {"CORE", NT_FILE, note_file},
		{"LINUX", NT_X86_XSTATE, note_xstate},
	};
	/* The kernel writes the first thread before NT_PRPSINFO, GDB after it. */
	if (builder->num_notes++ == 0 && strcmp(note->name, "CORE") == 0)
		builder->notes->dumper = note->type == NT_PRSTATUS   ? "kernel"
					 : note->type == NT_PRPSINFO ? "gcore"
								     : NULL;
	if (note->type == NT_GDB_TDESC && strcmp(note->name, "GDB") == 0)
		builder->notes->dumper = "gcore";
	if (note->desc_size > MAX_DESC_SIZE) {
		gaps_add(builder->gaps, "notes-damaged", true,
			 "a note of %llu MiB is left out; the limit is %d MiB",
			 (unsigned long long)note->desc_size >> 20, MAX_DESC_SIZE >> 20);
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == note->type && strcmp(rows[i].name, note->name) == 0)
			rows[i].read(builder, note);
}

static int mapping_compare(const void *a, const void *b)
{
	const struct note_mapping *x = a, *y = b;
	return (x->range.low > y->range.low) - (x->range.low < y->range.low);
}

/* GDB stops a process by signals of its own; they did not end it. */
/* qemu-user begins as the kernel does, and has no NT_SIGINFO (its linux-user/elfload.c, 7.2). */
static void notes_settle_dumper(struct notes *notes, const struct notes_builder *builder)
{
	if (builder->num_notes > 0 && builder->reader.dump->is_arm64 && !builder->has_siginfo)
		notes->dumper = NULL;
}

static void notes_settle_signals(struct notes *notes, bool has_siginfo)
{
	if (notes->threads.num == 0)
		return;
	if (!has_siginfo)
		notes->signal = notes->threads.items[0].signal;
	bool gcore = notes->dumper != NULL && strcmp(notes->dumper, "gcore") == 0;
	if (gcore)
		notes->signal = notes->threads.items[0].signal;
	if (gcore &&
	    (notes->signal == SIGTRAP || notes->signal == SIGSTOP || notes->signal == SIGINT))
		notes->signal = 0;
	/* The kernel writes the process's signal for every thread; the first one took it. */
	notes->threads.items[0].signal = notes->signal;
	for (uint32_t i = 1; i < notes->threads.num; i++)
		notes->threads.items[i].signal = 0;
}

void notes_build(struct notes *ret, struct arena *arena, struct gaps *gaps, const struct dump *dump)
{
	struct notes_builder builder = {.notes = ret, .arena = arena, .gaps = gaps};
	*ret = (struct notes){0};
	builder.reader.buffer = arena_alloc(arena, READ_SIZE);
	for (uint32_t i = 0; i < dump->notes.num; i++) {
		const Elf64_Phdr *header = &dump->notes.items[i];
		struct range range = range_from_size(header->p_offset, header->p_filesz);
		struct note note;
		enum note_result result = NOTE_OK;
		builder.reader.dump = dump;
		builder.reader.off = range.low;
		builder.reader.end = range.high < dump->size ? range.high : dump->size;
		builder.reader.align = header->p_align == 8 ? 8 : 4;
		builder.reader.buffer_size = 0;
		if (builder.reader.end < builder.reader.off)
			builder.reader.end = builder.reader.off;
		while ((result = reader_next(&builder.reader, &note)) == NOTE_OK)
			note_read(&builder, &note);
		if (range.high > dump->size)
			gaps_add(gaps, "core-truncated", true,
				 "the notes about the threads are cut off after %u threads",
				 ret->threads.num);
		else if (result == NOTE_DAMAGED)
			gaps_add(gaps, "notes-damaged", true,
				 "the notes are damaged at offset 0x%llx; what follows is lost",
				 (unsigned long long)builder.reader.off);
	}
	notes_settle_dumper(ret, &builder);
	notes_settle_signals(ret, builder.has_siginfo);
	if (ret->mappings.num > 0)
		qsort(ret->mappings.items, ret->mappings.num, sizeof(*ret->mappings.items),
		      mapping_compare);
}

uint64_t notes_auxv(const struct notes *notes, uint64_t type)
{
	for (uint32_t i = 0; i < notes->auxv.num; i++)
		if (notes->auxv.items[i].a_type == type)
			return notes->auxv.items[i].a_un.a_val;
	return 0;
}
