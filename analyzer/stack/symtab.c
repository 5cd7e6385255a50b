#include "stack/symtab.h"

#include "stack/plt.h"

#include <gelf.h>

/* A hostile table may have millions of symbols that each cover all addresses. */
enum { MAX_COVERED = 16 << 20 };

struct section {
	struct range range;
	bool code;
};

/* The best symbol for an address so far. */
struct candidate {
	struct bytes name;
	uint64_t start;
	bool sized;
	uint8_t binding_rank; /* 0 global, 1 weak, 2 the rest */
};

/* What lies between the address before (or the start) and this one. */
struct nearest {
	struct candidate candidate; /* symbol that begins last */
	uint32_t section;	    /* its */
	bool found;		    /* candidate is valid */
	uint64_t end;		    /* where the last sized symbol ends; 0: none does */
};

struct scan {
	const uint64_t *addrs; /* ascending, all without a name yet */
	uint32_t num;
	struct candidate *best;	 /* parallel */
	struct nearest *nearest; /* parallel */
	struct section *sections;
	size_t num_sections;
	struct bytes strings;
	uint64_t num_covered;
};

static struct section *sections_read(struct arena *arena, Elf *elf, size_t *num_ret)
{
	size_t num = 0;
	if (elf_getshdrnum(elf, &num) != 0)
		num = 0;
	struct section *sections = arena_alloc_array(arena, num + 1, sizeof(*sections));
	for (size_t i = 1; i < num; i++) {
		GElf_Shdr header;
		if (gelf_getshdr(elf_getscn(elf, i), &header) == NULL)
			continue;
		sections[i].range = range_from_size(header.sh_addr, header.sh_size);
		sections[i].code = (header.sh_flags & SHF_EXECINSTR) != 0;
	}
	*num_ret = num;
	return sections;
}

