#include "reason/go_channels.h"

/* runtime/chan.go, the same in 1.19 to 1.27 */
enum { COUNT = 0, CAPACITY = 8, ELEMENT_SIZE = 24, CLOSED = 28, MAX_HCHAN_SIZE = 64 };

/* A time.Time, which is what timers send, to channels that hold one. */
enum { TIME_SIZE = 24 };

static uint64_t word(const unsigned char *bytes, int off)
{
	uint64_t value;
	memcpy(&value, bytes + off, sizeof(value));
	return value;
}

bool go_timer_read(const struct go_waits_input *input, uint64_t timer_addr, int64_t *when_ns_ret,
		   int64_t *period_ns_ret)
{
	int64_t times[2]; /* when, period: neighbours in every version */
	uint64_t addr = timer_addr + (uint64_t)input->runtime->layout.timer_when;
	if (timer_addr == 0 ||
	    image_read(input->image, addr, times, sizeof(times)) != sizeof(times) ||
	    times[0] <= 0 || times[1] < 0)
		return false;
	*when_ns_ret = times[0];
	*period_ns_ret = times[1];
	return true;
}

static void become_timer(struct coreleaks_go_object *object, const struct go_waits_input *input,
			 uint64_t timer_addr)
{
	object->kind = "timer";
	object->owner_addr = timer_addr;
	object->timed = go_timer_read(input, timer_addr, &object->when_ns, &object->period_ns);
	if (object->timed)
		object->left_ns = go_waits_left(input->facts, object->when_ns);
}

void go_channel_decode(struct coreleaks_go_object *object, struct go_types *types,
		       const struct go_waits_input *input)
{
	const struct go_layout *layout = &input->runtime->layout;
	unsigned char bytes[MAX_HCHAN_SIZE];
	uint16_t element_size;
	uint32_t closed;
	object->is_channel = true;
	if (image_read(input->image, object->addr, bytes, sizeof(bytes)) != sizeof(bytes))
		return;
	memcpy(&element_size, bytes + ELEMENT_SIZE, sizeof(element_size));
	memcpy(&closed, bytes + CLOSED, sizeof(closed));
	object->length = word(bytes, COUNT);
	object->capacity = word(bytes, CAPACITY);
	object->element_size = element_size;
	object->closed = closed != 0;
	object->known = object->length <= object->capacity && closed <= 1;
	object->element = go_types_name(types, word(bytes, layout->hchan_elemtype));
	if (object->element != NULL)
		object->type = arena_format(types->arena, "chan %s", object->element);
	if (layout->hchan_timer < 0 || word(bytes, layout->hchan_timer) == 0)
		return;
	/* To the program such a channel has no buffer (runtime/chan.go, chancap() since 1.23). */
	object->capacity = object->length = 0;
	become_timer(object, input, word(bytes, layout->hchan_timer));
}

/* ---- Timers of processors ------------------------------------------------------------------ */

struct heap_search {
	const struct go_waits_input *input;
	struct coreleaks_go_object **wanted; /* parallel to addrs */
	struct addresses addrs;
	uint64_t steps_left;
};

/* runtime.timer.arg is an interface; of a channel its second word is the channel. */
static void look_at_timer(struct heap_search *search, uint64_t timer_addr)
{
	uint64_t addr = timer_addr + (uint64_t)search->input->runtime->layout.timer_arg + 8,
		 channel;
	if (timer_addr == 0 || !image_read_u64(search->input->image, addr, &channel))
		return;
	uint32_t number = addresses_find(&search->addrs, channel);
	if (number != UINT32_MAX && search->wanted[number]->owner_addr == 0)
		become_timer(search->wanted[number], search->input, timer_addr);
}

/* Until 1.22 p.timers is a slice of timers; since then a struct {mu, heap}, whose heap holds timers
 * and when they fire (runtime/time.go). */
static void search_heap(struct heap_search *search, uint64_t p_addr)
{
	enum { STEP = 512 };
	const struct go_layout *layout = &search->input->runtime->layout;
	bool pairs = layout->hchan_timer >= 0;
	uint64_t slice[3], items[STEP],
		addr = p_addr + (uint64_t)layout->p_timers + (pairs ? 8 : 0);
	uint64_t width = pairs ? 2 : 1;
	if (image_read(search->input->image, addr, slice, sizeof(slice)) != sizeof(slice) ||
	    slice[1] > slice[2])
		return;
	for (uint64_t i = 0; i < slice[1] * width && search->steps_left > 0; i += STEP) {
		uint64_t num = slice[1] * width - i < STEP ? slice[1] * width - i : STEP;
		num = image_read(search->input->image, slice[0] + 8 * i, items, (size_t)num * 8) /
		      8;
		if (num == 0)
			return;
		for (uint64_t k = 0; k < num && search->steps_left > 0; k += width) {
			search->steps_left--;
			look_at_timer(search, items[k]);
		}
	}
}

void go_channels_find_timers(struct coreleaks_go_object *objects, uint32_t num_objects,
			     struct arena *arena, const struct go_waits_input *input)
{
	enum { MAX_TIMERS = 1 << 24 };
	struct heap_search search = {
		.input = input,
		.wanted =
			arena_alloc_array(arena, num_objects, sizeof(struct coreleaks_go_object *)),
		.steps_left = MAX_TIMERS,
	};
	addresses_init(&search.addrs, arena);
	for (uint32_t i = 0; i < num_objects; i++)
		if (objects[i].is_channel && objects[i].known && objects[i].owner_addr == 0 &&
		    objects[i].element_size == TIME_SIZE && objects[i].capacity == 1)
			search.wanted[addresses_add(&search.addrs, objects[i].addr, NULL)] =
				&objects[i];
	if (search.addrs.list.num == 0)
		return;
	for (uint64_t i = 0; i < input->runtime->allp.num; i++) {
		uint64_t p_addr;
		if (image_read_u64(input->image, input->runtime->allp.data_addr + 8 * i, &p_addr))
			search_heap(&search, p_addr);
	}
}
