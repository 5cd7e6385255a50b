/* go_heap_layout.h - where the Go runtime keeps what a garbage collector needs: types, spans'
 * bitmaps, finalizers, the roots in variables and goroutines. A table by version.
 *
 * Offsets are bytes; GO_NONE: that version has no such field. */
#ifndef CORELEAKS_TASK_GO_HEAP_LAYOUT_H
#define CORELEAKS_TASK_GO_HEAP_LAYOUT_H

#include "task/go_layout.h"

/* The same in all versions since 1.19 (internal/abi/type.go, before 1.21 runtime/type.go). */
enum {
	GO_TYPE_SIZE = 0,
	GO_TYPE_POINTERS_SIZE = 8, /* bytes up to the end of the last pointer */
	GO_TYPE_FLAGS = 20,
	GO_TYPE_KIND = 23,
	GO_TYPE_MASK = 32, /* a bit a word: is it a pointer? */
	GO_TYPE_HEAD_SIZE = 72,
	GO_ARRAY_ELEMENT = 48,
	GO_ARRAY_LENGTH = 64,
	GO_STRUCT_FIELDS = 56, /* of 24 bytes: name, type, offset */
	GO_STRUCT_NUM_FIELDS = 64,
	GO_KIND_MASK = 31,
	GO_KIND_ARRAY = 17,
	GO_KIND_STRUCT = 25,
};

struct go_heap_layout {
	int16_t minor;
	/* mspan */
	int16_t span_num, span_num_size; /* the count of its elements, and the bytes that has */
	int16_t span_large_type, span_specials, span_user_arena;
	/* special: kind is a byte, offset (into the span) has offset_size bytes */
	int16_t special_offset_size, special_kind, special_data;
	int16_t kind_finalizer, kind_weak, kind_cleanup;
	/* moduledata: the masks' addresses */
	int16_t module_data_mask, module_bss_mask;
	/* g */
	int16_t g_param, g_bubble, g_vectors;
	int16_t defer_link;
	/* p: pointers that were overwritten, for the garbage collector; only where the heap is not
	 * precise */
	int16_t p_overwritten;
	/* A type whose mask is not there, but a program (kind), or made on demand (flags). */
	int16_t type_program_kind, type_on_demand_flag;
	/* queued cleanups: bytes each; GO_NONE: queued as finalizers are */
	int16_t cleanup_size;
	bool precise_heap;	/* spans and objects tell where their pointers are */
	bool header_types;	/* objects above 512 bytes begin with their type */
	bool inline_marks;	/* spans of small objects may hold their mark bits */
	bool deadlock_detector; /* sudog's c and elem are pairs: the second counts */
};

/* The row of Go 1.minor; of the nearest version when it is not known. */
struct go_heap_layout go_heap_layout_for(int32_t minor);
/* Takes back what the experiments that a program's version names ("go1.22.12 X:…") make untrue.
 * version: NULL unknown. */
void go_heap_layout_adapt(struct go_heap_layout *layout, const char *version);

#endif
