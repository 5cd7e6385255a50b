/* The number of a dead lock owner belongs to a new, healthy thread.
 *
 * Linux gives thread ids out again, but only after millions of threads; writing the new thread's
 * id into the mutex has the same effect at once. Nobody can tell that it is not the owner.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t database = PTHREAD_MUTEX_INITIALIZER;
static sem_t started;
static pid_t healthy_tid;

static void *importer_main(void *arg)
{
	pthread_mutex_lock(&database);
	return arg;
}

static __attribute__((noinline)) void wait_for_requests(void)
{
	for (;;)
		pause();
}

static void *healthy_main(void *arg)
{
	healthy_tid = gettid();
	sem_post(&started);
	wait_for_requests();
	return arg;
}

static void *exporter_main(void *arg)
{
	pthread_mutex_lock(&database);
	pthread_mutex_unlock(&database);
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&started, 0, 0);
	if (pthread_create(&thread, NULL, importer_main, NULL))
		return 1;
	pthread_join(thread, NULL);
	if (pthread_create(&thread, NULL, healthy_main, NULL))
		return 1;
	sem_wait(&started);
	database.__data.__owner = healthy_tid;
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, exporter_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
