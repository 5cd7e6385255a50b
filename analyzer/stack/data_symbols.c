#include "stack/data_symbols.h"

#include "stack/demangle.h"

#include <gelf.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

struct wanted {
	uint64_t addr; /* in the ELF file */
	uint32_t index;
	uint64_t low; /* of the symbol found; the innermost wins */
	const char *name;
};

static int wanted_compare(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	return (x->addr > y->addr) - (x->addr < y->addr);
}

/* Index of the first one at or above addr. */
static uint32_t wanted_from(const struct wanted *wanted, uint32_t num, uint64_t addr)
{
	uint32_t low = 0, high = num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (wanted[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void search_table(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct wanted *wanted,
			 uint32_t num)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t num_symbols = data != NULL ? data->d_size / sizeof(Elf64_Sym) : 0;
	for (size_t i = 0; i < num_symbols && i < INT_MAX; i++) {
		GElf_Sym symbol;
		if (gelf_getsym(data, (int)i, &symbol) == NULL || symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_size == 0 || GELF_ST_TYPE(symbol.st_info) != STT_OBJECT)
			continue;
		for (uint32_t k = wanted_from(wanted, num, symbol.st_value);
		     k < num && wanted[k].addr - symbol.st_value < symbol.st_size; k++) {
			if (wanted[k].name != NULL && wanted[k].low >= symbol.st_value)
				continue;
			wanted[k].name = elf_strptr(elf, header->sh_link, symbol.st_name);
			wanted[k].low = symbol.st_value;
		}
	}
}

static void search_file(const struct elf_file *file, struct wanted *wanted, uint32_t num)
{
	if (file == NULL)
		return;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) != NULL &&
		    (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			search_table(file->elf, section, &header, wanted, num);
	}
}

static const char *make_name(struct arena *arena, struct demangler *demangler,
			     const struct wanted *wanted)
{
	const char *name = demangle(demangler, wanted->name, strlen(wanted->name));
	uint64_t offset = wanted->addr - wanted->low;
	return offset == 0 ? arena_copy_text(arena, name)
			   : arena_format(arena, "%s+%" PRIu64, name, offset);
}

void data_symbols_find(struct arena *arena, struct elf_files *files, const struct modules *modules,
		       const uint64_t *addrs, uint32_t num_addrs, const char **names_ret)
{
	struct demangler demangler;
	struct wanted *wanted = arena_alloc_array(arena, num_addrs, sizeof(*wanted));
	demangler_init(&demangler, arena);
	for (uint32_t m = 0; m < modules->list.num; m++) {
		const struct module *module = &modules->list.items[m];
		uint32_t num = 0;
		for (uint32_t i = 0; i < num_addrs; i++)
			if (range_contains(module->range, addrs[i]))
				wanted[num++] = (struct wanted){.addr = addrs[i] - module->bias,
								.index = i};
		if (num == 0 || module->file == NULL)
			continue;
		qsort(wanted, num, sizeof(*wanted), wanted_compare);
		search_file(module->file, wanted, num);
		search_file(elf_files_debug(files, module->file), wanted, num);
		for (uint32_t i = 0; i < num; i++)
			names_ret[wanted[i].index] =
				wanted[i].name != NULL ? make_name(arena, &demangler, &wanted[i])
						       : NULL;
	}
}
