/* The zoo's waits for signals and children, in signal handlers, and in calls without a function
 * of libc: io_uring, kernel AIO, raw futexes. */
#define _GNU_SOURCE
#include "waits_zoo.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct timespec far = {.tv_sec = FAR_S};

/* ---- Children and signals ---- */

static void *wait_child(void *arg)
{
	siginfo_t info;

	will_call(arg, "wait-child", false);
	if (number_of(arg))
		waitid(P_PID, (id_t)child, &info, WEXITED);
	else
		waitpid(child, NULL, 0);
	return NULL;
}

enum { SIGSUSPEND, SIGWAIT, SIGWAITINFO, SIGTIMEDWAIT };

static void *wait_signal(void *arg)
{
	int number = number_of(arg), taken;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	will_call(arg, "signal", number == SIGTIMEDWAIT);
	/* A debugger that attaches ends some of these with EINTR. */
	while (number == SIGSUSPEND    ? sigsuspend(&signals) == -1
	       : number == SIGWAIT     ? sigwait(&signals, &taken) != 0
	       : number == SIGWAITINFO ? sigwaitinfo(&signals, NULL) < 0
				       : sigtimedwait(&signals, NULL, &far) < 0)
		;
	return NULL;
}

/* What a handler waits for is what counts, not what it interrupted. */
static struct kind *handled_kind;
static _Atomic pid_t handled_tid;
static int handler_futex, never_futex;

static void wait_in_handler(int signal)
{
	(void)signal;
	will_wait(handled_kind,
		  (struct truth){.reason = "futex", .object = "futex", .addr = &handler_futex});
	while (syscall(SYS_futex, &handler_futex, FUTEX_WAIT_PRIVATE, 0, NULL))
		;
}

static void read_in_handler(int signal)
{
	int fds[2];
	char byte;

	(void)signal;
	if (pipe(fds))
		abort();
	will_wait_for_fd(handled_kind, "read", fds[0], false);
	if (read(fds[0], &byte, 1) == 1)
		abort();
}

static void handle_signal(struct kind *kind, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	stack_t stack = {.ss_size = 65536};

	stack.ss_sp = malloc(stack.ss_size);
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR2, &action, NULL);
	handled_kind = kind;
	handled_tid = gettid();
}

static void *wait_in_handler_over_cond(void *arg)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

	handle_signal(arg, wait_in_handler);
	pthread_mutex_lock(&mutex);
	while (pthread_cond_wait(&cond, &mutex) == 0)
		;
	return NULL;
}

static void *read_in_handler_over_futex(void *arg)
{
	handle_signal(arg, read_in_handler);
	syscall(SYS_futex, &never_futex, FUTEX_WAIT_PRIVATE, 0, NULL);
	return NULL;
}

static struct kind over_cond = KIND(wait_in_handler_over_cond, NULL);
static struct kind over_futex = KIND(read_in_handler_over_futex, NULL);

/* Starts a thread, interrupts it once it sleeps, and ends. */
static void *interrupt(void *arg)
{
	struct kind *interrupted = ((struct kind *)arg)->data;
	pthread_t thread;

	handled_tid = 0;
	sem_init(&interrupted->said, 0, 0);
	if (pthread_create(&thread, NULL, interrupted->main, interrupted))
		abort();
	while (handled_tid == 0)
		usleep(100);
	wait_until_asleep(handled_tid);
	pthread_kill(thread, SIGUSR2);
	sem_wait(&interrupted->said);
	will_end(arg);
	return NULL;
}

/* ---- Without a function of libc ---- */

static void *wait_io_uring(void *arg)
{
	struct io_uring_params params = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0) {
		will_skip(arg, strerror(errno));
		return NULL;
	}
	will_wait_for_fd(arg, "io-uring", fd, false);
	while (syscall(SYS_io_uring_enter, fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0))
		;
	return NULL;
}

static void *wait_io_getevents(void *arg)
{
	aio_context_t context = 0;
	struct io_event event;

	if (syscall(SYS_io_setup, 1, &context)) {
		will_skip(arg, strerror(errno));
		return NULL;
	}
	will_call(arg, "syscall:io_getevents", number_of(arg) != 0);
	while (syscall(SYS_io_getevents, context, 1, 1, &event, number_of(arg) ? &far : NULL) < 1)
		;
	return NULL;
}

enum { FUTEX_PLAIN, FUTEX_SHARED, FUTEX_TIMED, FUTEX_BITSET_TIMED };

static void *wait_futex(void *arg)
{
	static int words[4] = {17, 17, 17, 17};
	int number = number_of(arg), *word = &words[number];
	bool timed = number == FUTEX_TIMED || number == FUTEX_BITSET_TIMED;
	int op = number == FUTEX_SHARED		? FUTEX_WAIT
		 : number == FUTEX_BITSET_TIMED ? FUTEX_WAIT_BITSET_PRIVATE
						: FUTEX_WAIT_PRIVATE;

	will_wait(arg, (struct truth){
			       .reason = "futex", .object = "futex", .addr = word, .timed = timed});
	while (syscall(SYS_futex, word, op, 17,
		       number == FUTEX_TIMED	      ? &far
		       : number == FUTEX_BITSET_TIMED ? far_mono()
						      : NULL,
		       NULL, FUTEX_BITSET_MATCH_ANY))
		;
	return NULL;
}

static void *wait_futex_waitv(void *arg)
{
	static int word = 17;
	struct futex_waitv waiter = {
		.val = 17, .uaddr = (uintptr_t)&word, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};

	if (syscall(__NR_futex_waitv, NULL, 0, 0, NULL, 0) && errno == ENOSYS) {
		will_skip(arg, strerror(errno));
		return NULL;
	}
	will_wait(arg, (struct truth){.reason = "futex", .object = "futex", .addr = &word});
	while (syscall(__NR_futex_waitv, &waiter, 1, 0, NULL, 0))
		;
	return NULL;
}

static void *spin(void *arg)
{
	static volatile unsigned long turns;

	will_call(arg, "running", false);
	for (;;)
		turns++;
	return NULL;
}

struct kind raw_kinds[] = {
	NUMBERED(wait_child, false),
	NUMBERED(wait_child, true),
	NUMBERED(wait_signal, SIGSUSPEND),
	NUMBERED(wait_signal, SIGWAIT),
	NUMBERED(wait_signal, SIGWAITINFO),
	NUMBERED(wait_signal, SIGTIMEDWAIT),
	KIND(interrupt, &over_cond),
	KIND(interrupt, &over_futex),
	KIND(wait_io_uring, NULL),
	NUMBERED(wait_io_getevents, false),
	NUMBERED(wait_io_getevents, true),
	NUMBERED(wait_futex, FUTEX_PLAIN),
	NUMBERED(wait_futex, FUTEX_SHARED),
	NUMBERED(wait_futex, FUTEX_TIMED),
	NUMBERED(wait_futex, FUTEX_BITSET_TIMED),
	KIND(wait_futex_waitv, NULL),
	KIND(spin, NULL),
};
const size_t num_raw_kinds = LEN(raw_kinds);
