/* A reader that keeps a read-write lock, and everybody behind it.
 *
 * One thread sleeps while it holds the routing table's read lock. Two writers wait for it; the
 * lock prefers writers, so three more readers wait behind them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_rwlock_t routes;
static sem_t holder_has_lock;
static int num_routes;

static __attribute__((noinline)) void dump_routes(void)
{
	pthread_rwlock_rdlock(&routes);
	sem_post(&holder_has_lock);
	sleep(36000);
	pthread_rwlock_unlock(&routes);
}

static void *dumper_main(void *arg)
{
	dump_routes();
	return arg;
}

static __attribute__((noinline)) void add_route(void)
{
	pthread_rwlock_wrlock(&routes);
	num_routes++;
	pthread_rwlock_unlock(&routes);
}

static void *updater_main(void *arg)
{
	add_route();
	return arg;
}

static __attribute__((noinline)) int look_up_route(void)
{
	int num;

	pthread_rwlock_rdlock(&routes);
	num = num_routes;
	pthread_rwlock_unlock(&routes);
	return num;
}

static void *forwarder_main(void *arg)
{
	return look_up_route() ? arg : NULL;
}

int main(void)
{
	pthread_rwlockattr_t attr;
	pthread_t thread;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&routes, &attr);
	sem_init(&holder_has_lock, 0, 0);
	pthread_create(&thread, NULL, dumper_main, NULL);
	sem_wait(&holder_has_lock);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread, NULL, updater_main, NULL);
	while (pthread_rwlock_tryrdlock(&routes) == 0) {
		pthread_rwlock_unlock(&routes);
		usleep(1000);
	}
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, forwarder_main, NULL);
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
