/* The zoo's waits for conditions, semaphores, barriers and other threads. */
#define _GNU_SOURCE
#include "waits_zoo.h"

#include <semaphore.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

/* ---- Conditions ---- */

struct event {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool monotonic, shared;
};

static struct event plain_event, timed_event, monotonic_event = {.monotonic = true};
static struct event clock_event, shared_event = {.shared = true}, signalled_event;

static void make_event(struct event *event)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	if (event->monotonic)
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (event->shared)
		pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&event->cond, &attr);
	pthread_mutex_init(&event->mutex, NULL);
	pthread_mutex_lock(&event->mutex);
}

static void will_await(struct kind *kind, struct event *event, bool timed)
{
	make_event(event);
	will_wait(kind, (struct truth){.reason = "condition",
				       .object = "condition",
				       .addr = &event->cond,
				       .mutex = &event->mutex,
				       .timed = timed});
}

static void *wait_cond(void *arg)
{
	struct event *event = ((struct kind *)arg)->data;

	will_await(arg, event, false);
	while (pthread_cond_wait(&event->cond, &event->mutex) == 0)
		;
	return NULL;
}

static void *wait_cond_timed(void *arg)
{
	struct event *event = ((struct kind *)arg)->data;

	will_await(arg, event, true);
	while (pthread_cond_timedwait(&event->cond, &event->mutex,
				      event->monotonic ? far_mono() : far_real()) == 0)
		;
	return NULL;
}

static void *wait_cond_clock(void *arg)
{
	will_await(arg, &clock_event, true);
	while (pthread_cond_clockwait(&clock_event.cond, &clock_event.mutex, CLOCK_MONOTONIC,
				      far_mono()) == 0)
		;
	return NULL;
}

static void *wait_cnd(void *arg)
{
	static cnd_t cond;
	static mtx_t mutex;

	cnd_init(&cond);
	mtx_init(&mutex, mtx_plain);
	mtx_lock(&mutex);
	will_wait(arg, (struct truth){.reason = "condition",
				      .object = "condition",
				      .addr = &cond,
				      .mutex = &mutex});
	while (cnd_wait(&cond, &mutex) == 0)
		;
	return NULL;
}

static void *wait_cnd_timed(void *arg)
{
	static cnd_t cond;
	static mtx_t mutex;

	cnd_init(&cond);
	mtx_init(&mutex, mtx_timed);
	mtx_lock(&mutex);
	will_wait(arg, (struct truth){.reason = "condition",
				      .object = "condition",
				      .addr = &cond,
				      .mutex = &mutex,
				      .timed = true});
	while (cnd_timedwait(&cond, &mutex, far_real()) == 0)
		;
	return NULL;
}

/* It was signalled, and waits for the mutex again. */
static pid_t woken_tid;

static void *wait_cond_signalled(void *arg)
{
	make_event(&signalled_event);
	woken_tid = gettid();
	will_wait_silently(arg);
	pthread_cond_wait(&signalled_event.cond, &signalled_event.mutex);
	return NULL;
}

static void *signal_cond_and_keep_mutex(void *arg)
{
	static struct kind woken = KIND(wait_cond_signalled, NULL);

	start_kind(&woken);
	wait_until_asleep(woken_tid);
	pthread_mutex_lock(&signalled_event.mutex);
	pthread_cond_signal(&signalled_event.cond);
	will_wait(&woken, (struct truth){.reason = "mutex",
					 .object = "mutex",
					 .addr = &signalled_event.mutex,
					 .holder = gettid(),
					 .tid = woken_tid});
	will_wait(arg, (struct truth){.reason = "pause", .object = NO_OBJECT});
	pause_for_ever();
}

/* ---- Semaphores and barriers ---- */

static sem_t plain_sem, shared_sem, timed_sem, clock_sem;

static void will_take(struct kind *kind, sem_t *sem, bool timed)
{
	sem_init(sem, sem == &shared_sem, 0);
	will_wait(kind, (struct truth){.reason = "semaphore",
				       .object = "semaphore",
				       .addr = sem,
				       .timed = timed});
}

static void *wait_sem(void *arg)
{
	sem_t *sem = ((struct kind *)arg)->data;

	will_take(arg, sem, false);
	while (sem_wait(sem))
		;
	return NULL;
}

static void *wait_sem_timed(void *arg)
{
	will_take(arg, &timed_sem, true);
	while (sem_timedwait(&timed_sem, far_real()))
		;
	return NULL;
}

static void *wait_sem_clock(void *arg)
{
	will_take(arg, &clock_sem, true);
	while (sem_clockwait(&clock_sem, CLOCK_MONOTONIC, far_mono()))
		;
	return NULL;
}

