#include "stack/dwarf_functions.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdlib.h>

struct eh_frame {
	const unsigned char *e_ident;
	Elf_Data *data;
	uint64_t addr; /* of the section in the ELF file */
	Dwarf_Off cie_off;
	int encoding; /* of addresses in the entries of the CIE at cie_off; -1 not known */
};

/* The encoding of a CIE's FDEs: 'R' in its augmentation (LSB 5.0 core, "Exception Frames"). */
static int cie_encoding(struct eh_frame *frame, Dwarf_Off off)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off next;
	if (frame->encoding >= 0 && frame->cie_off == off)
		return frame->encoding;
	frame->cie_off = off;
	frame->encoding = -1;
	if (dwarf_next_cfi(frame->e_ident, frame->data, true, off, &next, &entry) != 0 ||
	    !dwarf_cfi_cie_p(&entry))
		return -1;
	const char *letter = entry.cie.augmentation;
	const uint8_t *data = entry.cie.augmentation_data;
	const uint8_t *end = data + entry.cie.augmentation_data_size;
	if (*letter == '\0')
		return frame->encoding = DW_EH_PE_absptr;
	while (*++letter != '\0' && data < end) {
		/* Only what the linkers of Linux write: a personality by four bytes from here. */
		if (*letter == 'R')
			return frame->encoding = *data;
		if (*letter == 'P')
			data += (*data & 0x0f) == DW_EH_PE_absptr ? 9 : 5;
		else if (*letter == 'L')
			data++;
	}
	return -1;
}

static bool read_range(struct eh_frame *frame, const Dwarf_CFI_Entry *entry, struct range *ret)
{
	int encoding = cie_encoding(frame, entry->fde.CIE_pointer);
	struct bytes bytes = {entry->fde.start, (size_t)(entry->fde.end - entry->fde.start)};
	uint64_t off = (uint64_t)(entry->fde.start - (const uint8_t *)frame->data->d_buf);
	int32_t low;
	uint32_t size;
	uint64_t wide[2];
	if (encoding == DW_EH_PE_absptr && bytes_read(bytes, 0, wide, sizeof(wide))) {
		*ret = range_from_size(wide[0], wide[1]);
		return true;
	}
	if (encoding != (DW_EH_PE_pcrel | DW_EH_PE_sdata4) ||
	    !bytes_read(bytes, 0, &low, sizeof(low)) || !bytes_read(bytes, 4, &size, sizeof(size)))
		return false;
	*ret = range_from_size(frame->addr + off + (uint64_t)(int64_t)low, size);
	return true;
}

static int range_compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	return (x->low > y->low) - (x->low < y->low);
}

static void read_section(struct functions *functions, struct arena *arena, struct eh_frame *frame)
{
	Dwarf_Off off = 0, next;
	Dwarf_CFI_Entry entry;
	int status;
	bool sorted = true;
	/* 1: an entry that cannot be decoded; what follows it can. */
	for (; (status = dwarf_next_cfi(frame->e_ident, frame->data, true, off, &next, &entry)) >=
		       0 &&
	       next != (Dwarf_Off)-1 && next > off;
	     off = next) {
		struct range range;
		if (status == 1 || dwarf_cfi_cie_p(&entry) || !read_range(frame, &entry, &range))
			continue;
		sorted &= functions->num == 0 ||
			  functions->items[functions->num - 1].low <= range.low;
		*array_add(arena, functions) = range;
	}
	if (!sorted)
		qsort(functions->items, functions->num, sizeof(*functions->items), range_compare);
}

void dwarf_functions_read(struct functions *ret, struct arena *arena, struct elf_file *file)
{
	size_t names;
	*ret = (struct functions){0};
	if (elf_getshdrstrndx(file->elf, &names) != 0)
		return;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS)
			continue;
		const char *name = elf_strptr(file->elf, names, header.sh_name);
		if (name == NULL || strcmp(name, ".eh_frame") != 0)
			continue;
		struct eh_frame frame = {
			.e_ident = (const unsigned char *)elf_getident(file->elf, NULL),
			.data = elf_rawdata(section, NULL),
			.addr = header.sh_addr,
			.encoding = -1,
		};
		if (frame.data != NULL && frame.data->d_buf != NULL)
			read_section(ret, arena, &frame);
		return;
	}
}

/* Index of the first function that begins above addr. */
static uint32_t functions_above(const struct functions *functions, uint64_t addr)
{
	uint32_t low = 0, high = functions->num;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (functions->items[middle].low <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct range *functions_find(const struct functions *functions, uint64_t addr)
{
	uint32_t above = functions_above(functions, addr);
	if (above == 0 || !range_contains(functions->items[above - 1], addr))
		return NULL;
	return &functions->items[above - 1];
}

bool functions_begin_at(const struct functions *functions, uint64_t addr)
{
	uint32_t above = functions_above(functions, addr);
	return above > 0 && functions->items[above - 1].low == addr;
}
