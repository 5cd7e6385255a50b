#include "task/go_tables.h"

/* First word of the pcHeader (Go internal/abi/symtab.go: Go118PCLnTabMagic, Go120PCLnTabMagic). */
enum { MAGIC_1_18 = 0xfffffff0, MAGIC_1_20 = 0xfffffff1 };

/* Offsets in pcHeader, the same since 1.18 (runtime/symtab.go). */
enum {
	HEADER_ZEROES = 4,
	HEADER_QUANTUM = 6,
	HEADER_POINTER_SIZE = 7,
	HEADER_NUM_FUNCTIONS = 8,
	HEADER_TABLES = 32, /* five offsets: names, units, files, values, functions */
	HEADER_SIZE = 72,
};

/* Words of moduledata (runtime/symtab.go), the same since 1.18. The tables are Go slices. */
enum {
	WORD_HEADER = 0,
	WORD_NAMES = 1,
	WORD_UNITS = 4,
	WORD_FILES = 7,
	WORD_VALUES = 10,
	WORD_FUNCTIONS = 13,
	WORD_FTAB = 16,
	WORD_MIN_PC = 20,
	WORD_MAX_PC = 21,
	WORD_TEXT = 22,
};

/* Offsets in a function's record (runtime/runtime2.go: _func). */
enum {
	RECORD_ENTRY = 0,
	RECORD_NAME = 4,
	RECORD_ARGS = 8,
	RECORD_VALUES_SP = 16,
	RECORD_VALUES_FILE = 20,
	RECORD_VALUES_LINE = 24,
	RECORD_NUM_PCDATA = 28,
	RECORD_UNIT = 32,
	RECORD_SIZE_1_18 = 40,
	RECORD_SIZE_1_20 = 44, /* startLine came in 1.20 */
	/* Before the end of the fixed part: */
	RECORD_ID_BACK = 4,
	RECORD_FLAGS_BACK = 3,
	RECORD_NUM_FUNCDATA_BACK = 1,
};

enum { MAX_FUNCTIONS = 1 << 26, MAX_TABLE_SIZE = 1 << 30 };

/* ---- moduledata ---------------------------------------------------------------------------- */

static bool read_header(struct go_module *module, struct image *image, uint64_t *tables)
{
	unsigned char header[HEADER_SIZE];
	uint32_t magic;
	uint64_t num;
	uint64_t addr = module->words[WORD_HEADER];
	if (image_read(image, addr, header, sizeof(header)) != sizeof(header))
		return false;
	memcpy(&magic, header, sizeof(magic));
	if ((magic != MAGIC_1_18 && magic != MAGIC_1_20) || header[HEADER_ZEROES] != 0 ||
	    header[HEADER_ZEROES + 1] != 0 || header[HEADER_POINTER_SIZE] != 8 ||
	    (header[HEADER_QUANTUM] != 1 && header[HEADER_QUANTUM] != 4))
		return false;
	memcpy(&num, header + HEADER_NUM_FUNCTIONS, sizeof(num));
	if (num == 0 || num > MAX_FUNCTIONS)
		return false;
	module->num_functions = (uint32_t)num;
	module->quantum = header[HEADER_QUANTUM];
	module->fixed_size = magic == MAGIC_1_18 ? RECORD_SIZE_1_18 : RECORD_SIZE_1_20;
	memcpy(tables, header + HEADER_TABLES, 5 * sizeof(*tables));
	for (uint32_t i = 0; i < 5; i++)
		tables[i] += addr;
	return true;
}

/* Do moduledata's slices lie where the header says? Seven equalities: nothing else looks so. */
static bool tables_agree(const struct go_module *module, const uint64_t *tables)
{
	static const uint8_t words[] = {WORD_NAMES, WORD_UNITS, WORD_FILES, WORD_VALUES,
					WORD_FUNCTIONS};
	for (uint32_t i = 0; i < 5; i++)
		if (module->words[words[i]] != tables[i])
			return false;
	return module->words[WORD_FTAB] == tables[4] &&
	       module->words[WORD_FTAB + 1] == (uint64_t)module->num_functions + 1;
}

static struct bytes read_table(const struct go_module *module, struct arena *arena,
			       struct image *image, uint32_t word, uint32_t item_size)
{
	uint64_t size = module->words[word + 1];
	if (size > MAX_TABLE_SIZE / item_size)
		return (struct bytes){0};
	return image_view(image, arena, module->words[word], (size_t)size * item_size);
}

