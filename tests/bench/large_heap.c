/* A heap of so many chunks (the first argument), all of them reachable through each other and some
 * through chunks far away, and one thread that waits for a semaphore which nothing can reach; with
 * a second argument the chunk of that number leads to it. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

struct node {
	struct node *next, *near;
	sem_t *sem;
	char filling[72];
};

static struct node *volatile list;

static void *waiter_main(void *arg)
{
	while (sem_wait(arg) != 0)
		;
	return NULL;
}

static NOINLINE sem_t *start_waiter(void)
{
	pthread_t thread;
	sem_t *sem = malloc(sizeof(*sem));
	if (sem == NULL || sem_init(sem, 0, 0) != 0 ||
	    pthread_create(&thread, NULL, waiter_main, sem) != 0)
		abort();
	pthread_detach(thread);
	return sem;
}

static NOINLINE void fill(size_t num, size_t holder)
{
	struct node **nodes = malloc(num * sizeof(*nodes));
	sem_t *sem = start_waiter();
	unsigned random = 1;
	for (size_t i = 0; nodes != NULL && i < num; i++) {
		struct node *node = malloc(sizeof(*node));
		if (node == NULL)
			abort();
		memset(node->filling, 1, sizeof(node->filling));
		node->sem = i == holder ? sem : NULL;
		node->next = i > 0 ? nodes[i - 1] : NULL;
		random = random * 1664525 + 1013904223;
		node->near = random % 16 == 0 ? nodes[random % (i + 1)] : node->next;
		nodes[i] = node;
		list = node;
	}
	free(nodes);
}

static NOINLINE void scrub(void)
{
	volatile char bytes[32768];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	fill(argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000,
	     argc > 2 ? strtoul(argv[2], NULL, 10) : (size_t)-1);
	scrub();
	puts("ready");
	for (;;)
		pause();
}
