/* A thread waits for a semaphore on the heap that no word of the process's own leads to; but the
 * wait can end. CASE says how. */
#define _GNU_SOURCE
#include "dropped.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIZE = 8192, WORD = 100 };

#if defined(CASE_INTERRUPTED)
/* A signal ends it: sem_wait() returns, since the handler does not have it go on. */
static void on_signal(int number)
{
	(void)number;
}
static void *once_main(void *arg)
{
	return sem_wait(arg) == 0 ? arg : NULL;
}
static NOINLINE void hide(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGTERM, &action, NULL);
	start(once_main, sem_new());
}

#elif defined(CASE_OWN_HANDLER)
/* A signal's handler posts what the thread that it interrupts waits for. */
static __thread sem_t *volatile own;
static void on_signal(int number)
{
	(void)number;
	sem_post(own);
}
static void *own_main(void *arg)
{
	own = arg;
	return waiter_main(arg);
}
static NOINLINE void hide(void)
{
	signal(SIGTERM, on_signal);
	start(own_main, sem_new());
}

#elif defined(CASE_SHARED_READ_ONLY)
/* Shared memory has it, which can only be read just now, and is not dumped. */
static void *volatile shared;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	int fd = shm_open("/coreleaks-sample", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, SIZE) != 0)
		abort();
	void **memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memory[WORD] = sem;
	mprotect(memory, SIZE, PROT_READ);
	shared = memory;
	start(waiter_main, sem);
}

#elif defined(CASE_SOCKET)
/* It is on its way through a socket that is connected to itself. */
static int fd;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(addr);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(sa_family_t)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &size) != 0 ||
	    connect(fd, (struct sockaddr *)&addr, size) != 0 ||
	    send(fd, &sem, sizeof(sem), 0) != sizeof(sem))
		abort();
	start(waiter_main, sem);
}

#elif defined(CASE_HALVES)
/* A coroutine that has not begun is to have it, in two halves: makecontext() hands on ints. */
static ucontext_t *volatile coroutine;
static void coroutine_main(int low, int high)
{
	sem_post((sem_t *)((uintptr_t)(unsigned)high << 32 | (unsigned)low));
}
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	ucontext_t *context = calloc(1, sizeof(*context));
	getcontext(context);
	context->uc_stack.ss_sp = malloc(65536);
	context->uc_stack.ss_size = 65536;
	makecontext(context, (void (*)(void))coroutine_main, 2, (int)(uintptr_t)sem,
		    (int)((uintptr_t)sem >> 32));
	coroutine = context;
	start(waiter_main, sem);
}

#elif defined(CASE_COUNTED)
/* The head of a list without locks has it, above a counter that makes old values differ. */
static volatile struct {
	uint64_t head, counter;
} list;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	list.head = (uintptr_t)sem << 16 | 7;
	list.counter = UINT64_MAX;
	start(waiter_main, sem);
}

#elif defined(CASE_EVENTFD)
/* It is what an eventfd counts. */
static int fd;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	fd = eventfd(0, 0);
	eventfd_write(fd, (uintptr_t)sem);
	start(waiter_main, sem);
}
#endif

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	hide();
	scrub();
	puts("ready");
	for (;;)
		pause();
}
