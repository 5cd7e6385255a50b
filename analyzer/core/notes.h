/* notes.h - what the kernel or GDB wrote about the process: threads' registers, file mappings,
 * auxiliary vector, process name, signal. Matches notes by (name, type), never by type alone. */
#ifndef CORELEAKS_CORE_NOTES_H
#define CORELEAKS_CORE_NOTES_H

#include "core/dump.h"

#include <sys/user.h>

enum { NOTES_MAX_THREADS = 10000000 };

struct note_thread {
	int64_t tid;		      /* pr_pid of NT_PRSTATUS */
	int32_t signal;		      /* pr_cursig; 0 none */
	struct user_regs_struct regs; /* as NT_PRSTATUS has them; AArch64: pc, sp, bp alone */
	uint64_t lr;		      /* AArch64: the link register */
	uint64_t fpregs_off;	      /* file offset of its 512-byte NT_FPREGSET; 0 none */
	uint64_t xstate_off;	      /* of its NT_X86_XSTATE: vector registers whole; 0 none */
	uint32_t xstate_size;
};

struct note_mapping {
	struct range range;
	uint64_t file_off; /* bytes */
	const char *path;  /* as written, perhaps with " (deleted)" */
};

struct notes {
	struct {
		struct note_thread *items; /* in file order: the first took the signal */
		uint32_t num, capacity;
	} threads;
	struct {
		struct note_mapping *items; /* NT_FILE, by ascending address */
		uint32_t num, capacity;
	} mappings;
	bool has_mappings; /* there was an NT_FILE note */
	struct {
		Elf64_auxv_t *items;
		uint32_t num, capacity;
	} auxv;
	int64_t pid;	     /* NT_PRPSINFO; 0 none */
	const char *command; /* pr_fname; NULL none */
	int32_t signal;	     /* NT_SIGINFO's si_signo, else the first thread's; 0 none */
	const char *dumper;  /* "kernel", "gcore", NULL unknown */
};

/* No threads in the notes is no error here. */
void notes_build(struct notes *ret, struct arena *arena, struct gaps *gaps,
		 const struct dump *dump);
/* The auxiliary vector's value of type, or 0. */
uint64_t notes_auxv(const struct notes *notes, uint64_t type);

#endif
