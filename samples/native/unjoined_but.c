/* A thread has ended, and main has forgotten its pthread_t; but the kernel has it, in an epoll
 * event that was added by a system call of the program's own. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
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
	/* Until the kernel has only one thread left. */
	for (char line[4096] = ""; strstr(line, "Threads:\t1\n") == NULL;) {
		int fd = open("/proc/self/status", O_RDONLY);
		ssize_t size = read(fd, line, sizeof(line) - 1);
		line[size > 0 ? size : 0] = 0;
		close(fd);
	}
	scrub();
	setvbuf(stdout, NULL, _IONBF, 0);
	puts("ready");
	for (;;)
		pause();
}
