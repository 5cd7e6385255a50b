#include "compare/summary.h"

#include "base/intern.h"

#include <string.h>

/* profile.proto of pprof, github.com/google/pprof/proto/profile.proto: field numbers below. */

struct field {
	uint32_t number, wire;
	uint64_t value;		    /* wire 0 */
	const unsigned char *bytes; /* wire 2 */
	size_t size;
};

struct cursor {
	const unsigned char *at, *end;
	bool bad;
};

struct pprof_reader {
	struct coreleaks_summary *summary;
	struct {
		const char **items;
		uint32_t num, capacity;
	} strings;
	struct intern functions, locations; /* id -> index */
	struct {
		struct summary_frame *items;
		uint32_t num, capacity;
	} function_frames;
	struct {
		struct cursor *items; /* of the message */
		uint32_t num, capacity;
	} location_bytes;
	uint32_t count_index; /* which value of a sample is the count */
	bool is_thread;
};

static uint64_t read_varint(struct cursor *cursor)
{
	uint64_t value = 0;
	for (uint32_t shift = 0; shift < 64; shift += 7) {
		if (cursor->at >= cursor->end)
			break;
		unsigned char byte = *cursor->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return value;
	}
	cursor->bad = true;
	return 0;
}

static bool next_field(struct cursor *cursor, struct field *ret)
{
	if (cursor->bad || cursor->at >= cursor->end)
		return false;
	uint64_t tag = read_varint(cursor);
	*ret = (struct field){.number = (uint32_t)(tag >> 3), .wire = (uint32_t)(tag & 7)};
	size_t left = (size_t)(cursor->end - cursor->at);
	if (ret->wire == 0) {
		ret->value = read_varint(cursor);
	} else if (ret->wire == 2) {
		uint64_t size = read_varint(cursor);
		left = (size_t)(cursor->end - cursor->at);
		if (size > left)
			cursor->bad = true;
		else
			ret->bytes = cursor->at;
		ret->size = cursor->bad ? 0 : (size_t)size;
		cursor->at += ret->size;
	} else if ((ret->wire == 1 && left >= 8) || (ret->wire == 5 && left >= 4)) {
		cursor->at += ret->wire == 1 ? 8 : 4;
	} else {
		cursor->bad = true;
	}
	return !cursor->bad;
}

static struct cursor cursor_of(const struct field *field)
{
	return (struct cursor){field->bytes, field->bytes + field->size, field->wire != 2};
}

static const char *string_at(const struct pprof_reader *reader, uint64_t index)
{
	return index < reader->strings.num ? reader->strings.items[index] : "";
}

/* The value of the first such number in a message; 0: there is none. */
static uint64_t number_in(struct cursor cursor, uint32_t number)
{
	struct field field;
	while (next_field(&cursor, &field))
		if (field.number == number && field.wire == 0)
			return field.value;
	return 0;
}

/* Numbers of a repeated field, packed or not. */
static bool numbers_in(struct arena *arena, struct cursor cursor, uint32_t number,
		       const uint64_t **ret, uint32_t *num_ret)
{
	struct {
		uint64_t *items;
		uint32_t num, capacity;
	} found = {0};
	struct field field;
	while (next_field(&cursor, &field)) {
		if (field.number != number)
			continue;
		if (field.wire == 0)
			*array_add(arena, &found) = field.value;
		struct cursor packed = cursor_of(&field);
		while (!packed.bad && packed.at < packed.end)
			*array_add(arena, &found) = read_varint(&packed);
	}
	*ret = found.items;
	*num_ret = found.num;
	return !cursor.bad;
}

static bool read_strings(struct pprof_reader *reader, struct cursor cursor)
{
	struct arena *arena = &reader->summary->arena;
	struct field field;
	while (next_field(&cursor, &field))
		if (field.number == 6 && field.wire == 2)
			*array_add(arena, &reader->strings) =
				arena_copy_bytes(arena, field.bytes, field.size);
	return !cursor.bad && reader->strings.num > 0 && *reader->strings.items[0] == '\0';
}

static void read_sample_type(struct pprof_reader *reader, struct cursor type, uint32_t index)
{
	const char *name = string_at(reader, number_in(type, 1));
	bool thread = strcmp(name, "thread") == 0;
	if (index == 0 || strcmp(name, "goroutine") == 0 || thread) {
		reader->count_index = index;
		reader->is_thread = thread;
	}
}

