/* A mutex that seems to be abandoned, and that a coroutine in another thread will unlock.
 *
 * The first thread runs a coroutine until that has taken the mutex, and ends. The second thread
 * goes on with the coroutine, which reads; then it would unlock. POSIX forbids that, glibc does
 * not. A third thread waits for the mutex, whose recorded owner has ended.
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
static sem_t has_moved;
static int entries[2];

static __attribute__((noinline)) void read_entry(void)
{
	char entry;

	if (read(entries[0], &entry, 1) != 1)
		abort();
}

static void coroutine_main(void)
{
	pthread_mutex_lock(&ledger);
	swapcontext(&coroutine, &back);
	sem_post(&has_moved);
	read_entry();
	pthread_mutex_unlock(&ledger);
}

static void *runner_main(void *arg)
{
	swapcontext(&back, &coroutine);
	return arg;
}

static __attribute__((noinline)) void close_ledger(void)
{
	pthread_mutex_lock(&ledger);
	pthread_mutex_unlock(&ledger);
}

static void *auditor_main(void *arg)
{
	close_ledger();
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&has_moved, 0, 0);
	if (pipe(entries) || getcontext(&coroutine))
		return 1;
	coroutine.uc_stack.ss_sp = malloc(STACK_SIZE);
	coroutine.uc_stack.ss_size = STACK_SIZE;
	coroutine.uc_link = &back;
	makecontext(&coroutine, coroutine_main, 0);
	if (pthread_create(&thread, NULL, runner_main, NULL))
		return 1;
	pthread_join(thread, NULL);
	if (pthread_create(&thread, NULL, runner_main, NULL))
		return 1;
	sem_wait(&has_moved);
	if (pthread_create(&thread, NULL, auditor_main, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