bool go_module_read(struct go_module *ret, struct arena *arena, struct image *image, uint64_t addr)
{
	struct go_module module = {.addr = addr};
	uint64_t tables[5];
	if (image_read(image, addr, module.words, sizeof(module.words)) < (WORD_TEXT + 2) * 8 ||
	    !read_header(&module, image, tables) || !tables_agree(&module, tables) ||
	    module.words[WORD_FUNCTIONS + 1] / 8 <= module.num_functions)
		return false;
	module.text_addr = module.words[WORD_TEXT];
	module.pcs = (struct range){module.words[WORD_MIN_PC], module.words[WORD_MAX_PC]};
	module.names = read_table(&module, arena, image, WORD_NAMES, 1);
	module.units = read_table(&module, arena, image, WORD_UNITS, 4);
	module.files = read_table(&module, arena, image, WORD_FILES, 1);
	module.values = read_table(&module, arena, image, WORD_VALUES, 1);
	module.functions = read_table(&module, arena, image, WORD_FUNCTIONS, 1);
	if (module.functions.size / 8 <= module.num_functions)
		return false;
	*ret = module;
	return true;
}

/* ---- Functions ----------------------------------------------------------------------------- */

static uint32_t read_u32(struct bytes bytes, uint64_t off, uint32_t otherwise)
{
	uint32_t value;
	return bytes_read(bytes, off, &value, sizeof(value)) ? value : otherwise;
}

static uint64_t entry_at(const struct go_module *module, uint32_t index)
{
	return module->text_addr + read_u32(module->functions, (uint64_t)index * 8, 0);
}

static bool find_in_module(const struct go_module *module, uint64_t pc, struct go_function *ret)
{
	uint32_t low = 0, high = module->num_functions;
	if (!range_contains(module->pcs, pc) || pc < entry_at(module, 0))
		return false;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (entry_at(module, middle) <= pc)
			low = middle;
		else
			high = middle;
	}
	struct go_function function = {
		.module = module,
		.low = entry_at(module, low),
		.high = entry_at(module, low + 1),
		.record_off = read_u32(module->functions, (uint64_t)low * 8 + 4, UINT32_MAX),
	};
	uint64_t end = (uint64_t)function.record_off + module->fixed_size;
	if (end > module->functions.size)
		return false;
	function.id = module->functions.data[end - RECORD_ID_BACK];
	function.flags = module->functions.data[end - RECORD_FLAGS_BACK];
	*ret = function;
	return true;
}

bool go_tables_find(const struct go_tables *tables, uint64_t pc, struct go_function *ret)
{
	for (uint32_t i = 0; i < tables->modules.num; i++)
		if (find_in_module(&tables->modules.items[i], pc, ret))
			return true;
	ret->module = NULL;
	return false;
}

bool go_tables_is_entry(const struct go_tables *tables, uint64_t pc)
{
	struct go_function function;
	return go_tables_find(tables, pc, &function) && function.low == pc;
}

static uint32_t record_u32(const struct go_function *function, uint32_t off, uint32_t otherwise)
{
	return read_u32(function->module->functions, (uint64_t)function->record_off + off,
			otherwise);
}

/* The NUL-terminated text at off, or NULL. */
static const char *text_at(struct bytes bytes, uint64_t off)
{
	if (off >= bytes.size || memchr(bytes.data + off, 0, bytes.size - off) == NULL)
		return NULL;
	return (const char *)bytes.data + off;
}

const char *go_function_name(const struct go_function *function)
{
	return text_at(function->module->names, record_u32(function, RECORD_NAME, UINT32_MAX));
}

/* FuncIDWrapper is the last one (21 before Go 1.22, then 22, 23 from 1.25); the last but one is
 * that of systemstack_switch in all of them (internal/abi/symtab.go). */
void go_tables_read_ids(struct go_tables *tables)
{
	const struct go_module *module = &tables->modules.items[0];
	for (uint32_t i = 0; i < module->num_functions; i++) {
		struct go_function function = {
			.module = module,
			.record_off = read_u32(module->functions, (uint64_t)i * 8 + 4, UINT32_MAX),
		};
		uint64_t end = (uint64_t)function.record_off + module->fixed_size;
		if (end > module->functions.size ||
		    module->functions.data[end - RECORD_ID_BACK] == 0)
			continue;
		const char *name = go_function_name(&function);
		if (name == NULL || strcmp(name, "runtime.systemstack_switch") != 0)
			continue;
		tables->wrapper_id = (uint8_t)(module->functions.data[end - RECORD_ID_BACK] + 1);
		return;
	}
}

/* ---- Values by pc -------------------------------------------------------------------------- */

