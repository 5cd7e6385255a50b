/* The zoo's waits for mutexes, read-write locks and other locks with an owner. */
#define _GNU_SOURCE
#include "waits_zoo.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* ---- What the keeper holds ---- */

struct lock {
	int type;
	bool robust, pi, shared, made, unsupported;
	pthread_mutex_t mutex;
};

static struct lock normal = {.type = PTHREAD_MUTEX_NORMAL};
static struct lock recursive = {.type = PTHREAD_MUTEX_RECURSIVE};
static struct lock errorcheck = {.type = PTHREAD_MUTEX_ERRORCHECK};
static struct lock adaptive = {.type = PTHREAD_MUTEX_ADAPTIVE_NP};
static struct lock robust = {.robust = true};
static struct lock robust_recursive = {.type = PTHREAD_MUTEX_RECURSIVE, .robust = true};
static struct lock pi = {.pi = true};
static struct lock pi_errorcheck = {.type = PTHREAD_MUTEX_ERRORCHECK, .pi = true};
static struct lock pi_robust = {.pi = true, .robust = true};
static struct lock shared = {.shared = true};
static struct lock by_initializer = {.made = true, .mutex = PTHREAD_MUTEX_INITIALIZER};
static struct lock *const kept_locks[] = {
	&normal, &recursive,	 &errorcheck, &adaptive, &robust,	  &robust_recursive,
	&pi,	 &pi_errorcheck, &pi_robust,  &shared,	 &by_initializer,
};
static mtx_t c11_plain, c11_timed;
static pthread_rwlock_t write_held = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t read_held = PTHREAD_RWLOCK_INITIALIZER;
static FILE *held_file;

static void make_mutex(struct lock *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, lock->type);
	if (lock->robust)
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (lock->pi)
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (lock->shared)
		pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	lock->unsupported = pthread_mutex_init(&lock->mutex, &attr) != 0;
	lock->made = true;
}

static void *keep_locks(void *arg)
{
	keeper = pthread_self();
	keeper_tid = gettid();
	for (size_t i = 0; i < LEN(kept_locks); i++) {
		if (!kept_locks[i]->made)
			make_mutex(kept_locks[i]);
		if (!kept_locks[i]->unsupported)
			pthread_mutex_lock(&kept_locks[i]->mutex);
	}
	mtx_init(&c11_plain, mtx_plain);
	mtx_init(&c11_timed, mtx_timed);
	mtx_lock(&c11_plain);
	mtx_lock(&c11_timed);
	pthread_rwlock_wrlock(&write_held);
	pthread_rwlock_rdlock(&read_held);
	held_file = tmpfile();
	flockfile(held_file);
	will_wait(arg, (struct truth){.reason = "pause", .object = NO_OBJECT});
	pause_for_ever();
}

/* ---- Mutexes ---- */

static void will_lock(struct kind *kind, const void *addr, pid_t holder, bool timed)
{
	will_wait(kind, (struct truth){.reason = "mutex",
				       .object = "mutex",
				       .addr = addr,
				       .holder = holder,
				       .timed = timed});
}

static bool is_usable(struct kind *kind, const struct lock *lock)
{
	if (lock->unsupported)
		will_skip(kind, "pthread_mutex_init fails");
	return !lock->unsupported;
}

static void *wait_mutex(void *arg)
{
	struct lock *lock = ((struct kind *)arg)->data;

	if (is_usable(arg, lock)) {
		will_lock(arg, &lock->mutex, keeper_tid, false);
		pthread_mutex_lock(&lock->mutex);
	}
	return NULL;
}

static void *wait_mutex_timedlock(void *arg)
{
	struct lock *lock = ((struct kind *)arg)->data;

	if (is_usable(arg, lock)) {
		will_lock(arg, &lock->mutex, keeper_tid, true);
		pthread_mutex_timedlock(&lock->mutex, far_real());
	}
	return NULL;
}

/* Not for PI mutexes before glibc 2.34, which took the time for CLOCK_REALTIME's or refused, nor
 * before Linux 5.14, which has no FUTEX_LOCK_PI2. */
static bool waits_by_monotonic_clock(pthread_mutex_t *mutex)
{
	struct timespec until, now;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > until.tv_sec ||
	       (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec);
}

