/* go_stack_maps.h - which words of a Go function's frame hold pointers at a pc: the compiler's own
 * maps (internal/abi/symtab.go, FUNCDATA_*PointerMaps), each read once. */
#ifndef CORELEAKS_PROOF_GO_STACK_MAPS_H
#define CORELEAKS_PROOF_GO_STACK_MAPS_H

#include "base/addresses.h"
#include "task/go_tables.h"

/* A variable whose address is taken: its content counts once something points into it. */
struct go_stack_object {
	int32_t off; /* below 0: from the end of the locals; else from the begin of the arguments */
	uint32_t size;
};

struct go_frame_map {
	bool known;	     /* else every word of the frame may be a pointer */
	bool interrupted;    /* the caller was stopped anywhere: of it nothing is known either */
	uint32_t args_size;  /* bytes of the arguments; 0 unknown */
	uint32_t num_locals; /* words up to the end of the locals; bit n of locals: the word is one
			      */
	uint32_t num_args;   /* the same, from the begin of the arguments on */
	const uint8_t *locals, *args;
	const struct go_stack_object *objects;
	uint32_t num_objects;
};

struct go_stack_maps {
	struct arena *arena;
	struct image *image;
	const struct go_tables *tables;
	struct addresses pcs; /* -> index of maps */
	struct {
		struct go_frame_map *items;
		uint32_t num, capacity;
	} maps;
};

void go_stack_maps_init(struct go_stack_maps *maps, struct arena *arena, struct image *image,
			const struct go_tables *tables);
/* The map at pc, a return address or where a goroutine begins; lives until the next call. */
const struct go_frame_map *go_stack_maps_at(struct go_stack_maps *maps, uint64_t pc);

#endif
