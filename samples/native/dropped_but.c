/* A thread waits for a semaphore on the heap that no global, no register and no stack knows of.
 * CASE says who does all the same. */
#define _GNU_SOURCE
#include "dropped.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIZE = 8192, WORD = 100 };

static sem_t hidden;
static volatile sig_atomic_t in_handler;

#if defined(CASE_PLAIN)
/* Nobody: the control. */
static NOINLINE void hide(void)
{
	start(waiter_main, sem_new());
}
#define rest pause

#elif defined(CASE_EPOLL)
/* epoll has it as the data of an event. */
static int epoll_fd, event_fd[2];
static void *joiner_main(void *arg)
{
	pthread_join((pthread_t)(uintptr_t)arg, NULL);
	return NULL;
}
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = sem};
	epoll_fd = epoll_create1(0);
	event_fd[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd[0], &event);
	pthread_t waiter;
	if (pthread_create(&waiter, NULL, waiter_main, sem) != 0)
		abort();
	start(joiner_main, (void *)(uintptr_t)waiter);
}
static NOINLINE void rest(void)
{
	struct epoll_event event;
	epoll_wait(epoll_fd, &event, 1, -1);
}

#elif defined(CASE_PIPE)
/* It is on its way through a pipe. */
static int ends[2];
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	if (pipe(ends) != 0 || write(ends[1], &sem, sizeof(sem)) != sizeof(sem))
		abort();
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_CANCEL)
/* Whoever has its pthread_t may cancel it. */
static volatile pthread_t worker;
static NOINLINE void hide(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, waiter_main, sem_new()) != 0)
		abort();
	worker = thread;
}
static NOINLINE void rest(void)
{
	pause();
	pthread_cancel(worker);
}

#elif defined(CASE_DONTDUMP)
/* Memory that is not dumped has it. */
static void *volatile secret;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	void **memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory[WORD] = sem;
	madvise(memory, SIZE, MADV_DONTDUMP);
	secret = memory;
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_SHARED_FILE)
/* A file that is mapped for several processes has it, and is not dumped. */
static void *volatile shared;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	int fd = open("shared-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, SIZE) != 0)
		abort();
	void **memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memory[WORD] = sem;
	shared = memory;
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_TIMER)
/* A timer of the kernel's has it. */
static NOINLINE void hide(void)
{
	timer_t timer;
	sem_t *sem = sem_new();
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_ptr = sem};
	struct itimerspec later = {.it_value.tv_sec = 100000};
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &later, NULL);
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_SYSCALL)
/* Whoever waits by a system call of its own may as well have it moved to another word. */
static void *futex_waiter_main(void *arg)
{
	while (*(volatile int *)arg == 0)
		syscall(SYS_futex, arg, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}
static NOINLINE void hide(void)
{
	start(futex_waiter_main, calloc(1, 64));
}
#define rest pause

#elif defined(CASE_INLINE_SYSCALL)
/* The same without libc's function. */
static void *futex_waiter_main(void *arg)
{
	register void *timeout __asm__("r10") = NULL;
	for (long nr = SYS_futex, result; *(volatile int *)arg == 0;)
		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"(nr), "D"(arg), "S"(FUTEX_WAIT_PRIVATE), "d"(0), "r"(timeout)
				 : "rcx", "r11", "memory");
	return NULL;
}
static NOINLINE void hide(void)
{
	start(futex_waiter_main, calloc(1, 64));
}
#define rest pause

#elif defined(CASE_XMM)
/* A running thread has it in a vector register. */
static NOINLINE void *spinner_main(void *arg)
{
	HIDE_AND_SPIN("movq %%rax, %%xmm9\n");
	return arg;
}
#define CASE_SPINNER

