/* A reader whose lock is a variable of the program: where it rests, nothing of its own has the
 * lock's address, and the code has it only relative to itself. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_rwlock_t prices = PTHREAD_RWLOCK_INITIALIZER;
static sem_t reading;
static int price;

static __attribute__((noinline)) void begin_reading(void)
{
	pthread_rwlock_rdlock(&prices);
}

static __attribute__((noinline)) void end_reading(void)
{
	pthread_rwlock_unlock(&prices);
}

static __attribute__((noinline)) void print_prices(void)
{
	sem_post(&reading);
	pause();
}

/* Deep enough that what follows does not touch what it leaves on the stack. */
static __attribute__((noinline)) int begin_deep(void)
{
	volatile char page[4096];

	page[0] = 1;
	begin_reading();
	return page[0];
}

static void *printer_main(void *arg)
{
	begin_deep();
	print_prices();
	end_reading();
	return arg;
}

static void *changer_main(void *arg)
{
	pthread_rwlock_wrlock(&prices);
	price++;
	pthread_rwlock_unlock(&prices);
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&reading, 0, 0);
	if (pthread_create(&thread, NULL, printer_main, NULL))
		return 1;
	sem_wait(&reading);
	if (pthread_create(&thread, NULL, changer_main, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
