#include "stack/code.h"

#include <gelf.h>
#include <limits.h>
#include <stdlib.h>

enum { MAX_TABLE_SIZE = 8 << 20, SAMPLE_SIZE = 1 << 16 };

/* An address that instructions may contain, and the target that it stands for. */
struct wanted {
	uint64_t addr;
	uint32_t target;
};

struct wanted_list {
	struct wanted *items; /* by ascending address */
	uint32_t num, capacity;
};

static int wanted_compare(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (x->target > y->target) - (x->target < y->target);
}

static int ref_compare(const void *a, const void *b)
{
	const struct code_ref *x = a, *y = b;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return (x->next_addr > y->next_addr) - (x->next_addr < y->next_addr);
}

static void refs_sort(struct code_refs *refs)
{
	if (refs->num > 0)
		qsort(refs->items, refs->num, sizeof(*refs->items), ref_compare);
}

static void wanted_sort(struct wanted_list *list)
{
	if (list->num > 0)
		qsort(list->items, list->num, sizeof(*list->items), wanted_compare);
}

static const struct wanted *wanted_find(const struct wanted_list *list, uint64_t addr)
{
	uint32_t low = 0, high = list->num;
	if (list->num == 0 || addr < list->items[0].addr || addr > list->items[high - 1].addr)
		return NULL;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (list->items[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->num && list->items[low].addr == addr ? &list->items[low] : NULL;
}

static void refs_add(struct code_refs *refs, const struct code *code, uint64_t next_addr,
		     uint32_t target, uint8_t reg)
{
	if (refs->num < CODE_MAX_REFS)
		*array_add(code->arena, refs) = (struct code_ref){next_addr, target, reg};
}

/* REX.W OPCODE disp32(%rip),%reg: lea (8d) of the wanted address, mov (8b) from there. */
static void find_relative(const struct code *code, const struct code_part *part,
			  unsigned char opcode, const struct wanted_list *list,
			  struct code_refs *refs)
{
	const unsigned char *data = part->bytes.data, *end = data + part->bytes.size, *at = data;
	while ((at = memchr(at, opcode, (size_t)(end - at))) != NULL) {
		const unsigned char *operand = ++at;
		int32_t offset;
		if (operand - data < 2 || end - operand < 5 || (operand[-2] & 0xf8) != 0x48 ||
		    (operand[0] & 0xc7) != 0x05)
			continue;
		memcpy(&offset, operand + 1, sizeof(offset));
		uint64_t next_addr = part->addr + (uint64_t)(operand - data) + 5;
		const struct wanted *found =
			wanted_find(list, next_addr + (uint64_t)(int64_t)offset);
		if (found != NULL)
			refs_add(refs, code, next_addr, found->target,
				 (uint8_t)((operand[0] >> 3 & 7) | (operand[-2] & 4) << 1));
	}
}

/* call (e8), or a jump (e9) from another function. */
static void find_branches(const struct code *code, const struct code_part *part,
			  unsigned char opcode, const struct wanted_list *list,
			  struct code_refs *refs)
{
	const unsigned char *data = part->bytes.data, *end = data + part->bytes.size, *at = data;
	while ((at = memchr(at, opcode, (size_t)(end - at))) != NULL) {
		int32_t offset;
		if (end - ++at < 4)
			break;
		memcpy(&offset, at, sizeof(offset));
		uint64_t next_addr = part->addr + (uint64_t)(at - data) + 4;
		uint64_t target = next_addr + (uint64_t)(int64_t)offset;
		const struct wanted *found = wanted_find(list, target);
		if (found == NULL)
			continue;
		const struct range *function = functions_find(&code->functions, next_addr - 1);
		if (opcode == 0xe9 && (function == NULL || range_contains(*function, target)))
			continue;
		refs_add(refs, code, next_addr, found->target, CODE_MEMORY);
	}
}

/* The register that an instruction with a 32-bit immediate at off loads: mov $imm,%reg;
 * CODE_MEMORY: mov $imm,memory; -1: it is no such instruction. */
static int immediate_register(struct bytes code, size_t off)
{
	const unsigned char *at = code.data + off;
	if (off >= 1 && (at[-1] & 0xf8) == 0xb8)
		return (at[-1] & 7) | (off >= 2 && (at[-2] & 0xf1) == 0x41 ? 8 : 0);
	if (off >= 3 && at[-2] == 0xc7 && (at[-1] & 0xf8) == 0xc0 && (at[-3] & 0xf8) == 0x48)
		return (at[-1] & 7) | (at[-3] & 1) << 3;
	/* c7 /0, by the bytes that the operand in memory takes. */
	for (size_t size = 1; size <= 6 && size + 1 <= off; size++) {
		if (at[-(ptrdiff_t)size - 1] != 0xc7)
			continue;
		unsigned char modrm = at[-(ptrdiff_t)size], mode = modrm >> 6;
		bool has_sib = (modrm & 7) == 4;
		size_t displacement = mode == 1 ? 1 : mode == 2 ? 4 : (modrm & 7) == 5 ? 4 : 0;
		if ((modrm & 0x38) == 0 && mode != 3 && size == 1 + has_sib + displacement)
			return CODE_MEMORY;
	}
	return -1;
}

/* Of the bytes of the immediate the one that is rarest in this code: to look for it is quickest. */
static size_t rarest_byte(const struct code_part *part, const unsigned char immediate[4])
{
	uint32_t counts[256] = {0};
	size_t best = 0;
	for (size_t i = 0; i < part->bytes.size && i < SAMPLE_SIZE; i++)
		counts[part->bytes.data[i]]++;
	for (size_t i = 1; i < 4; i++)
		if (counts[immediate[i]] < counts[immediate[best]])
			best = i;
	return best;
}

static void find_immediate(const struct code *code, const struct code_part *part,
			   const struct wanted *wanted, struct code_refs *refs)
{
	unsigned char immediate[4];
	uint32_t value = (uint32_t)wanted->addr;
	if (value != wanted->addr)
		return;
	memcpy(immediate, &value, sizeof(immediate));
	size_t which = rarest_byte(part, immediate);
	const unsigned char *data = part->bytes.data, *end = data + part->bytes.size, *at = data;
	while ((at = memchr(at, immediate[which], (size_t)(end - at))) != NULL) {
		size_t off = (size_t)(at++ - data);
		if (off < which || part->bytes.size - (off - which) < 4 ||
		    memcmp(data + off - which, immediate, 4) != 0)
			continue;
		off -= which;
		int reg = immediate_register(part->bytes, off);
		if (reg >= 0)
			refs_add(refs, code, part->addr + off + 4, wanted->target, (uint8_t)reg);
	}
}

/* One after the other the module's sections whose names begin so. */
static Elf_Scn *next_section(const struct code *code, Elf_Scn *section, const char *prefix,
			     GElf_Shdr *header_ret)
{
	Elf *elf = code->module->file->elf;
	size_t names;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(elf, section)) != NULL) {
		const char *name = gelf_getshdr(section, header_ret) != NULL
					   ? elf_strptr(elf, names, header_ret->sh_name)
					   : NULL;
		if (name != NULL && header_ret->sh_type != SHT_NOBITS &&
		    strncmp(name, prefix, strlen(prefix)) == 0)
			return section;
	}
	return NULL;
}

