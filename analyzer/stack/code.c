#include "stack/code.h"

#include <gelf.h>
#include <limits.h>
#include <stdlib.h>

static int slot_compare(const void *a, const void *b)
{
	const struct code_slot *x = a, *y = b;
	return (x->addr > y->addr) - (x->addr < y->addr);
}

/* gcore leaves out a GOT that the dynamic linker has made read-only: then the relocations tell. */
static void read_slots(struct code *code)
{
	Elf *elf = code->module->file->elf;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header, symbols_header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_RELA)
			continue;
		Elf_Scn *symbols = elf_getscn(elf, header.sh_link);
		Elf_Data *data = elf_getdata(section, NULL), *table = elf_getdata(symbols, NULL);
		if (data == NULL || table == NULL || gelf_getshdr(symbols, &symbols_header) == NULL)
			continue;
		for (size_t i = 0; i < data->d_size / sizeof(Elf64_Rela); i++) {
			Elf64_Rela rela; /* copied: the table may be unaligned */
			GElf_Sym symbol;
			memcpy(&rela, (const char *)data->d_buf + i * sizeof(rela), sizeof(rela));
			uint64_t type = ELF64_R_TYPE(rela.r_info);
			if ((type != R_X86_64_GLOB_DAT && type != R_X86_64_JUMP_SLOT) ||
			    ELF64_R_SYM(rela.r_info) > INT_MAX ||
			    gelf_getsym(table, (int)ELF64_R_SYM(rela.r_info), &symbol) == NULL)
				continue;
			const char *name = elf_strptr(elf, symbols_header.sh_link, symbol.st_name);
			if (name != NULL && name[0] != '\0')
				*array_add(code->arena, &code->slots) =
					(struct code_slot){rela.r_offset, name};
		}
	}
	if (code->slots.num > 0)
		qsort(code->slots.items, code->slots.num, sizeof(*code->slots.items), slot_compare);
}

bool code_open(struct code *ret, struct arena *arena, struct image *image,
	       const struct module *module)
{
	GElf_Ehdr header;
	*ret = (struct code){.arena = arena, .image = image, .module = module};
	if (module->file == NULL || gelf_getehdr(module->file->elf, &header) == NULL)
		return false;
	ret->fixed = header.e_type == ET_EXEC;
	for (uint32_t i = 0; i < module->file->num_loads; i++) {
		const struct elf_load *load = &module->file->loads[i];
		if (load->executable)
			*array_add(arena, &ret->parts) =
				(struct code_part){load->vaddr, load->bytes};
	}
	if (ret->parts.num == 0)
		return false;
	dwarf_functions_read(&ret->functions, arena, module->file);
	read_slots(ret);
	return true;
}

struct bytes code_at(const struct code *code, uint64_t addr)
{
	for (uint32_t i = 0; i < code->parts.num; i++) {
		const struct code_part *part = &code->parts.items[i];
		if (addr >= part->addr && addr - part->addr < part->bytes.size)
			return (struct bytes){part->bytes.data + (addr - part->addr),
					      part->bytes.size - (addr - part->addr)};
	}
	return (struct bytes){0};
}

bool code_plt_slot(const struct code *code, uint64_t addr, uint64_t *slot_addr_ret)
{
	struct bytes bytes = code_at(code, addr);
	uint64_t off = 0;
	int32_t offset;
	if (bytes.size >= 4 && memcmp(bytes.data, "\xf3\x0f\x1e\xfa", 4) == 0)
		off += 4;
	if (bytes.size > off && bytes.data[off] == 0xf2)
		off++;
	if (bytes.size < off + 6 || memcmp(bytes.data + off, "\xff\x25", 2) != 0)
		return false;
	memcpy(&offset, bytes.data + off + 2, sizeof(offset));
	*slot_addr_ret = addr + off + 6 + (uint64_t)(int64_t)offset;
	return true;
}

/* What the process has in a word of the module's data, or what that word is for. */
static bool read_slot(const struct code *code, uint64_t slot_addr, struct code_callee *ret)
{
	struct code_callee callee = {0};
	if (image_read_u64(code->image, slot_addr + code->module->bias, &callee.addr) &&
	    callee.addr != 0 && image_executable(code->image, callee.addr)) {
		*ret = callee;
		return true;
	}
	const struct code_slot key = {.addr = slot_addr};
	const struct code_slot *slot = code->slots.num == 0
					       ? NULL
					       : bsearch(&key, code->slots.items, code->slots.num,
							 sizeof(key), slot_compare);
	if (slot == NULL)
		return false;
	*ret = (struct code_callee){.name = slot->name};
	return true;
}

bool code_call_at(const struct code *code, uint64_t addr, const struct range *function,
		  uint64_t *next_addr_ret, struct code_callee *ret)
{
	struct bytes bytes = code_at(code, addr);
	int32_t offset;
	uint64_t slot_addr;
	if (bytes.size < 6)
		return false;
	if (bytes.data[0] == 0xff && (bytes.data[1] == 0x15 || bytes.data[1] == 0x25)) {
		memcpy(&offset, bytes.data + 2, sizeof(offset));
		*next_addr_ret = addr + 6;
		return read_slot(code, addr + 6 + (uint64_t)(int64_t)offset, ret);
	}
	if (bytes.data[0] != 0xe8 && bytes.data[0] != 0xe9)
		return false;
	memcpy(&offset, bytes.data + 1, sizeof(offset));
	uint64_t target = addr + 5 + (uint64_t)(int64_t)offset;
	if (bytes.data[0] == 0xe9 && range_contains(*function, target))
		return false;
	*next_addr_ret = addr + 5;
	if (code_plt_slot(code, target, &slot_addr))
		return read_slot(code, slot_addr, ret);
	*ret = (struct code_callee){.addr = target + code->module->bias};
	return functions_begin_at(&code->functions, target);
}
