/* A barrier for five that only four ever reach.
 *
 * The solver was built for five partitions, but one partition was empty and got no thread.
 */
#include <pthread.h>
#include <stdio.h>

#define NUM_PARTITIONS 5

static pthread_barrier_t end_of_step;
static const int num_rows[NUM_PARTITIONS] = {100, 100, 0, 100, 100};
static double sums[NUM_PARTITIONS];

static __attribute__((noinline)) void solve_step(int partition)
{
	for (int row = 0; row < num_rows[partition]; row++)
		sums[partition] += row;
	pthread_barrier_wait(&end_of_step);
}

static void *solver_main(void *arg)
{
	for (int step = 0; step < 10; step++)
		solve_step((int)(long)arg);
	return NULL;
}

int main(void)
{
	pthread_t solvers[NUM_PARTITIONS];

	pthread_barrier_init(&end_of_step, NULL, NUM_PARTITIONS);
	for (long i = 0; i < NUM_PARTITIONS; i++)
		if (num_rows[i] && pthread_create(&solvers[i], NULL, solver_main, (void *)i))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(solvers[0], NULL);
	return 0;
}
