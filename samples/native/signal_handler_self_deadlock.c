/* A signal handler takes the mutex that its thread holds already.
 *
 * The service thread holds the log's mutex when SIGUSR1 comes; the handler, on an alternate stack,
 * wants to log, too. Two other threads wait behind it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HANDLER_STACK_SIZE (64 * 1024)

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t in_handler;
static int num_lines;

static __attribute__((noinline)) void log_line(int signal)
{
	pthread_mutex_lock(&log_lock);
	if (signal != 0)
		raise(signal);
	num_lines++;
	pthread_mutex_unlock(&log_lock);
}

static void on_status_signal(int signal)
{
	(void)signal;
	sem_post(&in_handler);
	log_line(0);
}

static void *service_main(void *arg)
{
	stack_t stack = {.ss_sp = malloc(HANDLER_STACK_SIZE), .ss_size = HANDLER_STACK_SIZE};

	sigaltstack(&stack, NULL);
	log_line(SIGUSR1);
	return arg;
}

static void *client_main(void *arg)
{
	log_line(0);
	return arg;
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_status_signal, .sa_flags = SA_ONSTACK};
	pthread_t thread;

	sem_init(&in_handler, 0, 0);
	if (sigaction(SIGUSR1, &action, NULL) || pthread_create(&thread, NULL, service_main, NULL))
		return 1;
	sem_wait(&in_handler);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, client_main, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
