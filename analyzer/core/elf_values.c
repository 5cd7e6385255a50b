#include "core/elf_values.h"

#include <gelf.h>
#include <limits.h>

static void find_in_table(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			  const char *const *names, uint32_t num_names, uint64_t *values)
{
	Elf_Data *data = elf_getdata(section, NULL);
	if (data == NULL || header->sh_entsize == 0)
		return;
	size_t num = data->d_size / sizeof(Elf64_Sym);
	for (size_t i = 0; i < num && i < INT_MAX; i++) {
		GElf_Sym symbol;
		if (gelf_getsym(data, (int)i, &symbol) == NULL || symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_value == 0)
			continue;
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		for (uint32_t k = 0; name != NULL && k < num_names; k++)
			if (values[k] == 0 && strcmp(name, names[k]) == 0)
				values[k] = symbol.st_value;
	}
}

void elf_values_find(const struct elf_file *file, const char *const *names, uint32_t num_names,
		     uint64_t *values_ret)
{
	static const GElf_Word types[] = {SHT_DYNSYM, SHT_SYMTAB};
	memset(values_ret, 0, num_names * sizeof(*values_ret));
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		for (Elf_Scn *section = NULL;
		     (section = elf_nextscn(file->elf, section)) != NULL;) {
			GElf_Shdr header;
			if (gelf_getshdr(section, &header) != NULL && header.sh_type == types[t])
				find_in_table(file->elf, section, &header, names, num_names,
					      values_ret);
		}
	}
}

static uint64_t undefined_names(const struct elf_file *file, const char *const *names,
				uint32_t num_names)
{
	uint64_t found = 0;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_DYNSYM)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		size_t num = data != NULL ? data->d_size / sizeof(Elf64_Sym) : 0;
		for (size_t i = 0; i < num && i < INT_MAX; i++) {
			GElf_Sym symbol;
			if (gelf_getsym(data, (int)i, &symbol) == NULL ||
			    symbol.st_shndx != SHN_UNDEF)
				continue;
			const char *name = elf_strptr(file->elf, header.sh_link, symbol.st_name);
			for (uint32_t k = 0; name != NULL && k < num_names && k < 64; k++)
				if (strcmp(name, names[k]) == 0)
					found |= UINT64_C(1) << k;
		}
	}
	return found;
}

/* Linkers let one string be the end of another one. */
static uint64_t names_in_bytes(struct bytes bytes, const char *const *names, uint32_t num_names)
{
	uint64_t found = 0, off = 0;
	const unsigned char *end;
	while (off < bytes.size && (end = memchr(bytes.data + off, 0, bytes.size - off)) != NULL) {
		uint64_t at = (uint64_t)(end - bytes.data);
		for (uint32_t k = 0; at > off && k < num_names && k < 64; k++) {
			size_t size = strlen(names[k]);
			if (size <= at - off && end[-1] == (unsigned char)names[k][size - 1] &&
			    memcmp(end - size, names[k], size) == 0)
				found |= UINT64_C(1) << k;
		}
		off = at + 1;
	}
	return found;
}

/* Functions that find another one by its name: dlfcn.h's, glib's, libtool's, SDL's, libuv's, APR's.
 */
static bool looks_functions_up(const struct elf_file *file)
{
	static const char *const names[] = {"dlsym",	  "dlvsym",   "g_module_symbol",
					    "lt_dlsym",	  "uv_dlsym", "SDL_LoadFunction",
					    "apr_dso_sym"};
	return undefined_names(file, names, sizeof(names) / sizeof(names[0])) != 0;
}

uint64_t elf_values_imports(const struct elf_file *file, const char *const *names,
			    uint32_t num_names)
{
	uint64_t found = undefined_names(file, names, num_names);
	if (!looks_functions_up(file))
		return found;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_PROGBITS ||
		    (header.sh_flags & (SHF_ALLOC | SHF_EXECINSTR)) != SHF_ALLOC)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		if (data != NULL && data->d_buf != NULL)
			found |= names_in_bytes((struct bytes){data->d_buf, data->d_size}, names,
						num_names);
	}
	return found;
}

bool elf_values_writable(const struct elf_file *file, uint32_t index, struct range *ret)
{
	size_t num;
	if (elf_getphdrnum(file->elf, &num) != 0)
		return false;
	for (size_t i = 0; i < num && i < INT_MAX; i++) {
		GElf_Phdr header;
		if (gelf_getphdr(file->elf, (int)i, &header) == NULL)
			return false;
		if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0 ||
		    header.p_memsz == 0 || index-- > 0)
			continue;
		*ret = range_from_size(header.p_vaddr, header.p_memsz);
		return true;
	}
	return false;
}
