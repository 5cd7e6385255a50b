/* A thread ends while it holds a robust mutex: the kernel hands it to the next one. No fault.
 *
 * The heir repairs the data and keeps the mutex while it waits for a signal; two wait for it.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t database;
static sem_t inherited;

static void *importer_main(void *arg)
{
	pthread_mutex_lock(&database);
	return arg;
}

static __attribute__((noinline)) void wait_for_operator(void)
{
	pause();
}

static void *heir_main(void *arg)
{
	if (pthread_mutex_lock(&database) != EOWNERDEAD)
		return arg;
	pthread_mutex_consistent(&database);
	sem_post(&inherited);
	wait_for_operator();
	pthread_mutex_unlock(&database);
	return NULL;
}

static void *exporter_main(void *arg)
{
	pthread_mutex_lock(&database);
	pthread_mutex_unlock(&database);
	return arg;
}

int main(void)
{
	pthread_mutexattr_t attr;
	pthread_t thread;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&database, &attr);
	sem_init(&inherited, 0, 0);
	if (pthread_create(&thread, NULL, importer_main, NULL))
		return 1;
	pthread_join(thread, NULL);
	if (pthread_create(&thread, NULL, heir_main, NULL))
		return 1;
	sem_wait(&inherited);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, exporter_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
