#include "task/go_types.h"

/* internal/abi.Type, the same in 1.19 (runtime._type) to 1.27. */
enum { TYPE_FLAGS = 20, TYPE_STR = 40, TYPE_SIZE = 48, EXTRA_STAR = 2, MAX_NAME = 512 };

void go_types_init(struct go_types *types, struct arena *arena, struct image *image,
		   const struct go_runtime *runtime)
{
	*types = (struct go_types){.arena = arena, .image = image, .runtime = runtime};
	addresses_init(&types->addrs, arena);
}

/* Types of the module that this one lies in: offsets of names count from their begin. */
static uint64_t types_base(const struct go_types *types, uint64_t type_addr)
{
	const struct go_layout *layout = &types->runtime->layout;
	const struct go_tables *tables = &types->runtime->tables;
	for (uint32_t i = 0; i < tables->modules.num; i++) {
		const uint64_t *words = tables->modules.items[i].words;
		const struct range all = {words[layout->module_types / 8],
					  words[layout->module_etypes / 8]};
		if (all.low != 0 && range_contains(all, type_addr))
			return all.low;
	}
	return 0;
}

static bool is_text(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] < ' ' || bytes[i] == 127)
			return false;
	return size > 0;
}

/* Code that serves several type arguments makes values of a shape, "go.shape.int", whose underlying
 * type is all that is known; until 1.19 with a number behind it, "go.shape.int_0" (cmd/compile
 * typecheck.Shapify). All pointers have one shape: NULL. */
static const char *unshaped(const char *name)
{
	static const char prefix[] = "go.shape.", pointer[] = "*uint8";
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return name;
	char *rest = (char *)name + sizeof(prefix) - 1;
	size_t size = strlen(rest), end = size;
	while (end > 0 && rest[end - 1] >= '0' && rest[end - 1] <= '9')
		end--;
	if (end > 1 && end < size && rest[end - 1] == '_')
		rest[end - 1] = '\0';
	return strcmp(rest, pointer) == 0 ? NULL : rest;
}

/* A name is a byte of flags, its length as a varint, and its bytes (reflect/type.go since 1.17). */
static const char *read_name(struct go_types *types, uint64_t type_addr)
{
	unsigned char type[TYPE_SIZE], name[3 + MAX_NAME];
	int32_t off;
	uint64_t base = types_base(types, type_addr);
	if (base == 0 || image_read(types->image, type_addr, type, sizeof(type)) != sizeof(type))
		return NULL;
	memcpy(&off, type + TYPE_STR, sizeof(off));
	if (off <= 0)
		return NULL;
	size_t have = image_read(types->image, base + (uint64_t)off, name, sizeof(name));
	if (have < 3)
		return NULL;
	size_t start = 2, size = name[1] & 127;
	if (name[1] > 127) {
		size |= (size_t)(name[2] & 127) << 7;
		start = 3;
		if (name[2] > 127)
			return NULL;
	}
	if (size > have - start || !is_text(name + start, size))
		return NULL;
	/* One text serves a type and the pointer to it. */
	if ((type[TYPE_FLAGS] & EXTRA_STAR) != 0 && name[start] == '*' && size > 1) {
		start++;
		size--;
	}
	return unshaped(arena_copy_bytes(types->arena, name + start, size));
}

const char *go_types_name(struct go_types *types, uint64_t type_addr)
{
	bool is_new;
	if (type_addr == 0 || (type_addr & 7) != 0)
		return NULL;
	uint32_t number = addresses_add(&types->addrs, type_addr, &is_new);
	if (is_new) {
		const char *name = read_name(types, type_addr);
		*array_add(types->arena, &types->names) = name;
	}
	return types->names.items[number];
}

const char *go_types_dynamic(struct go_types *types, uint64_t first_word, bool has_methods)
{
	enum { ITAB_TYPE = 8 }; /* internal/abi.ITab {Inter, Type, …} */
	uint64_t type_addr = first_word;
	if (has_methods &&
	    (first_word == 0 || !image_read_u64(types->image, first_word + ITAB_TYPE, &type_addr)))
		return NULL;
	return go_types_name(types, type_addr);
}
