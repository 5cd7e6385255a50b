/* Threads that wait for objects of which somebody still knows, or nobody any more. A function
 * called stuck_… waits for what nobody alive can reach; live_… for what somebody can. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	int num_items;
	struct queue *other; /* only kept, never followed */
	sem_t *sem;
};

static sem_t started; /* posted by a thread when it has got as far as its case asks */

static NOINLINE void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static NOINLINE struct queue *queue_in(void *memory)
{
	struct queue *queue = must(memory);
	memset(queue, 0, sizeof(*queue));
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->filled, NULL);
	return queue;
}

static NOINLINE struct queue *queue_new(void)
{
	return queue_in(malloc(sizeof(struct queue)));
}

static NOINLINE sem_t *sem_new(void)
{
	sem_t *sem = must(malloc(sizeof(*sem)));
	sem_init(sem, 0, 0);
	return sem;
}

static NOINLINE void queue_take(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->num_items == 0)
		pthread_cond_wait(&queue->filled, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
}

static NOINLINE pthread_t start(void *(*routine)(void *), void *arg)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, routine, arg) != 0)
		abort();
	return thread;
}

static NOINLINE void start_detached(void *(*routine)(void *), void *arg)
{
	pthread_detach(start(routine, arg));
}

/* Leaves no trace of what earlier calls had on the stack. */
static NOINLINE void scrub(void)
{
	volatile char bytes[32768];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
}

#define WAITS_FOR_QUEUE(name)                                                                      \
	static void *name(void *arg)                                                               \
	{                                                                                          \
		queue_take(arg);                                                                   \
		return NULL;                                                                       \
	}
#define WAITS_FOR_SEM(name)                                                                        \
	static void *name(void *arg)                                                               \
	{                                                                                          \
		while (sem_wait(arg) != 0)                                                         \
			;                                                                          \
		return NULL;                                                                       \
	}

/* ---- Nobody knows ------------------------------------------------------------------------- */

WAITS_FOR_QUEUE(stuck_queue)
WAITS_FOR_QUEUE(stuck_two_of_a_queue)
WAITS_FOR_SEM(stuck_semaphore)
WAITS_FOR_QUEUE(stuck_queue_knows_itself)
WAITS_FOR_QUEUE(stuck_mapped_chunk)
WAITS_FOR_QUEUE(stuck_maker_has_ended)
WAITS_FOR_SEM(stuck_freed_holder)

