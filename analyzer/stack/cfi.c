#include "stack/cfi.h"

#include <dwarf.h>
#include <limits.h>
#include <stdlib.h>

/* A module's tables, in the order in which they are asked. */
enum { TABLE_EH_FRAME, TABLE_DEBUG_FRAME, TABLE_SEPARATE, TABLE_MINI, NUM_TABLES };

struct cfi_source {
	bool tried[NUM_TABLES];
	Dwarf_CFI *tables[NUM_TABLES];
	Dwarf *dwarfs[NUM_TABLES]; /* own the tables from .debug_frame */
};

void cfi_init(struct cfi *cfi, struct arena *arena, struct gaps *gaps,
	      const struct modules *modules, struct elf_files *files)
{
	*cfi = (struct cfi){.arena = arena, .gaps = gaps, .modules = modules, .files = files};
	cfi->sources = arena_alloc_array(arena, modules->list.num, sizeof(*cfi->sources));
}

/* Kept in cfi, so that memory that runs out half-way does not lose it. */
static void cfi_drop_frame(struct cfi *cfi)
{
	free(cfi->frame);
	cfi->frame = NULL;
}

void cfi_deinit(struct cfi *cfi)
{
	cfi_drop_frame(cfi);
	for (uint32_t i = 0; cfi->sources != NULL && i < cfi->modules->list.num; i++) {
		if (cfi->sources[i].tables[TABLE_EH_FRAME] != NULL)
			dwarf_cfi_end(cfi->sources[i].tables[TABLE_EH_FRAME]);
		for (uint32_t k = 0; k < NUM_TABLES; k++)
			if (cfi->sources[i].dwarfs[k] != NULL)
				dwarf_end(cfi->sources[i].dwarfs[k]);
	}
	cfi->sources = NULL;
}

static Dwarf_CFI *source_table(struct cfi *cfi, int32_t module, uint32_t which)
{
	struct cfi_source *source = &cfi->sources[module];
	struct elf_file *file = cfi->modules->list.items[module].file;
	if (source->tried[which])
		return source->tables[which];
	source->tried[which] = true;
	if (which == TABLE_EH_FRAME) {
		source->tables[which] = dwarf_getcfi_elf(file->elf);
		return source->tables[which];
	}
	if (which == TABLE_SEPARATE)
		file = elf_files_debug(cfi->files, file);
	else if (which == TABLE_MINI)
		file = elf_files_mini(cfi->files, file);
	if (file == NULL)
		return NULL;
	source->dwarfs[which] = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	if (source->dwarfs[which] != NULL)
		source->tables[which] = dwarf_getcfi(source->dwarfs[which]);
	return source->tables[which];
}

static struct cfi_expression copy_expression(struct cfi *cfi, const Dwarf_Op *ops, size_t num)
{
	if (num == 0 || num > UINT32_MAX / sizeof(*ops))
		return (struct cfi_expression){0};
	return (struct cfi_expression){
		(const Dwarf_Op *)(const void *)arena_copy_bytes(cfi->arena, ops,
								 num * sizeof(*ops)),
		(uint32_t)num,
	};
}

static void compile_cfa(struct cfi *cfi, struct cfi_rule *rule, const Dwarf_Op *ops, size_t num)
{
	if (num == 1 && ops[0].atom == DW_OP_bregx && ops[0].number < NUM_REGISTERS) {
		rule->cfa_register = (uint16_t)ops[0].number;
		rule->cfa_offset = (int64_t)ops[0].number2;
	} else if (num == 1 && ops[0].atom >= DW_OP_breg0 &&
		   ops[0].atom < DW_OP_breg0 + NUM_REGISTERS) {
		rule->cfa_register = (uint16_t)(ops[0].atom - DW_OP_breg0);
		rule->cfa_offset = (int64_t)ops[0].number;
	} else {
		rule->cfa_is_expression = true;
		rule->cfa_expression = copy_expression(cfi, ops, num);
	}
}

/* libdw says how a register was saved as a DWARF expression of a few known shapes
 * (libdw.h, dwarf_frame_register). */
