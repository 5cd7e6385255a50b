/* Three threads that join each other in a circle.
 *
 * Each service waits for the next one to stop before it stops itself. pthread_join() notices a
 * circle of two, but not one of three.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define NUM_SERVICES 3

static pthread_t services[NUM_SERVICES];
static pthread_barrier_t all_started;

static __attribute__((noinline)) void stop_after(long service)
{
	pthread_join(services[service], NULL);
}

static void *service_main(void *arg)
{
	pthread_barrier_wait(&all_started);
	stop_after(((long)arg + 1) % NUM_SERVICES);
	return NULL;
}

int main(void)
{
	pthread_barrier_init(&all_started, NULL, NUM_SERVICES + 1);
	for (long i = 0; i < NUM_SERVICES; i++)
		if (pthread_create(&services[i], NULL, service_main, (void *)i))
			return 1;
	pthread_barrier_wait(&all_started);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
