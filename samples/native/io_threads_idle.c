/* Input/output threads that are switched off by holding their mutexes, as redis does: no fault.
 *
 * While there is little to do, main keeps the mutex of each of them and serves all clients
 * itself. It waits for them in epoll_wait().
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define NUM_IO_THREADS 3

static pthread_mutex_t io_locks[NUM_IO_THREADS];
static _Atomic int num_pending[NUM_IO_THREADS];

static void *io_thread_main(void *arg)
{
	long id = (long)arg;

	for (;;) {
		pthread_mutex_lock(&io_locks[id]);
		pthread_mutex_unlock(&io_locks[id]);
		num_pending[id] = 0;
	}
	return NULL;
}

static __attribute__((noinline)) void run_event_loop(int epoll_fd)
{
	struct epoll_event event;

	while (epoll_wait(epoll_fd, &event, 1, -1) <= 0)
		;
}

int main(void)
{
	pthread_t thread;
	int epoll_fd = epoll_create1(0);

	for (long i = 0; i < NUM_IO_THREADS; i++) {
		pthread_mutex_init(&io_locks[i], NULL);
		pthread_mutex_lock(&io_locks[i]);
		if (pthread_create(&thread, NULL, io_thread_main, (void *)i))
			return 1;
	}
	puts("ready");
	fflush(stdout);
	run_event_loop(epoll_fd);
	return 0;
}
