/* Two coroutines on stacks from malloc() wait for each other's mutex.
 *
 * Each thread switches to a coroutine by swapcontext(); glibc does not know these stacks. With the
 * argument `errorcheck` the mutexes let nobody unlock them but the thread that took them.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_SIZE 65536

static pthread_mutex_t rooms[2];
static pthread_barrier_t both_have_one;

static __attribute__((noinline)) void book_room(int room)
{
	pthread_mutex_lock(&rooms[room]);
	pthread_mutex_unlock(&rooms[room]);
}

static void coroutine_main(int room)
{
	book_room(room);
}

static void *thread_main(void *arg)
{
	ucontext_t coroutine, back;
	int own = (int)(long)arg;

	pthread_mutex_lock(&rooms[own]);
	pthread_barrier_wait(&both_have_one);
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = malloc(STACK_SIZE);
	coroutine.uc_stack.ss_size = STACK_SIZE;
	coroutine.uc_link = &back;
	makecontext(&coroutine, (void (*)(void))coroutine_main, 1, 1 - own);
	swapcontext(&back, &coroutine);
	pthread_mutex_unlock(&rooms[own]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;
	pthread_t thread;

	pthread_mutexattr_init(&attr);
	if (argc > 1 && !strcmp(argv[1], "errorcheck"))
		pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	for (int i = 0; i < 2; i++)
		pthread_mutex_init(&rooms[i], &attr);
	pthread_barrier_init(&both_have_one, NULL, 3);
	for (long i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, thread_main, (void *)i))
			return 1;
	pthread_barrier_wait(&both_have_one);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
