#include "fake_code.h"

#include <stdlib.h>

static char *code_path;

static const char source[] =
	"	.text\n"
	/* CFA = rbp + 16 */
	"framed: .cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	push %rbx\n"
	"	.cfi_offset %rbx, -24\n"
	"	sub %rdi, %rsp\n"
	"framed_at: call framed\n"
	"framed_ret: leave\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"framed_leaving: ret\n"
	"	.cfi_endproc\n"
	"	.type framed, @function; .size framed, . - framed\n"
	/* CFA = rsp + 48 */
	"frameless: .cfi_startproc\n"
	"frameless_entry: sub $40, %rsp\n"
	"	.cfi_def_cfa_offset 48\n"
	"frameless_at: call frameless\n"
	"frameless_ret: add $40, %rsp\n"
	"	.cfi_def_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.type frameless, @function; .size frameless, . - frameless\n"
	/* The outermost function: its return address is undefined. CFA = rsp + 8 */
	"start: .cfi_startproc\n"
	"	.cfi_undefined %rip\n"
	"start_at: call start\n"
	"start_ret: nop\n"
	"	.cfi_endproc\n"
	"	.type start, @function; .size start, . - start\n"
	/* Ends with a call that never returns: noreturn_ret is the next function's first byte.
	 * CFA = rsp + 32; of the next one, CFA = rsp + 8. */
	"noreturn: .cfi_startproc\n"
	"	sub $24, %rsp\n"
	"	.cfi_def_cfa_offset 32\n"
	"noreturn_at: call start\n"
	"noreturn_ret:\n"
	"	.cfi_endproc\n"
	"	.type noreturn, @function; .size noreturn, . - noreturn\n"
	"leaf: .cfi_startproc\n"
	"leaf_at: nop\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.type leaf, @function; .size leaf, . - leaf\n"
	/* As glibc's __restore_rt: all of the caller's registers lie in the ucontext at rsp. */
	"trampoline: .cfi_startproc simple\n"
	"	.cfi_signal_frame\n"
	"	.cfi_escape 0x0f, 4, 0x77, 0xa0, 0x01, 0x06\n"
	"	.cfi_escape 0x10, 16, 3, 0x77, 0xa8, 0x01\n"
	"	.cfi_escape 0x10, 7, 3, 0x77, 0xa0, 0x01\n"
	"	.cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0x00\n"
	"	.cfi_escape 0x10, 3, 3, 0x77, 0x80, 0x01\n"
	"	nop\n"
	"trampoline_ret: mov $15, %rax\n"
	"	syscall\n"
	"	.cfi_endproc\n"
	/* As a lazy PLT's: CFA = rsp + 8 + ((rip & 15) >= 11) << 3 */
	"	.balign 16\n"
	"plt: .cfi_startproc\n"
	"	.cfi_escape 0x0f, 11, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, "
	"0x22\n"
	"plt_early: nop; nop; nop; nop; nop; nop; nop; nop; nop; nop; nop\n"
	"plt_late: nop; nop; nop; nop; nop\n"
	"	.cfi_endproc\n"
	/* Other ways to save a register. CFA = rsp + 8 */
	"saver: .cfi_startproc\n"
	"	.cfi_register %rbx, %r12\n"		     /* rbx is in r12 */
	"	.cfi_escape 0x14, 6, 2\n"		     /* rbp is CFA - 16 (val_offset) */
	"	.cfi_escape 0x16, 13, 2, 0x23, 0x05\n"	     /* r13 is CFA + 5 (val_expression) */
	"	.cfi_escape 0x16, 15, 3, 0x77, 0x08, 0x06\n" /* r15 is what lies at rsp + 8 */
	"	.cfi_undefined %r14\n"
	"saver_at: nop\n"
	"saver_ret: nop\n"
	"	.cfi_endproc\n"
	/* CFA = rbx + 16, rbx itself at CFA - 24 */
	"by_rbx: .cfi_startproc\n"
	"	.cfi_def_cfa %rbx, 16\n"
	"	.cfi_offset %rbx, -24\n"
	"by_rbx_at: nop\n"
	"by_rbx_ret: nop\n"
	"	.cfi_endproc\n"
	/* CFA = r14 + 16: saver loses r14. */
	"by_r14: .cfi_startproc\n"
	"	.cfi_def_cfa %r14, 16\n"
	"by_r14_at: nop\n"
	"by_r14_ret: nop\n"
	"	.cfi_endproc\n"
	/* Hostile: the return address lies below the stack pointer, which does not move. */
	"stuck: .cfi_startproc\n"
	"	.cfi_def_cfa %rsp, 0\n"
	"	nop\n"
	"stuck_at: nop\n"
	"stuck_ret: nop\n"
	"	nop\n"
	"stuck_ret2: nop\n"
	"	.cfi_endproc\n"
	/* Hostile: CFA expressions that loop, overflow, underflow, end nowhere, read nowhere. */
	"loop: .cfi_startproc\n"
	"	.cfi_escape 0x0f, 4, 0x30, 0x2f, 0xfd, 0xff\n"
	"loop_at: nop\n"
	"	.cfi_endproc\n"
	"overflow: .cfi_startproc\n"
	"	.cfi_escape 0x0f, 5, 0x30, 0x12, 0x2f, 0xfc, 0xff\n"
	"overflow_at: nop\n"
	"	.cfi_endproc\n"
	"underflow: .cfi_startproc\n"
	"	.cfi_escape 0x0f, 1, 0x22\n"
	"underflow_at: nop\n"
	"	.cfi_endproc\n"
	"empty: .cfi_startproc\n"
	"	.cfi_escape 0x0f, 2, 0x77, 0x08, 0x13\n"
	"empty_at: nop\n"
	"	.cfi_endproc\n"
	"wild: .cfi_startproc\n"
	"	.cfi_escape 0x0f, 2, 0x38, 0x06\n"
	"wild_at: nop\n"
	"	.cfi_endproc\n"
	"jump: .cfi_startproc\n"
	"	.cfi_escape 0x0f, 5, 0x77, 0x08, 0x2f, 0x00, 0x70\n"
	"jump_at: nop\n"
	"	.cfi_endproc\n"
	"unknown_op: .cfi_startproc\n"
	"	.cfi_escape 0x0f, 3, 0x77, 0x08, 0x9b\n"
	"unknown_op_at: nop\n"
	"	.cfi_endproc\n"
	/* As glibc's epoll_wait. CFA = rsp + 8 */
	"waiter: .cfi_startproc\n"
	"	nop\n"
	"	mov $232, %eax\n"
	"waiter_call: syscall\n"
	"waiter_back: ret\n"
	"	.cfi_endproc\n"
	"	.type waiter, @function; .size waiter, . - waiter\n"
	/* As glibc's clone3: none from the system call to where the child begins. */
	"cloner: .cfi_startproc\n"
	"	nop\n"
	"	mov $435, %eax\n"
	"	.cfi_endproc\n"
	"cloner_call: syscall\n"
	"cloner_back: test %rax, %rax\n"
	"cloner_test: jl 1f\n"
	"cloner_jl: jz cloned\n"
	"cloner_jz: ret\n"
	"cloned: .cfi_startproc\n"
	"	.cfi_undefined %rip\n"
	"	xor %ebp, %ebp\n"
	"cloned_at: call *%rdx\n"
	"	.cfi_endproc\n"
	"1:	.cfi_startproc\n"
	"	nop\n"
	"	.cfi_endproc\n"
	/* No call frame information from here on. */
	"	.balign 64\n"
	"getpid: mov $39, %eax\n"
	"	syscall\n"
	"getpid_back: test %rax, %rax\n"
	"	jl 1b\n"
	"	jz 1b\n"
	"	ret\n"
	"	.balign 64\n"
	"nocfi: push %rbp\n"
	"	mov %rsp, %rbp\n"
	"nocfi_at: call nocfi\n"
	"nocfi_ret: nop\n"
	"	.balign 64\n"
	"sigreturn: mov $15, %rax\n"
	"	syscall\n"
	"	.skip 8192\n"
	"	.data\n"
	"	.globl data\n"
	"data: .quad 0x1122334455667788\n"
	"	.skip 8192, 7\n"
	"	.bss\n"
	"	.globl bss\n"
	"bss: .skip 12288\n"
	"	.section .note.GNU-stack,\"\",@progbits\n";

void fake_code_setup(void)
{
	fake_scratch_setup();
	code_path = fake_compile("libcode.so", "assembler", source,
				 "-shared -nostdlib -Wl,--build-id=sha1,-z,norelro");
}

void fake_code_teardown(void)
{
	free(code_path);
	fake_scratch_teardown();
}

const char *fake_code_file(void)
{
	return code_path;
}

uint64_t fake_code(const char *label)
{
	return FAKE_CODE_BASE + fake_symbol(code_path, label);
}

void fake_code_map(struct fake_core *core)
{
	fake_map(core, code_path, code_path, FAKE_CODE_BASE, 0);
}
