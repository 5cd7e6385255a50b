/* A self-deadlock in appearance: who really holds the mutex only shares its thread's descriptor.
 *
 * A helper is cloned by hand, without thread-local storage of its own, as some sandboxes do. All
 * that glibc knows of it is the descriptor of the thread that cloned it, whose id its locks record.
 * It reads; then it would unlock what that very thread waits for.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_SIZE 65536

static pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;
static sem_t has_lock;
static int entries[2];

static int helper_main(void *arg)
{
	char entry;

	(void)arg;
	pthread_mutex_lock(&journal);
	sem_post(&has_lock);
	if (read(entries[0], &entry, 1) != 1)
		return 1;
	pthread_mutex_unlock(&journal);
	for (;;)
		pause();
}

static __attribute__((noinline)) void write_journal(void)
{
	pthread_mutex_lock(&journal);
	pthread_mutex_unlock(&journal);
}

int main(void)
{
	char *stack = malloc(STACK_SIZE);

	sem_init(&has_lock, 0, 0);
	if (stack == NULL || pipe(entries))
		return 1;
	if (clone(helper_main, stack + STACK_SIZE,
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		  NULL) < 0)
		return 1;
	sem_wait(&has_lock);
	puts("ready");
	fflush(stdout);
	write_journal();
	return 0;
}
