/* Two threads hold a read-write lock each and wait for the other's.
 *
 * Without argument both write, so that the locks name their holders; with `readers` each reads
 * its first lock, and no lock names anybody.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_rwlock_t tables[2] = {PTHREAD_RWLOCK_INITIALIZER, PTHREAD_RWLOCK_INITIALIZER};
static pthread_barrier_t both_have_one;
static int reads_first, num_rows[2];

static __attribute__((noinline)) void copy_rows(long from, long to)
{
	if (reads_first)
		pthread_rwlock_rdlock(&tables[from]);
	else
		pthread_rwlock_wrlock(&tables[from]);
	pthread_barrier_wait(&both_have_one);
	pthread_rwlock_wrlock(&tables[to]);
	num_rows[to] += num_rows[from];
	pthread_rwlock_unlock(&tables[to]);
	pthread_rwlock_unlock(&tables[from]);
}

static void *copier_main(void *arg)
{
	copy_rows((long)arg, 1 - (long)arg);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	(void)argv;
	reads_first = argc > 1;
	pthread_barrier_init(&both_have_one, NULL, 3);
	for (long i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, copier_main, (void *)i))
			return 1;
	pthread_barrier_wait(&both_have_one);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