static void *stuck_barrier(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

/* Two that know each other's queue. */
static void *stuck_ring(void *arg)
{
	struct queue *queue = arg;
	queue_take(queue->other);
	return queue;
}

/* One of many in a list that nobody holds. */
static void *stuck_in_list(void *arg)
{
	queue_take(arg);
	return NULL;
}

static void *stuck_own_stack(void *arg)
{
	sem_t sem;
	(void)arg;
	sem_init(&sem, 0, 0);
	while (sem_wait(&sem) != 0)
		;
	return NULL;
}

/* Its object is on its own stack, and listed in a register that nobody has any more. */
static void *stuck_own_stack_listed(void *arg)
{
	sem_t sem;
	struct queue *list = arg;
	sem_init(&sem, 0, 0);
	list->sem = &sem;
	while (sem_wait(&sem) != 0)
		;
	return NULL;
}

static __thread sem_t *own_sem;
static __thread sem_t own_sem_itself;

static void *stuck_known_to_own_tls(void *arg)
{
	(void)arg;
	own_sem = sem_new();
	while (sem_wait(own_sem) != 0)
		;
	return NULL;
}

static void *stuck_in_own_tls(void *arg)
{
	(void)arg;
	sem_init(&own_sem_itself, 0, 0);
	while (sem_wait(&own_sem_itself) != 0)
		;
	return NULL;
}

/* The thread's own arena, not the main one. */
static void *stuck_arena(void *arg)
{
	(void)arg;
	queue_take(queue_new());
	return NULL;
}

static void *reader_that_ends(void *arg)
{
	pthread_rwlock_rdlock(arg);
	return NULL;
}

static void *stuck_write_lock(void *arg)
{
	pthread_rwlock_wrlock(arg);
	return NULL;
}

/* The one who has locked it lives, but knows it no more. */
static void *stuck_forgotten_lock(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static pthread_mutex_t global_lock = PTHREAD_MUTEX_INITIALIZER;

static void *stuck_lock_holder(void *arg)
{
	pthread_mutex_lock(&global_lock);
	sem_post(&started);
	while (sem_wait(arg) != 0)
		;
	return NULL;
}

static void *behind_lock_holder(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&global_lock);
	return NULL;
}

WAITS_FOR_SEM(stuck_and_joined)

static void *behind_joins(void *arg)
{
	pthread_join((pthread_t)(uintptr_t)arg, NULL);
	return NULL;
}

static void *behind_joins_behind(void *arg)
{
	pthread_join((pthread_t)(uintptr_t)arg, NULL);
	return NULL;
}

static NOINLINE void start_rings_and_lists(void)
{
	struct queue *a = queue_new(), *b = queue_new(), *list = NULL;
	a->other = b;
	b->other = a;
	start_detached(stuck_ring, a);
	start_detached(stuck_ring, b);
	a = queue_new();
	a->other = a;
	start_detached(stuck_queue_knows_itself, a);
	for (int i = 0; i < 10; i++) {
		struct queue *queue = queue_new();
		queue->other = list;
		list = queue;
		start_detached(stuck_in_list, queue);
	}
}

static void *maker_that_ends(void *arg)
{
	(void)arg;
	start_detached(stuck_maker_has_ended, queue_new());
	return NULL;
}

static NOINLINE void start_locks(void)
{
	pthread_rwlock_t *rwlock = must(malloc(sizeof(*rwlock)));
	pthread_rwlock_init(rwlock, NULL);
	pthread_join(start(reader_that_ends, rwlock), NULL);
	start_detached(stuck_write_lock, rwlock);
	pthread_mutex_t *mutex = must(malloc(sizeof(*mutex)));
	pthread_mutex_init(mutex, NULL);
	pthread_mutex_lock(mutex);
	start_detached(stuck_forgotten_lock, mutex);
	start_detached(stuck_lock_holder, sem_new());
	while (sem_wait(&started) != 0)
		;
	start_detached(behind_lock_holder, NULL);
	pthread_t joined = start(stuck_and_joined, sem_new());
	joined = start(behind_joins, (void *)(uintptr_t)joined);
	start_detached(behind_joins_behind, (void *)(uintptr_t)joined);
}

static void *volatile freed_holder;

/* A free chunk is nobody's, whatever still stands in it and whoever still points to it. */
static NOINLINE void start_freed_holder(void)
{
	enum { SIZE = 40000, IN_IT = 20000 };
	char *holder = must(malloc(SIZE));
	void *behind = must(malloc(64));
	sem_t *sem = sem_new();
	memcpy(holder + IN_IT, &sem, sizeof(sem));
	start_detached(stuck_freed_holder, sem);
	freed_holder = holder;
	free(holder);
	*(void **)behind = NULL;
}

static NOINLINE void start_stuck(void)
{
	enum { LARGE = 1 << 20 };
	start_detached(stuck_queue, queue_new());
	struct queue *queue = queue_new();
	start_detached(stuck_two_of_a_queue, queue);
	start_detached(stuck_two_of_a_queue, queue);
	start_detached(stuck_semaphore, sem_new());
	pthread_barrier_t *barrier = must(malloc(sizeof(*barrier)));
	pthread_barrier_init(barrier, NULL, 2);
	start_detached(stuck_barrier, barrier);
	start_detached(stuck_own_stack, NULL);
	start_detached(stuck_own_stack_listed, queue_new());
	start_detached(stuck_known_to_own_tls, NULL);
	start_detached(stuck_in_own_tls, NULL);
	start_detached(stuck_arena, NULL);
	char *large = must(malloc(LARGE));
	start_detached(stuck_mapped_chunk, queue_in(large + LARGE / 2));
}

/* ---- Somebody knows ----------------------------------------------------------------------- */

WAITS_FOR_QUEUE(live_global)
WAITS_FOR_QUEUE(live_through_two_boxes)
WAITS_FOR_QUEUE(live_known_to_main)
WAITS_FOR_QUEUE(live_inner_pointer)
WAITS_FOR_SEM(live_end_pointer)
WAITS_FOR_SEM(live_low_tag)
WAITS_FOR_SEM(live_high_tag)
WAITS_FOR_SEM(live_last_word_of_chunk)
WAITS_FOR_SEM(live_in_foreign_memory)
WAITS_FOR_SEM(live_in_read_only_memory)
WAITS_FOR_SEM(live_global_object)
WAITS_FOR_SEM(live_shared_memory)
WAITS_FOR_SEM(live_known_to_tls)
WAITS_FOR_SEM(live_known_to_specific)
WAITS_FOR_SEM(live_result_of_ended)
WAITS_FOR_SEM(live_on_live_stack)
WAITS_FOR_SEM(live_known_to_mapped_chunk)
WAITS_FOR_SEM(live_known_to_arena)

/* What is only written would be left out. */
static struct queue *volatile global_queue;
static void ***volatile global_boxes;
static pthread_cond_t *volatile global_inner;
static char *volatile global_end;
static volatile uintptr_t global_low_tag, global_high_tag;
static void *volatile global_box, *volatile global_foreign, *volatile global_read_only;
static void *volatile global_large, *volatile global_of_arena;
static sem_t global_sem;
static sem_t *volatile global_own_stack;
static pthread_key_t key;
static volatile pthread_t global_ended;

static void *live_timed(void *arg)
{
	struct timespec until = {.tv_sec = time(NULL) + 100000};
	while (sem_timedwait(arg, &until) != 0)
		;
	return NULL;
}

static void *live_own_stack(void *arg)
{
	sem_t sem;
	(void)arg;
	sem_init(&sem, 0, 0);
	global_own_stack = &sem;
	while (sem_wait(&sem) != 0)
		;
	return NULL;
}

static void *returns_it(void *arg)
{
	return arg;
}

/* Lives, and knows three of them: in its TLS, as its specific data, on its stack. */
static void *knows_some(void *arg)
{
	sem_t on_stack;
	(void)arg;
	own_sem = sem_new();
	sem_init(&on_stack, 0, 0);
	pthread_setspecific(key, sem_new());
	start_detached(live_known_to_tls, own_sem);
	start_detached(live_known_to_specific, pthread_getspecific(key));
	start_detached(live_on_live_stack, &on_stack);
	void **box = must(malloc(sizeof(*box)));
	*box = sem_new();
	start_detached(live_known_to_arena, *box);
	global_of_arena = box;
	box = NULL;
	scrub();
	sem_post(&started);
	for (;;)
		pause();
	return NULL;
}

static NOINLINE void start_pointers(void)
{
	enum { SEMS_SIZE = 136, BOX_SIZE = 40 };
	global_queue = queue_new();
	start_detached(live_global, global_queue);
	global_boxes = must(malloc(sizeof(*global_boxes)));
	*global_boxes = must(malloc(sizeof(**global_boxes)));
	**global_boxes = queue_new();
	start_detached(live_through_two_boxes, **global_boxes);
	struct queue *queue = queue_new();
	global_inner = &queue->filled;
	start_detached(live_inner_pointer, queue);
	/* 136 bytes are all that a chunk of 144 holds: their end is the next chunk's second word.
	 */
	sem_t *sems = must(malloc(SEMS_SIZE));
	sem_init(&sems[0], 0, 0);
	global_end = (char *)sems + SEMS_SIZE;
	start_detached(live_end_pointer, &sems[0]);
	sem_t *sem = sem_new();
	global_low_tag = (uintptr_t)sem | 3;
	start_detached(live_low_tag, sem);
	sem = sem_new();
	global_high_tag = (uintptr_t)sem | (uintptr_t)0xfff9 << 48;
	start_detached(live_high_tag, sem);
	sem = sem_new();
	/* The last 8 of 40 bytes lie in the next chunk's header. */
	char *box = must(malloc(BOX_SIZE));
	memset(box, 0, BOX_SIZE);
	memcpy(box + BOX_SIZE - sizeof(sem), &sem, sizeof(sem));
	global_box = box;
	start_detached(live_last_word_of_chunk, sem);
}

static NOINLINE void start_mappings(void)
{
	enum { SIZE = 8192, LARGE = 1 << 20 };
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	sem_t *sem = sem_new();
	void **memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	memory[100] = sem;
	global_foreign = memory;
	start_detached(live_in_foreign_memory, sem);
	sem = sem_new();
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	memory[100] = sem;
	mprotect(memory, SIZE, PROT_READ);
	global_read_only = memory;
	start_detached(live_in_read_only_memory, sem);
	sem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sem_init(sem, 1, 0);
	start_detached(live_shared_memory, sem);
	global_large = must(malloc(LARGE));
	sem = sem_new();
	memcpy((char *)global_large + LARGE / 2, &sem, sizeof(sem));
	start_detached(live_known_to_mapped_chunk, sem);
}

static NOINLINE void start_live(void)
{
	start_pointers();
	start_mappings();
	sem_init(&global_sem, 0, 0);
	start_detached(live_global_object, &global_sem);
	start_detached(live_timed, sem_new());
	start_detached(live_own_stack, NULL);
	start_detached(knows_some, NULL);
	while (sem_wait(&started) != 0)
		;
	sem_t *sem = sem_new();
	global_ended = start(returns_it, sem);
	start_detached(live_result_of_ended, sem);
}

int main(void)
{
	/* A buffer would begin with what malloc left in it: pointers to the chunk before it. */
	setvbuf(stdout, NULL, _IONBF, 0);
	sem_init(&started, 0, 0);
	pthread_key_create(&key, NULL);
	start_rings_and_lists();
	scrub();
	start_locks();
	scrub();
	start_stuck();
	scrub();
	start_live();
	scrub();
	start_freed_holder();
	struct queue *volatile known = queue_new();
	start_detached(live_known_to_main, known);
	/* The last one, or another thread gets its stack with all that is left on it. */
	pthread_join(start(maker_that_ends, NULL), NULL);
	scrub();
	puts("ready");
	for (;;)
		pause();
}