/* Index of the first address >= addr. */
static uint32_t scan_lower_bound(const struct scan *scan, uint64_t addr)
{
	uint32_t low = 0, high = scan->num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (scan->addrs[middle] < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t num_underscores(struct bytes name)
{
	size_t num = 0;
	while (num < name.size && name.data[num] == '_')
		num++;
	return num;
}

/* Whether a is the better name for the same code. */
static bool candidate_better(const struct candidate *a, const struct candidate *b)
{
	if (b->name.data == NULL || a->sized != b->sized)
		return b->name.data == NULL || a->sized;
	if (a->start != b->start)
		return a->start > b->start;
	size_t a_underscores = num_underscores(a->name), b_underscores = num_underscores(b->name);
	if (a_underscores != b_underscores)
		return a_underscores < b_underscores;
	if (a->binding_rank != b->binding_rank)
		return a->binding_rank < b->binding_rank;
	if (a->name.size != b->name.size)
		return a->name.size < b->name.size;
	return memcmp(a->name.data, b->name.data, a->name.size) < 0;
}

static bool symbol_is_function(const Elf64_Sym *symbol)
{
	int type = ELF64_ST_TYPE(symbol->st_info);
	/* Functions written in assembly language often have no type. */
	return (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
	       symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
	       symbol->st_shndx != SHN_COMMON;
}

static bool symbol_candidate(const struct scan *scan, const Elf64_Sym *symbol,
			     struct candidate *ret)
{
	int binding = ELF64_ST_BIND(symbol->st_info);
	if (symbol->st_name == 0 || symbol->st_name >= scan->strings.size)
		return false;
	const unsigned char *name = scan->strings.data + symbol->st_name;
	size_t size = strnlen((const char *)name, scan->strings.size - symbol->st_name);
	if (size == 0)
		return false;
	*ret = (struct candidate){
		.name = {name, size},
		.start = symbol->st_value,
		.sized = symbol->st_size > 0,
		.binding_rank = binding == STB_GLOBAL ? 0
				: binding == STB_WEAK ? 1
						      : 2,
	};
	return true;
}

static void scan_nearest(struct scan *scan, uint32_t index, const Elf64_Sym *symbol)
{
	struct nearest *nearest = &scan->nearest[index];
	struct candidate candidate;
	if (nearest->found && symbol->st_value < nearest->candidate.start)
		return;
	if (!symbol_candidate(scan, symbol, &candidate))
		return;
	/* At the same place a symbol with size is to be believed more than one without. */
	if (nearest->found && symbol->st_value == nearest->candidate.start &&
	    !candidate_better(&candidate, &nearest->candidate))
		return;
	nearest->candidate = candidate;
	nearest->section = symbol->st_shndx;
	nearest->found = true;
}

static void scan_symbol(struct scan *scan, const Elf64_Sym *symbol, bool complete)
{
	/* Without a size: only the very address, unless nothing else can be there. */
	uint64_t size = symbol->st_size > 0 ? symbol->st_size : 1;
	struct range range = range_from_size(symbol->st_value, size);
	if (symbol->st_value > scan->addrs[scan->num - 1] ||
	    (range.high <= scan->addrs[0] && !complete))
		return;
	uint32_t first = scan_lower_bound(scan, symbol->st_value);
	struct candidate candidate;
	if (complete) {
		scan_nearest(scan, first, symbol);
		uint32_t after = scan_lower_bound(scan, range.high);
		if (symbol->st_size > 0 && after < scan->num &&
		    scan->nearest[after].end < range.high)
			scan->nearest[after].end = range.high;
	}
	if (scan->addrs[first] >= range.high || !symbol_candidate(scan, symbol, &candidate))
		return;
	for (uint32_t i = first; i < scan->num && scan->addrs[i] < range.high; i++) {
		if (scan->num_covered++ > MAX_COVERED)
			return;
		if (candidate_better(&candidate, &scan->best[i]))
			scan->best[i] = candidate;
	}
}

/* A symbol without size reaches to the next symbol of its section, and not out of a symbol that
 * has a size. */
static void scan_use_nearest(struct scan *scan)
{
	const struct nearest *nearest = NULL;
	uint64_t end = 0;
	for (uint32_t i = 0; i < scan->num; i++) {
		if (scan->nearest[i].end > end)
			end = scan->nearest[i].end;
		if (scan->nearest[i].found)
			nearest = &scan->nearest[i];
		if (scan->best[i].name.data != NULL || nearest == NULL ||
		    nearest->candidate.sized || end > nearest->candidate.start ||
		    nearest->section >= scan->num_sections)
			continue;
		const struct section *section = &scan->sections[nearest->section];
		if (section->code && range_contains(section->range, scan->addrs[i]) &&
		    range_contains(section->range, nearest->candidate.start))
			scan->best[i] = nearest->candidate;
	}
}

static void scan_table(struct scan *scan, struct arena *arena, Elf *elf, Elf_Scn *section,
		       const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	Elf_Data *strings = elf_getdata(elf_getscn(elf, header->sh_link), NULL);
	if (data == NULL || data->d_buf == NULL || strings == NULL || strings->d_buf == NULL)
		return;
	/* Only a program's full table says what is *not* there. */
	bool complete = header->sh_type == SHT_SYMTAB;
	size_t num = data->d_size / sizeof(Elf64_Sym);
	scan->strings = (struct bytes){strings->d_buf, strings->d_size};
	scan->best = arena_alloc_array(arena, scan->num, sizeof(*scan->best));
	scan->nearest = arena_alloc_array(arena, scan->num, sizeof(*scan->nearest));
	for (size_t i = 1; i < num; i++) {
		Elf64_Sym symbol; /* copied: the table may be unaligned */
		memcpy(&symbol, (const char *)data->d_buf + i * sizeof(symbol), sizeof(symbol));
		if (symbol_is_function(&symbol))
			scan_symbol(scan, &symbol, complete);
	}
	if (complete)
		scan_use_nearest(scan);
}

/* Looks up those of addrs that have no name yet in the tables of this type. */
static void symtab_find_in(struct arena *arena, struct gaps *gaps, const struct elf_file *file,
			   uint32_t type, bool partial, const uint64_t *addrs, uint32_t num,
			   struct symtab_name *ret)
{
	Elf *elf = file->elf;
	struct scan scan = {0};
	uint64_t *open_addrs = arena_alloc_array(arena, num, sizeof(*open_addrs));
	uint32_t *open = arena_alloc_array(arena, num, sizeof(*open));
	for (uint32_t i = 0; i < num; i++) {
		if (ret[i].name.data != NULL)
			continue;
		open[scan.num] = i;
		open_addrs[scan.num++] = addrs[i];
	}
	if (scan.num == 0)
		return;
	scan.addrs = open_addrs;
	scan.sections = sections_read(arena, elf, &scan.num_sections);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type != type)
			continue;
		if (partial)
			header.sh_type = SHT_DYNSYM;
		scan_table(&scan, arena, elf, section, &header);
		break;
	}
	if (scan.num_covered > MAX_COVERED)
		gaps_add(gaps, "symbols-damaged", false,
			 "%s: too many overlapping symbols; the rest is left out", file->path);
	for (uint32_t i = 0; i < scan.num && scan.best != NULL; i++) {
		ret[open[i]].name = scan.best[i].name;
		ret[open[i]].low = scan.best[i].start;
	}
}

void symtab_find(struct arena *arena, struct gaps *gaps, struct elf_files *files,
		 struct elf_file *file, const uint64_t *addrs, uint32_t num,
		 struct symtab_name *ret)
{
	symtab_find_in(arena, gaps, file, SHT_SYMTAB, false, addrs, num, ret);
	struct elf_file *debug = elf_files_debug(files, file);
	if (debug != NULL)
		symtab_find_in(arena, gaps, debug, SHT_SYMTAB, false, addrs, num, ret);
	struct elf_file *mini = elf_files_mini(files, file);
	if (mini != NULL)
		symtab_find_in(arena, gaps, mini, SHT_SYMTAB, true, addrs, num, ret);
	symtab_find_in(arena, gaps, file, SHT_DYNSYM, true, addrs, num, ret);
	plt_find(file->elf, addrs, num, ret);
}
