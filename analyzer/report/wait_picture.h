/* wait_picture.h - the wait-for graph as it is drawn: tasks and objects, what is alike in one node
 * with a count, so that ten thousand threads stay readable. */
#ifndef CORELEAKS_REPORT_WAIT_PICTURE_H
#define CORELEAKS_REPORT_WAIT_PICTURE_H

#include "report/view.h"

struct picture_node {
	bool is_object;
	bool stuck;	   /* in a circle that is proved or likely */
	uint32_t num;	   /* tasks or objects that it stands for */
	uint32_t group;	   /* tasks: index; UINT32_MAX: in no group that is shown */
	int32_t task;	   /* index of the one task, or of the first; -1: the core has it not */
	int64_t holder_id; /* task -1: as the object records it; 0: all that is known is that it
			      ended */
	struct coreleaks_object object; /* of objects: the one, or the first */
	enum coreleaks_verdict verdict; /* of the group */
};

struct picture_edge {
	uint32_t from, to; /* nodes; from waits for to, or is held by it */
	bool held;
	bool joins;
	bool stuck;
};

struct wait_picture {
	struct {
		struct picture_node *items;
		uint32_t num, capacity;
	} nodes;
	struct {
		struct picture_edge *items;
		uint32_t num, capacity;
	} edges;
	uint64_t num_left_out; /* tasks that wait for an object and did not find room */
};

/* Of shown groups, in their order; at most max_nodes nodes. Groups with a finding are there even if
 * they wait for no object. */
void wait_picture_build(struct wait_picture *ret, struct arena *arena,
			const struct report_view *view, uint32_t max_nodes);
/* Lines of a node: what it is, then where it is or what it is called; at most 3, clean for a
 * terminal and short. */
uint32_t wait_picture_lines(const struct picture_node *node, struct arena *arena,
			    const struct report_view *view, const char *lines[3]);

#endif
