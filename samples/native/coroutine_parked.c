/* A self-deadlock in appearance: a parked coroutine of the thread's holds the mutex, and another
 * thread would go on with it.
 *
 * The first thread runs a coroutine until that has taken the mutex, and then waits for the mutex
 * itself. The second thread reads on its own stack; then it would go on with the coroutine, which
 * unlocks. While the core is written no thread is on a coroutine's stack.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_SIZE 65536

static pthread_mutex_t ledger = PTHREAD_MUTEX_INITIALIZER;
static ucontext_t coroutine, back;
static sem_t has_parked;
static int entries[2];

static void coroutine_main(void)
{
	pthread_mutex_lock(&ledger);
	swapcontext(&coroutine, &back);
	pthread_mutex_unlock(&ledger);
}

static __attribute__((noinline)) void close_ledger(void)
{
	pthread_mutex_lock(&ledger);
	pthread_mutex_unlock(&ledger);
}

static void *starter_main(void *arg)
{
	swapcontext(&back, &coroutine);
	sem_post(&has_parked);
	close_ledger();
	return arg;
}

static void *resumer_main(void *arg)
{
	char entry;

	sem_wait(&has_parked);
	puts("ready");
	fflush(stdout);
	if (read(entries[0], &entry, 1) != 1)
		abort();
	swapcontext(&back, &coroutine);
	return arg;
}

int main(void)
{
	pthread_t starter, resumer;

	sem_init(&has_parked, 0, 0);
	if (pipe(entries) || getcontext(&coroutine))
		return 1;
	coroutine.uc_stack.ss_sp = malloc(STACK_SIZE);
	coroutine.uc_stack.ss_size = STACK_SIZE;
	coroutine.uc_link = &back;
	makecontext(&coroutine, coroutine_main, 0);
	if (pthread_create(&starter, NULL, starter_main, NULL) ||
	    pthread_create(&resumer, NULL, resumer_main, NULL))
		return 1;
	for (;;)
		pause();
}
