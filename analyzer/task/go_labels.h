/* go_labels.h - the labels that a program gives to its goroutines (runtime/pprof.Do). */
#ifndef CORELEAKS_TASK_GO_LABELS_H
#define CORELEAKS_TASK_GO_LABELS_H

#include "core/image.h"
#include "coreleaks.h"

struct go_label_set {
	const struct coreleaks_label *items; /* by key */
	uint32_t num;
};

/* addr: of the label set (g.labels), 0 none. minor: of Go's version, -1 unknown. Sets that are cut
 * or damaged give the labels that could be read. */
struct go_label_set go_labels_read(struct arena *arena, struct image *image, int32_t minor,
				   uint64_t addr);

#endif
