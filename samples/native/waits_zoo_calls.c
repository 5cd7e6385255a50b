/* The zoo's waits in the kernel for time, and for files of all sorts. */
#define _GNU_SOURCE
#include "waits_zoo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <threads.h>
#include <unistd.h>

static const struct timespec far = {.tv_sec = FAR_S};

/* ---- Time ---- */

enum { SLEEP, USLEEP, NANOSLEEP, CLOCK_RELATIVE, CLOCK_REAL, CLOCK_MONO, THRD_SLEEP };

static void *wait_sleep(void *arg)
{
	struct timespec left = far;

	will_call(arg, "sleep", true);
	switch (number_of(arg)) {
	case SLEEP:
		sleep(FAR_S);
		break;
	case USLEEP:
		usleep(UINT_MAX);
		break;
	case NANOSLEEP:
		nanosleep(&left, &left);
		break;
	case CLOCK_RELATIVE:
		clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left);
		break;
	case CLOCK_REAL:
		clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, far_real(), NULL);
		break;
	case CLOCK_MONO:
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, far_mono(), NULL);
		break;
	case THRD_SLEEP:
		thrd_sleep(&left, NULL);
		break;
	}
	return NULL;
}

/* ---- Many descriptors at once ---- */

enum { POLL, POLL_TIMED, PPOLL, PPOLL_TIMED, SELECT, SELECT_TIMED, PSELECT, PSELECT_TIMED };

static int quiet_fd(void)
{
	int fd = eventfd(0, 0);

	if (fd < 0)
		abort();
	return fd;
}

static void *wait_poll(void *arg)
{
	struct pollfd fd = {.fd = quiet_fd(), .events = POLLIN};
	int number = number_of(arg);

	will_call(arg, "poll", number == POLL_TIMED || number == PPOLL_TIMED);
	if (number == POLL || number == POLL_TIMED)
		poll(&fd, 1, number == POLL ? -1 : FAR_S * 1000);
	else
		ppoll(&fd, 1, number == PPOLL ? NULL : &far, NULL);
	return NULL;
}

static void *wait_select(void *arg)
{
	struct timeval timeout = {.tv_sec = FAR_S};
	int number = number_of(arg), fd = quiet_fd();
	fd_set fds;

	FD_ZERO(&fds);
	FD_SET(fd, &fds);
	will_call(arg, "select", number == SELECT_TIMED || number == PSELECT_TIMED);
	if (number == SELECT || number == SELECT_TIMED)
		select(fd + 1, &fds, NULL, NULL, number == SELECT ? NULL : &timeout);
	else
		pselect(fd + 1, &fds, NULL, NULL, number == PSELECT ? NULL : &far, NULL);
	return NULL;
}

enum { EPOLL, EPOLL_TIMED, EPOLL_P, EPOLL_P_TIMED, EPOLL_P2_TIMED };

/* glibc has the function since 2.35. */
static void wait_epoll_pwait2(int epoll_fd, struct epoll_event *event)
{
#if __GLIBC_PREREQ(2, 35)
	epoll_pwait2(epoll_fd, event, 1, &far, NULL);
#else
	syscall(__NR_epoll_pwait2, epoll_fd, event, 1, &far, NULL, 0);
#endif
}

static void *wait_epoll(void *arg)
{
	struct epoll_event event = {.events = EPOLLIN};
	int number = number_of(arg), epoll_fd = epoll_create1(0);
	bool timed = number != EPOLL && number != EPOLL_P;

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, quiet_fd(), &event))
		abort();
	will_wait_for_fd(arg, "epoll", epoll_fd, timed);
	/* A debugger that attaches ends these calls with EINTR. */
	for (;;) {
		if (number == EPOLL || number == EPOLL_TIMED)
			epoll_wait(epoll_fd, &event, 1, timed ? FAR_S * 1000 : -1);
		else if (number != EPOLL_P2_TIMED)
			epoll_pwait(epoll_fd, &event, 1, timed ? FAR_S * 1000 : -1, NULL);
		else
			wait_epoll_pwait2(epoll_fd, &event);
	}
}

/* ---- Reading and writing ---- */

enum { PIPE, SOCKET_PAIR, EVENT_FD, TIMER_FD, INOTIFY, SIGNAL_FD, TERMINAL };

