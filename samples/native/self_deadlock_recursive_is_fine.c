/* A thread locks a recursive mutex twice and works on: no fault.
 *
 * It then reads commands from a pipe for as long as it likes; two others wait for the mutex.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t terminal = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static sem_t has_lock;
static int pipe_fds[2];

static __attribute__((noinline)) char read_key(void)
{
	char key = 0;

	pthread_mutex_lock(&terminal);
	sem_post(&has_lock);
	if (read(pipe_fds[0], &key, 1) != 1)
		key = 'q';
	pthread_mutex_unlock(&terminal);
	return key;
}

static void *editor_main(void *arg)
{
	pthread_mutex_lock(&terminal);
	while (read_key() != 'q')
		;
	pthread_mutex_unlock(&terminal);
	return arg;
}

static __attribute__((noinline)) void show_message(void)
{
	pthread_mutex_lock(&terminal);
	fputs("You have mail.\n", stderr);
	pthread_mutex_unlock(&terminal);
}

static void *mail_main(void *arg)
{
	show_message();
	return arg;
}

int main(void)
{
	pthread_t thread;

	sem_init(&has_lock, 0, 0);
	if (pipe(pipe_fds) || pthread_create(&thread, NULL, editor_main, NULL))
		return 1;
	sem_wait(&has_lock);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, mail_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