static void *wait_mutex_clocklock(void *arg)
{
	struct lock *lock = ((struct kind *)arg)->data;

	if (!is_usable(arg, lock))
		return NULL;
	if (!waits_by_monotonic_clock(&lock->mutex)) {
		will_skip(arg, "this mutex does not wait by CLOCK_MONOTONIC here");
		return NULL;
	}
	will_lock(arg, &lock->mutex, keeper_tid, true);
	pthread_mutex_clocklock(&lock->mutex, CLOCK_MONOTONIC, far_mono());
	return NULL;
}

static void *wait_mtx(void *arg)
{
	will_lock(arg, &c11_plain, keeper_tid, false);
	mtx_lock(&c11_plain);
	return NULL;
}

static void *wait_mtx_timed(void *arg)
{
	will_lock(arg, &c11_timed, keeper_tid, true);
	mtx_timedlock(&c11_timed, far_real());
	return NULL;
}

static void *wait_flockfile(void *arg)
{
	will_lock(arg, held_file->_lock, keeper_tid, false);
	flockfile(held_file);
	return NULL;
}

static ssize_t read_cookie(void *cookie, char *buffer, size_t size)
{
	return read(*(int *)cookie, buffer, size);
}

static int seek_cookie(void *cookie, off64_t *offset, int whence)
{
	(void)cookie;
	(void)whence;
	*offset = 0;
	return 0;
}

static const cookie_io_functions_t cookie_functions = {.read = read_cookie, .seek = seek_cookie};

/* fgetpwent() keeps a lock of libc's own, which names no owner, while it reads. */
static void *read_under_hidden_lock(void *arg)
{
	int fds[2];

	if (pipe(fds))
		abort();
	will_wait_for_fd(arg, "read", fds[0], false);
	fgetpwent(fopencookie(&fds[0], "r", cookie_functions));
	return NULL;
}

static void *wait_hidden_lock(void *arg)
{
	will_wait(arg, (struct truth){.reason = "futex", .object = "futex", .addr = UNKNOWN_ADDR});
	fgetpwent(fopencookie(NULL, "r", cookie_functions));
	return NULL;
}

/* ---- Locks that nobody will give back ---- */

static struct lock first_lock, second_lock, own_lock, lost_lock;
static struct lock pi_first_lock = {.pi = true}, pi_second_lock = {.pi = true};
static struct lock pi_own_lock = {.pi = true};

struct crossing {
	struct lock *first, *second;
	pid_t first_tid, second_tid;
};

static struct crossing crossing = {.first = &first_lock, .second = &second_lock};
static struct crossing pi_crossing = {.first = &pi_first_lock, .second = &pi_second_lock};

static void *cross_second(void *arg)
{
	struct crossing *locks = ((struct kind *)arg)->data;

	pthread_mutex_lock(&locks->second->mutex);
	locks->second_tid = gettid();
	will_lock(arg, &locks->first->mutex, locks->first_tid, false);
	pthread_mutex_lock(&locks->first->mutex);
	return NULL;
}

static void *cross_first(void *arg)
{
	struct crossing *locks = ((struct kind *)arg)->data;
	struct kind other = KIND(cross_second, locks);

	make_mutex(locks->first);
	make_mutex(locks->second);
	if (!is_usable(arg, locks->first))
		return NULL;
	pthread_mutex_lock(&locks->first->mutex);
	locks->first_tid = gettid();
	start_kind(&other);
	/* Of two crossing locks with priority inheritance, the later comer is refused. */
	wait_until_asleep(locks->second_tid);
	will_find("deadlock-cycle", "proved", locks->first_tid, locks->second_tid);
	will_lock(arg, &locks->second->mutex, locks->second_tid, false);
	pthread_mutex_lock(&locks->second->mutex);
	return NULL;
}

static void *wait_own_mutex(void *arg)
{
	struct lock *lock = ((struct kind *)arg)->data;

	make_mutex(lock);
	if (!is_usable(arg, lock))
		return NULL;
	pthread_mutex_lock(&lock->mutex);
	will_find("self-deadlock", "proved", gettid(), 0);
	will_lock(arg, &lock->mutex, gettid(), false);
	pthread_mutex_lock(&lock->mutex);
	return NULL;
}

static void *lose_lock(void *tid_ret)
{
	pthread_mutex_lock(&lost_lock.mutex);
	*(pid_t *)tid_ret = gettid();
	return NULL;
}

