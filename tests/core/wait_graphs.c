/* A random graph of waiting threads, by a seed: wait_graphs SEED THREADS
 *
 * Threads take locks; some end while they hold them; then all others go to wait: for a lock, for a
 * thread's end, or for nothing that another thread owns. Nobody ever lets go, so the plan is what
 * happens, in whatever order. One line a thread tells it, then `ready`:
 *
 *   TID REASON KIND OBJECT HOLDER CLOCK
 *
 * REASON is `exited` for threads that have ended; KIND is the object's, or how one ended; OBJECT
 * is its address, HOLDER the id of the thread that has taken it; CLOCK is `forever` or `timed`;
 * `-` stands for none. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 500, MAX_LOCKS = 4 * MAX_THREADS, NUM_STATIC_LOCKS = 40, NO_THREAD = -1 };

enum lock_kind {
	NORMAL,
	ADAPTIVE,
	PLAIN, /* C11's mtx_t */
	ROBUST,
	INHERIT, /* of priority; those so far block their owner, too */
	RECURSIVE,
	ERRORCHECK,
	RWLOCK,
	RWLOCK_PREFER_WRITER,
	STREAM,	     /* flockfile() */
	READ_RWLOCK, /* taken by readers: nobody knows by whom */
};

static const char *const kind_names[] = {"normal",	  "adaptive",  "plain",	     "robust",
					 "inherit",	  "recursive", "errorcheck", "rwlock",
					 "prefer-writer", "stream",    "read"};

struct lock {
	enum lock_kind kind;
	int owner; /* thread */
	int depth; /* how often its owner takes it */
	union {
		pthread_mutex_t mutex;
		mtx_t plain;
		pthread_rwlock_t rwlock;
		FILE *stream;
	} of;
};

enum life { LIVES, ENDS_UNJOINED, ENDS_DETACHED, ENDS_JOINED };
enum act { LOCK, JOIN, SLEEP, PAUSE, SPIN_THEN_PAUSE, SPIN, CONDITION, SEMAPHORE, POLL, READ };
enum clock { FOREVER, REALTIME, MONOTONIC };

struct thread {
	pthread_t handle;
	pid_t tid;
	enum life life;
	bool detached;
	enum act act;
	enum clock clock;
	struct lock *lock;  /* to wait for; or the newest that it owns while its act is planned */
	struct lock *owned; /* newest lock that it owns */
	bool write;	    /* takes an rwlock for writing */
	int target;	    /* to join */
	int joiner;
};

static struct thread threads[MAX_THREADS];
static int num_threads;
static struct lock *locks[MAX_LOCKS], static_locks[NUM_STATIC_LOCKS];
static int num_locks;
static bool someone_spins;

static pthread_barrier_t all_have_theirs;
static sem_t has_ended, never_posted;
static pthread_mutex_t idle_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never_signalled = PTHREAD_COND_INITIALIZER;
static int silent_pipe[2];

/* ---- The plan ---------------------------------------------------------------------------- */

static uint64_t random_state;

/* splitmix64 */
static uint64_t random_word(void)
{
	uint64_t word = random_state += 0x9e3779b97f4a7c15;
	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
	word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
	return word ^ (word >> 31);
}

static int below(int limit)
{
	return (int)(random_word() % (uint64_t)limit);
}

static bool percent(int chance)
{
	return below(100) < chance;
}

static void init_mutex(struct lock *lock)
{
	static const int types[] = {
		[ADAPTIVE] = PTHREAD_MUTEX_ADAPTIVE_NP,
		[RECURSIVE] = PTHREAD_MUTEX_RECURSIVE,
		[ERRORCHECK] = PTHREAD_MUTEX_ERRORCHECK,
	};
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, types[lock->kind]);
	if (lock->kind == ROBUST)
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (lock->kind == INHERIT)
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&lock->of.mutex, &attr);
}

static void init_lock(struct lock *lock)
{
	pthread_rwlockattr_t attr;
	pthread_rwlockattr_init(&attr);
	switch (lock->kind) {
	case NORMAL:
	case ADAPTIVE:
	case ROBUST:
	case INHERIT:
	case RECURSIVE:
	case ERRORCHECK:
		init_mutex(lock);
		break;
	case PLAIN:
		mtx_init(&lock->of.plain, mtx_timed);
		break;
	case STREAM:
		lock->of.stream = fopen("/dev/null", "r");
		break;
	case RWLOCK_PREFER_WRITER:
		pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
		/* fall through */
	case RWLOCK:
	case READ_RWLOCK:
		pthread_rwlock_init(&lock->of.rwlock, &attr);
		break;
	}
}

