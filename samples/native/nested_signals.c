/* Signal handlers that interrupt each other.
 *
 * The service reads requests; SIGUSR1 has it wait in its handler for the configuration's lock,
 * which the main thread holds; SIGUSR2 interrupts that wait, and its handler pauses. The second
 * service was computing when its first signal came; the third one joined a helper, which has ended
 * since.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t config_lock = PTHREAD_MUTEX_INITIALIZER;
static int pipe_fds[2];
static atomic_int num_sums, num_reloads, helper_tid;
static atomic_bool may_end;
static pthread_t helper;

static void on_reload(int signal)
{
	(void)signal;
	num_reloads++;
	pthread_mutex_lock(&config_lock);
	pthread_mutex_unlock(&config_lock);
}

static void on_freeze(int signal)
{
	(void)signal;
	for (;;)
		pause();
}

static __attribute__((noinline)) void read_requests(void)
{
	char request;

	while (read(pipe_fds[0], &request, 1) < 0)
		continue;
}

static __attribute__((noinline)) void compute(void)
{
	for (;;)
		num_sums++;
}

static void *helper_main(void *arg)
{
	helper_tid = gettid();
	while (!may_end)
		usleep(1000);
	return arg;
}

static __attribute__((noinline)) void join_helper(void)
{
	pthread_join(helper, NULL);
}

static struct service {
	void (*run)(void);
	long call; /* that it makes; -1 none */
	pthread_t thread;
	atomic_int tid;
} services[] = {
	{.run = read_requests, .call = SYS_read},
	{.run = compute, .call = -1},
	{.run = join_helper, .call = SYS_futex},
};

enum { NUM = sizeof(services) / sizeof(services[0]) };

static void *service_main(void *arg)
{
	struct service *service = arg;

	service->tid = gettid();
	service->run();
	return arg;
}

/* Until the thread is in this system call (-1: in none), or is no more. */
static void wait_until_in(pid_t tid, long wanted)
{
	char path[64];
	long call = -2;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	while (call != wanted) {
		FILE *file = fopen(path, "r");

		if (!file)
			return;
		if (fscanf(file, "%ld", &call) != 1)
			call = -1;
		fclose(file);
	}
}

static int start(struct service *service)
{
	if (pthread_create(&service->thread, NULL, service_main, service))
		return -1;
	while (!service->tid || (service->call == -1 && !num_sums))
		usleep(1000);
	wait_until_in(service->tid, service->call);
	return 0;
}

int main(void)
{
	struct sigaction reload = {.sa_handler = on_reload, .sa_flags = SA_RESTART};
	struct sigaction freeze = {.sa_handler = on_freeze, .sa_flags = SA_RESTART};

	if (pipe(pipe_fds) || sigaction(SIGUSR1, &reload, NULL) ||
	    sigaction(SIGUSR2, &freeze, NULL) || pthread_create(&helper, NULL, helper_main, NULL))
		return 1;
	pthread_mutex_lock(&config_lock);
	for (int i = 0; i < NUM; i++) {
		if (start(&services[i]))
			return 1;
		pthread_kill(services[i].thread, SIGUSR1);
		while (num_reloads <= i)
			usleep(1000);
		wait_until_in(services[i].tid, SYS_futex);
		pthread_kill(services[i].thread, SIGUSR2);
		wait_until_in(services[i].tid, SYS_pause);
	}
	may_end = true;
	wait_until_in(helper_tid, -3);
	puts("ready");
	fflush(stdout);
	pthread_join(services[0].thread, NULL);
	return 0;
}
