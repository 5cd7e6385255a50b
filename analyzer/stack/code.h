/* code.h - a module's machine code (x86-64): which instructions form an address, and what is
 * called.
 *
 * Reads the text of the module's file; addresses are those of the ELF file unless a name says
 * "runtime". Nothing is decoded in order: a byte that looks like an instruction may be a part of
 * another one, so that callers ask for exact addresses only. */
#ifndef CORELEAKS_STACK_CODE_H
#define CORELEAKS_STACK_CODE_H

#include "core/image.h"
#include "stack/dwarf_functions.h"

/* Registers as instructions number them. */
enum { CODE_RAX, CODE_RCX, CODE_RDX, CODE_RBX, CODE_RSI = 6, CODE_RDI, CODE_R8, CODE_R9 };
enum { CODE_MEMORY = 16 }; /* stands for a register: stored at once */
enum { CODE_MAX_REFS = 1 << 16 };

struct code_part {
	uint64_t addr;
	struct bytes bytes;
};

/* A word of the GOT or the PLT's that the dynamic linker sets to a function's address. */
struct code_slot {
	uint64_t addr;
	const char *name; /* in the file's memory */
};

struct code {
	struct arena *arena;
	struct image *image;
	const struct module *module;
	bool fixed; /* linked to fixed addresses: instructions contain them as they are */
	struct {
		struct code_part *items;
		uint32_t num, capacity;
	} parts;
	struct functions functions;
	struct {
		struct code_slot *items; /* by ascending address */
		uint32_t num, capacity;
	} slots;
};

/* False: the module has no file, or no code in it. */
bool code_open(struct code *ret, struct arena *arena, struct image *image,
	       const struct module *module);

struct code_ref {
	uint64_t next_addr; /* of the instruction behind it */
	uint32_t target;    /* index of the address that it has to do with */
	uint8_t reg;	    /* where the address goes */
};

struct code_refs {
	struct code_ref *items; /* by target, then address; at most CODE_MAX_REFS */
	uint32_t num, capacity;
};

/* targets: ascending. Instructions that put one into a register or memory, also by way of the
 * GOT. table_counts[i]: words of the module's data that are linked to be targets[i]. */
void code_find_addresses(const struct code *code, const uint64_t *targets, uint32_t num,
			 struct code_refs *ret, uint32_t *table_counts);
/* Only by way of this module's GOT: runtime addresses of another module. */
void code_find_imported(const struct code *code, const uint64_t *runtime_targets, uint32_t num,
			struct code_refs *ret);
/* Calls of and jumps to these functions of the module, PLT entries of theirs included. */
void code_find_calls(const struct code *code, const uint64_t *targets, uint32_t num,
		     struct code_refs *ret);

struct code_callee {
	uint64_t addr;	  /* runtime, through PLT and GOT; 0: the core does not have the GOT */
	const char *name; /* then: of the function that its word is for */
};

/* Does a call, or a jump to another function, stand at addr? */
bool code_call_at(const struct code *code, uint64_t addr, const struct range *function,
		  uint64_t *next_addr_ret, struct code_callee *ret);
/* Does a PLT entry stand at addr: a jump to where a word of the GOT points? */
bool code_plt_slot(const struct code *code, uint64_t addr, uint64_t *slot_addr_ret);
/* The bytes from addr on; size 0: no code there. */
struct bytes code_at(const struct code *code, uint64_t addr);

#endif