/* Some in the program's data, the others on the heap. */
static struct lock *add_lock(int owner, enum lock_kind kind)
{
	static int num_static;
	if (num_locks == MAX_LOCKS)
		exit(1);
	struct lock *lock = num_static < NUM_STATIC_LOCKS && percent(30)
				    ? &static_locks[num_static++]
				    : calloc(1, sizeof(*lock));
	lock->owner = owner;
	lock->kind = kind;
	lock->depth = kind == RECURSIVE || kind == STREAM ? 1 + below(4) : 1;
	init_lock(lock);
	locks[num_locks++] = lock;
	return threads[owner].owned = lock;
}

/* The kernel hands on robust and inheriting mutexes of threads that end; flockfile() knows no
 * timeout. */
static bool kind_fits(enum lock_kind kind, const struct thread *owner, bool blocks_owner,
		      bool timed)
{
	if (owner->life != LIVES && (kind == ROBUST || kind == INHERIT || kind == STREAM))
		return false;
	return kind != READ_RWLOCK && (!blocks_owner || kind <= INHERIT) &&
	       (!timed || kind != STREAM);
}

/* A lock of this owner: one that others may wait for already, or a new one. */
static struct lock *lock_of(int owner, bool blocks_owner, bool timed)
{
	const struct thread *thread = &threads[owner];
	enum lock_kind kind;
	if (thread->owned != NULL && percent(60) &&
	    kind_fits(thread->owned->kind, thread, blocks_owner, timed))
		return thread->owned;
	do
		kind = (enum lock_kind)below(READ_RWLOCK);
	while (!kind_fits(kind, thread, blocks_owner, timed));
	return add_lock(owner, kind);
}

static void plan_wait(int waiter, int target, bool timed)
{
	struct thread *w = &threads[waiter], *t = &threads[target];
	/* glibc refuses to join whom one is joined by. */
	bool can_join = t->life == LIVES && !t->detached && t->joiner == NO_THREAD &&
			w->joiner != target && waiter != target;
	if (timed)
		w->clock = percent(50) ? REALTIME : MONOTONIC;
	if (can_join && percent(30)) {
		w->act = JOIN;
		w->target = target;
		t->joiner = waiter;
		return;
	}
	w->act = LOCK;
	w->lock = lock_of(target, waiter == target, timed);
	w->write = percent(50);
}

static void plan_idle(int waiter)
{
	enum act act = (enum act)(SLEEP + below(READ + 1 - SLEEP));
	if (act == SPIN && someone_spins)
		act = SPIN_THEN_PAUSE;
	someone_spins |= act == SPIN;
	threads[waiter].act = act;
}

/* A writer behind readers, of whom a lock keeps only the number. */
static bool plan_behind_reader(int waiter, int reader)
{
	if (reader == waiter)
		return false;
	threads[waiter].act = LOCK;
	threads[waiter].lock = add_lock(reader, READ_RWLOCK);
	threads[waiter].write = true;
	return true;
}

/* Where this part of the graph ends: the first members, whose number it returns. */
static int plan_root(const int *members, int num, int any_alive, int num_gone)
{
	int num_rooted = 1 + below(percent(20) ? num : num < 6 ? num : 6);
	switch (below(7)) {
	case 0:
	case 1:
	case 2: {
		int breaker = percent(10) ? below(num_rooted) : -1;
		for (int i = 0; i < num_rooted; i++)
			plan_wait(members[i], members[(i + 1) % num_rooted], i == breaker);
		return num_rooted;
	}
	case 3:
		if (num_gone == 0)
			break;
		for (int i = 0, gone = below(num_gone); i < num_rooted; i++) {
			if (percent(20))
				gone = below(num_gone);
			plan_wait(members[i], num_threads - 1 - gone, percent(20));
		}
		return num_rooted;
	case 4:
		plan_wait(members[0], any_alive, true);
		return 1;
	case 5:
		if (plan_behind_reader(members[0], any_alive))
			return 1;
		break;
	}
	plan_idle(members[0]);
	return 1;
}

/* Everybody behind the root: in a row, all at its door, in a tree, or a bit of all. */
static void plan_part(const int *members, int num, int any_alive, int num_gone, int timed_chance)
{
	int num_rooted = plan_root(members, num, any_alive, num_gone), shape = below(4);
	for (int i = num_rooted; i < num; i++) {
		int to = shape == 0   ? i - 1
			 : shape == 1 ? below(num_rooted)
			 : shape == 2 ? below(i)
				      : i - 1 - below(i < 3 ? i : 3);
		plan_wait(members[i], members[to], percent(timed_chance));
	}
}

