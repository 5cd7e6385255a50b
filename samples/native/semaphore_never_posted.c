/* A semaphore that lost its posts.
 *
 * Four printers share two licences. A job that fails forgets to give its licence back; after two
 * failures everybody else waits in sem_wait() for ever.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define NUM_PRINTERS 4

static sem_t licences;

static __attribute__((noinline)) void acquire_licence(void)
{
	sem_wait(&licences);
}

static __attribute__((noinline)) bool print_page(int page)
{
	return page < 0;
}

static __attribute__((noinline)) void print_job(int num_pages)
{
	acquire_licence();
	for (int page = 0; page < num_pages; page++)
		if (!print_page(page))
			return;
	sem_post(&licences);
}

static void *printer_main(void *arg)
{
	(void)arg;
	for (;;)
		print_job(10);
	return NULL;
}

int main(void)
{
	pthread_t printers[NUM_PRINTERS];

	sem_init(&licences, 0, 2);
	for (int i = 0; i < NUM_PRINTERS; i++)
		if (pthread_create(&printers[i], NULL, printer_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(printers[0], NULL);
	return 0;
}
