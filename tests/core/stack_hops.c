/* A thread that waits behind 200 changes of stacks, each to a higher one, as coroutines make them
 * that resume each other. Call frame information leads through all of them. Two threads beside it
 * wait without. */
#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <unistd.h>

enum { NUM_HOPS = 200, STACK_SIZE = 16384 };

/* Calls go_on(left) on the stack that ends there. */
void hop(long left, char *stack_end, void (*go_on)(long));
__asm__(".text\n"
	".type hop, @function\n"
	"hop: .cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	mov %rsi, %rsp\n"
	"	call *%rdx\n"
	"	leave\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size hop, . - hop\n");

static alignas(16) char stacks[NUM_HOPS][STACK_SIZE];

static void descend(long left)
{
	if (left == 0)
		pause();
	else
		hop(left - 1, stacks[NUM_HOPS - left] + STACK_SIZE, descend);
	__asm__ volatile(""); /* no tail call */
}

static void *hopper(void *argument)
{
	(void)argument;
	descend(NUM_HOPS);
	return NULL;
}

static void *waiter(void *argument)
{
	pause();
	return argument;
}

int main(void)
{
	pthread_t threads[3];
	pthread_create(&threads[0], NULL, waiter, NULL);
	pthread_create(&threads[1], NULL, hopper, NULL);
	pthread_create(&threads[2], NULL, waiter, NULL);
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