/* Words of the GOT that have one of these values in the process. */
static struct wanted_list find_slots(const struct code *code, const struct wanted_list *runtime)
{
	enum { CHUNK = 512 };
	struct wanted_list slots = {0};
	GElf_Shdr header;
	for (Elf_Scn *section = NULL;
	     (section = next_section(code, section, ".got", &header)) != NULL;) {
		uint64_t words[CHUNK];
		for (uint64_t off = 0; off < header.sh_size; off += sizeof(words)) {
			uint64_t left = header.sh_size - off, addr = header.sh_addr + off;
			size_t got = image_read(code->image, addr + code->module->bias, words,
						left < sizeof(words) ? left : sizeof(words));
			for (size_t i = 0; i < got / sizeof(words[0]); i++) {
				const struct wanted *found = wanted_find(runtime, words[i]);
				if (found != NULL)
					*array_add(code->arena, &slots) = (struct wanted){
						addr + i * sizeof(words[0]), found->target};
			}
			if (got < sizeof(words))
				break;
		}
	}
	wanted_sort(&slots);
	return slots;
}

static struct wanted_list make_list(const struct code *code, const uint64_t *targets, uint32_t num,
				    uint64_t bias)
{
	struct wanted_list list = {0};
	for (uint32_t i = 0; i < num; i++)
		*array_add(code->arena, &list) = (struct wanted){targets[i] + bias, i};
	wanted_sort(&list);
	return list;
}

/* Words that the dynamic linker sets, outside of the GOT. */
static void count_relocated(const struct code *code, const struct wanted_list *list,
			    uint32_t *counts)
{
	GElf_Shdr got, header;
	struct range got_range = {0, 0};
	if (next_section(code, NULL, ".got", &got) != NULL)
		got_range = range_from_size(got.sh_addr, got.sh_size);
	for (Elf_Scn *section = NULL;
	     (section = next_section(code, section, ".rela", &header)) != NULL;) {
		Elf_Data *data = elf_getdata(section, NULL);
		Elf_Data *symbols =
			elf_getdata(elf_getscn(code->module->file->elf, header.sh_link), NULL);
		size_t num = data != NULL ? data->d_size / sizeof(Elf64_Rela) : 0;
		for (size_t i = 0; i < num; i++) {
			Elf64_Rela rela; /* copied: the table may be unaligned */
			GElf_Sym symbol;
			memcpy(&rela, (const char *)data->d_buf + i * sizeof(rela), sizeof(rela));
			uint64_t value = (uint64_t)rela.r_addend;
			uint64_t number = ELF64_R_SYM(rela.r_info);
			if (ELF64_R_TYPE(rela.r_info) == R_X86_64_64 && number <= INT_MAX &&
			    symbols != NULL && gelf_getsym(symbols, (int)number, &symbol) != NULL)
				value += symbol.st_value;
			else if (ELF64_R_TYPE(rela.r_info) != R_X86_64_RELATIVE)
				continue;
			const struct wanted *found = wanted_find(list, value);
			if (found != NULL && !range_contains(got_range, rela.r_offset))
				counts[found->target]++;
		}
	}
}

