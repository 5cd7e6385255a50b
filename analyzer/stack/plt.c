#include "stack/plt.h"

#include <gelf.h>

struct plt {
	Elf *elf;
	struct range range;
	uint64_t entry_size;
	struct bytes code;
};

static bool plt_read(Elf *elf, Elf_Scn *section, size_t names, struct plt *ret)
{
	static const char *const plt_names[] = {".plt", ".plt.sec", ".plt.got"};
	GElf_Shdr header;
	if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_PROGBITS ||
	    (header.sh_flags & SHF_EXECINSTR) == 0)
		return false;
	const char *name = elf_strptr(elf, names, header.sh_name);
	bool known = false;
	for (size_t i = 0; name != NULL && i < sizeof(plt_names) / sizeof(plt_names[0]); i++)
		known |= strcmp(name, plt_names[i]) == 0;
	Elf_Data *data = known ? elf_getdata(section, NULL) : NULL;
	if (data == NULL || data->d_buf == NULL)
		return false;
	*ret = (struct plt){
		.elf = elf,
		.range = range_from_size(header.sh_addr, data->d_size),
		.entry_size = header.sh_entsize == 8 ? 8 : 16,
		.code = {data->d_buf, data->d_size},
	};
	return true;
}

/* The function of the relocation for this slot, or of the index-th one of the PLT. */
static struct bytes relocation_name(Elf *elf, bool by_index, uint64_t slot_or_index)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header, symbols_header;
		GElf_Rela relocation;
		GElf_Sym symbol;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_RELA)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		Elf_Scn *symbols = elf_getscn(elf, header.sh_link);
		Elf_Data *symbol_data = elf_getdata(symbols, NULL);
		if (data == NULL || symbol_data == NULL ||
		    gelf_getshdr(symbols, &symbols_header) == NULL)
			continue;
		for (int i = 0; gelf_getrela(data, i, &relocation) != NULL; i++) {
			uint64_t type = GELF_R_TYPE(relocation.r_info);
			/* Only the PLT's own table has nothing but jump slots. */
			if (by_index && type != R_X86_64_JUMP_SLOT)
				break;
			if (by_index ? (uint64_t)i != slot_or_index
				     : relocation.r_offset != slot_or_index)
				continue;
			if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
			    gelf_getsym(symbol_data, (int)GELF_R_SYM(relocation.r_info), &symbol) ==
				    NULL)
				break;
			const char *name = elf_strptr(elf, symbols_header.sh_link, symbol.st_name);
			if (name == NULL || name[0] == '\0')
				break;
			return (struct bytes){(const unsigned char *)name, strlen(name)};
		}
	}
	return (struct bytes){0};
}

static bool code_begins_with(struct bytes code, uint64_t off, const char *bytes, size_t size)
{
	return off <= code.size && size <= code.size - off &&
	       memcmp(code.data + off, bytes, size) == 0;
}

/* x86-64 psABI, "Procedure Linkage Table": [endbr64] [bnd] jmp *slot(%rip), or, in a lazy PLT that
 * has .plt.sec beside it, [endbr64] push $index. */
static struct bytes plt_entry_name(const struct plt *plt, uint64_t entry_off)
{
	uint64_t off = entry_off;
	int32_t operand;
	if (code_begins_with(plt->code, off, "\xf3\x0f\x1e\xfa", 4))
		off += 4;
	if (bytes_read(plt->code, off + 1, &operand, sizeof(operand)) &&
	    code_begins_with(plt->code, off, "\x68", 1))
		return relocation_name(plt->elf, true, (uint32_t)operand);
	if (code_begins_with(plt->code, off, "\xf2", 1))
		off++;
	if (!code_begins_with(plt->code, off, "\xff\x25", 2) ||
	    !bytes_read(plt->code, off + 2, &operand, sizeof(operand)))
		return (struct bytes){0};
	uint64_t next_addr = plt->range.low + off + 6;
	return relocation_name(plt->elf, false, next_addr + (uint64_t)(int64_t)operand);
}

void plt_find(Elf *elf, const uint64_t *addrs, uint32_t num, struct symtab_name *ret)
{
	size_t names;
	struct plt plt;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		if (!plt_read(elf, section, names, &plt))
			continue;
		for (uint32_t i = 0; i < num; i++) {
			if (ret[i].name.data != NULL || !range_contains(plt.range, addrs[i]))
				continue;
			uint64_t off = addrs[i] - plt.range.low;
			off -= off % plt.entry_size;
			ret[i].name = plt_entry_name(&plt, off);
			ret[i].low = plt.range.low + off;
			ret[i].plt = ret[i].name.data != NULL;
		}
	}
}
