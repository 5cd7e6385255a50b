#include "stack/go_origins.h"

/* A frame as Go itself prints it: the function that holds the pc, and the line of the code there,
 * which may have been inlined. */
static struct coreleaks_frame make_frame(const struct go_tables *tables,
					 const struct modules *modules, uint64_t pc, bool call)
{
	struct go_function function;
	struct coreleaks_frame frame = {.pc = pc, .trust = CORELEAKS_TRUST_PCLNTAB};
	if (pc == 0 || !go_tables_find(tables, pc, &function))
		return frame;
	uint64_t lookup = call && pc > function.low ? pc - 1 : pc;
	int32_t module = modules_find(modules, pc);
	frame.function = go_function_name(&function);
	frame.origin = go_build_info_origin(&tables->build_info, frame.function);
	frame.function_offset = pc - function.low;
	go_function_line(&function, lookup, &frame.file, &frame.line);
	if (module >= 0) {
		frame.module = modules->list.items[module].name;
		frame.module_path = modules->list.items[module].info.path;
		frame.build_id = modules->list.items[module].info.build_id;
		frame.module_offset = pc - modules->list.items[module].bias;
	}
	return frame;
}

struct coreleaks_frame go_origins_creator(const struct go_tables *tables,
					  const struct modules *modules, uint64_t gopc)
{
	struct coreleaks_frame frame = make_frame(tables, modules, gopc, true);
	/* Goroutine 1 is made by the assembly that boots the program: it calls newproc by a wrapper
	 * of that name, which go statements do not need. */
	if (frame.function != NULL && (strcmp(frame.function, "runtime.rt0_go") == 0 ||
				       strcmp(frame.function, "runtime.newproc") == 0))
		frame.function = NULL;
	return frame;
}

/* runtime.isSystemGoroutine (runtime/traceback.go): what starts in the runtime is its own, but for
 * main, iter.Pull's coroutines and a handler that wasm has. */
static bool is_runtime_start(const char *name)
{
	static const char *const users[] = {"runtime.main", "runtime.corostart",
					    "runtime.handleAsyncEvent"};
	if (name == NULL || strncmp(name, "runtime.", 8) != 0)
		return false;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (strcmp(name, users[i]) == 0)
			return false;
	return true;
}

/* A finalizer or cleanup that runs is the program's code on the runtime's goroutine. */
static bool runs_user_code(const struct coreleaks_stack *stack)
{
	for (uint32_t i = 0; i < stack->num_frames; i++) {
		const char *name = stack->frames[i].function;
		if (name != NULL && strncmp(name, "runtime.", 8) != 0 &&
		    strncmp(name, "internal/", 9) != 0 && strchr(name, '.') != NULL)
			return true;
	}
	return false;
}

void go_origins_build(struct go_origins *ret, struct arena *arena, const struct go_tables *tables,
		      const struct goroutines *goroutines, const struct stacks *stacks,
		      const struct modules *modules)
{
	uint32_t num = goroutines->list.num;
	*ret = (struct go_origins){
		.items = arena_alloc_array(arena, goroutines->origins.num, sizeof(*ret->items)),
		.system = arena_alloc_array(arena, num, sizeof(*ret->system)),
	};
	bool *user_code = arena_alloc_array(arena, stacks->list.num, sizeof(*user_code));
	for (uint32_t i = 0; i < stacks->list.num && num > 0; i++)
		user_code[i] = runs_user_code(&stacks->list.items[i]);
	for (uint32_t i = 0; i < goroutines->origins.num; i++) {
		const struct go_origin *origin = &goroutines->origins.items[i];
		struct go_origin_names *names = &ret->items[i];
		names->creator = go_origins_creator(tables, modules, origin->gopc);
		names->start = make_frame(tables, modules, origin->start_addr, false);
		names->runtime = is_runtime_start(names->start.function);
	}
	for (uint32_t i = 0; i < num; i++) {
		uint32_t stack = stacks->by_task[goroutines->first_task + i];
		ret->system[i] =
			ret->items[goroutines->list.items[i].origin].runtime && !user_code[stack];
		ret->num_system += ret->system[i];
		ret->num_runtime += ret->items[goroutines->list.items[i].origin].runtime;
	}
}
