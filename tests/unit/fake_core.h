/* fake_core.h - builds ELF64 core dumps in memory from a few calls: sound ones and damaged ones.
 *
 * Notes and segments stand in the file in the order of the calls. A finished core is a memory
 * file under /proc/self/fd, so that nothing is left behind when a test dies. */
#ifndef CORELEAKS_TESTS_FAKE_CORE_H
#define CORELEAKS_TESTS_FAKE_CORE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

enum { FAKE_PAGE = 4096 };

struct fake_buffer {
	unsigned char *bytes;
	size_t size, capacity;
};

struct fake_core {
	/* Switches; set them before the core is built. */
	bool extended_numbering; /* PN_XNUM: the number of headers stands in section header 0 */
	bool notes_last;	 /* notes behind the segments' bytes */
	bool no_file_note;	 /* leaves the NT_FILE note out */
	uint64_t notes_align;	 /* of PT_NOTE: 4 (the default) or 8 */
	uint64_t file_page_size; /* of NT_FILE: 4096 (the default) */
	int64_t file_count_lie;	 /* added to the count of NT_FILE */
	bool is_arm64;		 /* the machine; else x86-64 */

	struct fake_buffer notes[4];
	uint32_t num_notes; /* PT_NOTE segments - 1 */
	struct {
		Elf64_Phdr *items;
		size_t num, capacity;
	} headers;		 /* PT_LOAD; p_offset is relative to data until built */
	bool *raw;		 /* parallel to headers: p_offset is to be kept */
	struct fake_buffer data; /* of segments */
	struct fake_buffer entries, names;
	uint64_t num_entries;
	struct fake_buffer file; /* the core, once built */
	char path[64];
};

void fake_core_init(struct fake_core *core);
void fake_core_deinit(struct fake_core *core);

/* Memory at addr of which file_size bytes are dumped; bytes NULL: zeros. */
void fake_segment(struct fake_core *core, uint64_t addr, const void *bytes, uint64_t file_size,
		  uint64_t memory_size, uint32_t flags);
/* A program header as it is. */
void fake_header(struct fake_core *core, const Elf64_Phdr *header);

void fake_note(struct fake_core *core, const char *name, uint32_t type, const void *desc,
	       size_t size);
/* Bytes in the notes as they are. */
void fake_note_bytes(struct fake_core *core, const void *bytes, size_t size);
/* Notes from here on go into another PT_NOTE. */
void fake_note_segment(struct fake_core *core);

void fake_thread(struct fake_core *core, int32_t tid, int16_t signal,
		 const struct user_regs_struct *regs);
/* A thread of the usual kind: orig_rax -1, running in user space. */
void fake_running_thread(struct fake_core *core, int32_t tid, uint64_t rip, uint64_t rsp,
			 uint64_t rbp);
void fake_prpsinfo(struct fake_core *core, int32_t pid, const char *name);
void fake_siginfo(struct fake_core *core, int32_t signal);
void fake_fpregs(struct fake_core *core);
void fake_auxv(struct fake_core *core, const Elf64_auxv_t *entries, size_t num);
/* A line of NT_FILE; the note itself comes when the core is built, or at fake_file_note(). */
void fake_mapping(struct fake_core *core, uint64_t low, uint64_t high, uint64_t file_page,
		  const char *path);
void fake_file_note(struct fake_core *core);

enum fake_map_flags {
	FAKE_MAP_NO_HEADER = 1, /* its first page is not dumped: no build-id */
	FAKE_MAP_SILENT = 2,	/* no lines in NT_FILE */
};

/* Maps an ELF file as the kernel does with the usual coredump_filter: first page and writable
 * memory dumped, text not. Its lowest page comes to base. */
void fake_map(struct fake_core *core, const char *file, const char *path_in_core, uint64_t base,
	      int flags);

/* Lays the file out; core->file may be patched afterwards. */
void fake_build(struct fake_core *core);
Elf64_Ehdr *fake_elf_header(struct fake_core *core);
/* Writes the file, building it when that was not done; the path is good until deinit. */
const char *fake_path(struct fake_core *core);
/* The same, but only the first size bytes. */
const char *fake_path_cut(struct fake_core *core, size_t size);
/* Any bytes as a memory file. */
const char *fake_bytes_path(struct fake_core *core, const void *bytes, size_t size);

/* A scratch folder for files that must have names: unchecked fixtures, run once a test case in
 * Check's own process. */
void fake_scratch_setup(void);
void fake_scratch_teardown(void);
/* DIR/name; the caller frees it. */
char *fake_scratch_path(const char *name);
char *fake_scratch_file(const char *name, const void *bytes, size_t size);
/* Compiles source (language "c" or "assembler") to a file of that name in the scratch folder. */
char *fake_compile(const char *name, const char *language, const char *source, const char *flags);
/* Runs a shell command; the test fails when it does. */
void fake_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The address of a symbol (.symtab) in an ELF file. */
uint64_t fake_symbol(const char *file, const char *name);

#endif
