/* A thread joins another one while it holds the mutex that the other one needs to end.
 *
 * The worker wants to count its result; the supervisor holds the statistics' lock and waits for
 * the worker to end.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t statistics = PTHREAD_MUTEX_INITIALIZER;
static int num_results;

static __attribute__((noinline)) void count_result(void)
{
	pthread_mutex_lock(&statistics);
	num_results++;
	pthread_mutex_unlock(&statistics);
}

static void *worker_main(void *arg)
{
	count_result();
	return arg;
}

static __attribute__((noinline)) void run_worker(void)
{
	pthread_t worker;

	pthread_mutex_lock(&statistics);
	if (pthread_create(&worker, NULL, worker_main, NULL) == 0)
		pthread_join(worker, NULL);
	pthread_mutex_unlock(&statistics);
}

static void *supervisor_main(void *arg)
{
	run_worker();
	return arg;
}

int main(void)
{
	pthread_t supervisor;

	if (pthread_create(&supervisor, NULL, supervisor_main, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
