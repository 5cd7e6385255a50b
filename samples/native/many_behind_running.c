/* Thirty-one threads wait for a mutex whose owner computes: slow, but not stuck. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#define NUM_RENDERERS 31

static pthread_mutex_t scene = PTHREAD_MUTEX_INITIALIZER;
static volatile unsigned long num_rays;
static sem_t has_lock;

static __attribute__((noinline)) void trace_rays(void)
{
	while (num_rays != 0)
		num_rays++;
}

static void *tracer_main(void *arg)
{
	pthread_mutex_lock(&scene);
	num_rays = 1;
	sem_post(&has_lock);
	trace_rays();
	pthread_mutex_unlock(&scene);
	return arg;
}

static void *renderer_main(void *arg)
{
	pthread_mutex_lock(&scene);
	pthread_mutex_unlock(&scene);
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&has_lock, 0, 0);
	if (pthread_create(&thread, NULL, tracer_main, NULL))
		return 1;
	sem_wait(&has_lock);
	for (int i = 0; i < NUM_RENDERERS; i++)
		if (pthread_create(&thread, NULL, renderer_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
