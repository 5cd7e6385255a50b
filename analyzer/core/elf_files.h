/* elf_files.h - opens the ELF files that a core refers to: programs, libraries, separate debug
 * files, mini-debuginfo. The only place that hands out libelf handles; closes them all at once.
 *
 * Paths of the core get the sysroot in front. Opens regular files only.
 */
#ifndef CORELEAKS_CORE_ELF_FILES_H
#define CORELEAKS_CORE_ELF_FILES_H

#include "base/arena.h"
#include "base/gaps.h"
#include "base/range.h"

#include <libelf.h>

struct archive;

/* What a file has of the memory that it is mapped to. */
struct elf_load {
	uint64_t vaddr;
	struct bytes bytes;
	bool writable, executable;
};

struct elf_file {
	const char *path; /* as opened; for messages */
	int fd;		  /* -1: in memory */
	Elf *elf;
	struct bytes build_id; /* size 0: none */
	/* Of its PT_LOADs, as the file has them; reading them needs no libelf, and so no lock. */
	struct elf_load *loads;
	uint32_t num_loads;
	bool debug_tried, mini_tried;
	struct elf_file *debug; /* separate debug file, see elf_files_debug() */
	struct elf_file *mini;	/* unpacked .gnu_debugdata, see elf_files_mini() */
	struct elf_file *next;	/* list of all files */
};

struct elf_files {
	struct arena *arena;
	struct gaps *gaps;
	const char *sysroot;	       /* NULL none */
	const char *const *debug_dirs; /* NULL-terminated */
	struct elf_file *first;
	struct archive *archive; /* being unpacked; NULL between */
	uint16_t machine;	 /* of the core; e_machine of all files */
};

/* debug_dirs: DIR[:DIR], NULL for /usr/lib/debug. */
void elf_files_init(struct elf_files *files, struct arena *arena, struct gaps *gaps,
		    const char *sysroot, const char *debug_dirs);
void elf_files_deinit(struct elf_files *files);

/* Opens an ELF file of the core's machine at exactly this path. NULL: *problem_ret says why in a
 * phrase. */
struct elf_file *elf_files_open(struct elf_files *files, const char *path,
				const char **problem_ret);
/* The same for a file that dwz made for several debug files to share: it is relocatable. */
struct elf_file *elf_files_open_shared_debug(struct elf_files *files, const char *path,
					     const char **problem_ret);
/* An ELF file in memory (the vDSO). The bytes must live as long as the files. NULL: no ELF. */
struct elf_file *elf_files_open_memory(struct elf_files *files, const char *name, void *data,
				       size_t size);
/* The file that belongs to this path of the core: sysroot first, " (deleted)" stripped. */
struct elf_file *elf_files_open_target(struct elf_files *files, const char *path,
				       const char **problem_ret);
/* A program or library by its build-id in the debug directories (.build-id/xx/yyyy), or NULL. */
struct elf_file *elf_files_open_build_id(struct elf_files *files, struct bytes build_id);

/* Is there a section of that name that has bytes in the file? */
bool elf_file_has_section(const struct elf_file *file, const char *name);

/* The separate debug file of file: by build-id, then .gnu_debuglink with its checksum. NULL none.
 * Looked for once. Its addresses are those of file itself. */
struct elf_file *elf_files_debug(struct elf_files *files, struct elf_file *file);
/* Its mini-debuginfo (.gnu_debugdata: .symtab, perhaps .debug_frame) unpacked. NULL none. */
struct elf_file *elf_files_mini(struct elf_files *files, struct elf_file *file);

const char *build_id_text(struct arena *arena, struct bytes build_id);
/* The build-id in ELF notes (a PT_NOTE segment's content); size 0 when there is none. */
struct bytes build_id_from_notes(const void *notes, size_t size);
/* Go's own (cmd/internal/buildid: text, hashes of what the program was made of). Its linker leaves
 * the GNU one out of the notes that are loaded. */
struct bytes go_build_id_from_notes(const void *notes, size_t size);

#endif
