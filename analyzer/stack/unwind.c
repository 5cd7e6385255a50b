#include "stack/unwind.h"

#include "stack/expression.h"

#include <limits.h>

enum step_result { STEP_CALLER, STEP_OUTERMOST, STEP_FAILED };

struct walk {
	struct unwinder *unwinder;
	struct registers registers;
	bool exact;  /* the pc is that of the instruction itself */
	bool signal; /* the frame is a signal trampoline's */
	uint8_t trust;
	uint64_t cfa; /* of the frame stepped from; 0 unknown */
	struct raw_stack stack;
	uint32_t num_descents;
	uint64_t marked_pc, marked_sp; /* where one of them led */
	uint32_t num_signals;	       /* signal frames so far */
};

void unwinder_init(struct unwinder *unwinder, struct arena *arena, struct gaps *gaps,
		   struct image *image, const struct modules *modules, struct elf_files *files,
		   uint32_t max_frames)
{
	*unwinder = (struct unwinder){.arena = arena, .image = image, .max_frames = max_frames};
	cfi_init(&unwinder->cfi, arena, gaps, modules, files);
}

void unwinder_deinit(struct unwinder *unwinder)
{
	cfi_deinit(&unwinder->cfi);
}

static enum step_result walk_unreadable(struct walk *walk, uint64_t addr)
{
	walk->stack.end_addr = addr;
	switch (image_presence(walk->unwinder->image, addr)) {
	case IMAGE_CUT:
		walk->stack.end = CORELEAKS_STACK_UNREADABLE;
		walk->stack.missing = "its memory lies beyond the end of the core file";
		break;
	case IMAGE_NOT_DUMPED:
	case IMAGE_PRESENT: /* read across the end of what was dumped */
		walk->stack.end = CORELEAKS_STACK_UNREADABLE;
		walk->stack.missing = "its memory was not dumped";
		break;
	case IMAGE_UNMAPPED:
		walk->stack.end = CORELEAKS_STACK_BROKEN;
		walk->stack.missing = "it leads to memory that was not mapped";
		break;
	}
	return STEP_FAILED;
}

static enum step_result walk_broken(struct walk *walk, const char *missing)
{
	walk->stack.end = CORELEAKS_STACK_BROKEN;
	walk->stack.end_addr = walk->registers.values[REGISTER_RIP];
	walk->stack.missing = missing;
	return STEP_FAILED;
}

static const char *missing_rule(struct walk *walk, const struct cfi_rule *rule)
{
	struct arena *arena = walk->unwinder->arena;
	if (rule->module < 0)
		return "its code lies in no mapped file";
	const struct module *module = &walk->unwinder->cfi.modules->list.items[rule->module];
	if (module->file == NULL)
		return arena_format(arena, "%s is missing (%s)", module->name,
				    module->info.problem != NULL ? module->info.problem
								 : "not found");
	return arena_format(arena, "%s has no call frame information for it", module->name);
}

/* The value that a rule gives for one of the caller's registers. False: not known;
 * *unreadable_addr_ret then tells which memory was missing, if it was that. */
static bool caller_register(struct walk *walk, const struct cfi_register_rule *rule, int number,
			    uint64_t cfa, uint64_t *value_ret, uint64_t *unreadable_addr_ret)
{
	const struct registers *registers = &walk->registers;
	struct image *image = walk->unwinder->image;
	uint64_t addr;
	switch (rule->how) {
	case CFI_SAME:
		*value_ret = registers->values[number];
		return (registers->known >> number & 1) != 0;
	case CFI_AT_CFA:
		addr = cfa + (uint64_t)rule->offset;
		break;
	case CFI_CFA_PLUS:
		*value_ret = cfa + (uint64_t)rule->offset;
		return true;
	case CFI_REGISTER:
		if (rule->offset < 0 || rule->offset >= NUM_REGISTERS)
			return false;
		*value_ret = registers->values[rule->offset];
		return (registers->known >> rule->offset & 1) != 0;
	case CFI_EXPRESSION:
		return expression_evaluate(&rule->expression, registers, image, &cfa, value_ret);
	case CFI_AT_EXPRESSION:
		if (!expression_evaluate(&rule->expression, registers, image, &cfa, &addr))
			return false;
		break;
	default:
		return false;
	}
	if (image_read_u64(image, addr, value_ret))
		return true;
	*unreadable_addr_ret = addr;
	return false;
}

