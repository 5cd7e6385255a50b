#include "task/calls.h"

#include <errno.h>
#include <sys/syscall.h>

enum { SYSCALL_SIZE = 2 };

/* x86-64: 0f 05 enters the kernel, which comes back behind it. False: the code cannot be read. */
static bool read_syscall(struct image *image, uint64_t addr, bool *is_syscall_ret)
{
	unsigned char code[SYSCALL_SIZE];
	if (image_read(image, addr, code, sizeof(code)) != sizeof(code))
		return false;
	*is_syscall_ret = code[0] == 0x0f && code[1] == 0x05;
	return true;
}

int32_t call_number_behind(struct image *image, uint64_t pc)
{
	unsigned char code[5]; /* b8 imm32: mov $nr,%eax; 31 c0: xor %eax,%eax */
	uint64_t addr = pc - SYSCALL_SIZE;
	int32_t nr;
	bool is_syscall;
	if (pc < SYSCALL_SIZE + sizeof(code) || !read_syscall(image, addr, &is_syscall) ||
	    !is_syscall ||
	    image_read(image, addr - sizeof(code), code, sizeof(code)) != sizeof(code))
		return -1;
	memcpy(&nr, code + 1, sizeof(nr));
	if (code[0] == 0xb8)
		return nr >= 0 ? nr : -1;
	return code[3] == 0x31 && code[4] == 0xc0 ? 0 : -1;
}

/* The call is to be restarted once the handler returns: the kernel has set the pc back to it and
 * its number into rax again (Linux arch/x86/kernel/signal.c, handle_signal). */
static bool rewound_call(struct image *image, const struct registers *registers, int32_t *nr_ret)
{
	int32_t nr = (int32_t)registers->values[REGISTER_RAX];
	/* A signal that comes as another one's handler returns interrupts no wait. */
	if (nr < 0 || nr == SYS_rt_sigreturn)
		return false;
	if (nr == SYS_restart_syscall)
		nr = call_number_behind(image, registers->values[REGISTER_RIP] + SYSCALL_SIZE);
	*nr_ret = nr;
	return true;
}

bool call_interrupted(struct image *image, const struct registers *registers, struct wait_hint *ret)
{
	const uint32_t needed = 1u << REGISTER_RAX | 1u << 1 | 1u << 4 | 1u << 5 | 1u << 8 |
				1u << 9 | 1u << 10 | 1u << REGISTER_RIP;
	const uint64_t *values = registers->values;
	uint64_t pc = values[REGISTER_RIP];
	struct wait_hint hint = {
		.syscall_nr = -1,
		.args = {values[5], values[4], values[1], values[10], values[8], values[9]},
	};
	bool at_call = false, behind_call = false, ended = (int64_t)values[REGISTER_RAX] == -EINTR;
	if ((registers->known & needed) != needed)
		return false;
	/* Where nothing was mapped it did not wait, but ran into a fault. */
	if ((!read_syscall(image, pc, &at_call) ||
	     (ended && !read_syscall(image, pc - SYSCALL_SIZE, &behind_call))) &&
	    image_presence(image, pc) != IMAGE_UNMAPPED)
		return false;
	if (at_call) {
		hint.blocked = rewound_call(image, registers, &hint.syscall_nr);
	} else if (behind_call) {
		hint.blocked = true;
		hint.syscall_nr = call_number_behind(image, pc);
	}
	*ret = hint;
	return true;
}
