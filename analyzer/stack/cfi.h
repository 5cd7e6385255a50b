/* cfi.h - how to find the caller of each code address: call frame information compiled to small
 * rules, once per address. The only place that asks libdw for it. */
#ifndef CORELEAKS_STACK_CFI_H
#define CORELEAKS_STACK_CFI_H

#include "core/modules.h"
#include "task/tasks.h"

#include <elfutils/libdw.h>

enum cfi_how {
	CFI_UNDEFINED = 0, /* the caller's value is lost; for the return address: outermost frame */
	CFI_SAME,	   /* unchanged */
	CFI_AT_CFA,	   /* stored at CFA + offset */
	CFI_CFA_PLUS,	   /* is CFA + offset */
	CFI_REGISTER,	   /* is in register number offset */
	CFI_AT_EXPRESSION, /* stored where the expression says */
	CFI_EXPRESSION,	   /* is the expression's value */
};

struct cfi_expression {
	const Dwarf_Op *ops; /* copied into the arena */
	uint32_t num;
};

struct cfi_register_rule {
	uint8_t how; /* enum cfi_how */
	int64_t offset;
	struct cfi_expression expression;
};

enum cfi_rule_kind {
	CFI_RULE_NONE = 0, /* no call frame information for this address */
	CFI_RULE_OK,
};

struct cfi_rule {
	uint8_t kind;	   /* enum cfi_rule_kind */
	bool signal_frame; /* the caller was interrupted, not calling */
	bool cfa_is_expression;
	uint8_t return_column; /* register that holds the return address */
	uint16_t cfa_register; /* CFA = this register + cfa_offset */
	int64_t cfa_offset;
	struct cfi_expression cfa_expression;
	int32_t module; /* -1: none maps the address */
	struct cfi_register_rule registers[NUM_REGISTERS];
};

struct cfi_source; /* a module's opened tables */

struct cfi {
	struct arena *arena;
	struct gaps *gaps;
	const struct modules *modules;
	struct elf_files *files;
	struct cfi_source *sources; /* parallel to modules */
	Dwarf_Frame *frame;	    /* being compiled; NULL between */
	uint64_t *keys;		    /* hash from address to rule; 0 empty */
	const struct cfi_rule **rules;
	uint32_t num_rules, num_slots;
};

void cfi_init(struct cfi *cfi, struct arena *arena, struct gaps *gaps,
	      const struct modules *modules, struct elf_files *files);
void cfi_deinit(struct cfi *cfi);
/* The rule for a lookup address (pc, or pc-1 after a call). Never NULL. */
const struct cfi_rule *cfi_rule_for(struct cfi *cfi, uint64_t lookup);

#endif
