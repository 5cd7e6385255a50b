/* Starts detached threads without end: at every moment some are being made, some are ending.
 *
 * Without end also means that its core is taken at any moment: none of these threads was ever to
 * be joined, so none counts as finished.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#define NUM_STARTERS 4

static sem_t room;

static void *visitor_main(void *arg)
{
	sem_post(&room);
	return arg;
}

static void *starter_main(void *arg)
{
	pthread_attr_t attr;
	pthread_t visitor;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		sem_wait(&room);
		pthread_create(&visitor, &attr, visitor_main, arg);
	}
	return NULL;
}

int main(void)
{
	pthread_t starter;

	sem_init(&room, 0, 50);
	for (int i = 0; i < NUM_STARTERS; i++)
		if (pthread_create(&starter, NULL, starter_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(starter, NULL);
	return 0;
}
