/* One thread 2,000 calls deep, three shallow ones.
 *
 * A directory walk follows a link back to its parent and goes down 2,000 levels, then waits. The
 * three others wait at once.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#define NUM_LEVELS 2000

static sem_t never;
static volatile int num_visited;

static __attribute__((noinline)) int visit_directory(int level)
{
	num_visited++;
	if (level == NUM_LEVELS)
		sem_wait(&never);
	else
		visit_directory(level + 1);
	return num_visited--;
}

static void *walker_main(void *arg)
{
	visit_directory(1);
	return arg;
}

static void *watcher_main(void *arg)
{
	sem_wait(&never);
	return arg;
}

int main(void)
{
	pthread_t walker, watcher;

	sem_init(&never, 0, 0);
	if (pthread_create(&walker, NULL, walker_main, NULL))
		return 1;
	for (int i = 0; i < 3; i++)
		if (pthread_create(&watcher, NULL, watcher_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(walker, NULL);
	return 0;
}
