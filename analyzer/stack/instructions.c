#include "stack/instructions.h"

#include <gelf.h>

/* What follows an opcode (Intel SDM 2, appendix A, 64-bit mode): . nothing, m ModRM, b a byte, w 4
 * bytes (2 behind a 66), h 2 bytes, e 3, j 4 always, v as w but 8 behind a REX.W, o an address, M
 * and W as b and w behind a ModRM, t ModRM and what the group's tests have; p a prefix, r REX, s
 * another map or VEX and EVEX, x nothing that is valid. */
static const char one_byte[] = "mmmmbwxxmmmmbwxs"
			       "mmmmbwxxmmmmbwxx"
			       "mmmmbwpxmmmmbwpx"
			       "mmmmbwpxmmmmbwpx"
			       "rrrrrrrrrrrrrrrr"
			       "................"
			       "xxsmppppwWbM...."
			       "bbbbbbbbbbbbbbbb"
			       "MWxMmmmmmmmmmmmm"
			       "..........x....."
			       "oooo....bw......"
			       "bbbbbbbbvvvvvvvv"
			       "MMh.ssMWe.h..bx."
			       "mmmmxxx.mmmmmmmm"
			       "bbbbbbbbjjxb...."
			       "p.pp..tt......mm";
static const char two_byte[] = "mmmmx.....x.xm.M"
			       "mmmmmmmmmmmmmmmm"
			       "mmmmxxxxmmmmmmmm"
			       "........sxsxxxxx"
			       "mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmm"
			       "MMMMmmm.mmmmmmmm"
			       "jjjjjjjjjjjjjjjj"
			       "mmmmmmmmmmmmmmmm"
			       "...mMmxx...mMmmm"
			       "mmmmmmmmmmMmmmmm"
			       "mmMmMMMm........"
			       "mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmm"
			       "mmmmmmmmmmmmmmmm";

enum { MAX_SIZE = 15, SYSCALL_SIZE = 2 };

/* Bytes of the rest, of which the first are there. */
struct reader {
	const unsigned char *bytes;
	uint32_t size, at;
	bool short_operand, short_address, wide, failed;
};

static unsigned next(struct reader *reader)
{
	if (reader->at >= reader->size) {
		reader->failed = true;
		return 0;
	}
	return reader->bytes[reader->at++];
}

static unsigned read_modrm(struct reader *reader)
{
	unsigned modrm = next(reader), mode = modrm >> 6, base = modrm & 7;
	if (mode == 3)
		return modrm;
	if (base == 4)
		base = next(reader) & 7;
	if (mode == 1)
		reader->at += 1;
	else if (mode == 2 || base == 5)
		/* Without ModRM's mode 5 stands for no base, in a SIB too. */
		reader->at += 4;
	return modrm;
}

/* VEX (c5, c4) and EVEX (62): their map has an opcode with a ModRM. */
static char read_vector(struct reader *reader, unsigned prefix)
{
	unsigned map = 1;
	if (prefix == 0xc5)
		next(reader);
	else
		map = next(reader) & (prefix == 0x62 ? 7 : 31);
	if (prefix != 0xc5)
		next(reader);
	if (prefix == 0x62)
		next(reader);
	unsigned opcode = next(reader);
	if (map == 1 && opcode == 0x77)
		return '.';
	return map == 3 || (map == 1 && two_byte[opcode] == 'M') ? 'M' : 'm';
}

static char read_opcode(struct reader *reader)
{
	unsigned byte = next(reader);
	for (; one_byte[byte] == 'p'; byte = next(reader)) {
		reader->short_operand |= byte == 0x66;
		reader->short_address |= byte == 0x67;
		if (reader->failed)
			return 'x';
	}
	if (one_byte[byte] == 'r') {
		reader->wide = (byte & 8) != 0;
		byte = next(reader);
	}
	if (byte == 0x62 || byte == 0xc4 || byte == 0xc5)
		return read_vector(reader, byte);
	if (byte == 0xf6 || byte == 0xf7) {
		unsigned modrm = read_modrm(reader);
		if ((modrm >> 3 & 7) > 1)
			return '.';
		return byte == 0xf6 ? 'b' : 'w';
	}
	if (byte != 0x0f)
		return one_byte[byte];
	byte = next(reader);
	if (byte != 0x38 && byte != 0x3a)
		return two_byte[byte];
	next(reader);
	return byte == 0x38 ? 'm' : 'M';
}

uint32_t instruction_size(struct bytes code, uint64_t off)
{
	if (off >= code.size)
		return 0;
	uint64_t left = code.size - off;
	struct reader reader = {.bytes = code.data + off,
				.size = left < MAX_SIZE ? (uint32_t)left : MAX_SIZE};
	char kind = read_opcode(&reader);
	uint32_t word = reader.short_operand && !reader.wide ? 2 : 4;
	if (kind == 'm' || kind == 'M' || kind == 'W')
		read_modrm(&reader);
	if (kind == 'b' || kind == 'M')
		reader.at += 1;
	else if (kind == 'w' || kind == 'W')
		reader.at += word;
	else if (kind == 'h' || kind == 'e')
		reader.at += kind == 'h' ? 2 : 3;
	else if (kind == 'j')
		reader.at += 4;
	else if (kind == 'v')
		reader.at += reader.wide ? 8 : word;
	else if (kind == 'o')
		reader.at += reader.short_address ? 4 : 8;
	else if (kind != 'm' && kind != '.')
		return 0;
	return !reader.failed && reader.at <= reader.size ? reader.at : 0;
}

/* Decoding from anywhere soon falls into step with the instructions: so many starts before a place
 * all but agree on whether one begins there. */
static bool may_begin_at(struct bytes code, uint64_t at)
{
	enum { NUM_STARTS = 32, DISTANCE = 32 };
	uint64_t low = at > DISTANCE + NUM_STARTS ? at - DISTANCE - NUM_STARTS : 0;
	uint64_t num = 0, num_hits = 0;
	for (uint64_t start = low; start < at && start < low + NUM_STARTS; start++) {
		uint64_t off = start;
		while (off < at) {
			uint32_t size = instruction_size(code, off);
			off += size > 0 ? size : 1;
		}
		num++;
		num_hits += off == at;
	}
	return num_hits * 4 >= num;
}

bool instructions_enter_kernel(struct bytes code)
{
	for (uint64_t off = 0; off + SYSCALL_SIZE <= code.size; off++) {
		const unsigned char *found =
			memchr(code.data + off, 0x0f, code.size - SYSCALL_SIZE + 1 - off);
		if (found == NULL)
			return false;
		off = (uint64_t)(found - code.data);
		if (found[1] == 0x05 && may_begin_at(code, off))
			return true;
	}
	return false;
}

bool file_enters_kernel(const struct elf_file *file)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(file->elf, section)) != NULL;) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type != SHT_PROGBITS ||
		    (header.sh_flags & SHF_EXECINSTR) == 0)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		if (data != NULL && data->d_buf != NULL &&
		    instructions_enter_kernel((struct bytes){data->d_buf, data->d_size}))
			return true;
	}
	return false;
}