/* A return address of 0 ends a stack; in a page of zeros it is a hole where the stack was. */
static enum step_result walk_zero(struct walk *walk, uint64_t addr)
{
	enum { PAGE = 4096 };
	unsigned char page[PAGE];
	size_t got = image_read(walk->unwinder->image, addr & ~(uint64_t)(PAGE - 1), page, PAGE);
	for (size_t i = 0; i < got; i++)
		if (page[i] != 0)
			return STEP_OUTERMOST;
	walk->stack.end = CORELEAKS_STACK_UNREADABLE;
	walk->stack.end_addr = addr;
	walk->stack.missing = "its memory reads as zeros";
	return STEP_FAILED;
}

static enum step_result step_by_rule(struct walk *walk, const struct cfi_rule *rule)
{
	struct registers caller = {0};
	uint64_t cfa, unreadable_addr = 0;
	if (rule->cfa_is_expression) {
		if (!expression_evaluate(&rule->cfa_expression, &walk->registers,
					 walk->unwinder->image, NULL, &cfa))
			return walk_broken(walk, "its call frame information cannot be evaluated");
	} else {
		if ((walk->registers.known >> rule->cfa_register & 1) == 0)
			return walk_broken(
				walk, "a register that its call frame information needs is lost");
		cfa = walk->registers.values[rule->cfa_register] + (uint64_t)rule->cfa_offset;
	}
	walk->cfa = cfa;
	const struct cfi_register_rule *return_rule = &rule->registers[rule->return_column];
	if (return_rule->how == CFI_UNDEFINED)
		return STEP_OUTERMOST;
	for (int i = 0; i < NUM_REGISTERS; i++) {
		if (caller_register(walk, &rule->registers[i], i, cfa, &caller.values[i],
				    &unreadable_addr))
			caller.known |= 1u << i;
		else if (i == rule->return_column && unreadable_addr != 0)
			return walk_unreadable(walk, unreadable_addr);
	}
	if ((caller.known >> rule->return_column & 1) == 0)
		return walk_broken(walk, "its return address cannot be recovered");
	uint64_t return_pc = caller.values[rule->return_column];
	caller.values[REGISTER_RIP] = return_pc;
	caller.known |= 1u << REGISTER_RIP;
	if ((caller.known >> REGISTER_RSP & 1) == 0) {
		caller.values[REGISTER_RSP] = cfa;
		caller.known |= 1u << REGISTER_RSP;
	}
	if (return_pc == 0 && !rule->signal_frame)
		return return_rule->how == CFI_AT_CFA
			       ? walk_zero(walk, cfa + (uint64_t)return_rule->offset)
			       : STEP_OUTERMOST;
	walk->registers = caller;
	walk->exact = rule->signal_frame;
	walk->trust = CORELEAKS_TRUST_CFI;
	return STEP_CALLER;
}

/* Can this be code? A frame found without call frame information must at least lead there. */
static bool plausible_code(struct walk *walk, uint64_t pc)
{
	return image_executable(walk->unwinder->image, pc) ||
	       modules_find(walk->unwinder->cfi.modules, pc) >= 0;
}

/* x86-64 psABI 3.2.2: a frame pointer points to the caller's, the return address above it. */
static enum step_result step_by_frame_pointer(struct walk *walk, const struct cfi_rule *rule)
{
	const struct registers *registers = &walk->registers;
	uint64_t fp = registers->values[REGISTER_RBP], caller_fp, return_pc;
	const uint32_t needed = 1u << REGISTER_RBP | 1u << REGISTER_RSP;
	if (!plausible_code(walk, registers->values[REGISTER_RIP]))
		return walk_broken(walk, "it leads to an address where no code was mapped");
	if ((registers->known & needed) != needed || (fp & 7) != 0 ||
	    fp < registers->values[REGISTER_RSP] || fp > UINT64_MAX - 16)
		return walk_broken(walk, missing_rule(walk, rule));
	if (!image_read_u64(walk->unwinder->image, fp, &caller_fp) ||
	    !image_read_u64(walk->unwinder->image, fp + 8, &return_pc)) {
		if (image_presence(walk->unwinder->image, fp) == IMAGE_UNMAPPED)
			return walk_broken(walk, missing_rule(walk, rule));
		return walk_unreadable(walk, fp);
	}
	/* Without the module's file, or where code was interrupted, the frame pointer is a guess,
	 * and zeros prove nothing. */
	if (return_pc == 0 && !walk->exact &&
	    (rule->module < 0 ||
	     walk->unwinder->cfi.modules->list.items[rule->module].file != NULL))
		return walk_zero(walk, fp + 8);
	if (!plausible_code(walk, return_pc))
		return walk_broken(walk, missing_rule(walk, rule));
	walk->cfa = fp + 16;
	walk->registers = (struct registers){.known = needed | 1u << REGISTER_RIP};
	walk->registers.values[REGISTER_RBP] = caller_fp;
	walk->registers.values[REGISTER_RSP] = fp + 16;
	walk->registers.values[REGISTER_RIP] = return_pc;
	walk->exact = false;
	walk->trust = CORELEAKS_TRUST_FRAME_POINTER;
	return STEP_CALLER;
}

