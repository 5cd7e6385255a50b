/* Mutations that keep most of an ELF file's structure, so that they get behind its first checks. */
#include "fuzz.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_REGIONS = 64, MAX_CHANGES = 12 };

struct region {
	size_t off, size;
	uint64_t addr; /* where the memory is mapped; 0 none */
};

struct mutation {
	unsigned char *bytes;
	size_t size;
	uint64_t state;
	struct region regions[MAX_REGIONS];
	uint32_t num;
};

static uint64_t next_random(struct mutation *mutation)
{
	mutation->state ^= mutation->state << 13;
	mutation->state ^= mutation->state >> 7;
	mutation->state ^= mutation->state << 17;
	return mutation->state;
}

static uint64_t below(struct mutation *mutation, uint64_t limit)
{
	return limit == 0 ? 0 : next_random(mutation) % limit;
}

static void add_region(struct mutation *mutation, uint64_t off, uint64_t size, uint64_t addr)
{
	if (mutation->num == MAX_REGIONS || off >= mutation->size || size < 8)
		return;
	if (size > mutation->size - off)
		size = mutation->size - off;
	if (size >= 8)
		mutation->regions[mutation->num++] = (struct region){off, size, addr};
}

static bool read_header(const struct mutation *mutation, Elf64_Ehdr *ret)
{
	if (mutation->size < sizeof(*ret))
		return false;
	memcpy(ret, mutation->bytes, sizeof(*ret));
	return true;
}

/* The headers, each segment, and notes several times: they are small, and decide much. */
static void find_segments(struct mutation *mutation)
{
	Elf64_Ehdr elf;
	Elf64_Phdr segment;
	if (!read_header(mutation, &elf))
		return;
	add_region(mutation, 0, sizeof(elf), 0);
	for (uint32_t i = 0; i < elf.e_phnum && i < MAX_REGIONS; i++) {
		uint64_t off = elf.e_phoff + i * sizeof(segment);
		if (off > mutation->size || mutation->size - off < sizeof(segment))
			break;
		memcpy(&segment, mutation->bytes + off, sizeof(segment));
		add_region(mutation, off, sizeof(segment), 0);
		for (int k = 0; k < (segment.p_type == PT_NOTE ? 4 : 1); k++)
			add_region(mutation, segment.p_offset, segment.p_filesz,
				   segment.p_type == PT_LOAD ? segment.p_vaddr : 0);
	}
}

static void find_sections(struct mutation *mutation)
{
	Elf64_Ehdr elf;
	Elf64_Shdr section;
	if (!read_header(mutation, &elf))
		return;
	for (uint32_t i = 0; i < elf.e_shnum && i < MAX_REGIONS; i++) {
		uint64_t off = elf.e_shoff + i * sizeof(section);
		if (off > mutation->size || mutation->size - off < sizeof(section))
			break;
		memcpy(&section, mutation->bytes + off, sizeof(section));
		add_region(mutation, off, sizeof(section), 0);
		/* Code is only looked at here and there. */
		if (section.sh_type != SHT_NOBITS && (section.sh_flags & SHF_EXECINSTR) == 0)
			add_region(mutation, section.sh_offset, section.sh_size, 0);
	}
}

/* The address of some byte of the memory; 0: there is none. */
static uint64_t some_address(struct mutation *mutation)
{
	for (int i = 0; i < 8; i++) {
		const struct region *region = &mutation->regions[below(mutation, mutation->num)];
		if (region->addr != 0)
			return region->addr + (below(mutation, region->size) & ~UINT64_C(7));
	}
	return 0;
}

static uint64_t odd_value(struct mutation *mutation, const struct region *region, size_t off)
{
	static const uint64_t values[] = {
		0,	    1,	       2,	  7,	      8,
		0x7f,	    0x80,      0xff,	  0x100,      0xfff,
		0x1000,	    0x7fff,    0xffff,	  0x7fffffff, 0x80000000,
		UINT32_MAX, INT64_MAX, INT64_MIN, UINT64_MAX, UINT64_MAX - 7,
	};
	switch (below(mutation, 4)) {
	case 0:
		return some_address(mutation);
	case 1: /* the place itself: a loop */
		return region->addr + off;
	case 2:
		return mutation->size - below(mutation, 9);
	default:
		return values[below(mutation, sizeof(values) / sizeof(values[0]))];
	}
}

static void change(struct mutation *mutation)
{
	const struct region *region = &mutation->regions[below(mutation, mutation->num)];
	const struct region *other = &mutation->regions[below(mutation, mutation->num)];
	size_t off = (size_t)below(mutation, region->size - 7), length;
	size_t from = (size_t)below(mutation, other->size - 7);
	unsigned char *at = mutation->bytes + region->off;
	uint64_t word;
	if (below(mutation, 4) != 0) {
		off &= ~(size_t)3;
		from &= ~(size_t)3;
	}
	switch (below(mutation, 6)) {
	case 0:
		at[off] ^= (unsigned char)(1 << below(mutation, 8));
		break;
	case 1:
		at[off] = (unsigned char)below(mutation, 256);
		break;
	case 2: /* some more or less of it */
		memcpy(&word, at + off, sizeof(word));
		word += below(mutation, 65) - 32;
		memcpy(at + off, &word, (size_t)1 << below(mutation, 4));
		break;
	case 3: /* what stands elsewhere */
		length = (size_t)8 << below(mutation, 4);
		if (length > region->size - off || length > other->size - from)
			length = 8;
		memmove(at + off, mutation->bytes + other->off + from, length);
		break;
	default:
		word = odd_value(mutation, region, off);
		memcpy(at + off, &word, (size_t)1 << below(mutation, 4));
	}
}

static size_t change_some(struct mutation *mutation)
{
	size_t size = mutation->size;
	if (mutation->num == 0) {
		mutation->regions[0] = (struct region){0, size, 0};
		mutation->num = size >= 8;
	}
	/* Mostly few. */
	uint64_t num = 1 + below(mutation, 1 + below(mutation, MAX_CHANGES));
	for (uint64_t i = 0; i < num && mutation->num > 0; i++)
		change(mutation);
	if (below(mutation, 64) == 0)
		size = (size_t)below(mutation, size);
	return size;
}

static void begin(struct mutation *mutation, unsigned char *bytes, size_t size, uint32_t random)
{
	mutation->bytes = bytes;
	mutation->size = size;
	mutation->num = 0;
	mutation->state = ((uint64_t)random + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

size_t fuzz_mutate_core(unsigned char *bytes, size_t size, uint32_t random)
{
	struct mutation mutation;
	begin(&mutation, bytes, size, random);
	find_segments(&mutation);
	return change_some(&mutation);
}

size_t fuzz_mutate_module(unsigned char *bytes, size_t size, uint32_t random)
{
	struct mutation mutation;
	begin(&mutation, bytes, size, random);
	find_sections(&mutation);
	if (mutation.num < MAX_REGIONS / 2)
		find_segments(&mutation);
	return change_some(&mutation);
}