#elif defined(CASE_YMM)
/* In the upper half of one, where the processor has it. */
static NOINLINE void *spinner_main(void *arg)
{
	if (!__builtin_cpu_supports("avx"))
		HIDE_AND_SPIN("movq %%rax, %%xmm9\n");
	HIDE_AND_SPIN("vmovq %%rax, %%xmm10\n vxorps %%ymm9, %%ymm9, %%ymm9\n"
		      "vinsertf128 $1, %%xmm10, %%ymm9, %%ymm9\n"
		      "vxorps %%ymm10, %%ymm10, %%ymm10\n");
	return arg;
}
#define CASE_SPINNER

#elif defined(CASE_REGISTER)
/* A running thread has it in a register. */
static NOINLINE void *spinner_main(void *arg)
{
	HIDE_AND_SPIN("mov %%rax, %%r11\n");
	return arg;
}
#define CASE_SPINNER

#elif defined(CASE_RED_ZONE)
/* A running thread has it below its stack pointer. */
static NOINLINE void *spinner_main(void *arg)
{
	HIDE_AND_SPIN("mov %%rax, -120(%%rsp)\n");
	return arg;
}
#define CASE_SPINNER

#elif defined(CASE_SIGNAL_FRAME)
/* A thread had it in a vector register when a signal came, and is in the handler. */
static void on_signal(int number)
{
	(void)number;
	__asm__ volatile("pxor %%xmm9, %%xmm9\n" : : : "xmm9");
	in_handler = 1;
	for (;;)
		pause();
}
static pthread_t spinner;
static NOINLINE void *spinner_main(void *arg)
{
	spinner = pthread_self();
	HIDE_AND_SPIN("movq %%rax, %%xmm9\n");
	return arg;
}
#define CASE_SPINNER

#elif defined(CASE_FOREIGN_STACK)
/* A thread that runs on another stack has it on its own. */
static void coroutine_main(void)
{
	sem_post(&hidden);
	for (;;)
		pause();
}
static void *swapper_main(void *arg)
{
	sem_t *volatile known = take_over();
	(void)arg;
	ucontext_t coroutine, back;
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = malloc(65536);
	coroutine.uc_stack.ss_size = 65536;
	coroutine.uc_link = &back;
	makecontext(&coroutine, coroutine_main, 0);
	swapcontext(&back, &coroutine);
	return known;
}
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	handed_over = sem;
	start(swapper_main, NULL);
	while (sem_wait(&hidden) != 0)
		;
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_SBRK)
/* Memory that the program took from the heap's end itself. */
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	void **memory = sbrk(SIZE);
	memory[WORD] = sem;
	start(waiter_main, sem);
	for (int i = 0; i < 100; i++)
		if (malloc(10000) == NULL)
			abort();
}
#define rest pause

#elif defined(CASE_LOOKS_LIKE_CHUNK)
/* Memory of the program's own that begins as a mapped chunk does. Its address is kept by page. */
static volatile uintptr_t page_number;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	void **memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Its neighbours must not join it. */
	mprotect((char *)memory + SIZE / 2, SIZE / 2, PROT_READ);
	memory[1] = (void *)(uintptr_t)(SIZE / 2 | 2);
	memory[WORD] = sem;
	page_number = (uintptr_t)memory >> 12;
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_LOOKS_LIKE_HEAP)
/* Memory of the program's own that begins as a heap with one chunk does. */
static volatile uintptr_t page_number;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	void **memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect((char *)memory + SIZE / 2, SIZE / 2, PROT_READ);
	memory[1] = (void *)(uintptr_t)(64 | 1);
	memory[9] = (void *)(uintptr_t)((SIZE / 2 - 64) | 1);
	memory[WORD] = sem;
	page_number = (uintptr_t)memory >> 12;
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_ROBUST)
/* Its owner knows it no more; but the kernel gives it up when the owner ends. */
static NOINLINE void *lock_main(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}
static NOINLINE void hide(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t *mutex = malloc(sizeof(*mutex));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(mutex, &attr);
	pthread_mutex_lock(mutex);
	start(lock_main, mutex);
}
#define rest pause

