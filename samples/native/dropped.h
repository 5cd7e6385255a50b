/* For samples in which a thread waits for a semaphore that somebody knows, or nobody does: see
 * dropped_but.c and dropped_outside.c. */
#ifndef SAMPLES_DROPPED_H
#define SAMPLES_DROPPED_H

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline, noclone, unused))

static NOINLINE sem_t *sem_new(void)
{
	sem_t *sem = malloc(sizeof(*sem));
	sem_init(sem, 0, 0);
	return sem;
}

static NOINLINE void *waiter_main(void *arg)
{
	while (sem_wait(arg) != 0)
		;
	return NULL;
}

static NOINLINE void start(void *(*routine)(void *), void *arg)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, routine, arg) != 0)
		abort();
	pthread_detach(thread);
}

/* Leaves no trace of what earlier calls had on the stack. */
static NOINLINE void scrub(void)
{
	volatile char bytes[32768];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
}

/* What a thread is started with stays in its descriptor: it takes this instead. */
static sem_t *volatile handed_over;

static NOINLINE sem_t *take_over(void)
{
	sem_t *sem = handed_over;
	handed_over = NULL;
	return sem;
}

/* Keeps the pointer in rax where HIDE puts it, forgets it everywhere else, tells, and spins without
 * a stack. */
#define HIDE_AND_SPIN(hide)                                                                        \
	__asm__ volatile(hide "xor %%eax, %%eax\n xor %%ebx, %%ebx\n xor %%ecx, %%ecx\n"           \
			      "xor %%edx, %%edx\n xor %%esi, %%esi\n xor %%edi, %%edi\n"           \
			      "xor %%r8d, %%r8d\n xor %%r9d, %%r9d\n xor %%r10d, %%r10d\n"         \
			      "xor %%r12d, %%r12d\n xor %%r13d, %%r13d\n xor %%r14d, %%r14d\n"     \
			      "xor %%r15d, %%r15d\n movl $1, %[told]\n 1: jmp 1b\n"                \
			 : [told] "=m"(told)                                                       \
			 : "a"(take_over())                                                        \
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",     \
			   "r13", "r14", "r15", "xmm9", "xmm10", "xmm11", "memory")
static volatile int told;

#endif
