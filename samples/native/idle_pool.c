/* A thread pool that has done its work and waits for more: normal, no fault.
 *
 * Sixteen workers resized 200 pictures and now wait on the pool's condition, which main still
 * holds; main waits in sigwait for the next request.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#define NUM_WORKERS  16
#define NUM_PICTURES 200

static struct {
	pthread_mutex_t lock;
	pthread_cond_t has_work, all_done;
	int queued, finished;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
	  .has_work = PTHREAD_COND_INITIALIZER,
	  .all_done = PTHREAD_COND_INITIALIZER};

static __attribute__((noinline)) void wait_for_work(void)
{
	while (!pool.queued)
		pthread_cond_wait(&pool.has_work, &pool.lock);
	pool.queued--;
}

static __attribute__((noinline)) void resize_pictures(void)
{
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		wait_for_work();
		if (++pool.finished == NUM_PICTURES)
			pthread_cond_signal(&pool.all_done);
	}
}

static void *pool_worker_main(void *arg)
{
	(void)arg;
	resize_pictures();
	return NULL;
}

int main(void)
{
	pthread_t worker;
	sigset_t requests;
	int taken;

	sigemptyset(&requests);
	sigaddset(&requests, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &requests, NULL);
	for (int i = 0; i < NUM_WORKERS; i++)
		if (pthread_create(&worker, NULL, pool_worker_main, NULL))
			return 1;
	pthread_mutex_lock(&pool.lock);
	pool.queued = NUM_PICTURES;
	pthread_cond_broadcast(&pool.has_work);
	while (pool.finished < NUM_PICTURES)
		pthread_cond_wait(&pool.all_done, &pool.lock);
	pthread_mutex_unlock(&pool.lock);
	puts("ready");
	fflush(stdout);
	return sigwait(&requests, &taken);
}
