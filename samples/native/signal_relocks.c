/* A signal handler that takes a lock which the code it interrupted holds.
 *
 * The log is written to a pipe that nobody reads; the main thread is asleep in write(), with the
 * log's lock held, when SIGHUP comes, and its handler writes to the log too. Two workers want to
 * log behind it. With the argument "alternate" the handler has a stack of its own.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HANDLER_STACK_SIZE (64 * 1024)

static struct {
	pthread_mutex_t lock;
	int fd;
} log_file = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_bool in_handler;

static __attribute__((noinline)) void write_log(const char *line)
{
	pthread_mutex_lock(&log_file.lock);
	if (write(log_file.fd, line, strlen(line)) < 0)
		perror("write");
	pthread_mutex_unlock(&log_file.lock);
}

static void on_hangup(int signal)
{
	(void)signal;
	in_handler = true;
	write_log("reopened\n");
}

static void *worker_main(void *arg)
{
	write_log("worker\n");
	return arg;
}

/* Waits until the main thread sleeps in write(), wakes it by the signal, starts the workers. */
static void *supervisor_main(void *arg)
{
	char path[64];
	long call = -1;
	pthread_t worker;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", getpid());
	while (call != SYS_write) {
		FILE *file = fopen(path, "r");

		if (!file)
			return NULL;
		if (fscanf(file, "%ld", &call) != 1)
			call = -1;
		fclose(file);
	}
	pthread_kill(*(pthread_t *)arg, SIGHUP);
	while (!in_handler)
		usleep(1000);
	for (int i = 0; i < 2; i++)
		pthread_create(&worker, NULL, worker_main, NULL);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

static __attribute__((noinline)) void fill_log(void)
{
	static char line[4096];

	memset(line, 'x', sizeof(line) - 1);
	for (;;)
		write_log(line);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
	pthread_t self = pthread_self(), supervisor;
	stack_t stack = {.ss_size = HANDLER_STACK_SIZE};
	int fds[2];

	if (argc > 1 && strcmp(argv[1], "alternate") == 0) {
		stack.ss_sp = malloc(HANDLER_STACK_SIZE);
		sigaltstack(&stack, NULL);
		action.sa_flags |= SA_ONSTACK;
	}
	if (pipe(fds) || sigaction(SIGHUP, &action, NULL))
		return 1;
	log_file.fd = fds[1];
	if (pthread_create(&supervisor, NULL, supervisor_main, &self))
		return 1;
	fill_log();
	return 0;
}
