/* A thread locks an error-checking mutex twice, is told so, and works on: no deadlock.
 *
 * It still holds the mutex when it goes to sleep; one other thread waits for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t journal = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static sem_t has_lock;

static __attribute__((noinline)) void wait_for_disk(void)
{
	sleep(36000);
}

static void *committer_main(void *arg)
{
	pthread_mutex_lock(&journal);
	if (pthread_mutex_lock(&journal) != EDEADLK)
		return arg;
	sem_post(&has_lock);
	wait_for_disk();
	pthread_mutex_unlock(&journal);
	return NULL;
}

static void *writer_main(void *arg)
{
	pthread_mutex_lock(&journal);
	pthread_mutex_unlock(&journal);
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&has_lock, 0, 0);
	if (pthread_create(&thread, NULL, committer_main, NULL))
		return 1;
	sem_wait(&has_lock);
	if (pthread_create(&thread, NULL, writer_main, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
