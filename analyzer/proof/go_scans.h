/* go_scans.h - where the pointers of a Go heap's objects are: what each span's record says. */
#ifndef CORELEAKS_PROOF_GO_SCANS_H
#define CORELEAKS_PROOF_GO_SCANS_H

#include "core/image.h"
#include "task/go_heap_layout.h"
#include "task/go_spans.h"

/* Objects up to here have bits in their span (1.22 on, runtime/mbitmap.go). */
enum { GO_SCAN_SMALL_SIZE = 512 };

/* Where the pointers of a span's objects are. */
enum go_scan_how {
	GO_SCAN_NONE,	/* they have none */
	GO_SCAN_ALL,	/* not known: every word may be one */
	GO_SCAN_BITMAP, /* a bit a word, behind the objects */
	GO_SCAN_HEADER, /* by the type that each object begins with */
	GO_SCAN_TYPE,	/* by the span's type: one large object */
};

struct go_scan {
	uint64_t first_object; /* number of its first object among all */
	uint64_t num_objects;
	uint64_t bitmap_addr;
	uint64_t type_addr;
	uint64_t specials_addr; /* finalizers and the like; 0 none */
	enum go_scan_how how;
	bool masked;  /* some of its objects are */
	bool watched; /* some of its objects are */
};

/* One a span; those in no use have no objects. *num_objects_ret: of all spans. */
struct go_scan *go_scans_build(struct arena *arena, struct image *image,
			       const struct go_spans *spans, const struct go_heap_layout *layout,
			       uint64_t *num_objects_ret);

#endif
