#include "reason/go_locks.h"

/* ---- By the stack -------------------------------------------------------------------------- */

/* Go 1.19 says "semacquire" for all of these; later versions have words of their own for some. The
 * offsets are those of sync/mutex.go, rwmutex.go and waitgroup.go, 1.19 to 1.27 (the mutex itself
 * is in internal/sync since 1.24). The first function below the semaphore's decides. */
static const struct {
	const char *function;
	struct go_lock_place place;
} places[] = {
	{"sync.(*Mutex).lockSlow", {"go-mutex", 4, NULL}},
	{"sync.(*Mutex).Lock", {"go-mutex", 4, NULL}},
	{"internal/sync.(*Mutex).lockSlow", {"go-mutex", 4, NULL}},
	{"internal/sync.(*Mutex).Lock", {"go-mutex", 4, NULL}},
	{"sync.(*RWMutex).RLock", {"go-rwmutex", 12, NULL}},
	{"sync.(*RWMutex).Lock", {"go-rwmutex", 8, NULL}},
	{"sync.(*WaitGroup).Wait", {"waitgroup", 8, NULL}},
};

/* A mutex inside of something: further out on the stack, as long as it is package sync. */
static const struct {
	const char *function;
	const char *kind; /* NULL: it stays a mutex */
	const char *use;
} around[] = {
	{"sync.(*RWMutex).Lock", "go-rwmutex", NULL}, {"sync.(*Once).doSlow", NULL, "sync.Once"},
	{"sync.(*Map).Load", NULL, "sync.Map"},	      {"sync.(*Map).Store", NULL, "sync.Map"},
	{"sync.(*Map).Swap", NULL, "sync.Map"},	      {"sync.(*Cond).Wait", NULL, NULL},
};

static bool starts_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_sync(const char *function)
{
	return starts_with(function, "sync.") || starts_with(function, "internal/sync.");
}

static void look_around(struct go_lock_place *place, const char *function)
{
	if (strcmp(place->kind, "go-mutex") != 0)
		return;
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		if (strcmp(around[i].function, function) != 0)
			continue;
		/* RWMutex{w Mutex, …}: writers wait for each other at the mutex in it. */
		if (around[i].kind != NULL)
			place->kind = around[i].kind;
		if (around[i].use != NULL)
			place->use = around[i].use;
	}
}

struct go_lock_place go_lock_place_of(const struct coreleaks_stack *stack)
{
	struct go_lock_place place = {"semaphore", 0, NULL};
	bool found = false;
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const char *function = stack->frames[i].function;
		if (function == NULL)
			break;
		if (starts_with(function, "runtime."))
			continue;
		if (!is_sync(function))
			break;
		for (size_t k = 0; !found && k < sizeof(places) / sizeof(places[0]); k++)
			if (strcmp(places[k].function, function) == 0) {
				place = places[k].place;
				found = true;
			}
		if (found)
			look_around(&place, function);
	}
	return place;
}

/* ---- By the memory ------------------------------------------------------------------------- */

/* sync/mutex.go: bits of state, and waiters above them. */
enum { MUTEX_LOCKED = 1, MUTEX_STARVING = 4, MUTEX_WAITERS_SHIFT = 3 };

static void decode_mutex(struct coreleaks_go_object *object, const uint32_t *words)
{
	object->locked = (words[0] & MUTEX_LOCKED) != 0;
	object->starving = (words[0] & MUTEX_STARVING) != 0;
	object->num_counted = words[0] >> MUTEX_WAITERS_SHIFT;
}

/* sync/rwmutex.go {w, writerSem, readerSem, readerCount, readerWait}: a writer takes w, and 2^30
 * from readerCount; readerWait are the readers that it waits for. */
static void decode_rwmutex(struct coreleaks_go_object *object, const uint32_t *words)
{
	const int32_t max_readers = 1 << 30;
	int32_t count = (int32_t)words[4], departing = (int32_t)words[5];
	bool writer = count < 0;
	decode_mutex(object, words);
	object->num_counted = 0;
	object->starving = false;
	object->writer_waits = writer && departing > 0;
	object->locked = writer && departing <= 0;
	if (object->writer_waits)
		object->num_readers = (uint32_t)departing;
	else if (!writer && count <= max_readers)
		object->num_readers = (uint32_t)count;
}

/* sync/waitgroup.go: the counter is the high half; since 1.25 the low half's highest bit says that
 * it is in a bubble of testing/synctest. */
static void decode_waitgroup(struct coreleaks_go_object *object, const uint32_t *words)
{
	object->num_counted = words[0] & INT32_MAX;
	object->counter = (int32_t)words[1];
}

void go_lock_decode(struct coreleaks_go_object *object, struct image *image)
{
	static const struct {
		const char *kind;
		uint32_t num_words;
		void (*decode)(struct coreleaks_go_object *object, const uint32_t *words);
	} kinds[] = {
		{"go-mutex", 2, decode_mutex},
		{"go-rwmutex", 6, decode_rwmutex},
		{"waitgroup", 3, decode_waitgroup},
	};
	uint32_t words[6];
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t size = kinds[i].num_words * sizeof(words[0]);
		if (strcmp(object->kind, kinds[i].kind) != 0 ||
		    image_read(image, object->addr, words, size) != size)
			continue;
		kinds[i].decode(object, words);
		object->known = true;
	}
	/* sync/cond.go {noCopy, L, notify}: L is an interface, whose second word is the lock. */
	if (strcmp(object->kind, "go-cond") == 0)
		object->known = image_read_u64(image, object->addr + 8, &object->locker_addr);
	if (strcmp(object->kind, "semaphore") == 0)
		object->known = image_read(image, object->addr, words, 4) == 4;
}