/* Threads that end come last: [num_alive, num_threads). */
static void make_plan(void)
{
	static const int chances[] = {0, 5, 20, 50};
	int num_gone = num_threads > 2 ? num_threads * chances[below(3)] / 100 + below(2) : 0;
	int num_alive = num_threads - num_gone, order[MAX_THREADS];
	int timed_chance = chances[below(3)] / 2, max_part = 1 + below(num_alive);
	for (int i = 0; i < num_threads; i++) {
		threads[i].joiner = NO_THREAD;
		threads[i].life = i < num_alive ? LIVES : (enum life)(ENDS_UNJOINED + below(3));
		threads[i].detached = threads[i].life == ENDS_DETACHED ||
				      (threads[i].life == LIVES && i != 0 && percent(20));
	}
	for (int i = 0; i < num_alive; i++) {
		int other = below(i + 1);
		order[i] = order[other];
		order[other] = i;
	}
	for (int i = 0, num; i < num_alive; i += num) {
		num = 1 + below(max_part);
		if (num > num_alive - i)
			num = num_alive - i;
		plan_part(order + i, num, order[below(num_alive)], num_gone, timed_chance);
	}
	/* Locks that nobody waits for. */
	for (int i = 0; i < num_threads; i++)
		if (percent(chances[below(4)]))
			add_lock(i, (enum lock_kind)below(STREAM));
}

/* ---- Carrying it out --------------------------------------------------------------------- */

static void expect(int result, int expected)
{
	if (result != expected) {
		fprintf(stderr, "result %d instead of %d\n", result, expected);
		_exit(1);
	}
}

static void take(struct lock *lock)
{
	for (int i = 0; i < lock->depth; i++) {
		if (lock->kind == STREAM)
			flockfile(lock->of.stream);
		else if (lock->kind == PLAIN)
			expect(mtx_lock(&lock->of.plain), thrd_success);
		else if (lock->kind == READ_RWLOCK)
			expect(pthread_rwlock_rdlock(&lock->of.rwlock), 0);
		else if (lock->kind == RWLOCK || lock->kind == RWLOCK_PREFER_WRITER)
			expect(pthread_rwlock_wrlock(&lock->of.rwlock), 0);
		else
			expect(pthread_mutex_lock(&lock->of.mutex), 0);
	}
	if (lock->kind == ERRORCHECK)
		expect(pthread_mutex_lock(&lock->of.mutex), EDEADLK);
}

static struct timespec far_future(enum clock clock)
{
	struct timespec time;
	clock_gettime(clock == MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME, &time);
	time.tv_sec += 1000000;
	return time;
}

static void wait_for_rwlock(pthread_rwlock_t *rwlock, bool write, enum clock clock)
{
	struct timespec until = far_future(clock);
	if (clock == FOREVER)
		(write ? pthread_rwlock_wrlock : pthread_rwlock_rdlock)(rwlock);
	else if (clock == REALTIME)
		(write ? pthread_rwlock_timedwrlock : pthread_rwlock_timedrdlock)(rwlock, &until);
	else
		(write ? pthread_rwlock_clockwrlock
		       : pthread_rwlock_clockrdlock)(rwlock, CLOCK_MONOTONIC, &until);
}

static void wait_for_lock(struct lock *lock, bool write, enum clock clock)
{
	struct timespec until = far_future(clock);
	if (lock->kind == STREAM)
		flockfile(lock->of.stream);
	else if (lock->kind == PLAIN && clock == FOREVER)
		mtx_lock(&lock->of.plain);
	else if (lock->kind == PLAIN) {
		until = far_future(REALTIME);
		mtx_timedlock(&lock->of.plain, &until);
	} else if (lock->kind >= RWLOCK)
		wait_for_rwlock(&lock->of.rwlock, write, clock);
	else if (clock == FOREVER)
		pthread_mutex_lock(&lock->of.mutex);
	else if (clock == REALTIME)
		pthread_mutex_timedlock(&lock->of.mutex, &until);
	else
		pthread_mutex_clocklock(&lock->of.mutex, CLOCK_MONOTONIC, &until);
}

static void wait_for_end(pthread_t thread, enum clock clock)
{
	struct timespec until = far_future(clock);
	if (clock == FOREVER)
		pthread_join(thread, NULL);
	else if (clock == REALTIME)
		pthread_timedjoin_np(thread, NULL, &until);
	else
		pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until);
}

static void spin(volatile long rounds)
{
	while (rounds != 0)
		rounds--;
}