#elif defined(CASE_PI)
/* The same of a priority-inheriting one. */
static NOINLINE void *lock_main(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}
static NOINLINE void hide(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t *mutex = malloc(sizeof(*mutex));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(mutex, &attr);
	pthread_mutex_lock(mutex);
	start(lock_main, mutex);
}
#define rest pause

#elif defined(CASE_MAIN_TLS)
/* main has it in its TLS. */
static __thread sem_t *volatile own;
static NOINLINE void hide(void)
{
	own = sem_new();
	start(waiter_main, own);
}
#define rest pause

#elif defined(CASE_MAIN_SPECIFIC)
/* main has it among its specific data. */
static pthread_key_t key;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	pthread_key_create(&key, NULL);
	pthread_setspecific(key, sem);
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_MAIN_ELSEWHERE)
/* main has it on its stack, but runs on another. */
static sem_t *sem_of_main;
static NOINLINE void hide(void)
{
	sem_of_main = sem_new();
	start(waiter_main, sem_of_main);
}
static void coroutine_main(void)
{
	scrub();
	puts("ready");
	for (;;)
		pause();
}
static NOINLINE void rest(void)
{
	sem_t *volatile known = sem_of_main;
	ucontext_t coroutine, back;
	sem_of_main = NULL;
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = malloc(131072);
	coroutine.uc_stack.ss_size = 131072;
	coroutine.uc_link = &back;
	makecontext(&coroutine, coroutine_main, 0);
	swapcontext(&back, &coroutine);
	sem_of_main = known;
}
#define READY_LATER

#elif defined(CASE_IN_FLIGHT)
/* Nobody; but it has been posted already, and its waiter only sleeps until it is run. */
static volatile int waiter_tid;
static void *told_waiter_main(void *arg)
{
	waiter_tid = gettid();
	return waiter_main(arg);
}
static bool sleeps(int tid)
{
	char path[64], text[128] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	FILE *file = fopen(path, "r");
	if (file == NULL || fgets(text, sizeof(text), file) == NULL)
		abort();
	fclose(file);
	return strstr(text, ") S ") != NULL;
}
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	start(told_waiter_main, sem);
	while (waiter_tid == 0 || !sleeps(waiter_tid))
		sched_yield();
	/* What sem_post() does first, of two things. */
	__atomic_fetch_add((uint32_t *)sem, 1, __ATOMIC_SEQ_CST);
}
#define rest pause

#elif defined(CASE_PACKED)
/* It is known, but stands where no pointer should. */
static volatile struct __attribute__((packed)) {
	char letter;
	sem_t *sem;
} packed __attribute__((aligned(8)));
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	packed.sem = sem;
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_CARVED_STACK)
/* main has it on its stack, and runs on a part of that stack which lies above. */
static sem_t *sem_of_main;
static NOINLINE void hide(void)
{
	sem_of_main = sem_new();
	start(waiter_main, sem_of_main);
}
static void coroutine_main(void)
{
	scrub();
	puts("ready");
	for (;;)
		pause();
}
static NOINLINE void switch_to(ucontext_t *coroutine)
{
	sem_t *volatile known = sem_of_main;
	ucontext_t back;
	sem_of_main = NULL;
	coroutine->uc_link = &back;
	swapcontext(&back, coroutine);
	sem_of_main = known;
}
static NOINLINE void rest(void)
{
	char stack[131072];
	ucontext_t coroutine;
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = sizeof(stack);
	makecontext(&coroutine, coroutine_main, 0);
	switch_to(&coroutine);
}
#define READY_LATER

#elif defined(CASE_CARVED_SIGNAL)
/* main has it on its stack; a signal's handler runs on a part of that stack which lies above. */
static void on_signal(int number)
{
	(void)number;
	scrub();
	puts("ready");
	for (;;)
		pause();
}
static NOINLINE void hide(void)
{
	handed_over = sem_new();
	start(waiter_main, handed_over);
}
static NOINLINE void hold(void)
{
	sem_t *volatile known = take_over();
	raise(SIGUSR1);
	handed_over = known;
}
static NOINLINE void rest(void)
{
	char stack[131072];
	stack_t aside = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	sigaltstack(&aside, NULL);
	sigaction(SIGUSR1, &action, NULL);
	hold();
}
#define READY_LATER

