#include "fake_proof.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { SPAN_SIZE = 0x4000, NUM_SPANS = 6, OLD_SPANS = 10, OTHER = 0x18000, CLASS = 10 };

static const struct {
	uint32_t element_size;
	bool noscan;
} spans[NUM_SPANS] = {
	{FAKE_GO_G_SIZE, false},  {FAKE_GO_CHANNEL_SIZE, false},
	{FAKE_BOX_SIZE, false},	  {FAKE_BOX_SIZE, true},
	{FAKE_LARGE_SIZE, false}, {FAKE_BOX_SIZE, false}, /* whose memory is not in the core */
};

static uint64_t base_of(uint64_t number)
{
	return number < NUM_SPANS - 1 ? FAKE_GO_OBJECTS + number * SPAN_SIZE
				      : FAKE_GO_OBJECTS + FAKE_GO_OBJECTS_SIZE;
}

/* Spans of small objects end with a bit for each word, since 1.22. */
static bool has_bits(const struct fake_go *go, uint64_t number)
{
	return go->layout.minor >= 22 && !spans[number].noscan && spans[number].element_size <= 512;
}

static void put_span(struct fake_proof *proof, uint64_t number, uint64_t array)
{
	struct fake_go *go = &proof->go;
	uint64_t span = fake_proof_other(proof, 160), base = base_of(number);
	uint64_t size = spans[number].element_size;
	uint64_t num = (SPAN_SIZE - (has_bits(go, number) ? SPAN_SIZE / 64 : 0)) / size;
	fake_go_put(go, array + 8 * (OLD_SPANS + number), span);
	fake_go_put(go, span + 24, base);
	fake_go_put(go, span + 32, 2);
	if (go->layout.minor >= 22)
		*(uint16_t *)fake_go_at(go, span + 50) = (uint16_t)num;
	else
		fake_go_put(go, span + 56, num);
	*(unsigned char *)fake_go_at(go, span + 98) =
		(unsigned char)(CLASS << 1 | spans[number].noscan);
	*(unsigned char *)fake_go_at(go, span + 99) = 1;
	fake_go_put(go, span + 104, size);
	fake_go_put(go, span + 112, base + num * size);
	proof->specials[number] = span + 128;
}

void fake_proof_init(struct fake_proof *proof, int minor)
{
	struct fake_go *go = &proof->go;
	*proof = (struct fake_proof){0};
	fake_go_init(go, minor, minor == 19 ? "go1.19.8" : "go1.27.4");
	go->objects = calloc(1, FAKE_GO_OBJECTS_SIZE);
	proof->specials = calloc(NUM_SPANS, sizeof(*proof->specials));
	ck_assert(go->objects != NULL && proof->specials != NULL);
	fake_go_program(go);
	proof->next_other = FAKE_GO_OBJECTS + OTHER;
	uint64_t array = fake_proof_other(proof, (OLD_SPANS + NUM_SPANS) * 8);
	memcpy(fake_go_at(go, array), fake_go_at(go, fake_go_get(go, FAKE_GO_ALLSPANS)),
	       OLD_SPANS * 8);
	/* All that the program has besides lies in large objects. */
	for (uint64_t i = 0; i < OLD_SPANS; i++) {
		uint64_t span = fake_go_get(go, array + 8 * i) + 104;
		if (fake_go_get(go, span) == 64)
			fake_go_put(go, span, SPAN_SIZE);
	}
	for (uint64_t i = 0; i < NUM_SPANS; i++)
		put_span(proof, i, array);
	fake_go_put(go, FAKE_GO_ALLSPANS, array);
	fake_go_put(go, FAKE_GO_ALLSPANS + 8, OLD_SPANS + NUM_SPANS);
	fake_go_put(go, FAKE_GO_ALLSPANS + 16, OLD_SPANS + NUM_SPANS);
	go->next_g = base_of(0);
	go->next_channel = base_of(1);
	proof->next_box = base_of(2);
	proof->next_plain = base_of(3);
	proof->next_large = base_of(4);
	proof->missing = base_of(5);
}

void fake_proof_deinit(struct fake_proof *proof)
{
	fake_go_deinit(&proof->go);
	free(proof->specials);
}

static uint64_t take(uint64_t *next, uint64_t size)
{
	uint64_t addr = *next;
	*next += size;
	return addr;
}