static void idle(enum act act)
{
	char byte;
	if (act == SLEEP)
		sleep(1000000);
	else if (act == SPIN)
		spin(-1);
	else if (act == CONDITION) {
		pthread_mutex_lock(&idle_mutex);
		pthread_cond_wait(&never_signalled, &idle_mutex);
		pthread_mutex_unlock(&idle_mutex);
	} else if (act == SEMAPHORE)
		sem_wait(&never_posted);
	else if (act == POLL)
		poll(NULL, 0, -1);
	else if (act == READ)
		while (read(silent_pipe[0], &byte, 1) > 0)
			continue;
	else
		pause();
}

static void take_all(int self)
{
	threads[self].tid = gettid();
	for (int i = 0; i < num_locks; i++)
		if (locks[i]->owner == self)
			take(locks[i]);
}

/* Never comes back: whoever it waits for never lets go. */
static void act(const struct thread *thread)
{
	if (thread->act == SPIN_THEN_PAUSE)
		spin(100000);
	if (thread->act == LOCK)
		wait_for_lock(thread->lock, thread->write, thread->clock);
	else if (thread->act == JOIN)
		wait_for_end(threads[thread->target].handle, thread->clock);
	else
		for (;;)
			idle(thread->act);
	fprintf(stderr, "thread %d came back\n", thread->tid);
	_exit(1);
}

static void *thread_main(void *arg)
{
	struct thread *thread = arg;
	take_all((int)(thread - threads));
	if (thread->life != LIVES) {
		sem_post(&has_ended);
		return NULL;
	}
	pthread_barrier_wait(&all_have_theirs);
	act(thread);
	return NULL;
}

static void start_threads(void)
{
	pthread_attr_t attr;
	long min_size = sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, min_size > 65536 ? (size_t)min_size : 65536);
	threads[0].handle = pthread_self();
	/* Those that end first: others get their stacks, and so their pthread_t. */
	for (int i = num_threads - 1; i > 0; i--) {
		pthread_attr_setdetachstate(&attr, threads[i].detached ? PTHREAD_CREATE_DETACHED
								       : PTHREAD_CREATE_JOINABLE);
		expect(pthread_create(&threads[i].handle, &attr, thread_main, &threads[i]), 0);
		if (threads[i].life == ENDS_JOINED)
			pthread_join(threads[i].handle, NULL);
	}
	for (int i = 0; i < num_threads; i++)
		if (threads[i].life != LIVES)
			sem_wait(&has_ended);
}

/* ---- Telling it -------------------------------------------------------------------------- */

static void tell_lock(const struct thread *thread)
{
	const struct lock *lock = thread->lock;
	const char *reason = lock->kind < RWLOCK || lock->kind == STREAM ? "mutex"
			     : thread->write				 ? "rwlock-write"
									 : "rwlock-read";
	const void *addr = lock->kind == STREAM ? (const void *)lock->of.stream->_lock
						: (const void *)&lock->of;
	printf("%d %s %s %p ", thread->tid, reason, kind_names[lock->kind], addr);
	if (lock->kind == READ_RWLOCK)
		printf("- ");
	else
		printf("%d ", threads[lock->owner].tid);
	puts(thread->clock == FOREVER ? "forever" : "timed");
}

static void tell(const struct thread *thread)
{
	static const char *const ends[] = {"-", "unjoined", "detached", "joined"};
	static const char *const idles[] = {"sleep",	 "pause",     "pause", "running",
					    "condition", "semaphore", "poll",  "read"};
	if (thread->life != LIVES)
		printf("%d exited %s - - -\n", thread->tid, ends[thread->life]);
	else if (thread->act == LOCK)
		tell_lock(thread);
	else if (thread->act == JOIN)
		printf("%d join thread %p %d %s\n", thread->tid,
		       (void *)(uintptr_t)threads[thread->target].handle,
		       threads[thread->target].tid, thread->clock == FOREVER ? "forever" : "timed");
	else
		printf("%d %s - - - %s\n", thread->tid, idles[thread->act - SLEEP],
		       thread->act == SLEEP ? "timed" : "forever");
}

int main(int argc, char **argv)
{
	unsigned num_alive = 0;
	random_state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	num_threads = argc > 2 ? atoi(argv[2]) : 10;
	if (num_threads < 1 || num_threads > MAX_THREADS || pipe(silent_pipe) != 0)
		return 1;
	make_plan();
	for (int i = 0; i < num_threads; i++)
		num_alive += threads[i].life == LIVES;
	pthread_barrier_init(&all_have_theirs, NULL, num_alive);
	sem_init(&has_ended, 0, 0);
	sem_init(&never_posted, 0, 0);
	take_all(0);
	start_threads();
	pthread_barrier_wait(&all_have_theirs);
	for (int i = 0; i < num_threads; i++)
		tell(&threads[i]);
	puts("ready");
	fflush(stdout);
	act(&threads[0]);
}
