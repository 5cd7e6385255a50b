#include "stack/callees.h"

/* x86-64: e8 rel32 calls pc+rel32 (a function or its PLT entry), ff 15 disp32 what the word at
 * pc+disp32 points to (the GOT, without PLT). pc is the address behind the call. */
static uint64_t call_target(struct image *image, uint64_t pc)
{
	unsigned char code[6];
	int32_t offset;
	uint64_t target;
	if (pc < sizeof(code) ||
	    image_read(image, pc - sizeof(code), code, sizeof(code)) != sizeof(code))
		return 0;
	memcpy(&offset, code + 2, sizeof(offset));
	if (code[0] == 0xff && code[1] == 0x15)
		return image_read_u64(image, pc + (uint64_t)(int64_t)offset, &target) ? target : 0;
	return code[1] == 0xe8 ? pc + (uint64_t)(int64_t)offset : 0;
}

uint64_t callee_find(struct image *image, const struct raw_frame *frames, uint32_t num_frames)
{
	/* Other machines' calls look otherwise. */
	if (image_is_arm64(image))
		return 0;
	for (uint32_t i = 0; i < num_frames && !frames[i].signal; i++) {
		int32_t module = modules_find(image->modules, frames[i].pc);
		if (module >= 0 && module_is_libc(image->modules->list.items[module].name))
			continue;
		return i > 0 && module >= 0 ? call_target(image, frames[i].pc) : 0;
	}
	return 0;
}
