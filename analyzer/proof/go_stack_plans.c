#include "proof/go_stack_plans.h"

enum {
	MAX_PLANS = 4096,     /* for stacks of further kinds there is no plan */
	MAX_FRAMES = 256,     /* nor for stacks that are deeper … */
	MAX_SIZE = 64 * 1024, /* … or larger */
};

struct go_plan_entry {
	const struct go_stack_plan *plan; /* NULL: none */
	bool seen;			  /* a stack like that was marked before */
	bool tried;			  /* there is a plan, or there can be none */
};

void go_stack_plans_init(struct go_stack_plans *plans, struct arena *arena,
			 struct go_stack_maps *maps, uint32_t num)
{
	*plans = (struct go_stack_plans){
		.arena = arena,
		.maps = maps,
		.entries = arena_alloc_array(arena, num, sizeof(struct go_plan_entry)),
		.num_entries = num,
	};
}

const struct go_stack_plan *go_stack_plans_find(const struct go_stack_plans *plans,
						uint32_t stack_id)
{
	return stack_id < plans->num_entries ? plans->entries[stack_id].plan : NULL;
}

bool go_stack_plan_fits(const struct go_stack_plan *plan, uint64_t pc, const unsigned char *bytes)
{
	bool fits = plan->pc == pc;
	for (uint32_t i = 0; fits && i < plan->num_returns; i++)
		fits = memcmp(bytes + plan->returns[i].off, &plan->returns[i].pc,
			      sizeof(plan->returns[i].pc)) == 0;
	return fits;
}

/* ---- Making one ---------------------------------------------------------------------------- */

/* Offsets of the bits, from the stack pointer; or how many there are, when items is NULL. */
static uint32_t add_bits(uint32_t *items, uint64_t off, const uint8_t *bits, uint32_t num_bits)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < num_bits; i++) {
		if ((bits[i / 8] >> (i % 8) & 1) == 0)
			continue;
		if (items != NULL)
			items[num] = (uint32_t)(off + 8 * (uint64_t)i);
		num++;
	}
	return num;
}

static uint32_t add_pointers(uint32_t *items, uint64_t sp, const struct raw_frame *frame,
			     const struct go_frame_map *map)
{
	uint64_t locals = go_frame_end_of_locals(frame) - 8 * (uint64_t)map->num_locals;
	uint32_t num = add_bits(items, locals - sp, map->locals, map->num_locals);
	return num + add_bits(items != NULL ? items + num : NULL, frame->cfa - sp, map->args,
			      map->num_args);
}

static uint32_t add_objects(struct go_plan_object *items, uint64_t sp,
			    const struct raw_frame *frame, const struct go_frame_map *map,
			    uint64_t *end)
{
	uint32_t num = 0;
	for (uint32_t i = 0; i < map->num_objects; i++) {
		const struct go_stack_object *object = &map->objects[i];
		uint64_t from = object->off < 0 ? go_frame_end_of_locals(frame) : frame->cfa;
		uint64_t low = from + (uint64_t)(int64_t)object->off - sp;
		if (object->size == 0)
			continue;
		if (items != NULL)
			items[num] = (struct go_plan_object){(uint32_t)low,
							     (uint32_t)(low + object->size)};
		if (low + object->size > *end)
			*end = low + object->size;
		num++;
	}
	return num;
}

/* Nothing else was read of the stack than return addresses, and where they stand follows from those
 * before. At the end it was the function, not a word of the stack, that said so. */
static bool can_plan(const struct go_stack_plans *plans, const struct raw_frame *frames,
		     uint32_t num_frames)
{
	struct go_function function;
	if (num_frames == 0 || num_frames > MAX_FRAMES || plans->num_made >= MAX_PLANS ||
	    !go_tables_find(plans->maps->tables, frames[num_frames - 1].pc, &function) ||
	    (function.flags & GO_FUNCTION_TOP_FRAME) == 0)
		return false;
	for (uint32_t i = 0; i < num_frames; i++) {
		const struct go_frame_map *map = go_stack_maps_at(plans->maps, frames[i].pc);
		if (!map->known || map->interrupted)
			return false;
	}
	return true;
}

/* NULL: it is too large. */
static const struct go_stack_plan *make(struct go_stack_plans *plans,
					const struct raw_frame *frames, uint32_t num_frames)
{
	struct arena *arena = plans->arena;
	struct go_stack_plan *plan = arena_alloc(arena, sizeof(*plan));
	uint64_t sp = frames[0].sp, end = frames[num_frames - 1].cfa - sp;
	uint32_t num_pointers = 0, num_objects = 0;
	for (uint32_t i = 0; i < num_frames; i++) {
		const struct go_frame_map *map = go_stack_maps_at(plans->maps, frames[i].pc);
		num_pointers += add_pointers(NULL, sp, &frames[i], map);
		num_objects += add_objects(NULL, sp, &frames[i], map, &end);
		if (frames[i].cfa - sp + 8 * (uint64_t)map->num_args > end)
			end = frames[i].cfa - sp + 8 * (uint64_t)map->num_args;
	}
	if (end > MAX_SIZE)
		return NULL;
	struct go_plan_return *returns = arena_alloc_array(arena, num_frames, sizeof(*returns));
	uint32_t *pointers = arena_alloc_array(arena, num_pointers, sizeof(*pointers));
	struct go_plan_object *objects = arena_alloc_array(arena, num_objects, sizeof(*objects));
	*plan = (struct go_stack_plan){
		.pc = frames[0].pc,
		.size = (uint32_t)end,
		.returns = returns,
		.pointers = pointers,
		.objects = objects,
	};
	for (uint32_t i = 0; i < num_frames; i++) {
		const struct go_frame_map *map = go_stack_maps_at(plans->maps, frames[i].pc);
		plan->num_pointers +=
			add_pointers(pointers + plan->num_pointers, sp, &frames[i], map);
		plan->num_objects +=
			add_objects(objects + plan->num_objects, sp, &frames[i], map, &end);
		if (i + 1 < num_frames)
			returns[plan->num_returns++] = (struct go_plan_return){
				.pc = frames[i + 1].pc,
				.off = (uint32_t)(frames[i].cfa - 8 - sp),
			};
	}
	return plan;
}

void go_stack_plans_learn(struct go_stack_plans *plans, uint32_t stack_id,
			  const struct raw_frame *frames, uint32_t num_frames)
{
	if (stack_id >= plans->num_entries || plans->entries[stack_id].tried)
		return;
	struct go_plan_entry *entry = &plans->entries[stack_id];
	if (!entry->seen) {
		entry->seen = true;
		return;
	}
	entry->tried = true;
	if (!can_plan(plans, frames, num_frames))
		return;
	entry->plan = make(plans, frames, num_frames);
	plans->num_made += entry->plan != NULL;
}