struct gate {
	bool shared, made;
	pthread_barrier_t barrier;
};

static struct gate plain_gate, shared_gate = {.shared = true};

/* Three should come. */
static void *wait_barrier(void *arg)
{
	struct gate *gate = ((struct kind *)arg)->data;
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, gate->shared);
	if (!gate->made)
		pthread_barrier_init(&gate->barrier, &attr, 3);
	gate->made = true;
	will_wait(arg,
		  (struct truth){.reason = "barrier", .object = "barrier", .addr = &gate->barrier});
	pthread_barrier_wait(&gate->barrier);
	return NULL;
}

/* ---- Once ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static once_flag c11_once = ONCE_FLAG_INIT;
static pid_t once_tid, c11_once_tid;
static struct kind *once_kind;

static void stay_in_once(void)
{
	will_wait(once_kind, (struct truth){.reason = "pause", .object = NO_OBJECT});
	pause_for_ever();
}

static void *enter_once(void *arg)
{
	once_kind = arg;
	once_tid = gettid();
	pthread_once(&once, stay_in_once);
	return NULL;
}

static void *enter_call_once(void *arg)
{
	once_kind = arg;
	c11_once_tid = gettid();
	call_once(&c11_once, stay_in_once);
	return NULL;
}

static void *wait_once(void *arg)
{
	will_wait(arg, (struct truth){.reason = "once",
				      .object = "once",
				      .addr = &once,
				      .holder = once_tid,
				      .holder_optional = true});
	pthread_once(&once, stay_in_once);
	return NULL;
}

static void *wait_call_once(void *arg)
{
	will_wait(arg, (struct truth){.reason = "once",
				      .object = "once",
				      .addr = &c11_once,
				      .holder = c11_once_tid,
				      .holder_optional = true});
	call_once(&c11_once, stay_in_once);
	return NULL;
}

/* ---- Threads ---- */

static pid_t joined_tid;

static void *be_joined(void *arg)
{
	joined_tid = gettid();
	will_wait(arg, (struct truth){.reason = "pause", .object = NO_OBJECT});
	pause_for_ever();
}

/* A thread for this one to join. */
static pthread_t start_joined(struct kind *kind, bool timed)
{
	static struct kind joined = KIND(be_joined, NULL);
	pthread_t thread = start_kind(&joined);

	will_be_joined(joined_tid, gettid());
	will_wait(kind, (struct truth){.reason = "join",
				       .object = "thread",
				       .addr = (void *)thread,
				       .holder = joined_tid,
				       .timed = timed});
	return thread;
}

static void *wait_join(void *arg)
{
	pthread_join(start_joined(arg, false), NULL);
	return NULL;
}

static void *wait_timedjoin(void *arg)
{
	pthread_timedjoin_np(start_joined(arg, true), NULL, far_real());
	return NULL;
}

static void *wait_clockjoin(void *arg)
{
	pthread_clockjoin_np(start_joined(arg, true), NULL, CLOCK_MONOTONIC, far_mono());
	return NULL;
}

static void *wait_thrd_join(void *arg)
{
	thrd_join(start_joined(arg, false), NULL);
	return NULL;
}

static void *wait_detached(void *arg)
{
	pthread_detach(pthread_self());
	will_wait(arg, (struct truth){.reason = "pause", .object = NO_OBJECT, .detached = true});
	pause_for_ever();
}

struct kind event_kinds[] = {
	KIND(wait_cond, &plain_event),
	KIND(wait_cond, &shared_event),
	KIND(wait_cond_timed, &timed_event),
	KIND(wait_cond_timed, &monotonic_event),
	KIND(wait_cond_clock, NULL),
	KIND(wait_cnd, NULL),
	KIND(wait_cnd_timed, NULL),
	KIND(signal_cond_and_keep_mutex, NULL),
	KIND(wait_sem, &plain_sem),
	KIND(wait_sem, &shared_sem),
	KIND(wait_sem_timed, NULL),
	KIND(wait_sem_clock, NULL),
	KIND(wait_barrier, &plain_gate),
	KIND(wait_barrier, &plain_gate),
	KIND(wait_barrier, &shared_gate),
	KIND(enter_once, NULL),
	KIND(wait_once, NULL),
	KIND(enter_call_once, NULL),
	KIND(wait_call_once, NULL),
	KIND(wait_join, NULL),
	KIND(wait_timedjoin, NULL),
	KIND(wait_clockjoin, NULL),
	KIND(wait_thrd_join, NULL),
	KIND(wait_detached, NULL),
};
const size_t num_event_kinds = LEN(event_kinds);
