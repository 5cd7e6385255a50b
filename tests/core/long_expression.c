/* A thread below a function whose call frame information is an expression of 2,001 steps: more than
 * coreleaks evaluates (stack/expression.c, MAX_STEPS), and fewer than libdw 0.188 does
 * (libdwfl/frame_unwind.c, DWARF_EXPR_STEPS_MAX). Two threads beside it wait without. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* DW_OP_nop */
#define TEN_OF(part)                                                                               \
	part "," part "," part "," part "," part "," part "," part "," part "," part "," part
#define NOPS_10	  TEN_OF("0x96")
#define NOPS_100  TEN_OF(NOPS_10)
#define NOPS_1000 TEN_OF(NOPS_100)

/* Calls function. DW_CFA_def_cfa_expression: 2,002 bytes: DW_OP_breg7 16, then nothing. */
void call(void (*function)(void));
__asm__(".text\n"
	".type call, @function\n"
	"call: .cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_escape 0x0f,0xd2,0x0f,0x77,16," NOPS_1000 "," NOPS_1000 "\n"
	"	call *%rdi\n"
	"	pop %rbp\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size call, . - call\n");

static void rest(void)
{
	pause();
	__asm__ volatile(""); /* no tail call */
}

static void *caller(void *argument)
{
	call(rest);
	return argument;
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
	pthread_create(&threads[1], NULL, caller, NULL);
	pthread_create(&threads[2], NULL, waiter, NULL);
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
