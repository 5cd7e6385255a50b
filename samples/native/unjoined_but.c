/* A thread has ended, and main has forgotten its pthread_t, or never knew it. CASE says who has it
 * all the same. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static void *ended_main(void *arg)
{
	return arg;
}

#if defined(CASE_SYSCALL)
/* The kernel, in an epoll event that was added by a system call of the program's own. */
#define NUM_THREADS "1"
static NOINLINE void hide(void)
{
	pthread_t thread;
	struct epoll_event event = {.events = EPOLLIN};
	long epoll_fd = syscall(SYS_epoll_create1, 0);
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (pthread_create(&thread, NULL, ended_main, NULL) != 0)
		abort();
	event.data.u64 = thread;
	if (syscall(SYS_epoll_ctl, epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		abort();
}
#define rest pause

#else
/* A thread that waits for what nobody knows, but joins it when it is cancelled. */
#define NUM_THREADS "2"
static volatile pthread_t waiter;

static void join_thread(void *arg)
{
	pthread_join(*(pthread_t *)arg, NULL);
}

static void *waiter_main(void *arg)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, ended_main, NULL) != 0)
		abort();
	pthread_cleanup_push(join_thread, &thread);
	while (sem_wait(arg) != 0)
		;
	pthread_cleanup_pop(1);
	return NULL;
}

static NOINLINE void hide(void)
{
	pthread_t thread;
	sem_t *sem = malloc(sizeof(*sem));
	sem_init(sem, 0, 0);
	if (pthread_create(&thread, NULL, waiter_main, sem) != 0)
		abort();
	waiter = thread;
}

static NOINLINE void rest(void)
{
	pause();
	pthread_cancel(waiter);
}
#endif

/* Leaves no trace of what earlier calls had on the stack. */
static NOINLINE void scrub(void)
{
	volatile char bytes[32768];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
}

int main(void)
{
	hide();
	scrub();
	/* Until the kernel has only so many threads left. */
	for (char line[4096] = ""; strstr(line, "Threads:\t" NUM_THREADS "\n") == NULL;) {
		usleep(1000);
		int fd = open("/proc/self/status", O_RDONLY);
		ssize_t size = read(fd, line, sizeof(line) - 1);
		line[size > 0 ? size : 0] = 0;
		close(fd);
	}
	scrub();
	setvbuf(stdout, NULL, _IONBF, 0);
	puts("ready");
	for (;;)
		rest();
}
