/* Three threads wait and three have ended, never joined. One of the first and two of the others
 * have used 512 KiB of their stacks of 1 MiB, the rest nearly nothing. What a thread has used stays
 * in memory until it ends: then glibc gives back all but the part that it is running on.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { STACK_SIZE = 1024 * 1024, MUCH = 512 * 1024 };

static pthread_barrier_t met;

static __attribute__((noinline)) void use_much(void)
{
	volatile char room[MUCH];
	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 1;
}

static void *waiter_main(void *arg)
{
	if (arg != NULL)
		use_much();
	pthread_barrier_wait(&met);
	for (;;)
		pause();
}

static void *ended_main(void *arg)
{
	if (arg != NULL)
		use_much();
	pthread_barrier_wait(&met);
	return NULL;
}

/* Known: they could still be joined. */
static volatile pthread_t known[3];

int main(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_barrier_init(&met, NULL, 7);
	for (int i = 0; i < 3; i++) {
		if (pthread_create(&thread, &attr, waiter_main, i < 1 ? &met : NULL) != 0 ||
		    pthread_create(&thread, &attr, ended_main, i < 2 ? &met : NULL) != 0)
			return 1;
		known[i] = thread;
	}
	pthread_barrier_wait(&met);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