static struct cfi_register_rule compile_register(struct cfi *cfi, Dwarf_Frame *frame, int number)
{
	Dwarf_Op space[3], *ops;
	size_t num;
	if (dwarf_frame_register(frame, number, space, &ops, &num) != 0)
		return (struct cfi_register_rule){.how = CFI_UNDEFINED};
	/* Of the registers that a function without a word about them keeps, elfutils 0.188
	 * takes rbx for number 0 (backends/x86_64_cfi.c). Nothing is said of it to be lost. */
	if (num == 0 && number == REGISTER_RBX)
		return (struct cfi_register_rule){.how = CFI_SAME};
	if (num == 0)
		return (struct cfi_register_rule){.how = ops == NULL ? CFI_SAME : CFI_UNDEFINED};
	bool is_value = ops[num - 1].atom == DW_OP_stack_value;
	size_t num_place = num - is_value;
	if (num_place == 0)
		return (struct cfi_register_rule){.how = CFI_UNDEFINED};
	if (ops[0].atom == DW_OP_call_frame_cfa &&
	    (num_place == 1 || (num_place == 2 && ops[1].atom == DW_OP_plus_uconst)))
		return (struct cfi_register_rule){
			.how = is_value ? CFI_CFA_PLUS : CFI_AT_CFA,
			.offset = num_place == 2 ? (int64_t)ops[1].number : 0,
		};
	if (num_place == 1 && ops[0].atom == DW_OP_regx)
		return (struct cfi_register_rule){.how = CFI_REGISTER,
						  .offset = (int64_t)ops[0].number};
	return (struct cfi_register_rule){
		.how = is_value ? CFI_EXPRESSION : CFI_AT_EXPRESSION,
		.expression = copy_expression(cfi, ops, num_place),
	};
}

static bool compile_rule(struct cfi *cfi, Dwarf_CFI *table, uint64_t addr, struct cfi_rule *rule)
{
	Dwarf_Addr low, high;
	bool signal_frame = false;
	Dwarf_Op *ops;
	size_t num;
	if (table == NULL || dwarf_cfi_addrframe(table, addr, &cfi->frame) != 0)
		return false;
	int column = dwarf_frame_info(cfi->frame, &low, &high, &signal_frame);
	if (column < 0 || column >= NUM_REGISTERS || dwarf_frame_cfa(cfi->frame, &ops, &num) != 0 ||
	    num == 0) {
		cfi_drop_frame(cfi);
		return false;
	}
	rule->kind = CFI_RULE_OK;
	rule->return_column = (uint8_t)column;
	rule->signal_frame = signal_frame;
	compile_cfa(cfi, rule, ops, num);
	for (int i = 0; i < NUM_REGISTERS; i++)
		rule->registers[i] = compile_register(cfi, cfi->frame, i);
	cfi_drop_frame(cfi);
	return true;
}

static struct cfi_rule *make_rule(struct cfi *cfi, uint64_t lookup)
{
	struct cfi_rule *rule = arena_alloc(cfi->arena, sizeof(*rule));
	rule->module = modules_find(cfi->modules, lookup);
	if (rule->module < 0 || cfi->modules->list.items[rule->module].file == NULL)
		return rule;
	uint64_t addr = lookup - cfi->modules->list.items[rule->module].bias;
	for (uint32_t which = 0; which < NUM_TABLES; which++)
		if (compile_rule(cfi, source_table(cfi, rule->module, which), addr, rule))
			return rule;
	return rule;
}

static uint32_t cfi_slot(const uint64_t *keys, uint32_t num_slots, uint64_t lookup)
{
	uint32_t slot = (uint32_t)(lookup * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (num_slots - 1);
	while (keys[slot] != 0 && keys[slot] != lookup)
		slot = (slot + 1) & (num_slots - 1);
	return slot;
}

static void cfi_make_room(struct cfi *cfi)
{
	if (cfi->num_slots != 0 && cfi->num_rules < cfi->num_slots / 2)
		return;
	uint32_t num_slots = cfi->num_slots == 0 ? 1024 : cfi->num_slots * 2;
	uint64_t *keys = arena_alloc_array(cfi->arena, num_slots, sizeof(*keys));
	const struct cfi_rule **rules = arena_alloc_array(cfi->arena, num_slots, sizeof(*rules));
	for (uint32_t i = 0; i < cfi->num_slots; i++) {
		if (cfi->keys[i] == 0)
			continue;
		uint32_t slot = cfi_slot(keys, num_slots, cfi->keys[i]);
		keys[slot] = cfi->keys[i];
		rules[slot] = cfi->rules[i];
	}
	cfi->keys = keys;
	cfi->rules = rules;
	cfi->num_slots = num_slots;
}

const struct cfi_rule *cfi_rule_for(struct cfi *cfi, uint64_t lookup)
{
	static const struct cfi_rule none = {.module = -1};
	if (lookup == 0)
		return &none;
	cfi_make_room(cfi);
	uint32_t slot = cfi_slot(cfi->keys, cfi->num_slots, lookup);
	if (cfi->keys[slot] == 0) {
		cfi->rules[slot] = make_rule(cfi, lookup);
		cfi->keys[slot] = lookup;
		cfi->num_rules++;
	}
	return cfi->rules[slot];
}
