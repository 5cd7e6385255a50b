/* The C side: calls Go from wherever it is. */
#include "_cgo_export.h"

#include <pthread.h>
#include <stddef.h>

void call_back(int depth)
{
	if (depth > 0)
		call_back(depth - 1);
	else
		goCallback(depth);
	/* Not a tail call. */
	__asm__ volatile("");
}

static void *thread_main(void *arg)
{
	(void)arg;
	call_back(2);
	return NULL;
}

void start_threads(int number)
{
	for (int i = 0; i < number; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, thread_main, NULL);
	}
}