/* A descriptor that has nothing to read; -1: there is none here. */
static int empty_fd(int number)
{
	int fds[2], fd;
	sigset_t signals;

	switch (number) {
	case PIPE:
		return pipe(fds) ? -1 : fds[0];
	case SOCKET_PAIR:
		return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ? -1 : fds[0];
	case EVENT_FD:
		return quiet_fd();
	case TIMER_FD:
		return timerfd_create(CLOCK_MONOTONIC, 0);
	case INOTIFY:
		return inotify_init1(0);
	case SIGNAL_FD:
		sigemptyset(&signals);
		sigaddset(&signals, SIGUSR1);
		return signalfd(-1, &signals, 0);
	default:
		fd = posix_openpt(O_RDWR | O_NOCTTY);
		if (fd < 0 || grantpt(fd) || unlockpt(fd))
			return -1;
		return open(ptsname(fd), O_RDWR | O_NOCTTY);
	}
}

static void *wait_read(void *arg)
{
	int fd = empty_fd(number_of(arg));
	char bytes[256];

	if (fd < 0) {
		will_skip(arg, strerror(errno));
		return NULL;
	}
	will_wait_for_fd(arg, "read", fd, false);
	return read(fd, bytes, sizeof(bytes)) > 0 ? arg : NULL;
}

static void *wait_readv(void *arg)
{
	int fd = empty_fd(PIPE);
	char bytes[8];
	struct iovec vector = {.iov_base = bytes, .iov_len = sizeof(bytes)};

	will_wait_for_fd(arg, "read", fd, false);
	return readv(fd, &vector, 1) > 0 ? arg : NULL;
}

/* The writing end of a pipe or socket that takes no more. */
static int full_fd(bool is_socket)
{
	static const char bytes[4096];
	int fds[2];

	if (is_socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : pipe(fds))
		abort();
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	while (write(fds[1], bytes, sizeof(bytes)) > 0)
		;
	fcntl(fds[1], F_SETFL, 0);
	return fds[1];
}

static void *wait_write(void *arg)
{
	bool is_vector = number_of(arg) != 0;
	static char bytes[4096];
	struct iovec vector = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	int fd = full_fd(is_vector);

	will_wait_for_fd(arg, "write", fd, false);
	return (is_vector ? writev(fd, &vector, 1) : write(fd, bytes, sizeof(bytes))) > 0 ? arg
											  : NULL;
}

static void *wait_splice(void *arg)
{
	int fd = empty_fd(PIPE);

	will_wait_for_fd(arg, "syscall:splice", fd, false);
	splice(fd, NULL, full_fd(false), NULL, 1, 0);
	return NULL;
}

static void *wait_open_fifo(void *arg)
{
	char path[64];
	int path_fd;

	snprintf(path, sizeof(path), "waits_zoo.%d.fifo", getpid());
	if (mkfifo(path, 0600)) {
		will_skip(arg, strerror(errno));
		return NULL;
	}
	/* Nothing is left behind: the second name is the descriptor's. */
	path_fd = open(path, O_PATH);
	unlink(path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	will_call(arg, "syscall:openat", false);
	open(path, O_RDONLY);
	return NULL;
}

struct kind call_kinds[] = {
	NUMBERED(wait_sleep, SLEEP),
	NUMBERED(wait_sleep, USLEEP),
	NUMBERED(wait_sleep, NANOSLEEP),
	NUMBERED(wait_sleep, CLOCK_RELATIVE),
	NUMBERED(wait_sleep, CLOCK_REAL),
	NUMBERED(wait_sleep, CLOCK_MONO),
	NUMBERED(wait_sleep, THRD_SLEEP),
	NUMBERED(wait_poll, POLL),
	NUMBERED(wait_poll, POLL_TIMED),
	NUMBERED(wait_poll, PPOLL),
	NUMBERED(wait_poll, PPOLL_TIMED),
	NUMBERED(wait_select, SELECT),
	NUMBERED(wait_select, SELECT_TIMED),
	NUMBERED(wait_select, PSELECT),
	NUMBERED(wait_select, PSELECT_TIMED),
	NUMBERED(wait_epoll, EPOLL),
	NUMBERED(wait_epoll, EPOLL_TIMED),
	NUMBERED(wait_epoll, EPOLL_P),
	NUMBERED(wait_epoll, EPOLL_P_TIMED),
	NUMBERED(wait_epoll, EPOLL_P2_TIMED),
	NUMBERED(wait_read, PIPE),
	NUMBERED(wait_read, SOCKET_PAIR),
	NUMBERED(wait_read, EVENT_FD),
	NUMBERED(wait_read, TIMER_FD),
	NUMBERED(wait_read, INOTIFY),
	NUMBERED(wait_read, SIGNAL_FD),
	NUMBERED(wait_read, TERMINAL),
	KIND(wait_readv, NULL),
	NUMBERED(wait_write, false),
	NUMBERED(wait_write, true),
	KIND(wait_splice, NULL),
	KIND(wait_open_fifo, NULL),
};
const size_t num_call_kinds = LEN(call_kinds);
