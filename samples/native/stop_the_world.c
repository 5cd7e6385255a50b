/* A garbage collector that stops all threads by a signal and then needs a lock that one of them
 * holds.
 *
 * Each mutator is interrupted in what it does (waiting for the heap's lock, for a condition, in
 * epoll_wait(), read(), nanosleep(), or computing with the heap's lock held) and waits in the
 * signal's handler until the collector resumes it. The collector never does: it wants the heap's
 * lock first. With the argument "eintr" the handler is installed without SA_RESTART, so that the
 * kernel ends the calls instead of setting them back.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	unsigned num_objects;
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static sem_t suspended, resumed;
static int pipe_fds[2], epoll_fd;
static atomic_bool compacting;

static void on_suspend(int signal)
{
	(void)signal;
	sem_post(&suspended);
	sem_wait(&resumed);
}

static __attribute__((noinline)) void compact(void)
{
	while (heap.num_objects != 1)
		__asm__ volatile("" ::: "memory");
}

static void run_compacter(void)
{
	pthread_mutex_lock(&heap.lock);
	compacting = true;
	compact();
	pthread_mutex_unlock(&heap.lock);
}

static void run_allocator(void)
{
	pthread_mutex_lock(&heap.lock);
	heap.num_objects++;
	pthread_mutex_unlock(&heap.lock);
}

static void run_consumer(void)
{
	pthread_mutex_lock(&queue_lock);
	pthread_cond_wait(&queue_filled, &queue_lock);
	pthread_mutex_unlock(&queue_lock);
}

static void run_poller(void)
{
	struct epoll_event event;

	epoll_wait(epoll_fd, &event, 1, -1);
}

static void run_reader(void)
{
	char byte;

	if (read(pipe_fds[0], &byte, 1) < 0)
		perror("read");
}

static void run_sleeper(void)
{
	struct timespec time = {.tv_sec = 86400};

	nanosleep(&time, &time);
}

static struct mutator {
	void (*run)(void);
	long call; /* that it sleeps in; -1: it does not */
	pthread_t thread;
	atomic_int tid;
} mutators[] = {
	{.run = run_compacter, .call = -1},	  {.run = run_allocator, .call = SYS_futex},
	{.run = run_consumer, .call = SYS_futex}, {.run = run_poller, .call = SYS_epoll_wait},
	{.run = run_reader, .call = SYS_read},	  {.run = run_sleeper, .call = SYS_clock_nanosleep},
};

enum { NUM = sizeof(mutators) / sizeof(mutators[0]) };

static void *mutator_main(void *arg)
{
	struct mutator *mutator = arg;

	mutator->tid = gettid();
	mutator->run();
	return arg;
}

/* Starts a mutator, and returns when it is in its system call, or holds the heap's lock. */
static int start(struct mutator *mutator)
{
	char path[64];
	long call = -1;

	if (pthread_create(&mutator->thread, NULL, mutator_main, mutator))
		return -1;
	while (!mutator->tid || !compacting)
		usleep(1000);
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", mutator->tid);
	while (call != mutator->call) {
		FILE *file = fopen(path, "r");

		if (!file)
			return -1;
		if (fscanf(file, "%ld", &call) != 1)
			call = -1;
		fclose(file);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_suspend, .sa_flags = SA_RESTART};

	if (argc > 1 && strcmp(argv[1], "eintr") == 0)
		action.sa_flags = 0;
	sem_init(&suspended, 0, 0);
	sem_init(&resumed, 0, 0);
	epoll_fd = epoll_create1(0);
	if (epoll_fd < 0 || pipe(pipe_fds) || sigaction(SIGUSR1, &action, NULL))
		return 1;
	for (int i = 0; i < NUM; i++)
		if (start(&mutators[i]))
			return 1;
	for (int i = 0; i < NUM; i++)
		pthread_kill(mutators[i].thread, SIGUSR1);
	for (int i = 0; i < NUM; i++)
		sem_wait(&suspended);
	puts("ready");
	fflush(stdout);
	pthread_mutex_lock(&heap.lock);
	for (int i = 0; i < NUM; i++)
		sem_post(&resumed);
	pthread_mutex_unlock(&heap.lock);
	return 0;
}