/* A call through a bad pointer has just pushed its return address. */
static enum step_result step_from_bad_pc(struct walk *walk)
{
	uint64_t sp = walk->registers.values[REGISTER_RSP], return_pc;
	if (!image_read_u64(walk->unwinder->image, sp, &return_pc))
		return walk_unreadable(walk, sp);
	if (!plausible_code(walk, return_pc))
		return walk_broken(walk, "it runs at an address where no code was mapped");
	walk->cfa = sp + 8;
	walk->registers.values[REGISTER_RSP] = sp + 8;
	walk->registers.values[REGISTER_RIP] = return_pc;
	walk->exact = false;
	walk->trust = CORELEAKS_TRUST_SCAN;
	return STEP_CALLER;
}

/* mov $15,%rax; syscall: the kernel's rt_sigreturn, which C libraries without call frame
 * information (musl, Go's runtime) return to from signal handlers. */
static bool at_sigreturn(struct walk *walk, uint64_t pc)
{
	static const unsigned char code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	unsigned char found[sizeof(code)];
	return image_read(walk->unwinder->image, pc, found, sizeof(found)) == sizeof(found) &&
	       memcmp(found, code, sizeof(code)) == 0;
}

/* The interrupted registers lie in the ucontext at the stack pointer (Linux
 * arch/x86/include/uapi/asm/sigcontext.h: uc_mcontext at 40, in the kernel's own order). */
static enum step_result step_from_sigreturn(struct walk *walk)
{
	static const uint8_t order[] = {8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16};
	uint64_t saved[NUM_REGISTERS], addr = walk->registers.values[REGISTER_RSP] + 40;
	if (image_read(walk->unwinder->image, addr, saved, sizeof(saved)) != sizeof(saved))
		return walk_unreadable(walk, addr);
	walk->cfa = saved[15]; /* the interrupted stack pointer */
	for (int i = 0; i < NUM_REGISTERS; i++)
		walk->registers.values[order[i]] = saved[i];
	walk->registers.known = (1u << NUM_REGISTERS) - 1;
	walk->exact = true;
	walk->signal = true;
	walk->trust = CORELEAKS_TRUST_CFI;
	return STEP_CALLER;
}

/* glibc's clone and clone3 have no call frame information from their system call to where the
 * child's code begins (sysdeps/unix/sysv/linux/x86_64/clone3.S, the same in 2.31 to 2.41): syscall;
 * test %rax,%rax; jl error; jz child; ret. Where they lead the child to, or 0. */
static uint64_t clone_child_code(struct walk *walk, uint64_t pc)
{
	static const unsigned char code[] = {0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c};
	static const uint8_t into[] = {0, 2, 5, 7, 9}; /* where its instructions begin */
	enum { SIZE = 10 };
	unsigned char found[SIZE];
	for (size_t i = 0; i < sizeof(into); i++) {
		if (pc < into[i] ||
		    image_read(walk->unwinder->image, pc - into[i], found, SIZE) != SIZE ||
		    memcmp(found, code, sizeof(code)) != 0 || found[7] != 0x74 || found[9] != 0xc3)
			continue;
		return pc - into[i] + 9 + (uint64_t)(int64_t)(int8_t)found[8];
	}
	return 0;
}

/* The child has a new stack with no caller on it, which the rule for its code says too; its
 * creator's is as it was when clone was entered. Only the child's result is 0. */
static bool step_from_clone(struct walk *walk, enum step_result *result_ret)
{
	static const struct cfi_rule creator = {
		.kind = CFI_RULE_OK,
		.return_column = REGISTER_RIP,
		.cfa_register = REGISTER_RSP,
		.cfa_offset = 8,
		.registers = {[REGISTER_RBX] = {.how = CFI_SAME},
			      [REGISTER_RBP] = {.how = CFI_SAME},
			      [12] = {.how = CFI_SAME},
			      [13] = {.how = CFI_SAME},
			      [14] = {.how = CFI_SAME},
			      [15] = {.how = CFI_SAME},
			      [REGISTER_RIP] = {.how = CFI_AT_CFA, .offset = -8}},
	};
	uint64_t child_pc = clone_child_code(walk, walk->registers.values[REGISTER_RIP]);
	if (child_pc == 0 || (walk->registers.known >> REGISTER_RAX & 1) == 0)
		return false;
	const struct cfi_rule *child = cfi_rule_for(&walk->unwinder->cfi, child_pc);
	if (child->kind != CFI_RULE_OK ||
	    child->registers[child->return_column].how != CFI_UNDEFINED)
		return false;
	if (walk->registers.values[REGISTER_RAX] == 0)
		*result_ret = STEP_OUTERMOST;
	else
		*result_ret = step_by_rule(walk, &creator);
	return true;
}

