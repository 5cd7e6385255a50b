/* A thread that blocks inside a signal handler.
 *
 * A service thread was interrupted in read() by SIGUSR1. Its handler runs on an alternate stack
 * and waits for the configuration's semaphore, which nobody posts. Two others read on.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HANDLER_STACK_SIZE (64 * 1024)

static sem_t config_free, handler_entered;
static _Atomic pid_t service_tid;
static int pipe_fds[2];

static __attribute__((noinline)) void reload_config(void)
{
	sem_wait(&config_free);
}

static void on_reload_signal(int signal)
{
	(void)signal;
	sem_post(&handler_entered);
	reload_config();
}

static __attribute__((noinline)) int read_requests(void)
{
	char request;

	return (int)read(pipe_fds[0], &request, 1);
}

static void *service_main(void *arg)
{
	stack_t stack = {.ss_sp = malloc(HANDLER_STACK_SIZE), .ss_size = HANDLER_STACK_SIZE};

	sigaltstack(&stack, NULL);
	service_tid = gettid();
	return read_requests() ? arg : NULL;
}

static void *reader_main(void *arg)
{
	return read_requests() ? arg : NULL;
}

/* Until the thread sleeps in system call 0, read(). */
static void wait_until_reading(pid_t tid)
{
	char path[64], text[8] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	while (strncmp(text, "0 ", 2) != 0) {
		file = fopen(path, "r");
		if (!file || !fgets(text, sizeof(text), file))
			text[0] = '\0';
		if (file)
			fclose(file);
	}
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_reload_signal,
				   .sa_flags = SA_ONSTACK | SA_RESTART};
	pthread_t service, reader;

	sem_init(&config_free, 0, 0);
	sem_init(&handler_entered, 0, 0);
	if (pipe(pipe_fds) || sigaction(SIGUSR1, &action, NULL))
		return 1;
	pthread_create(&service, NULL, service_main, NULL);
	while (!service_tid)
		usleep(1000);
	wait_until_reading(service_tid);
	pthread_kill(service, SIGUSR1);
	sem_wait(&handler_entered);
	for (int i = 0; i < 2; i++)
		pthread_create(&reader, NULL, reader_main, NULL);
	puts("ready");
	fflush(stdout);
	pthread_join(service, NULL);
	return 0;
}