/* Words of the data as it stands in the file: in a program with fixed addresses they are all. */
static void count_fixed(const struct code *code, const struct wanted_list *list, uint32_t *counts)
{
	static const char *const prefixes[] = {".data", ".rodata"};
	GElf_Shdr header;
	for (size_t k = 0; k < sizeof(prefixes) / sizeof(prefixes[0]); k++) {
		for (Elf_Scn *section = NULL;
		     (section = next_section(code, section, prefixes[k], &header)) != NULL;) {
			Elf_Data *data = header.sh_size <= MAX_TABLE_SIZE
						 ? elf_rawdata(section, NULL)
						 : NULL;
			size_t num = data != NULL ? data->d_size / sizeof(uint64_t) : 0;
			for (size_t i = 0; i < num; i++) {
				uint64_t word;
				memcpy(&word, (const char *)data->d_buf + i * sizeof(word),
				       sizeof(word));
				const struct wanted *found = wanted_find(list, word);
				if (found != NULL)
					counts[found->target]++;
			}
		}
	}
}

void code_find_addresses(const struct code *code, const uint64_t *targets, uint32_t num,
			 struct code_refs *ret, uint32_t *table_counts)
{
	struct wanted_list list = make_list(code, targets, num, 0);
	struct wanted_list runtime = make_list(code, targets, num, code->module->bias);
	struct wanted_list slots = find_slots(code, &runtime);
	for (uint32_t i = 0; i < code->parts.num; i++) {
		const struct code_part *part = &code->parts.items[i];
		find_relative(code, part, 0x8d, &list, ret);
		if (slots.num > 0)
			find_relative(code, part, 0x8b, &slots, ret);
		for (uint32_t k = 0; code->fixed && k < list.num; k++)
			find_immediate(code, part, &list.items[k], ret);
	}
	refs_sort(ret);
	/* Words that DT_RELR names stand as they are in the file too. */
	GElf_Shdr relr;
	if (code->fixed || next_section(code, NULL, ".relr", &relr) != NULL)
		count_fixed(code, &list, table_counts);
	if (!code->fixed)
		count_relocated(code, &list, table_counts);
}

void code_find_imported(const struct code *code, const uint64_t *runtime_targets, uint32_t num,
			struct code_refs *ret)
{
	struct wanted_list runtime = make_list(code, runtime_targets, num, 0);
	struct wanted_list slots = find_slots(code, &runtime);
	for (uint32_t i = 0; slots.num > 0 && i < code->parts.num; i++)
		find_relative(code, &code->parts.items[i], 0x8b, &slots, ret);
	refs_sort(ret);
}

/* Adds the PLT entries that lead to what list has. */
static void add_plt_entries(const struct code *code, struct wanted_list *list,
			    const struct wanted_list *slots)
{
	GElf_Shdr header;
	for (Elf_Scn *section = NULL;
	     (section = next_section(code, section, ".plt", &header)) != NULL;) {
		uint64_t step = header.sh_entsize == 8 ? 8 : 16, slot_addr;
		for (uint64_t off = 0; off < header.sh_size && off <= MAX_TABLE_SIZE; off += step) {
			if (!code_plt_slot(code, header.sh_addr + off, &slot_addr))
				continue;
			const struct wanted *found = wanted_find(slots, slot_addr);
			if (found != NULL)
				*array_add(code->arena, list) =
					(struct wanted){header.sh_addr + off, found->target};
		}
	}
	wanted_sort(list);
}

void code_find_calls(const struct code *code, const uint64_t *targets, uint32_t num,
		     struct code_refs *ret)
{
	struct wanted_list list = make_list(code, targets, num, 0);
	struct wanted_list runtime = make_list(code, targets, num, code->module->bias);
	struct wanted_list slots = find_slots(code, &runtime);
	if (slots.num > 0)
		add_plt_entries(code, &list, &slots);
	for (uint32_t i = 0; i < code->parts.num; i++) {
		find_branches(code, &code->parts.items[i], 0xe8, &list, ret);
		find_branches(code, &code->parts.items[i], 0xe9, &list, ret);
	}
	refs_sort(ret);
}