#elif defined(CASE_JUMP_BUFFER)
/* Who has it is away, as a coroutine is: its rbp stands in its jmp_buf alone, where glibc has
 * encoded it. */
static jmp_buf away;
static NOINLINE void put_away(sem_t *sem)
{
	__asm__ volatile("lea -256(%%rsp), %%rsp\n push %%rbp\n mov %%rax, %%rbp\n"
			 "xor %%eax, %%eax\n xor %%ebx, %%ebx\n xor %%r12d, %%r12d\n"
			 "xor %%r13d, %%r13d\n xor %%r14d, %%r14d\n xor %%r15d, %%r15d\n"
			 "call _setjmp\n pop %%rbp\n lea 256(%%rsp), %%rsp\n"
			 : "+a"(sem)
			 : "D"(away)
			 : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13",
			   "r14", "r15", "memory", "cc");
}
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	put_away(sem);
	start(waiter_main, sem);
}
static NOINLINE void rest(void)
{
	pause();
	longjmp(away, 1);
}

#elif defined(CASE_SHARES_MEMORY)
/* A process that shares this one's memory has it in a register. */
static NOINLINE int sharer_main(void *arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	HIDE_AND_SPIN("mov %%rax, %%r11\n");
	return 0;
}
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	handed_over = sem;
	if (clone(sharer_main, memory + SIZE, CLONE_VM | SIGCHLD, NULL) < 0)
		abort();
	while (!told)
		sched_yield();
	/* It needs no stack any more. */
	memset(memory, 0, SIZE);
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_DONTDUMP_READ_ONLY)
/* Memory that is not dumped has it, and cannot be written just now. */
static void *volatile secret;
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	void **memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory[WORD] = sem;
	madvise(memory, SIZE, MADV_DONTDUMP);
	mprotect(memory, SIZE, PROT_NONE);
	secret = memory;
	start(waiter_main, sem);
}
#define rest pause

#elif defined(CASE_DONTDUMP_GLOBAL)
/* The same of globals. */
static struct {
	sem_t *sem;
	char rest[SIZE - sizeof(sem_t *)];
} secret __attribute__((aligned(4096)));
static NOINLINE void hide(void)
{
	secret.sem = sem_new();
	start(waiter_main, secret.sem);
	madvise(&secret, sizeof(secret), MADV_DONTDUMP);
}
static NOINLINE void rest(void)
{
	pause();
	sem_post(secret.sem);
}

#elif defined(CASE_USER_STACK)
/* Nobody; but the thread's stack is memory of the program's, of which nothing is known. */
static NOINLINE void hide(void)
{
	enum { STACK_SIZE = 1 << 16 };
	pthread_attr_t attr;
	pthread_t thread;
	void *memory =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, memory, STACK_SIZE);
	if (pthread_create(&thread, &attr, waiter_main, sem_new()) != 0)
		abort();
}
#define rest pause
#endif

#ifdef CASE_SPINNER
static NOINLINE void hide(void)
{
	sem_t *sem = sem_new();
	handed_over = sem;
	start(spinner_main, NULL);
	while (!told)
		sched_yield();
#ifdef CASE_SIGNAL_FRAME
	signal(SIGUSR1, on_signal);
	pthread_kill(spinner, SIGUSR1);
	while (!in_handler)
		sched_yield();
#endif
	start(waiter_main, sem);
}
#define rest pause
#endif

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	sem_init(&hidden, 0, 0);
	hide();
	scrub();
#ifndef READY_LATER
	puts("ready");
#endif
	for (;;)
		rest();
}
