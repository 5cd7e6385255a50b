/* Three managers wait for each other in a circle, and thirty clerks wait behind them.
 *
 * Each manager holds the lock of his department and wants that of the next one; ten clerks want
 * the lock of each department.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define NUM_DEPARTMENTS 3
#define NUM_CLERKS	30

static pthread_mutex_t departments[NUM_DEPARTMENTS] = {
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static int num_files[NUM_DEPARTMENTS];
static pthread_barrier_t all_have_one;

static __attribute__((noinline)) void move_file(long department)
{
	long next = (department + 1) % NUM_DEPARTMENTS;

	pthread_mutex_lock(&departments[department]);
	pthread_barrier_wait(&all_have_one);
	pthread_mutex_lock(&departments[next]);
	num_files[department]--;
	num_files[next]++;
	pthread_mutex_unlock(&departments[next]);
	pthread_mutex_unlock(&departments[department]);
}

static void *manager_main(void *arg)
{
	move_file((long)arg);
	return NULL;
}

static __attribute__((noinline)) int count_files(long department)
{
	pthread_mutex_lock(&departments[department]);
	int num = num_files[department];
	pthread_mutex_unlock(&departments[department]);
	return num;
}

static void *clerk_main(void *arg)
{
	return count_files((long)arg % NUM_DEPARTMENTS) ? arg : NULL;
}

int main(void)
{
	pthread_t thread;

	pthread_barrier_init(&all_have_one, NULL, NUM_DEPARTMENTS + 1);
	for (long i = 0; i < NUM_DEPARTMENTS; i++)
		if (pthread_create(&thread, NULL, manager_main, (void *)i))
			return 1;
	pthread_barrier_wait(&all_have_one);
	for (long i = 0; i < NUM_CLERKS; i++)
		if (pthread_create(&thread, NULL, clerk_main, (void *)i))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}
