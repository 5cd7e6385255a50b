/* Two threads that burn processor time, two that wait.
 *
 * The spinners wait for a flag without sleeping. They stand at different instructions of the same
 * source line when the core is written, and still are one group.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>

static volatile bool flag;
static volatile unsigned long num_spins[2];
static sem_t never;

static __attribute__((noinline)) void spin_until_flag(volatile unsigned long *spins)
{
	for (; !flag; (*spins)++)
		;
}

static void *spinner_main(void *arg)
{
	spin_until_flag(&num_spins[(long)arg]);
	return NULL;
}

static void *waiter_main(void *arg)
{
	sem_wait(&never);
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&never, 0, 0);
	for (long i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, spinner_main, (void *)i))
			return 1;
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, waiter_main, NULL))
			return 1;
	while (!num_spins[0] || !num_spins[1])
		;
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
