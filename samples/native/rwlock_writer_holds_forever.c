/* A writer keeps a read-write lock and waits for a signal; everybody else waits for it. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_rwlock_t settings = PTHREAD_RWLOCK_INITIALIZER;
static sem_t has_lock;
static int generation;

static __attribute__((noinline)) void wait_for_confirmation(void)
{
	pause();
}

static void *editor_main(void *arg)
{
	pthread_rwlock_wrlock(&settings);
	generation++;
	sem_post(&has_lock);
	wait_for_confirmation();
	pthread_rwlock_unlock(&settings);
	return arg;
}

static __attribute__((noinline)) int read_settings(void)
{
	pthread_rwlock_rdlock(&settings);
	int now = generation;
	pthread_rwlock_unlock(&settings);
	return now;
}

static void *service_main(void *arg)
{
	return read_settings() ? arg : NULL;
}

static void *updater_main(void *arg)
{
	pthread_rwlock_wrlock(&settings);
	generation++;
	pthread_rwlock_unlock(&settings);
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&has_lock, 0, 0);
	if (pthread_create(&thread, NULL, editor_main, NULL))
		return 1;
	sem_wait(&has_lock);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, service_main, NULL))
			return 1;
	if (pthread_create(&thread, NULL, updater_main, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
