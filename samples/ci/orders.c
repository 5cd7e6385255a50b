/* A small program for the recipes: two clerks who lock an order and the stock.
 *
 *   orders hang     each takes what the other holds: nobody gets on
 *   orders fixed    both lock in the same order: they finish, and main waits
 *   orders second   as hang, and two more clerks do the same with bill and ledger
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER, stock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t bill = PTHREAD_MUTEX_INITIALIZER, ledger = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

struct clerk {
	pthread_mutex_t *first, *second;
	int meet; /* until both hold their first lock */
};

__attribute__((noinline)) static void pack_order(const struct clerk *clerk)
{
	pthread_mutex_lock(clerk->first);
	if (clerk->meet)
		pthread_barrier_wait(&both);
	pthread_mutex_lock(clerk->second);
	pthread_mutex_unlock(clerk->second);
	pthread_mutex_unlock(clerk->first);
}

__attribute__((noinline)) static void book_bill(const struct clerk *clerk)
{
	pthread_mutex_lock(clerk->first);
	pthread_barrier_wait(&both);
	pthread_mutex_lock(clerk->second);
	pthread_mutex_unlock(clerk->second);
	pthread_mutex_unlock(clerk->first);
}

static void *packer(void *clerk)
{
	pack_order(clerk);
	return NULL;
}

static void *accountant(void *clerk)
{
	book_bill(clerk);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "hang";
	int fixed = strcmp(mode, "fixed") == 0, second = strcmp(mode, "second") == 0;
	struct clerk clerks[] = {
		{&order, &stock, !fixed},
		{fixed ? &order : &stock, fixed ? &stock : &order, !fixed},
		{&bill, &ledger, 1},
		{&ledger, &bill, 1},
	};
	pthread_t threads[4];
	pthread_barrier_init(&both, NULL, second ? 4 : 2);
	for (int i = 0; i < (second ? 4 : 2); i++)
		pthread_create(&threads[i], NULL, i < 2 ? packer : accountant, &clerks[i]);
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < (second ? 4 : 2); i++)
		pthread_join(threads[i], NULL);
	for (;;)
		pause();
}
