/* go_contexts.h - channels that are the Done() of a context: which one, and what it comes from. */
#ifndef CORELEAKS_REASON_GO_CONTEXTS_H
#define CORELEAKS_REASON_GO_CONTEXTS_H

#include "reason/go_waits.h"

/* Channels that turn out to be a context's become objects of kind "context". Goes once through the
 * heap's objects of a context's size, if there is any channel that may be one. */
void go_contexts_find(struct coreleaks_go_object *objects, uint32_t num_objects,
		      struct arena *arena, struct gaps *gaps, struct go_types *types,
		      const struct go_waits_input *input);

#endif
