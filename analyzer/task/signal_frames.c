#include "task/signal_frames.h"

/* Where registers lie in a ucontext, and how large that is (Linux asm/ucontext.h, asm/sigcontext.h
 * of each machine). */
static const struct layout {
	uint16_t bp_off, sp_off, pc_off, lr_off, size;
} layouts[] = {
	[false] = {.bp_off = 120, .sp_off = 160, .pc_off = 168, .size = 304}, /* x86-64 */
	[true] = {.bp_off = 416, .lr_off = 424, .sp_off = 432, .pc_off = 440, .size = 456},
};

static uint64_t word_at(struct image *image, uint64_t addr)
{
	uint64_t value;
	return image_read_u64(image, addr, &value) ? value : 0;
}

/* A ucontext of Linux (struct rt_sigframe): few flags, no link, and the stack itself. */
static bool is_frame(struct image *image, const struct range *stack, uint64_t addr)
{
	enum { LINK = 8, STACK_LOW = 16, STACK_SIZE = 32, MOST_FLAGS = 15 };
	return word_at(image, addr + STACK_LOW) == stack->low &&
	       word_at(image, addr + STACK_SIZE) == stack->high - stack->low &&
	       word_at(image, addr) <= MOST_FLAGS && word_at(image, addr + LINK) == 0;
}

bool signal_frames_find(struct image *image, struct range stack, uint64_t addr,
			struct signal_frame *ret)
{
	enum { MAX_STACK = 1 << 20 }; /* Go's runtime makes them of 32 KiB */
	const struct layout *layout = &layouts[image_is_arm64(image)];
	if (!range_contains(stack, addr) || stack.high - stack.low > MAX_STACK ||
	    stack.high - stack.low < layout->size)
		return false;
	for (addr = (addr + 7) & ~UINT64_C(7); addr <= stack.high - layout->size; addr += 8) {
		if (!is_frame(image, &stack, addr))
			continue;
		*ret = (struct signal_frame){
			.addr = addr,
			.pc = word_at(image, addr + layout->pc_off),
			.sp = word_at(image, addr + layout->sp_off),
			.bp = word_at(image, addr + layout->bp_off),
			.lr = layout->lr_off != 0 ? word_at(image, addr + layout->lr_off) : 0,
		};
		return true;
	}
	return false;
}
