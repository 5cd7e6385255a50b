/* go_gs.h - internal to goroutines: reads the runtime's records of goroutines (struct g), and adds
 * those that live to a list of its own, which may be a part of all. */
#ifndef CORELEAKS_TASK_GO_GS_H
#define CORELEAKS_TASK_GO_GS_H

#include "task/goroutines.h"

struct gs_builder {
	struct goroutines *goroutines;
	struct tasks *tasks;
	struct arena *arena;
	struct gaps *gaps;
	const struct go_runtime *runtime;
	const struct notes *notes;
	struct image *image;
	struct intern ms;      /* address of an m -> index */
	struct intern origins; /* go_origin -> index */
	struct intern commons; /* go_common -> index */
	uint32_t last_common;  /* mostly it is the same again */
	uint32_t last_origin;  /* of origins */
	struct {
		uint64_t *items;
		uint32_t num, capacity;
	} dead; /* gs */
	struct {
		struct wait_hint **items; /* one for each reason that was met */
		uint32_t num, capacity;
	} hints;
	const struct registers *no_registers;
};

static inline uint64_t gs_word_at(const struct gs_builder *builder, uint64_t addr)
{
	uint64_t value;
	return image_read_u64(builder->image, addr, &value) ? value : 0;
}

/* Memory of its own for all that reading adds. */
void gs_begin(struct gs_builder *builder, struct arena *arena);
/* The gs from first on, up to end (numbers in the runtime's list). */
void gs_read(struct gs_builder *builder, uint64_t first, uint64_t end);
/* After those that live: only their origins matter. */
void gs_read_ended(struct gs_builder *builder);

/* Numbers of these, added when they are new. */
uint32_t gs_origin(struct gs_builder *builder, const struct go_origin *origin);
uint32_t gs_common(struct gs_builder *builder, const struct go_common *common);
/* One for all that wait in the same words. */
const struct wait_hint *gs_hint(struct gs_builder *builder, const char *reason);

#endif
