/* go_tables.h - a Go program's own tables of its functions (moduledata and pclntab): which function
 * holds a pc, its name, its inlined calls, files and lines. Needs no symbol table; Go 1.18 on.
 *
 * All offsets and counts come from the dump: a function that cannot be read has no name. */
#ifndef CORELEAKS_TASK_GO_TABLES_H
#define CORELEAKS_TASK_GO_TABLES_H

#include "core/image.h"
#include "task/go_build_info.h"

/* Bits of a function's flags (Go 1.17 on, internal/abi/symtab.go). */
enum {
	GO_FUNCTION_TOP_FRAME = 1, /* the outermost frame of its stack */
	GO_FUNCTION_SP_WRITE = 2,  /* sets the stack pointer by hand */
};

/* What a function's pc-value tables and function data stand for (internal/abi/symtab.go). */
enum {
	GO_PCDATA_STACK_MAP = 1,
	GO_PCDATA_INLINE = 2,
	GO_FUNCDATA_ARGS_MAPS = 0,
	GO_FUNCDATA_LOCALS_MAPS = 1,
	GO_FUNCDATA_STACK_OBJECTS = 2,
	GO_FUNCDATA_INLINE_TREE = 3,
};

enum { GO_MODULEDATA_SIZE = 640 }; /* at least sizeof(moduledata) of every version */

/* One Go program, plugin or shared library. */
struct go_module {
	uint64_t addr;				/* of its moduledata */
	uint64_t words[GO_MODULEDATA_SIZE / 8]; /* the moduledata itself */
	uint64_t text_addr;			/* function entries count from here */
	struct range pcs;			/* of its functions */
	uint64_t gofunc_addr;			/* function data counts from here; 0 unknown */
	uint32_t num_functions;
	uint32_t fixed_size; /* of a function's record, before its tables of offsets */
	uint8_t quantum;     /* bytes a step of a pc-value table */
	struct bytes names, units, files, values, functions;
};

struct go_function {
	const struct go_module *module; /* NULL: none holds the pc */
	uint64_t low, high;		/* of its code */
	uint32_t record_off;		/* in module->functions */
	uint8_t id;			/* funcID of that version; 0: an ordinary function */
	uint8_t flags;
};

struct go_tables {
	struct {
		struct go_module *items; /* the program's first */
		uint32_t num, capacity;
	} modules;
	uint8_t wrapper_id; /* funcID of wrappers that the compiler made; 0 unknown */
	struct go_build_info build_info;
};

/* Is there a moduledata at addr? Fills what all versions have in common. */
bool go_module_read(struct go_module *ret, struct arena *arena, struct image *image, uint64_t addr);

/* Learns what this version's funcIDs mean, from a function whose name is known. */
void go_tables_read_ids(struct go_tables *tables);
/* False: no function of Go holds pc; *ret has no module then. */
bool go_tables_find(const struct go_tables *tables, uint64_t pc, struct go_function *ret);
/* Is pc exactly the first instruction of a function? */
bool go_tables_is_entry(const struct go_tables *tables, uint64_t pc);

/* NUL-terminated, or NULL when it cannot be read; lives as long as the tables. */
const char *go_function_name(const struct go_function *function);
/* Bytes between the stack pointer and the return address at pc; -1 unknown. */
int32_t go_function_stack_delta(const struct go_function *function, uint64_t pc);
/* Bytes of its arguments and results on the stack, where registers may be kept, too; 0 unknown. */
uint32_t go_function_args_size(const struct go_function *function);
/* The value of pc-value table PCDATA number at pc; -1 none. */
int32_t go_function_pcdata(const struct go_function *function, uint32_t number, uint64_t pc);
/* Address of FUNCDATA number; 0 none. */
uint64_t go_function_funcdata(const struct go_function *function, uint32_t number);
/* File (NULL unknown) and line (0 unknown) of the innermost code at pc. */
void go_function_line(const struct go_function *function, uint64_t pc, const char **file_ret,
		      uint32_t *line_ret);

/* A call that the compiler inlined. */
struct go_inlined {
	const char *name;
	uint8_t id;	    /* funcID */
	uint64_t parent_pc; /* a pc in the function around it: where it was called */
};

/* The inlined call of that number (of PCDATA_INLINE); false when it cannot be read. */
bool go_function_inlined(const struct go_function *function, struct image *image, uint32_t number,
			 struct go_inlined *ret);

#endif