static void *wait_abandoned_mutex(void *arg)
{
	pthread_t loser;
	pid_t loser_tid;

	make_mutex(&lost_lock);
	pthread_create(&loser, NULL, lose_lock, &loser_tid);
	pthread_join(loser, NULL);
	will_find("abandoned-lock", "proved", gettid(), 0);
	will_lock(arg, &lost_lock.mutex, loser_tid, false);
	pthread_mutex_lock(&lost_lock.mutex);
	return NULL;
}

/* ---- Read-write locks ---- */

static void will_lock_rw(struct kind *kind, const char *reason, pthread_rwlock_t *lock, bool timed)
{
	/* Readers are not recorded. */
	pid_t holder = lock == &write_held ? keeper_tid : 0;

	will_wait(kind, (struct truth){.reason = reason,
				       .object = "rwlock",
				       .addr = lock,
				       .holder = holder,
				       .timed = timed});
}

static void *wait_rdlock(void *arg)
{
	will_lock_rw(arg, "rwlock-read", &write_held, false);
	pthread_rwlock_rdlock(&write_held);
	return NULL;
}

static void *wait_timedrdlock(void *arg)
{
	will_lock_rw(arg, "rwlock-read", &write_held, true);
	pthread_rwlock_timedrdlock(&write_held, far_real());
	return NULL;
}

static void *wait_clockrdlock(void *arg)
{
	will_lock_rw(arg, "rwlock-read", &write_held, true);
	pthread_rwlock_clockrdlock(&write_held, CLOCK_MONOTONIC, far_mono());
	return NULL;
}

/* data: the lock; of two writers at a lock that is read, the second waits for the first. */
static void *wait_wrlock(void *arg)
{
	pthread_rwlock_t *lock = ((struct kind *)arg)->data;

	will_lock_rw(arg, "rwlock-write", lock, false);
	pthread_rwlock_wrlock(lock);
	return NULL;
}

static void *wait_timedwrlock(void *arg)
{
	will_lock_rw(arg, "rwlock-write", &write_held, true);
	pthread_rwlock_timedwrlock(&write_held, far_real());
	return NULL;
}

static void *wait_clockwrlock(void *arg)
{
	will_lock_rw(arg, "rwlock-write", &write_held, true);
	pthread_rwlock_clockwrlock(&write_held, CLOCK_MONOTONIC, far_mono());
	return NULL;
}

struct kind lock_kinds[] = {
	KIND(keep_locks, NULL),
	KIND(wait_mutex, &normal),
	KIND(wait_mutex, &recursive),
	KIND(wait_mutex, &errorcheck),
	KIND(wait_mutex, &adaptive),
	KIND(wait_mutex, &robust),
	KIND(wait_mutex, &robust_recursive),
	KIND(wait_mutex, &pi),
	KIND(wait_mutex, &pi_errorcheck),
	KIND(wait_mutex, &pi_robust),
	KIND(wait_mutex, &shared),
	KIND(wait_mutex, &by_initializer),
	KIND(wait_mutex_timedlock, &normal),
	KIND(wait_mutex_timedlock, &pi),
	KIND(wait_mutex_timedlock, &robust),
	KIND(wait_mutex_clocklock, &recursive),
	KIND(wait_mutex_clocklock, &pi),
	KIND(wait_mtx, NULL),
	KIND(wait_mtx_timed, NULL),
	KIND(wait_flockfile, NULL),
	KIND(read_under_hidden_lock, NULL),
	KIND(wait_hidden_lock, NULL),
	KIND(cross_first, &crossing),
	KIND(cross_first, &pi_crossing),
	KIND(wait_own_mutex, &own_lock),
	KIND(wait_own_mutex, &pi_own_lock),
	KIND(wait_abandoned_mutex, NULL),
	KIND(wait_rdlock, NULL),
	KIND(wait_timedrdlock, NULL),
	KIND(wait_clockrdlock, NULL),
	KIND(wait_wrlock, &write_held),
	KIND(wait_timedwrlock, NULL),
	KIND(wait_clockwrlock, NULL),
	KIND(wait_wrlock, &read_held),
	KIND(wait_wrlock, &read_held),
};
const size_t num_lock_kinds = LEN(lock_kinds);
