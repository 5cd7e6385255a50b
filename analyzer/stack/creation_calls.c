#include "stack/creation_calls.h"

#include "core/elf_values.h"

enum { MAX_DISTANCE = 16 * 1024, MAX_UNKNOWN_FUNCTION = 1024 };

/* System V psABI 1.0, "Parameter Passing" and figure 3.4, by the numbers of code.h. */
#define ARGUMENTS                                                                                  \
	(1u << CODE_RDI | 1u << CODE_RSI | 1u << CODE_RDX | 1u << CODE_RCX | 1u << CODE_R8 |       \
	 1u << CODE_R9)
#define CALLER_SAVED (ARGUMENTS | 1u << CODE_RAX | 1u << 10 | 1u << 11)

void creation_functions_find(struct creation_functions *ret, struct arena *arena,
			     const struct modules *modules)
{
	static const char *const names[] = {
		"pthread_create", "thrd_create",
		/* std::thread::_M_start_thread(unique_ptr<_State>, void (*)()), since GCC 6 */
		"_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_"
		"EEPFvvE"};
	static const uint8_t registers[] = {CODE_RDX, CODE_RSI, CODE_MEMORY};
	bool is_static = true;
	*ret = (struct creation_functions){0};
	for (uint32_t i = 0; i < modules->list.num; i++)
		is_static &= !module_is_libc(modules->list.items[i].name);
	for (uint32_t i = 0; i < modules->list.num; i++) {
		const struct module *module = &modules->list.items[i];
		uint64_t values[3];
		if (module->file == NULL ||
		    (!module_is_libc(module->name) && strncmp(module->name, "libstdc++", 9) != 0 &&
		     !(is_static && module->main_program)))
			continue;
		elf_values_find(module->file, names, 3, values);
		for (int k = 0; k < 3; k++)
			if (values[k] != 0)
				*array_add(arena, &ret->list) = (struct creation_function){
					values[k] + module->bias, names[k], registers[k]};
	}
}

static const struct creation_function *find_function(const struct creation_functions *functions,
						     const struct code_callee *callee)
{
	for (uint32_t i = 0; i < functions->list.num; i++) {
		const struct creation_function *function = &functions->list.items[i];
		if (callee->addr != 0 ? function->addr == callee->addr
				      : strcmp(function->name, callee->name) == 0)
			return function;
	}
	return NULL;
}

/* Where the address is while the code runs on. */
struct flow {
	uint32_t holders; /* bit n: register n has it */
	bool stored; /* it was put into memory (or a vector) since the last call that took it */
	uint64_t first_call;
};

/* mov of a holder to memory, movq to a vector register (66 REX.W 0f 6e). */
static bool is_store(const struct flow *flow, struct bytes code)
{
	const unsigned char *at = code.data;
	if (code.size >= 5 && at[0] == 0x66 && (at[1] & 0xf8) == 0x48 && at[2] == 0x0f &&
	    at[3] == 0x6e && at[4] >> 6 == 3)
		return (flow->holders & 1u << ((at[4] & 7) | (at[1] & 1u) << 3)) != 0;
	return code.size >= 3 && (at[0] & 0xf8) == 0x48 && at[1] == 0x89 && at[2] >> 6 != 3 &&
	       (flow->holders & 1u << ((at[2] >> 3 & 7) | (at[0] & 4u) << 1)) != 0;
}

/* mov between registers, and what gives a register another value (Intel SDM 2, opcodes 89, 8b,
 * 8d with REX.W; 31 and 33, xor of a register with itself). */
static void flow_step(struct flow *flow, struct bytes code)
{
	flow->stored |= is_store(flow, code);
	if (code.size < 3)
		return;
	unsigned char rex = code.data[0], opcode = code.data[1], modrm = code.data[2];
	if ((rex == 0x31 || rex == 0x33) && (opcode & 0xc0) == 0xc0 &&
	    (opcode >> 3 & 7) == (opcode & 7))
		flow->holders &= ~((1u << (opcode & 7)) & ARGUMENTS);
	if ((rex & 0xf8) != 0x48 || (opcode != 0x89 && opcode != 0x8b && opcode != 0x8d))
		return;
	uint32_t reg = (modrm >> 3 & 7) | (rex & 4u) << 1, rm = (modrm & 7) | (rex & 1u) << 3;
	if (modrm >> 6 != 3) {
		if (opcode != 0x89)
			flow->holders &= ~(1u << reg);
		return;
	}
	uint32_t source = opcode == 0x89 ? reg : rm, target = opcode == 0x89 ? rm : reg;
	if ((flow->holders & 1u << source) != 0)
		flow->holders |= 1u << target;
	else
		flow->holders &= ~(1u << target);
}

/* Does this call take the address? */
static bool flow_call(struct flow *flow, enum creation_kind kind,
		      const struct creation_function *function, bool *inferred_ret)
{
	uint32_t holders = flow->holders;
	bool starts_state = function != NULL && function->reg == CODE_MEMORY;
	flow->holders &= ~CALLER_SAVED;
	*inferred_ret = false;
	if (kind == CREATION_STATE) {
		bool takes = starts_state && flow->stored;
		flow->stored &= !starts_state;
		return takes;
	}
	if (function != NULL && (holders & 1u << function->reg) != 0)
		return true;
	*inferred_ret = kind == CREATION_ROUTINE;
	return (holders & ARGUMENTS) != 0;
}

uint32_t creation_calls_after(const struct code *code, const struct creation_functions *functions,
			      enum creation_kind kind, const struct code_ref *ref,
			      struct creation_call calls_ret[MAX_CREATION_CALLS])
{
	const struct range *known = functions_find(&code->functions, ref->next_addr - 1);
	struct range function =
		known != NULL ? *known : range_from_size(ref->next_addr, MAX_UNKNOWN_FUNCTION);
	struct bytes bytes = code_at(code, ref->next_addr);
	struct flow flow = {.holders = ref->reg < CODE_MEMORY ? 1u << ref->reg : 0};
	uint64_t size = function.high - ref->next_addr;
	uint32_t num = 0;
	/* A register that the next call may change is stored before it, however that looks. */
	flow.stored = ref->reg == CODE_MEMORY || (flow.holders & CALLER_SAVED) != 0;
	if (size > MAX_DISTANCE)
		size = MAX_DISTANCE;
	for (uint64_t off = 0; off < size && off < bytes.size;) {
		uint64_t next_addr;
		struct code_callee callee;
		bool inferred;
		if (!code_call_at(code, ref->next_addr + off, &function, &next_addr, &callee)) {
			flow_step(&flow, (struct bytes){bytes.data + off, bytes.size - off});
			off++;
			continue;
		}
		if (flow.first_call == 0)
			flow.first_call = next_addr;
		if (flow_call(&flow, kind, find_function(functions, &callee), &inferred)) {
			if (num < MAX_CREATION_CALLS)
				calls_ret[num++] = (struct creation_call){next_addr, inferred};
		}
		off = next_addr - ref->next_addr;
	}
	/* By way of memory it can go anywhere; most likely to what is called next. */
	if (num == 0 && kind != CREATION_STATE && flow.first_call != 0)
		calls_ret[num++] =
			(struct creation_call){flow.first_call, kind == CREATION_ROUTINE};
	return num;
}
