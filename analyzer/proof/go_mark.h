/* go_mark.h - marks what can be reached in a Go program's heap: one bit an object, and a queue of
 * those still to be looked into.
 *
 * Whether an object is free is never asked: during a GC the runtime's own record of that is out of
 * date (runtime/mbitmap.go, freeIndexForScan), and a pointer refused is a false proof. */
#ifndef CORELEAKS_PROOF_GO_MARK_H
#define CORELEAKS_PROOF_GO_MARK_H

#include "base/addresses.h"
#include "base/work_pool.h"
#include "core/pages.h"
#include "proof/go_scans.h"
#include "proof/go_type_masks.h"

struct go_object {
	uint32_t span; /* index of the span */
	uint32_t index;
};

/* Each object once. */
struct go_wakings {
	uint32_t *items; /* room for all that are watched */
	atomic_uint num;
};

struct go_marker {
	struct arena *arena;
	struct work_pool *pool; /* of those that mark beside this one; NULL: it is alone */
	const struct go_spans *spans;
	const struct go_heap_layout *layout;
	struct pages pages;
	struct go_type_masks types;
	struct go_scan *scans; /* parallel to spans->list */
	uint64_t num_objects;
	uint8_t *marks;
	struct addresses masked; /* objects; kept only with parents */
	uint64_t *parents;	 /* by object: where the pointer to it was found; NULL: not kept */
	struct {
		uint64_t *items; /* objects to look into: span << 32 | index */
		uint32_t num, capacity;
	} queue;
	struct addresses watched;   /* objects to tell of when they are marked */
	struct go_wakings *wakings; /* numbers of those that were */
	bool note_touched;	    /* collect the masked objects that pointers lead to … */
	struct {
		uint64_t *items;
		uint32_t num, capacity;
	} touched; /* … here: their addresses */
	uint64_t num_marked, scanned_size;
	uint64_t num_unreadable;	/* words */
	uint64_t first_unreadable_addr; /* the lowest */
};

/* keep_parents: for go_marker_parent(); costs eight bytes an object. */
void go_marker_init(struct go_marker *marker, struct arena *arena, struct image *image,
		    const struct go_spans *spans, const struct go_heap_layout *layout,
		    bool keep_parents);

/* The object that addr points to or into. */
bool go_marker_find(const struct go_marker *marker, uint64_t addr, struct go_object *ret);
uint64_t go_marker_addr(const struct go_marker *marker, struct go_object object);
bool go_marker_is_marked(const struct go_marker *marker, struct go_object object);
/* Where the pointer that marked it stands; 0 unknown. */
uint64_t go_marker_parent(const struct go_marker *marker, struct go_object object);

/* value was found at addr. Marks what it points to, for go_marker_drain() to look into. */
void go_marker_pointer(struct go_marker *marker, uint64_t addr, uint64_t value);
/* Every aligned word of [low, high) may be a pointer. */
void go_marker_words(struct go_marker *marker, uint64_t low, uint64_t high);
/* Counts words that could not be read. */
void go_marker_unreadable(struct go_marker *marker, uint64_t addr, uint64_t num);
/* Looks into that object now, marked or not. */
void go_marker_scan(struct go_marker *marker, struct go_object object);
/* Marks it without ever looking into it. */
void go_marker_mask(struct go_marker *marker, uint64_t addr);
/* Only known when parents are kept. */
bool go_marker_is_masked(const struct go_marker *marker, struct go_object object);
/* Tells (in wakings) when it is marked; its number in watched. Call before anything is marked. */
void go_marker_watch(struct go_marker *marker, struct go_object object, uint32_t *ret);
/* After the last of these, and before anything is marked. */
void go_marker_begin(struct go_marker *marker);
/* Looks into what is in the queue and what that leads to; false: there is nothing left, true: so
 * many objects were looked into. */
bool go_marker_drain(struct go_marker *marker, uint32_t max_objects);

/* A marker of the same marks for another thread of the pool, with caches and a queue of its own.
 * Neither keeps parents. */
void go_marker_init_beside(struct go_marker *ret, const struct go_marker *marker,
			   struct arena *arena, struct image *image, struct work_pool *pool);
/* Adds what that one counted. */
void go_marker_add_counts(struct go_marker *marker, const struct go_marker *beside);
/* Looks into this object, of another marker's queue, when it drains. */
void go_marker_push(struct go_marker *marker, uint64_t piece);
/* Goes on with what others of its pool give. False: nothing is left to do. */
bool go_marker_help(struct go_marker *marker);

#endif
