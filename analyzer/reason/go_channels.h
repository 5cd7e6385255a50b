/* go_channels.h - what a channel's own memory says, and the timers that send to channels. */
#ifndef CORELEAKS_REASON_GO_CHANNELS_H
#define CORELEAKS_REASON_GO_CHANNELS_H

#include "reason/go_waits.h"

/* Element type, capacity, length, closed; a timer's channel becomes one of kind "timer". addr is
 * set. */
void go_channel_decode(struct coreleaks_go_object *object, struct go_types *types,
		       const struct go_waits_input *input);

/* Finds the timers of channels that do not lead to them themselves: those before Go 1.23, and those
 * of programs that keep to the old ways (GODEBUG asynctimerchan=1). */
void go_channels_find_timers(struct coreleaks_go_object *objects, uint32_t num_objects,
			     struct arena *arena, const struct go_waits_input *input);

/* When the runtime's timer fires, and how often from then on; false: it cannot be read, or is
 * stopped. */
bool go_timer_read(const struct go_waits_input *input, uint64_t timer_addr, int64_t *when_ns_ret,
		   int64_t *period_ns_ret);

#endif
