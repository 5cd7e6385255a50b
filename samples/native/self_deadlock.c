/* A thread locks a mutex that it holds already, through a function that it calls.
 *
 * The cache's owner evicts an entry while it holds the cache's lock; evict() takes it too. Two
 * readers wait behind it. With the argument `pi` the lock inherits priority: the kernel refuses it
 * to the writer, and glibc has the writer wait for ever on a word of its own stack.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	int num_entries;
} cache;

static sem_t has_lock;

static __attribute__((noinline)) void evict(void)
{
	pthread_mutex_lock(&cache.lock);
	cache.num_entries--;
	pthread_mutex_unlock(&cache.lock);
}

static __attribute__((noinline)) void insert(void)
{
	pthread_mutex_lock(&cache.lock);
	sem_post(&has_lock);
	if (++cache.num_entries > 0)
		evict();
	pthread_mutex_unlock(&cache.lock);
}

static void *writer_main(void *arg)
{
	insert();
	return arg;
}

static __attribute__((noinline)) int look_up(void)
{
	pthread_mutex_lock(&cache.lock);
	int num = cache.num_entries;
	pthread_mutex_unlock(&cache.lock);
	return num;
}

static void *reader_main(void *arg)
{
	return look_up() ? arg : NULL;
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;
	pthread_t thread;

	pthread_mutexattr_init(&attr);
	if (argc > 1 && !strcmp(argv[1], "pi"))
		pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&cache.lock, &attr);
	sem_init(&has_lock, 0, 0);
	if (pthread_create(&thread, NULL, writer_main, NULL))
		return 1;
	sem_wait(&has_lock);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, reader_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
