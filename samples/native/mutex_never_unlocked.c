/* A mutex that an early return leaves locked.
 *
 * One teller books a transfer, finds the account closed and returns without unlocking; it lives
 * on, waiting for a signal. Six others wait for the account's mutex for ever.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define NUM_TELLERS 6

static struct {
	pthread_mutex_t lock;
	bool closed;
	long balance;
} account = {.lock = PTHREAD_MUTEX_INITIALIZER, .closed = true};

static sem_t locked;

static __attribute__((noinline)) int book_transfer(long amount)
{
	pthread_mutex_lock(&account.lock);
	if (account.closed)
		return -1;
	account.balance += amount;
	pthread_mutex_unlock(&account.lock);
	return 0;
}

static __attribute__((noinline)) void wait_for_next_day(void)
{
	pause();
}

static void *first_teller_main(void *arg)
{
	(void)arg;
	book_transfer(1);
	sem_post(&locked);
	wait_for_next_day();
	return NULL;
}

static void *teller_main(void *arg)
{
	(void)arg;
	book_transfer(2);
	return NULL;
}

int main(void)
{
	pthread_t first, tellers[NUM_TELLERS];

	sem_init(&locked, 0, 0);
	if (pthread_create(&first, NULL, first_teller_main, NULL))
		return 1;
	sem_wait(&locked);
	for (int i = 0; i < NUM_TELLERS; i++)
		if (pthread_create(&tellers[i], NULL, teller_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(first, NULL);
	return 0;
}