static bool read_tables(struct pprof_reader *reader, struct cursor cursor)
{
	struct arena *arena = &reader->summary->arena;
	struct field field;
	uint32_t num_types = 0;
	while (next_field(&cursor, &field)) {
		struct cursor inside = cursor_of(&field);
		if (field.number == 9 && field.wire == 0)
			reader->summary->time = (int64_t)(field.value / 1000000000u);
		if (field.wire != 2)
			continue;
		uint64_t id = number_in(inside, 1);
		bool is_new;
		if (field.number == 1)
			read_sample_type(reader, inside, num_types++);
		if (field.number == 4) {
			intern_add(&reader->locations, &id, sizeof(id), &is_new);
			if (is_new)
				*array_add(arena, &reader->location_bytes) = inside;
		}
		if (field.number == 5) {
			intern_add(&reader->functions, &id, sizeof(id), &is_new);
			if (is_new)
				*array_add(arena, &reader->function_frames) =
					(struct summary_frame){
						.function = string_at(reader, number_in(inside, 2)),
						.file = string_at(reader, number_in(inside, 4)),
					};
		}
	}
	return !cursor.bad && num_types > 0;
}

typedef struct {
	struct summary_frame *items;
	uint32_t num, capacity;
} frame_array;

/* The frames of a location, inlined ones first. */
static void add_location(struct pprof_reader *reader, frame_array *frames, uint64_t id)
{
	struct arena *arena = &reader->summary->arena;
	uint32_t index = intern_find(&reader->locations, &id, sizeof(id));
	bool named = false;
	if (index >= reader->location_bytes.num)
		return;
	struct cursor cursor = reader->location_bytes.items[index];
	struct field field;
	while (next_field(&cursor, &field)) {
		if (field.number != 4 || field.wire != 2)
			continue;
		uint64_t function = number_in(cursor_of(&field), 1);
		uint32_t of = intern_find(&reader->functions, &function, sizeof(function));
		struct summary_frame *frame = array_add(arena, frames);
		if (of < reader->function_frames.num)
			*frame = reader->function_frames.items[of];
		frame->line = number_in(cursor_of(&field), 2);
		named = true;
	}
	if (!named)
		array_add(arena, frames)->module_offset =
			number_in(reader->location_bytes.items[index], 3);
}

static bool read_sample(struct pprof_reader *reader, struct cursor sample)
{
	struct coreleaks_summary *summary = reader->summary;
	const uint64_t *locations, *values;
	uint32_t num_locations, num_values;
	frame_array frames = {0};
	if (!numbers_in(&summary->arena, sample, 1, &locations, &num_locations) ||
	    !numbers_in(&summary->arena, sample, 2, &values, &num_values) ||
	    reader->count_index >= num_values || values[reader->count_index] > UINT32_MAX)
		return false;
	for (uint32_t i = 0; i < num_locations; i++)
		add_location(reader, &frames, locations[i]);
	struct summary_group group = {
		.verdict = CORELEAKS_VERDICT_UNKNOWN,
		.is_thread = reader->is_thread,
		.count = values[reader->count_index],
		.max_wait_ns = -1,
		.frames = frames.items,
		.num_frames = frames.num,
	};
	summary_name_group(summary, &group);
	*array_add(&summary->arena, &summary->groups) = group;
	*(reader->is_thread ? &summary->num_threads : &summary->num_goroutines) +=
		(int64_t)group.count;
	return true;
}

bool summary_from_pprof(struct coreleaks_summary *summary, const void *bytes, size_t size)
{
	struct pprof_reader reader = {.summary = summary};
	struct cursor cursor = {bytes, (const unsigned char *)bytes + size, false};
	struct field field;
	intern_init(&reader.functions, &summary->arena);
	intern_init(&reader.locations, &summary->arena);
	if (!read_strings(&reader, cursor) || !read_tables(&reader, cursor))
		return false;
	summary->source = SUMMARY_FRAMES;
	summary->complete = true;
	summary->is_go = !reader.is_thread;
	*(reader.is_thread ? &summary->num_threads : &summary->num_goroutines) = 0;
	while (next_field(&cursor, &field))
		if (field.number == 2 && field.wire == 2 &&
		    !read_sample(&reader, cursor_of(&field)))
			return false;
	return !cursor.bad;
}