/* A caller whose frame lies deeper stands on another stack, a signal's or a coroutine's, and a
 * stack may change to as many as it likes. But no two frames of one have the same place: a circle,
 * which must lead down somewhere, comes back to where it did (marked anew after 1, 2, 4, 8 … of
 * them). */
static bool walk_goes_round(struct walk *walk, uint64_t old_sp)
{
	uint64_t pc = walk->registers.values[REGISTER_RIP];
	uint64_t sp = walk->registers.values[REGISTER_RSP];
	if (sp > old_sp)
		return false;
	if (walk->num_descents > 0 && pc == walk->marked_pc && sp == walk->marked_sp)
		return true;
	if ((walk->num_descents & (walk->num_descents + 1)) == 0) {
		walk->marked_pc = pc;
		walk->marked_sp = sp;
	}
	walk->num_descents++;
	return false;
}

static enum step_result walk_step(struct walk *walk)
{
	enum step_result result;
	uint64_t pc = walk->registers.values[REGISTER_RIP];
	const struct cfi_rule *rule = cfi_rule_for(&walk->unwinder->cfi, walk->exact ? pc : pc - 1);
	walk->signal = rule->signal_frame;
	walk->cfa = 0;
	if (rule->kind == CFI_RULE_OK)
		return step_by_rule(walk, rule);
	if (walk->exact && !plausible_code(walk, pc))
		return step_from_bad_pc(walk);
	if (walk->exact && step_from_clone(walk, &result))
		return result;
	if (!walk->exact && at_sigreturn(walk, pc))
		return step_from_sigreturn(walk);
	return step_by_frame_pointer(walk, rule);
}

static void walk_interruption(struct walk *walk)
{
	struct interruption next = {
		.depth = ++walk->num_signals,
		.registers = walk->registers,
	};
	next.known = call_interrupted(walk->unwinder->image, &next.registers, &next.hint);
	if (next.hint.blocked || !walk->stack.interruption.hint.blocked)
		walk->stack.interruption = next;
}

/* Only where it stands is known. */
static struct raw_stack walk_arm64(const struct registers *registers, struct raw_frame *frames)
{
	frames[0] = (struct raw_frame){
		.pc = registers->values[REGISTER_RIP],
		.sp = registers->values[REGISTER_RSP],
		.trust = CORELEAKS_TRUST_CONTEXT,
		.exact = true,
	};
	return (struct raw_stack){
		.num_frames = 1,
		.end = CORELEAKS_STACK_UNREADABLE,
		.end_addr = frames[0].pc,
		.missing = "on AArch64 only Go's frames are unwound, not those of C",
	};
}

struct raw_stack unwinder_walk(struct unwinder *unwinder, const struct registers *registers,
			       struct raw_frame *frames)
{
	struct walk walk = {
		.unwinder = unwinder,
		.registers = *registers,
		.exact = true,
		.trust = CORELEAKS_TRUST_CONTEXT,
		.stack = {.end = CORELEAKS_STACK_COMPLETE},
	};
	if (image_is_arm64(unwinder->image))
		return walk_arm64(registers, frames);
	for (;;) {
		if (walk.stack.num_frames == unwinder->max_frames) {
			walk.stack.end = CORELEAKS_STACK_LIMIT;
			break;
		}
		struct raw_frame *frame = &frames[walk.stack.num_frames++];
		*frame = (struct raw_frame){
			.pc = walk.registers.values[REGISTER_RIP],
			.sp = walk.registers.values[REGISTER_RSP],
			.trust = walk.trust,
			.exact = walk.exact,
		};
		enum step_result result = walk_step(&walk);
		frame->cfa = walk.cfa;
		frame->signal = walk.signal;
		if (result != STEP_CALLER)
			break;
		if (walk_goes_round(&walk, frame->sp)) {
			walk_broken(&walk, "it leads back to itself");
			break;
		}
		if (walk.signal)
			walk_interruption(&walk);
	}
	return walk.stack;
}
