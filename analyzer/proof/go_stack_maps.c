#include "proof/go_stack_maps.h"

enum {
	MAX_MAPS = 1 << 20,
	MAX_BITS = 1 << 24,
	MAX_OBJECTS = 1 << 16,
	OBJECT_SIZE = 16, /* runtime/stack.go, stackObjectRecord, 1.19 to 1.27 */
};

void go_stack_maps_init(struct go_stack_maps *maps, struct arena *arena, struct image *image,
			const struct go_tables *tables)
{
	*maps = (struct go_stack_maps){.arena = arena, .image = image, .tables = tables};
	addresses_init(&maps->pcs, arena);
}

/* Functions that the compiler's maps do not cover (runtime/mgcmark.go scanframeworker,
 * runtime/stkframe.go). */
struct special {
	const char *prefix;
	bool interrupted;
};

static const struct special specials[] = {
	{"runtime.asyncPreempt", true},
	{"runtime.debugCall", true},
	{"runtime.sigpanic", true},
	{"runtime.cgocallback", true},
	{"runtime.asmcgocall", true},
	{"reflect.makeFuncStub", true},
	{"reflect.methodValueCall", true},
	{"runtime.reflectcall", true},
	{"runtime.call", true},
};

static const struct special *special_of(const struct go_function *function)
{
	const char *name = go_function_name(function);
	for (size_t i = 0; name != NULL && i < sizeof(specials) / sizeof(specials[0]); i++)
		if (strncmp(name, specials[i].prefix, strlen(specials[i].prefix)) == 0)
			return &specials[i];
	return NULL;
}

/* One of the bitmaps at addr: {int32 how many, int32 bits each, bits…}. None at all is none. */
static bool read_bits(const struct go_stack_maps *maps, uint64_t addr, int32_t index,
		      const uint8_t **bits_ret, uint32_t *num_ret)
{
	int32_t head[2];
	*num_ret = 0;
	*bits_ret = NULL;
	if (addr == 0)
		return true;
	if (image_read(maps->image, addr, head, sizeof(head)) != sizeof(head) || head[0] < 0 ||
	    head[0] > MAX_MAPS || head[1] < 0 || head[1] > MAX_BITS)
		return false;
	if (head[1] == 0)
		return true;
	if (index >= head[0])
		return false;
	size_t size = ((size_t)head[1] + 7) / 8;
	const struct bytes view = image_view(maps->image, maps->arena,
					     addr + sizeof(head) + (uint64_t)index * size, size);
	*num_ret = (uint32_t)head[1];
	*bits_ret = view.data;
	return view.data != NULL;
}

static bool read_objects(const struct go_stack_maps *maps, uint64_t addr, struct go_frame_map *map)
{
	uint64_t num;
	if (addr == 0)
		return true;
	if (!image_read_u64(maps->image, addr, &num) || num > MAX_OBJECTS)
		return false;
	struct go_stack_object *objects = arena_alloc_array(maps->arena, num, sizeof(*objects));
	for (uint64_t i = 0; i < num; i++) {
		int32_t record[OBJECT_SIZE / 4]; /* offset, size, … */
		if (image_read(maps->image, addr + 8 + i * OBJECT_SIZE, record, sizeof(record)) !=
			    sizeof(record) ||
		    record[1] < 0)
			return false;
		objects[i] = (struct go_stack_object){record[0], (uint32_t)record[1]};
	}
	map->objects = objects;
	map->num_objects = (uint32_t)num;
	return true;
}

static struct go_frame_map make_map(const struct go_stack_maps *maps, uint64_t pc)
{
	struct go_frame_map map = {0};
	struct go_function function;
	if (!go_tables_find(maps->tables, pc, &function))
		return map;
	map.args_size = go_function_args_size(&function);
	const struct special *special = special_of(&function);
	if (special != NULL) {
		map.interrupted = special->interrupted;
		return map;
	}
	/* Maps belong to calls; before the first instruction the first holds. */
	int32_t index = go_function_pcdata(&function, GO_PCDATA_STACK_MAP,
					   pc != function.low ? pc - 1 : pc);
	if (index < 0)
		index = 0;
	uint64_t locals = go_function_funcdata(&function, GO_FUNCDATA_LOCALS_MAPS);
	bool leaf = go_function_stack_delta(&function, pc) == 0;
	map.known = (locals != 0 || leaf) &&
		    read_bits(maps, locals, index, &map.locals, &map.num_locals) &&
		    read_bits(maps, go_function_funcdata(&function, GO_FUNCDATA_ARGS_MAPS), index,
			      &map.args, &map.num_args) &&
		    read_objects(maps, go_function_funcdata(&function, GO_FUNCDATA_STACK_OBJECTS),
				 &map);
	return map;
}

const struct go_frame_map *go_stack_maps_at(struct go_stack_maps *maps, uint64_t pc)
{
	bool is_new;
	uint32_t index = addresses_add(&maps->pcs, pc, &is_new);
	if (is_new) {
		struct go_frame_map map = make_map(maps, pc);
		*array_add(maps->arena, &maps->maps) = map;
	}
	return &maps->maps.items[index];
}