/* A table is pairs of variable-length numbers: how the value changes (zigzag), and over how many
 * quanta of code it then holds. It ends with a change of 0 that is not the first. */
static bool read_varint(struct bytes bytes, uint64_t *off, uint32_t *ret)
{
	uint32_t value = 0;
	for (uint32_t shift = 0; shift < 35 && *off < bytes.size; shift += 7) {
		unsigned char byte = bytes.data[(*off)++];
		value |= shift < 32 ? (uint32_t)(byte & 127) << shift : 0;
		if ((byte & 128) == 0) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static int32_t value_at(const struct go_function *function, uint32_t table_off, uint64_t pc)
{
	uint64_t off = table_off, end = function->low;
	uint32_t change, length, value = UINT32_MAX;
	if (table_off == 0)
		return -1;
	for (bool first = true; read_varint(function->module->values, &off, &change);
	     first = false) {
		if ((change == 0 && !first) ||
		    !read_varint(function->module->values, &off, &length))
			return -1;
		value += (change & 1) != 0 ? ~(change >> 1) : change >> 1;
		end += (uint64_t)length * function->module->quantum;
		if (pc < end)
			return (int32_t)value;
	}
	return -1;
}

int32_t go_function_stack_delta(const struct go_function *function, uint64_t pc)
{
	return value_at(function, record_u32(function, RECORD_VALUES_SP, 0), pc);
}

int32_t go_function_pcdata(const struct go_function *function, uint32_t number, uint64_t pc)
{
	if (number >= record_u32(function, RECORD_NUM_PCDATA, 0))
		return -1;
	return value_at(function,
			record_u32(function, function->module->fixed_size + 4 * number, 0), pc);
}

uint32_t go_function_args_size(const struct go_function *function)
{
	/* Of assembler the size may be unknown: INT32_MIN (abi.ArgsSizeUnknown). */
	uint32_t size = record_u32(function, RECORD_ARGS, 0);
	return size <= INT32_MAX ? size : 0;
}

uint64_t go_function_funcdata(const struct go_function *function, uint32_t number)
{
	const struct go_module *module = function->module;
	uint32_t num_pcdata = record_u32(function, RECORD_NUM_PCDATA, 0);
	uint64_t end = (uint64_t)function->record_off + module->fixed_size;
	if (module->gofunc_addr == 0 ||
	    number >= module->functions.data[end - RECORD_NUM_FUNCDATA_BACK])
		return 0;
	uint32_t off =
		read_u32(module->functions, end + 4 * ((uint64_t)num_pcdata + number), UINT32_MAX);
	return off != UINT32_MAX ? module->gofunc_addr + off : 0;
}

void go_function_line(const struct go_function *function, uint64_t pc, const char **file_ret,
		      uint32_t *line_ret)
{
	const struct go_module *module = function->module;
	int32_t file = value_at(function, record_u32(function, RECORD_VALUES_FILE, 0), pc);
	int32_t line = value_at(function, record_u32(function, RECORD_VALUES_LINE, 0), pc);
	uint64_t unit = record_u32(function, RECORD_UNIT, UINT32_MAX);
	*line_ret = line > 0 ? (uint32_t)line : 0;
	*file_ret = NULL;
	if (file >= 0)
		*file_ret =
			text_at(module->files,
				read_u32(module->units, (unit + (uint32_t)file) * 4, UINT32_MAX));
}

/* runtime/symtabinl.go: 1.19 has {parent i16, funcID u8, -, file, line, name, parentPc} in 20
 * bytes, 1.20 on {funcID u8, -, name, parentPc, startLine} in 16. */
bool go_function_inlined(const struct go_function *function, struct image *image, uint32_t number,
			 struct go_inlined *ret)
{
	bool old = function->module->fixed_size == RECORD_SIZE_1_18;
	uint32_t size = old ? 20 : 16;
	uint32_t name, parent;
	unsigned char call[20];
	uint64_t tree = go_function_funcdata(function, GO_FUNCDATA_INLINE_TREE);
	if (tree == 0 || number > INT32_MAX ||
	    image_read(image, tree + (uint64_t)number * size, call, size) != size)
		return false;
	memcpy(&name, call + (old ? 12 : 4), sizeof(name));
	memcpy(&parent, call + (old ? 16 : 8), sizeof(parent));
	*ret = (struct go_inlined){
		.name = text_at(function->module->names, name),
		.id = call[old ? 2 : 0],
		.parent_pc = function->low + parent,
	};
	return ret->name != NULL && parent < function->high - function->low;
}
