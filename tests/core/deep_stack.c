/* A thread as many calls deep as the first argument says, which then waits. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STACK_SIZE = 1 << 28 };

static volatile long returned;

static __attribute__((noinline)) void descend(long left)
{
	if (left > 1) {
		descend(left - 1);
	} else {
		puts("ready");
		fflush(stdout);
		pause();
	}
	returned++;
}

static void *deep_main(void *argument)
{
	descend((long)argument);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_attr_t attributes;
	pthread_t thread;
	if (argc != 2 || pthread_attr_init(&attributes) != 0 ||
	    pthread_attr_setstacksize(&attributes, STACK_SIZE) != 0)
		return 1;
	if (pthread_create(&thread, &attributes, deep_main, (void *)atol(argv[1])) != 0)
		return 1;
	pthread_join(thread, NULL);
	return 0;
}
