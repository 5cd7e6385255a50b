#include "task/go_labels.h"

#include <stdlib.h>

enum { MAX_LABELS = 256, MAX_TEXT = 4096 };

struct reader {
	struct arena *arena;
	struct image *image;
	struct coreleaks_label items[MAX_LABELS];
	uint32_t num;
};

/* A Go string: address and length. */
static const char *read_string(struct reader *reader, const uint64_t *words)
{
	char buffer[MAX_TEXT];
	if (words[1] == 0)
		return "";
	if (words[1] > sizeof(buffer) ||
	    image_read(reader->image, words[0], buffer, (size_t)words[1]) != words[1])
		return NULL;
	return arena_copy_bytes(reader->arena, buffer, (size_t)words[1]);
}

static void add_label(struct reader *reader, const uint64_t *key_words, const uint64_t *value_words)
{
	if (reader->num == MAX_LABELS)
		return;
	const char *key = read_string(reader, key_words);
	const char *value = read_string(reader, value_words);
	if (key != NULL && value != NULL)
		reader->items[reader->num++] = (struct coreleaks_label){key, value};
}

/* Since Go 1.24 (runtime/pprof/label.go): a slice of pairs of strings. */
static void read_slice(struct reader *reader, uint64_t addr)
{
	uint64_t slice[3];
	if (image_read(reader->image, addr, slice, sizeof(slice)) != sizeof(slice) ||
	    slice[1] > slice[2] || slice[1] > MAX_LABELS || (slice[0] & 7) != 0)
		return;
	for (uint64_t i = 0; i < slice[1]; i++) {
		uint64_t pair[4];
		if (image_read(reader->image, slice[0] + i * sizeof(pair), pair, sizeof(pair)) !=
		    sizeof(pair))
			break;
		add_label(reader, pair, pair + 2);
	}
}

/* Buckets of a map (runtime/map.go, until Go 1.23): eight marks, eight keys, eight values, and the
 * next bucket. Marks below 5 stand for empty and for moved entries. */
static void read_bucket_chain(struct reader *reader, uint64_t addr)
{
	enum { SLOTS = 8, MIN_MARK = 5, MAX_CHAIN = 64 };
	struct {
		unsigned char marks[SLOTS];
		uint64_t keys[SLOTS][2], values[SLOTS][2], next;
	} bucket;
	for (uint32_t i = 0; i < MAX_CHAIN && addr != 0; i++, addr = bucket.next) {
		if (image_read(reader->image, addr, &bucket, sizeof(bucket)) != sizeof(bucket))
			return;
		for (uint32_t k = 0; k < SLOTS; k++)
			if (bucket.marks[k] >= MIN_MARK)
				add_label(reader, bucket.keys[k], bucket.values[k]);
	}
}

/* Until Go 1.23: a map of strings. */
static void read_map(struct reader *reader, uint64_t addr)
{
	enum { LOG_BUCKETS = 9, BUCKETS = 16, OLD_BUCKETS = 24, SIZE = 48, BUCKET_SIZE = 272 };
	enum { MAX_LOG = 8 };
	unsigned char header[SIZE];
	uint64_t map_addr, count, buckets, old;
	if (!image_read_u64(reader->image, addr, &map_addr) || map_addr == 0 ||
	    image_read(reader->image, map_addr, header, sizeof(header)) != sizeof(header) ||
	    header[LOG_BUCKETS] > MAX_LOG)
		return;
	memcpy(&count, header, sizeof(count));
	memcpy(&buckets, header + BUCKETS, sizeof(buckets));
	memcpy(&old, header + OLD_BUCKETS, sizeof(old));
	if (count > MAX_LABELS)
		return;
	uint64_t num = UINT64_C(1) << header[LOG_BUCKETS];
	for (uint64_t i = 0; i < num; i++)
		read_bucket_chain(reader, buckets + i * BUCKET_SIZE);
	for (uint64_t i = 0; old != 0 && i < (num + 1) / 2; i++)
		read_bucket_chain(reader, old + i * BUCKET_SIZE);
}

static int label_compare(const void *a, const void *b)
{
	const struct coreleaks_label *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order != 0 ? order : strcmp(x->value, y->value);
}

struct go_label_set go_labels_read(struct arena *arena, struct image *image, int32_t minor,
				   uint64_t addr)
{
	enum { FIRST_WITH_SLICE = 24 };
	struct reader reader = {.arena = arena, .image = image};
	if (addr == 0)
		return (struct go_label_set){0};
	if (minor < 0 || minor >= FIRST_WITH_SLICE)
		read_slice(&reader, addr);
	/* A map's address and what lies behind it may look like a slice without elements. */
	if (minor < FIRST_WITH_SLICE && reader.num == 0)
		read_map(&reader, addr);
	if (reader.num == 0)
		return (struct go_label_set){0};
	struct coreleaks_label *items = arena_alloc_array(arena, reader.num, sizeof(*items));
	memcpy(items, reader.items, reader.num * sizeof(*items));
	qsort(items, reader.num, sizeof(*items), label_compare);
	return (struct go_label_set){items, reader.num};
}
