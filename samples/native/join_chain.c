/* A chain of threads, each joining the next one.
 *
 * Five pipeline stages; each waits for its successor to finish. The last one reads from a pipe
 * whose writer never writes.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define NUM_STAGES 5

static int pipe_fds[2];

static __attribute__((noinline)) void drain_input(void)
{
	char byte;

	while (read(pipe_fds[0], &byte, 1) == 1)
		;
}

static __attribute__((noinline)) void wait_for_stage(pthread_t stage)
{
	pthread_join(stage, NULL);
}

static void *stage_main(void *arg)
{
	long stage = (long)arg;
	pthread_t next;

	if (stage == NUM_STAGES) {
		drain_input();
		return NULL;
	}
	if (pthread_create(&next, NULL, stage_main, (void *)(stage + 1)))
		return NULL;
	wait_for_stage(next);
	return arg;
}

int main(void)
{
	pthread_t first;

	if (pipe(pipe_fds) || pthread_create(&first, NULL, stage_main, (void *)1L))
		return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(first, NULL);
	return 0;
}