uint64_t fake_proof_box(struct fake_proof *proof)
{
	return take(&proof->next_box, FAKE_BOX_SIZE);
}

uint64_t fake_proof_plain(struct fake_proof *proof)
{
	return take(&proof->next_plain, FAKE_BOX_SIZE);
}

uint64_t fake_proof_large(struct fake_proof *proof)
{
	return take(&proof->next_large, FAKE_LARGE_SIZE);
}

uint64_t fake_proof_other(struct fake_proof *proof, uint64_t size)
{
	return take(&proof->next_other, (size + 15) & ~UINT64_C(15));
}

void fake_proof_point(struct fake_proof *proof, uint64_t addr, uint64_t to)
{
	fake_go_put(&proof->go, addr, to);
	uint64_t number = (addr - FAKE_GO_OBJECTS) / SPAN_SIZE;
	if (addr < FAKE_GO_OBJECTS || number >= NUM_SPANS - 1 || !has_bits(&proof->go, number))
		return;
	uint64_t bit = (addr - base_of(number)) / 8;
	unsigned char *bits =
		fake_go_at(&proof->go, base_of(number) + SPAN_SIZE - SPAN_SIZE / 64 + bit / 8);
	*bits |= (unsigned char)(1u << bit % 8);
}

void fake_proof_special(struct fake_proof *proof, uint64_t object, enum fake_special kind,
			uint64_t data)
{
	/* runtime/mheap.go, the special kinds; weak handles and cleanups came later. */
	static const unsigned char kinds[] = {
		[FAKE_FINALIZER] = 2, [FAKE_CLEANUP] = 7, [FAKE_WEAK] = 3};
	struct fake_go *go = &proof->go;
	uint64_t special = fake_proof_other(proof, 64);
	uint64_t number = (object - FAKE_GO_OBJECTS) / SPAN_SIZE;
	bool old = go->layout.minor < 24;
	fake_go_put(go, special, fake_go_get(go, proof->specials[number]));
	fake_go_put(go, special + 8, object - base_of(number));
	*(unsigned char *)fake_go_at(go, special + (old ? 10 : 16)) = old ? 1 : kinds[kind];
	fake_go_put(go, special + (old ? 16 : 24), data);
	fake_go_put(go, proof->specials[number], special);
}

void fake_proof_run(struct fake_proof *proof)
{
	struct fake_go *go = &proof->go;
	struct fake_world *world = &go->world;
	struct arena *arena = &world->arena;
	fake_go_open(go);
	proof->stacks.by_task =
		arena_alloc_array(arena, go->tasks.list.num, sizeof(*proof->stacks.by_task));
	for (uint32_t i = 0; i < go->tasks.list.num; i++)
		proof->stacks.by_task[i] = i;
	proof->stacks.list.num = go->tasks.list.num;
	proof->origins.items =
		arena_alloc_array(arena, go->goroutines.origins.num, sizeof(*proof->origins.items));
	go_queues_build(&proof->queues, arena, &world->gaps, &go->runtime, &go->goroutines,
			&go->tasks, &go->spans, world->image);
	proof->search = (struct go_reach_input){
		.runtime = &go->runtime,
		.goroutines = &go->goroutines,
		.tasks = &go->tasks,
		.origins = &proof->origins,
		.queues = &proof->queues,
		.stacks = &proof->stacks,
		.spans = &go->spans,
		.notes = &world->notes,
		.image = world->image,
		.modules = world->image->modules,
		.notes_whole = !proof->notes_lost,
		.keep_parents = proof->keep_parents,
	};
	go_reach_build(&proof->reach, arena, &world->gaps, &world->progress, &proof->search);
}

static uint32_t index_of(const struct fake_proof *proof, int64_t id)
{
	return (uint32_t)(fake_go_goroutine(&proof->go, id) - proof->go.goroutines.list.items);
}

enum go_kept fake_proof_kept(const struct fake_proof *proof, int64_t id)
{
	if (!proof->reach.made)
		return GO_KEPT_UNKNOWN;
	return (enum go_kept)proof->reach.kept[index_of(proof, id)];
}

bool fake_proof_is_candidate(const struct fake_proof *proof, int64_t id)
{
	return proof->reach.roles[index_of(proof, id)] == GO_ROLE_WAITS;
}
