#include "proof/go_type_masks.h"

enum {
	MAX_WORDS = 1 << 24, /* of one type: 128 MiB */
	MAX_DEPTH = 24,
	MAX_STEPS = 1 << 20, /* fields and elements of one type, all depths */
	FIELD_SIZE = 24,
};

struct type_head {
	unsigned char bytes[GO_TYPE_HEAD_SIZE];
	uint64_t size, pointers_size;
	uint8_t kind;
	bool has_mask; /* it stands in the program */
};

struct assembly {
	struct go_type_masks *types;
	uint8_t *words;
	uint64_t num_words;
	uint32_t num_steps;
};

void go_type_masks_init(struct go_type_masks *types, struct arena *arena, struct image *image,
			const struct go_heap_layout *layout)
{
	*types = (struct go_type_masks){.arena = arena, .image = image, .layout = layout};
	intern_init(&types->addrs, arena);
}

static uint64_t field(const struct type_head *head, int off)
{
	uint64_t value;
	memcpy(&value, head->bytes + off, sizeof(value));
	return value;
}

static bool read_head(const struct go_type_masks *types, uint64_t addr, struct type_head *ret)
{
	enum { SHORT_SIZE = 48 }; /* types at the end of their section may have no more */
	memset(ret, 0, sizeof(*ret));
	if (addr == 0 || (addr & 7) != 0 ||
	    image_read(types->image, addr, ret->bytes, sizeof(ret->bytes)) < SHORT_SIZE)
		return false;
	const struct go_heap_layout *layout = types->layout;
	ret->size = field(ret, GO_TYPE_SIZE);
	ret->pointers_size = field(ret, GO_TYPE_POINTERS_SIZE);
	ret->kind = ret->bytes[GO_TYPE_KIND];
	ret->has_mask = (ret->bytes[GO_TYPE_FLAGS] & layout->type_on_demand_flag) == 0 &&
			(ret->kind & layout->type_program_kind) == 0;
	ret->kind &= GO_KIND_MASK;
	return ret->pointers_size <= ret->size && ret->pointers_size % 8 == 0 && ret->kind != 0;
}

/* ---- Putting together ---------------------------------------------------------------------- */

static bool add_type(struct assembly *assembly, uint64_t addr, uint64_t off, uint32_t depth);

static bool add_mask(struct assembly *assembly, const struct type_head *head, uint64_t first)
{
	unsigned char bits[256];
	uint64_t num = head->pointers_size / 8, done = 0;
	uint64_t addr = field(head, GO_TYPE_MASK);
	while (done < num) {
		uint64_t size = (num - done + 7) / 8;
		if (size > sizeof(bits))
			size = sizeof(bits);
		if (addr == 0 ||
		    image_read(assembly->types->image, addr + done / 8, bits, (size_t)size) != size)
			return false;
		for (uint64_t i = 0; i < size * 8 && done < num; i++, done++)
			if ((bits[i / 8] >> (i % 8) & 1) != 0)
				assembly->words[(first + done) / 8] |=
					(uint8_t)(1u << (first + done) % 8);
	}
	return true;
}

static bool add_fields(struct assembly *assembly, const struct type_head *head, uint64_t off,
		       uint32_t depth)
{
	uint64_t addr = field(head, GO_STRUCT_FIELDS), num = field(head, GO_STRUCT_NUM_FIELDS);
	for (uint64_t i = 0; i < num; i++) {
		uint64_t words[3]; /* name, type, offset */
		if (image_read(assembly->types->image, addr + i * FIELD_SIZE, words,
			       sizeof(words)) != sizeof(words) ||
		    words[2] > head->size || !add_type(assembly, words[1], off + words[2], depth))
			return false;
	}
	return true;
}

static bool add_elements(struct assembly *assembly, const struct type_head *head, uint64_t off,
			 uint32_t depth)
{
	struct type_head element;
	uint64_t addr = field(head, GO_ARRAY_ELEMENT), num = field(head, GO_ARRAY_LENGTH);
	if (!read_head(assembly->types, addr, &element) ||
	    (num > 0 && element.size > head->size / num))
		return false;
	for (uint64_t i = 0; i < num && element.pointers_size > 0; i++)
		if (!add_type(assembly, addr, off + i * element.size, depth))
			return false;
	return true;
}

/* Adds the pointers of a value at off; false: not all are known. */
static bool add_type(struct assembly *assembly, uint64_t addr, uint64_t off, uint32_t depth)
{
	struct type_head head;
	if (depth > MAX_DEPTH || ++assembly->num_steps > MAX_STEPS ||
	    !read_head(assembly->types, addr, &head))
		return false;
	if (head.pointers_size == 0)
		return true;
	if (off % 8 != 0 || off / 8 + head.pointers_size / 8 > assembly->num_words)
		return false;
	if (head.has_mask)
		return add_mask(assembly, &head, off / 8);
	if (head.kind == GO_KIND_STRUCT)
		return add_fields(assembly, &head, off, depth + 1);
	return head.kind == GO_KIND_ARRAY && add_elements(assembly, &head, off, depth + 1);
}

static struct go_type_mask make_mask(struct go_type_masks *types, uint64_t addr)
{
	struct type_head head;
	struct go_type_mask mask = {0};
	if (!read_head(types, addr, &head))
		return mask;
	mask = (struct go_type_mask){
		.size = head.size, .num_words = head.pointers_size / 8, .valid = head.size > 0};
	if (mask.num_words == 0 || mask.num_words > MAX_WORDS)
		return mask;
	struct assembly assembly = {
		.types = types,
		.words = arena_alloc(types->arena, (size_t)(mask.num_words + 7) / 8),
		.num_words = mask.num_words,
	};
	/* A type's pointers end with one (cmd/compile's types.PtrDataSize, 1.19 to 1.27): where
	 * none is there, what was read contradicts itself. */
	uint64_t last = mask.num_words - 1;
	if (add_type(&assembly, addr, 0, 0) && (assembly.words[last / 8] >> (last % 8) & 1) != 0)
		mask.words = assembly.words;
	return mask;
}

const struct go_type_mask *go_type_masks_at(struct go_type_masks *types, uint64_t addr)
{
	if (types->masks.num > 0 && types->last_addr == addr)
		return &types->masks.items[types->last];
	bool is_new;
	uint32_t index = intern_add(&types->addrs, &addr, sizeof(addr), &is_new);
	if (is_new) {
		struct go_type_mask mask = make_mask(types, addr);
		*array_add(types->arena, &types->masks) = mask;
	}
	types->last_addr = addr;
	types->last = index;
	return &types->masks.items[index];
}
